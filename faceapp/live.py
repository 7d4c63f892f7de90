"""Records of live recognition: frames, tracks, decisions, sightings, attendance."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from faceapp.types import Box, Floats, Image, Person, check_image

Method = Literal["vote", "fuse"]


@dataclass(frozen=True, eq=False)
class Frame:
    """One image of a source.

    number: counted from 0 by the source, frames that were dropped included. seconds: since the start of
    the file, or since the camera was opened. at: the wall clock (UTC) when it was taken or read.
    """

    image: Image
    number: int
    seconds: float
    at: datetime

    def __post_init__(self) -> None:
        check_image(self.image)


class TrackState(StrEnum):
    """Small: too small to be recognised. Lost: not seen in this frame, kept for a while."""

    SMALL = "small"
    DECIDING = "deciding"
    DECIDED = "decided"
    LOST = "lost"


@dataclass(frozen=True)
class Vote:
    """How many faces of a track were nearest to a person; person None counts those near to nobody."""

    person: Person | None
    count: int
    distance: float | None


@dataclass(frozen=True)
class Decision:
    """Who a track is, made once from its first N faces and then kept.

    person: somebody enrolled, or None. visitor: the number of a stranger who was seen before, or None.
    distance: to the person, or to the nearest one. reason: in words for a person, why it is so.
    """

    person: Person | None
    visitor: int | None
    distance: float | None
    votes: tuple[Vote, ...]
    faces: int
    method: Method
    reason: str = ""


@dataclass(frozen=True)
class Liveness:
    """Whether a face looks live, rather than like a photo or a screen held before the camera: a guess.

    score: 0 a photo to 1 live, the mean of so many `looks`. It names nobody and bars nobody.
    """

    score: float
    looks: int

    @property
    def verdict(self) -> Literal["live", "photo", "unsure"]:
        """"unsure" as well after a single look."""
        if self.looks < LEAST_LOOKS or PHOTO_UP_TO < self.score < LIVE_FROM:
            return "unsure"
        return "live" if self.score >= LIVE_FROM else "photo"

    @property
    def words(self) -> str:
        return {
            "live": "looks live", "photo": "looks like a photo or screen", "unsure": "not sure",
        }[self.verdict]  # fmt: skip


# Of the real faces and the made-up photos of faces in docs/models.md these leave about a fifth unsure.
LIVE_FROM, PHOTO_UP_TO = 0.7, 0.3
LEAST_LOOKS = 2


@dataclass(frozen=True, eq=False)
class TrackedFace:
    """A track as it is in one frame. landmarks (5, 2): of the last detection, moved along; None when lost.

    faces of needed: how many faces have been compared so far, and how many a decision takes.
    liveness: None where it is not looked at, or was not yet.
    """

    track_id: int
    box: Box
    state: TrackState
    landmarks: Floats | None = None
    decision: Decision | None = None
    faces: int = 0
    needed: int = 0
    liveness: Liveness | None = None

    @property
    def label(self) -> str:
        """What is written beside the face."""
        if self.decision is None:
            return f"{self.faces} of {self.needed}" if self.state is TrackState.DECIDING else ""
        if self.decision.person is not None:
            return self.decision.person.name
        return f"Visitor {self.decision.visitor}" if self.decision.visitor else "Unknown"


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What is known of one frame. dropped: frames of the source that were passed over so far.

    stages: seconds spent on this frame by "detect", "follow", "embed", "decide", and "liveness" if it is on.
    """

    frame: Frame
    faces: tuple[TrackedFace, ...]
    dropped: int = 0
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Track:
    """One face from its first to its last frame. boxes (F, 5): frame number, x1, y1, x2, y2."""

    id: int
    boxes: Floats
    decision: Decision | None = None
    liveness: Liveness | None = None

    @property
    def first_frame(self) -> int:
        return int(self.boxes[0, 0])

    @property
    def last_frame(self) -> int:
        return int(self.boxes[-1, 0])


@dataclass(frozen=True)
class LiveSettings:
    """How a source is watched.

    min_face: pixels below which a face is only followed. decide_after: faces that a decision takes.
    detect_every: frames from one detection to the next; 0 = as the machine allows. one_person_once: off
    for twins. liveness: guess whether a face is live, where the model for it is there.
    """

    min_face: int = 40
    decide_after: int = 10
    method: Method = "vote"
    detect_every: int = 0
    one_person_once: bool = True
    liveness: bool = True


@dataclass(frozen=True, eq=False)
class NewSighting:
    """A decided track on its way into the store. crop: JPEG bytes of its best face.

    embedding (D,): of the track, so that a visitor is known again and can be named later.
    """

    source: str
    first: datetime
    last: datetime
    person_id: int | None
    visitor: int | None
    distance: float | None
    model_key: str
    embedding: Floats
    crop: bytes


@dataclass(frozen=True)
class Sighting:
    """Somebody was seen. The person is looked up when it is read: a named visitor's sightings follow."""

    id: int
    source: str
    first: datetime
    last: datetime
    person: Person | None
    visitor: int | None
    distance: float | None


@dataclass(frozen=True)
class SightingFilter:
    """Which sightings are meant; None and "" mean any. text: part of a name or of a source."""

    since: datetime | None = None
    until: datetime | None = None
    source: str = ""
    text: str = ""
    person_ids: tuple[int, ...] | None = None
    visitor: int | None = None


@dataclass(frozen=True)
class Group:
    """People who are expected together: a class, a team."""

    id: int
    name: str
    person_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Presence:
    """One row of an attendance: a person, and when they were seen in the period."""

    person: Person
    state: Literal["present", "late", "absent"]
    first: datetime | None = None
    last: datetime | None = None


@dataclass(frozen=True)
class Period:
    """A lesson or a shift. Somebody who is first seen after `start` + `grace` is late."""

    start: datetime
    end: datetime
    grace: timedelta = timedelta(minutes=5)


@dataclass(frozen=True)
class Camera:
    """An address that the user allows to be opened. It may hold a password, so it is not for showing."""

    name: str
    address: str
