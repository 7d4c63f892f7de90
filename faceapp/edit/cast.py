"""Casting: which source goes onto which face of the target.

All pairs are decided together, as the assignment with the smallest sum of distances (the assignment problem,
Kuhn 1955), so that the order in which photos are given never matters. What the user said comes first: faces
that are left alone, and faces whose source is locked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.faces import EditFace
from faceapp.edit.points import INNER_MOUTH, LEFT_EYE, RIGHT_EYE, eye_centres, eye_distance, size
from faceapp.errors import BadRequest
from faceapp.types import Floats, Photo, Refusal, check_shape

Matrix: TypeAlias = NDArray[np.float64]

# Cosine distances end at 2: nothing is further away.
ANY_DISTANCE = 2.0
# A face that stays without a source costs more than any sum of distances, a source that is not used more
# than any detour. Both stay exact in a double for thousands of faces.
_NOBODY, _UNUSED = 1e8, 1e4
# What one unit of misfit is: degrees of a turned head, an opening of mouth and eyes in eye distances.
_TURN, _MOUTH, _EYES = 15.0, 0.15, 0.12
# A source of half the target's size is blurred there: as bad as this much misfit.
_HALF_SIZE = 1.0


@dataclass(frozen=True)
class Cast:
    """What one face of the target gets. target, source: positions. None: it is left as it is.

    distance: cosine distance of the two, 0 to 2. locked: the user said so.
    """

    target: int
    source: int | None = None
    distance: float | None = None
    locked: bool = False


@dataclass(frozen=True)
class CastChoices:
    """What the user decides about a casting; positions count from 0.

    locks: target face -> source person (a position in `Plan.people`), whatever their distance.
    leave: target faces that stay as they are. max_distance: nobody is cast onto a face further away.
    max_turn: nor onto one whose head is turned so many degrees further. Locks are free of both.
    everyone: every target face gets a source, sources may repeat; otherwise each source is used at most once.
    people: groups of (photo, face) of the sources that show one person each; faces that are in no group are
    grouped by likeness. faces: (photo, face) pairs that are sources at all; None for the main ones.
    points: x y in the target; only faces whose box has one of them are changed. Empty: all faces.
    far: look for small faces in the target as well.
    """

    locks: Mapping[int, int] = field(default_factory=lambda: MappingProxyType({}))
    leave: frozenset[int] = frozenset()
    max_distance: float = ANY_DISTANCE
    max_turn: float = 60.0
    everyone: bool = False
    people: tuple[tuple[tuple[int, int], ...], ...] = ()
    faces: frozenset[tuple[int, int]] | None = None
    points: tuple[tuple[float, float], ...] = ()
    far: bool = False


@dataclass(frozen=True, eq=False)
class SourceFace:
    """One face of a source photo: positions of the photo among the sources and of the face on it."""

    photo: int
    number: int
    face: EditFace


@dataclass(frozen=True, eq=False)
class SourcePerson:
    """One person of the sources, on one photo or several. name: who that is in the library, or ""."""

    faces: tuple[SourceFace, ...]
    name: str = ""

    @property
    def embedding(self) -> Floats:
        """(D,) the mean of the faces', of unit length."""
        rows = [shown.face.face.embedding for shown in self.faces]
        mean = np.mean([row for row in rows if row is not None], axis=0)
        unit: Floats = (mean / max(1e-9, float(np.linalg.norm(mean)))).astype(np.float32)
        return unit


@dataclass(frozen=True, eq=False)
class Plan:
    """Who goes where, before a pixel is changed.

    faces: of the target, left to right. people: of the sources. distances (T, S): of every face to every
    person. casts: one for each face, in their order. shown: for each face the source face that fits it best,
    or None. refusals: why photos or people were left out. barred: why faces (positions) must not be changed.
    """

    sources: tuple[Photo, ...]
    target: Photo
    faces: tuple[EditFace, ...]
    people: tuple[SourcePerson, ...]
    distances: Floats
    choices: CastChoices
    casts: tuple[Cast, ...]
    shown: tuple[SourceFace | None, ...]
    refusals: tuple[Refusal, ...] = ()
    barred: Mapping[int, Refusal] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        check_shape("distances", self.distances, (len(self.faces), len(self.people)))

    @property
    def pairs(self) -> tuple[tuple[Cast, SourceFace], ...]:
        """The faces that are going to be changed, with the source face of each."""
        return tuple(
            (each, shown) for each, shown in zip(self.casts, self.shown, strict=True) if shown is not None
        )

    @property
    def title(self) -> str:
        """What the result shows, in a few words: "Ann Lee and 2 others among 15 faces"."""
        count = len(self.pairs)
        used = {each.source for each, _ in self.pairs}
        names = [self.people[place].name for place in sorted(place for place in used if place is not None)]
        known = [name for name in names if name]
        faces = "1 face" if len(self.faces) == 1 else f"{len(self.faces)} faces"
        if not known or count != len(used):
            return f"{count} of {faces} swapped"
        strangers = len(names) - len(known)
        others = [] if not strangers else ["1 other" if strangers == 1 else f"{strangers} others"]
        shown = [*known, *others]
        who = shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
        return f"{who} among {faces}"

    def reason(self, target: int) -> str:
        """Why a face of the target stays as it is; "" for one that is changed."""
        if self.casts[target].source is not None:
            return ""
        if target in self.barred:
            return self.barred[target].sentence
        if target in self.choices.leave:
            return "It is to be left alone."
        near = self.distances[target] <= self.choices.max_distance
        if not near.any():
            return "No source is near enough."
        face = self.faces[target]
        fits = [turned_apart(face, best_fit(face, person).face) for person in self.people]
        if min(np.array(fits)[near]) > self.choices.max_turn:
            return "The head is turned too far away from every source."
        return "Every source is used for another face."


def cast(
    distances: Floats,
    locks: Mapping[int, int] | None = None,
    excluded: Collection[int] = (),
    max_distance: float = ANY_DISTANCE,
    everyone: bool = False,
    unused: Collection[int] = (),
    forbidden: NDArray[np.bool_] | None = None,
) -> tuple[Cast, ...]:
    """Who goes where for distances (T, S) of target faces and source people; one Cast a target, in order.

    As many faces as possible get a source; among those castings the one with the smallest sum of distances is
    taken. everyone: sources repeat, and each is used before one repeats where it can be. Locks are kept
    whatever they cost; a locked source is used up unless `everyone`. unused: sources that nobody gets.
    forbidden (T, S): pairs that are not cast.

    Raises:
        BadRequest: a lock, or a face to leave alone, that is not there; or a face with both.
    """
    check_shape("distances", distances, (None, None))
    targets, sources = distances.shape
    fixed = dict(locks or {})
    _check_choices(fixed, excluded, unused, targets, sources)
    free = [target for target in range(targets) if target not in fixed and target not in excluded]
    allowed = [source for source in range(sources) if source not in unused]
    open_sources = [source for source in allowed if source not in fixed.values()]
    costs = distances[free].astype(np.float64)
    costs[costs > max_distance] = np.inf
    if forbidden is not None:
        costs[forbidden[free]] = np.inf
    found = _assign(costs, open_sources, allowed if everyone else [])
    chosen = {**fixed, **dict(zip(free, found, strict=True))}
    return tuple(
        _made(distances, target, chosen.get(target), target in fixed) for target in range(targets)
    )


def _made(distances: Floats, target: int, source: int | None, locked: bool) -> Cast:
    distance = None if source is None else float(distances[target, source])
    return Cast(target, source, distance, locked)


def _check_choices(
    locks: Mapping[int, int], excluded: Collection[int], unused: Collection[int], targets: int, sources: int
) -> None:
    for target in (*locks, *excluded):
        if not 0 <= target < targets:
            raise BadRequest(
                "no_such_face", f"The target has no face number {target + 1}.", f"It has {targets}."
            )
    for source in locks.values():
        if not 0 <= source < sources:
            raise BadRequest("no_such_source", f"There is no source number {source + 1}.")
        if source in unused:
            raise BadRequest("refused_source", f"Source {source + 1} may not be used.", "Choose another one.")
    both = sorted(set(locks) & set(excluded))
    if both:
        sentence = f"Face {both[0] + 1} cannot be left alone and get a source."
        raise BadRequest("lock_and_leave", sentence, "Choose one of the two.")


def _assign(
    costs: Matrix, once: Sequence[int], repeated: Sequence[int]
) -> list[int | None]:
    """For each row of costs (T, S; inf: forbidden) its source or None.

    The columns of the assignment: each of `once` a single time, then a place for each row where it gets its
    nearest of `repeated`, then a place for each row where it gets nobody.
    """
    rows = len(costs)
    if not rows:
        return []
    nearest, again = _nearest(costs, repeated)
    table = np.full((rows, len(once) + 2 * rows), 2 * _NOBODY)
    table[:, : len(once)] = np.minimum(costs[:, list(once)], 2 * _NOBODY)
    own = np.arange(rows)
    table[own, len(once) + own] = np.minimum(again + _UNUSED, 2 * _NOBODY)
    table[own, len(once) + rows + own] = _NOBODY
    # Imported here: it costs a tenth of a second, and most programs that import this never cast.
    from scipy.optimize import linear_sum_assignment

    found: list[int | None] = [None] * rows
    for row, column in zip(*linear_sum_assignment(table), strict=True):
        if table[row, column] < _NOBODY:
            found[row] = once[column] if column < len(once) else nearest[row]
    return found


def _nearest(
    costs: Matrix, sources: Sequence[int]
) -> tuple[list[int], Matrix]:
    """The nearest of some sources for each row, and how near it is; inf where there is none."""
    if not sources:
        return [0] * len(costs), np.full(len(costs), np.inf)
    some = costs[:, list(sources)]
    places = some.argmin(axis=1)
    return [sources[place] for place in places], some[np.arange(len(costs)), places]


def same_people(
    embeddings: Floats,
    photos: Sequence[int],
    threshold: float,
    known: Sequence[Collection[int]] = (),
) -> tuple[tuple[int, ...], ...]:
    """Groups of faces (positions) that show one person each, in the order of their first face.

    Groups are joined nearest first while the mean distance of their faces (D-dimensional rows of
    `embeddings`, unit length) is within the threshold: average linkage. Two faces of one photo are never one
    person. known: groups that the user named; they are neither joined nor split.
    """
    named = [sorted(set(group)) for group in known if group]
    taken = {face for group in named for face in group}
    groups = [[face] for face in range(len(embeddings)) if face not in taken]
    if len(groups) > 1:
        distances = 1.0 - embeddings.astype(np.float64) @ embeddings.T.astype(np.float64)
        while (pair := _nearest_groups(groups, distances, photos, threshold)) is not None:
            groups[pair[0]] += groups.pop(pair[1])
    return tuple(sorted((tuple(sorted(group)) for group in (*named, *groups)), key=lambda group: group[0]))


def _nearest_groups(
    groups: Sequence[Sequence[int]],
    distances: Matrix,
    photos: Sequence[int],
    threshold: float,
) -> tuple[int, int] | None:
    best, found = threshold, None
    for second in range(1, len(groups)):
        for first in range(second):
            here = {photos[face] for face in groups[first]}
            apart = float(distances[np.ix_(groups[first], groups[second])].mean())
            if apart <= best and here.isdisjoint(photos[face] for face in groups[second]):
                best, found = apart, (first, second)
    return found


def misfit(target: EditFace, source: EditFace) -> float:
    """How badly a source's pose, expression and size fit a target, from 0: the photo with the least is used.

    Yaw and pitch cannot be warped away, an open mouth or closed eyes only in part, and a source that is
    smaller than the target has less detail. Roll costs nothing: the warp turns it.
    """
    apart = turned_apart(target, source) / _TURN
    mouth = abs(mouth_opening(target.points) - mouth_opening(source.points)) / _MOUTH
    eyes = abs(eye_opening(target.points) - eye_opening(source.points)) / _EYES
    larger = np.log2(max(1.0, eye_distance(target.points) / eye_distance(source.points)))
    return apart + mouth + eyes + _HALF_SIZE * float(larger)


def tapped(faces: Sequence[EditFace], point: tuple[float, float]) -> int | None:
    """The face whose box a point is in, with the nearest centre where boxes overlap; None for none."""
    x, y = point
    inside = [
        (float(np.hypot(x - face.face.box.centre[0], y - face.face.box.centre[1])), position)
        for position, face in enumerate(faces)
        if face.face.box.x1 <= x <= face.face.box.x2 and face.face.box.y1 <= y <= face.face.box.y2
    ]
    return min(inside)[1] if inside else None


def turned_apart(one: EditFace, other: EditFace) -> float:
    """Degrees of yaw and pitch between two heads; a roll is turned away by the warp."""
    first, second = turn(one.points), turn(other.points)
    return float(np.hypot(first[0] - second[0], first[1] - second[1]))


def unsure(face: EditFace) -> float:
    """How far the 68 points are from the detector's five, in units of the face (see `points.size`).

    Two models that see a face from the front agree: of 200 photos of LFW 95 % are below 0.08, 99 % below
    0.13. On a face from the side, or one that is hidden, the 68 points are somewhere.
    """
    return float(np.linalg.norm(_five(face.points) - face.face.landmarks, axis=1).mean()) / size(face.points)


def _five(points: Floats) -> Floats:
    """(5, 2) the eyes, the tip of the nose and the corners of the mouth of 68 points."""
    left, right = eye_centres(points)
    return np.stack([left, right, points[30], points[48], points[54]])


def turn(points: Floats) -> tuple[float, float]:
    """Yaw and pitch of 68 points in degrees, with the signs of `Quality`.

    From these points, not from the detector's five: on 132 photos of LFW and their mirror images the yaw then
    differs by 1.5 degrees instead of 2.9.
    """
    from faceapp.pipeline.quality import pose

    yaw, pitch, _ = pose(_five(points))
    return yaw, pitch


def best_fit(target: EditFace, person: SourcePerson) -> SourceFace:
    """The face of a person that fits a target best."""
    return min(person.faces, key=lambda shown: misfit(target, shown.face))


def mouth_opening(points: Floats) -> float:
    """The gap between the lips of 68 points, in eye distances: 0 is closed."""
    inner = points[INNER_MOUTH]
    return float(np.linalg.norm(inner[2] - inner[6])) / eye_distance(points)


def eye_opening(points: Floats) -> float:
    """The mean gap between the lids of 68 points, in eye distances."""
    gaps = [
        np.linalg.norm(eye[upper] - eye[lower])
        for eye in (points[LEFT_EYE], points[RIGHT_EYE])
        for upper, lower in ((1, 5), (2, 4))
    ]
    return float(np.mean(gaps)) / eye_distance(points)
