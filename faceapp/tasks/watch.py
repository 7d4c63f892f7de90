"""A video file or a folder of frames watched from its first to its last frame, as quickly as it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from faceapp.jobs import JobContext
from faceapp.live import Frame, FrameResult, Track
from faceapp.stream.filmed import filmed
from faceapp.stream.readers import open_recorded
from faceapp.stream.recorder import Recorder
from faceapp.stream.sources import SourceLost, SourceSpec
from faceapp.stream.watcher import Stats, Watcher

# A file that ends before this share of the frames that its head promises was cut off.
WHOLE = 0.9


@dataclass(frozen=True, eq=False)
class WatchReport:
    """What was seen. frames, seconds: of the source. remark: what the user should know; may be empty."""

    frames: int
    seconds: float
    tracks: tuple[Track, ...]
    stats: Stats = field(default_factory=Stats)
    remark: str = ""


def watch_file(
    context: JobContext,
    watcher: Watcher,
    spec: SourceSpec,
    out: Path | None = None,
    on_result: Callable[[FrameResult], None] | None = None,
) -> WatchReport:
    """Watch all of it. out: where the annotated video goes. Raises SourceLost, BadRequest, Cancelled."""
    recorder = Recorder(out, sound=_sound(spec)) if out is not None else None
    reader = open_recorded(spec)
    number, seconds = 0, 0.0
    started = filmed(spec, reader) or datetime.now(UTC)
    done = False
    try:
        for number in context.track(range(reader.frames or 10**9), reader.frames or None, "Watching"):
            picture = reader.read()
            if picture is None:
                break
            seconds = picture.seconds if picture.seconds is not None else number / reader.fps
            frame = Frame(picture.image, number, seconds, started + timedelta(seconds=seconds))
            result = watcher.watch(frame)
            if recorder is not None:
                recorder.add(result)
            if on_result is not None:
                on_result(result)
        tracks = watcher.finish()
        if not watcher.stats.frames:
            raise SourceLost("video_unreadable", f"“{spec.name}” holds no pictures that can be read.")
        if recorder is not None:
            recorder.finish()
        done = True
    finally:
        reader.close()
        if not done:
            watcher.close()
        if recorder is not None and not done:
            recorder.discard()
    frames = watcher.stats.frames
    length = seconds + (1 / reader.fps if reader.fps else 0.0)
    remarks = []
    if reader.frames and frames < WHOLE * reader.frames:
        remarks.append(f"The file breaks off after {frames} of {reader.frames} frames.")
    if watcher.problem:
        remarks.append(watcher.problem)
    return WatchReport(frames, length, tracks, watcher.stats, " ".join(remarks))


def _sound(spec: SourceSpec) -> Path | None:
    return Path(spec.address) if spec.kind == "file" else None
