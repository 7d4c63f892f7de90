"""Live recognition: tracks and names against the truth, and throughput against the plain loop."""

from __future__ import annotations

import contextlib
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import face_recognition
import numpy as np

from benchmarks import live_window, photos, tracks
from benchmarks.report import Section
from benchmarks.speed import detectors
from db.store import open_store
from faceapp.config import SettingsFile
from faceapp.jobs import JobContext, JobManager, ThreadExecutor
from faceapp.live import Frame, LiveSettings, Method, Track
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.paths import Paths
from faceapp.services import Services
from faceapp.stream.watcher import Stats, Watcher
from faceapp.types import Image

# Every person of the clip who has a portrait, as (person, shot) of the truth.
NAMED = {"friends1": {(0, 0): "Rachel", (1, 0): "Ross"}, "short_hamilton_clip": {}}
METHODS: tuple[Method, ...] = ("vote", "fuse")
WIDTH, HEIGHT = 640, 360
# The plain loop looks at every n-th frame: it takes the same time for each.
PEER_STEP = 6
ROUNDS = 3
MEMORY_FRAMES = (2_000, 20_000)


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as folder:
        paths = Paths(Path(folder))
        paths.create()
        models = Models(paths)
        keys = detectors(paths)
        identities, speeds = [], []
        memory: list[str] = []
        for key in keys:
            with library(Path(folder) / key, models, key) as services:
                identities += [
                    identity_row(services, key, clip, method) for clip in NAMED for method in METHODS
                ]
                speeds += [speed_row(services, key, clip) for clip in NAMED]
                if not memory:
                    memory = list(memory_row(services, key))
        tables = identity_section(identities), speed_section(speeds)
        return [*tables, live_window.section(), memory_section(memory)]


@contextlib.contextmanager
def library(folder: Path, models: Models, detector: str) -> Iterator[Services]:
    """A library with the portraits of `video/people`."""
    paths = Paths(folder)
    paths.create()
    settings = SettingsFile(paths.settings)
    settings.change(detector=detector)
    services = Services(
        open_store(paths.library, paths.backups), models, JobManager(ThreadExecutor()), paths, settings
    )
    try:
        services.enrolment.import_people(JobContext.silent(), photos.data() / "video" / "people")
        yield services
    finally:
        services.live.close()
        services.jobs.shutdown()


def read_frames(clip: str) -> list[Image]:
    capture = cv2.VideoCapture(str(photos.data() / "video" / f"{clip}.mp4"))
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1])
    capture.release()
    return frames


def watch(
    services: Services, frames: Sequence[Image], method: Method = "vote"
) -> tuple[tuple[Track, ...], Stats]:
    watcher = new_watcher(services, LiveSettings(method=method))
    start = datetime.now(UTC)
    for number, image in enumerate(frames):
        watcher.watch(Frame(image, number, number / 25, start + timedelta(seconds=number / 25)))
    return watcher.finish(), watcher.stats


def new_watcher(services: Services, settings: LiveSettings) -> Watcher:
    return Watcher(
        services.models.detector(services.analyser.detector_key),
        services.models.embedder(services.analyser.model_key),
        lambda embedding: services.recognition.nearest(embedding, 3),
        lambda: services.recognition.threshold,
        settings,
    )


# -- tracks and names ---------------------------------------------------------------------------------


def identity_row(services: Services, detector: str, clip: str, method: Method) -> tuple[str, ...]:
    truth = tracks.read(photos.data() / "video" / f"{clip}_tracks.json")
    seen, stats = watch(services, read_frames(clip), method)
    agreement = tracks.compare(truth, seen)
    names = named(seen)
    right = 0
    for key, name in NAMED[clip].items():
        covering = agreement.pairs[key]
        right += bool(covering) and names.get(max(covering, key=covering.__getitem__)) == name
    known = {number for key in NAMED[clip] for number in agreement.pairs[key]}
    wrong = sum(number not in known for number in names)
    return (
        services.models.spec(detector).title, clip, method, f"**{agreement.idf1:.3f}**",
        f"{agreement.precision:.3f}", f"{agreement.recall:.3f}", str(agreement.switches),
        f"{right} of {len(NAMED[clip])}", str(wrong), f"{stats.embedded}, {stats.embedded_after_decision}",
    )  # fmt: skip


def named(seen: Sequence[Track]) -> dict[int, str]:
    """The names of the tracks that have one."""
    people = {track.id: track.decision.person for track in seen if track.decision is not None}
    return {number: person.name for number, person in people.items() if person is not None}


def identity_section(rows: Sequence[Sequence[str]]) -> Section:
    return Section(
        "live-tracks",
        "Tracks and names on two clips",
        "Against the `verified` tracks of the clips, `ignore` left out; a person's track ends at a cut. The"
        " six people of `video/people` are enrolled with one portrait each; two of them are on friends1,"
        " none on the other clip. The truth was made with YuNet, which favours it.",
        ("detector", "clip", "decided by", "IDF1", "ID precision", "ID recall", "switches", "named right",
         "strangers named", "faces embedded, of which after the decision"),
        rows,
    )  # fmt: skip


# -- throughput -----------------------------------------------------------------------------------------


def speed_row(services: Services, detector: str, clip: str) -> tuple[str, ...]:
    """Ours and the plain loop take turns on the same frames in memory."""
    frames = [cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA) for frame in read_frames(clip)]
    if clip == "short_hamilton_clip":
        frames = frames[211:]  # the shot with five people
    known = portraits(services)
    watch(services, frames[:10])
    ratios, stages = [], Stats()
    plain: set[str] = set()
    ours: set[str] = set()
    faces = 0
    for turn in range(ROUNDS):
        start = time.perf_counter()
        seen, stats = watch(services, frames)
        middle = time.perf_counter()
        chosen = frames[turn :: PEER_STEP]
        for frame in chosen:
            names = plain_loop(frame, known)
            faces += len(names)
            plain |= {name for name in names if name}
        peer = (time.perf_counter() - middle) / len(chosen)
        ratios.append(peer / ((middle - start) / len(frames)))
        ours |= set(named(seen).values())
        stages = stats
    each = {name: 1000 * seconds / stages.frames for name, seconds in stages.stages.items()}
    per_frame = faces / sum(len(frames[turn :: PEER_STEP]) for turn in range(ROUNDS))
    return (
        services.models.spec(detector).title, clip, f"{per_frame:.1f}",
        f"**{float(np.median(ratios)):.0f}x**",
        ", ".join(f"{name} {each.get(name, 0):.1f}" for name in ("detect", "follow", "embed", "decide")),
        ", ".join(sorted(ours)) or "-", ", ".join(sorted(plain)) or "-",
    )  # fmt: skip


def portraits(services: Services) -> dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]:
    """What face_recognition knows: the same portraits, with our box where it finds no face on one."""
    known = {}
    for file in sorted((photos.data() / "video" / "people").glob("*/*.png")):
        rgb = face_recognition.load_image_file(str(file))
        places = face_recognition.face_locations(rgb)
        if not places:
            box = services.analyser.faces(np.ascontiguousarray(rgb[:, :, ::-1]), embed=False)[0].box
            places = [(round(box.y1), round(box.x2), round(box.y2), round(box.x1))]
        known[file.parent.name] = face_recognition.face_encodings(rgb, places)[0]
    return known


def plain_loop(frame: Image, known: dict[str, np.ndarray[tuple[int], np.dtype[np.float64]]]) -> list[str]:
    """One turn of the loop that everybody writes: detect, encode, compare; a name, or "", for each face."""
    rgb = np.ascontiguousarray(frame[:, :, ::-1])
    places = face_recognition.face_locations(rgb)
    names = []
    for encoding in face_recognition.face_encodings(rgb, places):
        distances = face_recognition.face_distance(list(known.values()), encoding)
        best = int(np.argmin(distances))
        names.append(list(known)[best] if distances[best] <= 0.6 else "")
    return names


def speed_section(rows: Sequence[Sequence[str]]) -> Section:
    return Section(
        "live-speed",
        "Throughput at 640x360",
        "Frames in memory. The plain loop (`face_locations`, `face_encodings`, `face_distance` on every"
        f" frame, tolerance 0.6) runs on every {PEER_STEP}th frame, ours on all; they take turns,"
        f" median of {ROUNDS} ratios of the time a frame. Milliseconds a frame by stage are ours.",
        ("detector", "clip", "faces a frame that the plain loop finds", "ratio", "ms by stage",
         "named by ours", "named by the plain loop"),
        rows,
    )  # fmt: skip


# -- memory -----------------------------------------------------------------------------------------------


def memory_row(services: Services, detector: str) -> Iterator[str]:
    """One watcher of a camera, fed the same clip over and over."""
    frames = [cv2.resize(frame, (WIDTH, HEIGHT)) for frame in read_frames("short_hamilton_clip")]
    watcher = Watcher(
        services.models.detector(detector),
        services.models.embedder(services.analyser.model_key),
        lambda embedding: services.recognition.nearest(embedding, 3),
        lambda: services.recognition.threshold,
        LiveSettings(),
        live=True,
    )
    start = datetime.now(UTC)
    for number in range(max(MEMORY_FRAMES)):
        moment = start + timedelta(seconds=number / 25)
        watcher.watch(Frame(frames[number % len(frames)], number, number / 25, moment))
        if number + 1 in MEMORY_FRAMES:
            yield f"{resident():.0f}"


def resident() -> float:
    """Megabytes of memory that this process holds now (on Linux; elsewhere the most it ever held)."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text("ascii").split()[1]) * resource.getpagesize() / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def memory_section(cells: Sequence[str]) -> Section:
    return Section(
        "live-memory",
        "Memory of a camera that runs for long",
        "One watcher, the same clip with three cuts over and over; resident megabytes after so many frames.",
        tuple(f"after {count:,}" for count in MEMORY_FRAMES),
        [tuple(cells)],
    )
