"""The life of a frame: tracks brought up to date, the faces that need it embedded, tracks decided.

A track is embedded only until it is decided: every few frames the best of its faces, judged by sharpness
and pose, until there are N. What costs is done for all tracks of a frame together.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from faceapp.errors import StoreUnavailable
from faceapp.live import Decision, Frame, FrameResult, LiveSettings, Track, TrackedFace, TrackState, Vote
from faceapp.models.base import Detector, Embedder
from faceapp.pipeline.crops import jpeg_crop
from faceapp.stream import identity
from faceapp.stream.book import Book
from faceapp.stream.cadence import Cadence
from faceapp.stream.fitness import fitness
from faceapp.stream.identity import Search, VisitorFor
from faceapp.stream.liveness import Ask, LivenessCheck, liveness
from faceapp.stream.track import Candidate, LiveTrack, Sample
from faceapp.stream.tracker import Tracker, meeting, touching
from faceapp.types import Box, Detections, Image, Person

# Frames from one look for a fit face to the next, and from one embedded face of a track to the next.
LOOK_EVERY, EMBED_EVERY = 2, 4
# Below it a face is embedded only after a long wait for a better one.
FIT = 0.25
PATIENCE = 12
# A track that ends with fewer faces than a decision takes is decided with those it has.
FEWEST_FACES = 2
# How near a new face must be to a lost track to be the same one: faces of one shot are alike.
SAME_TRACK_SHARE = 0.8
# How much more like another track than like itself a face must be to have changed places with it.
CHANGED_MARGIN = 0.03
CROP_MARGIN, CROP_SIZE = 0.35, 192
# A face is judged live or not where the detector is that certain: not half hidden, not turned away.
CLEAR_SCORE = 0.9
# Tracks that have ended are kept for the report in files, and for a while in cameras.
KEPT_ENDED = 500
# Boxes of a camera's track that are remembered; its first and last time are kept anyway.
KEPT_ROWS = 1500

# Frames until a decision is tried again that failed because the library could not be read.
STALLED_FRAMES = 50

# The person that a visitor was named, or None.
VisitorPerson = Callable[[int], "Person | None"]


@dataclass
class Stats:
    """What was done so far. embedded: faces for decisions. embedded_after_decision: of tracks that were
    decided already, stays 0. checked: faces of tracks that met and had to be told apart."""

    frames: int = 0
    detections: int = 0
    embedded: int = 0
    embedded_after_decision: int = 0
    checked: int = 0
    cuts: int = 0
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Why:
    """Why a track has its name. crops: JPEG bytes of its best faces, best first, with their frames."""

    track_id: int
    decision: Decision | None
    votes: tuple[Vote, ...]
    crops: tuple[bytes, ...]
    frames: tuple[int, ...]
    reason: str


class Watcher:
    """Turns frames into results. Used by one thread; `why` and `say` too."""

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        search: Search,
        threshold: Callable[[], float],
        settings: LiveSettings,
        visitor_for: VisitorFor | None = None,
        visitor_person: VisitorPerson | None = None,
        antispoof: Ask | None = None,
        book: Book | None = None,
        live: bool = False,
    ) -> None:
        """threshold: the distance up to which two faces are one person. book: where the tracks are written
        down. live: a camera, whose frames must not be waited for."""
        self._tracker = Tracker(detector, settings.min_face)
        self._embedder = embedder
        self._search = search
        self._threshold = threshold
        self._settings = settings
        self._visitor_for = visitor_for
        self._visitor_person = visitor_person
        self._liveness = LivenessCheck(antispoof) if antispoof is not None else None
        self._book = book
        self._live = live
        self._cadence = Cadence(settings.detect_every, live)
        self._finished: list[LiveTrack] = []
        self._problem = ""
        self._stalled_until = 0
        # Ended while the library could not be read.
        self._undecided: list[LiveTrack] = []
        self.stats = Stats()

    @property
    def settings(self) -> LiveSettings:
        return self._settings

    @property
    def problem(self) -> str:
        """What does not work though the frames come; "" while all is well."""
        return self._problem or (self._book.problem if self._book is not None else "")

    def change(self, settings: LiveSettings) -> None:
        """Go on with other settings from the next frame on; the tracks stay.

        What is decided stays decided, but where the way to decide has changed: then the tracks that are
        followed are decided anew from the faces that they have, if the user has not said who they are.
        """
        before, self._settings = self._settings, settings
        self._tracker.look_for(settings.min_face)
        if settings.detect_every != before.detect_every:
            self._cadence.want(settings.detect_every)
        if (settings.method, settings.one_person_once) != (before.method, before.one_person_once):
            self._decide_anew()

    def watch(self, frame: Frame, dropped: int = 0) -> FrameResult:
        """Everything that is known of the next frame."""
        detected = self._tracker.step(frame, self._cadence.every)
        stages = dict(self._tracker.stages)
        start = time.perf_counter()
        self._retire()
        self._confirm(frame)
        self._tell_apart(frame)
        self._look(frame, detected)
        self._embed_candidates(frame)
        middle = time.perf_counter()
        self._take_up()
        self._decide([track for track in self._tracker.tracks if self._is_ripe(track)])
        stages |= {"embed": middle - start, "decide": time.perf_counter() - middle}
        self._judge(frame, stages)
        if self._book is not None:
            self._book.seen([track for track in self._tracker.tracks if track.seen])
        self._count(stages, detected)
        self._cadence.adapt(frame.seconds, stages.get("detect"), self._tracker.calm)
        faces = tuple(self._shown(track) for track in self._tracker.tracks if track.id)
        return FrameResult(frame, faces, dropped, stages)

    def finish(self) -> tuple[Track, ...]:
        """The source has ended: decide what can be, and come back with every track."""
        self._tracker.end_all()
        self._stalled_until = 0
        self._retire()
        self.close()
        return self.tracks()

    def close(self) -> None:
        """Have what is known written down; nothing more is watched. `finish` does it too."""
        if self._book is not None:
            self._book.close()

    def jump(self) -> None:
        """The next frame does not go on from the last: every track ends."""
        self._tracker.end_all()
        self._retire()

    def tracks(self) -> tuple[Track, ...]:
        """Every track so far, by number."""
        return tuple(
            Track(
                track.id, np.array(track.rows, np.float32).reshape(-1, 5), track.decision, liveness(track)
            )
            for track in sorted(self._all(), key=lambda track: track.id)
            if track.rows
        )

    def why(self, track_id: int) -> Why | None:
        """Why a track has its name; None for a track that is not remembered."""
        track = self.track(track_id)
        if track is None:
            return None
        best = sorted(track.samples, key=lambda sample: -sample.fitness)[:6]
        votes: tuple[Vote, ...] = ()
        reason = f"{len(track.samples)} of {self._settings.decide_after} faces so far."
        if track.decision is not None:
            votes, reason = track.decision.votes, track.decision.reason
        elif track.samples:
            votes = self._weigh(track).votes
        return Why(
            track_id,
            track.decision,
            votes,
            tuple(sample.crop for sample in best),
            tuple(sample.frame for sample in best),
            reason,
        )

    def track(self, track_id: int) -> LiveTrack | None:
        return next((track for track in self._all() if track.id == track_id), None)

    def say(self, track_id: int, person: Person | None) -> bool:
        """The user says who a track is; None for nobody. False when the track is gone."""
        track = self.track(track_id)
        if track is None:
            return False
        template = track.decision or Decision(None, None, None, (), len(track.samples), self._settings.method)
        track.decision, track.said = identity.renamed(template, person), True
        if self._book is not None:
            self._book.decided(track)
        return True

    # -- the steps of one frame -----------------------------------------------------------------------

    def _retire(self) -> None:
        """Decide and hand over the tracks that have ended."""
        ended, self._tracker.ended = self._tracker.ended, []
        if not ended and not self._undecided:
            return
        self._embed([track for track in ended if track.decision is None and track.candidate is not None])
        enough = [
            track for track in ended if track.decision is None and len(track.samples) >= self._fewest()
        ]
        ripe = self._undecided + enough
        self._decide(ripe)
        self._undecided = [track for track in ripe if track.decision is None]
        if self._tracker.cut:
            self.stats.cuts += 1
        for track in ended:
            if self._book is not None:
                self._book.ended(track)
        self._finished += ended
        if self._live:
            for track in ended:
                del track.rows[:-KEPT_ROWS]
            del self._finished[: max(0, len(self._finished) - KEPT_ENDED)]

    def _confirm(self, frame: Frame) -> None:
        """Number the tracks that were found twice; first see whether their faces are missing elsewhere."""
        for track in list(self._tracker.tracks):
            if track.id or track.hits < 2:
                continue
            missing = self._known(track, frame)
            if missing is not None:
                self._tracker.adopt(track, missing)
            else:
                self._tracker.confirm(track)

    def _known(self, track: LiveTrack, frame: Frame) -> LiveTrack | None:
        """The missing track that has this new face, which is embedded for it."""
        if not any(other.samples for other in self._tracker.missing()):
            return None
        if track.size < self._settings.min_face or track.landmarks is None:
            return None
        self._note_candidate(track, frame)
        self._embed([track])
        return self._tracker.find_missing(track, self._same_track())

    def _same_track(self) -> float:
        return SAME_TRACK_SHARE * self._threshold()

    def _take_up(self) -> None:
        """Before a track is decided: with all its faces it may turn out to be one that was lost, which its
        first face, half hidden perhaps, did not show."""
        for track in [track for track in self._tracker.tracks if self._is_ripe(track)]:
            missing = self._tracker.find_missing(track, self._same_track())
            if missing is not None:
                self._tracker.adopt(track, missing)

    def _tell_apart(self, frame: Frame) -> None:
        """After two tracks were over each other, look once whether they have changed places.

        This is the one case in which a decided track is embedded again; `Stats.checked` counts it.
        """
        tracks = self._tracker.tracks
        over = meeting(tracks)
        for index in over:
            track = tracks[index]
            track.met = frame.number if track.met is None else track.met
            track.partners += [
                tracks[other]
                for other in over
                if other != index and tracks[other] not in track.partners and touching(track, tracks[other])
            ]
        for index, track in enumerate(tracks):
            if track.met is not None and index not in over and self._can_be_checked(track):
                self._check_places(track, frame)

    def _can_be_checked(self, track: LiveTrack) -> bool:
        return (
            track.id > 0
            and track.detected
            and track.landmarks is not None
            and track.size >= self._settings.min_face
        )

    def _check_places(self, track: LiveTrack, frame: Frame) -> None:
        since, partners = track.met, track.partners
        assert since is not None and track.landmarks is not None
        track.met, track.partners = None, []
        own = track.template
        others = [other for other in partners if other.id and other.template is not None]
        if own is None or not others:
            return
        self.stats.checked += 1
        vector = self._embedder.embed_chips(self._chips([_candidate(track, frame)]), mirror=False)[0]
        distances = [1.0 - float(np.asarray(other.template) @ vector) for other in others]
        nearest = int(np.argmin(distances))
        if distances[nearest] + CHANGED_MARGIN < 1.0 - float(own @ vector):
            other = others[nearest]
            track.change_places(other, since)
            other.met, other.partners = None, []

    def _look(self, frame: Frame, detected: bool) -> None:
        """Keep the best face of every track that still needs some."""
        met = meeting(self._tracker.tracks)
        for index, track in enumerate(self._tracker.tracks):
            if not self._needs_faces(track) or not track.seen or index in met or track.landmarks is None:
                continue
            if track.size < self._settings.min_face:
                continue
            if track.detected or frame.number - track.looked >= LOOK_EVERY:
                self._note_candidate(track, frame)

    def _needs_faces(self, track: LiveTrack) -> bool:
        return bool(track.id) and track.decision is None and len(track.samples) < self._settings.decide_after

    def _note_candidate(self, track: LiveTrack, frame: Frame) -> None:
        track.looked = frame.number
        assert track.landmarks is not None
        box = track.box
        fit = fitness(frame.image, box, track.landmarks, track.score)
        if track.candidate is not None and fit <= track.candidate.fitness:
            return
        track.candidate = _candidate(track, frame, fit)

    def _chips(self, candidates: Sequence[Candidate]) -> Image:
        """(N, size, size, 3) their aligned faces."""
        return np.stack(
            [
                self._embedder.chips(
                    one.part,
                    Detections(one.box[None], np.array([one.score], np.float32), one.landmarks[None]),
                )[0]
                for one in candidates
            ]
        )

    def _embed_candidates(self, frame: Frame) -> None:
        ready = []
        for track in self._tracker.tracks:
            candidate = track.candidate
            if candidate is None or not self._needs_faces(track):
                continue
            since = frame.number - max(track.embedded, track.frame if track.embedded < 0 else -1)
            if since >= (EMBED_EVERY if candidate.fitness >= FIT else PATIENCE):
                ready.append(track)
        self._embed(ready)

    def _embed(self, tracks: Sequence[LiveTrack]) -> None:
        """Embed the waiting face of each of these tracks, all in one batch."""
        waiting = [(track, track.candidate) for track in tracks if track.candidate is not None]
        if not waiting:
            return
        chips = self._chips([candidate for _, candidate in waiting])
        vectors = self._embedder.embed_chips(chips, mirror=False)
        self.stats.embedded += len(waiting)
        for (track, candidate), vector in zip(waiting, vectors, strict=True):
            self.stats.embedded_after_decision += track.decision is not None
            height, width = candidate.part.shape[:2]
            whole = Box(0, 0, float(width), float(height))
            crop = jpeg_crop(candidate.part, whole, 0.0, CROP_SIZE)
            track.samples.append(
                Sample(vector, candidate.fitness, candidate.frame, candidate.seconds, crop)
            )
            track.embedded, track.candidate = candidate.frame, None

    def _is_ripe(self, track: LiveTrack) -> bool:
        return track.decision is None and len(track.samples) >= self._settings.decide_after

    def _fewest(self) -> int:
        return min(FEWEST_FACES, self._settings.decide_after)

    def _decide(self, ripe: Sequence[LiveTrack]) -> None:
        """Decide these tracks, together with those in view that have a name."""
        if not ripe or self.stats.frames < self._stalled_until:
            return
        try:
            pending = [self._weigh(track) for track in ripe]
        except StoreUnavailable as error:
            # Watching goes on, and the faces are kept: they are decided when the library can be read.
            self._problem = f"{error.sentence} Nobody can be recognised just now."
            self._stalled_until = self.stats.frames + STALLED_FRAMES
            return
        self._problem = ""
        holders = [track for track in self._together(ripe) if track.decision and track.decision.person]
        held = [
            (track.decision.person, track.decision.distance or 0.0)
            for track in holders
            if track.decision is not None and track.decision.person is not None
        ]
        claims, losers = identity.settle(pending, held, self._settings.one_person_once)
        for track, evidence, claim in zip(ripe, pending, claims, strict=True):
            visitor = self._visitor(track) if claim is None else None
            track.decision = self._with_name(identity.decision(evidence, claim, visitor))
        for track in [*ripe, *(holders[index] for index in losers)]:
            if track not in ripe:
                self._lose_name(track)
            if self._book is not None:
                self._book.decided(track)

    def _decide_anew(self) -> None:
        tracks = [
            track
            for track in self._tracker.tracks + self._tracker.lost
            if track.decision is not None and track.samples and not track.said
        ]
        for track in tracks:
            track.decision = None
            track.excluded.clear()
        self._decide(tracks)

    def _judge(self, frame: Frame, stages: dict[str, float]) -> None:
        """Look whether a face is live, where that is wanted."""
        if self._liveness is None or not self._settings.liveness:
            return
        start = time.perf_counter()
        over = meeting(self._tracker.tracks)
        fit = [
            track
            for index, track in enumerate(self._tracker.tracks)
            if track.id and track.seen and index not in over and track.score >= CLEAR_SCORE
            and track.size >= self._settings.min_face
        ]
        self._liveness.look(fit, frame)
        stages["liveness"] = time.perf_counter() - start

    def _weigh(self, track: LiveTrack) -> identity.Evidence:
        return identity.weigh(track, self._settings.method, self._search, self._threshold())

    def _together(self, ripe: Sequence[LiveTrack]) -> list[LiveTrack]:
        """The decided tracks that were in a frame with one of these: nobody is twice in a frame."""
        first = min(track.rows[0][0] for track in ripe)
        last = max(track.last_frame for track in ripe)
        return [
            track
            for track in self._all()
            if track not in ripe and track.rows and track.rows[0][0] <= last and track.last_frame >= first
            and any(track.was_with(other) for other in ripe)
        ]

    def _with_name(self, made: Decision) -> Decision:
        """A visitor who was named since has that name, though no photo of them may be enrolled."""
        if made.visitor is None or self._visitor_person is None:
            return made
        person = self._visitor_person(made.visitor)
        if person is None:
            return made
        return replace(made, person=person, reason=f"Visitor {made.visitor}, whom you named {person.name}.")

    def _lose_name(self, track: LiveTrack) -> None:
        """Another face in the picture fits the name much better."""
        assert track.decision is not None and track.decision.person is not None
        person = track.decision.person
        track.excluded.add(person.id)
        track.decision = replace(
            track.decision,
            person=None,
            visitor=self._visitor(track),
            reason=f"Another face in this picture is more like {person.name}.",
        )

    def _visitor(self, track: LiveTrack) -> int | None:
        template = track.template
        if self._visitor_for is None or template is None:
            return None
        return self._visitor_for(template)

    # -- what is shown, counted, kept -------------------------------------------------------------------

    def _shown(self, track: LiveTrack) -> TrackedFace:
        if not track.seen:
            state = TrackState.LOST
        elif track.decision is not None:
            state = TrackState.DECIDED
        elif track.size < self._settings.min_face and not track.samples:
            state = TrackState.SMALL
        else:
            state = TrackState.DECIDING
        return TrackedFace(
            track.id,
            track.place,
            state,
            track.landmarks if track.seen else None,
            track.decision,
            len(track.samples),
            self._settings.decide_after,
            liveness(track),
        )

    def _count(self, stages: dict[str, float], detected: bool) -> None:
        self.stats.frames += 1
        self.stats.detections += detected
        for name, seconds in stages.items():
            self.stats.stages[name] = self.stats.stages.get(name, 0.0) + seconds

    def _all(self) -> list[LiveTrack]:
        return [
            track for track in self._finished + self._tracker.lost + self._tracker.tracks if track.id
        ]


def _candidate(track: LiveTrack, frame: Frame, fit: float = 0.0) -> Candidate:
    """The face of a track as it is in this frame, with the part of the frame around it."""
    assert track.landmarks is not None
    box, (height, width) = track.box, frame.image.shape[:2]
    margin = CROP_MARGIN * float(max(box[2] - box[0], box[3] - box[1]))
    left, top = max(0, int(box[0] - margin)), max(0, int(box[1] - margin))
    right, bottom = min(width, math.ceil(box[2] + margin)), min(height, math.ceil(box[3] + margin))
    corner = np.array([left, top], np.float32)
    return Candidate(
        frame.image[top:bottom, left:right].copy(),
        np.asarray(box - np.tile(corner, 2), np.float32),
        np.asarray(track.landmarks - corner, np.float32),
        track.score, fit, frame.number, frame.seconds,
    )  # fmt: skip
