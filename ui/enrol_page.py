"""People into the library: photos in, a name on, every refusal with its reason."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import QTimer, pyqtSignal
from PyQt5.QtWidgets import QMenu, QPushButton, QWidget

from faceapp.errors import Cancelled, FaceAppError
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.types import EnrolReport, Person, Photo
from ui import enrol_job, face_words, words
from ui.cameras import Cameras
from ui.enrol_entry import Entry, people_among
from ui.enrol_job import Seen
from ui.enrol_panel import EnrolPanel
from ui.enrolling import Enrolling
from ui.face_canvas import FaceCanvas
from ui.face_mark import FaceMark, MarkState
from ui.folder_offer import FolderOffer
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.person_dialog import EnrolledFace
from ui.person_form import KnownNames
from ui.photo_list import ItemState
from ui.photo_page import PhotoPage
from ui.photo_source import PhotoSource
from ui.photo_well import FolderContent, PhotoWell
from ui.picture import Picture
from ui.report_dialog import ReportDialog
from ui.widgets import stacked

LOOKING = "look"
# So many faces of one person are compared with each other.
COMPARED = 500
SIZES = [264, 592, 400]


class EnrolPage(PhotoPage):
    """Left: the photos of one person. Centre: the photo that is current. Right: the name and the outcome."""

    _looked = pyqtSignal(int, object)

    def __init__(
        self, services: Services, jobs: JobsQt, parent: QWidget | None = None, cameras: Cameras | None = None
    ) -> None:
        super().__init__(services, jobs, parent)
        self._entries: dict[int, Entry] = {}
        self._shown = -1
        self._looks: list[Job] = []
        self._view: Job | None = None
        self.enrolling = Enrolling(services, jobs, self.messages, self)
        self.offer = FolderOffer()
        self.well = PhotoWell(jobs, cameras)
        self.import_button = QPushButton(icon("folder"), self.tr("Import people…"))
        self.canvas = FaceCanvas()
        self.panel = EnrolPanel(self.well.model)
        # Photos come in quickly; counts and warnings follow a little behind.
        self._soon = QTimer(self, singleShot=True, interval=60)
        self._soon.timeout.connect(self._update)
        self._lay_out()
        self._connect()
        self._show_start()
        self._update()
        self.setFocusProxy(self.panel.form.first_name)
        self.refresh()

    def _lay_out(self) -> None:
        self.well.sample_button.hide()
        self.import_button.setToolTip(self.tr("A folder that holds one folder of photos for each person"))
        left = QWidget()
        stack = stacked(left)
        stack.addWidget(self.well, 1)
        stack.addWidget(self.import_button)
        self._place_zones("enrol", ((left, 216), (self.canvas, 232), (self.panel, 352)), SIZES, self.offer)

    def _connect(self) -> None:
        self._listen_to(self.well)
        self.well.photos_added.connect(self._on_photos_added)
        self.well.current_changed.connect(self._on_photo_chosen)
        self.well.removal_wanted.connect(self.leave_out)
        self.import_button.clicked.connect(self.import_requested)
        self.offer.import_chosen.connect(self.import_folder)
        self.offer.photos_chosen.connect(self._add_paths)
        self.canvas.empty.chosen.connect(self.well.browse)
        self.canvas.empty.other_chosen.connect(self.import_requested)
        self.canvas.face_selected.connect(self._on_face_selected)
        self.canvas.face_activated.connect(lambda _: self.panel.form.first_name.setFocus())
        self.canvas.set_menu(self._menu)
        self.panel.form.changed.connect(self._on_name_changed)
        self.panel.enrol_wanted.connect(self.enrol)
        self.panel.next_wanted.connect(self.show_next_question)
        self.panel.grid.chosen.connect(self.well.list.make_current)
        self.panel.grid.removal_wanted.connect(self.leave_out)
        self.panel.card.anyway_chosen.connect(self._on_anyway)
        self.panel.card.twin_chosen.connect(self._on_twin_chosen)
        self.panel.card.left_out.connect(lambda: self.leave_out([self._shown]))
        self._looked.connect(self._on_looked)
        self.enrolling.refused.connect(self._on_enrolment_refused)
        self.enrolling.ended.connect(self._on_enrolled)
        self.enrolling.taken_back.connect(self._on_taken_back)

    # -- what the window asks --------------------------------------------------------------------

    def open_photo(self, photo: str | Path | Photo) -> None:
        super().open_photo(photo)
        self.panel.form.first_name.setFocus()

    def open_person(self, person: Person) -> None:
        self.panel.form.set_person(person)

    def forget_undo(self) -> None:
        self.messages.clear()

    def refresh(self) -> None:
        """Read the known names again."""
        find = self.services.people.find
        self.jobs.run(self.tr("Names"), lambda _: KnownNames(find()), self.panel.form.set_known)

    # -- photos come and go ------------------------------------------------------------------------

    def _on_photos_added(self, keys: list[int]) -> None:
        fresh = [key for key in keys if key not in self._entries]
        for key in fresh:
            source = self.well.source(key)
            assert source is not None, "it was just added"
            self._entries[key] = Entry(key, source)
        self._look_at(fresh)

    def _add_paths(self, paths: tuple[Path, ...]) -> None:
        self.well.add(PhotoSource.file(path) for path in paths)

    def _look_at(self, keys: list[int]) -> None:
        """Find and judge the faces of photos, behind the window."""
        if not keys:
            return
        photos = [(key, self._entries[key].source) for key in keys]
        self._show_states(keys)
        job = self.jobs.run(
            self.tr("Look at {photos}").format(photos=words.photo_count(len(keys))),
            lambda context: enrol_job.look_at(context, self.services, photos, self._looked.emit),
            failed=lambda error: self._on_look_failed(keys, error),
            resource=LOOKING,
            owner=self,
        )
        self._looks = [each for each in self._looks if not self.jobs.manager.get(each.id).finished] + [job]

    def _on_looked(self, key: int, outcome: Seen | FaceAppError) -> None:
        entry = self._entries.get(key)
        if entry is None:
            return
        entry.take(outcome)
        self._show_rows([key])
        if key == self._shown:
            self._show_faces()
            self._show_card()
        if not self._soon.isActive():
            self._soon.start()

    def _on_look_failed(self, keys: list[int], error: FaceAppError) -> None:
        """Stopped by the user, or by something that concerns every photo, such as a missing model."""
        if not isinstance(error, Cancelled):
            self.messages.show_error(error)
        for key in keys:
            entry = self._entries.get(key)
            if entry is not None and entry.seen is None and entry.error is None:
                entry.error = error
        self._show_states(keys)

    def leave_out(self, keys: list[int]) -> None:
        """Take photos out of the list; they are not enrolled."""
        for key in keys:
            self._entries.pop(key, None)
        if not self._entries:
            for job in self._looks:
                self.jobs.cancel(job)
        self.well.remove(keys)
        self._update()

    def _on_folder_found(self, well: PhotoWell, content: FolderContent) -> None:
        if content.people:
            self.offer.ask(content)
        else:
            super()._on_folder_found(well, content)

    def import_folder(self, folder: Path) -> None:
        """Import a folder of people as a job, and offer its report."""
        job = self.services.enrolment.start_import(folder)
        text = self.tr("Importing {folder}. You can go on working.").format(folder=folder.name)
        self.messages.show_message(text, seconds=10)
        self.jobs.watch(
            job,
            lambda report: self._on_imported(folder.name, report),
            self.messages.show_error,
            owner=self,
        )

    def _on_imported(self, title: str, report: EnrolReport) -> None:
        left = len(report.skipped)
        text = self.tr("Imported {people}, {photos}.").format(
            people=words.people_count(report.people), photos=words.photo_count(report.photos)
        )
        hint = self.tr("{photos} left out.").format(photos=words.photo_count(left)) if left else ""
        action = (self.tr("Report…"), lambda: ReportDialog(title, report, self).show())
        self.messages.show_message(text, hint, kind="success", action=action)
        self.library_changed.emit()
        self.refresh()

    # -- the photo that is shown -----------------------------------------------------------------

    def _on_photo_chosen(self, key: int) -> None:
        self._shown = key
        self.jobs.cancel(self._view)
        entry = self._entry_or_new(key)
        self.canvas.set_picture(None)
        if entry is None:
            self.canvas.set_busy("")
            self._show_start()
            self._update()
            return
        self.canvas.set_busy(self.tr("Opening {name}…").format(name=entry.source.name))
        self._view = self.jobs.run(
            self.tr("Open {name}").format(name=entry.source.name),
            lambda _: Picture.of(entry.source.read().image),
            lambda picture: self._on_picture_read(key, picture),
            lambda error: self._on_picture_unread(key, error),
            owner=self,
        )
        self._update()

    def _entry_or_new(self, key: int) -> Entry | None:
        """The list tells of its current row before the page has heard that the photo came."""
        source = self.well.source(key)
        if key not in self._entries and source is not None:
            return Entry(key, source)
        return self._entries.get(key)

    def _on_picture_read(self, key: int, picture: Picture) -> None:
        if key != self._shown:
            return
        self.canvas.set_picture(picture)
        self._show_faces()

    def _on_picture_unread(self, key: int, error: FaceAppError) -> None:
        if key != self._shown or isinstance(error, Cancelled):
            return
        self.canvas.set_busy("")
        self.canvas.empty.say("error", error.sentence, error.hint)

    def _show_faces(self) -> None:
        entry = self._entries.get(self._shown)
        if entry is None or self.canvas.picture is None:
            return
        looking = entry.seen is None and entry.error is None
        self.canvas.set_busy(self.tr("Looking for faces…") if looking else "")
        faces = entry.seen.faces if entry.seen else ()
        chosen = -1 if entry.chosen is None else entry.chosen
        self.canvas.set_marks([self._mark(entry, index) for index in range(len(faces))], chosen)

    def _mark(self, entry: Entry, index: int) -> FaceMark:
        assert entry.seen is not None
        seen = entry.seen.faces[index]
        if index != entry.chosen:
            label = self.tr("Face {number}").format(number=index + 1) if entry.chosen is None else ""
            remark = seen.verdict.refusals[0].sentence if seen.verdict.refusals else ""
            return face_words.face_mark(seen.face, label, MarkState.PLAIN, remark)
        state, line = entry.state(self.panel.form.known)
        if state is ItemState.READY:
            name = entry.person.name if entry.person else self.panel.form.name().full
            return face_words.face_mark(seen.face, name or self.tr("ready"), MarkState.READY, line)
        return face_words.face_mark(seen.face, line, MarkState.REFUSED, line)

    def _on_face_selected(self, index: int) -> None:
        entry = self._entries.get(self._shown)
        if entry is None or entry.seen is None or index < 0:
            return
        entry.choose(index)
        self._show_states([entry.key])
        self._show_faces()

    def _menu(self, index: int) -> QMenu | None:
        entry = self._entries.get(self._shown)
        if entry is None:
            return None
        menu = QMenu(self.canvas)
        menu.addAction(
            icon("lookalike"), self.tr("Search this photo on the Lookalike page"), self._search_photo
        )
        menu.addAction(
            icon("leave-out"), self.tr("Leave this photo out"), lambda: self.leave_out([entry.key])
        )
        return menu

    def _search_photo(self) -> None:
        entry = self._entries.get(self._shown)
        if entry is None:
            return
        read = entry.source.read
        self.jobs.run(
            self.tr("Open {name}").format(name=entry.source.name),
            lambda _: read(),
            self.lookalike_requested.emit,
            self.messages.show_error,
            owner=self,
        )

    def _show_start(self) -> None:
        self.canvas.empty.say(
            "enrol",
            self.tr("Put somebody into your library"),
            self.tr(
                "Drop photos of one person here, as many as you like, and give a name."
                " A folder with one folder for each person is imported in one go."
            ),
            self.tr("Choose photos…"),
            self.tr("Import people…"),
        )

    # -- how it all stands ---------------------------------------------------------------------------

    def _show_states(self, keys: list[int]) -> None:
        """Bring rows and the right side up to date."""
        self._show_rows(keys)
        self._update()

    def _show_rows(self, keys: list[int]) -> None:
        known = self.panel.form.known
        for key in keys:
            entry = self._entries.get(key)
            if entry is None:
                continue
            state, line = entry.state(known)
            crop = entry.face.crop if entry.face else None
            self.well.model.change(key, state, line, crop)

    def _states(self) -> list[ItemState]:
        known = self.panel.form.known
        return [entry.state(known)[0] for entry in self._entries.values()]

    def _update(self) -> None:
        states = self._states()
        self.panel.show_counts(
            states.count(ItemState.READY),
            states.count(ItemState.DOUBTFUL),
            states.count(ItemState.REFUSED) + states.count(ItemState.DONE),
            states.count(ItemState.WAITING),
            self.enrolling.job is not None,
        )
        self._show_card()
        self._show_doubt()

    def _show_doubt(self) -> None:
        known = self.panel.form.known
        embeddings = [entry.counts_for(known) for entry in list(self._entries.values())[:COMPARED]]
        found = [embedding for embedding in embeddings if embedding is not None]
        self.panel.show_doubt(people_among(found, self._pair_threshold()))

    def _pair_threshold(self) -> float:
        """Distance up to which two faces count as one person, for themselves: not in a whole library."""
        calibration = self.services.models.spec(self.services.analyser.model_key).calibration
        assert calibration is not None, "the services stand on a calibrated embedder"
        return self.services.settings.current.threshold or calibration.threshold

    def _show_card(self) -> None:
        entry = self._entries.get(self._shown)
        card = self.panel.card
        card.setVisible(entry is not None)
        if entry is None:
            return
        standing = entry.refusals(self.panel.form.known)
        if entry.error is not None:
            card.say("error", entry.error.sentence, entry.error.hint, leave=True)
        elif entry.seen is None:
            card.say("info", self.tr("This photo is being looked at…"))
        elif not entry.seen.faces:
            self._say_no_face()
        elif entry.face is None:
            several = self.tr("There are {count} faces on this photo.").format(count=len(entry.seen.faces))
            card.say("warning", several, self.tr("Click the one that is meant."), leave=True)
        elif standing and (entry.face.verdict.final or not entry.anyway):
            card.say_refusals(standing, entry.face.verdict.twin)
        else:
            self._say_ready(entry, bool(standing))

    def _say_no_face(self) -> None:
        self.panel.card.say(
            "error",
            self.tr("No face was found on this photo."),
            self.tr("Use a photo on which the face is large, light and seen from the front."),
            leave=True,
        )

    def _say_ready(self, entry: Entry, doubted: bool) -> None:
        assert entry.face is not None
        if entry.person is not None:
            text = self.tr("This photo goes to {name}.").format(name=entry.person.name)
        elif doubted:
            text = self.tr("This photo is enrolled all the same.")
        else:
            text = self.tr("This photo is ready.")
        self.panel.card.say("success", text, face_words.quality(entry.face.face.quality), leave=True)

    def _on_name_changed(self) -> None:
        self._show_states(list(self._entries))
        self._show_faces()

    def _on_anyway(self) -> None:
        entry = self._entries.get(self._shown)
        if entry is not None:
            entry.anyway = True
            self._settle(entry)

    def _on_twin_chosen(self, twin: Person) -> None:
        entry = self._entries.get(self._shown)
        if entry is not None:
            entry.person = twin
            self._settle(entry)

    def _settle(self, entry: Entry) -> None:
        self._show_states([entry.key])
        self._show_faces()

    def show_next_question(self) -> None:
        """Make the next photo current whose question is open."""
        keys = self.well.model.keys()
        after = keys.index(self._shown) + 1 if self._shown in keys else 0
        known = self.panel.form.known
        for key in keys[after:] + keys[:after]:
            entry = self._entries.get(key)
            if entry is not None and entry.state(known)[0] is ItemState.DOUBTFUL:
                self.well.list.make_current(key)
                return

    # -- enrolling -----------------------------------------------------------------------------------

    def enrol(self) -> None:
        """Enrol every photo that is ready, as a job."""
        form = self.panel.form
        known = form.known
        wishes = [
            entry.wish() for entry in self._entries.values() if entry.state(known)[0] is ItemState.READY
        ]
        if not wishes or self.enrolling.job is not None:
            return
        if not form.complete and any(wish.person is None for wish in wishes):
            form.first_name.setFocus()
            return
        self.enrolling.start(wishes, form.name(), known.id if known else None)
        self._update()

    def _on_enrolment_refused(self, key: int, error: FaceAppError) -> None:
        entry = self._entries.get(key)
        if entry is not None:
            entry.error = error
            self._show_states([key])

    def _on_enrolled(self, done: dict[int, EnrolledFace], error: FaceAppError | None) -> None:
        """The job has ended, well or not: what was enrolled leaves the list, the rest stays with reasons."""
        sources = [self._entries[key].source for key in done if key in self._entries]
        self.leave_out(list(done))
        if done:
            self.enrolling.say(done, sources, len(self._entries))
            self.library_changed.emit()
            self.refresh()
        if error is not None and not isinstance(error, Cancelled):
            self.messages.show_error(error)
        if done and not self._entries:
            self.panel.form.clear()
            self.panel.form.first_name.setFocus()
        self._update()

    def _on_taken_back(self, sources: list[PhotoSource]) -> None:
        self.library_changed.emit()
        self.refresh()
        self.well.add(sources)
