"""Morphs: are both parents recognised, are they sharp, does identity move evenly, and how quick are they."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import face_recognition
import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from benchmarks import face_morpher, photos
from benchmarks.report import Section
from db.store import open_store
from faceapp.config import SettingsFile
from faceapp.edit import balance, morph, retime
from faceapp.edit.balance import Mixture
from faceapp.edit.morph import Weights
from faceapp.jobs import JobManager, ThreadExecutor
from faceapp.models.align import dlib_boxes
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.paths import Paths
from faceapp.pipeline.analysis import in_order
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.services.morphs import MorphPlan, MorphSettings
from faceapp.types import Detections, Floats, Image

PAIRS = 60
# So many more pairs say what a figure of so few cannot: its standard error is 0.05.
MORE = 180
SIZE = 256
# face_recognition's own distance (L2 of raw vectors), and the second judge's cosine distance.
DLIB_LIMIT = 0.6
SECOND = "face-reid-0095"
STEPS = 11
FRAMES = 60
PEER_FRAMES = 6
SPEED_SIZE = 512

# A picture of a plan, and the 68 points of its face.
Way: TypeAlias = Callable[[MorphPlan], tuple[Image, Floats]]


@dataclass(frozen=True, eq=False)
class Judged:
    """A face as both judges see it: dlib's raw vector, the second embedder's unit vector."""

    dlib: Floats
    second: Floats


class Judges:
    """Two embedders that the morph does not know of."""

    def __init__(self, models: Models) -> None:
        self._models = models
        calibration = models.spec(SECOND).calibration
        assert calibration is not None
        self.limit = calibration.threshold

    def see(self, image: Image) -> Judged | None:
        """The face in the middle of a picture; None where the detector finds none."""
        found = central(self._models, image)
        if found is None:
            return None
        left, top, right, bottom = np.rint(dlib_boxes(found)[0]).astype(int).tolist()
        rgb = np.ascontiguousarray(image[:, :, ::-1])
        raw = face_recognition.face_encodings(rgb, [(top, right, bottom, left)])[0]
        return Judged(raw, self._models.embedder(SECOND).embed(image, found, 2)[0])

    def accept(self, one: Judged | None, other: Judged | None) -> tuple[bool, bool]:
        """Whether dlib and the second embedder take two faces for one person."""
        if one is None or other is None:
            return False, False
        near = bool(np.linalg.norm(one.dlib - other.dlib) <= DLIB_LIMIT)
        return near, float(1 - one.second @ other.second) <= self.limit


def central(models: Models, image: Image) -> Detections | None:
    found = models.detector().detect(image)
    if not len(found):
        found = models.detector().detect_thorough(image)
    if not len(found):
        return None
    middle = (found.boxes[:, :2] + found.boxes[:, 2:]) / 2 - np.array(image.shape[1::-1]) / 2
    area = (found.boxes[:, 2:] - found.boxes[:, :2]).prod(1)
    return found.take(np.array([int(np.argmin((middle**2).sum(1) - area))]))


def run() -> list[Section]:
    with tempfile.TemporaryDirectory() as name:
        paths = Paths(Path(name))
        paths.create()
        shutil.copy(photos.data() / "models" / "face_reid_retail_0095.onnx", paths.models)
        models = Models(paths, threads=1)
        settings = SettingsFile(paths.settings)
        store = open_store(paths.library, paths.backups)
        services = Services(store, models, JobManager(ThreadExecutor()), paths, settings)
        try:
            return [quality(services, models), speed(services)]
        finally:
            services.close()


def people() -> list[list[Path]]:
    """The photos of everybody with two or more, by name."""
    folders = sorted((photos.data() / "faces" / "lfw").iterdir())
    files = [sorted(folder.glob("*.jpg")) for folder in folders]
    return [own for own in files if len(own) >= 2]


def chosen(models: Models, everybody: Sequence[list[Path]]) -> dict[str, list[tuple[int, int]]]:
    """Random pairs of people, and people with who looks most like them (dlib, first photos)."""
    order = np.random.default_rng(0).permutation(len(everybody)).tolist()
    rows = []
    for own in everybody:
        image = read_photo(own[0]).image
        found = central(models, image)
        assert found is not None
        rows.append(models.embedder().embed(image, found, 2)[0])
    alike = np.stack(rows) @ np.stack(rows).T
    np.fill_diagonal(alike, -1)
    # Two people who are each other's nearest are one pair.
    nearest = {frozenset(pair): pair for pair in ((one, int(alike[one].argmax())) for one in reversed(order))}
    in_turn = sorted(nearest.values(), key=lambda pair: order.index(pair[0]))
    return {
        "random": [(order[2 * at], order[2 * at + 1]) for at in range(PAIRS)],
        "nearest neighbours": in_turn[:PAIRS],
        f"{MORE} more of them": in_turn[PAIRS : PAIRS + MORE],
    }


def quality(services: Services, models: Models) -> Section:
    everybody = people()
    judges = Judges(models)
    rows = []
    for title, pairs in chosen(models, everybody).items():
        plans = [plan_of(services, everybody[one][0], everybody[other][0]) for one, other in pairs]
        seen = [
            [[judges.see(read_photo(file).image) for file in everybody[who][:2]] for who in pair]
            for pair in pairs
        ]
        rows.append([title, "the parents themselves", *ceiling(judges, seen), "", "", ""])
        for name, way in ways(services, alone=len(pairs) > PAIRS).items():
            rows.append([title, name, *figures(judges, plans, seen, way), *pace(services, plans, name)])
    return Section(
        "morph",
        "Morphs of two people",
        f"{PAIRS} random pairs of LFW and {PAIRS} people with their nearest neighbour, {SIZE} px. Accepted as"
        " both parents by dlib's raw vectors (face_recognition, within 0.6) and by"
        f" face-reidentification-retail-0095 (within its LFW threshold {judges.limit}), judged by the photos"
        " that the morph is made of, and by other photos of the same people. The parents themselves: both"
        " photos that a morph is made of are accepted by the other photos of their own people; no morph can"
        f" be expected to do better. {MORE} more pairs, because by chance a figure of 60 is off by 0.05"
        " or so; of the 200 pairs on which the balance was tried 95 are among these, none among the 60."
        " Sharpness: variance of the"
        " Laplacian in the face against the mean of both parents on the same canvas. Monotone, largest step:"
        f" of dlib's distances along {STEPS} pictures from one to the other. As the program does"
        " it: re-timed, and balanced for a single picture.",
        ("pairs", "method", "dlib: own photos", "dlib: other photos", "second: own", "second: other",
         "sharpness", "monotone", "largest / mean step"),
        rows,
    )  # fmt: skip


def ways(services: Services, alone: bool) -> dict[str, Way]:
    """The methods by name; `alone`: without those of others."""
    ours: dict[str, Way] = {
        "ours, half-way in pixels": lambda plan: mixed(plan, Mixture.at(0.5)),
        "ours, as the program does it": lambda plan: mixed(plan, services.morphs.middle(plan)),
    }
    return ours if alone else {"eyes aligned, dissolved": dissolved, "face_morpher's method": peers, **ours}


def plan_of(services: Services, one: Path, other: Path) -> MorphPlan:
    return services.morphs.plan([read_photo(one), read_photo(other)], MorphSettings(size=SIZE))


def mixed(plan: MorphPlan, mixture: Mixture) -> tuple[Image, Floats]:
    made = balance.mixed(plan.stack, mixture)
    return made.image, made.points


def ceiling(judges: Judges, seen: Sequence[Sequence[Sequence[Judged | None]]]) -> list[str]:
    """As `figures` has them, of the parents' photos against their own people's other photos."""
    verdicts = np.array([[judges.accept(*photos) for photos in parents] for parents in seen])
    dlib, second = verdicts.all(1).mean(0)
    return ["", f"{dlib:.2f}", "", f"{second:.2f}"]


def dissolved(plan: MorphPlan) -> tuple[Image, Floats]:
    first, last = plan.aligned
    image = cv2.addWeighted(first.image, 0.5, last.image, 0.5, 0)
    return image, ((first.points + last.points) / 2).astype(np.float32)


def peers(plan: MorphPlan, share: float = 0.5) -> tuple[Image, Floats]:
    first, last = plan.aligned
    one, other = face_morpher.points_of(first.points), face_morpher.points_of(last.points)
    average = ((1 - share) * one + share * other).astype(np.int32)
    warped = face_morpher.warp(first.image, one, average), face_morpher.warp(last.image, other, average)
    image = ((1 - share) * warped[0] + share * warped[1]).astype(np.uint8)
    return image, average[:68].astype(np.float32)


def figures(
    judges: Judges,
    plans: Sequence[MorphPlan],
    seen: Sequence[Sequence[Sequence[Judged | None]]],
    way: Way,
) -> list[str]:
    """dlib own, dlib other, second own, second other, sharpness."""
    taken = np.zeros((len(plans), 2, 2), bool)
    sharp = []
    for number, (plan, parents) in enumerate(zip(plans, seen, strict=True)):
        image, points = way(plan)
        made = judges.see(image)
        for photo in (0, 1):
            verdicts = [judges.accept(made, parent[photo]) for parent in parents]
            taken[number, photo] = [all(verdict[judge] for verdict in verdicts) for judge in (0, 1)]
        own = float(np.mean([sharpness(face.image, face.points) for face in plan.aligned]))
        sharp.append(sharpness(image, points) / own)
    shares = taken.mean(0)
    return [*(f"{shares[photo, judge]:.2f}" for judge in (0, 1) for photo in (0, 1)), f"{np.mean(sharp):.2f}"]


def sharpness(image: Image, points: Floats) -> float:
    """The variance of the Laplacian in the hull of the 68 points, without its edge: a peer's is cut there."""
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(points).astype(np.int32)), 1)
    inside = cv2.erode(inside, np.ones((9, 9), np.uint8))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return float(cv2.Laplacian(grey, cv2.CV_32F)[inside > 0].var())


def pace(services: Services, plans: Sequence[MorphPlan], name: str) -> list[str]:
    """Share of monotone steps, and the largest against the mean step (the mean of all pairs)."""
    if not name.startswith("ours") or len(plans) > PAIRS:
        return ["", ""]
    rising, ratios = [], []
    for plan in plans:
        own = retime.Pace.plain() if "pixels" in name else services.morphs.pace(plan)
        places = own(np.linspace(0, 1, STEPS))
        rows = services.morphs.embedded(plan, places)
        from_first, from_last = 1 - rows @ rows[0], 1 - rows @ rows[-1]
        rising += [*(np.diff(from_first) > 0), *(np.diff(from_last) < 0)]
        steps = np.linalg.norm(np.diff(rows, axis=0), axis=1)
        ratios.append(float(steps.max() / steps.mean()))
    return [f"{np.mean(rising):.3f}", f"{np.mean(ratios):.2f} (worst {np.max(ratios):.2f})"]


@dataclass(frozen=True)
class Taken:
    """Seconds on the clock, and of all processors together."""

    clock: float
    busy: float

    def __mul__(self, times: float) -> Taken:
        return Taken(self.clock * times, self.busy * times)


def taken(work: Callable[[], object]) -> Taken:
    """How long it takes. numpy's own threads are off: they would count as busy while they wait."""
    with threadpool_limits(1):
        clock, busy = time.perf_counter(), time.process_time()
        work()
        return Taken(time.perf_counter() - clock, time.process_time() - busy)


def speed(services: Services) -> Section:
    """Frames from the same photos with the same points."""
    files = [own[0] for own in people()[:2]]
    plan = services.morphs.plan([read_photo(file) for file in files], MorphSettings(size=SPEED_SIZE))
    first, last = plan.aligned
    one, other = face_morpher.points_of(first.points), face_morpher.points_of(last.points)
    places = np.linspace(0, 1, FRAMES).tolist()

    def theirs() -> None:
        deque(face_morpher.morph(first.image, last.image, one, other, PEER_FRAMES), 0)

    def ours(workers: int) -> None:
        deque(in_order(places, partial(at, morph.stack(plan.aligned)), workers), 0)

    peer = taken(theirs) * (FRAMES / PEER_FRAMES)
    rows = [["face_morpher's method", f"{peer.clock:.1f}", f"{peer.busy:.1f}", "", "", ""]]
    frames = [taken(partial(services.morphs.frame, plan, place)) for place in np.linspace(0.1, 0.9, 30)]
    clocks = [1000 * frame.clock for frame in frames]
    slider = f"{np.median(clocks):.0f} ms (longest of {len(clocks)}: {max(clocks):.0f})"
    for name, workers in (("ours, one frame after the other", 1), ("ours, two at a time (sequences)", 2)):
        own = taken(partial(ours, workers))
        times = [f"{peer.clock / own.clock:.0f}x", f"{peer.busy / own.busy:.0f}x"]
        rows.append([name, f"{own.clock:.2f}", f"{own.busy:.2f}", *times, slider if workers == 1 else ""])
    return Section(
        "morph-speed",
        f"{FRAMES} frames of a morph at {SPEED_SIZE} px",
        f"The same two aligned photos and the same 68 points. face_morpher's method was run for {PEER_FRAMES}"
        " frames and is scaled; ours includes the triangles and the whole picture, not the hull alone. Photos"
        f" read and points found before. {os.cpu_count()} cores; numpy's own threads are off for both, which"
        " is quicker for face_morpher's small matrices. Processor time hardly depends on what else runs.",
        ("method", "seconds", "processor seconds", "ratio", "ratio of processor time",
         "one frame for a slider"),
        rows,
    )  # fmt: skip


def at(prepared: morph.Stack, place: float) -> Image:
    return morph.mix(prepared, Weights.at(place, 2)).image
