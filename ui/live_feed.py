"""One open source as the window sees it: its session, its newest frame, and the tracks so far."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtGui import QImage

from faceapp.live import Decision, FrameResult, LiveSettings, TrackedFace, TrackState
from faceapp.services import Services
from faceapp.stream.session import LiveSession
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState
from ui.live_picture import LivePicture
from ui.picture import thumbnail

if TYPE_CHECKING:
    from faceapp.edit.live_swap import LiveSwap

CROP_SIDE = 96
# A new crop of a track is cut when its face has grown by this much.
GROWN = 1.25
MOST_TRACKS = 400
FRAME_SECONDS = 0.04


@dataclass(frozen=True, eq=False)
class TrackRow:
    """A track in the list. first, last: seconds of the source. here: it is in the newest frame."""

    face: TrackedFace
    crop: QImage
    first: float
    last: float
    here: bool = True

    @property
    def id(self) -> int:
        return self.face.track_id


class Feed(QObject):
    """Opens a source and asks it for the newest frame whenever `poll` is called; nothing is queued.

    Signals:
        fresh: a new frame is in `result`.
        status_changed: the source is doing something else; see `status`.
        tracks_changed: rows came, or say something else.
    """

    fresh = pyqtSignal()
    status_changed = pyqtSignal()
    tracks_changed = pyqtSignal()

    def __init__(
        self, services: Services, spec: SourceSpec, settings: LiveSettings, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._services = services
        self.spec = spec
        self.settings = settings
        self.result: FrameResult | None = None
        self.rows: dict[int, TrackRow] = {}
        self._since = time.monotonic()
        self._step = FRAME_SECONDS
        self._ending: list[threading.Thread] = []
        self.recording: Path | None = None
        self.picture = LivePicture()
        self.painter: LiveSwap | None = None
        self.session = self._open()
        self.status = self.session.status

    # -- asking ------------------------------------------------------------------------------------
    @property
    def age(self) -> float:
        """Seconds since the newest frame came."""
        return time.monotonic() - self._since

    @property
    def playing(self) -> bool:
        """It goes on by itself, or would if the camera answered."""
        return not self.status.over and self.status.state is not SourceState.PAUSED

    @property
    def seconds(self) -> float:
        """Where it stands, in a file."""
        return self.result.frame.seconds if self.result is not None else 0.0

    @property
    def length(self) -> float:
        """Seconds of the file, 0 for a camera."""
        return self.session.seconds

    @property
    def ending(self) -> bool:
        """A stop is still at work."""
        return any(thread.is_alive() for thread in self._ending)

    def face(self, track_id: int) -> TrackedFace | None:
        """That track in the newest frame."""
        faces = self.result.faces if self.result is not None else ()
        return next((face for face in faces if face.track_id == track_id), None)

    def poll(self) -> None:
        """Take the newest frame and the state; answers at once."""
        status = self.session.status
        if status != self.status:
            self.status = status
            self.status_changed.emit()
        result = self.picture.result or self.session.latest()
        if result is None or result is self.result:
            return
        self._note_step(result)
        self.result = result
        self._since = time.monotonic()
        self._note_tracks(result)
        self.fresh.emit()

    # -- telling -----------------------------------------------------------------------------------
    def toggle(self) -> None:
        """Pause, go on, or begin again when it is over."""
        if self.status.over:
            self.reopen()
        elif self.playing:
            self.session.pause()
        else:
            self.session.resume()
        self.poll()

    def step(self, by: int = 1) -> None:
        """Pause and show the next frame, or in a file the one before."""
        if by > 0 and not self.status.over:
            self.session.step()
        elif by < 0 and not self.spec.live:
            self.seek(self.seconds - self._step, paused=True)

    def seek(self, seconds: float, paused: bool = False) -> None:
        """Go on from there, in a file."""
        if self.spec.live:
            return
        if self.status.over:
            self.reopen(at=seconds)
        if paused:
            self.session.pause()
        self.session.seek(max(0.0, seconds))

    def change(self, settings: LiveSettings) -> None:
        """Go on with other settings; the tracks stay."""
        if settings != self.settings:
            self.settings = settings
            self.session.change(settings)

    def paint_with(self, painter: LiveSwap | None) -> None:
        """Show what it makes of the pictures, also after the source was opened again; None: as they are."""
        self.painter = painter
        self.session.set_painter(painter)

    def reopen(self, at: float = 0.0) -> None:
        """Open the source once more after its end; the old tracks are gone."""
        self._end(self.session)
        self.rows.clear()
        self.result = None
        self._since = time.monotonic()
        self.picture = LivePicture()
        self.session = self._open()
        if at > 0:
            self.session.seek(at)
        self.status = self.session.status
        self.status_changed.emit()
        self.tracks_changed.emit()

    def say(self, track_id: int, decision: Decision) -> None:
        """The user has said who a track is: the list says so at once, also of a track that is gone."""
        row = self.rows.get(track_id)
        if row is not None:
            self.rows[track_id] = replace(row, face=replace(row.face, decision=decision))
            self.tracks_changed.emit()

    def end(self) -> None:
        """Ask the source to stop. Its threads end on their own; `wait` waits for them."""
        self._end(self.session)

    def wait(self) -> None:
        """Until every thread of the source has ended, or was given up."""
        for thread in self._ending:
            thread.join()
        self._ending.clear()

    def _end(self, session: LiveSession) -> None:
        # `stop` waits for a camera that hangs; several sources end at the same time.
        self._ending = [thread for thread in self._ending if thread.is_alive()]
        thread = threading.Thread(target=session.stop, name=f"stop {self.spec.name}")
        thread.start()
        self._ending.append(thread)

    def _open(self) -> LiveSession:
        session = self._services.live.open(self.spec, self.settings)
        session.subscribe(self.picture.take)
        session.set_painter(self.painter)
        return session

    # -- keeping -----------------------------------------------------------------------------------
    def _note_step(self, result: FrameResult) -> None:
        before = self.result
        if before is not None and result.frame.number > before.frame.number:
            frames = result.frame.number - before.frame.number
            self._step = max(0.001, (result.frame.seconds - before.frame.seconds) / frames)

    def _note_tracks(self, result: FrameResult) -> None:
        here = {face.track_id for face in result.faces if face.state is not TrackState.LOST}
        changed = False
        for face in result.faces:
            row = self.rows.get(face.track_id)
            self.rows[face.track_id] = new = self._row(row, face, result)
            changed |= row is None or _says(row) != _says(new)
        for row in [row for row in self.rows.values() if row.here and row.id not in here]:
            lost = replace(row.face, state=TrackState.LOST)
            self.rows[row.id] = replace(row, face=lost, here=False)
            changed = True
        while len(self.rows) > MOST_TRACKS:
            del self.rows[min(self.rows)]
        if changed:
            self.tracks_changed.emit()

    def _row(self, before: TrackRow | None, face: TrackedFace, result: FrameResult) -> TrackRow:
        seconds, here = result.frame.seconds, face.state is not TrackState.LOST
        if before is None:
            return TrackRow(face, _crop(result, face), seconds, seconds, here)
        crop = before.crop
        decided = face.decision is not None and before.face.decision is None
        if here and (decided or face.box.height > GROWN * before.face.box.height):
            crop = _crop(result, face)
        return TrackRow(face, crop, before.first, seconds if here else before.last, here)


def _crop(result: FrameResult, face: TrackedFace) -> QImage:
    return thumbnail(result.frame.image, face.box, CROP_SIDE, 0.3)


def _says(row: TrackRow) -> tuple[object, ...]:
    """What the list shows of a row."""
    face = row.face
    return face.state, face.decision, face.faces, face.liveness, row.here, row.crop.cacheKey()
