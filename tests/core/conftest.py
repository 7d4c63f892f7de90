"""What tests of edits start from: the faces of the two portraits."""

from __future__ import annotations

import pytest

from faceapp.edit.faces import EditFace, FaceReader
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.types import Image


@pytest.fixture(scope="session")
def reader(models: Models) -> FaceReader:
    return FaceReader(Analyser(models), models)


@pytest.fixture(scope="session")
def man(reader: FaceReader, hopper: Image) -> EditFace:
    return reader.read(hopper)[0]


@pytest.fixture(scope="session")
def woman(reader: FaceReader, astronaut: Image) -> EditFace:
    return reader.read(astronaut)[0]
