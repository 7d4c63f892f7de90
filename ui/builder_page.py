"""A recogniser of one's own: searched for, looked at, used, taken away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QDragEnterEvent, QDropEvent
from PyQt5.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QWidget,
)

from faceapp.build.card import Candidate
from faceapp.build.workspace import Budget
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.services.recognisers import Entry
from faceapp.types import Person
from ui.builder_people import ID_ROLE, PeopleChoice
from ui.empty_state import EmptyState
from ui.found_views import FoundViews
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.memory import Memory
from ui.messages import MessageBar
from ui.page import Page
from ui.recogniser_panel import LANE, UNFINISHED, RecogniserPanel
from ui.widgets import fill_page, number_box, primary_button, side_by_side, stacked

SIZES = [272, 616, 328]
# While one is built its candidates are asked for that often.
LOOK_MS = 500
KIND = "build"
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
        self.amount = number_box(1, 1000, 5)
        self.start_button = primary_button("builder", self.tr("Build"))
        self.folder_button = QPushButton(icon("folder"), self.tr("Folder…"))
        self.stop_button = QPushButton(icon("stop"), self.tr("Stop, keep the best"))
        self.progress = QProgressBar(textVisible=False)
        self.progress_words = QLabel(wordWrap=True)
        self.empty = EmptyState()
        self.views = FoundViews()
        self.recognisers = RecogniserPanel(services, jobs)
        self._centre = QStackedWidget()
        self._splitter = QSplitter(Qt.Horizontal)
        self._look = QTimer(self, singleShot=True, interval=LOOK_MS)
        self._lay_out()
        self._connect()
        self._show_start()
        self.refresh()
        self.setFocusProxy(self.people.field)

    def _lay_out(self) -> None:
        self.budget.addItem(self.tr("minutes of search"), MINUTES)
        self.budget.addItem(self.tr("candidates"), CANDIDATES)
        self.budget.addItem(self.tr("no search"), NONE)
        self.budget.setAccessibleName(self.tr("How long to search"))
        self.budget.setToolTip(
            self.tr(
                "The longer the search, the more networks are tried. Without one, one network is trained."
            )
        )
        self.amount.setFixedWidth(56)
        self.amount.setAccessibleName(self.tr("How much"))
        self.folder_button.setToolTip(self.tr("Build from a folder with one folder of photos for each"))
        left = QWidget()
        whom = stacked(left)
        heading = QLabel(self.tr("Whom shall it know?"))
        heading.setProperty("role", "heading")
        whom.addWidget(heading)
        whom.addWidget(self.people, 1)
        whom.addWidget(self.name)
        for pair in ((self.amount, self.budget), (self.folder_button, self.start_button)):
            row = QHBoxLayout()
            row.setSpacing(8)
            row.addWidget(pair[0])
            row.addWidget(pair[1], 1)
            whom.addLayout(row)
        for widget in (self.progress, self.progress_words, self.stop_button):
            whom.addWidget(widget)
        self._centre.addWidget(self.empty)
        self._centre.addWidget(self.views)
        zones = ((left, 232), (self._centre, 232), (self.recognisers, 280))
        side_by_side(self._splitter, zones)
        self._memory.restore_splitter("builder", self._splitter, SIZES)
        fill_page(self, self.messages, body=self._splitter)
        self.setAcceptDrops(True)

    def _connect(self) -> None:
        self.people.changed.connect(self._tell_buttons)
        self.budget.currentIndexChanged.connect(self._on_budget_changed)
        self.start_button.clicked.connect(self.build)
        self.folder_button.clicked.connect(self.choose_photos)
        self.stop_button.clicked.connect(self._on_stop_clicked)
        self.empty.chosen.connect(self.import_requested)
        self.empty.other_chosen.connect(self.choose_photos)
        self.recognisers.chosen.connect(self._on_chosen)
        self.recognisers.changed.connect(self._read_entries)
        self.recognisers.added.connect(self._on_begun)
        self.recognisers.told.connect(self._on_told)
        self.recognisers.failed.connect(self.messages.show_error)
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

    def choose_photos(self) -> None:
        """Build from a folder of people."""
        title = self.tr("Choose a folder that holds one folder for each person")
        chosen = QFileDialog.getExistingDirectory(self, title, self._memory.folder("import"))
        if chosen:
            self.build_folder(Path(chosen))

    def choose_place(self) -> bool:
        return self.recognisers.ask_export()

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
            lambda: self.services.recognisers.start(self.people.chosen, self.name.text(), self.chosen_budget)
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

    def _on_stop_clicked(self) -> None:
        building = self._building()
        if building is not None:
            self.jobs.run(
                self.tr("Stop"), lambda _: self.services.recognisers.cancel(building.id), owner=self
            )

    def _on_budget_changed(self) -> None:
        self.amount.setVisible(self.budget.currentData() != NONE)

    def _building(self) -> Entry | None:
        return next((one for one in self._entries if one.state in UNFINISHED), None)

    # -- drops ---------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A folder of people is built from, a recogniser's file is added."""
        if any(path.is_dir() or path.suffix.lower() == ".zip" for path in _paths(event)):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for path in _paths(event):
            if path.is_dir():
                self.build_folder(path)
            elif path.suffix.lower() == ".zip":
                self.recognisers.add_file(path)
        event.acceptProposedAction()

    # -- news ----------------------------------------------------------------------------------------------

    @property
    def entry(self) -> Entry | None:
        """The recogniser that is shown."""
        return self.recognisers.entry

    def _on_people_read(self, people: list[Person]) -> None:
        self.people.show_people(people)
        self._show_start()
        self._tell_buttons()

    def _on_job_changed(self, job: Job) -> None:
        if job.kind == KIND and not self._look.isActive():
            self._look.start()

    def _read_entries(self) -> None:
        shown = self._shown
        recognisers = self.services.recognisers

        def body(_: object) -> tuple[list[Entry], tuple[Candidate, ...], tuple[tuple[str, float], ...]]:
            entries = recognisers.all()
            if not entries:
                return entries, (), ()
            which = shown if shown in [entry.id for entry in entries] else entries[0].id
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
        self.recognisers.show_entries(entries, self._shown)
        self._show_progress()
        entry = self.entry
        self._centre.setCurrentWidget(self.views if entry is not None else self.empty)
        self.views.show_found(candidates, plain, entry.card if entry is not None else None)
        self._tell_buttons()

    def _show_progress(self) -> None:
        building = self._building()
        for widget in (self.progress, self.progress_words, self.stop_button):
            widget.setVisible(building is not None)
        if building is not None:
            self.progress.setRange(0, building.total or 0)
            self.progress.setValue(building.done)
            self.progress_words.setText(building.message or self.tr("Waiting…"))

    def _show_start(self) -> None:
        title = self.tr("Build a recogniser of your own")
        if self.people.list.count() > 1:
            text = self.tr(
                "Tick the people it shall know. Many small networks are tried against the plain methods,"
                " and you are told honestly which is better. The result is one file."
            )
            self.empty.say("builder", title, text)
            return
        text = self.tr(
            "It learns to know people of whom there are three photos or more each. Your library has too few"
            " of them: bring in a folder that holds one folder of photos for each person."
        )
        buttons = self.tr("Import a folder of people…"), self.tr("Build from a folder alone…")
        self.empty.say("builder", title, text, *buttons)

    def _on_chosen(self, build_id: str | None) -> None:
        self._shown = build_id
        self._read_entries()

    def _on_told(self, sentence: str, hint: str) -> None:
        # Figures are read for longer than a word of success.
        self.messages.show_message(
            sentence, hint, kind="info" if hint else "success", seconds=0 if hint else 8
        )

    def _tell_buttons(self) -> None:
        self.start_button.setEnabled(len(self.people.chosen) > 1)
        self.start_button.setToolTip(
            "" if self.start_button.isEnabled() else self.tr("Tick two people or more.")
        )


def _paths(event: QDropEvent) -> list[Path]:
    """The files and folders of this computer that are dragged."""
    mime = event.mimeData()
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()] if mime.hasUrls() else []
