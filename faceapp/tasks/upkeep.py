"""Looking after the models' files: fetch one, add one that the user has, make one ready."""

from __future__ import annotations

import shutil
from pathlib import Path

from faceapp.errors import BadRequest, NotFound, StoreUnavailable
from faceapp.jobs import JobContext
from faceapp.models.base import ModelSpec
from faceapp.models.plugin import KEY, licence_refusal
from faceapp.models.registry import Models
from faceapp.models.store import replacing, sha256_of
from faceapp.models.swapper import part_of


def fetch_model(context: JobContext, models: Models, key: str) -> ModelSpec:
    """Download a model's files, by the user's wish. Raises NotFound, ModelUnavailable, Cancelled."""
    spec = models.spec(key)
    models.store.download(spec, context)
    return spec


def add_model_file(models: Models, path: Path, licence_accepted: bool = False) -> ModelSpec:
    """Copy a file into the models folder; its SHA-256 says which model it belongs to. One that is not known
    can be a part of the user's own neural swapper.

    Raises NotFound where there is no such file, BadRequest where it is of no use, and Conflict
    (licence_not_accepted) for a part of a swapper whose licence was not accepted.
    """
    if not path.is_file():
        raise NotFound("no_such_file", f"There is no file {path}.")
    try:
        digest = sha256_of(path)
        for spec in models.specs():
            for file in spec.files:
                if file.sha256 == digest:
                    with replacing(models.store.locate(file)) as temporary:
                        shutil.copyfile(path, temporary)
                    return spec
    except OSError as error:
        raise StoreUnavailable(
            "model_not_added", f"{path.name} could not be copied: {error.strerror}."
        ) from error
    return _add_own(models, path, licence_accepted)


def _add_own(models: Models, path: Path, licence_accepted: bool) -> ModelSpec:
    if path.suffix.lower() != ".onnx":
        raise BadRequest(
            "unknown_model",
            f"{path.name} is no file of a known model.",
            "“models list” says which models there are.",
        )
    part_of(path)
    if not licence_accepted:
        raise licence_refusal()
    models.plugins.add(path, accepted=True)
    models.read_plugins()
    return models.spec(KEY)


def build_model(context: JobContext, models: Models, key: str) -> ModelSpec:
    """Load a model now, which builds what is built from its files. Raises NotFound, ModelUnavailable."""
    spec = models.spec(key)
    context.progress(0, None, f"Preparing {spec.title}")
    models.preload([key])
    return spec
