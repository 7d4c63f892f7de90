"""A recogniser of one's own: searched for, looked at, used, taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QWidget,
)

from faceapp.build.card import Candidate, Card
from faceapp.build.workspace import Budget
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.services.recognisers import Comparison, Entry
from faceapp.types import Person
from ui.builder_people import PeopleChoice
from ui.builder_plots import ConfusionView, ParetoPlot, RocPlot
from ui.builder_table import SortedTable, candidate_rows, method_rows
from ui.empty_state import EmptyState
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.messages import MessageBar
from ui.page import Page
from ui.widgets import fill_page, side_by_side, stacked

ID_ROLE = Qt.UserRole
LANE = "builder"
SIZES = [272, 616, 328]
# While one is built its candidates are asked for that often.
LOOK_MS = 500
KIND = "build"
SIGNS = {"ready": "✓", "building": "…", "waiting": "…", "stopped": "■", "failed": "✕"}
MINUTES, CANDIDATES, NONE = "minutes", "candidates", "none"


class BuilderPage(Page):
    """Left: whom it is to know, and how long to search. Centre: what was found. Right: the recognisers."""

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget | None = None) -> None:
        super().__init__(services, jobs, parent)
        self._memory = Memory(services.paths)
        self._entries: list[Entry] = []
        self._shown: str | None = None
        self.messages = MessageBar()
        self.people = PeopleChoice()
        self.name = QLineEdit(placeholderText=self.tr("Name of the recogniser"))
        self.budget = QComboBox()
        self.amount = QSpinBox(minimum=1, maximum=1000, value=5)
        self.start_button = QPushButton(icon("builder"), self.tr("Build"))
        self.folder_button = QPushButton(icon("folder"), self.tr("From a folder…"))
        self.stop_button = QPushButton(icon("stop"), self.tr("Stop, keep the best"))
        self.progress = QProgressBar(textVisible=False)
        self.progress_words = QLabel(wordWrap=True)
        self.empty = EmptyState()
        self.pareto = ParetoPlot()
        tr = self.tr
        self.candidates = SortedTable(
            (tr("No."), tr("Accuracy"), tr("Parameters"), tr("Time"), tr("Network"), ""),
            tr("Candidates"),
            wide=4,
        )
        self.confusion = ConfusionView()
        self.roc = RocPlot()
        self.methods = SortedTable(
            (tr("Method"), tr("Accuracy"), tr("Known right"), tr("Strangers out"), tr("Size"), tr("Time")),
            tr("Methods"),
            wide=0,
        )
        self.views = QTabWidget(objectName="views", documentMode=True)
        self.list = QListWidget()
        self.verdict = QLabel(wordWrap=True)
        self.use_button = QPushButton(icon("done"), "")
        self.export_button = QPushButton(icon("export"), tr("Take away…"))
        self.import_button = QPushButton(icon("open"), tr("Add a file…"))
        self.compare_button = QPushButton(icon("compare"), tr("Compare…"))
        self.resume_button = QPushButton(icon("play"), tr("Go on"))
        self.delete_button = QPushButton(icon("delete"), tr("Delete"))
        self._centre = QStackedWidget()
        self._splitter = QSplitter(Qt.Horizontal)
        self._look = QTimer(self, singleShot=True, interval=LOOK_MS)
        self._lay_out()
        self._connect()
        self.refresh()
        self.setFocusProxy(self.people.field)

    def _lay_out(self) -> None:
        self.budget.addItem(self.tr("minutes of search"), MINUTES)
        self.budget.addItem(self.tr("candidates"), CANDIDATES)
        self.budget.addItem(self.tr("no search"), NONE)
        self.budget.setAccessibleName(self.tr("How long to search"))
        self.amount.setButtonSymbols(QSpinBox.NoButtons)
        self.amount.setFixedWidth(56)
        self.amount.setAccessibleName(self.tr("How much"))
        self.start_button.setProperty("role", "primary")
        self.empty.say(
            "builder",
            self.tr("Build a recogniser of your own"),
            self.tr(
                "Tick the people it shall know. Many small networks are tried against the plain methods,"
                " and you are told honestly which is better. The result is one file."
            ),
        )
        left, right = QWidget(), QWidget()
        whom = stacked(left)
        heading = QLabel(self.tr("Whom shall it know?"))
        heading.setProperty("role", "heading")
        whom.addWidget(heading)
        whom.addWidget(self.people, 1)
        whom.addWidget(self.name)
        search = QHBoxLayout()
        search.setSpacing(8)
        search.addWidget(self.amount)
        search.addWidget(self.budget, 1)
        whom.addLayout(search)
        for widget in (self.start_button, self.folder_button, self.progress, self.progress_words):
            whom.addWidget(widget)
        whom.addWidget(self.stop_button)
        for view, title in (
            (self.pareto, self.tr("Search")),
            (self.candidates, self.tr("Candidates")),
            (self.methods, self.tr("Methods")),
            (self.confusion, self.tr("Who for whom")),
            (self.roc, self.tr("Strangers")),
        ):
            self.views.addTab(view, title)
        self.views.tabBar().setDrawBase(False)
        self._centre.addWidget(self.empty)
        self._centre.addWidget(self.views)
        built = stacked(right)
        heading = QLabel(self.tr("Recognisers"))
        heading.setProperty("role", "heading")
        built.addWidget(heading)
        self.list.setAccessibleName(heading.text())
        built.addWidget(self.list, 1)
        built.addWidget(self.verdict)
        built.addWidget(self.use_button)
        for pair in (
            (self.export_button, self.import_button),
            (self.compare_button, self.resume_button),
            (self.delete_button,),
        ):
            row = QHBoxLayout()
            row.setSpacing(8)
            for button in pair:
                row.addWidget(button, 1)
            built.addLayout(row)
        side_by_side(self._splitter, ((left, 232), (self._centre, 232), (right, 280)))
        self._memory.restore_splitter("builder", self._splitter, SIZES)
        fill_page(self, self.messages, body=self._splitter)

    def _connect(self) -> None:
        self.people.changed.connect(self._tell_buttons)
        self.budget.currentIndexChanged.connect(self._on_budget_changed)
        self.start_button.clicked.connect(self.build)
        self.folder_button.clicked.connect(self._on_folder_clicked)
        self.stop_button.clicked.connect(self._on_stop_clicked)
        self.list.currentItemChanged.connect(self._on_chosen)
        self.use_button.clicked.connect(self._on_use_clicked)
        self.export_button.clicked.connect(self._on_export_clicked)
        self.import_button.clicked.connect(self._on_import_clicked)
        self.compare_button.clicked.connect(self._on_compare_clicked)
        self.resume_button.clicked.connect(self._on_resume_clicked)
        self.delete_button.clicked.connect(self._on_delete_clicked)
        self.jobs.job_changed.connect(self._on_job_changed)
        self._look.timeout.connect(self._read_entries)

    # -- what the window asks -----------------------------------------------------------------------

    def refresh(self) -> None:
        self.jobs.run(
            self.tr("People"), lambda _: self.services.people.find(), self._on_people_read, owner=self
        )
        self._read_entries()

    def open_person(self, person: Person) -> None:
        """Tick a person."""
        for row in range(self.people.list.count()):
            item = self.people.list.item(row)
            if item.data(ID_ROLE) == person.id:
                item.setCheckState(Qt.Checked)

    def stop(self) -> None:
        self._look.stop()

    # -- building -----------------------------------------------------------------------------------------

    @property
    def chosen_budget(self) -> Budget:
        kind = self.budget.currentData()
        if kind == MINUTES:
            return Budget(candidates=10_000, seconds=60.0 * self.amount.value())
        return Budget(self.amount.value() if kind == CANDIDATES else 1)

    def build(self) -> None:
        """Build from the people who are ticked."""
        self._begin(
            lambda: self.services.recognisers.start(
                self.people.chosen, self.name.text(), self.chosen_budget
            )
        )

    def build_folder(self, folder: Path) -> None:
        """Build from a folder with one folder for each person."""
        self._begin(
            lambda: self.services.recognisers.start_folder(folder, self.name.text(), self.chosen_budget)
        )

    def _begin(self, start: Callable[[], Entry]) -> None:
        self.messages.clear()
        self.jobs.run(
            self.tr("Begin to build"),
            lambda _: start(),
            self._on_begun,
            self.messages.show_error,
            resource=LANE,
            owner=self,
        )

    def _on_begun(self, entry: Entry) -> None:
        self.name.clear()
        self._shown = entry.id
        self._read_entries()

    def _on_folder_clicked(self) -> None:
        title = self.tr("Choose a folder that holds one folder for each person")
        chosen = QFileDialog.getExistingDirectory(self, title, self._memory.folder("import"))
        if chosen:
            self.build_folder(Path(chosen))

    def _on_stop_clicked(self) -> None:
        building = self._building()
        if building is not None:
            self._do(lambda: self.services.recognisers.cancel(building.id))

    def _on_budget_changed(self) -> None:
        self.amount.setVisible(self.budget.currentData() != NONE)

    def _building(self) -> Entry | None:
        return next((one for one in self._entries if one.state in ("building", "waiting")), None)

    # -- news ----------------------------------------------------------------------------------------------

    def _on_people_read(self, people: list[Person]) -> None:
        self.people.show_people(people)
        self._tell_buttons()

    def _on_job_changed(self, job: Job) -> None:
        if job.kind == KIND and not self._look.isActive():
            self._look.start()

    def _read_entries(self) -> None:
        shown = self._shown
        recognisers = self.services.recognisers

        def body(_: object) -> tuple[list[Entry], tuple[Candidate, ...], tuple[tuple[str, float], ...]]:
            entries = recognisers.all()
            known = {entry.id for entry in entries}
            which = shown if shown in known else next(iter(known), None) if len(known) == 1 else None
            if which is None:
                return entries, (), ()
            return entries, recognisers.candidates(which), recognisers.plain(which)

        self.jobs.run(
            self.tr("Recognisers"), body, lambda read: self._on_entries_read(*read), owner=self, resource=LANE
        )

    def _on_entries_read(
        self, entries: list[Entry], candidates: tuple[Candidate, ...], plain: tuple[tuple[str, float], ...]
    ) -> None:
        self._entries = entries
        if self._shown not in [entry.id for entry in entries]:
            self._shown = entries[0].id if entries else None
        self._show_list()
        self._show_progress()
        self._show_entry(candidates, plain)
        self._tell_buttons()

    def _show_list(self) -> None:
        self.list.blockSignals(True)
        self.list.clear()
        used = self.services.settings.current.recogniser.partition(":")[0]
        for entry in self._entries:
            text = f"{SIGNS[entry.state]} {entry.name}"
            if entry.id == used:
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

    def _show_progress(self) -> None:
        building = self._building()
        for widget in (self.progress, self.progress_words, self.stop_button):
            widget.setVisible(building is not None)
        if building is not None:
            self.progress.setRange(0, building.total or 0)
            self.progress.setValue(building.done)
            self.progress_words.setText(building.message or self.tr("Waiting…"))

    def _show_entry(
        self, candidates: tuple[Candidate, ...], plain: tuple[tuple[str, float], ...]
    ) -> None:
        entry = self.entry
        card = entry.card if entry is not None else None
        self._centre.setCurrentWidget(self.views if entry is not None else self.empty)
        self.pareto.show_candidates(candidates, plain)
        self.candidates.table.show_rows(candidate_rows(candidates))
        self.methods.table.show_rows(method_rows(card.table if card is not None else ()))
        self.confusion.show_card(card)
        self.roc.show_card(card)
        self.verdict.setText(self._verdict(entry, card))
        self.verdict.setVisible(bool(self.verdict.text()))

    def _verdict(self, entry: Entry | None, card: Card | None) -> str:
        if entry is not None and entry.error is not None:
            return f"{entry.error.sentence} {entry.error.hint}".strip()
        return card.verdict if card is not None else ""

    @property
    def entry(self) -> Entry | None:
        """The recogniser that is shown."""
        return next((one for one in self._entries if one.id == self._shown), None)

    def _on_chosen(self, item: QListWidgetItem | None) -> None:
        self._shown = item.data(ID_ROLE) if item is not None else None
        self._read_entries()

    def _tell_buttons(self) -> None:
        entry = self.entry
        built = entry is not None and entry.available
        used = self.services.settings.current.recogniser.partition(":")[0]
        in_use = entry is not None and entry.id == used
        self.start_button.setEnabled(len(self.people.chosen) > 1)
        self.start_button.setToolTip(
            "" if self.start_button.isEnabled() else self.tr("Tick two people or more.")
        )
        self.use_button.setText(self.tr("Stop using it") if in_use else self.tr("Use this recogniser"))
        self.use_button.setEnabled(built)
        self.export_button.setEnabled(built)
        self.compare_button.setEnabled(built and sum(one.available for one in self._entries) > 1)
        self.resume_button.setEnabled(entry is not None and entry.state == "stopped")
        self.delete_button.setEnabled(entry is not None and entry.state not in ("building", "waiting"))

    # -- what can be done with one ------------------------------------------------------------------------

    def _do(self, call: Callable[[], Any], done: Callable[[Any], object] | None = None) -> None:
        """Something short, behind the window; the list is read again after it."""

        def ended(result: Any) -> None:
            if done is not None:
                done(result)
            self._read_entries()

        self.jobs.run(
            self.tr("Recogniser"),
            lambda _: call(),
            ended,
            self.messages.show_error,
            resource=LANE,
            owner=self,
        )

    def _on_use_clicked(self) -> None:
        entry = self.entry
        if entry is None:
            return
        used = self.services.settings.current.recogniser.partition(":")[0] == entry.id
        sentence = (
            self.tr("Faces are compared with the library again.")
            if used
            else self.tr("“{name}” recognises faces from now on: in photos, live and over REST.")
        )
        self._do(
            lambda: self.services.recognisers.use("" if used else entry.id),
            lambda _: self.messages.show_message(sentence.format(name=entry.name), kind="success", seconds=8),
        )

    def _on_export_clicked(self) -> None:
        entry = self.entry
        if entry is None:
            return
        place = str(Path(self._memory.folder("results")) / f"{entry.name}.zip")
        name, _ = QFileDialog.getSaveFileName(self, self.tr("Save the recogniser"), place, "Zip (*.zip)")
        if name:
            self.export(Path(name))

    def export(self, path: Path) -> None:
        """Write the recogniser that is shown to a file."""
        entry = self.entry
        if entry is None:
            return
        self._memory.keep_folder("results", path.parent)
        said = self.tr("Saved as {name}.").format(name=path.name)
        self._do(
            lambda: self.services.recognisers.export(entry.id, path),
            lambda _: self.messages.show_message(said, kind="success", seconds=8),
        )

    def _on_import_clicked(self) -> None:
        title = self.tr("Choose a recogniser")
        name, _ = QFileDialog.getOpenFileName(self, title, self._memory.folder("results"), "Zip (*.zip)")
        if name:
            self.add_file(Path(name))

    def add_file(self, path: Path) -> None:
        """Take in a recogniser that was built elsewhere."""
        self._do(lambda: self.services.recognisers.import_file(path), self._on_begun)

    def _on_compare_clicked(self) -> None:
        entry = self.entry
        others = [one for one in self._entries if one.available and entry is not None and one.id != entry.id]
        if entry is None or not others:
            return
        box = QMessageBox(QMessageBox.NoIcon, self.tr("Compare"), self.tr("Compare with which?"), parent=self)
        for other in others[:5]:
            button = box.addButton(other.name, QMessageBox.ActionRole)
            button.clicked.connect(lambda _=False, other=other: self.compare(entry.id, other.id))
        box.addButton(QMessageBox.Cancel)
        box.setAttribute(Qt.WA_DeleteOnClose)
        box.open()

    def compare(self, one: str, other: str) -> None:
        """Two recognisers on the same photos that were held back."""
        self._do(lambda: self.services.recognisers.compare(one, other), self._on_compared)

    def _on_compared(self, result: Comparison) -> None:
        lines = [
            self.tr("{name}: {all:.1f} % right; known {known:.1f} %, strangers refused {out:.1f} %").format(
                name=each.entry.name,
                all=100 * each.accuracy,
                known=100 * each.known_right,
                out=100 * each.strangers_refused,
            )
            for each in (result.one, result.other)
        ]
        head = self.tr("On {n} photos of known people and {s} of strangers that were held back:")
        self.messages.show_message(head.format(n=result.photos, s=result.strangers), "\n".join(lines))

    def _on_resume_clicked(self) -> None:
        entry = self.entry
        if entry is not None:
            self._do(lambda: self.services.recognisers.resume(entry.id))

    def _on_delete_clicked(self) -> None:
        entry = self.entry
        if entry is None:
            return
        question = self.tr("Delete “{name}” for good?").format(name=entry.name)
        box = QMessageBox(QMessageBox.NoIcon, self.tr("Delete"), question, parent=self)
        delete = box.addButton(self.tr("Delete"), QMessageBox.DestructiveRole)
        box.addButton(QMessageBox.Cancel)
        delete.clicked.connect(lambda: self.delete(entry.id))
        box.setAttribute(Qt.WA_DeleteOnClose)
        box.open()

    def delete(self, build_id: str) -> None:
        self._do(lambda: self.services.recognisers.delete(build_id))
