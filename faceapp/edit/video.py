"""Faces of a video swapped: cast for all of it, shown for one frame, rendered in segments, joined.

    survey -> casting: a source for each person -> preview of any frame -> render -> one file with the sound

Everything that a frame needs of other frames is in the survey. So frames are independent of each other: they
are worked on side by side, and a render that was killed goes on with the very pixels that it would have had.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from faceapp.edit.cast import Cast, CastChoices, SourcePerson, best_fit, cast
from faceapp.edit.colour import ColourMap, colour_map
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
from faceapp.edit.provenance import Made, Marking, mark_file, stamp_frame
from faceapp.edit.results import refuse_sources, whole
from faceapp.edit.segments import RenderFolder
from faceapp.edit.survey import FaceTrack, Survey
from faceapp.edit.swap import Source, Swapped, SwapSettings, check_face, prepare, swap_faces
from faceapp.errors import FaceAppError, UnusableFace
from faceapp.pipeline.analysis import in_order
from faceapp.stream.sources import SourceLost
from faceapp.types import Floats, Image, Photo

# One thread for each of the two cores; decoder and encoder have their own.
WORKERS = 2
# What a frame costs with n faces, against one without any: for an honest time left.
_FACE_COST = 4.0

# Track -> the source that is put onto it. Tracks that are not named stay as they are.
Roles = Mapping[int, Source]
Tell = Callable[[int, float], None]
# Kinds of files that take XMP and a manifest; the others say what they are in their comment.
MARKED = (".mp4", ".m4v", ".mov")


@dataclass(frozen=True, eq=False)
class VideoCast:
    """Who goes where in a clip. casts: one for each person of the survey, in their order. distances (P, S).
    roles: the sources, ready to be used, by the number of the track."""

    casts: tuple[Cast, ...]
    distances: Floats
    roles: Roles


def cast_video(
    survey: Survey,
    sources: Sequence[SourcePerson],
    photos: Sequence[Photo],
    choices: CastChoices,
    unused: Sequence[int] = (),
    barred: Sequence[int] = (),
) -> VideoCast:
    """A source for each person of a clip; for each track of them the photo that fits it best.

    choices: `locks` and `leave` mean people of the survey here. unused: sources that may not be used. barred:
    people who must not be changed. Raises BadRequest, UnusableFace.
    """
    distances = np.zeros((len(survey.people), len(sources)), np.float32)
    if len(sources):
        known = np.stack([source.embedding for source in sources])
        found = np.stack([survey.embedding(person) for person in range(len(survey.people))])
        distances = np.asarray(1.0 - found @ known.T, np.float32)
    casts = cast(
        distances,
        {person: source for person, source in choices.locks.items() if person not in barred},
        {*choices.leave, *barred},
        choices.max_distance,
        choices.everyone,
        unused=unused,
    )
    prepared: dict[tuple[int, int], Source] = {}
    roles: dict[int, Source] = {}
    for track in survey.tracks:
        number = casts[track.person].source
        if number is None:
            continue
        shown = best_fit(track.face(track.best), sources[number])
        key = shown.photo, shown.number
        if key not in prepared:
            prepared[key] = prepare(photos[shown.photo].image, shown.face)
        roles[track.number] = prepared[key]
    return VideoCast(casts, distances, roles)


def preview_frame(
    survey: Survey, number: int, roles: Roles, settings: SwapSettings, frame: ClipFrame | None = None
) -> tuple[Image, Image, tuple[Swapped, ...]]:
    """A frame as it is and as it will be, and what was done to each of its faces. frame: that frame, where it
    was read before (`shown_frame`). Raises SourceLost."""
    frame = frame or shown_frame(survey, number)
    after, swapped = _swapped(survey, roles, settings, frame)
    return frame.image, after.image, swapped


def shown_frame(survey: Survey, number: int) -> ClipFrame:
    """A frame of the clip; the nearest one for a number that it has not. Raises SourceLost."""
    return read_frame(survey.clip, min(max(number, 0), survey.frames - 1), survey.stamps)


def render(
    survey: Survey,
    roles: Roles,
    settings: SwapSettings,
    folder: RenderFolder,
    tell: Tell,
    visible_mark: bool = False,
) -> None:
    """Make every segment that is not there yet. visible_mark: with a small text in a corner of every frame.

    tell: called with the frames that are done, those of earlier runs included, and with the share 0..1 of
    the work that this run had which is still to do; it may raise. Raises SourceLost, StoreUnavailable.
    """
    first = folder.finished * folder.length
    faces = [len(_changing(survey, roles, number)) for number in range(survey.frames)]
    costs = 1 + _FACE_COST * np.array(faces)
    left = np.append(np.cumsum(costs[first:][::-1])[::-1], 0.0) / max(float(costs[first:].sum()), 1.0)
    tell(first, 1.0)
    if first >= survey.frames:
        return
    waiting = (raw for raw in read_frames(survey.clip) if first <= raw.number < survey.frames)
    writer: SegmentWriter | None = None
    done = first
    try:
        for _, frame in in_order(waiting, partial(_made, survey, roles, settings, visible_mark), WORKERS):
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


def finish(survey: Survey, folder: RenderFolder, out: Path, marking: Marking) -> None:
    """Join the segments with the clip's sound, say in the file what it is, and give it its name.

    Raises BadRequest for a name that no video has, Conflict for the clip's own, StoreUnavailable.
    """
    check_name(out)
    refuse_sources(out, [survey.clip.path])
    with whole(out) as temporary:
        join(survey.clip, folder.segments, survey.stamps, temporary)
        if out.suffix.lower() in MARKED:
            mark_file(temporary, Made("face swap", [survey.clip.path]), marking)


def _made(
    survey: Survey, roles: Roles, settings: SwapSettings, visible_mark: bool, raw: RawFrame
) -> ClipFrame:
    """One finished frame; on any thread."""
    wanted = bool(_changing(survey, roles, raw.number))
    frame = develop(survey.clip, raw, image=wanted or visible_mark)
    if wanted:
        frame = _swapped(survey, roles, settings, frame)[0]
    return _stamped(survey.clip, frame) if visible_mark else frame


def _stamped(clip: Clip, frame: ClipFrame) -> ClipFrame:
    image = stamp_frame(frame.image)
    differs = (image != frame.image).reshape(len(image), -1)
    rows, columns = np.flatnonzero(differs.any(1)), np.flatnonzero(differs.any(0)) // 3
    if not len(rows):
        return frame
    box = int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
    return changed(clip, frame, image, [box])


def _swapped(
    survey: Survey, roles: Roles, settings: SwapSettings, frame: ClipFrame
) -> tuple[ClipFrame, tuple[Swapped, ...]]:
    jobs: list[tuple[EditFace, Source, ColourMap, float]] = []
    for track in _changing(survey, roles, frame.number):
        source = roles[track.number]
        colours = colour_map(source.colours, track.skin(frame.number), settings.colour)
        jobs.append((track.face(frame.number), source, colours, track.shown(frame.number)))
    # A face that cannot be swapped in this frame does not keep the others from it.
    jobs = [job for job in jobs if _possible(job[0])]
    image: Image = frame.image
    swapped: tuple[Swapped, ...] = ()
    for strength in sorted({job[3] for job in jobs}, reverse=True):
        chosen = [job for job in jobs if job[3] == strength]
        faint = replace(settings, opacity=settings.opacity * strength)
        pairs = [(face, source) for face, source, *_ in chosen]
        image, done = swap_faces(image, pairs, faint, [colours for _, _, colours, _ in chosen])
        swapped += done
    return changed(survey.clip, frame, image, [done.box for done in swapped]), swapped


def _changing(survey: Survey, roles: Roles, frame: int) -> list[FaceTrack]:
    """The faces of a frame that are swapped in it."""
    return [track for track in survey.at(frame) if track.number in roles and track.shown(frame) > 0]


def _possible(face: EditFace) -> bool:
    try:
        check_face(face)
    except UnusableFace:
        return False
    return True
