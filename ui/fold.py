"""Controls that few people need, folded away under a heading."""

from __future__ import annotations

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QToolButton, QVBoxLayout, QWidget

from ui.icons import icon


class Fold(QWidget):
    """A heading that shows and hides one widget."""

    def __init__(self, title: str, body: QWidget) -> None:
        super().__init__()
        self.body = body
        self.heading = QToolButton(text=title, checkable=True, autoRaise=True)
        self.heading.setToolButtonStyle(Qt.ToolButtonTextBesideIcon)
        self.heading.toggled.connect(self._on_toggled)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.heading, 0, Qt.AlignLeft)
        column.addWidget(body)
        self._on_toggled(False)

    def _on_toggled(self, unfolded: bool) -> None:
        self.body.setVisible(unfolded)
        self.heading.setIcon(icon("less" if unfolded else "more"))
