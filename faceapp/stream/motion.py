"""What moved from one frame to the next: faces followed by optical flow, and cuts noticed.

Kalal, Mikolajczyk, Matas, "Forward-backward error: automatic detection of tracking failures" (2010): points
of the box are followed to the new frame and back; those that do not come back are not believed, the median
of the others moves and scales the box. The flow is Lucas and Kanade's on a pyramid (Bouguet, 2001).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Floats, Image

# Frames are looked at with this longest side, which makes the flow cost the same for every source.
SIDE = 480
GRID = 5
# The points of a grid are measured against each other by twos: each with the one so many further on.
PARTNER = GRID * GRID // 2
# The part of a box whose points are followed: its border shows the background.
INNER = 0.7
# How far from its start a point may come back, as a share of the box's side and at least in pixels.
RETURN_SHARE, RETURN_PIXELS = 0.03, 1.0
FEWEST_POINTS = 0.4
# A box that shrinks or grows more than that between two frames was not followed but lost.
SCALE_RANGE = 0.8, 1.25
WINDOW = (11, 11)
LEVELS = 3

# A frame is compared with the last one, both shrunk to that size: the mean change of a pixel, and how alike
# the two histograms of colours are (Bhattacharyya's coefficient). Within a shot of the test videos the change
# stays below 13 and the likeness above 0.99; at their cuts they are above 25 and below 0.94.
THUMBNAIL = (64, 36)
CUT_CHANGE, CUT_LIKENESS = 18.0, 0.97
CERTAIN_CHANGE = 60.0
# With as much change as this it is a cut as well when no face can be followed across it.
DOUBTFUL_CHANGE = 10.0
BINS = 8

Grey = NDArray[np.uint8]


@dataclass(frozen=True)
class Move:
    """How a box moved: its centre by (dx, dy) pixels, its sides by the factor `scale`."""

    dx: float
    dy: float
    scale: float

    def box(self, box: Floats) -> Floats:
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * self.scale
        centre = centre + np.array([self.dx, self.dy], np.float32)
        return np.concatenate([centre - half, centre + half]).astype(np.float32)

    def points(self, points: Floats, box: Floats) -> Floats:
        """Points (N, 2) of the face, moved with its box."""
        centre = (box[:2] + box[2:]) / 2
        moved = (points - centre) * self.scale + centre + (self.dx, self.dy)
        return np.asarray(moved, np.float32)


class Motion:
    """Compares each frame with the one before it."""

    def __init__(self) -> None:
        self._scale = 1.0
        self._shape: tuple[int, ...] = ()
        self._before: Grey | None = None
        self._now: Grey | None = None
        self._thumbnail: Floats | None = None
        self._histogram: Floats | None = None
        self.change = 0.0

    def step(self, image: Image) -> bool:
        """Take the next frame; True when it does not go on from the last one: a cut, or another size."""
        from faceapp.opencv import cv2

        longest = max(image.shape[:2])
        self._scale = min(1.0, SIDE / longest)
        size = max(8, round(image.shape[1] * self._scale)), max(8, round(image.shape[0] * self._scale))
        small = image if size == (image.shape[1], image.shape[0]) else cv2.resize(image, size)
        self._before, self._now = self._now, cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
        other_size = self._shape not in ((), image.shape)
        self._shape = image.shape
        if other_size:
            self._before = None
        return self._is_cut(small) or other_size

    def _is_cut(self, small: Image) -> bool:
        """Both the places of the light and its amounts have changed. A turn of the camera changes the
        places alone, a lamp the amounts alone."""
        from faceapp.opencv import cv2

        assert self._now is not None
        tiny = cv2.resize(small, THUMBNAIL, interpolation=cv2.INTER_AREA)
        thumbnail = tiny.astype(np.float32)
        histogram = cv2.calcHist([tiny], [0, 1, 2], None, [BINS] * 3, [0, 256] * 3).ravel()
        histogram = np.sqrt(histogram / max(float(histogram.sum()), 1.0))
        before, before_histogram = self._thumbnail, self._histogram
        self._thumbnail, self._histogram, self.change = thumbnail, histogram, 0.0
        if before is None or before_histogram is None:
            return False
        self.change = float(np.abs(thumbnail - before).mean())
        alike = float(histogram @ before_histogram)
        return self.change > CERTAIN_CHANGE or (self.change > CUT_CHANGE and alike < CUT_LIKENESS)

    def follow(self, boxes: Floats) -> list[Move | None]:
        """How each box (N, 4) of the last frame moved; None where that cannot be told."""
        if not len(boxes) or self._before is None or self._now is None:
            return [None] * len(boxes)
        from faceapp.opencv import cv2

        starts = _grid(boxes * self._scale).reshape(-1, 1, 2)
        options = {"winSize": WINDOW, "maxLevel": LEVELS}
        ends, found, _ = cv2.calcOpticalFlowPyrLK(self._before, self._now, starts, None, **options)
        back, returned, _ = cv2.calcOpticalFlowPyrLK(self._now, self._before, ends, None, **options)
        shape = (len(boxes), GRID * GRID)
        error = np.abs(back - starts).max(2).reshape(shape)
        kept = ((found == 1) & (returned == 1)).reshape(shape)
        return self._moves(boxes, starts.reshape(*shape, 2), ends.reshape(*shape, 2), kept, error)

    def _moves(
        self, boxes: Floats, starts: Floats, ends: Floats, kept: NDArray[np.bool_], error: Floats
    ) -> list[Move | None]:
        """What the points of each box say: starts, ends (N, P, 2), kept, error (N, P)."""
        sides = (boxes[:, 2:] - boxes[:, :2]).min(1) * self._scale
        kept = kept & (error <= np.maximum(RETURN_PIXELS, RETURN_SHARE * sides)[:, None])
        shifts = _medians(np.moveaxis(ends - starts, 2, 0), kept) / np.float32(self._scale)
        spread, spread_now = _spread(starts), _spread(ends)
        both = kept & np.roll(kept, PARTNER, axis=1)
        scales = _medians(np.asarray(spread_now / np.maximum(spread, 1e-3), np.float32), both)
        scales = np.where(both.any(1), scales, 1.0)
        believed = (kept.mean(1) >= FEWEST_POINTS) & (scales >= SCALE_RANGE[0]) & (scales <= SCALE_RANGE[1])
        return [
            Move(float(dx), float(dy), float(scale)) if good else None
            for dx, dy, scale, good in zip(*shifts, scales, believed, strict=True)
        ]


def _grid(boxes: Floats) -> Floats:
    """(N, GRID * GRID, 2) points spread over the inner part of each box (N, 4)."""
    centres, halves = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * INNER
    points = centres[:, None] + halves[:, None] * UNIT_GRID
    return np.ascontiguousarray(points, np.float32)


def _spread(points: Floats) -> Floats:
    """(N, P) the distance of every point from its partner, half the grid away."""
    return np.asarray(np.linalg.norm(points - np.roll(points, PARTNER, axis=1), axis=2), np.float32)


def _medians(values: Floats, kept: NDArray[np.bool_]) -> Floats:
    """(..., N) the median of those values (..., N, P) that are kept (N, P); infinite without any."""
    order = np.sort(np.where(kept, values, np.inf), axis=-1)
    counts = kept.sum(1)
    rows = np.arange(len(counts))
    middle: Floats = (order[..., rows, np.maximum(counts - 1, 0) // 2] + order[..., rows, counts // 2]) / 2
    return middle


_STEPS = np.linspace(-1, 1, GRID, dtype=np.float32)
UNIT_GRID = np.stack(np.meshgrid(_STEPS, _STEPS), 2).reshape(-1, 2)
