"""Found faces that are most likely none: which they are, and that they get no name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from faceapp.models.boxes import overlaps
from faceapp.models.registry import Models
from faceapp.opencv import cv2
from faceapp.pipeline.analysis import Analyser
from faceapp.pipeline.doubt import SURE, doubtful
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.types import Detections, Image, PersonName

WIDER_PHOTOS = 25


def unsure(found: Detections) -> Detections:
    """The same faces with a score that asks for a second look."""
    return Detections(found.boxes, np.full(len(found), 0.8, np.float32), found.landmarks)


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "mirrored"])
@pytest.mark.parametrize("factor", [1.0, 0.4, 2.0])
def test_a_portrait_is_no_doubt(
    models: Models, astronaut: Image, hopper: Image, factor: float, turned: bool
) -> None:
    detector = models.detector("mtcnn")
    for image in (astronaut, hopper):
        photo = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        if turned:
            photo = np.ascontiguousarray(photo[:, ::-1])
        best = unsure(detector.detect(photo).take(np.array([0])))
        assert doubtful(detector, "mtcnn", photo, best).tolist() == [False]


def test_where_no_face_is_there_is_doubt(models: Models, astronaut: Image) -> None:
    detector = models.detector("mtcnn")
    best = detector.detect(astronaut).take(np.array([0]))
    elsewhere = Detections(best.boxes + np.float32([0, 250, 0, 250]), best.scores, best.landmarks)
    assert doubtful(detector, "mtcnn", astronaut, unsure(elsewhere)).tolist() == [True]
    beside = Detections(best.boxes + np.float32([90, 0, 90, 0]), best.scores, best.landmarks)
    assert doubtful(detector, "mtcnn", astronaut, unsure(beside)).tolist() == [True]
    sure = Detections(elsewhere.boxes, np.full(1, SURE["mtcnn"], np.float32), best.landmarks)
    assert doubtful(detector, "mtcnn", astronaut, sure).tolist() == [False]
    assert doubtful(detector, "another", astronaut, unsure(elsewhere)).tolist() == [False]


def test_a_doubtful_face_gets_no_name_and_is_not_enrolled_unasked(
    services: Services, portrait_files: dict[str, Path]
) -> None:
    photo = read_photo(portrait_files["hopper"])
    person = services.enrolment.enrol(photo, PersonName("Grace", "Hopper")).person
    (face,) = services.analyser.faces(photo.image)
    doubted = replace(face, doubtful=True)
    both = [services.recognition.recognise_faces((one,))[0].person for one in (face, doubted)]
    assert [match and match.person.id for match in both] == [person.id, None]
    # Whoever is marked "no swap" is protected all the same.
    assert services.recognition.search(doubted).person is not None
    other = replace(photo, sha256="0" * 64)
    codes = [[one.code for one in services.enrolment.check(other, each)] for each in (face, doubted)]
    assert codes == [["looks_like"], ["doubtful"]]


def test_most_of_what_is_no_face_is_doubted_and_hardly_a_face(models: Models, data_dir: Path) -> None:
    """On crowds: the first of the photos. A found box is a face when it overlaps a labelled one."""
    detector = models.detector("mtcnn")
    labels = json.loads((data_dir / "detection" / "wider_boxes.json").read_text())
    false, true = [], []
    for name in sorted(labels)[:WIDER_PHOTOS]:
        row = labels[name]
        size = row["orig_w"], row["orig_h"]
        image = cv2.resize(read_photo(data_dir / "detection" / "wider" / name).image, size)
        found = detector.detect(image)
        if not len(found):
            continue
        doubts = doubtful(detector, "mtcnn", image, found)
        boxes = np.array(row["boxes_orig"], np.float32).reshape(-1, 4)
        shared = overlaps(found.boxes, boxes).max(1) if len(boxes) else np.zeros(len(found))
        true += doubts[shared > 0.4].tolist()
        false += doubts[shared < 0.2].tolist()
    assert len(true) > 40 and len(false) > 5
    assert np.mean(false) > 0.5
    assert np.mean(true) < 0.12


def test_a_fold_of_a_flag_is_nobody(models: Models, data_dir: Path) -> None:
    faces = Analyser(models).faces(read_photo(data_dir / "portraits" / "obama.jpg").image)
    assert [face.doubtful for face in faces if face.quality.size > 150] == [False]
    assert all(face.doubtful for face in faces if face.quality.size < 100)
