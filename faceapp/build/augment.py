"""Changes of a photo that a person's face survives: mirrored, other light, blurred, cut closer or askew.

The image is changed before the face is embedded. The face's box and five points move along, so that it need
not be found again.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from faceapp.types import Detections, Floats, Image, check_image

# The image around the face that an embedder needs, in widths of the box on each side, and its longest side.
MARGIN = 0.6
LONGEST = 360
# "left" is as seen in the image, so the points of a mirrored face change places.
MIRRORED = (1, 0, 2, 4, 3)

Augmented = tuple[Image, Detections]


def cut(image: Image, face: Detections) -> Augmented:
    """The part of the photo around one face, scaled down where it is large, with the face in it."""
    from faceapp.opencv import cv2

    check_image(image)
    x1, y1, x2, y2 = (float(value) for value in face.boxes[0])
    margin = MARGIN * max(x2 - x1, y2 - y1)
    height, width = image.shape[:2]
    left, top = max(0, int(x1 - margin)), max(0, int(y1 - margin))
    right, bottom = min(width, int(x2 + margin) + 1), min(height, int(y2 + margin) + 1)
    if right <= left or bottom <= top:  # a box of another photo
        left, top, right, bottom = 0, 0, width, height
    part = np.ascontiguousarray(image[top:bottom, left:right])
    scale = min(1.0, LONGEST / max(part.shape[:2]))
    if scale < 1.0:
        part = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    matrix = np.array([[scale, 0, -left * scale], [0, scale, -top * scale]], np.float32)
    return np.asarray(part, np.uint8), _moved(face, matrix)


def mirror(image: Image, face: Detections, random: np.random.Generator) -> Augmented:
    """Left and right exchanged."""
    matrix = np.array([[-1, 0, image.shape[1] - 1], [0, 1, 0]], np.float32)
    moved = _moved(face, matrix)
    points = None if moved.landmarks is None else moved.landmarks[:, MIRRORED]
    return np.ascontiguousarray(image[:, ::-1]), Detections(moved.boxes, moved.scores, points)


def light(image: Image, face: Detections, random: np.random.Generator) -> Augmented:
    """Darker or lighter (gamma 0.6 to 1.7), flatter or harder, and a little warmer or colder."""
    gamma = float(np.exp(random.uniform(-0.5, 0.5)))
    contrast = float(random.uniform(0.7, 1.3))
    tint = random.uniform(0.92, 1.08, 3)
    levels = np.linspace(0, 1, 256)
    table = np.clip((levels**gamma - 0.5) * contrast + 0.5, 0, 1)
    tables = np.clip(255 * table[:, None] * tint[None], 0, 255).astype(np.uint8)
    changed = np.stack([tables[image[:, :, channel], channel] for channel in range(3)], axis=2)
    return np.ascontiguousarray(changed), face


def blur(image: Image, face: Detections, random: np.random.Generator) -> Augmented:
    """Out of focus, or few pixels: a Gaussian of 1 to 3 hundredths of the face's width."""
    from faceapp.opencv import cv2

    width = float(face.boxes[0, 2] - face.boxes[0, 0])
    sigma = max(0.6, width * float(random.uniform(0.01, 0.03)))
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8), face


def crop(image: Image, face: Detections, random: np.random.Generator) -> Augmented:
    """Cut closer or wider, moved and turned by up to 8 degrees, as a detector's box wavers."""
    from faceapp.opencv import cv2

    x1, y1, x2, y2 = (float(value) for value in face.boxes[0])
    angle, zoom = float(random.uniform(-8, 8)), float(random.uniform(0.92, 1.12))
    matrix = cv2.getRotationMatrix2D(((x1 + x2) / 2, (y1 + y2) / 2), angle, zoom)
    matrix[:, 2] += random.uniform(-0.03, 0.03, 2) * (x2 - x1)
    height, width = image.shape[:2]
    turned = cv2.warpAffine(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    moved = _moved(face, np.asarray(matrix, np.float32))
    # The box stays upright; it wavers as detectors' boxes do.
    centre = (moved.boxes[0, :2] + moved.boxes[0, 2:]) / 2
    half = zoom * np.array([x2 - x1, y2 - y1]) / 2 * random.uniform(0.95, 1.05, 2)
    box = np.concatenate([centre - half, centre + half]).astype(np.float32)[None]
    return np.asarray(turned, np.uint8), Detections(box, moved.scores, moved.landmarks)


Change = Callable[[Image, Detections, np.random.Generator], Augmented]
CHANGES: tuple[Change, ...] = (mirror, light, blur, crop)


def augment(image: Image, face: Detections, random: np.random.Generator) -> list[Augmented]:
    """One of each kind of change; all but the mirror image itself are mirrored half of the time."""
    changed = []
    for change in CHANGES:
        turned = change is not mirror and random.random() < 0.5
        changed.append(change(*(mirror(image, face, random) if turned else (image, face)), random))
    return changed


def _moved(face: Detections, matrix: Floats) -> Detections:
    """The same face after the affine `matrix` (2, 3); its box is that of the moved corners."""
    x1, y1, x2, y2 = face.boxes[0]
    corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]], np.float32)
    corners = corners @ matrix[:, :2].T + matrix[:, 2]
    box = np.concatenate([corners.min(0), corners.max(0)])[None].astype(np.float32)
    points = None
    if face.landmarks is not None:
        points = (face.landmarks @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
    return Detections(box, face.scores, points)
