"""Frozen records and the shapes of every array.

Arrays, stated once:
    image       (H, W, 3) uint8, BGR
    boxes       (N, 4) float32, x1 y1 x2 y2 in pixels of the image
    landmarks   (N, 5, 2) or (N, 68, 2) float32, x y in pixels. Five points: left eye, right eye,
                nose tip, left and right corner of the mouth, "left" as seen in the image.
    chips       (N, 150, 150, 3) uint8 BGR, faces aligned for an embedder
    embeddings  (N, D) float32, unit length
Distances are cosine distances, 1 - a.b, between unit embeddings of one model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# Letters of the longest ending of a photo's file ("jfif", "webp").
LONGEST_ENDING = 4

Image: TypeAlias = NDArray[np.uint8]
Floats: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

SAME_FACE_OVERLAP = 0.5  # two boxes on one photo that share more than this are one face


def check_shape(name: str, array: NDArray[np.generic], expected: tuple[int | None, ...]) -> None:
    """Raise ValueError unless `array` has the expected shape; None stands for any length."""
    fits = array.ndim == len(expected) and all(
        want is None or want == got for want, got in zip(expected, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: expected shape {expected}, got {array.shape}")


def check_image(image: Image) -> None:
    """Raise ValueError unless `image` is (H, W, 3) uint8."""
    check_shape("image", image, (None, None, 3))
    if image.dtype != np.uint8:
        raise ValueError(f"image: expected uint8, got {image.dtype}")


@dataclass(frozen=True, eq=False)
class Detections:
    """What a detector finds in one image, best first.

    boxes (N, 4), scores (N,), landmarks (N, 5, 2) or None where the detector has no points.
    """

    boxes: Floats
    scores: Floats
    landmarks: Floats | None = None

    def __post_init__(self) -> None:
        check_shape("boxes", self.boxes, (None, 4))
        check_shape("scores", self.scores, (len(self.boxes),))
        if self.landmarks is not None:
            check_shape("landmarks", self.landmarks, (len(self.boxes), 5, 2))

    def __len__(self) -> int:
        return len(self.boxes)

    def take(self, index: NDArray[np.generic]) -> Detections:
        """The detections at `index` (positions or a mask), in that order."""
        points = None if self.landmarks is None else self.landmarks[index]
        return Detections(self.boxes[index], self.scores[index], points)

    @staticmethod
    def none(landmarks: bool = False) -> Detections:
        empty = np.zeros((0, 4), np.float32)
        points = np.zeros((0, 5, 2), np.float32) if landmarks else None
        return Detections(empty, np.zeros(0, np.float32), points)


@dataclass(frozen=True)
class Box:
    """x1 y1 x2 y2 in pixels of the upright photo; may reach over its border."""

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width(self) -> float:
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        return self.y2 - self.y1

    @property
    def centre(self) -> tuple[float, float]:
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        if width <= 0 or height <= 0:
            return 0.0
        shared = width * height
        return shared / (self.width * self.height + other.width * other.height - shared)

    def same_face(self, other: Box) -> bool:
        """Whether both are of one face, when both are on one photo."""
        return self.overlap(other) > SAME_FACE_OVERLAP

    def as_list(self) -> list[float]:
        return [round(value, 1) for value in (self.x1, self.y1, self.x2, self.y2)]


@dataclass(frozen=True)
class Quality:
    """How fit a face is for enrolment.

    size: shorter side of the box, pixels. sharpness: 0 (blurred) to 1. brightness: mean luma of
    the face, 0 to 1. contrast: standard deviation of the luma, 0 to 1. yaw, pitch, roll: degrees,
    estimated from five points (yaw > 0: the face looks to the right of the image).
    score: the detector's, 0 to 1.
    """

    size: float
    sharpness: float
    brightness: float
    contrast: float
    yaw: float
    pitch: float
    roll: float
    score: float


@dataclass(frozen=True, eq=False)
class Face:
    """One detected face on a photo or a frame. landmarks (5, 2); embedding (D,) or None.
    doubtful: most likely no face at all (see `pipeline.doubt`); not asked without an embedding.
    """

    box: Box
    landmarks: Floats
    quality: Quality
    embedding: Floats | None = None
    doubtful: bool = False


def title_of(name: str) -> str:
    """What a photo is called, without the ending of a file. “Grace B. Hopper” has none."""
    kept, _, ending = name.rpartition(".")
    return kept if kept and ending.isalnum() and len(ending) <= LONGEST_ENDING else name


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo in memory with where it came from.

    image: upright BGR. sha256: of the file's bytes (or of the pixels where there was no file).
    path: the file, or "" for a paste, an upload or a camera. name: what to call it. data: the file's own
    bytes where it came without a file that stays (an upload), so that the library can keep them.
    """

    image: Image
    sha256: str
    path: str = ""
    name: str = ""
    data: bytes | None = None

    def __post_init__(self) -> None:
        check_image(self.image)

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        return int(self.image.shape[0])


@dataclass(frozen=True)
class PersonName:
    """What a person is to be called; the store checks the text."""

    first_name: str
    surname: str = ""
    note: str = ""

    @staticmethod
    def parse(text: str) -> PersonName:
        """"Ann Mary_Lee" becomes first name Ann, surname Mary Lee: underscores are spaces."""
        first, _, surname = " ".join(text.replace("_", " ").split()).partition(" ")
        return PersonName(first, surname)

    @property
    def full(self) -> str:
        return f"{self.first_name} {self.surname}".strip()


@dataclass(frozen=True)
class Person:
    """Somebody with a name whom the user enrolled. no_swap: nobody may swap this person's face."""

    id: int
    first_name: str
    surname: str = ""
    note: str = ""
    photos: int = 0
    cover_face_id: int | None = None
    created: datetime | None = None
    no_swap: bool = False

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.surname}".strip()


@dataclass(frozen=True)
class StoredPhoto:
    """A photo of the library. path: where it was when it was enrolled, or the kept copy."""

    id: int
    sha256: str
    path: str
    width: int
    height: int


@dataclass(frozen=True, eq=False)
class StoredFace:
    """A face of the library; its crop is fetched on its own (`PeopleStore.crop`)."""

    id: int
    person_id: int
    photo: StoredPhoto
    box: Box
    landmarks: Floats
    quality: Quality


@dataclass(frozen=True, eq=False)
class NewFace:
    """A face on its way into the library. crop: JPEG bytes, the face with some margin."""

    sha256: str
    path: str
    width: int
    height: int
    face: Face
    model_key: str
    crop: bytes


@dataclass(frozen=True)
class ImportItem:
    """What became of one file of a folder import.

    path: relative to the folder, with forward slashes. outcome: "enrolled", "warned" (enrolled,
    with a remark) or "skipped". reason: a sentence, empty when enrolled without a remark.
    """

    path: str
    size: int
    modified_ns: int
    outcome: str
    code: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Traces:
    """What is known of people, who may be deleted.

    person_ids: they, and everybody who was merged into them. shown: their names. names: all that they ever
    had. photos: SHA-256 of every photo with a face of theirs.
    """

    person_ids: tuple[int, ...]
    shown: tuple[str, ...]
    names: tuple[str, ...]
    photos: tuple[str, ...]


@dataclass(frozen=True)
class Forgotten:
    """What went for good with people who were forgotten.

    people: their names. photos: paths of photos that no enrolled face is on any more. wiped: nothing of it is
    left in the library's file; False where another program was reading it. recognisers: those that knew them.
    backups: copies of the library that are older, and still hold it.
    """

    people: tuple[str, ...]
    faces: int
    sightings: int
    photos: tuple[str, ...]
    wiped: bool = True
    recognisers: tuple[str, ...] = ()
    backups: tuple[str, ...] = ()


@dataclass(frozen=True)
class JournalEntry:
    """One reversible change of people. undone: it was taken back and can be done again."""

    id: int
    at: datetime
    sentence: str
    undone: bool = False


@dataclass(frozen=True, eq=False)
class EmbeddingRows:
    """The library's embeddings under one model: face_ids (N,), person_ids (N,), vectors (N, D)."""

    model_key: str
    revision: int
    face_ids: Ints
    person_ids: Ints
    vectors: Floats


@dataclass(frozen=True)
class Match:
    """A person with the distance of their nearest face.

    percentile: the share of pairs of strangers that are further apart, 0 to 100.
    same_person: the distance is within the model's threshold.
    photo: path of the photo that the nearest face is on.
    """

    person: Person
    face_id: int
    distance: float
    percentile: float
    same_person: bool
    photo: str


@dataclass(frozen=True, eq=False)
class FaceMatches:
    """One face of a searched photo with its best people first; empty in an empty library."""

    face: Face
    matches: tuple[Match, ...] = ()

    @property
    def person(self) -> Match | None:
        """Who this is: the best match when it is within the threshold, otherwise nobody."""
        return next((m for m in self.matches[:1] if m.same_person), None)


@dataclass(frozen=True)
class Refusal:
    """Why a file or a face was not enrolled: stable code, sentence, hint."""

    code: str
    sentence: str
    hint: str = ""


@dataclass(frozen=True)
class Skipped:
    path: str
    code: str
    reason: str


@dataclass(frozen=True)
class EnrolReport:
    """What an enrolment did. `warnings` were enrolled all the same."""

    people: int = 0
    photos: int = 0
    faces: int = 0
    skipped: tuple[Skipped, ...] = ()
    warnings: tuple[Skipped, ...] = ()
    person_ids: tuple[int, ...] = field(default=())
