"""What a video shows, before anything of it is changed: whose faces, where in every frame, cuts, doubts.

The whole clip is looked at once. So points and colours can be smoothed with what comes later as well, one
person stays one through cuts, sources are cast for all of them together, and what a frame will look like does
not depend on the frames that were rendered before it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np

from faceapp.edit.cast import turn
from faceapp.edit.colour import Colours, colours
from faceapp.edit.faces import LANDMARKER, EditFace
from faceapp.edit.frames import Clip, ClipFrame, RawFrame, develop, read_frames
from faceapp.edit.points import eye_distance, five_of, upright
from faceapp.edit.sight import TAKEN_AGAIN, astray, doubt, lean_of, locate, moved_box, next_box, sight_box
from faceapp.edit.skin import stand_upright
from faceapp.edit.smooth import Doubles, Shade, along_motion, follow, over_time
from faceapp.edit.swap import skin_sample
from faceapp.edit.trace import CARRIED, Sample, Trace
from faceapp.errors import FaceAppError
from faceapp.live import Frame
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.pipeline.quality import measure
from faceapp.stream.track import LiveTrack
from faceapp.stream.tracker import Tracker
from faceapp.types import Detections, Floats, Image, Ints

# Frames from one detection to the next, and from one measure of colours to the next.
EVERY = 5
COLOURS_EVERY = 8
# So many faces of a frame get new points; with more of them they take turns, and follow the flow in between.
PLACED = 3
# Faces are looked for from so many pixels on.
MIN_FACE = 24
# A track that is shorter is no face, or nobody sees it.
SHORTEST = 3
# A face that is out of sight for so many frames is carried over them.
LONGEST_GAP = 8
# Colours change with the light, not from frame to frame: the bell over which they are averaged.
COLOUR_WIDTH = 6.0
# What the user should look at before the run: degrees of yaw, sharpness, pixels of the shorter side.
PROFILE, BLURRED, SMALL = 42.0, 0.15, 24.0
# Doubts that are nearer to each other are one.
ONE_DOUBT = 5
# Over so many frames a swap comes and goes where a face turns away and back.
FADE_WIDTH = 1.5
# Frames that are missing at the end are no more than this share of the clip's length.
_END = 0.02

_AT = datetime(2000, 1, 1, tzinfo=UTC)
REASONS = {
    "profile": "The face is turned to the side.",
    "blurred": "The face is blurred.",
    "left": "The face is turned too far or half hidden: it is left as it is.",
    "lost": "The face was out of sight and is only guessed.",
    "small": "The face is very small.",
}


@dataclass(frozen=True, eq=False)
class FaceTrack:
    """One face from the first frame it is seen in to the last, without a break.

    number, person: counted from 0 in the survey; tracks of one person never overlap. first: frame. points
    (F, 68, 2): for every frame, smoothed. found (F,): False where the face was out of sight. strength (F,):
    0 where its points cannot be believed and it is left as it is, else 1. sharpness (F,): 0 to 1. colours
    (F, 18): its skin's, smoothed. embedding (D,). best: the frame that shows it best; crop: the face there.
    """

    number: int
    person: int
    first: int
    points: Floats
    found: np.ndarray[Any, np.dtype[np.bool_]]
    strength: Floats
    sharpness: Floats
    colours: Floats
    embedding: Floats
    best: int
    crop: Image

    @property
    def last(self) -> int:
        return self.first + len(self.points) - 1

    @property
    def swappable(self) -> int:
        """How many of its frames show a face that can be swapped."""
        return int((self.strength >= 0.5).sum())

    def shown(self, frame: int) -> float:
        """How much of a swap shows in one of its frames: 0 to 1, in twentieths."""
        return round(float(self.strength[frame - self.first]) * 20) / 20

    @cached_property
    def turns(self) -> Floats:
        """(F, 2) yaw and pitch of the head in its frames, in degrees."""
        return np.array([turn(points) for points in self.points], np.float32)

    def turned_from(self, face: EditFace) -> Floats:
        """(F,) degrees of yaw and pitch between the head in its frames and another one."""
        apart = self.turns - np.array(turn(face.points), np.float32)
        return np.asarray(np.hypot(apart[:, 0], apart[:, 1]), np.float32)

    def left_where(self, doubts: Floats) -> FaceTrack:
        """The same, left as it is also in frames in which one of the doubts (F,) is above 1: they come and
        go softly, and a face that was given up is taken again well below."""
        strength = np.minimum(self.strength, faded(doubts))
        return self if np.array_equal(strength, self.strength) else replace(self, strength=strength)

    def face(self, frame: int) -> EditFace:
        """The face in one of its frames."""
        at = frame - self.first
        return EditFace.of_points(self.points[at], float(self.sharpness[at]))

    def skin(self, frame: int) -> Colours:
        """The colours of its skin there."""
        row = self.colours[frame - self.first].astype(np.float64)
        return Colours(row[:3], row[3:12].reshape(3, 3), row[12:15], row[15:18])


@dataclass(frozen=True)
class Suspect:
    """Frames of a track that may look odd when it is swapped. reason: a key of `REASONS`."""

    track: int
    first: int
    last: int
    reason: str

    @property
    def sentence(self) -> str:
        return REASONS[self.reason]

    @property
    def middle(self) -> int:
        return (self.first + self.last) // 2


@dataclass(frozen=True, eq=False)
class Survey:
    """What a clip shows. stamps (F,): the time of every frame, in the clip's time base. cuts: frames that do
    not go on from the one before."""

    clip: Clip
    stamps: Ints
    tracks: tuple[FaceTrack, ...]
    cuts: tuple[int, ...]

    @property
    def frames(self) -> int:
        return len(self.stamps)

    @property
    def remark(self) -> str:
        """What the user should know of the file; may be empty."""
        promised = self.clip.frames
        if not promised or self.frames >= (1 - _END) * promised - 1:
            return ""
        if self.length >= (1 - _END) * promised / self.clip.fps:
            return f"The file is damaged: {promised - self.frames} of {promised} frames cannot be read."
        return f"The file breaks off after {self.frames} of {promised} frames."

    @cached_property
    def people(self) -> tuple[tuple[FaceTrack, ...], ...]:
        """The tracks of each person."""
        count = 1 + max((track.person for track in self.tracks), default=-1)
        people: list[list[FaceTrack]] = [[] for _ in range(count)]
        for track in self.tracks:
            people[track.person].append(track)
        return tuple(tuple(own) for own in people)

    def embedding(self, person: int) -> Floats:
        """(D,) the mean of a person's tracks, the longer ones counting more; of unit length."""
        own = self.people[person]
        mean = sum(math.sqrt(len(track.points)) * track.embedding for track in own)
        unit: Floats = np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)
        return unit

    def seconds(self, frame: int) -> float:
        """When a frame is shown, from the start of the clip."""
        return float((int(self.stamps[frame]) - int(self.stamps[0])) * self.clip.time_base)

    @property
    def length(self) -> float:
        """Seconds of the whole clip."""
        return self.seconds(self.frames - 1) + 1 / self.clip.fps

    def at(self, frame: int) -> tuple[FaceTrack, ...]:
        """The faces of a frame."""
        return tuple(self._by_frame[frame])

    @cached_property
    def _by_frame(self) -> list[list[FaceTrack]]:
        frames: list[list[FaceTrack]] = [[] for _ in range(self.frames)]
        for track in self.tracks:
            for own in frames[track.first : track.last + 1]:
                own.append(track)
        return frames

    @cached_property
    def suspects(self) -> tuple[Suspect, ...]:
        """Frames to look at before the run, in their order."""
        found = [suspect for track in self.tracks for suspect in _suspects(track)]
        return tuple(sorted(found, key=lambda suspect: (suspect.first, suspect.track)))


@dataclass(frozen=True, eq=False)
class _Seen:
    """A track as the tracker left it in one frame. box (4,), landmarks (5, 2)."""

    track: LiveTrack
    box: Floats
    landmarks: Floats
    detected: bool
    confirmed: bool
    score: float


@dataclass(frozen=True, eq=False)
class _Look:
    """A frame in which the tracks are known."""

    frame: ClipFrame
    shade: Shade
    cut: bool
    detected: bool
    seen: tuple[_Seen, ...]


class Surveyor:
    """Looks at one clip from its first to its last frame. Once stopped, it goes on where it was."""

    def __init__(self, clip: Clip, analyser: Analyser, models: Models) -> None:
        """Loads the models. Raises ModelUnavailable."""
        self._clip = clip
        self._tracker = Tracker(models.detector(analyser.detector_key), MIN_FACE)
        self._landmarker = models.landmarker(LANDMARKER)
        self._embedder = models.embedder(analyser.model_key)
        calibration = models.spec(analyser.model_key).calibration
        self._threshold = calibration.threshold if calibration is not None else 0.0
        self._traces: dict[LiveTrack, Trace] = {}
        self._recent: deque[tuple[ClipFrame, Shade]] = deque(maxlen=EVERY + 2)
        # Tracked, and not looked at yet.
        self._waiting: deque[tuple[int, _Look]] = deque()
        self._stamps: list[int] = []
        self._cuts: list[int] = []

    def run(self, tell: Callable[[int], None]) -> Survey:
        """The survey of the whole clip. tell: called with the number of frames done; it may raise, and then
        the next call goes on with the frame after that.

        Raises SourceLost, FaceAppError ("no_face_in_video").
        """
        while self._waiting:
            self._look_at_next(tell)
        first = len(self._stamps)
        frames = (raw for raw in read_frames(self._clip) if raw.number >= first)
        # One thread tracks, in order, while this one places the points of the frame before.
        tracking = in_order(frames, self._track_frame, workers=1)
        with closing(tracking) as tracked:  # type: ignore[type-var]  # a generator
            for _, failed in tracked:
                if failed is not None:
                    raise failed
                self._look_at_next(tell)
        # In a clip of a frame or two nothing can be seen again.
        shortest, brief = min(SHORTEST, len(self._stamps)), len(self._stamps) < SHORTEST
        kept = [trace for trace in self._traces.values() if len(trace.points) >= shortest]
        kept = [trace for trace in kept if (trace.confirmed or brief) and trace.samples and trace.colours]
        if not kept:
            raise FaceAppError(
                "no_face_in_video", f"No face was found in “{self._clip.name}”.",
                "Use a video in which faces are at least 24 pixels wide and look towards the camera.",
            )  # fmt: skip
        return self._finished(sorted(kept, key=lambda trace: trace.first))

    # -- one frame --------------------------------------------------------------------------------------

    def _look_at_next(self, tell: Callable[[int], None]) -> None:
        stamp, look = self._waiting.popleft()
        self._stamps.append(stamp)
        self._look(look)
        tell(len(self._stamps))

    def _track_frame(self, raw: RawFrame) -> None:
        frame = develop(self._clip, raw)
        live = Frame(frame.image, raw.number, raw.number / self._clip.fps, _AT)
        detected = self._tracker.step(live, EVERY)
        self._tracker.ended.clear()
        seen = []
        for track in self._tracker.tracks:
            if not track.id and track.hits >= 2:
                self._tracker.confirm(track)
            if track.seen and track.landmarks is not None:
                seen.append(
                    _Seen(track, track.box, track.landmarks, track.detected, track.id > 0, track.score)
                )
        look = _Look(frame, Shade.of(frame.image), self._tracker.cut, detected, tuple(seen))
        self._waiting.append((raw.stamp, look))

    def _look(self, look: _Look) -> None:
        frame, number = look.frame, look.frame.number
        if look.cut and number:
            self._cuts.append(number)
            self._recent.clear()
        self._follow(look)
        for seen in look.seen:
            trace = self._traces[seen.track]
            if not trace.confirmed and seen.confirmed:
                trace.confirmed = True
                self._go_back(trace)
            if look.detected and seen.detected:
                self._sample(seen, trace, frame)
            if trace.found[-1] and number - max(trace.colours, default=-COLOURS_EVERY) >= COLOURS_EVERY:
                trace.colours[number] = _skin_colours(frame.image, trace.points[-1])
        self._recent.append((frame, look.shade))

    def _follow(self, look: _Look) -> None:
        """Place the points of every track in this frame."""
        number = look.frame.number
        known = [seen.track for seen in look.seen if seen.track in self._traces and self._recent]
        starts = [self._traces[track].points[-1] for track in known]
        before = self._recent[-1][1] if self._recent else look.shade
        # A face that was out of sight for a while was last seen in an older frame: the flow says nothing.
        flows = follow(before, look.shade, starts)
        moves = {
            track: move if self._traces[track].next == number else None
            for track, move in zip(known, flows, strict=True)
        }
        turns = -(-len(look.seen) // PLACED)
        for index, seen in enumerate(look.seen):
            trace = self._traces.get(seen.track)
            if trace is not None and number - trace.next > LONGEST_GAP:
                trace = None  # seen again after long: another trace, which the faces join later
            if trace is None:
                trace = self._traces[seen.track] = self._renewed(seen, number)
            self._place(seen, trace, moves.get(seen.track), look.frame, (number + index) % turns == 0)

    def _renewed(self, seen: _Seen, number: int) -> Trace:
        """A new trace of a track; what it had is kept under a key of its own."""
        old = self._traces.pop(seen.track, None)
        if old is not None:
            self._traces[_spent(seen.track)] = old
        return Trace(number, sight_box(seen.landmarks))

    def _place(self, seen: _Seen, trace: Trace, move: Doubles | None, frame: ClipFrame, turn: bool) -> None:
        """Points for one face in this frame. turn: place them anew, unless they cannot be carried along."""
        trace.box = next_box(trace.box, sight_box(seen.landmarks), move, seen.detected)
        if move is not None and not turn:
            placed, found, trust = trace.carried(move), trace.found[-1], CARRIED
        else:
            lean = upright(trace.points[-1]) if move is not None else lean_of(seen.landmarks)
            placed = locate(self._landmarker, frame.image, trace.box, lean)
            found, trust = not astray(placed, trace.box), 1.0
            if not found:
                trust = CARRIED
                placed = trace.carried(move) if move is not None else placed
        trace.add(frame.number, placed, move, found, trust)

    def _go_back(self, trace: Trace) -> None:
        """A face that has come into the picture since the last detection was there in the frames before."""
        earlier = [entry for entry in self._recent if entry[0].number < trace.first]
        if not earlier or earlier[-1][0].number != trace.first - 1:
            return
        now = next((shade for frame, shade in self._recent if frame.number == trace.first), None)
        if now is None:
            return
        box = sight_box(five_of(trace.points[0]))
        for frame, shade in reversed(earlier):
            move = follow(now, shade, [trace.points[0]])[0]
            if move is None or self._taken(trace, frame.number):
                return
            box = moved_box(box, move)
            placed = locate(self._landmarker, frame.image, box, upright(trace.points[0]))
            if astray(placed, box) or not _inside(placed, frame.image):
                return
            trace.add_before(placed, move)
            now = shade

    def _taken(self, trace: Trace, number: int) -> bool:
        """Another trace has a face at that place in that frame."""
        centre, unit = trace.points[0].mean(0), eye_distance(trace.points[0])
        others = [
            other.points[number - other.first].mean(0)
            for other in self._traces.values()
            if other is not trace and other.confirmed and other.first <= number < other.next
        ]
        return any(float(np.hypot(*(other - centre))) < unit for other in others)

    def _sample(self, seen: _Seen, trace: Trace, frame: ClipFrame) -> None:
        """Keep the face when it is among the best of its track."""
        quality = measure(frame.image, seen.box, seen.landmarks, seen.score)
        trace.sharpness[frame.number] = quality.sharpness
        trace.doubts[frame.number] = doubt(seen.landmarks, trace.points[-1])
        turned = max(abs(quality.yaw), abs(quality.pitch)) / 54
        fitness = quality.sharpness * math.exp(-(turned**2)) * min(1.0, quality.size / 60)
        if trace.keeps(fitness):
            trace.keep(Sample.cut(fitness, frame.number, frame.image, seen.box, seen.landmarks))

    # -- the whole clip ---------------------------------------------------------------------------------

    def _finished(self, traces: list[Trace]) -> Survey:
        vectors = np.stack([self._embedded(trace) for trace in traces])
        people = self._people(traces, vectors)
        tracks = tuple(
            self._track(number, people[number], trace, vector)
            for number, (trace, vector) in enumerate(zip(traces, vectors, strict=True))
        )
        return Survey(self._clip, np.array(self._stamps, np.int64), tracks, tuple(self._cuts))

    def _embedded(self, trace: Trace) -> Floats:
        chips = []
        for sample in trace.samples:
            found = Detections(sample.box[None], np.ones(1, np.float32), sample.landmarks[None])
            chips.append(self._embedder.chips(sample.part, found)[0])
        rows = self._embedder.embed_chips(np.stack(chips), mirror=False)
        weights = np.array([sample.fitness + 0.05 for sample in trace.samples], np.float32)
        mean = (weights[:, None] * rows).sum(0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), np.float32)

    def _people(self, traces: list[Trace], vectors: Floats) -> list[int]:
        """For each trace its person: traces whose faces are alike and that are never in one frame."""
        groups = _alike(vectors, self._threshold)
        people: list[list[int]] = []
        for group in groups:
            # Two that overlap in time are two people, however alike they are.
            own: list[list[int]] = []
            for trace in group:
                fits = [g for g in own if not any(traces[trace].overlaps(traces[other]) for other in g)]
                if fits:
                    fits[0].append(trace)
                else:
                    own.append([trace])
            people += own
        people.sort()
        owners = {trace: person for person, group in enumerate(people) for trace in group}
        return [owners[trace] for trace in range(len(traces))]

    def _track(self, number: int, person: int, trace: Trace, vector: Floats) -> FaceTrack:
        points = along_motion(np.stack(trace.points), np.stack(trace.moves), np.array(trace.trust))
        best = trace.samples[0]
        frames = np.arange(trace.first, trace.next)
        sharpness = _interpolated(frames, {k: np.array([v]) for k, v in trace.sharpness.items()})[:, 0]
        skin = over_time(_interpolated(frames, trace.colours), COLOUR_WIDTH)
        return FaceTrack(
            number, person, trace.first, points, np.array(trace.found), _strength(frames, trace.doubts),
            sharpness.astype(np.float32), skin.astype(np.float32), vector, best.frame, best.crop,
        )  # fmt: skip


def _strength(frames: Ints, doubts: dict[int, float]) -> Floats:
    """(F,) how much of a swap shows, from the doubts about some frames."""
    at = sorted(doubts)
    # The middle one of three: a single look that fails says little.
    values = [doubts[frame] for frame in at]
    calm = [float(np.median(values[max(0, n - 1) : n + 2])) for n in range(len(values))]
    return faded(np.interp(frames, at, calm) if at else np.zeros(len(frames)))


def faded(doubts: Floats | Doubles) -> Floats:
    """(F,) 1 where a face is swapped, 0 where its doubt (F,) is above 1, and a short way between. A face that
    was given up is taken again at `TAKEN_AGAIN`."""
    believed, shown = [], bool(doubts[0] <= TAKEN_AGAIN)
    for value in doubts:
        shown = bool(value <= (1.0 if shown else TAKEN_AGAIN))
        believed.append(float(shown))
    return over_time(np.array(believed, np.float32), FADE_WIDTH)


def _inside(points: Floats, image: Image) -> bool:
    height, width = image.shape[:2]
    x, y = points.mean(0)
    return bool(0 <= x < width and 0 <= y < height)


def _skin_colours(image: Image, points: Floats) -> Floats:
    """(18,) mean, covariance, and mean and spread in L*a*b* of a face's skin."""
    copy = stand_upright(image, points)
    own = colours(copy.image, skin_sample(copy))
    row = np.concatenate([own.mean, own.covariance.ravel(), own.lab_mean, own.lab_spread])
    return np.asarray(row, np.float32)


def _interpolated(frames: Ints, known: dict[int, Floats]) -> Floats:
    """(F, K) rows for all frames from the known ones, straight between them."""
    if not known:
        return np.full((len(frames), 1), 0.5, np.float32)
    at = sorted(known)
    rows = np.stack([known[frame] for frame in at])
    columns = [np.interp(frames, at, column) for column in rows.T]
    return np.stack(columns, 1).astype(np.float32)


def _alike(vectors: Floats, threshold: float) -> list[list[int]]:
    """Groups of rows (positions) whose mean distance is within the threshold: average linkage."""
    if len(vectors) < 2:
        return [list(range(len(vectors)))]
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import pdist

    labels = fcluster(linkage(pdist(vectors, "cosine"), "average"), threshold, "distance")
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _spent(track: LiveTrack) -> LiveTrack:
    """A key for a trace whose track goes on with another one."""
    return LiveTrack(track.filter, track.score, track.frame, track.seconds)


def _suspects(track: FaceTrack) -> list[Suspect]:
    size = np.ptp(track.points, axis=1).min(1)
    doubtful = {
        "left": track.strength < 0.5,
        "profile": (np.abs(track.turns[:, 0]) > PROFILE) & (track.strength >= 0.5),
        "blurred": track.sharpness < BLURRED,
        "lost": ~track.found,
        "small": size < SMALL,
    }
    return [
        Suspect(track.number, track.first + first, track.first + last, reason)
        for reason, frames in doubtful.items()
        for first, last in _runs(np.flatnonzero(frames))
    ]


def _runs(frames: Ints) -> list[tuple[int, int]]:
    """(first, last) of the frames that follow each other closely."""
    if not len(frames):
        return []
    breaks = np.flatnonzero(np.diff(frames) > ONE_DOUBT)
    starts = frames[np.concatenate([[0], breaks + 1])]
    ends = frames[np.concatenate([breaks, [len(frames) - 1]])]
    return [(int(first), int(last)) for first, last in zip(starts, ends, strict=True)]
