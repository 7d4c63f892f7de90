"""Watches cameras and videos: who is there, since when, and why it is thought so."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import (
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QHideEvent,
    QShowEvent,
)
from PyQt5.QtWidgets import (
    QFileDialog,
    QFrame,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from faceapp.errors import FaceAppError
from faceapp.live import LiveSettings
from faceapp.services import Services
from faceapp.stream.sources import VIDEO_EXTENSIONS, SourceSpec
from ui.empty_state import EmptyState
from ui.icons import icon
from ui.jobs_qt import JobsQt
from ui.live_controls import LiveControls
from ui.live_feed import Feed
from ui.live_grid import LiveGrid
from ui.live_known import KnownSources
from ui.live_settings import LiveSettingsForm
from ui.live_swap import LiveSwapDialog
from ui.live_takes import LiveTakes
from ui.live_tracks import TrackActions
from ui.live_view import LiveView
from ui.memory import Memory
from ui.messages import MessageBar
from ui.page import Page
from ui.source_dialog import SourceDialog
from ui.source_panel import SourcePanel
from ui.track_panel import TrackPanel

LOOK_MS = 16
HIDDEN_MS = 250
SAY_MS = 300
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
        self._swaps: dict[Feed, LiveSwapDialog] = {}
        self.messages = MessageBar()
        self.sources = SourcePanel()
        self.grid = LiveGrid()
        self.controls = LiveControls()
        self.empty = EmptyState()
        self.form = LiveSettingsForm(self._memory)
        self.tracks = TrackPanel()
        self.known = KnownSources(services, jobs, self._memory, self)
        self.takes = LiveTakes(jobs, self.messages, self._memory, self)
        self.faces = TrackActions(services, jobs, self.tracks, self.messages, self)
        self._timer = QTimer(self, interval=LOOK_MS)
        self._slow = QTimer(self, interval=SAY_MS)
        self._make_actions()
        self._lay_out()
        self._connect()
        self._show_state()
        self.known.find()

    # -- the protocol of pages -----------------------------------------------------------------------
    def choose_photos(self) -> None:
        self.choose_video()

    def refresh(self) -> None:
        self.faces.read_why()

    def choose_place(self) -> bool:
        ready = self.feed is not None and self.feed.result is not None
        if ready:
            self.save_snapshot()
        return ready

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
            self.known.add_recent(spec)
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
        dialog = self._swaps.pop(view.feed, None)
        if dialog is not None:
            dialog.close()
            dialog.deleteLater()
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

    # -- faces ---------------------------------------------------------------------------------------
    def select_track(self, track_id: int) -> None:
        """Show why a track has its name; 0 for none."""
        self.tracks.select(track_id)
        self._on_track_chosen(track_id)

    def swap_faces(self) -> None:
        """Choose whose faces are put onto the chosen source, beside the window."""
        feed = self.feed
        if feed is None:
            return
        if feed not in self._swaps:
            self._swaps[feed] = LiveSwapDialog(self.services, self.jobs, feed, self)
            self._swaps[feed].changed.connect(lambda _: self.controls.show_feed(self.feed))
        self._swaps[feed].show()
        self._swaps[feed].raise_()
        self.controls.show_feed(feed)

    def save_snapshot(self) -> None:
        """Save the newest picture of the chosen source."""
        if self.feed is not None:
            self.takes.save_snapshot(self.feed)

    def toggle_recording(self) -> None:
        """Record the chosen source, or finish the video."""
        if self.feed is not None:
            self.takes.toggle_recording(self.feed)

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
        self.enrol_action = self._action(tr("Enrol this face…"), "enrol", self.faces.enrol, "Ctrl+E", self)
        self.name_action = self._action(tr("This is…"), "person", self.faces.name, "Ctrl+T", self)
        self.nobody_action = self._action(
            tr("Nobody I know"), "not-this", self.faces.say_nobody, "", self
        )
        self.search_action = self._action(
            tr("Find lookalikes"), "lookalike", self.faces.search, "Ctrl+L", self
        )
        self.snapshot_action = self._action(
            tr("Save this picture…"), "snapshot", self.save_snapshot, "", self
        )
        self._action(tr("Swap faces on this source…"), "swap", self.swap_faces, "", self)
        self.record_action = self._action(
            tr("Record a video…"), "record", self.toggle_recording, "Ctrl+R", self
        )
        self._action(tr("Watch a folder of frames…"), "frames", self.choose_folder, "", self)
        self._action(tr("Watch a camera by its address…"), "address", self.ask_address, "", self)

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
        panel.forgotten.connect(self.known.forget)
        panel.video_wanted.connect(self.choose_video)
        panel.folder_wanted.connect(self.choose_folder)
        panel.address_wanted.connect(self.ask_address)
        panel.webcams_wanted.connect(self.known.find)
        bar = self.controls
        bar.toggled.connect(self._on_toggled)
        bar.stepped.connect(self._step)
        bar.sought.connect(self._seek)
        bar.swap_wanted.connect(self.swap_faces)
        bar.snapshot_wanted.connect(self.save_snapshot)
        bar.record_toggled.connect(self.toggle_recording)
        bar.stop_wanted.connect(self._on_stop_wanted)
        bar.landmarks_toggled.connect(self._on_landmarks_toggled)
        bar.all_toggled.connect(self._on_all_toggled)
        self.form.changed.connect(self._on_settings_changed)
        self.tracks.track_chosen.connect(self._on_track_chosen)
        self.known.changed.connect(self._show_sources)
        self.known.failed.connect(self.messages.show_error)
        self.takes.recording_changed.connect(self.controls.show_recording)
        self.faces.lookalike_requested.connect(self.lookalike_requested)
        self.faces.library_changed.connect(self.library_changed)

    def _connect_view(self, view: LiveView) -> None:
        view.pressed.connect(lambda: self._turn_to(view))
        view.track_clicked.connect(self.select_track)
        view.track_activated.connect(lambda _: self.faces.enrol())
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
        self.form.allow_liveness(self.services.live.can_tell_liveness)
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
                self._take(Path(url.toLocalFile()))
        event.acceptProposedAction()

    def _take(self, path: Path) -> None:
        """Watch a file or folder that was dropped, unless it is a photo: nothing moves on that."""
        from faceapp.pipeline.photos import PHOTO_EXTENSIONS

        if path.suffix.lower() in PHOTO_EXTENSIONS and not path.is_dir():
            said = self.tr("{name} is a photo; this page watches videos and cameras.").format(name=path.name)
            hint = self.tr("Drop it on Lookalike to search it, or on Enrol, Swap or Morph.")
            self.messages.show_message(said, hint, kind="warning")
        else:
            self.watch_text(str(path))

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
        self.faces.show_feed(self.feed)
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
                self.takes.stop_recording(feed)
        playing = sum(feed.playing for feed in feeds)
        self.noted.emit(self.tr("{0} on").format(playing) if playing else "")
        self.controls.show_feed(self.feed)

    def _show_sources(self) -> None:
        self.sources.show_sources(list(dict.fromkeys([*self._views, *self.known.all])), self.known.kept)

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
        """What is open goes on with them."""
        for view in self._views.values():
            view.feed.change(settings)

    def _on_tracks_changed(self, view: LiveView) -> None:
        if view is self._current:
            self.faces.show_rows()

    def _on_track_chosen(self, track_id: int) -> None:
        if self._current is not None:
            self._current.select(track_id)
        for action in (self.enrol_action, self.name_action, self.nobody_action, self.search_action):
            action.setEnabled(bool(track_id))
        self.faces.choose()

    def _on_address_chosen(self, spec: SourceSpec, name: str, remembered: bool) -> None:
        if remembered:
            self.known.add_camera(spec, name)
        self.watch(spec)
