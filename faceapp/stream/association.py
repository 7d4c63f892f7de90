"""Which detection belongs to which track.

The two stages of ByteTrack (Zhang and others, "ByteTrack: Multi-object tracking by associating every
detection box", 2022): good detections are dealt out first, doubtful ones may only carry on a track that is
left. Each stage is an assignment problem on the overlap of the boxes.
"""

from __future__ import annotations

import numpy as np

from faceapp.models.boxes import overlaps
from faceapp.stream.track import GOOD_SCORE
from faceapp.types import Floats, Ints

# From this score on a detection starts a track where there is none.
START_SCORE = 0.75
LEAST_OVERLAP, LEAST_DOUBTFUL_OVERLAP = 0.2, 0.4


def associate(tracks: Floats, boxes: Floats, scores: Floats) -> list[tuple[int, int]]:
    """(track, detection) pairs for tracks (T, 4) and detections (D, 4) with scores (D,)."""
    good = np.flatnonzero(scores >= GOOD_SCORE)
    doubtful = np.flatnonzero(scores < GOOD_SCORE)
    everything = np.arange(len(tracks))
    pairs = _stage(tracks, boxes, everything, good, LEAST_OVERLAP)
    left = np.setdiff1d(everything, [track for track, _ in pairs])
    return pairs + _stage(tracks, boxes, left, doubtful, LEAST_DOUBTFUL_OVERLAP)


def _stage(
    tracks: Floats,
    boxes: Floats,
    rows: Ints,
    columns: Ints,
    least: float,
) -> list[tuple[int, int]]:
    if not len(rows) or not len(columns):
        return []
    from scipy.optimize import linear_sum_assignment

    shared = overlaps(tracks[rows], boxes[columns])
    # A pair below the limit must not push a good one aside.
    chosen = linear_sum_assignment(np.where(shared >= least, -shared, 0.0))
    return [
        (int(rows[row]), int(columns[column]))
        for row, column in zip(*chosen, strict=True)
        if shared[row, column] >= least
    ]
