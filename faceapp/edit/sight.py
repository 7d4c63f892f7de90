"""Where the 68 points of a face are that is followed: its box is held, and the face is looked at upright.

A landmarker trembles with the box that it starts from. So the box is carried along with the face and only
pulled a little towards each new detection; and the landmarker gets a picture of the face of one size, with
its eyes level, whatever the frame is.
"""

from __future__ import annotations

import math

import numpy as np

from faceapp.edit.points import five_of, size
from faceapp.edit.smooth import Doubles
from faceapp.models.align import dlib_boxes
from faceapp.models.base import Landmarker
from faceapp.opencv import cv2
from faceapp.pipeline.quality import pose
from faceapp.types import Detections, Floats, Image

# How far a fresh detection moves the box that was followed there.
TRUST = 0.35
# dlib's landmarker sees every face upright, in a picture of that side, its box that large: it places points
# on whole pixels, which are too coarse on a small face.
SIGHT, SIGHT_BOX = 320, 200
# Points that are that far from their box, in sides of it, or spread so much less or more, are on no face.
ASTRAY, SPREAD = 0.3, (0.6, 1.6)
# A head turned so many degrees, by the detector's five points, shows a profile; the 68 points then make up a
# face that looks to the front. So they do on one that is half hidden: they lie that far from the detector's
# points, in units of the face. A face that was given up is taken again well below these limits.
TURNED, APART = 56.0, 0.3
TAKEN_AGAIN = 0.86


def locate(landmarker: Landmarker, image: Image, box: Floats, lean: float) -> Floats:
    """(68, 2) points of the face with dlib's box (4,), whose head leans clockwise by `lean` radians."""
    centre = (box[:2] + box[2:]) / 2
    scale = SIGHT_BOX / max(float(box[2] - box[0]), 1.0)
    cosine, sine = scale * math.cos(lean), scale * math.sin(lean)
    turn = np.array([(cosine, sine), (-sine, cosine)])
    shift = np.array((SIGHT / 2, SIGHT / 2)) - turn @ centre
    matrix = np.column_stack([turn, shift])
    sight = _sight(image, matrix, scale)
    half = SIGHT_BOX / 2
    where = np.array([[SIGHT / 2 - half, SIGHT / 2 - half, SIGHT / 2 + half, SIGHT / 2 + half]], np.float32)
    placed = landmarker.locate(sight, where)[0]
    back = np.linalg.inv(turn)
    return np.asarray((placed - shift) @ back.T, np.float32)


def doubt(landmarks: Floats, points: Floats) -> float:
    """From 0: how little the 68 points are to be believed, by the detector's five; above 1 not at all."""
    apart = np.hypot(*(five_of(points) - landmarks).T).mean() / size(points)
    return max(abs(pose(landmarks)[0]) / TURNED, float(apart) / APART)


def _sight(image: Image, matrix: Doubles, scale: float) -> Image:
    """The picture that the landmarker sees; matrix (2, 3): from the frame to it."""
    size = (SIGHT, SIGHT)
    if scale < 0.7:
        # A large face: its part of the frame is shrunk first, so that no pixel is skipped.
        shrink = scale / 0.7
        back = cv2.invertAffineTransform(matrix)
        corners = np.array([(0, 0), (SIGHT, 0), (0, SIGHT), (SIGHT, SIGHT)]) @ back[:, :2].T + back[:, 2]
        height, width = image.shape[:2]
        left, top = np.clip(np.floor(corners.min(0)) - 4, 0, (width - 2, height - 2)).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(0)) + 4, (left + 2, top + 2), (width, height)).astype(int)
        part = image[top:bottom, left:right]
        small = [max(1, round(side * shrink)) for side in part.shape[1::-1]]
        # The middle of the first pixel of the smaller part is that many pixels into the larger one.
        ratio = np.array((part.shape[1] / small[0], part.shape[0] / small[1]))
        image = cv2.resize(part, small, interpolation=cv2.INTER_AREA)
        shift = matrix[:, 2] + matrix[:, :2] @ ((ratio - 1) / 2 + (left, top))
        matrix = np.column_stack([matrix[:, :2] * ratio, shift])
    sight: Image = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return sight


def sight_box(landmarks: Floats) -> Floats:
    """(4,) dlib's box around five points (5, 2)."""
    faces = Detections(np.zeros((1, 4), np.float32), np.ones(1, np.float32), landmarks[None])
    box: Floats = dlib_boxes(faces)[0]
    return box


def lean_of(landmarks: Floats) -> float:
    """Radians by which a head leans clockwise, from its eyes and the corners of its mouth (5, 2)."""
    eyes, mouth = landmarks[1] - landmarks[0], landmarks[4] - landmarks[3]
    way = eyes + mouth
    return math.atan2(float(way[1]), float(way[0]))


def next_box(box: Floats, fresh: Floats, move: Doubles | None, detected: bool) -> Floats:
    """Where the box is now: moved with the face, and a little towards what the detector says."""
    if move is None:
        return fresh
    moved = moved_box(box, move)
    if not detected:
        return moved
    side = float(fresh[2] - fresh[0])
    if np.abs(moved - fresh).max() > 0.35 * side:
        return fresh
    return np.asarray(moved + TRUST * (fresh - moved), np.float32)


def moved_box(box: Floats, move: Doubles) -> Floats:
    centre = move[:, :2] @ ((box[:2] + box[2:]) / 2) + move[:, 2]
    half = (box[2:] - box[:2]) / 2 * math.hypot(move[0, 0], move[1, 0])
    return np.concatenate([centre - half, centre + half]).astype(np.float32)


def astray(points: Floats, box: Floats) -> bool:
    """The points are on no face: far from where it was found, or much smaller or larger."""
    own = sight_box(five_of(points))
    side = max(float(box[2] - box[0]), 1.0)
    off = float(np.hypot(*((own[:2] + own[2:]) / 2 - (box[:2] + box[2:]) / 2))) / side
    return off > ASTRAY or not SPREAD[0] <= float(own[2] - own[0]) / side <= SPREAD[1]
