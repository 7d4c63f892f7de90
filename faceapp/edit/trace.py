"""What is gathered of one face while a clip is looked at: its place in each frame, and its best pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from faceapp.edit.smooth import Doubles
from faceapp.models.align import similarity
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

# How far points are believed that were not placed but carried along.
CARRIED = 0.05
# The best faces of a track, that say who it is.
SAMPLES = 3
# What is kept around such a face, of the longer side of its box; and its longest side in pixels.
CROP_MARGIN, CROP_SIDE = 0.35, 192


@dataclass(eq=False)
class Sample:
    """A face that may say who a track is: fitness 0 to 1, the part of the frame with its box and points."""

    fitness: float
    frame: int
    part: Image
    box: Floats
    landmarks: Floats

    @staticmethod
    def cut(fitness: float, frame: int, image: Image, box: Floats, landmarks: Floats) -> Sample:
        """The part of a frame around a face: box (4,), landmarks (5, 2), in pixels of the frame."""
        height, width = image.shape[:2]
        margin = CROP_MARGIN * float(max(box[2] - box[0], box[3] - box[1]))
        left, top = max(0, int(box[0] - margin)), max(0, int(box[1] - margin))
        right, bottom = min(width, math.ceil(box[2] + margin)), min(height, math.ceil(box[3] + margin))
        corner = np.array([left, top], np.float32)
        part = image[top:bottom, left:right].copy()
        return Sample(fitness, frame, part, box - np.tile(corner, 2), landmarks - corner)

    @property
    def crop(self) -> Image:
        """The part, no larger than `CROP_SIDE`."""
        scale = CROP_SIDE / max(self.part.shape[:2])
        if scale >= 1:
            return self.part
        smaller: Image = cv2.resize(self.part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        return smaller


@dataclass(eq=False)
class Trace:
    """One entry of points, moves, found and trust for each frame from `first` on.

    box (4,): where the face is looked for. points (68, 2). moves (2, 3): from the frame before. found: False
    where the face was out of sight. trust: how far the points are believed. By the number of a frame, where
    it was measured: doubts, sharpness, colours (18,). confirmed: the tracker is sure that it is a face.
    """

    first: int
    box: Floats
    points: list[Floats] = field(default_factory=list)
    moves: list[Doubles] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    trust: list[float] = field(default_factory=list)
    doubts: dict[int, float] = field(default_factory=dict)
    sharpness: dict[int, float] = field(default_factory=dict)
    colours: dict[int, Floats] = field(default_factory=dict)
    samples: list[Sample] = field(default_factory=list)
    confirmed: bool = False

    @property
    def next(self) -> int:
        """The frame after the last one."""
        return self.first + len(self.points)

    def overlaps(self, other: Trace) -> bool:
        """Whether both are seen in one frame."""
        return self.first < other.next and other.first < self.next

    def carried(self, move: Doubles) -> Floats:
        """(68, 2) the last points, moved."""
        return np.asarray(self.points[-1] @ move[:, :2].T + move[:, 2], np.float32)

    def add(self, number: int, placed: Floats, move: Doubles | None, found: bool, trust: float) -> None:
        """The points in a frame. Where frames were left out, the face went straight from there to here."""
        missing = number - self.next
        if missing > 0 and self.points:
            start = self.points[-1]
            for step in range(1, missing + 1):
                between = np.asarray(start + (placed - start) * (step / (missing + 1)), np.float32)
                self._append(between, None, False, CARRIED)
        self._append(placed, move, found, trust)

    def _append(self, placed: Floats, move: Doubles | None, found: bool, trust: float) -> None:
        self.moves.append(self._move_to(placed) if move is None else move)
        self.points.append(placed)
        self.found.append(found)
        self.trust.append(trust)

    def _move_to(self, points: Floats) -> Doubles:
        """How the face came to these points, as they say: it was not followed."""
        return similarity(self.points[-1], points) if self.points else np.eye(2, 3)

    def add_before(self, placed: Floats, back: Doubles) -> None:
        """The points in the frame before the first; back (2, 3): from the first frame to that one."""
        onward: Doubles = cv2.invertAffineTransform(back)
        self.moves[0] = onward
        self.first -= 1
        self.points.insert(0, placed)
        self.moves.insert(0, np.eye(2, 3))
        self.found.insert(0, True)
        self.trust.insert(0, 1.0)

    def keeps(self, fitness: float) -> bool:
        """Whether a face as good as that is among the best."""
        return len(self.samples) < SAMPLES or fitness > self.samples[-1].fitness

    def keep(self, sample: Sample) -> None:
        """One of the best faces; the worst of too many goes."""
        self.samples.append(sample)
        self.samples.sort(key=lambda kept: -kept.fitness)
        del self.samples[SAMPLES:]
