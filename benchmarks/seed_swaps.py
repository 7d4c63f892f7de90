"""The two swap recipes that the program grew out of, re-implemented from their description, and the seed's
whole crowd mix. Their numbers stand beside ours in `benchmarks/swap.py`.

PL (photolab_hack): a similarity from 68 points, the hull, colours by a ratio of blurs, `seamlessClone`.
WU (wuhuikai/FaceSwap): points 0-47 warped triangle by triangle with `find_simplex` a pixel, the hull made
smaller twice with a fixed kernel, the same colours, `seamlessClone`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.spatial import Delaunay

from faceapp.edit.points import eye_distance
from faceapp.models.align import similarity
from faceapp.opencv import cv2
from faceapp.types import Floats, Image

# Largest sides of photos, and from which share of the photo's height a face is warped.
_SELFIE, _CROWD, _WARPED = 400, 1200, 0.25
_MOST_FACES = 15


def photolab(source: Image, own: Floats, target: Image, points: Floats) -> tuple[Image, Floats]:
    """PL's swap of a face by a similarity; the result and its mask (H, W) 0..1."""
    height, width = target.shape[:2]
    matrix = similarity(own, points)
    moved = cv2.warpAffine(source, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    mask = cv2.erode(_hull(points, target.shape[:2]), np.ones((3, 3), np.uint8), iterations=2)
    return _cloned(target, _blur_ratio(target, moved, points), mask), mask / np.float32(255)


def wuhuikai(source: Image, own: Floats, target: Image, points: Floats) -> tuple[Image, Floats]:
    """WU's swap by triangles between the first 48 points; the result and its mask (H, W) 0..1."""
    moved = _warped(source, own[:48], target.shape[:2], points[:48])
    mask = _hull(points[:48], target.shape[:2])
    seen = moved.any(-1).astype(np.uint8) * 255
    mask = cv2.bitwise_and(cv2.erode(mask, np.ones((10, 10), np.uint8)), seen)
    coloured = _blur_ratio(target, moved, points)
    mask = cv2.erode(mask, np.ones((10, 10), np.uint8))
    return _cloned(target, coloured, mask), mask / np.float32(255)


def _hull(points: Floats, shape: tuple[int, int]) -> Image:
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points.astype(np.int32)), 255)
    return mask


def _warped(source: Image, own: Floats, shape: tuple[int, int], points: Floats) -> Image:
    """Every pixel of the hull is looked up in the triangulation on its own, as both recipes do it."""
    triangles = Delaunay(points)
    x1, y1 = np.maximum(points.min(0).astype(int), 0)
    x2, y2 = np.minimum(points.max(0).astype(int) + 1, shape[::-1])
    result = np.zeros((*shape, 3), np.uint8)
    places = np.stack(np.meshgrid(np.arange(x1, x2), np.arange(y1, y2)), -1).reshape(-1, 2)
    which = triangles.find_simplex(places)
    for index, corners in enumerate(triangles.simplices):
        inside = places[which == index]
        if not len(inside):
            continue
        matrix = cv2.getAffineTransform(points[corners].astype(np.float32), own[corners].astype(np.float32))
        read = inside @ matrix[:, :2].T + matrix[:, 2]
        result[inside[:, 1], inside[:, 0]] = _bilinear(source, read)
    return result


def _bilinear(image: Image, places: Any) -> Any:
    height, width = image.shape[:2]
    places = np.clip(places, 0, (width - 1.001, height - 1.001))
    x, y = places.astype(int).T
    right, down = (places - places.astype(int)).T[..., None]
    top = image[y, x] * (1 - right) + image[y, np.minimum(x + 1, width - 1)] * right
    low = np.minimum(y + 1, height - 1)
    bottom = image[low, x] * (1 - right) + image[low, np.minimum(x + 1, width - 1)] * right
    return top * (1 - down) + bottom * down


def _blur_ratio(target: Image, moved: Image, points: Floats) -> Image:
    """The moved face times the target's blur over its own, the kernel 0.75 of the eye distance."""
    side = int(0.75 * eye_distance(points)) | 1
    wide = cv2.GaussianBlur(target, (side, side), 0).astype(np.float64)
    own = cv2.GaussianBlur(moved, (side, side), 0).astype(np.float64)
    own[own <= 1] = 128
    coloured: Image = np.clip(moved * wide / own, 0, 255).astype(np.uint8)
    return coloured


def _cloned(target: Image, patch: Image, mask: Image) -> Image:
    """`seamlessClone`, or the target alone where it fails at the border, as it does."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width or not height:
        return target
    try:
        done: Image = cv2.seamlessClone(
            patch, target, mask, (x + width // 2, y + height // 2), cv2.NORMAL_CLONE
        )
    except cv2.error:
        return target
    return done


class Seed:
    """`/create_mix` as the seed computes it, with the libraries that it uses."""

    def __init__(self) -> None:
        import dlib
        import face_recognition_models as files

        self._detector = dlib.get_frontal_face_detector()
        self._five = dlib.shape_predictor(files.pose_predictor_five_point_model_location())
        self._points = dlib.shape_predictor(files.pose_predictor_model_location())
        self._net = dlib.face_recognition_model_v1(files.face_recognition_model_location())

    def mix(self, selfies: Sequence[Image], crowd: Image) -> tuple[Image, int]:
        """Every selfie's largest face onto the nearest free face of the crowd; the photo, shrunk, and how
        many were swapped."""
        crowd = _shrunk(crowd, _CROWD)
        result, taken = crowd, set[int]()
        boxes = self._faces(crowd)[:_MOST_FACES]
        for selfie in selfies:
            small = _shrunk(selfie, _SELFIE)
            own = self._faces(small)
            # The crowd is embedded again for every source.
            rows = np.array([self._embed(crowd, box) for box in boxes])
            if not own or not len(rows):
                continue
            away = np.linalg.norm(rows - self._embed(small, own[0]), axis=1)
            away[list(taken)] = np.inf
            best = int(np.argmin(away))
            if not np.isfinite(away[best]):
                continue
            taken.add(best)
            large = boxes[best].height() >= _WARPED * crowd.shape[0]
            recipe = wuhuikai if large else photolab
            result, _ = recipe(small, self._locate(small, own[0]), result, self._locate(crowd, boxes[best]))
        return result, len(taken)

    def _faces(self, image: Image) -> list[Any]:
        return list(self._detector(_rgb(image), 1))

    def _embed(self, image: Image, box: Any) -> Any:
        rgb = _rgb(image)
        return np.array(self._net.compute_face_descriptor(rgb, self._five(rgb, box), 2))

    def _locate(self, image: Image, box: Any) -> Floats:
        parts = self._points(_rgb(image), box).parts()
        return np.array([(part.x, part.y) for part in parts], np.float32)


def _rgb(image: Image) -> Image:
    return np.ascontiguousarray(image[:, :, ::-1])


def _shrunk(image: Image, longest: int) -> Image:
    factor = longest / max(image.shape[:2])
    if factor >= 1:
        return image
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
