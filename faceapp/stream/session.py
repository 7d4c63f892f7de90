"""A source that is being watched: the threads, and what can be asked and told from any other thread.

A camera has two threads: one only reads it and keeps the newest frame, the other owns the pipeline. A file
or a folder is read by the pipeline's thread itself, in order and no faster than it was taken.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from faceapp.errors import FaceAppError
from faceapp.jobs.manager import ThreadExecutor
from faceapp.live import Frame, FrameResult, LiveSettings, Track, TrackedFace
from faceapp.ports import Executor
from faceapp.stream.capture import FIRST_WAIT, Capture, Opener
from faceapp.stream.filmed import filmed
from faceapp.stream.picture import Picture
from faceapp.stream.readers import Seekable, open_live, open_recorded
from faceapp.stream.recorder import Recorder
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState, Status
from faceapp.stream.watcher import Stats, Watcher, Why
from faceapp.types import Image, Person

log = logging.getLogger(__name__)

STOP_SECONDS = 2.5
POLL_SECONDS = 0.1
# A file that falls behind by more than this goes on from where it is, without hurrying.
LATE_SECONDS = 0.5

Build = Callable[[], Watcher]
Listener = Callable[[FrameResult], None]


class Painter(Protocol):
    """Changes what is shown. Used by the pipeline's thread; the slower it is, the more frames are dropped.

    comment: what a recording says of itself in its metadata.
    """

    comment: str

    def paint(self, frame: Frame, faces: Sequence[TrackedFace]) -> Image:
        """The picture to show instead of the frame's own, which stays as it is."""


class LiveSession:
    """One source, watched until `stop`. Every method may be called from any thread.

    `latest` and `status` answer at once; what looks into the tracks may wait for the frame at work, some
    hundredths of a second; `stop` waits for the threads.
    """

    def __init__(
        self,
        spec: SourceSpec,
        build: Build,
        executor: Callable[[], Executor] = ThreadExecutor,
        opener: Opener = open_live,
        first_wait: float = FIRST_WAIT,
        on_stop: Callable[[LiveSession], None] | None = None,
    ) -> None:
        """build: makes the watcher, on the pipeline's thread: it may take seconds to load the models.
        executor: what the threads are made by; it is this session's own and ends with it."""
        self.spec = spec
        self._build = build
        self._executor = executor()
        self._opener = opener
        self._first_wait = first_wait
        self._on_stop = on_stop
        # The first guards what is asked all the time, the second the watcher and the recorder.
        self._lock = threading.RLock()
        self._work = threading.RLock()
        self._wake = threading.Condition(self._lock)
        self._stopped = threading.Event()
        self._paused = False
        self._steps = 0
        self._seek_to: float | None = None
        self._changed: LiveSettings | None = None
        self._painter: Painter | None = None
        self._status = Status(SourceState.OPENING, f"Opening {spec.name}.")
        self._latest: FrameResult | None = None
        self._watcher: Watcher | None = None
        self._capture: Capture | None = None
        self._recorder: Recorder | None = None
        self._listeners: list[Listener] = []
        self._length = 0.0
        self._problem = ""

    def start(self) -> LiveSession:
        if self.spec.live:
            self._capture = Capture(self.spec, self._opener, self._first_wait)
            self._executor.submit(f"capture {self.spec.name}", self._capture.run)
        self._executor.submit(f"watch {self.spec.name}", self._run)
        return self

    # -- asking ---------------------------------------------------------------------------------------

    def latest(self) -> FrameResult | None:
        """The newest frame with what is known of it; None before the first."""
        with self._lock:
            return self._latest

    @property
    def status(self) -> Status:
        """How the source is doing now."""
        with self._lock:
            status, paused, watcher = self._status, self._paused, self._watcher
        if not status.over and self._capture is not None and watcher is not None:
            status = self._capture.status
        if paused and status.state is SourceState.RUNNING:
            status = Status(SourceState.PAUSED, "Paused.")
        return replace(status, warning=watcher.problem) if watcher is not None else status

    @property
    def seconds(self) -> float:
        """How long the file is; 0 for a camera, and where it is not known."""
        with self._lock:
            return self._length

    @property
    def stats(self) -> Stats:
        """What was done so far."""
        with self._work:
            if self._watcher is None:
                return Stats()
            return replace(self._watcher.stats, stages=dict(self._watcher.stats.stages))

    def tracks(self) -> tuple[Track, ...]:
        """Every track so far; of a camera, those that are remembered."""
        with self._work:
            return self._watcher.tracks() if self._watcher is not None else ()

    def why(self, track_id: int) -> Why | None:
        """Why a track has its name; None for a track that is not remembered."""
        with self._work:
            return self._watcher.why(track_id) if self._watcher is not None else None

    # -- telling --------------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with every result, on the pipeline's thread; comes back with the way out."""
        with self._lock:
            self._listeners.append(listener)

        def leave() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return leave

    def pause(self) -> None:
        with self._wake:
            self._paused = True

    def resume(self) -> None:
        with self._wake:
            self._paused = False
            self._wake.notify_all()

    def step(self) -> None:
        """Pause, and go on by one frame."""
        with self._wake:
            self._paused = True
            self._steps += 1
            self._wake.notify_all()

    def seek(self, seconds: float) -> None:
        """Go on from there, in a file; every track ends. A camera takes no notice."""
        with self._wake:
            self._seek_to = max(0.0, seconds)
            self._wake.notify_all()

    def change(self, settings: LiveSettings) -> None:
        """Go on with other settings from the next frame on; no track ends by it."""
        with self._lock:
            self._changed = settings

    def set_painter(self, painter: Painter | None) -> None:
        """Show, send and record what it paints, from the next frame on; None for the frames themselves."""
        with self._lock:
            self._painter = painter

    @property
    def painter(self) -> Painter | None:
        with self._lock:
            return self._painter

    def say(self, track_id: int, person: Person | None) -> bool:
        """The user says who a track is; None for nobody. False when the track is not remembered."""
        with self._work:
            return self._watcher is not None and self._watcher.say(track_id, person)

    def record(self, path: Path) -> None:
        """Write what is seen, with boxes and names, into a video from the next frame on."""
        with self._work:
            self.stop_recording()
            self._problem = ""
            sound = Path(self.spec.address) if self.spec.kind == "file" else None
            self._recorder = Recorder(path, sound=sound, live=self.spec.live)

    @property
    def recording(self) -> bool:
        with self._work:
            return self._recorder is not None

    @property
    def problem(self) -> str:
        """Why the camera gave no picture when it was last tried; "" while it does."""
        return self._capture.problem if self._capture is not None else ""

    @property
    def recording_problem(self) -> str:
        """Why the last recording ended by itself; "" when it did not."""
        with self._work:
            return self._problem

    def stop_recording(self) -> Path | None:
        """Finish the video; where it is, or None when nothing was recorded."""
        with self._work:
            recorder, self._recorder = self._recorder, None
            return recorder.finish() if recorder is not None else None

    def stop(self) -> list[str]:
        """End the threads and give the device back; the names of threads that are late (there is none but
        for a driver that hangs; such a thread lets go as soon as it answers). May be called twice."""
        self._stopped.set()
        with self._wake:
            self._wake.notify_all()
        if self._capture is not None:
            self._capture.stop()
        late = self._executor.shutdown(STOP_SECONDS)
        for lane in late:
            log.warning("%s did not let go within %.1f s.", lane, STOP_SECONDS)
        with self._lock:
            if not self._status.over or self._status.state is SourceState.ENDED:
                self._status = Status(SourceState.STOPPED, "Stopped.")
        if self._on_stop is not None:
            self._on_stop(self)
        return late

    # -- the pipeline's thread --------------------------------------------------------------------------

    def _run(self) -> None:
        ended = False
        try:
            watcher = self._build()
            with self._work, self._lock:
                self._watcher = watcher
            if self._capture is not None:
                self._watch_camera(watcher, self._capture)
            else:
                self._watch_recorded(watcher)
            ended = True
        except FaceAppError as error:
            log.info("%s: %s", self.spec.name, error)
            self._set(Status(SourceState.FAILED, str(error)))
            ended = True
        finally:
            if not ended:
                # A bug: it goes on to the log, and the view must not look alive.
                self._set(Status(SourceState.FAILED, "Something went wrong inside the program."))
            self._close()

    def _close(self) -> None:
        with self._work:
            try:
                if self._watcher is not None:
                    self._watcher.finish()
                self.stop_recording()
            except FaceAppError as error:
                log.warning("%s: %s", self.spec.name, error)
                self._set(Status(SourceState.FAILED, str(error)))

    def _watch_camera(self, watcher: Watcher, capture: Capture) -> None:
        while not self._stopped.is_set():
            if not self._may_go_on():
                with self._wake:
                    self._wake.wait(POLL_SECONDS)
                continue
            frame = capture.slot.take(POLL_SECONDS)
            if frame is not None:
                self._watch(watcher, frame, capture.slot.dropped)

    def _watch_recorded(self, watcher: Watcher) -> None:
        reader = open_recorded(self.spec)
        with self._lock:
            self._length = reader.frames / reader.fps if reader.fps else 0.0
        try:
            self._play(watcher, reader)
        finally:
            reader.close()
        if not self._stopped.is_set():
            self._set(Status(SourceState.ENDED, "The video has ended."))

    def _play(self, watcher: Watcher, reader: Seekable) -> None:
        started = filmed(self.spec, reader) or datetime.now(UTC)
        clock = Clock()
        number = 0
        self._set(Status(SourceState.RUNNING, "Running."))
        while not self._stopped.is_set():
            target = self._take_seek()
            if target is not None:
                number = round(target * reader.fps)
                reader.seek(number)
                with self._work:
                    watcher.jump()
                clock.restart()
            elif not self._may_go_on():
                clock.restart()
                with self._wake:
                    self._wake.wait(POLL_SECONDS)
                continue
            picture = reader.read()
            if picture is None:
                if not self._stay_at_end():
                    return
                continue
            self._wait(clock.due(_seconds(picture, number, reader)))
            seconds = _seconds(picture, number, reader)
            self._watch(watcher, Frame(picture.image, number, seconds, started + timedelta(seconds=seconds)))
            number += 1

    def _watch(self, watcher: Watcher, frame: Frame, dropped: int = 0) -> None:
        with self._lock:
            changed, self._changed = self._changed, None
        with self._work:
            if changed is not None:
                watcher.change(changed)
            result = watcher.watch(frame, dropped)
        painter = self.painter
        if painter is not None:
            painted = painter.paint(frame, result.faces)
            result = replace(result, frame=replace(frame, image=painted))
        with self._work:
            # Of what was painted a plain video is wanted, without boxes and names.
            if painter is not None and self._recorder is not None:
                self._recorder.comment = painter.comment
            self._record(replace(result, faces=()) if painter is not None else result)
        with self._lock:
            self._latest = result
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(result)

    def _record(self, result: FrameResult) -> None:
        """A recording that fails ends; what is watched goes on."""
        if self._recorder is None:
            return
        try:
            self._recorder.add(result)
        except FaceAppError as error:
            log.warning("%s: %s", self.spec.name, error)
            self._recorder, self._problem = None, str(error)

    def _may_go_on(self) -> bool:
        """Not paused, or one step was asked for."""
        with self._lock:
            if not self._paused:
                return True
            if self._steps:
                self._steps -= 1
                return True
            return False

    def _take_seek(self) -> float | None:
        with self._lock:
            target, self._seek_to = self._seek_to, None
            return target

    def _stay_at_end(self) -> bool:
        """At the end of a file; True when there is a place to go back to. A paused file waits for one."""
        with self._wake:
            while self._paused and self._seek_to is None and not self._stopped.is_set():
                self._wake.wait(POLL_SECONDS)
            return self._seek_to is not None

    def _wait(self, seconds: float) -> None:
        if seconds > 0:
            self._stopped.wait(seconds)

    def _set(self, status: Status) -> None:
        with self._lock:
            self._status = status


class Clock:
    """When the frames of a file are due, so that it plays at its own speed."""

    def __init__(self) -> None:
        self._origin: float | None = None

    def restart(self) -> None:
        """After a pause or a jump."""
        self._origin = None

    def due(self, seconds: float) -> float:
        """How long to wait for the frame of that time; 0 when it is late."""
        now = time.monotonic()
        if self._origin is None or now - self._origin - seconds > LATE_SECONDS:
            self._origin = now - seconds
        return max(0.0, self._origin + seconds - now)


def _seconds(picture: Picture, number: int, reader: Seekable) -> float:
    return picture.seconds if picture.seconds is not None else number / (reader.fps or 25.0)
