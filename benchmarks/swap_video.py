"""Video swap: speed of the job and its halves, trembling of the faces, a stop and a resume; live."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np

from benchmarks import photos
from benchmarks.live import HEIGHT, WIDTH
from benchmarks.report import Section
from db.store import open_store
from faceapp.config import SettingsFile
from faceapp.edit.cast import CastChoices
from faceapp.edit.faces import LANDMARKER
from faceapp.edit.frames import SegmentWriter, develop, join, open_clip, read_frames
from faceapp.edit.points import eye_distance, five_of, upright
from faceapp.edit.sight import locate, sight_box
from faceapp.edit.survey import FaceTrack, Survey
from faceapp.jobs import JobContext, JobManager, ThreadExecutor
from faceapp.live import Frame, LiveSettings
from faceapp.models.base import Landmarker
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.services.swap_video import VideoPlan
from faceapp.stream.sources import SourceSpec
from faceapp.types import Floats, Image, Photo

CLIPS = ("short_hamilton_clip", "friends1")
SOURCES = ("obama.jpg", "biden.jpg", "obama2.jpg")
EVERYONE = CastChoices(everyone=True)
# The smooth path that a point is compared with: a parabola over so many frames.
PATH_FRAMES, PATH_DEGREE = 9, 2
SHORTEST = 25
# Pixels between the eyes of a face whose trembling is measured: on smaller ones a pixel is what is measured.
SMALLEST_EYES = 12.0
LIVE_FRAMES = 60
# Of each clip so many frames are looked at: every one is rendered twice.
FRAMES = 150


class _Stopped(Exception):
    """The render was stopped as by a kill: nothing is cleaned up."""


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder) / "data")
        paths.create()
        models = Models(paths)
        services = Services(
            open_store(paths.library, paths.backups), models, JobManager(ThreadExecutor()), paths,
            SettingsFile(paths.settings),
        )  # fmt: skip
        try:
            services.analyser.preload()
            models.landmarker(LANDMARKER)
            sources = [read_photo(photos.data() / "portraits" / name) for name in SOURCES]
            services.swaps.check_sources(sources)
            rows, live = [], []
            for name in CLIPS:
                path = small_clip(name, Path(folder))
                rows.append(clip_row(services, name, path, sources, Path(folder)))
                live.append(live_row(services, name, path, sources))
            return [clip_section(rows), live_section(live)]
        finally:
            services.close()


def small_clip(name: str, folder: Path) -> Path:
    """The first frames of a clip at 640 x 360, with its sound."""
    clip = open_clip(photos.data() / "video" / f"{name}.mp4")
    small, stamps = replace(clip, width=WIDTH, height=HEIGHT), []
    writer = SegmentWriter(folder / "part.mp4", small)
    for raw in islice(read_frames(clip), FRAMES):
        frame = raw.frame.reformat(WIDTH, HEIGHT, interpolation="AREA")
        writer.add(develop(small, replace(raw, frame=frame), image=False))
        stamps.append(raw.stamp)
    writer.finish()
    out = folder / f"{name}.mp4"
    join(clip, [folder / "part.mp4"], np.array(stamps), out)
    return out


def clip_row(services: Services, name: str, path: Path, sources: Sequence[Photo], folder: Path) -> list[str]:
    videos = services.swaps.videos
    started, used = time.perf_counter(), time.process_time()
    survey = videos.survey(JobContext.silent(), path)
    looked, looking = time.perf_counter() - started, time.process_time() - used
    plan = videos.plan(sources, survey, EVERYONE)
    whole = folder / f"{name}-swapped.mp4"
    started, used = time.perf_counter(), time.process_time()
    rendered(services, plan, whole)
    made, making = time.perf_counter() - started, time.process_time() - used
    stopped = folder / f"{name}-resumed.mp4"
    try:
        rendered(services, plan, stopped, survey.frames // 2)
    except _Stopped:
        resumed = rendered(services, plan, stopped)
    same = hashes(whole) == hashes(stopped)
    before, after = jitter(services, survey, plan, path, whole)
    faces = sum(track.swappable for track in survey.tracks) / survey.frames
    out = open_clip(whole)
    return [
        name, str(survey.frames), f"{faces:.1f}", f"{survey.frames / looked:.0f}",
        f"{survey.frames / made:.0f}", f"{survey.frames / (looked + made):.0f}",
        f"{looking / survey.frames * 1000:.0f} + {making / survey.frames * 1000:.0f}",
        f"{before:.2f}", f"{after:.2f}", f"{after / before:.2f}",
        f"{len(hashes(whole))} frames, {'sound' if out.sound else 'no sound'}",
        f"from frame {resumed}: {'the same' if same else 'DIFFERENT'}",
    ]  # fmt: skip


def rendered(services: Services, plan: VideoPlan, out: Path, stop: int = 0) -> int:
    """Render and join; the frames that an earlier run had finished. stop: the frame at which it is killed."""
    videos = services.swaps.videos

    def tell(done: int, _share: float) -> None:
        if stop and done == stop:
            raise _Stopped

    folder = videos.folder(plan, None)
    first = folder.finished * folder.length
    videos.render(plan, None, folder, tell)
    videos.finish(plan, folder, out)
    folder.remove()
    return first


def hashes(path: Path) -> list[str]:
    clip = open_clip(path)
    return [hashlib.md5(develop(clip, raw).image.tobytes()).hexdigest() for raw in read_frames(clip)]


def jitter(
    services: Services, survey: Survey, plan: VideoPlan, before: Path, after: Path
) -> tuple[float, float]:
    """How far points found again lie from their smooth path, in % of the eye distance: before and after."""
    landmarker = services.models.landmarker(LANDMARKER)
    tracks = [track for track in survey.tracks if track.number in plan.cast.roles]
    tracks = [track for track in tracks if track.swappable >= SHORTEST and eyes_of(track) >= SMALLEST_EYES]
    weights = [track.swappable for track in tracks]
    means = []
    for images in map(images_of, (before, after)):
        each = [trembling(landmarker, track, images) for track in tracks]
        means.append(float(np.average(each, weights=weights)))
    return means[0], means[1]


def images_of(path: Path) -> list[Image]:
    clip = open_clip(path)
    return [develop(clip, raw).image for raw in read_frames(clip)]


def trembling(landmarker: Landmarker, track: FaceTrack, images: list[Image]) -> float:
    from scipy.signal import savgol_filter

    own = enumerate(track.points, track.first)
    found = np.stack([placed(landmarker, images[number], points) for number, points in own])
    rest = found - savgol_filter(found, PATH_FRAMES, PATH_DEGREE, axis=0)
    swapped = track.strength > 0.99
    return float(np.hypot(rest[..., 0], rest[..., 1])[swapped].mean()) / eyes_of(track) * 100


def eyes_of(track: FaceTrack) -> float:
    return float(np.median([eye_distance(points) for points in track.points]))


def placed(landmarker: Landmarker, image: Image, points: Floats) -> Floats:
    """The points found on an image from the box of known ones."""
    box = sight_box(five_of(points))
    return locate(landmarker, image, box, upright(points))


def live_row(services: Services, name: str, path: Path, sources: Sequence[Photo]) -> list[str]:
    """Watching and painting on one thread, as a session does, as quickly as it goes."""
    watcher = services.live._watcher(SourceSpec.parse(str(path)), LiveSettings(), keep=False)
    painter = services.swaps.videos.live(sources)
    clip = open_clip(path)
    now = datetime.now(UTC)
    watched = painted = 0.0
    swapped = count = 0
    for raw in islice(read_frames(clip), LIVE_FRAMES):
        frame = Frame(develop(clip, raw).image, raw.number, raw.number / clip.fps, now)
        started = time.perf_counter()
        result = watcher.watch(frame)
        middle = time.perf_counter()
        painter.paint(frame, result.faces)
        watched += middle - started
        painted += time.perf_counter() - middle
        swapped += len(result.faces)
        count += 1
    watcher.finish()
    return [
        name, str(count), f"{swapped / count:.1f}", f"{watched / count * 1000:.0f} ms",
        f"{painted / count * 1000:.0f} ms", f"{count / (watched + painted):.0f}",
    ]  # fmt: skip


def clip_section(rows: Sequence[Sequence[str]]) -> Section:
    return Section(
        "swap-video",
        "Faces swapped in a clip of 640 x 360",
        "Every face of the clip gets one of three sources. Frames a second of looking at the clip, of "
        "rendering with encoding and joining, and of both; beside it what the two take of a core, which "
        "other programs disturb less. Trembling: 68 points found again in every frame from the box that the "
        "survey held, their mean distance from a parabola over nine frames, in % of the eye distance, for "
        "faces whose eyes are 12 pixels apart or more; at most 1.3 "
        "times that of the clip is wanted, and 12 frames a second.",
        ("clip", "frames", "faces a frame", "looking", "rendering", "both", "ms of a core a frame",
         "trembling of the clip", "of the result", "ratio", "result", "stopped at half and resumed"),
        rows,
    )  # fmt: skip


def live_section(rows: Sequence[Sequence[str]]) -> Section:
    return Section(
        "swap-live",
        "Faces swapped in a live picture of 640 x 360",
        "The watcher and the painter of a session on one thread, every face swapped, as quickly as it goes.",
        ("source", "frames", "faces a frame", "watching", "painting", "frames a second"),
        rows,
    )
