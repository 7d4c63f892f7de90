"""A track while it lives: its box now, its boxes so far, and the faces that speak for who it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from faceapp.live import Decision, Frame
from faceapp.stream.kalman import DETECTED_NOISE, FOLLOWED_NOISE, BoxFilter
from faceapp.stream.motion import Move
from faceapp.types import Box, Floats, Image

NEVER = datetime.min.replace(tzinfo=UTC)
# The running mean of a track's scores: what is left of it at the next detection, and when it missed the face.
BELIEF_KEPT, BELIEF_MISSED = 0.7, 0.9
GOOD_SCORE = 0.6


@dataclass(frozen=True, eq=False)
class Sample:
    """One face of a track that was embedded. fitness: 0 to 1, how well the face can be recognised."""

    embedding: Floats
    fitness: float
    frame: int
    seconds: float
    crop: bytes


@dataclass(frozen=True, eq=False)
class Candidate:
    """The best face of a track in the last few frames, waiting to be embedded.

    part: the frame around it; box (4,) and landmarks (5, 2) are places in that part.
    """

    part: Image
    box: Floats
    landmarks: Floats
    score: float
    fitness: float
    frame: int
    seconds: float


# What belongs to the person, not to the place.
IDENTITY = (
    "id", "frame", "seconds", "started", "samples", "decision", "said", "excluded", "sighting", "live_scores",
)  # fmt: skip


@dataclass(eq=False)
class LiveTrack:
    """Changed by the tracker (place) and by the watcher (identity), on one thread.

    id: 0 until a second detection has confirmed it. misses: detections since it was last found.
    seen: the face is in the current frame; unseen: for so many frames it was not, those that a camera dropped
    left out. belief: the running mean of the detector's scores.
    landmarks (5, 2): of the last detection, moved along. met: the frame in which it came over or behind
    another track, until it was checked that they did not change places; partners: those others.
    said: the user has said who it is. sighting: under which number the `Book` has it. live_scores: of each
    look at whether the face is live, the last one in the frame `judged`.
    rows: [frame, x1, y1, x2, y2] for every frame in which it was seen.
    """

    filter: BoxFilter
    score: float
    frame: int
    seconds: float
    landmarks: Floats | None = None
    id: int = 0
    hits: int = 1
    misses: int = 0
    seen: bool = True
    unseen: int = 0
    belief: float = 0.0
    good_frame: int = 0
    detected: bool = True
    last_frame: int = 0
    last_seconds: float = 0.0
    rows: list[tuple[float, ...]] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    candidate: Candidate | None = None
    looked: int = -1
    embedded: int = -1
    decision: Decision | None = None
    said: bool = False
    live_scores: list[float] = field(default_factory=list)
    judged: int = -(10**9)
    excluded: set[int] = field(default_factory=set)
    met: int | None = None
    partners: list[LiveTrack] = field(default_factory=list)
    sighting: int | None = None
    started: datetime = NEVER
    last: datetime = NEVER

    @staticmethod
    def start(box: Floats, score: float, landmarks: Floats | None, frame: Frame) -> LiveTrack:
        return LiveTrack(
            BoxFilter(box), score, frame.number, frame.seconds, landmarks,
            belief=score, good_frame=frame.number, started=frame.at,
        )  # fmt: skip

    @property
    def box(self) -> Floats:
        return self.filter.box

    @property
    def place(self) -> Box:
        return Box(*(float(value) for value in self.box))

    @property
    def size(self) -> float:
        """The shorter side, pixels."""
        box = self.box
        return float(min(box[2] - box[0], box[3] - box[1]))

    @property
    def template(self) -> Floats | None:
        """(D,) the unit mean of its embedded faces, the fitter ones counting more; None without any."""
        if not self.samples:
            return None
        weights = np.array([sample.fitness for sample in self.samples], np.float32) + 0.05
        mean = (weights[:, None] * np.stack([sample.embedding for sample in self.samples])).sum(0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12), np.float32)

    @property
    def best(self) -> Sample | None:
        """The face that shows most."""
        return max(self.samples, key=lambda sample: sample.fitness, default=None)

    def follow(self, move: Move | None) -> None:
        """One frame on: with its points, or by its last velocity where they were lost."""
        before = self.box
        self.filter.predict()
        self.detected = False
        self.seen = move is not None
        self.unseen += 1
        if move is not None:
            self.filter.update(move.box(before), FOLLOWED_NOISE)
            if self.landmarks is not None:
                self.landmarks = move.points(self.landmarks, before)

    def found(self, box: Floats, score: float, landmarks: Floats | None, frame: int) -> None:
        """The detector has found it in this frame."""
        self.belief = BELIEF_KEPT * self.belief + (1 - BELIEF_KEPT) * score
        if score >= GOOD_SCORE:
            self.good_frame = frame
        self.filter.update(box, DETECTED_NOISE)
        self.score, self.landmarks = score, landmarks
        self.hits += 1
        self.misses = 0
        self.seen = self.detected = True

    def missed(self) -> None:
        """The detector has not found it in this frame."""
        self.misses += 1
        self.belief *= BELIEF_MISSED

    def was_with(self, other: LiveTrack) -> bool:
        """Both were found in one frame: they are two people, or one and their picture."""
        frames = {row[0] for row in other.rows if row[0] <= other.good_frame}
        return any(row[0] in frames for row in self.rows)

    def trim(self) -> None:
        """Forget the boxes after the last good detection: they were only carried on."""
        self.rows = [row for row in self.rows if row[0] <= self.good_frame]

    def note(self, frame: Frame) -> None:
        """Remember the box of this frame."""
        self.unseen = 0
        self.last_frame, self.last_seconds, self.last = frame.number, frame.seconds, frame.at
        self.rows.append((float(frame.number), *(float(value) for value in self.box)))

    def change_places(self, other: LiveTrack, since: int) -> None:
        """This was the other's face from frame `since` on: the two change all but their places."""
        for name in IDENTITY:
            mine, theirs = getattr(self, name), getattr(other, name)
            setattr(self, name, theirs)
            setattr(other, name, mine)
        mine, theirs = self.rows, other.rows
        self.rows = [row for row in theirs if row[0] < since] + [row for row in mine if row[0] >= since]
        other.rows = [row for row in mine if row[0] < since] + [row for row in theirs if row[0] >= since]

    def take_over(self, other: LiveTrack) -> None:
        """`other` was this face before it was lost: carry on its number, boxes, faces and decision.

        Whether it is live is looked at anew: it may be a photo that is held up now.
        """
        self.id, self.frame, self.seconds, self.started = other.id, other.frame, other.seconds, other.started
        self.rows = other.rows + self.rows
        self.samples = other.samples + self.samples
        self.decision, self.said, self.sighting = other.decision, other.said, other.sighting
        self.excluded = other.excluded
