"""How accurate the models are on pairs of photos whose people are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from faceapp.errors import BadRequest, FaceAppError, NotFound
from faceapp.jobs import JobContext
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.pipeline.choice import subject
from faceapp.search.evaluate import Evaluation, Pair, evaluate, read_pairs
from faceapp.types import Floats


def evaluate_pairs(context: JobContext, analyser: Analyser, pairs: Path, images: Path) -> Evaluation:
    """Embed every photo of the list once and score its pairs by the LFW protocol.

    Raises NotFound where the list or a photo is missing, BadRequest where the list cannot be scored,
    UnusablePhoto where a photo cannot be read.
    """
    listed = read_pairs(pairs)
    same = np.array([pair.same for pair in listed], bool)
    if not same.any() or same.all():
        raise BadRequest("pairs", f"{pairs.name} must list pairs of one person and pairs of strangers.")
    embeddings = _embeddings(context, analyser, _files(listed, images))
    distances = np.zeros(len(listed), np.float32)
    undetected = np.zeros(len(listed), bool)
    for number, pair in enumerate(listed):
        one, other = embeddings[Pair.file(pair.first)], embeddings[Pair.file(pair.second)]
        if one is None or other is None:
            undetected[number] = True
        else:
            distances[number] = 1.0 - float(one @ other)
    return evaluate(distances, same, undetected)


def _files(pairs: list[Pair], images: Path) -> dict[str, Path]:
    """Every photo of the list, once. Raises NotFound when one is missing: it would pass for undetected."""
    names = dict.fromkeys(Pair.file(photo) for pair in pairs for photo in (pair.first, pair.second))
    files = {name: images / name for name in names}
    missing = [name for name, file in files.items() if not file.is_file()]
    if missing:
        count = f"{len(missing)} of the {len(files)} photos of the list"
        raise NotFound(
            "no_such_file",
            f"{count} are not in {images}, such as {missing[0]}.",
            "Photos lie there as NAME/NAME_0001.jpg.",
        )
    return files


def _embeddings(context: JobContext, analyser: Analyser, files: dict[str, Path]) -> dict[str, Floats | None]:
    """The embedding (D,) of each photo's subject, or None where no face was found."""
    from faceapp.pipeline.photos import read_photo

    def embed(name: str) -> Floats | None:
        photo = read_photo(files[name])
        faces = analyser.faces(photo.image)
        return faces[subject(faces, photo.width, photo.height)[0]].embedding if faces else None

    embeddings: dict[str, Floats | None] = {}
    for name, result in context.track(in_order(files, embed), len(files), "Embedding"):
        if isinstance(result, FaceAppError):
            raise result
        embeddings[name] = result
    return embeddings
