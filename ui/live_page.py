"""Watches cameras and videos: who is there, since when, and why it is thought so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt5.QtCore import QSaveFile, Qt, QTimer, QUrl
from PyQt5.QtGui import (
    QDesktopServices,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QHideEvent,
    QKeySequence,
    QShowEvent,
)
from PyQt5.QtWidgets import (
    QAction,
    QFileDialog,
    QFrame,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import Conflict, FaceAppError, StoreUnavailable
from faceapp.jobs import JobContext
from faceapp.live import Decision, FrameResult, LiveSettings
from faceapp.services import Services
from faceapp.stream.sources import VIDEO_EXTENSIONS, SourceSpec
from faceapp.stream.watcher import Why
from faceapp.types import Person, Photo
from ui import live_face
from ui.crops import Crops
from ui.empty_state import EmptyState
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.live_controls import LiveControls
from ui.live_face import FoundFace
from ui.live_feed import Feed
from ui.live_grid import LiveGrid
from ui.live_settings import LiveSettingsForm
from ui.live_view import LiveView, annotated
from ui.memory import Memory
from ui.messages import MessageBar
from ui.page import Page
from ui.person_dialog import PersonDialog
from ui.person_picker import PersonPicker
from ui.source_dialog import SourceDialog
from ui.source_panel import SourcePanel
from ui.track_panel import TrackPanel

LOOK_MS = 16
HIDDEN_MS = 250
SAY_MS = 300
LANE = "live"
WRITES = "library"
MOST_RECENT = 8
NOTICE_SECONDS = 8
SIZES = [240, 640, 300]


class LivePage(Page):
    """Left: the sources. Centre: what they show. Right: settings, the faces so far, and why.

    The sources go on while another page is shown; the tab says how many there are.
    """

    def __init__(self, services: Services, jobs: JobsQt, parent: QWidget | None = None) -> None:
        super().__init__(services, jobs, parent)
        self.setAcceptDrops(True)
        self._memory = Memory(services.paths)
        self._views: dict[SourceSpec, LiveView] = {}
        self._current: LiveView | None = None
        self._stopping: list[Feed] = []
        self._webcams: list[SourceSpec] = []
        self._cameras: dict[SourceSpec, str] = {}
        self._why: Why | None = None
        self._reading_why = False
        self._crops = Crops(services, jobs, self)
        self.messages = MessageBar()
        self.sources = SourcePanel()
        self.grid = LiveGrid()
        self.controls = LiveControls()
        self.empty = EmptyState()
        self.form = LiveSettingsForm(self._memory)
        self.tracks = TrackPanel()
        self._timer = QTimer(self, interval=LOOK_MS)
        self._slow = QTimer(self, interval=SAY_MS)
        self._make_actions()
        self._lay_out()
        self._connect()
        self._show_state()
        self.find_sources()

    # -- the protocol of pages -----------------------------------------------------------------------
    def choose_photos(self) -> None:
        self.choose_video()

    def refresh(self) -> None:
        self._read_why()

    def stop(self) -> None:
        """Every source at once: what one of them waits for, the others do not wait for again."""
        self._timer.stop()
        self._slow.stop()
        self.form.stop()
        feeds = [view.feed for view in self._views.values()]
        for feed in feeds:
            feed.end()
        for feed in feeds + self._stopping:
            feed.wait()

    # -- sources -------------------------------------------------------------------------------------
    @property
    def feed(self) -> Feed | None:
        """The source that the controls belong to."""
        return self._current.feed if self._current is not None else None

    def watch(self, spec: SourceSpec) -> None:
        """Open a source beside those that are open, or turn to it."""
        self.messages.clear()
        if spec not in self._views:
            feed = Feed(self.services, spec, self.form.settings, self)
            view = LiveView(feed, self._face_menu)
            self._views[spec] = view
            self._connect_view(view)
            self.grid.add(view)
            self._remember(spec)
        self._turn_to(self._views[spec])
        self._show_state()
        self._timer.start()
        self._slow.start()

    def close_source(self, spec: SourceSpec) -> None:
        """Stop a source and let its device go."""
        view = self._views.pop(spec, None)
        if view is None:
            return
        self._stopping = [feed for feed in self._stopping if feed.ending]
        self._stopping.append(view.feed)
        view.feed.end()
        self.grid.remove(view)
        if view is self._current:
            self._turn_to(next(iter(self._views.values()), None))
        if not self._views:
            self._timer.stop()
            self._slow.stop()
        self._show_state()

    def watch_text(self, text: str) -> None:
        """Open what the user wrote, dropped or chose: a path, an address, the number of a webcam."""
        try:
            self.watch(SourceSpec.parse(text))
        except FaceAppError as error:
            self.messages.show_error(error)

    def choose_video(self) -> None:
        """Ask for video files."""
        patterns = " ".join(f"*{extension}" for extension in sorted(VIDEO_EXTENSIONS))
        kinds = self.tr("Videos ({0});;All files (*)").format(patterns)
        files, _ = QFileDialog.getOpenFileNames(
            self, self.tr("Choose a video"), self._memory.folder("video"), kinds
        )
        for file in files:
            self._memory.keep_folder("video", Path(file).parent)
            self.watch_text(file)

    def choose_folder(self) -> None:
        """Ask for a folder of frames."""
        chosen = QFileDialog.getExistingDirectory(
            self, self.tr("Choose a folder of frames"), self._memory.folder("video")
        )
        if chosen:
            self._memory.keep_folder("video", Path(chosen).parent)
            self.watch_text(chosen)

    def ask_address(self) -> None:
        """Ask for the address of a camera."""
        dialog = SourceDialog(self)
        dialog.setAttribute(Qt.WA_DeleteOnClose)
        dialog.chosen.connect(self._on_address_chosen)
        dialog.open()

    def find_sources(self) -> None:
        """Look for webcams and read the remembered cameras; the list follows."""

        def body(_: JobContext) -> tuple[list[SourceSpec], dict[SourceSpec, str]]:
            known = {
                replace(SourceSpec.parse(camera.address), name=camera.name): camera.name
                for camera in self.services.cameras.all()
            }
            return self.services.live.webcams(), known

        self.jobs.run(
            self.tr("Look for cameras"),
            body,
            self._on_sources_found,
            self.messages.show_error,
            LANE,
            owner=self,
        )

    def forget(self, spec: SourceSpec) -> None:
        """Take a source off the list."""
        name = self._cameras.pop(spec, None)
        if name is not None:
            self._write(lambda: self.services.cameras.remove(name), "")
        self._memory.put("live/recent", [each.address for each in self._recent() if each != spec])
        self._show_sources()

    # -- faces ---------------------------------------------------------------------------------------
    def select_track(self, track_id: int) -> None:
        """Show why a track has its name; 0 for none."""
        self.tracks.select(track_id)
        self._on_track_chosen(track_id)

    def enrol_track(self) -> None:
        """Open the enrol-person dialog with the selected face, as it is in the picture now."""
        feed, track_id = self.feed, self.tracks.selected

        def then(found: object) -> None:
            if feed is not None and isinstance(found, FoundFace):
                self._show_enrolment(feed, track_id, found)

        self._with_face(self.tr("Look at the face"), then, analysed=True)

    def search_track(self) -> None:
        """Look for lookalikes of the selected face."""
        self._with_face(self.tr("Cut the face out"), self.lookalike_requested.emit, analysed=False)

    def name_track(self) -> None:
        """Say who the selected face is."""
        feed, track_id = self.feed, self.tracks.selected
        if feed is None or not track_id:
            return
        question = self.tr("Who is face {0}?").format(track_id)
        picker = PersonPicker(self.services, self.jobs, self._crops, question, set(), self)
        picker.setAttribute(Qt.WA_DeleteOnClose)
        picker.picked.connect(lambda person: self.say(feed, track_id, person))
        picker.open()

    def say(self, feed: Feed, track_id: int, person: Person | None) -> None:
        """The user has said who a track is; a visitor gets the name in all earlier sightings too."""
        row = feed.rows.get(track_id)
        decision = row.face.decision if row is not None else None
        visitor = decision.visitor if decision is not None else None

        def body(_: JobContext) -> int:
            feed.session.say(track_id, person)
            if visitor is None or person is None:
                return 0
            return self.services.sightings.name_visitor(visitor, person.id)

        def done(renamed: int) -> None:
            before = decision or Decision(None, None, None, (), 0, feed.settings.method)
            feed.say(track_id, replace(before, person=person, visitor=None, reason=self.tr("You said so.")))
            name = person.name if person is not None else self.tr("nobody who is enrolled")
            text = self.tr("Face {0} is {1}.").format(track_id, name)
            if renamed:
                text += " " + self.tr("{0} earlier sightings have the name now.").format(renamed)
            self.messages.show_message(text, kind="success", seconds=NOTICE_SECONDS)
            self._read_why()

        self.jobs.run(self.tr("Correct a name"), body, done, self.messages.show_error, WRITES, owner=self)

    # -- pictures ------------------------------------------------------------------------------------
    def save_snapshot(self) -> None:
        """Ask for a name and save the newest picture, with or without boxes and names."""
        feed = self.feed
        if feed is None or feed.result is None:
            return
        result = feed.result
        marked = self.tr("Picture with boxes and names (*.png)")
        plain = self.tr("Picture alone (*.png)")
        stem = f"{Path(feed.spec.name).stem} {result.frame.number}".replace("/", "-").replace(":", "-")
        start = str(Path(self._memory.folder("snapshot")) / f"{stem}.png")
        name, kind = QFileDialog.getSaveFileName(
            self, self.tr("Save this picture"), start, f"{marked};;{plain}", marked
        )
        if name:
            self._memory.keep_folder("snapshot", Path(name).parent)
            self.write_snapshot(Path(name), result, with_names=kind != plain)

    def write_snapshot(self, path: Path, result: FrameResult, with_names: bool = True) -> None:
        """Save one frame as PNG, on a job's thread."""
        path = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        font = self.font()

        def body(_: JobContext) -> Path:
            from ui.images import to_qimage

            picture = annotated(result, font) if with_names else to_qimage(result.frame.image)
            file = QSaveFile(str(path))
            written = file.open(QSaveFile.WriteOnly) and picture.save(file, "PNG") and file.commit()
            if not written:
                raise StoreUnavailable(
                    "not_written", f"“{path.name}” could not be written.", "Choose another place."
                )
            return path

        self.jobs.run(
            self.tr("Save a picture"), body, self._on_saved, self.messages.show_error, LANE, owner=self
        )

    def toggle_recording(self) -> None:
        """Begin to record into a file that is asked for, or finish it."""
        feed = self.feed
        if feed is None:
            return
        if feed.recording:
            self.stop_recording(feed)
            return
        self.controls.show_recording(False)
        start = str(Path(self._memory.folder("recording")) / f"{Path(feed.spec.name).stem} faces.mp4")
        name, _ = QFileDialog.getSaveFileName(
            self, self.tr("Record a video"), start, self.tr("Video (*.mp4 *.mkv)")
        )
        if name:
            self._memory.keep_folder("recording", Path(name).parent)
            self.start_recording(feed, Path(name))

    def start_recording(self, feed: Feed, path: Path) -> None:
        """Record what is seen, with boxes and names, from the next frame on."""
        path = path if path.suffix else path.with_suffix(".mp4")
        feed.recording = path

        def failed(error: FaceAppError) -> None:
            feed.recording = None
            self.controls.show_recording(False)
            self.messages.show_error(error)

        self.jobs.run(
            self.tr("Begin to record"), lambda _: feed.session.record(path), None, failed, LANE, owner=self
        )
        self.controls.show_recording(True)
        text = self.tr("Recording into {0}.").format(path.name)
        self.messages.show_message(text, seconds=NOTICE_SECONDS)

    def stop_recording(self, feed: Feed) -> None:
        """Finish the video; it is whole once the message says so."""
        session, path, feed.recording = feed.session, feed.recording, None
        self.controls.show_recording(False)

        def body(_: JobContext) -> Path | None:
            # A session that has ended has finished the video itself.
            session.stop_recording()
            return path if path is not None and path.exists() else None

        self.jobs.run(
            self.tr("Finish the video"), body, self._on_saved, self.messages.show_error, LANE, owner=self
        )

    # -- placing and wiring --------------------------------------------------------------------------
    def _make_actions(self) -> None:
        tr = self.tr
        # Only over the pictures: elsewhere these keys belong to lists, sliders and buttons.
        self.play_action = self._action(tr("Play or pause"), "play", self._on_toggled, "Space", self.grid)
        self.step_action = self._action(
            tr("One frame on"), "step", partial(self._step, 1), "Right", self.grid
        )
        self.back_action = self._action(
            tr("One frame back"), "step-back", partial(self._step, -1), "Left", self.grid
        )
        self.enrol_action = self._action(tr("Enrol this face…"), "enrol", self.enrol_track, "Ctrl+E", self)
        self.name_action = self._action(tr("This is…"), "person", self.name_track, "Ctrl+T", self)
        self.nobody_action = self._action(
            tr("Nobody who is enrolled"), "not-this", self._say_nobody, "", self
        )
        self.search_action = self._action(
            tr("Find lookalikes"), "lookalike", self.search_track, "Ctrl+L", self
        )
        self.snapshot_action = self._action(
            tr("Save this picture…"), "snapshot", self.save_snapshot, "Ctrl+S", self
        )
        self.record_action = self._action(
            tr("Record a video…"), "record", self.toggle_recording, "Ctrl+R", self
        )
        self._action(tr("Watch a folder of frames…"), "frames", self.choose_folder, "", self)
        self._action(tr("Watch a camera by its address…"), "address", self.ask_address, "", self)

    def _action(self, text: str, name: str, slot: Callable[[], object], keys: str, place: QWidget) -> QAction:
        made = QAction(icon(name), text, self)
        made.setShortcut(QKeySequence(keys))
        made.setShortcutContext(Qt.WidgetWithChildrenShortcut)
        made.triggered.connect(lambda _: slot())
        place.addAction(made)
        return made

    def _lay_out(self) -> None:
        self.empty.say(
            "camera",
            self.tr("Nothing is being watched."),
            self.tr(
                "Choose a source on the left, or drop a video here. Faces get the names of the people you"
                " have enrolled; who was seen is kept under Sightings, on this computer."
            ),
            self.tr("Open a video…"),
            self.tr("Camera address…"),
        )
        watching = QWidget()
        inner = QVBoxLayout(watching)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self.grid, 1)
        inner.addWidget(self.controls)
        self._centre = QStackedWidget()
        self._centre.addWidget(self.empty)
        self._centre.addWidget(watching)
        self._splitter = QSplitter()
        self._splitter.setChildrenCollapsible(False)
        for part in (self.sources, self._centre, self._make_right()):
            self._splitter.addWidget(part)
        self._splitter.setStretchFactor(1, 1)
        self._memory.restore_splitter("live", self._splitter, SIZES)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 8, 8, 8)
        column.setSpacing(8)
        column.addWidget(self.messages)
        column.addWidget(self._splitter, 1)
        self.setFocusProxy(self.grid)
        self.grid.setFocusPolicy(Qt.StrongFocus)
        self.grid.setAccessibleName(self.tr("Pictures of the sources"))

    def _make_right(self) -> QWidget:
        self._fold = QPushButton(icon("settings"), self.tr("Settings"), checkable=True)
        box = QFrame()
        box.setProperty("role", "panel")
        inside = QVBoxLayout(box)
        inside.setContentsMargins(12, 12, 12, 12)
        inside.addWidget(self.form)
        box.setVisible(False)
        self._fold.toggled.connect(box.setVisible)
        right = QWidget()
        right.setMinimumWidth(240)
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self._fold)
        column.addWidget(box)
        column.addWidget(self.tracks, 1)
        return right

    def _connect(self) -> None:
        self._timer.timeout.connect(self._on_look)
        self._slow.timeout.connect(self._on_slow)
        self.empty.chosen.connect(self.choose_video)
        self.empty.other_chosen.connect(self.ask_address)
        panel = self.sources
        panel.opened.connect(self.watch)
        panel.chosen.connect(lambda spec: self._turn_to(self._views.get(spec)))
        panel.closed.connect(self.close_source)
        panel.forgotten.connect(self.forget)
        panel.video_wanted.connect(self.choose_video)
        panel.folder_wanted.connect(self.choose_folder)
        panel.address_wanted.connect(self.ask_address)
        panel.webcams_wanted.connect(self.find_sources)
        bar = self.controls
        bar.toggled.connect(self._on_toggled)
        bar.stepped.connect(self._step)
        bar.sought.connect(self._seek)
        bar.snapshot_wanted.connect(self.save_snapshot)
        bar.record_toggled.connect(self.toggle_recording)
        bar.stop_wanted.connect(self._on_stop_wanted)
        bar.landmarks_toggled.connect(self._on_landmarks_toggled)
        bar.all_toggled.connect(self._on_all_toggled)
        self.form.changed.connect(self._on_settings_changed)
        self.tracks.track_chosen.connect(self._on_track_chosen)
        self.tracks.enrol_wanted.connect(self.enrol_track)
        self.tracks.name_wanted.connect(self.name_track)
        self.tracks.search_wanted.connect(self.search_track)

    def _connect_view(self, view: LiveView) -> None:
        view.pressed.connect(lambda: self._turn_to(view))
        view.track_clicked.connect(self.select_track)
        view.track_activated.connect(lambda _: self.enrol_track())
        view.enlarged.connect(self._on_all_toggled)
        view.feed.tracks_changed.connect(lambda: self._on_tracks_changed(view))
        view.feed.status_changed.connect(self._show_state)
        view.set_landmarks(self.controls.landmarks.isChecked())

    def _face_menu(self, track_id: int) -> QMenu | None:
        if not track_id:
            return None
        menu = QMenu(self)
        menu.addActions([self.enrol_action, self.name_action, self.nobody_action, self.search_action])
        return menu

    # -- events --------------------------------------------------------------------------------------
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._timer.setInterval(LOOK_MS)
        for view in self._views.values():
            view.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """The sources go on; only what is told of them is looked at less often."""
        self._timer.setInterval(HIDDEN_MS)
        super().hideEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            self.sources.set_inviting(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self.sources.set_inviting(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self.sources.set_inviting(False)
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.watch_text(url.toLocalFile())
        event.acceptProposedAction()

    # -- what happens --------------------------------------------------------------------------------
    def _on_look(self) -> None:
        for view in self._views.values():
            view.feed.poll()
        if self.isVisible():
            self.controls.show_feed(self.feed)

    def _on_slow(self) -> None:
        for view in self._views.values():
            view.tick()

    def _turn_to(self, view: LiveView | None) -> None:
        if view is self._current and view is not None:
            return
        self._current = view
        for each in self._views.values():
            each.set_current(each is view and len(self._views) > 1)
            each.select(0)
        if view is not None and self.grid.alone is not None:
            self.grid.show_alone(view)
        self._show_sources()
        if view is not None:
            self.sources.select(view.feed.spec)
        self._why = None
        self.tracks.show_rows(view.feed.rows.values() if view is not None else ())
        self.select_track(0)
        self.controls.show_feed(self.feed)
        self.controls.show_recording(self.feed is not None and self.feed.recording is not None)

    def _show_state(self) -> None:
        self._centre.setCurrentIndex(1 if self._views else 0)
        self._show_sources()
        self.sources.show_open({spec: view.feed.status for spec, view in self._views.items()})
        if self._current is not None:
            self._current.set_current(len(self._views) > 1)
        feeds = [view.feed for view in self._views.values()]
        for feed in feeds:
            if feed.status.over and feed.recording is not None:
                self.stop_recording(feed)
        playing = sum(feed.playing for feed in feeds)
        self.noted.emit(self.tr("{0} on").format(playing) if playing else "")
        self.controls.show_feed(self.feed)

    def _show_sources(self) -> None:
        recent = self._recent()
        listed = [*self._views, *self._webcams, *self._cameras, *recent]
        self.sources.show_sources(list(dict.fromkeys(listed)), {*recent, *self._cameras})

    def _on_toggled(self) -> None:
        if self.feed is not None:
            self.feed.toggle()
            self._show_state()

    def _step(self, by: int) -> None:
        if self.feed is not None:
            self.feed.step(by)

    def _seek(self, seconds: float) -> None:
        if self.feed is not None:
            self.feed.seek(seconds, paused=not self.feed.playing and not self.feed.status.over)

    def _on_stop_wanted(self) -> None:
        if self.feed is not None:
            self.close_source(self.feed.spec)

    def _on_landmarks_toggled(self, shown: bool) -> None:
        for view in self._views.values():
            view.set_landmarks(shown)

    def _on_all_toggled(self) -> None:
        alone = self.grid.alone is None and len(self._views) > 1
        self.grid.show_alone(self._current if alone else None)

    def _on_settings_changed(self, settings: LiveSettings) -> None:
        """A source that is open begins again with them, where it stands."""
        for view in self._views.values():
            feed = view.feed
            if not feed.status.over and feed.settings != settings:
                if feed.recording is not None:
                    self.stop_recording(feed)
                feed.reopen(settings, at=0.0 if feed.spec.live else feed.seconds)
            feed.settings = settings

    def _on_tracks_changed(self, view: LiveView) -> None:
        if view is self._current:
            self.tracks.show_rows(view.feed.rows.values())
            self._show_why()

    def _on_track_chosen(self, track_id: int) -> None:
        if self._current is not None:
            self._current.select(track_id)
        for action in (self.enrol_action, self.name_action, self.nobody_action, self.search_action):
            action.setEnabled(bool(track_id))
        self._why = None
        self._show_why()
        self._read_why()

    def _show_why(self) -> None:
        row = self.feed.rows.get(self.tracks.selected) if self.feed is not None else None
        if row is None:
            self.tracks.why.clear()
            return
        why = self._why if self._why is not None and self._why.track_id == row.id else None
        self.tracks.why.show_row(row, why)
        if why is None or why.decision is not row.face.decision:
            self._read_why()

    def _read_why(self) -> None:
        """It waits for the frame at work, so not on the main thread; one reading at a time."""
        feed, track_id = self.feed, self.tracks.selected
        if feed is None or not track_id or self._reading_why:
            return
        self._reading_why = True

        def done(why: Why | None) -> None:
            self._reading_why = False
            if feed is self.feed and track_id == self.tracks.selected:
                self._why = why
                row = feed.rows.get(track_id)
                if row is not None:
                    self.tracks.why.show_row(row, why)

        def failed(error: FaceAppError) -> None:
            self._reading_why = False
            self.messages.show_error(error)

        self.jobs.run(self.tr("Why"), lambda _: feed.session.why(track_id), done, failed, LANE, owner=self)

    def _with_face(self, title: str, then: Callable[[object], object], analysed: bool) -> None:
        """Cut the selected face out of the newest frame behind the window, and go on with it."""
        feed, track_id = self.feed, self.tracks.selected
        if feed is None or feed.result is None or not track_id:
            return
        result, face, name = feed.result, feed.face(track_id), feed.spec.name
        if face is None:
            self.messages.show_error(live_face.gone())
            return

        def body(_: JobContext) -> FoundFace | Photo:
            if analysed:
                return live_face.find(self.services, result, face.box, name)
            return live_face.cut(result, face.box, name)[0]

        self.jobs.run(title, body, then, self.messages.show_error, LANE, owner=self)

    def _show_enrolment(self, feed: Feed, track_id: int, found: FoundFace) -> None:
        dialog = PersonDialog(self.services, self.jobs, found.photo, found.face, found.crop, self)
        dialog.enrolled.connect(lambda name, _: self._on_enrolled(feed, track_id, name))
        dialog.show()

    def _on_enrolled(self, feed: Feed, track_id: int, name: str) -> None:
        """Whoever was enrolled from a track is who the track is."""
        self.library_changed.emit()
        self.jobs.run(
            self.tr("Read the person"),
            lambda _: self.services.people.named(name),
            lambda person: self.say(feed, track_id, person),
            self.messages.show_error,
            WRITES,
            owner=self,
        )

    def _say_nobody(self) -> None:
        if self.feed is not None and self.tracks.selected:
            self.say(self.feed, self.tracks.selected, None)

    def _on_saved(self, path: Path | None) -> None:
        if path is None:
            self.messages.show_message(self.tr("There was nothing to record."), kind="warning")
            return
        show = self.tr("Show it"), lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
        self.messages.show_message(
            self.tr("Saved {0}.").format(path.name), kind="success", action=show, seconds=NOTICE_SECONDS
        )

    def _on_sources_found(self, found: tuple[list[SourceSpec], dict[SourceSpec, str]]) -> None:
        self._webcams, self._cameras = found
        self._show_sources()

    def _on_address_chosen(self, spec: SourceSpec, name: str, remembered: bool) -> None:
        if remembered:
            self._cameras[spec] = name
            self._write(lambda: self.services.cameras.add(name, spec.address), "")
        self.watch(spec)

    def _write(self, change: Callable[[], object], said: str) -> None:
        def failed(error: FaceAppError) -> None:
            if not isinstance(error, Conflict):  # a camera that is there already is no trouble
                self.messages.show_error(error)

        self.jobs.run(said or self.tr("Cameras"), lambda _: change(), None, failed, WRITES, owner=self)

    def _remember(self, spec: SourceSpec) -> None:
        """Files and folders come back in the list; cameras are remembered when the user says so."""
        if spec.kind in ("file", "folder"):
            kept = [spec.address, *(each.address for each in self._recent() if each != spec)]
            self._memory.put("live/recent", kept[:MOST_RECENT])

    def _recent(self) -> list[SourceSpec]:
        kept = self._memory.get("live/recent", [])
        paths = [kept] if isinstance(kept, str) else list(kept or [])
        found = []
        for path in paths:
            place = Path(path)
            if place.exists():
                found.append(SourceSpec("folder" if place.is_dir() else "file", path, place.name))
        return found
