"""What happened, why and what to do: shown in the page where it happened, never in a box of its own."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtWidgets import (
    QApplication,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import Cancelled, FaceAppError
from ui.icons import icon

ICONS = {"info": "info", "success": "done", "warning": "warning", "error": "error"}
DETAILS_HEIGHT = 120
# How long what went well is shown; longer where it can be taken back.
NOTICE_SECONDS, UNDO_SECONDS = 8, 20


class MessageBar(QFrame):
    """A sentence with a hint, a way to act on it, details that fold out, copy and close.

    Hidden until something is shown; a new message takes the place of the old one.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self._icon = QLabel(objectName="messageIcon")
        self._sentence = QLabel(objectName="messageSentence", wordWrap=True)
        self._hint = QLabel(objectName="messageHint", wordWrap=True)
        self._details = QPlainTextEdit(objectName="messageDetails", readOnly=True)
        self._action = QPushButton(objectName="messageAction")
        self._fold = _tool(self.tr("Details"), "more")
        self._copy = _tool(self.tr("Copy"), "copy", self.tr("Copy this message"))
        self._close = _tool("", "close", self.tr("Close"))
        self._on_action: Callable[[], object] | None = None
        self._timer = QTimer(self, singleShot=True)
        self._lay_out()
        self._connect()
        self.hide()

    @property
    def text(self) -> str:
        """The sentence that is shown; empty when the bar is hidden."""
        return "" if self.isHidden() else self._sentence.text()

    def show_error(self, error: FaceAppError) -> None:
        """What went wrong. A job that the user stopped is no error: it clears the bar."""
        if isinstance(error, Cancelled):
            self.clear()
            return
        details = f"{error.code}\n{_chain(error)}".strip()
        self.show_message(error.sentence, error.hint, kind="error", details=details)

    def show_message(
        self,
        sentence: str,
        hint: str = "",
        kind: str = "info",
        action: tuple[str, Callable[[], object]] | None = None,
        details: str = "",
        seconds: float = 0,
    ) -> None:
        """Show a sentence.

        Args:
            kind: "info", "success", "warning" or "error"; told by icon and colour.
            action: label of a button and what it does; the bar closes when it is pressed.
            seconds: go away by itself after this time; 0 stays until closed.
        """
        self.setProperty("kind", kind)
        self._restyle()
        self._icon.setPixmap(icon(ICONS[kind]).pixmap(20, 20))
        self._sentence.setText(sentence)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._details.setPlainText(details)
        self._details.hide()
        self._fold.setVisible(bool(details))
        self._fold.setIcon(icon("more"))
        self._copy.setVisible(kind in ("warning", "error"))
        self._on_action = action[1] if action else None
        self._action.setText(action[0] if action else "")
        self._action.setVisible(action is not None)
        self.setAccessibleName(f"{kind}: {sentence}")
        self._timer.stop()
        if seconds:
            self._timer.start(int(seconds * 1000))
        self.show()

    def clear_error(self) -> None:
        """Take the message away if it says what went wrong: the user is on to something else."""
        if self.property("kind") in ("warning", "error"):
            self.clear()

    def clear(self) -> None:
        """Take the message away."""
        self._timer.stop()
        self._on_action = None
        self.hide()

    def _lay_out(self) -> None:
        self._details.setMaximumHeight(DETAILS_HEIGHT)
        for label in (self._sentence, self._hint):
            label.setTextInteractionFlags(Qt.TextSelectableByMouse)
            label.setTextFormat(Qt.PlainText)
            label.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Minimum)
        self.setSizePolicy(QSizePolicy.Preferred, QSizePolicy.Maximum)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._sentence)
        words.addWidget(self._hint)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._icon, 0, Qt.AlignVCenter)
        row.addLayout(words, 1)
        for button in (self._action, self._fold, self._copy, self._close):
            row.addWidget(button, 0, Qt.AlignVCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 8, 8)
        column.addLayout(row)
        column.addWidget(self._details)

    def _connect(self) -> None:
        self._action.clicked.connect(self._on_action_clicked)
        self._fold.clicked.connect(self._on_fold_clicked)
        self._copy.clicked.connect(self._on_copy_clicked)
        self._close.clicked.connect(self.clear)
        self._timer.timeout.connect(self.clear)

    def _on_action_clicked(self) -> None:
        action = self._on_action
        self.clear()
        if action is not None:
            action()

    def _on_fold_clicked(self) -> None:
        unfold = self._details.isHidden()
        self._details.setVisible(unfold)
        self._fold.setIcon(icon("less" if unfold else "more"))

    def _on_copy_clicked(self) -> None:
        parts = (self._sentence.text(), self._hint.text(), self._details.toPlainText())
        clipboard = QApplication.clipboard()
        if clipboard is not None:
            clipboard.setText("\n".join(part for part in parts if part))

    def _restyle(self) -> None:
        style = self.style()
        for widget in (self, self._sentence, self._hint):
            style.unpolish(widget)
            style.polish(widget)


def _tool(text: str, name: str, tip: str = "") -> QToolButton:
    button = QToolButton()
    button.setText(text)
    button.setIcon(icon(name))
    button.setAutoRaise(True)
    button.setToolTip(tip or text)
    button.setAccessibleName(tip or text)
    button.setToolButtonStyle(Qt.ToolButtonTextBesideIcon if text else Qt.ToolButtonIconOnly)
    return button


def _chain(error: BaseException) -> str:
    """What lies behind an error, one line each, for a bug report."""
    lines = []
    cause = error.__cause__ or error.__context__
    while cause is not None:
        lines.append("".join(traceback.format_exception_only(cause)).strip())
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines)
