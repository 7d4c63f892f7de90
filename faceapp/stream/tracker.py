"""Faces followed through the frames of one source: detected now and then, followed in between.

The detector runs on every k-th frame, and at once after a cut and when a face was lost from sight; a new face
is confirmed in the next frame. Who a face is does not matter here; `watcher` asks `adopt` to take up a lost
track.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from faceapp.live import Frame
from faceapp.models.base import Detector
from faceapp.models.boxes import overlaps
from faceapp.stream.association import LEAST_OVERLAP, START_SCORE, associate
from faceapp.stream.motion import DOUBTFUL_CHANGE, Motion
from faceapp.stream.track import LiveTrack
from faceapp.types import Detections, Floats

ORIGIN = np.zeros(2, np.float32)

# Detections that a track may be missed by while it can be followed: a face that turns away is seen longer
# by its flow than by the detector.
MISSES = 3
# A lost track is looked for by place alone for that many frames, and by its face for that many seconds.
NEAR_FRAMES = 8
FLICKER = 2
KEPT_SECONDS = 30.0
KEPT_LOST = 64
# Two tracks that overlap so much follow one face.
SAME_FACE = 0.6
# From there on two faces may be taken for each other.
MEETING = 0.1
SMALLEST = 16
# Faces of this share of the smallest that is recognised are followed already. They are looked for in each
# n-th detection alone, and where nothing is known of the picture: they cost as much as all larger ones.
FOLLOWED_SHARE = 0.5
SMALL_EVERY = 3
# A detector's limit is not sharp: below this multiple of it a face that was missed is not held against it.
UNSURE_SIZE = 1.25
# A track whose mean score falls below this is no face.
LEAST_BELIEF = 0.55
# Of a frame whose face was lost from sight: no sooner after the last detection than this.
SOONEST = 2
# A face with a lower score than this is looked at twice: with that margin around it, in sides of the face,
# and for faces of at least that share of its size.
CERTAIN_SCORE = 0.7
SECOND_LOOK = 0.9
LEAST_SHARE = 0.6


@dataclass(frozen=True, eq=False)
class Seen:
    """One detection: box (4,), landmarks (5, 2) or None."""

    box: Floats
    score: float
    landmarks: Floats | None

    @staticmethod
    def of(found: Detections, index: int, corner: Floats = ORIGIN) -> Seen:
        """corner: where the searched part lies in the frame."""
        points = None if found.landmarks is None else found.landmarks[index] + corner
        return Seen(found.boxes[index] + np.tile(corner, 2), float(found.scores[index]), points)


class Tracker:
    """Tracks of one source. `step` takes the frames in order."""

    def __init__(self, detector: Detector, min_face: int) -> None:
        self._detector = detector
        self.look_for(min_face)
        self._motion = Motion()
        self._last_detection = -(10**9)
        self._steps = 0
        self._next_id = 1
        self.tracks: list[LiveTrack] = []
        self.lost: list[LiveTrack] = []
        self.ended: list[LiveTrack] = []
        self.cut = False
        # The last detection found the faces that were followed, and no others.
        self.calm = False
        self.detections = 0
        self.stages: dict[str, float] = {}

    def look_for(self, min_face: int) -> None:
        """Faces of that size, and smaller ones now and then."""
        self._min_face = max(SMALLEST, min_face)
        self._smallest = max(SMALLEST, round(min_face * FOLLOWED_SHARE))

    def step(self, frame: Frame, every: int) -> bool:
        """Bring every track to this frame; True when the detector ran.

        `ended` then holds the tracks that ended with it, to be taken by the caller.
        """
        self._steps += 1
        start = time.perf_counter()
        self.cut = self._motion.step(frame.image)
        if self.cut:
            self.end_all()
        else:
            self._follow()
        middle = time.perf_counter()
        self.stages = {"follow": middle - start}
        self._look_for_new(frame)
        due = self._due(every)
        if due:
            smallest = self._size_to_find()
            found = self._detector.detect(frame.image, smallest, doubtful=True)
            self._last_detection = self._steps
            self.detections += 1
            self._match(found, frame, smallest)
            self.stages["detect"] = time.perf_counter() - middle
        self._drop(frame)
        for track in self.tracks:
            if track.seen:
                track.note(frame)
        return due

    def confirm(self, track: LiveTrack) -> None:
        """Give a track its number."""
        track.id = self._next_id
        self._next_id += 1

    def missing(self) -> list[LiveTrack]:
        """Tracks whose face may be somewhere else by now: those that were lost, and those that the detector
        has missed while something else was followed in their place."""
        return self.lost + [track for track in self.tracks if track.id and track.misses]

    def adopt(self, track: LiveTrack, missing: LiveTrack) -> None:
        """`track` is the face that was followed as `missing`."""
        if missing in self.tracks:
            self.tracks.remove(missing)
            missing.trim()
        else:
            self.lost.remove(missing)
        track.take_over(missing)

    def find_missing(self, track: LiveTrack, farthest: float) -> LiveTrack | None:
        """The missing track that has the face of this one: the nearest by its embedded faces, if it is within
        `farthest`, and was never in one frame with it."""
        template = track.template
        if template is None:
            return None
        others = [
            (1.0 - float(known @ template), other)
            for other in self.missing()
            if other is not track and (known := other.template) is not None and not track.was_with(other)
        ]
        distance, best = min(others, key=lambda pair: pair[0], default=(2.0, None))
        return best if distance <= farthest else None

    def end_all(self) -> None:
        """Every track ends here: a cut, a jump in the file, or the end of the source."""
        self.ended += [track for track in self.tracks + self.lost if track.id]
        self.tracks, self.lost = [], []

    def _follow(self) -> None:
        if not self.tracks:
            return
        moves = self._motion.follow(np.stack([track.box for track in self.tracks]))
        if self._motion.change > DOUBTFUL_CHANGE and not any(moves):
            self.cut = True
            self.end_all()
            return
        for track, move in zip(self.tracks, moves, strict=True):
            # A flicker may break the flow: it is tried again at the place where the face should be.
            track.follow(move if track.unseen <= FLICKER else None)

    def _due(self, every: int) -> bool:
        since = self._steps - self._last_detection
        if self.cut or since >= every:
            return True
        slipped = any(track.id and not track.seen and not track.misses for track in self.tracks)
        return slipped and since >= SOONEST

    def _look_for_new(self, frame: Frame) -> None:
        """A face that was found once is looked for again in the next frame, where it must be."""
        for track in self.tracks:
            if track.id:
                continue
            seen = self._look_again(track, frame) if track.seen else None
            if seen is None:
                track.missed()
            else:
                track.found(seen.box, seen.score, seen.landmarks, frame.number)

    def _size_to_find(self) -> int:
        if self.cut or self.detections % SMALL_EVERY == 0:
            return self._smallest
        return self._min_face

    def _match(self, found: Detections, frame: Frame, smallest: int) -> None:
        boxes = np.array([track.box for track in self.tracks], np.float32).reshape(-1, 4)
        pairs = dict(associate(boxes, found.boxes, found.scores))
        sightings = {index: Seen.of(found, detection) for index, detection in pairs.items()}
        # Those that are certain first: a doubtful track must not take their faces.
        scores = [sightings[index].score if index in sightings else 0.0 for index in range(len(boxes))]
        for index in sorted(range(len(boxes)), key=lambda index: -scores[index]):
            track, seen = self.tracks[index], sightings.get(index)
            if track.seen and (seen is None or seen.score < CERTAIN_SCORE):
                again = self._look_again(track, frame)
                seen = again if seen is None or (again is not None and again.score > seen.score) else seen
            if seen is not None:
                track.found(seen.box, seen.score, seen.landmarks, frame.number)
            elif smallest == self._smallest or track.size >= smallest * UNSURE_SIZE:
                track.missed()
        before = len(self.tracks)
        self._start(found, set(pairs.values()), frame)
        self.calm = len(self.tracks) == before and not any(track.misses for track in self.tracks)

    def _look_again(self, track: LiveTrack, frame: Frame) -> Seen | None:
        """Search for a face where it must be, in a small part of the frame: one that is half hidden or turned
        away is found with some luck, and this is another chance for little time."""
        height, width = frame.image.shape[:2]
        margin = SECOND_LOOK * track.size
        left, top = np.maximum(track.box[:2] - margin, 0).astype(int)
        right, bottom = np.minimum(track.box[2:] + margin, (width, height)).astype(int)
        part = frame.image[top:bottom, left:right]
        if min(part.shape[:2]) < SMALLEST:
            return None
        smallest = max(SMALLEST, round(track.size * LEAST_SHARE))
        found = self._detector.detect(np.ascontiguousarray(part), smallest, doubtful=True)
        corner = np.array([left, top], np.float32)
        pairs = associate(track.box[None], found.boxes + np.tile(corner, 2), found.scores)
        if not pairs:
            return None
        seen = Seen.of(found, pairs[0][1], corner)
        others = [other.box for other in self.tracks if other is not track and other.detected]
        if others and float(overlaps(seen.box[None], np.stack(others)).max()) > LEAST_OVERLAP:
            return None  # the face of somebody else, who stands in front
        return seen

    def _start(self, found: Detections, taken: set[int], frame: Frame) -> None:
        """New tracks for good detections that belong to none and do not cover one that was found."""
        held = [track.box for track in self.tracks if track.detected]
        for index, (box, score) in enumerate(zip(found.boxes, found.scores, strict=True)):
            if index in taken or score < START_SCORE:
                continue
            if held and float(overlaps(box[None], np.stack(held)).max()) > SAME_FACE:
                continue
            points = None if found.landmarks is None else found.landmarks[index]
            self.tracks.append(LiveTrack.start(box, float(score), points, frame))

    def _drop(self, frame: Frame) -> None:
        """Sort out what is no longer followed."""
        height, width = frame.image.shape[:2]
        kept: list[LiveTrack] = []
        for track in self.tracks:
            x, y = track.place.centre
            gone = not (0 <= x < width and 0 <= y < height)
            unseen = not track.seen and (track.misses >= 2 or track.unseen > NEAR_FRAMES)
            doubted = track.misses > MISSES or track.belief < LEAST_BELIEF
            if not track.id and track.misses:
                continue  # one detection alone, never confirmed
            if gone or doubted or unseen or self._doubled(track):
                self._lose(track)
            else:
                kept.append(track)
        self.tracks = kept
        old = [track for track in self.lost if frame.seconds - track.last_seconds > KEPT_SECONDS]
        for track in old + self.lost[: max(0, len(self.lost) - len(old) - KEPT_LOST)]:
            if track in self.lost:
                self.lost.remove(track)
                self.ended.append(track)

    def _doubled(self, track: LiveTrack) -> bool:
        """Another track was found where this one was only carried on."""
        if track.detected or not track.misses:
            return False
        others = [other.box for other in self.tracks if other is not track and other.detected]
        return bool(others) and float(overlaps(track.box[None], np.stack(others)).max()) > SAME_FACE

    def _lose(self, track: LiveTrack) -> None:
        if not track.id:
            return
        track.seen = False
        track.trim()
        track.filter.stand_still()
        self.lost.append(track)


def meeting(tracks: Sequence[LiveTrack]) -> set[int]:
    """Positions of the tracks whose boxes overlap another's."""
    if len(tracks) < 2:
        return set()
    boxes = np.stack([track.box for track in tracks])
    shared = overlaps(boxes, boxes)
    np.fill_diagonal(shared, 0)
    return {int(index) for index in np.flatnonzero(shared.max(1) > MEETING)}


def touching(one: LiveTrack, other: LiveTrack) -> bool:
    """Whether these two boxes overlap."""
    return float(overlaps(one.box[None], other.box[None])[0, 0]) > MEETING
