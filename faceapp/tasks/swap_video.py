"""Faces put into a whole video: looked at, cast, rendered in segments that outlive a stop, joined."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceapp.errors import Cancelled
from faceapp.jobs import JobContext
from faceapp.types import Photo

if TYPE_CHECKING:
    from faceapp.edit.cast import CastChoices
    from faceapp.edit.segments import RenderFolder
    from faceapp.edit.survey import Survey, Suspect
    from faceapp.edit.swap import SwapSettings
    from faceapp.services.swap_video import VideoPlan, VideoSwaps

# What rendering a frame costs against looking at it, until it is known: for the time that is left.
RENDER_COST = 1.5
# The code of `Cancelled` where there is something to go on from.
HALF_WAY = "stopped_half_way"


@dataclass(frozen=True)
class PersonReport:
    """What became of one person of a clip.

    frames: how many they are in; swapped: in how many of them they are swapped. best: the frame that shows
    them best. source: position of their source, or None; name: who that is in the library, or "". distance:
    of the two. reason: why they were left as they are, or "".
    """

    number: int
    frames: int
    swapped: int
    best: int
    source: int | None = None
    name: str = ""
    distance: float | None = None
    reason: str = ""


@dataclass(frozen=True)
class VideoReport:
    """What a swap into a video did. frames, seconds: of the clip. swapped: frames with a swapped face.
    resumed: frames that an earlier run had finished. suspects: frames to look at."""

    clip: str
    out: str
    frames: int
    seconds: float
    swapped: int
    people: tuple[PersonReport, ...]
    resumed: int = 0
    sound: bool = False
    suspects: tuple[Suspect, ...] = ()
    remarks: tuple[str, ...] = ()


def survey_video(context: JobContext, videos: VideoSwaps, path: Path) -> Survey:
    """What a video shows; kept, so that asking again takes no time. Raises SourceLost, FaceAppError."""
    clip = videos.open(path)
    pace = _Pace()

    def tell(done: int) -> None:
        context.progress(done, clip.frames or None, "Looking for faces", 1 / max(pace.seconds(done), 1e-6))

    context.progress(0, clip.frames or None, "Looking for faces")
    return videos.look(clip, tell)


def swap_video(
    context: JobContext,
    videos: VideoSwaps,
    sources: Sequence[Photo],
    path: Path,
    out: Path,
    settings: SwapSettings | None = None,
    choices: CastChoices | None = None,
) -> VideoReport:
    """Look, cast, render and join. What was finished when it is stopped, in whatever way, is kept: the same
    swap goes on from there. Raises FaceAppError when nothing can be swapped, or when it is at work already;
    Cancelled with a sentence that says what is kept."""
    clip = videos.open(path)
    context.progress(0, None, "Looking at the faces to use")
    videos.usable(sources, choices)
    try:
        survey = videos.look(clip, _looking(context, clip.frames, videos.drawing(settings)))
    except Cancelled as stopped:
        sentence = "Stopped while the video was looked at: nothing was written."
        hint = "As long as this program runs, the same swap goes on from there."
        raise Cancelled(HALF_WAY, sentence, hint) from stopped
    plan = videos.plan(sources, survey, choices)
    cast = plan.cast
    if not any(track.swappable for track in cast.survey.tracks if track.number in cast.roles):
        raise videos.nothing_to_do(plan)
    folder = videos.folder(plan, settings)
    with folder.claimed():
        first = folder.frames_finished
        try:
            videos.render(plan, settings, folder, _swapping(context, survey.frames, first))
            context.progress(2 * survey.frames, 2 * survey.frames, "Joining")
            videos.finish(plan, folder, out, settings, context.check)
        except Cancelled as stopped:
            raise _stopped(folder) from stopped
        folder.remove()
    return _report(plan, out, first)


def _stopped(folder: RenderFolder) -> Cancelled:
    """What somebody is told who stopped a render."""
    from faceapp.edit.segments import KEPT_DAYS

    done = folder.frames_finished
    if not done:
        # What the video shows stays: looking at it took as long as a good part of the rest.
        return Cancelled("cancelled", "Stopped before the first part of the video was finished.")
    sentence = f"Stopped: {done} of {folder.frames} frames are finished, and kept for {KEPT_DAYS} days."
    hint = f"Start the same swap again to go on from there. They lie in {folder.path.parents[1]}."
    return Cancelled(HALF_WAY, sentence, hint)


class _Pace:
    """How long a frame takes, where those of an earlier look do not count."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._before: int | None = None

    def seconds(self, done: int) -> float:
        """Of each frame so far. done: the frames of both looks together."""
        if self._before is None:
            self._before = done - 1
        return (time.monotonic() - self._started) / (done - self._before)


def _looking(context: JobContext, promised: int, drawing: float) -> Callable[[int], None]:
    """Progress of the first half: the time left counts the second one in. drawing: seconds that a network
    needs for a face; one is expected on every frame."""
    pace = _Pace()
    total = 2 * promised or None

    def tell(done: int) -> None:
        each = pace.seconds(done)
        rate = None
        if total is not None and promised > done and each > 0:
            left = each * (promised - done + RENDER_COST * promised) + drawing * promised
            rate = (total - done) / left
        of = f" of {promised}" if promised else ""
        context.progress(min(done, promised or done), total, f"Looking at frame {done}{of}", rate)

    context.progress(0, total, "Looking at the video")
    return tell


def _swapping(context: JobContext, frames: int, first: int) -> Callable[[int, float], None]:
    """Progress of the second half. Frames without faces are quick: what counts is the work that is left."""
    started = time.monotonic()

    def tell(done: int, share: float) -> None:
        rate = None
        passed = time.monotonic() - started
        if done > first and 0 < share < 1 and passed > 0:
            rate = (frames - done) / (passed * share / (1 - share))
        context.progress(frames + done, 2 * frames, f"Swapping frame {done} of {frames}", rate)

    return tell


def _report(plan: VideoPlan, out: Path, resumed: int) -> VideoReport:
    survey = plan.cast.survey
    people = []
    for number, tracks in enumerate(survey.people):
        cast = plan.cast.casts[number]
        name = plan.sources[cast.source].name if cast.source is not None else ""
        longest = max(tracks, key=lambda track: len(track.points))
        frames = sum(len(track.points) for track in tracks)
        seen = sum(track.swappable for track in tracks if track.number in plan.cast.roles)
        reason = plan.reason(number)
        people.append(
            PersonReport(number, frames, seen, longest.best, cast.source, name, cast.distance, reason)
        )
    covered: set[int] = set()
    for track in survey.tracks:
        if track.number in plan.cast.roles:
            covered.update(track.first + int(n) for n in np.flatnonzero(track.strength >= 0.5))
    suspects = tuple(suspect for suspect in survey.suspects if suspect.track in plan.cast.roles)
    remarks = [remark for remark in (survey.clip.remark, survey.remark) if remark]
    remarks += [f"{refusal.sentence} {refusal.hint}".strip() for refusal in plan.refusals]
    return VideoReport(
        str(survey.clip.path), str(out), survey.frames, survey.length, len(covered), tuple(people), resumed,
        survey.clip.sound, suspects, tuple(remarks),
    )  # fmt: skip
