"""Ctrl+K: every command of the window, found by typing."""

from __future__ import annotations

from collections.abc import Iterable

from PyQt5.QtCore import QEvent, QObject, QSize, Qt
from PyQt5.QtGui import QKeyEvent, QKeySequence
from PyQt5.QtWidgets import (
    QAction,
    QDialog,
    QHeaderView,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

ROW = 32
PASSED_ON = (Qt.Key_Up, Qt.Key_Down, Qt.Key_PageUp, Qt.Key_PageDown)


class CommandsDialog(QDialog):
    """A field and the commands that fit what is typed; Enter runs the marked one.

    Args:
        actions: what can be run; those without a text, with a menu or switched off are left out.
    """

    def __init__(self, actions: Iterable[QAction], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("All commands"))
        self.setAttribute(Qt.WA_DeleteOnClose)
        self.resize(480, 400)
        self._actions = list({label(action): action for action in actions if _can_run(action)}.values())
        self._field = QLineEdit(placeholderText=self.tr("Type what you want to do"), clearButtonEnabled=True)
        self._field.setAccessibleName(self.tr("Command"))
        self._field.installEventFilter(self)
        self._list = QTreeWidget(columnCount=2, rootIsDecorated=False, headerHidden=True)
        self._list.header().setStretchLastSection(False)
        self._list.header().setSectionResizeMode(0, QHeaderView.Stretch)
        self._list.header().setSectionResizeMode(1, QHeaderView.ResizeToContents)
        self._list.setUniformRowHeights(True)
        self._list.setIconSize(QSize(20, 20))
        self._list.setAccessibleName(self.tr("Commands"))
        self._list.setFocusPolicy(Qt.NoFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self._field)
        column.addWidget(self._list)
        self._field.textChanged.connect(self._show)
        self._field.returnPressed.connect(self._on_return_pressed)
        self._list.itemClicked.connect(self._run)
        self._show("")

    @property
    def shown(self) -> list[str]:
        """What is listed now, best first."""
        return [self._list.topLevelItem(row).text(0) for row in range(self._list.topLevelItemCount())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrows move in the list while the field keeps the keyboard."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.KeyPress and event.key() in PASSED_ON:
            self._list.keyPressEvent(event)
            return True
        return bool(super().eventFilter(watched, event))

    def _show(self, text: str) -> None:
        wanted = text.casefold().split()
        self._list.clear()
        for action in self._actions:
            name = label(action)
            if all(word in name.casefold() for word in wanted):
                item = QTreeWidgetItem([name, action.shortcut().toString(QKeySequence.NativeText)])
                item.setIcon(0, action.icon())
                item.setSizeHint(0, QSize(0, ROW))
                item.setForeground(1, self.palette().placeholderText())
                item.setTextAlignment(1, Qt.AlignRight | Qt.AlignVCenter)
                item.setData(0, Qt.UserRole, action)
                self._list.addTopLevelItem(item)
        self._list.setCurrentItem(self._list.topLevelItem(0))

    def _on_return_pressed(self) -> None:
        if self._list.currentItem() is not None:
            self._run(self._list.currentItem())

    def _run(self, item: QTreeWidgetItem) -> None:
        action = item.data(0, Qt.UserRole)
        self.accept()
        action.trigger()


def label(action: QAction) -> str:
    """An action's text without the mnemonic."""
    return str(action.text()).replace("&", "")


def _can_run(action: QAction) -> bool:
    return bool(action.text()) and action.menu() is None and action.isEnabled() and action.isVisible()
