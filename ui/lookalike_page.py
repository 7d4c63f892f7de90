"""Whom does a face resemble? A photo goes in, every face is compared with everybody enrolled."""

from __future__ import annotations

from functools import partial

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import (
    QStackedWidget,
    QWidget,
)

from faceapp.errors import Cancelled, FaceAppError
from faceapp.jobs import Job
from faceapp.services import Services
from faceapp.tasks.enrol import sample_photos
from faceapp.types import EnrolReport, Match, Photo
from ui import face_words, search_job
from ui.cameras import Cameras
from ui.compare_view import CompareView, EnrolledPicture, enrolled_picture
from ui.face_canvas import FaceCanvas
from ui.face_mark import FaceMark
from ui.jobs_qt import JobsQt
from ui.match_actions import Chosen, MatchActions
from ui.photo_list import ItemState
from ui.photo_page import PhotoPage
from ui.photo_source import PhotoSource
from ui.photo_well import PhotoWell
from ui.picture import Picture
from ui.results_panel import ResultsPanel
from ui.search_job import Found

LANE = "search"
SIZES = [264, 568, 424]


class LookalikePage(PhotoPage):
    """Left: the photos. Centre: the photo with its faces. Right: the people who look most alike.

    Every search has a number; what comes from an older one is passed over.
    """

    _photo_read = pyqtSignal(int, object, object)

    def __init__(
        self, services: Services, jobs: JobsQt, parent: QWidget | None = None, cameras: Cameras | None = None
    ) -> None:
        super().__init__(services, jobs, parent)
        self._number = 0
        self._key = -1
        self._job: Job | None = None
        self._crops_job: Job | None = None
        self._photo: Photo | None = None
        self._found: Found | None = None
        self._people: int | None = None
        self._selected = -1
        self.well = PhotoWell(jobs, cameras)
        self.canvas = FaceCanvas()
        self.compare = CompareView()
        self.results = ResultsPanel(services.settings.current.top)
        self.acts = MatchActions(services, jobs, self.messages, lambda: self.chosen, self)
        self._centre = QStackedWidget()
        self._lay_out()
        self._connect()
        self._show_start()
        self.refresh()
        self.setFocusProxy(self.well.browse_button)

    def _lay_out(self) -> None:
        self._centre.addWidget(self.canvas)
        self._centre.addWidget(self.compare)
        zones = ((self.well, 216), (self._centre, 232), (self.results, 352))
        self._place_zones("lookalike", zones, SIZES)

    def _connect(self) -> None:
        self._listen_to(self.well)
        self.well.current_changed.connect(self._on_photo_chosen)
        self.well.photos_added.connect(self._on_photos_added)
        self.well.removal_wanted.connect(self._on_removal_wanted)
        self.well.sample_wanted.connect(self.try_sample)
        self._photo_read.connect(self._on_photo_read)
        self.canvas.face_selected.connect(self._on_face_selected)
        self.canvas.face_activated.connect(lambda _: self.acts.enrol_face())
        self.canvas.empty.chosen.connect(self.well.browse)
        self.canvas.empty.other_chosen.connect(self.try_sample)
        self.canvas.set_menu(self.acts.menu)
        self.results.notice.chosen.connect(self._on_notice_chosen)
        self.results.top_changed.connect(self._on_top_changed)
        self.results.step_wanted.connect(self._on_step_wanted)
        self.results.enrol_wanted.connect(self.acts.enrol_face)
        self.results.copy_wanted.connect(self.acts.copy_results)
        self.results.save_wanted.connect(self.acts.ask_place)
        self.results.compare_wanted.connect(self.compare_with)
        self.results.morph_wanted.connect(self.acts.morph_with)
        self.results.people_wanted.connect(lambda match: self.people_requested.emit(match.person.id))
        self.results.rejected.connect(self.acts.reject)
        self.acts.written.connect(self._on_written)
        self.acts.compare_wanted.connect(self.compare_with)
        self.acts.compare_ended.connect(self._on_compare_closed)
        self.acts.morph_requested.connect(self.morph_requested)
        self.acts.swap_requested.connect(self.swap_requested)
        self.acts.enrol_requested.connect(self.enrol_requested)
        self.acts.people_requested.connect(self.people_requested)
        self.compare.closed.connect(self._on_compare_closed)
        self.compare.step_wanted.connect(self._on_compare_step)

    # -- what the window asks ------------------------------------------------------------------

    def choose_place(self) -> bool:
        ready = self._found is not None
        if ready:
            self.acts.ask_place()
        return ready

    def forget_undo(self) -> None:
        self.messages.clear()

    def refresh(self) -> None:
        """Search the same faces again: somebody may have come, gone or been renamed."""
        self.results.forget_pictures()
        if self._found is not None:
            self._search_again()
            return
        self.jobs.run(
            self.tr("Library"), lambda _: self.services.people.count()[0], self._on_counted, owner=self
        )

    @property
    def chosen(self) -> Chosen:
        """What is shown, and which of its faces is selected."""
        return Chosen(self._photo, self._found, self._selected)

    def _on_written(self) -> None:
        self.library_changed.emit()
        self.refresh()

    # -- searching -----------------------------------------------------------------------------

    def _on_photos_added(self, keys: list[int]) -> None:
        # One that was listed and current already is searched again: that is what dropping it means.
        if keys and keys[0] == self._key:
            self._search(keys[0])

    def _on_photo_chosen(self, key: int) -> None:
        self.messages.clear_error()
        if key >= 0:
            self._search(key)

    def _search(self, key: int) -> None:
        source = self.well.source(key)
        if source is None:
            return
        self._forget()
        self._key = key
        number = self._number
        body = partial(
            search_job.search_photo,
            services=self.services,
            source=source,
            top=self.results.top,
            shown=partial(self._photo_read.emit, number),
        )
        self.well.model.change(key, ItemState.WAITING, self.tr("searching"))
        self.canvas.set_picture(None)
        self.canvas.set_busy(self.tr("Opening {name}…").format(name=source.name))
        self.results.notice.say(
            "lookalike", "", self.tr("Looking for faces and for people who resemble them…")
        )
        self.results.show_notice()
        self._job = self.jobs.run(
            self.tr("Search {name}").format(name=source.name),
            body,
            lambda found: self._on_found(number, key, found),
            lambda error: self._on_search_failed(number, key, error),
            resource=LANE,
            owner=self,
        )

    def _search_again(self) -> None:
        """After a change of the library or of the number of results; the selection stays."""
        found = self._found
        assert found is not None
        self._number += 1
        number, key = self._number, self._key
        faces = [each.face for each in found.faces]
        self.jobs.cancel(self._job)
        self._job = self.jobs.run(
            self.tr("Search again"),
            lambda context: search_job.search_again(
                context, self.services, faces, found.crops, self.results.top
            ),
            lambda again: self._on_found(number, key, again),
            lambda error: self._on_search_failed(number, key, error),
            resource=LANE,
            owner=self,
        )

    def _forget(self) -> None:
        """The photo that was shown is not of interest any more."""
        self._number += 1
        self.jobs.cancel(self._job)
        self.jobs.cancel(self._crops_job)
        waiting = self.well.model.item(self._key)
        if waiting is not None and waiting.state is ItemState.WAITING:
            self.well.model.change(self._key, ItemState.PLAIN, "")
        self._photo = self._found = None
        self._selected = self._key = -1
        self._centre.setCurrentWidget(self.canvas)

    def _on_photo_read(self, number: int, photo: Photo, picture: Picture) -> None:
        if number != self._number:
            return
        self._photo = photo
        self.canvas.set_picture(picture)
        self.canvas.set_busy(self.tr("Looking for faces…"))

    def _on_found(self, number: int, key: int, found: Found) -> None:
        if number != self._number:
            return
        selected = min(self._selected, len(found.faces) - 1)
        self._found, self._people = found, found.people
        self.canvas.set_busy("")
        state, line = self._outcome(found)
        self.well.model.change(key, state, line)
        self.canvas.set_marks([self._mark(index) for index in range(len(found.faces))])
        if not found.faces:
            self._show_no_face()
        elif not found.people:
            self._show_empty_library()
        elif selected >= 0:
            self.canvas.set_marks(self.canvas.marks, selected)
            self._show_face(selected)
        else:
            self.canvas.select(self._largest())

    def _on_search_failed(self, number: int, key: int, error: FaceAppError) -> None:
        if number != self._number:
            return
        self.canvas.set_busy("")
        if isinstance(error, Cancelled):
            self.well.model.change(key, ItemState.PLAIN, self.tr("not searched"))
            self.results.notice.say("cancel", "", self.tr("The search was stopped."), self.tr("Search again"))
        else:
            self.well.model.change(key, ItemState.REFUSED, error.sentence)
            self.results.notice.say("error", error.sentence, error.hint, self.tr("Try again"))
            self.messages.show_error(error)
        if self._photo is None:
            self.canvas.set_picture(None)
            self._show_unread(error)
        self.results.show_notice()

    def _show_unread(self, error: FaceAppError) -> None:
        """The photo itself could not be had: the sentence stands where the photo would."""
        if isinstance(error, Cancelled):
            self._show_start()
            return
        self.canvas.empty.say("photo", error.sentence, error.hint, self.tr("Choose another photo…"))
        self.results.notice.say("people", "", self.tr("The people who look most alike appear here."))

    def _outcome(self, found: Found) -> tuple[ItemState, str]:
        """What the list says of a searched photo."""
        names = list(dict.fromkeys(each.person.person.name for each in found.faces if each.person))
        if not found.faces:
            return ItemState.REFUSED, self.tr("no face")
        if names:
            return ItemState.READY, ", ".join(names)
        count = len(found.faces)
        return ItemState.PLAIN, self.tr("one face") if count == 1 else self.tr("{n} faces").format(n=count)

    def _mark(self, index: int) -> FaceMark:
        assert self._found is not None
        return face_words.match_mark(self._found.faces[index])

    def _largest(self) -> int:
        assert self._found is not None
        boxes = [each.face.box for each in self._found.faces]
        return max(range(len(boxes)), key=lambda index: boxes[index].width * boxes[index].height)

    # -- the results of one face ---------------------------------------------------------------

    def _on_face_selected(self, index: int) -> None:
        self._selected = index
        if self._found is not None and self._found.people and index >= 0:
            self._show_face(index)

    def _show_face(self, index: int) -> None:
        assert self._found is not None
        self._selected = index
        found = self._found.faces[index]
        count = len(self._found.faces)
        order = self.canvas.reading_order()
        explain = (self._found.explanation, self._found.threshold)
        self.results.show_face(found, self._found.crops[index], order.index(index), count, explain)
        number = self._number
        self.jobs.cancel(self._crops_job)
        self._crops_job = self.jobs.run(
            self.tr("Faces"),
            lambda context: search_job.enrolled_crops(context, self.services, found.matches),
            lambda crops: self.results.show_pictures(crops) if number == self._number else None,
            lambda error: None,  # deleted meanwhile: `refresh` comes, and the row goes
            owner=self,
        )

    def _on_step_wanted(self, by: int) -> None:
        order = self.canvas.reading_order()
        if self._selected in order:
            self.canvas.select(order[(order.index(self._selected) + by) % len(order)])

    def _on_top_changed(self, top: int) -> None:
        self.jobs.run(
            self.tr("Settings"),
            lambda _: self.services.settings.change(top=top),
            failed=self.messages.show_error,
            owner=self,
        )
        if self._found is not None and self._found.faces:
            self._search_again()

    # -- states in words ------------------------------------------------------------------------

    def _show_start(self) -> None:
        self.canvas.empty.say(
            "lookalike",
            self.tr("Whom does this face resemble?"),
            self.tr("Drop a photo here. Every face on it is compared with everybody in your library."),
            self.tr("Choose a photo…"),
            self.tr("Try it with a sample"),
        )
        if self._number == 0:
            self._promise()

    def _promise(self) -> None:
        """Say what will be on the right side."""
        self.results.notice.say("people", "", self.tr("The people who look most alike appear here."))
        self.results.show_notice()

    def _on_counted(self, people: int) -> None:
        self._people = people
        if self._found is None and self._key < 0:
            if people:
                self._promise()
            else:
                self._show_empty_library()

    def _show_empty_library(self) -> None:
        self.results.notice.say(
            "people",
            self.tr("Nobody is enrolled yet."),
            self.tr("Put two sample people into the library and search one of them, in one click."),
            self.tr("Enrol the sample people"),
        )
        self.results.show_notice()

    def _show_no_face(self) -> None:
        self.results.notice.say(
            "not-this",
            self.tr("No face was found on this photo."),
            self.tr(
                "Faces are found best when they are larger than 40 pixels, light, and seen from the front."
                " Try a sharper or larger version of the photo."
            ),
            self.tr("Choose another photo…"),
        )
        self.results.show_notice()

    def _on_notice_chosen(self) -> None:
        """The one button of the right side does what its sentence says."""
        if self._found is not None and not self._found.faces:
            self.well.browse()
        elif self._key >= 0 and self._found is None:
            self._search(self._key)
        else:
            self.try_sample()

    def try_sample(self) -> None:
        """Search a sample photo; in an empty library the sample people are enrolled first."""
        if self._people:
            self._open_sample()
            return
        job = self.services.enrolment.start_sample()
        self.messages.clear()
        self.results.notice.say("people", "", self.tr("The sample people are being enrolled…"))
        self.results.show_notice()
        self.jobs.watch(job, self._on_sample_enrolled, self._on_sample_failed, owner=self)

    def _on_sample_enrolled(self, report: EnrolReport) -> None:
        self._people = report.people
        self.library_changed.emit()
        self._open_sample()

    def _on_sample_failed(self, error: FaceAppError) -> None:
        self.messages.show_error(error)
        self._show_empty_library()

    def _open_sample(self) -> None:
        try:
            name, path = sample_photos()[0]
        except FaceAppError as error:
            self.messages.show_error(error)
            return
        source = PhotoSource(self.tr("Sample: {name}").format(name=name), path=path)
        keys = self.well.add([source])
        if self._key != keys[0]:
            self._search(keys[0])

    # -- photos in the list -----------------------------------------------------------------------

    def _on_removal_wanted(self, keys: list[int]) -> None:
        if self._key in keys:
            self._forget()
            self.canvas.set_picture(None)
            self.canvas.set_busy("")
            self._show_start()
            self._promise()
        self.well.remove(keys)
        if not self.well.model.rowCount():
            self.refresh()
        elif self._key < 0 and self.well.list.current >= 0:
            self._search(self.well.list.current)

    # -- side by side -------------------------------------------------------------------------------

    def compare_with(self, match: Match) -> None:
        """Show the selected face and an enrolled one large, side by side."""
        picture = self.canvas.picture
        if picture is None or self._found is None or self._selected < 0:
            return
        self._centre.setCurrentWidget(self.compare)
        self.compare.show_match(
            match, face_words.explanation(match, self._found.explanation, self._found.threshold)
        )
        self.compare.show_query(picture, self._found.faces[self._selected].face.box)
        self.compare.setFocus()
        self.jobs.run(
            self.tr("Open the photo of {name}").format(name=match.person.name),
            lambda _: enrolled_picture(self.services, match.face_id),
            lambda enrolled: self._on_enrolled_read(match, enrolled),
            lambda error: self._on_enrolled_unread(match, error),
            owner=self,
        )

    def _on_enrolled_read(self, match: Match, enrolled: EnrolledPicture) -> None:
        if self.compare.match is match:
            self.compare.show_enrolled(enrolled)

    def _on_enrolled_unread(self, match: Match, error: FaceAppError) -> None:
        if self.compare.match is match:
            self.compare.show_failure(error)

    def _on_compare_closed(self) -> None:
        self._centre.setCurrentWidget(self.canvas)
        self.canvas.setFocus()

    def _on_compare_step(self, by: int) -> None:
        found = self.results.found
        if found is None or self.compare.match is None:
            return
        faces = [match.face_id for match in found.matches]
        if self.compare.match.face_id in faces:
            place = (faces.index(self.compare.match.face_id) + by) % len(faces)
            self.compare_with(found.matches[place])
