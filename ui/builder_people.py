"""Whom a recogniser is to know: people of the library with enough photos, to tick."""

from __future__ import annotations

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from faceapp.types import Person

ID_ROLE = Qt.UserRole
# With fewer nothing can be held back to see how well it works.
FEWEST = 3


class PeopleChoice(QWidget):
    """Signals:
    changed: others are ticked.
    """

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self._people: list[Person] = []
        self.least = QSpinBox(minimum=FEWEST, maximum=999, value=FEWEST)
        self.least.setButtonSymbols(QSpinBox.NoButtons)
        self.least.setAccessibleName(self.tr("Photos that a person must have"))
        self.field = QLineEdit(placeholderText=self.tr("Search by name"), clearButtonEnabled=True)
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("People"))
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.list.setTextElideMode(Qt.ElideRight)
        self._count = QLabel()
        self._count.setProperty("role", "quiet")
        self.all = QToolButton(text=self.tr("All"), toolTip=self.tr("Tick everybody who is shown"))
        self.none = QToolButton(text=self.tr("None"), toolTip=self.tr("Tick nobody"))
        self._lay_out()
        self.field.textChanged.connect(self._on_filter_changed)
        self.least.valueChanged.connect(self._on_filter_changed)
        self.list.itemChanged.connect(self._on_item_changed)
        self.all.clicked.connect(lambda: self._tick(Qt.Checked))
        self.none.clicked.connect(lambda: self._tick(Qt.Unchecked))

    def _lay_out(self) -> None:
        least = QHBoxLayout()
        least.setSpacing(8)
        least.addWidget(QLabel(self.tr("At least")))
        self.least.setFixedWidth(56)
        least.addWidget(self.least)
        least.addWidget(QLabel(self.tr("photos")))
        least.addStretch(1)
        foot = QHBoxLayout()
        foot.addWidget(self._count, 1)
        foot.addWidget(self.all)
        foot.addWidget(self.none)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(least)
        column.addWidget(self.field)
        column.addWidget(self.list, 1)
        column.addLayout(foot)

    def show_people(self, people: list[Person]) -> None:
        """The library has changed; who was ticked stays so."""
        ticked = set(self.chosen)
        self._people = people
        self.list.blockSignals(True)
        self.list.clear()
        for person in people:
            if person.photos < FEWEST:
                continue
            text = self.tr("{name} · {n} photos").format(name=person.name, n=person.photos)
            item = QListWidgetItem(text)
            item.setData(ID_ROLE, person.id)
            item.setFlags(Qt.ItemIsEnabled | Qt.ItemIsUserCheckable | Qt.ItemIsSelectable)
            item.setCheckState(Qt.Checked if person.id in ticked else Qt.Unchecked)
            self.list.addItem(item)
        self.list.blockSignals(False)
        self._on_filter_changed()

    @property
    def chosen(self) -> list[int]:
        """The ids of the people who are ticked."""
        items = (self.list.item(row) for row in range(self.list.count()))
        return [item.data(ID_ROLE) for item in items if item.checkState() == Qt.Checked]

    def _on_filter_changed(self) -> None:
        """Who is not shown is not chosen either: nobody is built in unseen."""
        photos = {person.id: person.photos for person in self._people}
        words = self.field.text().casefold()
        for row in range(self.list.count()):
            item = self.list.item(row)
            few = photos[item.data(ID_ROLE)] < self.least.value()
            item.setHidden(few or words not in item.text().casefold())
            if few:
                item.setCheckState(Qt.Unchecked)
        self._say()

    def _tick(self, state: Qt.CheckState) -> None:
        self.list.blockSignals(True)
        for row in range(self.list.count()):
            if state == Qt.Unchecked or not self.list.item(row).isHidden():
                self.list.item(row).setCheckState(state)
        self.list.blockSignals(False)
        self._on_item_changed()

    def _on_item_changed(self) -> None:
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        self._count.setText(self.tr("{n} chosen").format(n=len(self.chosen)))
