"""Which of several faces is meant."""

from __future__ import annotations

import math

from faceapp.errors import UnusableFace
from faceapp.types import Face

# Another face that weighs at least this share of the best one makes the choice doubtful.
DOUBTFUL = 0.5


def subject(faces: tuple[Face, ...], width: int, height: int) -> tuple[int, bool]:
    """The index of the face that a portrait is about, and whether another one comes close.

    Large and near the middle: the area of a face counts less the further its centre lies from the
    photo's, by a Gaussian of a quarter of the photo's diagonal.
    """
    sigma = 0.25 * math.hypot(width, height)

    def weight(face: Face) -> float:
        x, y = face.box.centre
        away = math.hypot(x - width / 2, y - height / 2)
        return face.box.width * face.box.height * math.exp(-((away / sigma) ** 2))

    weights = [weight(face) for face in faces]
    best = max(range(len(faces)), key=weights.__getitem__)
    doubtful = any(other >= DOUBTFUL * weights[best] for i, other in enumerate(weights) if i != best)
    return best, doubtful


def chosen(count: int, face: int | None) -> int:
    """The index of the face that is meant among `count`. Raises UnusableFace when that is not clear."""
    if count == 0:
        raise no_face()
    if face is None:
        if count > 1:
            raise UnusableFace(
                "several_faces", f"There are {count} faces on the photo.", "Choose the one that is meant."
            )
        return 0
    if not 0 <= face < count:
        raise UnusableFace("no_such_face", f"The photo has no face number {face + 1}.", f"It has {count}.")
    return face


def no_face() -> UnusableFace:
    """The refusal of a photo without a face."""
    return UnusableFace(
        "no_face",
        "No face was found on the photo.",
        "Use a photo on which the face is large, light and seen from the front.",
    )
