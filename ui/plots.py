"""Plots in the colours of the theme. pyqtgraph takes its time: import this where a plot is first shown."""

from __future__ import annotations

import os
from collections.abc import Sequence

# pyqtgraph asks for it when it is imported.
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PyQt5")
import pyqtgraph as pg
from PyQt5.QtCore import QEvent

from ui.theme import colour

__all__ = ["LossPlot", "Plot", "pg"]

LOSS_HEIGHT = 176


class Plot(pg.PlotWidget):
    """A plot in the colours of the theme; it is drawn anew when the theme changes."""

    def __init__(self, across: str, up: str) -> None:
        super().__init__()
        self._labels = {"bottom": across, "left": up}
        self.setMenuEnabled(False)
        self.hideButtons()
        self.dress()

    def dress(self) -> None:
        self.setBackground(colour("panel"))
        for side, text in self._labels.items():
            axis = self.getAxis(side)
            axis.setPen(colour("line"))
            axis.setTextPen(colour("quiet"))
            axis.setLabel(text, color=colour("quiet").name())
        self.showGrid(x=True, y=True, alpha=0.15)
        self.draw()

    def draw(self) -> None:
        """Draw what is shown; overridden."""

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.PaletteChange and hasattr(self, "_labels"):
            self.dress()


class LossPlot(Plot):
    """How far a search still is from the photo, step by step. The wheel belongs to the column around it."""

    def __init__(self) -> None:
        self._losses: Sequence[float] = ()
        super().__init__('Step', 'Loss')
        self.setAccessibleName(self.tr("Loss of the search"))
        self.setMouseEnabled(x=False, y=False)
        self.setFixedHeight(LOSS_HEIGHT)

    @property
    def losses(self) -> Sequence[float]:
        return self._losses

    def show_losses(self, losses: Sequence[float]) -> None:
        """losses: of the steps from the first one on."""
        self._losses = losses
        self.draw()

    def draw(self) -> None:
        self.clear()
        steps = range(1, len(self._losses) + 1)
        self.plot(list(steps), list(self._losses), pen=pg.mkPen(colour("accent"), width=2))
