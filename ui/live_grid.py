"""Several sources side by side."""

from __future__ import annotations

import math

from PyQt5.QtWidgets import QGridLayout, QWidget

from ui.live_view import LiveView

GAP = 8


class LiveGrid(QWidget):
    """As many columns as rows, or one view alone."""

    def __init__(self) -> None:
        super().__init__()
        self._views: list[LiveView] = []
        self._alone: LiveView | None = None
        self._layout = QGridLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(GAP)

    @property
    def views(self) -> tuple[LiveView, ...]:
        return tuple(self._views)

    @property
    def alone(self) -> LiveView | None:
        """The view that is shown without the others."""
        return self._alone

    def add(self, view: LiveView) -> None:
        self._views.append(view)
        self._arrange()

    def remove(self, view: LiveView) -> None:
        self._views.remove(view)
        if self._alone is view:
            self._alone = None
        view.hide()
        view.deleteLater()
        self._arrange()

    def show_alone(self, view: LiveView | None) -> None:
        """Show one view large; None shows all of them again."""
        self._alone = view
        self._arrange()

    def _arrange(self) -> None:
        while self._layout.count():
            self._layout.takeAt(0)
        shown = [self._alone] if self._alone is not None else self._views
        columns = max(1, math.ceil(math.sqrt(len(shown))))
        for view in self._views:
            view.setVisible(view in shown)
        for index, view in enumerate(shown):
            self._layout.addWidget(view, index // columns, index % columns)
        for column in range(self._layout.columnCount()):
            self._layout.setColumnStretch(column, 1 if column < columns else 0)
        for row in range(self._layout.rowCount()):
            self._layout.setRowStretch(row, 1 if row < math.ceil(len(shown) / columns) else 0)
