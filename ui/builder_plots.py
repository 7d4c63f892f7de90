"""What a search for a recogniser found: accuracy against size, strangers, who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import QEvent, Qt

from faceapp.build.card import Candidate, Card
from faceapp.types import Floats
from ui.plots import Plot, pg
from ui.theme import colour

# With more people there is no room for a name in each row.
MOST_NAMES = 30
# And in a small field there is no room for a count.
MOST_COUNTS = 16
# Signs, so that nothing is told by colour alone.
FRONT, TRIED, STOPPED = "o", "o", "x"


class ParetoPlot(Plot):
    """Every candidate: accuracy against the number of parameters; the front is joined by a line."""

    def __init__(self) -> None:
        self._candidates: Sequence[Candidate] = ()
        self._plain: Sequence[tuple[str, float]] = ()
        self._ended = False
        super().__init__('Parameters', 'Accuracy, %')
        self.setLogMode(x=True)
        self.setAccessibleName(self.tr("Accuracy against size"))
        self.addLegend(offset=(-16, -16), labelTextColor=colour("quiet"))

    def show_candidates(
        self, candidates: Sequence[Candidate], plain: Sequence[tuple[str, float]], ended: bool
    ) -> None:
        """plain: the plain methods that they are measured against. ended: no more of them will come."""
        self._candidates, self._plain, self._ended = candidates, plain, ended
        self.draw()

    def draw(self) -> None:
        self.clear()
        if not self._candidates:
            said = self.tr("Candidates appear here as they are tried.")
            if self._ended:
                said = self.tr("There was no search: one network was trained.")
            self.setTitle(said, color=colour("quiet").name())
            return
        self.setTitle(None)
        front = [one for one in self._candidates if one.front]
        tried = [one for one in self._candidates if not one.stopped and not one.front]
        self._scatter([one for one in self._candidates if one.stopped], STOPPED, "faint", 7, "stopped early")
        self._scatter(tried, TRIED, "quiet", 7, "tried")
        self._draw_front(front)
        self._scatter(front, FRONT, "accent", 10, "front: nothing is better in all")
        self._mark_sizes()
        self._draw_plain()

    def _scatter(self, group: Sequence[Candidate], sign: str, word: str, size: int, title: str) -> None:
        if group:
            xs, ys = [one.parameters for one in group], [100 * one.accuracy for one in group]
            marks = {"symbol": sign, "symbolSize": size, "symbolBrush": colour(word), "symbolPen": None}
            self.plot(xs, ys, pen=None, name=self.tr(title), **marks)

    def _draw_front(self, front: Sequence[Candidate]) -> None:
        """The line joins those that are more accurate than all smaller ones: others are in front by their
        time, which is not drawn."""
        line: list[Candidate] = []
        for one in sorted(front, key=lambda one: (one.parameters, -one.accuracy)):
            if not line or one.accuracy > line[-1].accuracy:
                line.append(one)
        xs, ys = [one.parameters for one in line], [100 * one.accuracy for one in line]
        self.plot(xs, ys, pen=pg.mkPen(colour("accent"), width=2))

    def _draw_plain(self) -> None:
        sizes = [one.parameters for one in self._candidates]
        ends = [min(sizes), max(sizes)]
        looks = (Qt.DashLine, Qt.DotLine, Qt.DashDotLine, Qt.DashDotDotLine)
        for number, (title, accuracy) in enumerate(self._plain):
            pen = pg.mkPen(colour("text"), width=1, style=looks[number % len(looks)])
            name = self.tr("{method}: {share:.1f} %").format(method=title, share=100 * accuracy)
            self.plot(ends, [100 * accuracy] * 2, pen=pen, name=name)

    def _mark_sizes(self) -> None:
        """1, 2 and 5 of each power of ten: pyqtgraph's own marks of a logarithmic axis lie on each other."""
        sizes = [10**power * step for power in range(8) for step in (1, 2, 5)]
        ticks = [(float(np.log10(size)), f"{size:,}") for size in sizes]
        self.getAxis("bottom").setTicks([ticks])


class RocPlot(Plot):
    """How many of the known are named against how many strangers get a name, for the two methods."""

    def __init__(self) -> None:
        self._card: Card | None = None
        super().__init__('Strangers who get a name, %', 'Known who are named rightly, %')
        self.setAccessibleName(self.tr("Known people against strangers"))
        self.addLegend(offset=(-16, -16), labelTextColor=colour("quiet"))

    def show_card(self, card: Card | None) -> None:
        self._card = card
        self.draw()

    def draw(self) -> None:
        self.clear()
        if self._card is None:
            return
        looks = (("accent", Qt.SolidLine), ("text", Qt.DashLine), ("quiet", Qt.DotLine))
        titles = {row.method: row.title for row in self._card.table}
        for place, (which, line) in enumerate(self._card.roc.items()):
            word, style = looks[min(place, len(looks) - 1)]
            points = 100 * np.array(line, float).reshape(-1, 2)
            pen = pg.mkPen(colour(word), width=2, style=style)
            self.plot(points[:, 0], points[:, 1], pen=pen, name=titles.get(which, which))


class ConfusionView(pg.GraphicsLayoutWidget):
    """Who is taken for whom: rows are who it was, columns what was said; strangers and nobody come last."""

    def __init__(self) -> None:
        super().__init__()
        self._card: Card | None = None
        self._plot = self.addPlot()
        self._plot.invertY(True)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._texts: list[pg.TextItem] = []
        self._image = pg.ImageItem(axisOrder="row-major")
        self._plot.addItem(self._image)
        self.setAccessibleName(self.tr("Who is taken for whom"))
        self.dress()

    def dress(self) -> None:
        self.setBackground(colour("panel"))
        ends = [colour("panel").getRgb()[:3], colour("accent").getRgb()[:3]]
        self._image.setLookupTable(pg.ColorMap([0.0, 1.0], ends).getLookupTable(nPts=256))
        for side, words in (("left", self.tr("Who it was")), ("bottom", self.tr("Who was said"))):
            axis = self._plot.getAxis(side)
            axis.setPen(colour("line"))
            axis.setTextPen(colour("quiet"))
            axis.setLabel(words, color=colour("quiet").name())

    def show_card(self, card: Card | None) -> None:
        self._card = card
        known = card.confusion if card is not None and card.confusion else [[0]]
        counts = np.array(known, np.float32)
        shares = (counts / np.maximum(1, counts.sum(axis=1, keepdims=True))).astype(np.float32)
        self._image.setImage(shares, levels=(0, 1))
        names = [known.name for known in card.people] if card is not None else []
        few = len(names) <= MOST_NAMES
        # The columns are in the order of the rows: numbers lead from one to the other.
        rows = [f"{name}  {place}" if few else "" for place, name in enumerate(names, 1)]
        every = 1 if len(names) <= MOST_COUNTS else 5
        columns = [str(place) if few and place % every == 0 else "" for place in range(1, len(names) + 1)]
        for side, labels in (
            ("left", [*rows, self.tr("strangers")]),
            ("bottom", [*columns, self.tr("none")]),
        ):
            ticks = [(place + 0.5, label) for place, label in enumerate(labels) if label]
            self._plot.getAxis(side).setTicks([ticks] if card is not None else [[]])
        self._plot.setRange(xRange=(0, len(counts)), yRange=(0, len(counts)), padding=0.01)
        self._write_counts(counts, shares)

    def _write_counts(self, counts: Floats, shares: Floats) -> None:
        for text in self._texts:
            self._plot.removeItem(text)
        self._texts = []
        if len(counts) > MOST_COUNTS:
            return
        for row, column in zip(*np.nonzero(counts), strict=True):
            word = "on_accent" if shares[row, column] > 0.5 else "text"
            text = pg.TextItem(f"{counts[row, column]:.0f}", colour(word), anchor=(0.5, 0.5))
            text.setPos(column + 0.5, row + 0.5)
            self._plot.addItem(text)
            self._texts.append(text)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.PaletteChange and hasattr(self, "_plot"):
            self.dress()
            self.show_card(self._card)
