"""Photos of two people, made from the two portraits: each one changed, so that no two are the same file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceapp.build import augment
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.types import Detections, Image

NAMES = {"astronaut": "Eileen Collins", "hopper": "Grace Hopper"}


def made_photos(models: Models, image: Image, count: int, seed: int = 0) -> list[bytes]:
    """JPEG files of the face, in other light, blurred, turned and cut in other ways."""
    random = np.random.default_rng(seed)
    photos = []
    for _ in range(count):
        changed, face = image, first_face(models, image)
        for change in (augment.crop, augment.light, augment.blur):
            changed, face = change(changed, face, random)
        photos.append(bytes(cv2.imencode(".jpg", changed, [cv2.IMWRITE_JPEG_QUALITY, 88])[1]))
    return photos


def first_face(models: Models, image: Image) -> Detections:
    return models.detector().detect(image).take(np.array([0]))


def folder_of_people(root: Path, models: Models, images: dict[str, Image], count: int) -> Path:
    """`root`/Eileen_Collins/0.jpg and so on."""
    for key, image in images.items():
        place = root / NAMES[key].replace(" ", "_")
        place.mkdir(parents=True)
        for number, data in enumerate(made_photos(models, image, count)):
            (place / f"{number}.jpg").write_bytes(data)
    return root
