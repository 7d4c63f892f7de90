"""What is kept of a source: a picture, or a video of what is seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject, QSaveFile, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices
from PyQt5.QtWidgets import QFileDialog, QWidget

from faceapp.errors import FaceAppError, StoreUnavailable
from faceapp.jobs import JobContext
from faceapp.live import FrameResult
from ui.jobs_qt import JobsQt
from ui.live_feed import Feed
from ui.live_view import annotated
from ui.memory import Memory
from ui.messages import NOTICE_SECONDS, MessageBar

LANE = "live"


class LiveTakes(QObject):
    """Asks for names and has the files written behind the window.

    Signals:
        recording_changed: whether the chosen source is being recorded now.
    """

    recording_changed = pyqtSignal(bool)

    def __init__(self, jobs: JobsQt, messages: MessageBar, memory: Memory, window: QWidget) -> None:
        super().__init__(window)
        self._jobs = jobs
        self._messages = messages
        self._memory = memory
        self._window = window

    def save_snapshot(self, feed: Feed) -> None:
        """Ask for a name and save the newest picture, with or without boxes and names."""
        if feed.result is None:
            return
        result = feed.result
        marked = self.tr("Picture with boxes and names (*.png)")
        plain = self.tr("Picture alone (*.png)")
        stem = f"{Path(feed.spec.name).stem} {result.frame.number}".replace("/", "-").replace(":", "-")
        start = str(Path(self._memory.folder("snapshot")) / f"{stem}.png")
        name, kind = QFileDialog.getSaveFileName(
            self._window, self.tr("Save this picture"), start, f"{marked};;{plain}", marked
        )
        if name:
            self._memory.keep_folder("snapshot", Path(name).parent)
            self.write_snapshot(Path(name), result, with_names=kind != plain)

    def write_snapshot(self, path: Path, result: FrameResult, with_names: bool = True) -> None:
        """Save one frame as PNG, on a job's thread."""
        path = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        font = self._window.font()

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

        self._run(self.tr("Save a picture"), body)

    def toggle_recording(self, feed: Feed) -> None:
        """Begin to record into a file that is asked for, or finish it."""
        if feed.recording:
            self.stop_recording(feed)
            return
        self.recording_changed.emit(False)
        start = str(Path(self._memory.folder("recording")) / f"{Path(feed.spec.name).stem} faces.mp4")
        name, _ = QFileDialog.getSaveFileName(
            self._window, self.tr("Record a video"), start, self.tr("Video (*.mp4 *.mkv)")
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
            self.recording_changed.emit(False)
            self._messages.show_error(error)

        self._jobs.run(
            self.tr("Begin to record"), lambda _: feed.session.record(path), None, failed, LANE, owner=self
        )
        self.recording_changed.emit(True)
        text = self.tr("Recording into {0}.").format(path.name)
        self._messages.show_message(text, seconds=NOTICE_SECONDS)

    def stop_recording(self, feed: Feed) -> None:
        """Finish the video; it is whole once the message says so."""
        session, path, feed.recording = feed.session, feed.recording, None
        self.recording_changed.emit(False)

        def body(_: JobContext) -> Path | None:
            # A session that has ended has finished the video itself.
            session.stop_recording()
            return path if path is not None and path.exists() else None

        self._run(self.tr("Finish the video"), body)

    def _run(self, title: str, body: Callable[[JobContext], Path | None]) -> None:
        self._jobs.run(title, body, self._on_saved, self._messages.show_error, LANE, owner=self)

    def _on_saved(self, path: Path | None) -> None:
        if path is None:
            self._messages.show_message(self.tr("There was nothing to record."), kind="warning")
            return
        show = self.tr("Show it"), lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
        self._messages.show_message(
            self.tr("Saved {0}.").format(path.name), kind="success", action=show, seconds=NOTICE_SECONDS
        )
