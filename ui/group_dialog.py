"""Groups of people who are expected together: make, change, delete."""

from __future__ import annotations

from collections.abc import Callable

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.jobs import JobContext
from faceapp.live import Group
from faceapp.services import Services
from faceapp.types import Person
from ui.jobs_qt import JobsQt
from ui.messages import NOTICE_SECONDS, MessageBar

LANE = "attendance"
ID_ROLE = Qt.UserRole


class GroupDialog(QDialog):
    """Signals:
    changed: a group was written.
    """

    changed = pyqtSignal()

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Groups"))
        self.resize(400, 560)
        self._services = services
        self._jobs = jobs
        self.choice = QComboBox()
        self.choice.setAccessibleName(self.tr("Group"))
        self.name = QLineEdit(placeholderText=self.tr("Name, such as “Class 3b”"))
        self.people = QListWidget()
        self.people.setAccessibleName(self.tr("Members"))
        self.messages = MessageBar()
        self.save_button = QPushButton(self.tr("Save group"))
        self.save_button.setProperty("role", "primary")
        self.delete_button = QPushButton(self.tr("Delete group"))
        foot = QHBoxLayout()
        foot.addWidget(self.delete_button)
        foot.addStretch(1)
        foot.addWidget(self.save_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.messages)
        column.addWidget(self.choice)
        column.addWidget(self.name)
        column.addWidget(QLabel(self.tr("Tick everybody who belongs to it.")))
        column.addWidget(self.people, 1)
        column.addLayout(foot)
        self.choice.currentIndexChanged.connect(self._on_group_chosen)
        self.name.textChanged.connect(self._show_buttons)
        self.save_button.clicked.connect(self.save)
        self.delete_button.clicked.connect(self.delete)
        self._read("")

    @property
    def members(self) -> list[int]:
        """The ids of the ticked people."""
        items = [self.people.item(row) for row in range(self.people.count())]
        return [int(item.data(ID_ROLE)) for item in items if item.checkState() == Qt.Checked]

    def save(self) -> None:
        """Make the group, or replace the members of the one of that name."""
        name, members = self.name.text().strip(), self.members
        self._write(lambda: self._services.sightings.save_group(name, members), name)

    def delete(self) -> None:
        group = self.choice.currentData()
        if group is not None:
            self._write(lambda: self._services.sightings.delete_group(group.id), "")

    def _read(self, name: str) -> None:
        """Read groups and people, and turn to the group of that name."""

        def body(_: JobContext) -> tuple[list[Group], list[Person]]:
            return self._services.sightings.groups(), self._services.people.find()

        self._jobs.run(
            self.tr("Read the groups"),
            body,
            lambda found: self._show(found[0], found[1], name),
            self.messages.show_error,
            LANE,
            owner=self,
        )

    def _write(self, change: Callable[[], object], name: str) -> None:
        def done(_: object) -> None:
            self.messages.show_message(self.tr("Saved."), kind="success", seconds=NOTICE_SECONDS)
            self.changed.emit()
            self._read(name)

        self._jobs.run(
            self.tr("Save the group"),
            lambda _: change(),
            done,
            self.messages.show_error,
            LANE,
            owner=self,
        )

    def _show(self, groups: list[Group], people: list[Person], name: str) -> None:
        self.people.clear()
        for person in people:
            item = QListWidgetItem(person.name)
            item.setData(ID_ROLE, person.id)
            item.setFlags(item.flags() | Qt.ItemIsUserCheckable)
            item.setCheckState(Qt.Unchecked)
            self.people.addItem(item)
        self.choice.blockSignals(True)
        self.choice.clear()
        self.choice.addItem(self.tr("A new group"), None)
        for group in groups:
            self.choice.addItem(group.name, group)
        self.choice.setCurrentIndex(max(0, self.choice.findText(name)) if name else 0)
        self.choice.blockSignals(False)
        self._on_group_chosen()

    def _on_group_chosen(self) -> None:
        group = self.choice.currentData()
        members = set(group.person_ids) if group is not None else set()
        self.name.setText(group.name if group is not None else "")
        for row in range(self.people.count()):
            item = self.people.item(row)
            item.setCheckState(Qt.Checked if item.data(ID_ROLE) in members else Qt.Unchecked)
        self._show_buttons()

    def _show_buttons(self) -> None:
        self.save_button.setEnabled(bool(self.name.text().strip()))
        self.delete_button.setEnabled(self.choice.currentData() is not None)
