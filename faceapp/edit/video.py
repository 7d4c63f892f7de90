"""Faces of a video swapped: cast for all of it, shown for one frame, rendered in segments, joined.

    survey -> casting: a source for each person -> preview of any frame -> render -> one file with the sound

Everything that a frame needs of other frames is in the survey. So frames are independent of each other: they
are worked on side by side, and a render that was stopped goes on with the very pixels that it would have had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.cast import Cast, CastChoices, SourceFace, SourcePerson, best_fit, cast
from faceapp.edit.colour import colour_map
from faceapp.edit.faces import EditFace
from faceapp.edit.frames import (
    Clip,
    ClipFrame,
    RawFrame,
    SegmentWriter,
    changed,
    check_name,
    develop,
    join,
    read_frame,
    read_frames,
)
from faceapp.edit.points import size
from faceapp.edit.provenance import Made, Marking, mark_file, stamp_frame
from faceapp.edit.results import refuse_sources, whole
from faceapp.edit.segments import RenderFolder
from faceapp.edit.survey import FaceTrack, Survey
from faceapp.edit.swap import Source, Swapped, SwapSettings, prepare, swap_faces, swappable
from faceapp.errors import FaceAppError
from faceapp.pipeline.analysis import in_order
from faceapp.stream.sources import SourceLost
from faceapp.types import Floats, Image, Photo

if TYPE_CHECKING:
    from faceapp.edit.neural import NeuralSwapper

# One thread for each of the two cores; decoder and encoder have their own.
WORKERS = 2
# What a frame costs with n faces, against one without any: for an honest time left.
_FACE_COST, _NEURAL_FACE_COST = 4.0, 60.0
# Faces of a smaller unit (see `points.size`) have too few pixels to show anybody: as in a photo.
SMALLEST = 7.0

# Track -> the source that is put onto it. Tracks that are not named stay as they are.
Roles = Mapping[int, Source]
Tell = Callable[[int, float], None]
# Kinds of files that take XMP and a manifest; the others say what they are in their comment.
MARKED = (".mp4", ".m4v", ".mov")


@dataclass(frozen=True, eq=False)
class VideoCast:
    """Who goes where in a clip. casts: one for each person of the survey, in their order. distances (P, S).
    turned (P, S): no frame shows the person's head turned as the source's, as nearly as is wanted. roles: the
    sources, ready to be used, by the number of the track. survey: the clip's, its tracks left alone also in
    the frames in which they are turned too far away from their source, or are too small."""

    casts: tuple[Cast, ...]
    distances: Floats
    turned: NDArray[np.bool_]
    roles: Roles
    survey: Survey


@dataclass(frozen=True, eq=False)
class Recipe:
    """All that decides about the pixels of a frame. neural: draws the faces, where a network does."""

    survey: Survey
    roles: Roles
    settings: SwapSettings
    neural: NeuralSwapper | None = None
    visible_mark: bool = False


def cast_video(
    survey: Survey,
    sources: Sequence[SourcePerson],
    photos: Sequence[Photo],
    choices: CastChoices,
    unused: Sequence[int] = (),
    barred: Sequence[int] = (),
) -> VideoCast:
    """A source for each person of a clip; for each track of them the photo that fits it best.

    Who can't be swapped in a single frame takes no source from the others, unless it is locked to them.
    choices: `locks` and `leave` mean people of the survey here. unused: sources that may not be used. barred:
    people who must not be changed. Raises BadRequest, UnusableFace.
    """
    distances = _distances(survey, sources)
    fitting = [[best_fit(track.face(track.best), source) for source in sources] for track in survey.tracks]
    turned = _always_turned(survey, fitting, distances.shape, choices.max_turn)
    survey = replace(survey, tracks=tuple(_large_enough(track) for track in survey.tracks))
    unseen = np.array([not any(track.swappable for track in tracks) for tracks in survey.people], np.bool_)
    casts = cast(
        distances,
        {person: source for person, source in choices.locks.items() if person not in barred},
        {*choices.leave, *barred},
        choices.max_distance,
        choices.everyone,
        unused=unused,
        forbidden=turned | unseen[:, None],
    )
    roles, tracks = _roles(survey, casts, fitting, photos, choices.max_turn)
    return VideoCast(casts, distances, turned, roles, replace(survey, tracks=tracks))


def _distances(survey: Survey, sources: Sequence[SourcePerson]) -> Floats:
    """(P, S) cosine distances from every person of a clip to every source."""
    if not len(sources):
        return np.zeros((len(survey.people), 0), np.float32)
    known = np.stack([source.embedding for source in sources])
    found = np.stack([survey.embedding(person) for person in range(len(survey.people))])
    return np.asarray(1.0 - found @ known.T, np.float32)


def _roles(
    survey: Survey,
    casts: Sequence[Cast],
    fitting: Sequence[Sequence[SourceFace]],
    photos: Sequence[Photo],
    max_turn: float,
) -> tuple[Roles, tuple[FaceTrack, ...]]:
    """What is put onto each track, every photo prepared once; and the tracks, left alone where they are
    turned too far from it, unless the user has decided.

    fitting: for each track, of each source the face that fits it best.
    """
    prepared: dict[tuple[int, int], Source] = {}
    roles: dict[int, Source] = {}
    tracks = list(survey.tracks)
    for track in survey.tracks:
        chosen = casts[track.person]
        if chosen.source is None:
            continue
        shown = fitting[track.number][chosen.source]
        key = shown.photo, shown.number
        if key not in prepared:
            prepared[key] = prepare(photos[shown.photo].image, shown.face)
        roles[track.number] = prepared[key]
        if not chosen.locked:
            tracks[track.number] = _within(track, shown, max_turn)
    return roles, tuple(tracks)


def tapped_person(survey: Survey, point: tuple[float, float]) -> int | None:
    """The person whose face is the first at a point of the picture; None where none ever is."""
    found = []
    for track in survey.tracks:
        low, high = track.points.min(1), track.points.max(1)
        inside = ((low <= point) & (point <= high)).all(1)
        if inside.any():
            frame = int(inside.argmax())
            off = float(np.hypot(*((low + high)[frame] / 2 - point)))
            found.append((track.first + frame, off, track.person))
    return min(found)[2] if found else None


def _always_turned(
    survey: Survey, fitting: Sequence[Sequence[SourceFace]], shape: tuple[int, ...], limit: float
) -> NDArray[np.bool_]:
    """(P, S): which people are turned more degrees than that away from a source in every frame. fitting: for
    each track the face of each source that fits it best."""
    always = np.ones(shape, np.bool_)
    for track, faces in zip(survey.tracks, fitting, strict=True):
        for number, shown in enumerate(faces):
            always[track.person, number] &= bool((track.turned_from(shown.face) > limit).all())
    return always


def _large_enough(track: FaceTrack) -> FaceTrack:
    """The track, left alone where it is too small."""
    return track.left_where(
        np.array([SMALLEST / max(size(points), 1e-6) for points in track.points], np.float32)
    )


def _within(track: FaceTrack, source: SourceFace, max_turn: float) -> FaceTrack:
    """The track, left alone where it is turned too far from the source."""
    return track.left_where(track.turned_from(source.face) / max(max_turn, 1e-6))


def preview_frame(
    recipe: Recipe, number: int, frame: ClipFrame | None = None
) -> tuple[Image, Image, tuple[Swapped, ...]]:
    """A frame as it is and as it will be, and what was done to each of its faces. frame: that frame, where it
    was read before (`shown_frame`). Raises SourceLost, ModelUnavailable."""
    frame = frame or shown_frame(recipe.survey, number)
    after, swapped = _swapped(recipe, frame)
    return frame.image, after.image, swapped


def shown_frame(survey: Survey, number: int) -> ClipFrame:
    """A frame of the clip; the nearest one for a number that it has not. Raises SourceLost."""
    return read_frame(survey.clip, min(max(number, 0), survey.frames - 1), survey.stamps)


def render(recipe: Recipe, folder: RenderFolder, tell: Tell) -> None:
    """Make every segment that is not there yet.

    tell: called with the frames that are done, those of earlier runs included, and with the share 0..1 of
    the work that this run had which is still to do; it may raise. Raises SourceLost, StoreUnavailable,
    ModelUnavailable.
    """
    survey = recipe.survey
    first = folder.frames_finished
    faces = [len(_changing(recipe, number)) for number in range(survey.frames)]
    costs = 1 + (_FACE_COST if recipe.neural is None else _NEURAL_FACE_COST) * np.array(faces)
    left = np.append(np.cumsum(costs[first:][::-1])[::-1], 0.0) / max(float(costs[first:].sum()), 1.0)
    tell(first, 1.0)
    if first >= survey.frames:
        return
    waiting = (raw for raw in read_frames(survey.clip) if first <= raw.number < survey.frames)
    writer: SegmentWriter | None = None
    done = first
    try:
        for _, frame in in_order(waiting, partial(_made, recipe), WORKERS):
            if isinstance(frame, FaceAppError):
                raise frame
            if writer is None:
                writer = SegmentWriter(folder.segment(done // folder.length), survey.clip)
            writer.add(frame)
            done += 1
            if done % folder.length == 0 or done == survey.frames:
                writer.finish()
                writer = None
            tell(done, float(left[done - first]))
    finally:
        if writer is not None:
            writer.discard()
    if done < survey.frames:
        sentence = f"“{survey.clip.name}” gives fewer frames than before."
        raise SourceLost("video_changed", sentence, "Was it changed? Try again.")


def finish(
    recipe: Recipe, folder: RenderFolder, out: Path, marking: Marking, check: Callable[[], None]
) -> None:
    """Join the segments with the clip's sound, say in the file what it is, and give it its name.

    check: called for every segment; it may raise. Raises BadRequest for a name that no video has, Conflict
    for the clip's own, StoreUnavailable.
    """
    clip = recipe.survey.clip
    check_name(out)
    refuse_sources(out, [clip.path])
    with whole(out) as temporary:
        join(clip, folder.segments, recipe.survey.stamps, temporary, check, out.name)
        if out.suffix.lower() in MARKED:
            mark_file(temporary, Made("face swap", [clip.path], recipe.neural is not None), marking)


def _made(recipe: Recipe, raw: RawFrame) -> ClipFrame:
    """One finished frame; on any thread."""
    clip = recipe.survey.clip
    wanted = bool(_changing(recipe, raw.number))
    frame = develop(clip, raw, image=wanted or recipe.visible_mark)
    if wanted:
        frame = _swapped(recipe, frame)[0]
    return _stamped(clip, frame) if recipe.visible_mark else frame


def _stamped(clip: Clip, frame: ClipFrame) -> ClipFrame:
    image = stamp_frame(frame.image)
    differs = (image != frame.image).reshape(len(image), -1)
    rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0)) // 3
    if not len(rows):
        return frame
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return changed(clip, frame, image, [box])


def _swapped(recipe: Recipe, frame: ClipFrame) -> tuple[ClipFrame, tuple[Swapped, ...]]:
    # A face that cannot be swapped in this frame does not keep the others from it.
    faces = [(track, track.face(frame.number)) for track in _changing(recipe, frame.number)]
    faces = [(track, face) for track, face in faces if swappable(face)]
    image: Image = frame.image
    swapped: tuple[Swapped, ...] = ()
    for strength in sorted({track.shown(frame.number) for track, _ in faces}, reverse=True):
        chosen = [(track, face) for track, face in faces if track.shown(frame.number) == strength]
        image, done = _painted(recipe, image, frame.number, chosen, strength)
        swapped += done
    return changed(recipe.survey.clip, frame, image, [done.box for done in swapped]), swapped


def _painted(
    recipe: Recipe, image: Image, number: int, faces: Sequence[tuple[FaceTrack, EditFace]], strength: float
) -> tuple[Image, tuple[Swapped, ...]]:
    """The image of a frame with some of its faces swapped, all of them that much."""
    settings = replace(recipe.settings, opacity=recipe.settings.opacity * strength)
    pairs = [(face, recipe.roles[track.number]) for track, face in faces]
    if recipe.neural is not None:
        return recipe.neural.swap_faces(image, pairs, settings)
    colours = [
        colour_map(source.colours, track.skin(number), settings.colour)
        for (track, _), (_, source) in zip(faces, pairs, strict=True)
    ]
    swapped = {track.number for track, _ in faces}
    beside = [track.face(number) for track in recipe.survey.at(number) if track.number not in swapped]
    return swap_faces(image, pairs, settings, colours, beside=beside)


def _changing(recipe: Recipe, frame: int) -> list[FaceTrack]:
    """The faces of a frame that are swapped in it."""
    return [
        track for track in recipe.survey.at(frame) if track.number in recipe.roles and track.shown(frame) > 0
    ]
