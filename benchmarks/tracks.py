"""How well tracks agree with the truth: IDF1, precision and recall of identities, and switches.

Ristani and others, "Performance measures and a data set for multi-target, multi-camera tracking" (2016):
tracks are paired with the true ones so that as many boxes as possible agree (overlap of 0.5); IDF1 is their
share. A switch, as in CLEAR MOT (Bernardin, Stiefelhagen, 2008), is a true track whose boxes go on under
another id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import linear_sum_assignment

from faceapp.live import Track
from faceapp.models.boxes import overlaps
from faceapp.types import Floats

AGREE = 0.5
# A box that lies on a face which the truth leaves out counts neither way.
ON_IGNORED = 0.3

Boxes = dict[int, Floats]
"""Frame number to box (4,)."""


@dataclass(frozen=True)
class Truth:
    """People of each shot: ids end at cuts. ignored: boxes that are false or doubtful."""

    frames: int
    cuts: tuple[int, ...]
    people: dict[tuple[int, int], Boxes]
    ignored: tuple[Boxes, ...]


@dataclass(frozen=True)
class Agreement:
    """pairs: of each true track, the ids that cover it with how many boxes."""

    idf1: float
    precision: float
    recall: float
    switches: int
    pairs: dict[tuple[int, int], dict[int, int]]


def read(file: Path) -> Truth:
    """The `verified` tracks of a clip; of one person in one shot they are one."""
    content = json.loads(file.read_text("utf-8"))
    cuts = tuple(content["cuts"])
    people: dict[tuple[int, int], Boxes] = {}
    ignored: list[Boxes] = []
    for track in content["tracks"]:
        boxes = {entry["frame"]: _corners(entry["box"]) for entry in track["boxes"]}
        if track["status"] == "verified":
            shot = sum(track["first"] >= cut for cut in cuts)
            people.setdefault((track["person"], shot), {}).update(boxes)
        else:
            ignored.append(boxes)
    return Truth(content["frames"], cuts, people, tuple(ignored))


def compare(truth: Truth, tracks: Sequence[Track]) -> Agreement:
    seen = {track.id: _counted(truth, {int(row[0]): row[1:] for row in track.boxes}) for track in tracks}
    keys, ids = list(truth.people), list(seen)
    shared = np.zeros((len(keys), len(ids)), np.int64)
    for row, key in enumerate(keys):
        for column, number in enumerate(ids):
            shared[row, column] = _agreeing(truth.people[key], seen[number])
    paired = int(shared[linear_sum_assignment(-shared)].sum())
    true = sum(len(boxes) for boxes in truth.people.values())
    found = sum(len(boxes) for boxes in seen.values())
    pairs = {
        key: {ids[column]: int(shared[row, column]) for column in np.flatnonzero(shared[row])}
        for row, key in enumerate(keys)
    }
    return Agreement(
        2 * paired / max(1, true + found), paired / max(1, found), paired / max(1, true),
        _switches(truth, seen), pairs,
    )  # fmt: skip


def _corners(box: Sequence[float]) -> Floats:
    x, y, width, height = box
    return np.array([x, y, x + width, y + height], np.float32)


def _overlap(one: Floats, other: Floats) -> float:
    return float(overlaps(one[None], other[None])[0, 0])


def _agreeing(true: Boxes, seen: Boxes) -> int:
    return sum(frame in seen and _overlap(box, seen[frame]) >= AGREE for frame, box in true.items())


def _counted(truth: Truth, boxes: Boxes) -> Boxes:
    """Without the boxes on faces that the truth leaves out."""

    def left_out(frame: int, box: Floats) -> bool:
        if any(frame in true and _overlap(box, true[frame]) >= AGREE for true in truth.people.values()):
            return False
        return any(frame in other and _overlap(box, other[frame]) >= ON_IGNORED for other in truth.ignored)

    return {frame: box for frame, box in boxes.items() if not left_out(frame, box)}


def _switches(truth: Truth, seen: dict[int, Boxes]) -> int:
    count = 0
    last: dict[tuple[int, int], int] = {}
    for frame in range(truth.frames):
        keys = [key for key, boxes in truth.people.items() if frame in boxes]
        ids = [number for number, boxes in seen.items() if frame in boxes]
        if not keys or not ids:
            continue
        true = np.stack([truth.people[key][frame] for key in keys])
        shared = overlaps(true, np.stack([seen[number][frame] for number in ids]))
        # Who was covered by an id before stays with it while that agrees.
        stays = np.array([[last.get(key) == number for number in ids] for key in keys])
        rows, columns = linear_sum_assignment(np.where(shared >= AGREE, -shared - stays, 0.0))
        for row, column in zip(rows, columns, strict=True):
            if shared[row, column] >= AGREE:
                count += keys[row] in last and last[keys[row]] != ids[column]
                last[keys[row]] = ids[column]
    return count
