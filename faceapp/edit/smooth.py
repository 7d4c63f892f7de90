"""Points of a face that lie still when the face does, and follow it without lag when it moves.

The places that a landmarker gives tremble by a few hundredths of the eye distance from frame to frame. Where
the face went is known far better: hundreds of pixels are followed by optical flow. So every estimate of the
neighbouring frames is carried to the frame at hand along that motion, and what is averaged there differs by
the tremble and by the expression alone. `along_motion` has the whole video and looks both ways; `PointFilter`
is for live pictures and knows the past only: the 1 euro filter (Casiez, Roussel, Vogel 2012) on what the
motion does not explain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.points import eye_distance
from faceapp.models.align import similarity
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

Grey = NDArray[np.uint8]
Doubles = NDArray[np.float64]
Number = TypeVar("Number", Doubles, Floats)

# Frames to each side that are averaged, and the width of the bell over them.
REACH, WIDTH = 8, 3.2
# Where an estimate is further away than this, in eye distances, the expression has changed. A part of the
# face changes as one, so that its mean difference counts, which trembles less than a point does.
CHANGED = 0.035
PARTS = (
    slice(0, 6), slice(6, 11), slice(11, 17), slice(17, 22), slice(22, 27), slice(27, 36), slice(36, 42),
    slice(42, 48), slice(48, 55), slice(55, 60), slice(60, 65), slice(65, 68),
)  # fmt: skip
# The part of each point; and (parts, 68), which makes each part's mean of the points.
_PART_OF = np.concatenate([[number] * (part.stop - part.start) for number, part in enumerate(PARTS)])
_PART_MEANS = (np.arange(len(PARTS))[:, None] == _PART_OF) / np.bincount(_PART_OF)[:, None]

# The 1 euro filter: cutoff at rest in hertz, how it grows with the speed in eye distances a second, and the
# cutoff of the speed itself.
_REST, _SLOPE, _SPEED = 1.2, 2.5, 1.0

# Faces are followed in grey frames with this longest side: more pixels do not make it better.
SIDE = 960
_WINDOW, _LEVELS = (15, 15), 3
_RETURN_SHARE, _RETURN_PIXELS = 0.03, 0.8
_FEWEST = 12
# Every n-th point of a face is followed: a move has four unknowns, and 34 points say it well enough.
_FOLLOWED = 2
_SCALES = 0.8, 1.25


@dataclass(frozen=True, eq=False)
class Shade:
    """A frame to follow faces in: grey, and how much smaller than the frame. size: height, width of that."""

    grey: Grey
    scale: float
    size: tuple[int, ...]

    @staticmethod
    def of(image: Image) -> Shade:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        scale = min(1.0, SIDE / max(grey.shape))
        if scale < 1:
            small = [max(8, round(side * scale)) for side in grey.shape[::-1]]
            grey = cv2.resize(grey, small, interpolation=cv2.INTER_AREA)
        return Shade(grey, scale, image.shape[:2])


def follow(before: Shade, now: Shade, faces: list[Floats]) -> list[Doubles | None]:
    """For each face, points (P, 2) of the frame before: the (2, 3) matrix that moves it to the frame at hand.

    Lucas and Kanade's flow there and back; points that do not return are left out. None where too few are
    left, and between frames of two sizes.
    """
    if not faces or before.size != now.size:
        return [None] * len(faces)
    moves = _follow(before.grey, now.grey, [points * np.float32(now.scale) for points in faces])
    for move in moves:
        if move is not None:
            move[:, 2] /= now.scale
    return moves


def _follow(before: Grey, now: Grey, faces: list[Floats]) -> list[Doubles | None]:
    units = [eye_distance(points) for points in faces]
    faces = [points[::_FOLLOWED] for points in faces]
    starts = np.concatenate(faces).astype(np.float32)[:, None]
    options = {"winSize": _WINDOW, "maxLevel": _LEVELS}
    ends, found, _ = cv2.calcOpticalFlowPyrLK(before, now, starts, None, **options)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(now, before, ends, None, **options)
    error = np.hypot(*(back - starts)[:, 0].T)
    kept = (found[:, 0] == 1) & (returned[:, 0] == 1)
    moves: list[Doubles | None] = []
    first = 0
    for points, unit in zip(faces, units, strict=True):
        part = slice(first, first + len(points))
        first += len(points)
        limit = max(_RETURN_PIXELS, _RETURN_SHARE * unit)
        moves.append(_move(starts[part, 0], ends[part, 0], kept[part] & (error[part] <= limit)))
    return moves


def along_motion(points: Floats, moves: Doubles, trust: Doubles | None = None) -> Floats:
    """(F, P, 2) points without their tremble.

    points (F, P, 2): as they were placed. moves (F, 2, 3): how the face came from the frame before; that of
    the first frame is not looked at. trust (F,): how far each frame's points are to be believed, 0 to 1.
    """
    frames = len(points)
    if frames < 2:
        return points.copy()
    unit: Doubles = np.array([eye_distance(each) for each in points])
    forward = np.tile(np.eye(3), (frames, 1, 1))
    forward[:, :2] = moves
    backward = np.asarray(np.linalg.inv(forward), np.float64)
    believed = np.ones(frames) if trust is None else np.maximum(trust, 1e-3)
    # First with neighbours alone, which tells a change of expression from a tremble.
    near = _average(points, points, forward, backward, unit, believed, 1, 0.8, None)
    once = _average(points, near, forward, backward, unit, believed, REACH, WIDTH, CHANGED)
    return _average(points, once, forward, backward, unit, believed, REACH, WIDTH, CHANGED)


def over_time(values: Number, width: float) -> Number:
    """(F, ...) averaged over frames under a bell of that width, the ends repeated."""
    reach = max(1, round(3 * width))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.concatenate([np.repeat(values[:1], reach, 0), values, np.repeat(values[-1:], reach, 0)])
    bell /= bell.sum()
    total = sum(weight * padded[shift : shift + len(values)] for shift, weight in enumerate(bell))
    return np.asarray(total, values.dtype)


class PointFilter:
    """The points of one face of a live source. Used by one thread."""

    def __init__(self) -> None:
        self.points: Floats | None = None
        self._speed = 0.0
        self._seconds = 0.0

    def update(self, placed: Floats, move: Doubles | None, seconds: float) -> Floats:
        """The points (P, 2) to use for those that were placed in a frame at that time of the source.

        move: (2, 3) how the face came from the frame before, or None where that is not known.
        """
        if self.points is None or move is None:
            self.points, self._speed, self._seconds = placed, 0.0, seconds
            return placed
        passed = min(max(seconds - self._seconds, 0.005), 0.5)
        expected = np.asarray(self.points @ move[:, :2].T + move[:, 2], np.float32)
        rest = placed - expected
        unit = eye_distance(expected)
        speed = float(np.median(np.hypot(rest[:, 0], rest[:, 1]))) / unit / passed
        self._speed += _share(_SPEED, passed) * (speed - self._speed)
        # Each point for itself on top: lips move while the rest lies still.
        own = np.hypot(rest[:, 0], rest[:, 1]) / unit
        cutoff = _REST + _SLOPE * self._speed + 60.0 * np.maximum(own - CHANGED, 0.0)
        share = np.array([_share(float(each), passed) for each in cutoff], np.float32)
        self.points = np.asarray(expected + share[:, None] * rest, np.float32)
        self._seconds = seconds
        return self.points

    def carry(self, move: Doubles, seconds: float) -> Floats | None:
        """The points where the motion alone brings them, in a frame in which they were not placed."""
        if self.points is not None:
            self.points = np.asarray(self.points @ move[:, :2].T + move[:, 2], np.float32)
            self._seconds = seconds
        return self.points


def _share(cutoff: float, passed: float) -> float:
    """How far a first-order low pass goes towards a new value after `passed` seconds."""
    constant = 1.0 / (2 * math.pi * cutoff)
    return passed / (passed + constant)


def _move(start: Floats, end: Floats, kept: NDArray[np.bool_]) -> Doubles | None:
    if kept.sum() < min(_FEWEST, len(start)):
        return None
    start, end = start[kept], end[kept]
    matrix = similarity(start, end)
    # Once more without what the whole face does not share: a moving lip, an edge of the background.
    error = np.hypot(*(start @ matrix[:, :2].T + matrix[:, 2] - end).T)
    good = error <= max(0.3, 2.0 * float(np.median(error)))
    if good.sum() >= _FEWEST:
        matrix = similarity(start[good], end[good])
    scale = math.hypot(matrix[0, 0], matrix[1, 0])
    return matrix if _SCALES[0] <= scale <= _SCALES[1] else None


def _average(
    points: Floats,
    reference: Floats,
    forward: Doubles,
    backward: Doubles,
    unit: Doubles,
    believed: Doubles,
    reach: int,
    width: float,
    changed: float | None,
) -> Floats:
    """Each frame's points as the mean of its neighbours', carried to it; far ones count less where
    `changed` says how far is far."""
    frames = len(points)
    weights = np.tile(believed[:, None], (1, points.shape[1]))
    if changed is not None:
        weights = weights * _alike(points, reference, unit, changed)
    total = points * weights[..., None]
    for sign in (1, -1):
        carry = np.tile(np.eye(3), (frames, 1, 1))
        for step in range(1, reach + 1):
            at = np.arange(frames) + sign * step
            inside = (at >= 0) & (at < frames)
            at = np.clip(at, 0, frames - 1)
            # Forwards in time the face is carried back, and the other way round.
            carry = carry @ (backward[at] if sign > 0 else forward[np.clip(at + 1, 0, frames - 1)])
            there = points[at] @ carry[:, :2, :2].transpose(0, 2, 1) + carry[:, None, :2, 2]
            bell = math.exp(-0.5 * (step / width) ** 2)
            weight = np.tile((bell * inside * believed[at])[:, None], (1, points.shape[1]))
            if changed is not None:
                weight = weight * _alike(there, reference, unit, changed)
            total += weight[..., None] * there
            weights = weights + weight
    return np.asarray(total / np.maximum(weights, 1e-9)[..., None], np.float32)


def _alike(points: Floats | Doubles, reference: Floats, unit: Doubles, changed: float) -> Doubles:
    """(F, P) 1 where the parts of the face lie as in the reference, towards 0 where they have moved."""
    means = _PART_MEANS @ (points - reference)
    squared = (means**2).sum(-1) / (changed * unit[:, None]) ** 2
    # Never nothing: a frame must keep some estimate.
    likeness: Doubles = np.maximum(np.exp(-0.5 * squared), 1e-4)[:, _PART_OF]
    return likeness
