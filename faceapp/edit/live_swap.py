"""Faces swapped in a live picture, as quickly as the machine goes: what a session paints with.

It stands behind the tracker: boxes come with every frame, points are placed in them, held still by the flow
(`smooth.PointFilter`), colours follow the light slowly. Each person gets a source once, when they are first
seen clearly, and keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from faceapp.edit.cast import CastChoices, cast, turned_apart
from faceapp.edit.colour import ColourMap
from faceapp.edit.faces import LANDMARKER, EditFace
from faceapp.edit.frames import COMMENT
from faceapp.edit.neural import NeuralSwapper
from faceapp.edit.points import upright
from faceapp.edit.provenance import stamp_frame
from faceapp.edit.sight import TAKEN_AGAIN, astray, doubt, lean_of, locate, next_box, sight_box
from faceapp.edit.smooth import Doubles, PointFilter, Shade, follow
from faceapp.edit.swap import Source, SwapSettings, match_colours, swap_faces, swappable
from faceapp.live import Frame, TrackedFace, TrackState
from faceapp.models.base import Embedder, Landmarker
from faceapp.models.registry import Models
from faceapp.pipeline.analysis import Analyser
from faceapp.pipeline.quality import measure
from faceapp.types import Box, Detections, Face, Floats, Image

# Smaller faces are left as they are.
SMALLEST = 24.0
# The colours are measured on every n-th painted frame of a face, and go so far towards what they measure.
COLOURS_EVERY, COLOUR_SHARE = 6, 0.25
# A track that was not seen for so many seconds is forgotten: it may be somebody else's number by then.
FORGOTTEN = 5.0
# So many faces of a frame get new points; with more of them they take turns, and follow the flow in between.
PLACED = 3
# Threads on which the faces of a frame are worked at.
WORKERS = 2
# Frames further apart than that are not followed from one to the next.
FAR_APART = 0.5

# Why a face must not be swapped; "" when it may be.
Refuse = Callable[[Face], str]


@dataclass(eq=False)
class _Actor:
    """What is remembered of one track. source: position, or None: left alone. relation: dlib's box in shares
    of the track's box. colours: for `coloured`, how its colours come to the face's. facing:
    it is turned nearly as its source."""

    points: PointFilter = field(default_factory=PointFilter)
    box: Floats | None = None
    relation: Floats | None = None
    embedding: Floats | None = None
    source: int | None = None
    refused: str = ""
    colours: ColourMap | None = None
    coloured: Source | None = None
    painted: int = 0
    believed: bool = True
    facing: bool = True
    seen: float = 0.0


class LiveSwap:
    """Paints sources onto the faces of one session. Used by the session's thread; `choose` by any."""

    comment = COMMENT

    def __init__(
        self,
        sources: Sequence[Source],
        settings: SwapSettings,
        analyser: Analyser,
        models: Models,
        refuse: Refuse | None = None,
        everyone: bool = True,
        visible_mark: bool = False,
        neural: NeuralSwapper | None = None,
        max_turn: float = CastChoices.max_turn,
    ) -> None:
        """refuse: asked once for every face. everyone: with more faces than sources these repeat. neural:
        draws the faces, as slowly as it does: the session leaves out frames. max_turn: heads are left while
        they are turned so many degrees further than their source, unless it was chosen for them. Loads the
        models. Raises ModelUnavailable."""
        self.sources = tuple(sources)
        self._landmarker: Landmarker = models.landmarker(LANDMARKER)
        self._embedder: Embedder = models.embedder(analyser.model_key)
        self._known = [source.face.face.embedding for source in self.sources]
        self._refuse = refuse
        self._everyone = everyone
        self._visible_mark = visible_mark
        self._neural = neural
        self._max_turn = max_turn
        self._actors: dict[int, _Actor] = {}
        self._before: tuple[Shade, float] | None = None
        self._frames = 0
        # Each replaced as a whole, so that another thread may do it.
        self.settings = settings
        self._locks: Mapping[int, int | None] = {}

    def choose(self, track: int, source: int | None) -> None:
        """From the next frame on a track gets this source; None leaves it alone."""
        self._locks = {**self._locks, track: source}

    @property
    def casting(self) -> dict[int, int | None]:
        """Track -> position of its source, of the tracks that are remembered."""
        return {number: actor.source for number, actor in list(self._actors.items())}

    def paint(self, frame: Frame, faces: Sequence[TrackedFace]) -> Image:
        """The frame with the swapped faces; the frame's own image is not changed."""
        shade = Shade.of(frame.image)
        shown = [face for face in faces if face.state is not TrackState.LOST and _size(face.box) >= SMALLEST]
        actors = [self._actors.setdefault(face.track_id, _Actor()) for face in shown]
        moves = self._moves(shade, frame.seconds, actors)
        self._frames += 1
        turns = max(1, -(-len(shown) // PLACED))
        placed = [
            self._place(frame, face, actor, move, (self._frames + index) % turns == 0)
            for index, (face, actor, move) in enumerate(zip(shown, actors, moves, strict=True))
        ]
        self._cast(shown, actors)
        pairs, maps, beside = [], [], []
        for face, actor, points in zip(shown, actors, placed, strict=True):
            if points is None:
                continue
            source, target = self._source_of(face, actor), EditFace.of_points(points)
            if source is None or not self._is_facing(face, actor, target, source):
                beside.append(target)
            elif swappable(target):
                pairs.append((target, source))
                if self._neural is None:
                    maps.append(self._colours(frame.image, target, source, actor))
        self._before = shade, frame.seconds
        self._forget(frame.seconds)
        image = frame.image
        if pairs and self._neural is not None:
            image = self._neural.swap_faces(frame.image, pairs, self.settings)[0]
        elif pairs:
            image = swap_faces(frame.image, pairs, self.settings, maps, WORKERS, beside)[0]
        return stamp_frame(image) if self._visible_mark and pairs else image

    def _moves(self, shade: Shade, seconds: float, actors: Sequence[_Actor]) -> list[Doubles | None]:
        """How each face came here from the painted frame before, where that can be told."""
        moves: list[Doubles | None] = [None] * len(actors)
        if self._before is None:
            return moves
        before, then = self._before
        known = [
            (index, actor.points.points)
            for index, actor in enumerate(actors)
            if actor.points.points is not None and actor.seen == then and 0 < seconds - then <= FAR_APART
        ]
        for (index, _), move in zip(known, follow(before, shade, [p for _, p in known]), strict=True):
            moves[index] = move
        return moves

    def _place(
        self, frame: Frame, face: TrackedFace, actor: _Actor, move: Doubles | None, turn: bool
    ) -> Floats | None:
        """(68, 2) the face's points; None where there are none that can be believed. turn: place them anew,
        unless they can be carried along."""
        own = np.array([face.box.x1, face.box.y1, face.box.x2, face.box.y2], np.float32)
        if face.landmarks is not None:
            fresh = sight_box(face.landmarks)
            actor.relation = _shares(fresh, own)
        elif actor.relation is None:
            return None
        else:
            fresh = _from_shares(actor.relation, own)
        before = actor.box if actor.box is not None else fresh
        actor.box = next_box(before, fresh, move, face.landmarks is not None)
        if not turn and move is not None and face.landmarks is None:
            actor.seen = frame.seconds
            carried = actor.points.carry(move, frame.seconds)
            return carried if actor.believed else None
        if actor.points.points is not None and move is not None:
            lean = upright(actor.points.points)
        else:
            lean = lean_of(face.landmarks) if face.landmarks is not None else 0.0
        placed = locate(self._landmarker, frame.image, actor.box, lean)
        actor.seen = frame.seconds
        if astray(placed, actor.box):
            actor.points = PointFilter()
            return None
        if face.landmarks is not None:
            limit = 1.0 if actor.believed else TAKEN_AGAIN
            actor.believed = doubt(face.landmarks, placed) <= limit
            if actor.embedding is None and actor.believed:
                self._meet(frame.image, face, actor, own)
        points = actor.points.update(placed, move, frame.seconds)
        return points if actor.believed else None

    def _meet(self, image: Image, face: TrackedFace, actor: _Actor, box: Floats) -> None:
        """Look once who it is: for the casting, and whether they may be swapped."""
        assert face.landmarks is not None
        found = Detections(box[None], np.ones(1, np.float32), face.landmarks[None])
        actor.embedding = self._embedder.embed(image, found, 1)[0]
        if self._refuse is not None:
            quality = measure(image, box, face.landmarks, 1.0)
            actor.refused = self._refuse(Face(face.box, face.landmarks, quality, actor.embedding))

    def _cast(self, faces: Sequence[TrackedFace], actors: Sequence[_Actor]) -> None:
        """A source for everybody who is new; who has one keeps it."""
        ready = [
            (face, actor) for face, actor in zip(faces, actors, strict=True) if actor.embedding is not None
        ]
        new = [pair for pair in ready if pair[1].source is None and not pair[1].refused]
        if not new or not self.sources:
            return
        rows = np.stack([actor.embedding for _, actor in ready if actor.embedding is not None])
        columns = np.stack([row for row in self._known if row is not None])
        kept = {place: actor.source for place, (_, actor) in enumerate(ready) if actor.source is not None}
        barred = [place for place, (_, actor) in enumerate(ready) if actor.refused and place not in kept]
        distances = np.asarray(1.0 - rows @ columns.T, np.float32)
        for each, (_, actor) in zip(
            cast(distances, kept, barred, everyone=self._everyone), ready, strict=True
        ):
            actor.source = each.source

    def _source_of(self, face: TrackedFace, actor: _Actor) -> Source | None:
        person = face.decision.person if face.decision is not None else None
        if actor.refused or (person is not None and person.no_swap):
            return None
        number = self._locks.get(face.track_id, actor.source)
        return self.sources[number] if number is not None and 0 <= number < len(self.sources) else None

    def _is_facing(self, face: TrackedFace, actor: _Actor, target: EditFace, source: Source) -> bool:
        """Whether a head is turned nearly enough as its source, or the user chose that one for it."""
        limit = self._max_turn * (1 if actor.facing else TAKEN_AGAIN)
        actor.facing = turned_apart(target, source.face) <= limit
        return actor.facing or face.track_id in self._locks

    def _colours(self, image: Image, target: EditFace, source: Source, actor: _Actor) -> ColourMap | None:
        actor.painted += 1
        if actor.coloured is not source:
            actor.colours, actor.coloured = None, source
        if actor.colours is None or actor.painted % COLOURS_EVERY == 1:
            measured = match_colours(target, image, source, self.settings.colour)
            before = actor.colours
            actor.colours = measured if before is None else before.toward(measured, COLOUR_SHARE)
        return actor.colours

    def _forget(self, now: float) -> None:
        for number in [n for n, actor in self._actors.items() if now - actor.seen > FORGOTTEN]:
            del self._actors[number]


def _size(box: Box) -> float:
    return min(box.width, box.height)


def _shares(inner: Floats, outer: Floats) -> Floats:
    """(4,) the corners of a box in shares of another one."""
    corner, sides = np.tile(outer[:2], 2), np.tile(np.maximum(outer[2:] - outer[:2], 1.0), 2)
    return np.asarray((inner - corner) / sides, np.float32)


def _from_shares(shares: Floats, outer: Floats) -> Floats:
    corner, sides = np.tile(outer[:2], 2), np.tile(np.maximum(outer[2:] - outer[:2], 1.0), 2)
    x1, y1, x2, y2 = corner + shares * sides
    # dlib's boxes are square; the track's box changes its shape.
    half = (x2 - x1 + y2 - y1) / 4
    centre = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    return np.concatenate([centre - half, centre + half]).astype(np.float32)
