"""Who is who on one photo: everybody at most once."""

from __future__ import annotations

import numpy as np

from faceapp.types import FaceMatches

# Worse than any real distance (cosine distances end at 2) and than any sum that could hide it.
NOBODY = 10.0


def one_person_once(faces: tuple[FaceMatches, ...]) -> list[int | None]:
    """For each face the index of its match, or None for nobody, so that nobody appears twice.

    The pairing with the smallest sum of distances wins (the assignment problem); a face whose person
    goes to a better face gets its next match within the threshold, or nobody.
    """
    people = sorted({match.person.id for face in faces for match in face.matches if match.same_person})
    chosen: list[int | None] = [None] * len(faces)
    if not people:
        return chosen
    column = {person: index for index, person in enumerate(people)}
    costs = np.full((len(faces), len(people) + len(faces)), NOBODY)
    for row, face in enumerate(faces):
        for match in face.matches:
            if match.same_person:
                costs[row, column[match.person.id]] = match.distance
    # Imported here: it costs a tenth of a second, and most photos have one face.
    from scipy.optimize import linear_sum_assignment

    for row, picked in zip(*linear_sum_assignment(costs), strict=True):
        if costs[row, picked] < NOBODY:
            ids = [match.person.id for match in faces[row].matches]
            chosen[row] = ids.index(people[picked])
    return chosen
