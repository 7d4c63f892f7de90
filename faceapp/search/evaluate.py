"""How well an embedder tells people apart: the protocol of Labelled Faces in the Wild.

Huang et al., "Labeled Faces in the Wild" (2007): pairs in ten folds; the threshold that is best on nine
of them is applied to the tenth. A pair whose face was not found counts as an error, everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceapp.errors import BadRequest, NotFound
from faceapp.types import Floats

FOLDS = 10
Flags = NDArray[np.bool_]
Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two photos, each by the person's name and the number of the photo, and whether they show one person."""

    first: tuple[str, int]
    second: tuple[str, int]
    same: bool

    @staticmethod
    def file(photo: tuple[str, int]) -> str:
        """Where LFW keeps a photo: NAME/NAME_0001.jpg."""
        name, number = photo
        return f"{name}/{name}_{number:04d}.jpg"


@dataclass(frozen=True)
class Evaluation:
    """accuracy: mean over ten folds; accuracy_std: between the folds; both 0 to 1.

    tar_at_far_*: the share of pairs of one person that is accepted where at most 1 % (0.1 %) of the pairs
    of strangers is. threshold: the distance that is best on all pairs. undetected: pairs without a face.
    """

    pairs: int
    accuracy: float
    accuracy_std: float
    tar_at_far_1e_2: float
    tar_at_far_1e_3: float
    threshold: float
    undetected: int


def read_pairs(file: Path) -> list[Pair]:
    """The pairs of a list: of LFW's pairs.txt, or of lines "name number name number 1|0".

    Fields are separated by tabs or spaces. In pairs.txt three fields are one person (name, number,
    number), four are two (name, number, name, number); the first line counts them. Raises NotFound or
    BadRequest.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise NotFound("no_such_file", f"There is no list of pairs {file}.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise BadRequest("pairs", f"{file.name} cannot be read as text.") from error
    pairs = []
    for number, line in enumerate(lines, 1):
        fields = line.split("\t") if "\t" in line else line.split()
        if not line.strip() or (number == 1 and all(field.strip().isdigit() for field in fields)):
            continue
        try:
            pairs.append(_pair([field.strip() for field in fields]))
        except ValueError as error:
            raise BadRequest(
                "pairs", f"Line {number} of {file.name} is not a pair.",
                "A line is: name, number, name, number, 1 or 0; or one of LFW's pairs.txt.",
            ) from error
    if not pairs:
        raise BadRequest("pairs", f"{file.name} lists no pairs.")
    return pairs


def _pair(fields: list[str]) -> Pair:
    if len(fields) == 3:
        return Pair((fields[0], int(fields[1])), (fields[0], int(fields[2])), True)
    if len(fields) == 4:
        return Pair((fields[0], int(fields[1])), (fields[2], int(fields[3])), False)
    if len(fields) in (5, 6) and fields[4] in ("0", "1"):
        return Pair((fields[0], int(fields[1])), (fields[2], int(fields[3])), fields[4] == "1")
    raise ValueError("not a pair")


def evaluate(distances: Floats, same: Flags, undetected: Flags) -> Evaluation:
    """Score the `distances` (P,) of pairs, of which those of `same` (P,) show one person.

    undetected (P,): pairs of which a face was not found; their distance does not matter. Raises
    ValueError where the shapes differ or one of the two kinds of pairs is missing.
    """
    if not distances.shape == same.shape == undetected.shape or distances.ndim != 1:
        raise ValueError(f"shapes {distances.shape}, {same.shape}, {undetected.shape}")
    if not same.any() or same.all():
        raise ValueError("pairs of one person and of strangers are needed")
    values = np.asarray(distances, np.float64)
    found = ~undetected
    scores = [_fold_accuracy(values, same, found, fold) for fold in _folds(same)]
    return Evaluation(
        pairs=len(values),
        accuracy=float(np.mean(scores)),
        accuracy_std=float(np.std(scores)),
        tar_at_far_1e_2=accepted_at(values, same, found, 1e-2),
        tar_at_far_1e_3=accepted_at(values, same, found, 1e-3),
        threshold=best_threshold(values[found], same[found]),
        undetected=int(undetected.sum()),
    )


def best_threshold(distances: Doubles, same: Flags) -> float:
    """The distance d for which "same person where distance <= d" is right most often.

    Halfway between two neighbouring distances; the middle one where several are equally good.
    """
    if not len(distances):
        return 0.0
    order = np.argsort(distances, kind="stable")
    ranked = distances[order]
    right = np.concatenate([[0], np.cumsum(np.where(same[order], 1, -1))])
    # a threshold between two equal distances cannot be had
    possible = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])
    best = np.flatnonzero(possible & (right == right[possible].max()))
    cut = int(best[len(best) // 2])
    below = ranked[cut - 1] if cut else ranked[0] - 1e-6
    above = ranked[cut] if cut < len(ranked) else ranked[-1] + 1e-6
    return float((below + above) / 2)


def accepted_at(distances: Doubles, same: Flags, found: Flags, false_accepts: float) -> float:
    """The share of `same` pairs that is nearer than strangers ever are, but for a share of `false_accepts`.

    That share is of all pairs of strangers, those without a face included: they are never accepted.
    """
    strangers = np.sort(distances[~same & found])
    allowed = int(np.floor(false_accepts * int((~same).sum())))
    limit = strangers[allowed] if allowed < len(strangers) else np.inf
    return float((distances[same & found] < limit).sum() / same.sum())


def _folds(same: Flags) -> list[Flags]:
    """Ten masks, each a tenth of the pairs of one person and of those of strangers, in the list's order."""
    part = np.zeros(len(same), np.int64)
    for kind in (same, ~same):
        index = np.flatnonzero(kind)
        part[index] = np.arange(len(index)) * FOLDS // len(index)
    return [part == fold for fold in range(FOLDS) if (part == fold).any()]


def _fold_accuracy(distances: Doubles, same: Flags, found: Flags, fold: Flags) -> float:
    known = ~fold & found
    threshold = best_threshold(distances[known], same[known])
    right = ((distances <= threshold) == same) & found
    return float(right[fold].mean())
