"""What a search for a recogniser found: accuracy against size, strangers, who is taken for whom."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PyQt5.QtCore import QEvent, Qt
from PyQt5.QtWidgets import QWidget

from faceapp.build.card import Candidate, Card
from ui.plots import Plot, pg
from ui.theme import colour

# With more people there is no room for a name in each row.
MOST_NAMES = 30
# Signs, so that nothing is told by colour alone.
FRONT, TRIED, STOPPED = "o", "o", "x"


class ParetoPlot(Plot):
    """Every candidate: accuracy against the number of parameters; the front is joined by a line."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._candidates: Sequence[Candidate] = ()
        self._plain: Sequence[tuple[str, float]] = ()
        super().__init__("Parameters", "Accuracy, %", parent)
        self.setLogMode(x=True)
        self.setAccessibleName(self.tr("Accuracy against size"))

    def show_candidates(
        self, candidates: Sequence[Candidate], plain: Sequence[tuple[str, float]]
    ) -> None:
        """plain: the plain methods that they are measured against."""
        self._candidates, self._plain = candidates, plain
        self.draw()

    def draw(self) -> None:
        self.clear()
        groups = (
            ([c for c in self._candidates if c.stopped], STOPPED, "faint", 7),
            ([c for c in self._candidates if not c.stopped and not c.front], TRIED, "quiet", 7),
            ([c for c in self._candidates if c.front], FRONT, "accent", 10),
        )
        for group, sign, word, size in groups:
            points = sorted((one.parameters, 100 * one.accuracy) for one in group)
            xs, ys = np.array(points, float).reshape(-1, 2).T
            pen = pg.mkPen(colour("accent"), width=2) if word == "accent" else None
            self.plot(xs, ys, pen=pen, symbol=sign, symbolSize=size, symbolBrush=colour(word), symbolPen=None)
        self._mark_sizes()
        for number, (title, accuracy) in enumerate(self._plain):
            pen = pg.mkPen(colour("line"), width=1, style=Qt.DashLine)
            # Side by side: the plain methods are often equally good.
            along = (number + 0.5) / len(self._plain)
            place = {"position": along, "color": colour("quiet"), "anchors": [(0.5, 1), (0.5, 0)]}
            self.addItem(pg.InfiniteLine(100 * accuracy, angle=0, pen=pen, label=title, labelOpts=place))


    def _mark_sizes(self) -> None:
        """1, 2 and 5 of each power of ten: pyqtgraph's own marks of a logarithmic axis lie on each other."""
        sizes = [10**power * step for power in range(8) for step in (1, 2, 5)]
        ticks = [(float(np.log10(size)), f"{size:,}") for size in sizes]
        self.getAxis("bottom").setTicks([ticks])


class RocPlot(Plot):
    """How many of the known are named against how many strangers get a name, for the two methods."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._card: Card | None = None
        super().__init__("Strangers who get a name, %", "Known who are named rightly, %", parent)
        self.setAccessibleName(self.tr("Known people against strangers"))
        self._legend = self.addLegend(offset=(-16, -16))

    def show_card(self, card: Card | None) -> None:
        self._card = card
        self.draw()

    def draw(self) -> None:
        self.clear()
        if self._card is None:
            return
        looks = (("accent", Qt.SolidLine), ("text", Qt.DashLine), ("quiet", Qt.DotLine))
        for place, (which, line) in enumerate(self._card.roc.items()):
            word, style = looks[min(place, len(looks) - 1)]
            points = 100 * np.array(line, float).reshape(-1, 2)
            decision = self._card.decisions.get(which)
            pen = pg.mkPen(colour(word), width=2, style=style)
            self.plot(points[:, 0], points[:, 1], pen=pen, name=decision.title if decision else which)


class ConfusionView(pg.GraphicsLayoutWidget):
    """Who is taken for whom: rows are who it was, columns what was said; strangers and nobody come last."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._card: Card | None = None
        self._plot = self.addPlot()
        self._plot.invertY(True)
        self._plot.setAspectLocked(True)
        self._plot.setMenuEnabled(False)
        self._plot.hideButtons()
        self._image = pg.ImageItem(axisOrder="row-major")
        self._plot.addItem(self._image)
        self.setAccessibleName(self.tr("Who is taken for whom"))
        self.dress()

    def dress(self) -> None:
        self.setBackground(colour("panel"))
        ends = [colour("panel").getRgb()[:3], colour("accent").getRgb()[:3]]
        self._image.setLookupTable(pg.ColorMap([0.0, 1.0], ends).getLookupTable(nPts=256))
        for side in ("left", "bottom"):
            self._plot.getAxis(side).setPen(colour("line"))
            self._plot.getAxis(side).setTextPen(colour("quiet"))

    def show_card(self, card: Card | None) -> None:
        self._card = card
        counts = np.array(card.confusion, float) if card is not None and card.confusion else np.zeros((1, 1))
        shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
        self._image.setImage(shares, levels=(0, 1))
        names = [known.name for known in card.people] if card is not None else []
        shown = names if len(names) <= MOST_NAMES else [""] * len(names)
        # The columns are in the order of the rows: their names would lie on each other.
        for side, labels in (
            ("left", [*shown, self.tr("strangers")]),
            ("bottom", [*[""] * len(names), self.tr("nobody")]),
        ):
            ticks = [(place + 0.5, label) for place, label in enumerate(labels) if label]
            self._plot.getAxis(side).setTicks([ticks])

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.PaletteChange and hasattr(self, "_plot"):
            self.dress()
