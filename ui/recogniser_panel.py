"""The recognisers that there are: choose one, use it, compare two, take one away, bring one in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtGui import QKeySequence
from PyQt5.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QMessageBox,
    QPushButton,
    QShortcut,
    QWidget,
)

from faceapp.build.card import Card
from faceapp.errors import Conflict
from faceapp.services import Services
from faceapp.services.recognisers import Comparison, Entry
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.widgets import stacked
from ui.wrapped_label import WrappedLabel

ID_ROLE = Qt.UserRole
LANE = "builder"
SIGNS = {"ready": "✓", "building": "…", "waiting": "…", "stopped": "■", "failed": "✕"}
UNFINISHED = ("building", "waiting")


class RecogniserPanel(QWidget):
    """Signals:
    chosen: the id of the recogniser that the user turned to, or None.
    changed: something was done to one: the list is to be read again.
    added: an `Entry` that has come in.
    told: (sentence, hint) of what was done. failed: a FaceAppError.
    """

    chosen = pyqtSignal(object)
    changed = pyqtSignal()
    added = pyqtSignal(object)
    told = pyqtSignal(str, str)
    failed = pyqtSignal(object)

    def __init__(self, services: Services, jobs: JobsQt) -> None:
        super().__init__()
        self._services = services
        self._jobs = jobs
        self._memory = Memory(services.paths)
        self._entries: Sequence[Entry] = ()
        self._shown: str | None = None
        tr = self.tr
        self._none = WrappedLabel(tr("What you build is listed here: to be used, compared and taken away."))
        self._none.setProperty("role", "quiet")
        self.list = QListWidget()
        self.verdict = WrappedLabel()
        self.which = QComboBox()
        self.which.setAccessibleName(tr("Recognise by"))
        self.which.setToolTip(tr("A recogniser holds its network and the best of the plain methods"))
        self.use_button = QPushButton(icon("done"), "")
        self.export_button = QPushButton(icon("export"), tr("Take away…"))
        self.export_button.setToolTip(tr("Save it as one file, for another computer or program"))
        self.import_button = QPushButton(icon("open"), tr("Add a file…"))
        self.import_button.setToolTip(tr("Take in a recogniser that was built elsewhere"))
        self.compare_button = QPushButton(icon("compare"), tr("Compare…"))
        self.compare_button.setToolTip(tr("Try two of them on the same photos"))
        self.resume_button = QPushButton(icon("play"), tr("Go on"))
        self.resume_button.setToolTip(tr("Go on with a search that was stopped"))
        self.delete_button = QPushButton(icon("delete"), tr("Delete…"))
        self._lay_out()
        self._connect()
        self.show_entries((), None)

    def _lay_out(self) -> None:
        column = stacked(self)
        heading = QLabel(self.tr("Recognisers"))
        heading.setProperty("role", "heading")
        self.list.setAccessibleName(heading.text())
        self.which.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.which.setMinimumContentsLength(8)
        for widget in (heading, self._none):
            column.addWidget(widget)
        column.addWidget(self.list, 1)
        for widget in (self.verdict, self.which, self.use_button):
            column.addWidget(widget)
        for pair in (
            (self.compare_button, self.resume_button),
            (self.export_button, self.import_button),
            (self.delete_button,),
        ):
            row = QHBoxLayout()
            row.setSpacing(8)
            for button in pair:
                row.addWidget(button, 1)
            column.addLayout(row)
        column.addStretch(0)

    def _connect(self) -> None:
        self.list.currentItemChanged.connect(self._on_current_changed)
        self.which.activated.connect(self._show_use)
        self.use_button.clicked.connect(self._on_use_clicked)
        self.export_button.clicked.connect(self.ask_export)
        self.import_button.clicked.connect(self._on_import_clicked)
        self.compare_button.clicked.connect(self._on_compare_clicked)
        self.resume_button.clicked.connect(self._on_resume_clicked)
        self.delete_button.clicked.connect(self._on_delete_clicked)
        delete = QShortcut(QKeySequence(QKeySequence.Delete), self.list, context=Qt.WidgetShortcut)
        delete.activated.connect(self.delete_button.click)

    # -- what is shown -------------------------------------------------------------------------------

    @property
    def entry(self) -> Entry | None:
        """The recogniser that is shown."""
        return next((one for one in self._entries if one.id == self._shown), None)

    def show_entries(self, entries: Sequence[Entry], shown: str | None) -> None:
        """All of them, the newest first; `shown` is the id of the one that is looked at."""
        before, self._entries, self._shown = self.entry, entries, shown
        self._fill_list()
        entry = self.entry
        if entry is None or before is None or (before.id, before.card) != (entry.id, entry.card):
            self._offer(entry.card if entry is not None else None)
        text = self._verdict(entry)
        if text != self.verdict.text():
            self.verdict.setText(text)
        self.verdict.setVisible(bool(text))
        self._tell_buttons()

    def _fill_list(self) -> None:
        using, _ = self._services.recognisers.using
        self.list.blockSignals(True)
        self.list.clear()
        for entry in self._entries:
            text = f"{SIGNS[entry.state]} {entry.name}"
            if entry.id == using:
                text += self.tr(" · in use")
            item = QListWidgetItem(text)
            item.setData(ID_ROLE, entry.id)
            item.setToolTip(self._about(entry))
            self.list.addItem(item)
            if entry.id == self._shown:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)

    def _about(self, entry: Entry) -> str:
        if entry.card is None:
            return str(entry.error) if entry.error else entry.message
        return self.tr("{n} people, {date}").format(n=len(entry.card.people), date=entry.created[:10])

    def _verdict(self, entry: Entry | None) -> str:
        if entry is not None and entry.error is not None:
            return f"{entry.error.sentence} {entry.error.hint}".strip()
        return entry.card.verdict if entry is not None and entry.card is not None else ""

    def _offer(self, card: Card | None) -> None:
        """Its two models, by what they are; the one that did better stands first."""
        self.which.clear()
        if card is None:
            return
        titles = {"network": self.tr("the network"), "plain": self.tr("the plain method")}
        if "plain" in card.decisions:
            titles["plain"] = card.decisions["plain"].title
        for which in sorted(card.decisions, key=lambda one: one != card.winner):
            better = self.tr(" (better)") if which == card.winner else ""
            self.which.addItem(self.tr("By {method}").format(method=titles[which]) + better, which)
        using, by = self._services.recognisers.using
        if using == self._shown and by is not None:
            self.which.setCurrentIndex(max(0, self.which.findData(by)))

    def _tell_buttons(self) -> None:
        entry, some = self.entry, bool(self._entries)
        built = entry is not None and entry.available
        self._none.setHidden(some)
        for widget in (self.list, self.use_button, self.export_button, self.compare_button):
            widget.setVisible(some)
        self.delete_button.setVisible(some)
        self.which.setVisible(built and self.which.count() > 1)
        self.use_button.setEnabled(built)
        self.export_button.setEnabled(built)
        self.compare_button.setEnabled(built and sum(one.available for one in self._entries) > 1)
        self.resume_button.setVisible(entry is not None and entry.state == "stopped")
        self.delete_button.setEnabled(entry is not None and entry.state not in UNFINISHED)
        self._show_use()

    def _show_use(self) -> None:
        in_use = self._in_use()
        self.use_button.setText(self.tr("Stop using it") if in_use else self.tr("Use this recogniser"))

    def _in_use(self) -> bool:
        """The recogniser that is shown is used already, by the method that is chosen."""
        entry = self.entry
        using, by = self._services.recognisers.using
        if entry is None or entry.card is None or entry.id != using:
            return False
        return self.which.currentData() in (None, by or entry.card.winner)

    def _on_current_changed(self, item: QListWidgetItem | None) -> None:
        self.chosen.emit(item.data(ID_ROLE) if item is not None else None)

    # -- what can be done with one -------------------------------------------------------------------

    def _do(self, call: Callable[[], Any], done: Callable[[Any], object] | None = None) -> None:
        """Something short, behind the window; the list is read again after it."""

        def ended(result: Any) -> None:
            if done is not None:
                done(result)
            self.changed.emit()

        self._jobs.run(
            self.tr("Recogniser"), lambda _: call(), ended, self.failed.emit, resource=LANE, owner=self
        )

    def use(self) -> None:
        """Recognise by the one that is shown from now on, or by the library again."""
        entry, recognisers = self.entry, self._services.recognisers
        if entry is None:
            return
        if self._in_use():
            said = self.tr("Faces are compared with the library again.")
            self._do(lambda: recognisers.use(""), lambda _: self.told.emit(said, ""))
            return
        # The better one is the recogniser's own choice.
        which = self.which.currentData() if self.which.currentIndex() > 0 else None
        said = self.tr("“{name}” recognises faces from now on: in photos, live and over REST.")
        self._do(
            lambda: recognisers.use(entry.id, which),
            lambda _: self.told.emit(said.format(name=entry.name), ""),
        )

    def _on_use_clicked(self) -> None:
        self.use()

    def ask_export(self) -> bool:
        """Ask where the recogniser that is shown is to be saved; False where there is none."""
        entry = self.entry
        if entry is None or not entry.available:
            return False
        place = str(Path(self._memory.folder("results")) / f"{entry.name}.zip")
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Save the recogniser"), place, "Zip (*.zip)")
        if name:
            self.export(Path(name))
        return True

    def export(self, path: Path) -> None:
        """Write the recogniser that is shown to a file."""
        entry = self.entry
        if entry is None:
            return
        self._memory.keep_folder("results", path.parent)
        said = self.tr("Saved as {name}.").format(name=path.name)
        self._do(
            lambda: self._services.recognisers.export(entry.id, path), lambda _: self.told.emit(said, "")
        )

    def _on_import_clicked(self) -> None:
        title = self.tr("Choose a recogniser")
        name, _ = QFileDialog.getOpenFileName(self, title, self._memory.folder("results"), "Zip (*.zip)")
        if name:
            self.add_file(Path(name))

    def add_file(self, path: Path) -> None:
        """Take in a recogniser that was built elsewhere."""
        self._do(lambda: self._services.recognisers.import_file(path), self.added.emit)

    def _on_compare_clicked(self) -> None:
        entry = self.entry
        if entry is None:
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WA_DeleteOnClose)
        for other in self._entries:
            if other.available and other.id != entry.id:
                action = menu.addAction(self.tr("With “{name}”").format(name=other.name))
                action.triggered.connect(partial(self._on_other_chosen, entry.id, other.id))
        menu.popup(self.compare_button.mapToGlobal(self.compare_button.rect().bottomLeft()))

    def _on_other_chosen(self, one: str, other: str, _: bool = False) -> None:
        self.compare(one, other)

    def compare(self, one: str, other: str) -> None:
        """Two recognisers on the same photos, which both have not learned from."""
        compare = self._services.recognisers.compare

        def either() -> Comparison:
            """The held-back photos of one will do, where those of the other are no use."""
            try:
                return compare(one, other)
            except Conflict:
                return compare(other, one)

        self._do(either, self._on_compared)

    def _on_compared(self, result: Comparison) -> None:
        line = self.tr("“{name}”: {all:.1f} % right; known {known:.1f} %, strangers refused {out:.1f} %")
        lines = [
            line.format(
                name=each.entry.name,
                all=100 * each.accuracy,
                known=100 * each.known_right,
                out=100 * each.strangers_refused,
            )
            for each in (result.one, result.other)
        ]
        head = self.tr("On {n} photos of known people and {s} of strangers that were held back:")
        self.told.emit(head.format(n=result.photos, s=result.strangers), "\n".join(lines))

    def _on_resume_clicked(self) -> None:
        entry = self.entry
        if entry is not None:
            self._do(lambda: self._services.recognisers.resume(entry.id))

    def _on_delete_clicked(self) -> None:
        entry = self.entry
        if entry is None:
            return
        question = self.tr("Delete “{name}” for good?").format(name=entry.name)
        box = QMessageBox(QMessageBox.NoIcon, self.tr("Delete"), question, parent=self)
        delete = box.addButton(self.tr("Delete"), QMessageBox.DestructiveRole)
        box.setDefaultButton(box.addButton(QMessageBox.Cancel))
        delete.clicked.connect(lambda: self.delete(entry.id))
        box.setAttribute(Qt.WA_DeleteOnClose)
        box.open()

    def delete(self, build_id: str) -> None:
        """For good."""
        self._do(lambda: self._services.recognisers.delete(build_id))
