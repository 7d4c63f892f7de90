"""Swaps into videos: what a clip shows, who goes where, a look at any frame, and the whole of it as a job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.config import SettingsFile
from faceapp.edit.cast import CastChoices, SourcePerson
from faceapp.edit.results import refuse_sources
from faceapp.errors import BadRequest, FaceAppError, Forbidden, UnusableFace
from faceapp.jobs import Job, JobContext, JobManager
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.tasks import swap_video as tasks
from faceapp.types import Face, Image, Person, Photo, Refusal

if TYPE_CHECKING:
    from faceapp.edit.frames import Clip, ClipFrame
    from faceapp.edit.live_swap import LiveSwap
    from faceapp.edit.segments import RenderFolder
    from faceapp.edit.survey import Survey
    from faceapp.edit.swap import Swapped, SwapSettings
    from faceapp.edit.video import VideoCast

NO_SWAP = "no_swap"

# The people of source photos; refusals are added to the list.
People = Callable[[Sequence[Photo], CastChoices, list[Refusal]], tuple[SourcePerson, ...]]
# Positions of sources that may not be used; refusals are added to the list.
BarredSources = Callable[[Sequence[SourcePerson], list[Refusal]], set[int]]
# Whoever a face is, if they do not want to be swapped.
NoSwap = Callable[[Face], Person | None]
Settings = Callable[["SwapSettings | None"], "SwapSettings"]


@dataclass(frozen=True, eq=False)
class VideoPlan:
    """Who goes where in a clip, before a pixel is changed.

    sources: the people of the source photos. choices: their `locks` and `leave` mean people of the survey.
    barred: people of the survey who must not be changed, and why.
    """

    survey: Survey
    photos: tuple[Photo, ...]
    sources: tuple[SourcePerson, ...]
    choices: CastChoices
    cast: VideoCast
    barred: dict[int, Refusal]
    refusals: tuple[Refusal, ...] = ()

    def reason(self, person: int) -> str:
        """Why a person of the clip is left as they are; "" for one who is not."""
        if self.cast.casts[person].source is not None:
            seen = any(track.swappable for track in self.survey.people[person])
            return "" if seen else "The face is always turned too far or half hidden."
        if person in self.barred:
            return self.barred[person].sentence
        if person in self.choices.leave:
            return "It was to be left alone."
        return "There is no source for it."


class VideoSwaps:
    """Swaps faces of videos. Values in, values out; safe to use from any thread."""

    def __init__(
        self,
        analyser: Analyser,
        models: Models,
        paths: Paths,
        jobs: JobManager,
        program: SettingsFile,
        people: People,
        barred_sources: BarredSources,
        no_swap: NoSwap,
        settings: Settings,
    ) -> None:
        self._analyser = analyser
        self._models = models
        self._paths = paths
        self._jobs = jobs
        self._program = program
        self._people = people
        self._barred_sources = barred_sources
        self._no_swap = no_swap
        self._settings = settings
        self._lock = threading.Lock()
        self._last: tuple[str, Survey] | None = None
        self._shown: tuple[Survey, int, ClipFrame] | None = None

    @property
    def renders(self) -> Path:
        """Where unfinished renders are."""
        return self._paths.data / "renders"

    # -- what there is ------------------------------------------------------------------------------

    def open(self, path: Path) -> Clip:
        """What a video file is. Raises SourceLost."""
        from faceapp.edit.frames import open_clip

        return open_clip(path)

    def survey(self, context: JobContext, path: Path) -> Survey:
        """What a video shows, on this thread. Raises SourceLost, FaceAppError, Cancelled."""
        return tasks.survey_video(context, self, path)

    def start_survey(self, path: Path) -> Job:
        """The same as a job, whose result is the Survey."""
        return self._jobs.submit("survey", f"Look at {path.name}", partial(self.survey, path=path))

    def look(self, clip: Clip, tell: Callable[[int], None]) -> Survey:
        """The survey of a clip: the last one is remembered, that of a render that was killed is read again.
        tell: called with the number of frames done; it may raise."""
        from faceapp.edit.segments import load_survey
        from faceapp.edit.survey import Surveyor

        root = self._root(clip)
        with self._lock:
            if self._last is not None and self._last[0] == root.name and self._last[1].clip == clip:
                return self._last[1]
        survey = load_survey(clip, root) or Surveyor(clip, self._analyser, self._models).run(tell)
        with self._lock:
            self._last = root.name, survey
        return survey

    # -- who goes where -----------------------------------------------------------------------------

    def plan(
        self, sources: Sequence[Photo], survey: Survey, choices: CastChoices | None = None
    ) -> VideoPlan:
        """Who goes where. Raises BadRequest for choices that name somebody who is not there, TooLarge."""
        from faceapp.edit.video import cast_video

        chosen = choices or CastChoices()
        refusals: list[Refusal] = []
        people = self._people(sources, chosen, refusals)
        unused = self._barred_sources(people, refusals)
        barred = self._barred(survey)
        refusals += barred.values()
        cast = cast_video(survey, people, sources, chosen, sorted(unused), sorted(barred))
        return VideoPlan(survey, tuple(sources), people, chosen, cast, barred, tuple(refusals))

    def _barred(self, survey: Survey) -> dict[int, Refusal]:
        """The people of a clip who do not want to be swapped."""
        from dataclasses import replace

        barred = {}
        for number, tracks in enumerate(survey.people):
            longest = max(tracks, key=lambda track: len(track.points))
            face = replace(longest.face(longest.best).face, embedding=survey.embedding(number))
            found = self._no_swap(face)
            if found is not None:
                sentence = f"{found.name} is marked “no swap” in the library. Their face is left as it is."
                barred[number] = Refusal(NO_SWAP, sentence, "Ask them before you take the mark away.")
        return barred

    def nothing_to_do(self, plan: VideoPlan) -> FaceAppError:
        """Why a plan changes nothing."""
        if not plan.photos:
            return BadRequest(
                "no_source", "No source photo was given.", "Give a photo of the face to put there."
            )
        refused = [refusal for refusal in plan.refusals if refusal.code == NO_SWAP]
        if refused:
            sentences = dict.fromkeys(refusal.sentence for refusal in refused)
            return Forbidden(NO_SWAP, " ".join(sentences), refused[0].hint)
        if plan.refusals:
            return UnusableFace(plan.refusals[0].code, plan.refusals[0].sentence, plan.refusals[0].hint)
        if plan.cast.roles:
            return UnusableFace(
                "always_turned", "The faces of the video are turned too far or half hidden.",
                "Use a video in which they look towards the camera.",
            )  # fmt: skip
        return UnusableFace(
            "nobody_near", "No face of the video is near enough to a source.", "Allow a larger distance."
        )

    # -- pixels -------------------------------------------------------------------------------------

    def preview(
        self, plan: VideoPlan, frame: int, settings: SwapSettings | None = None
    ) -> tuple[Image, Image, tuple[Swapped, ...]]:
        """A frame as it is and as it will be, and what was done to its faces; the last one is kept, for
        sliders move often. Raises SourceLost."""
        from faceapp.edit.video import preview_frame, shown_frame

        with self._lock:
            shown = self._shown
        if shown is None or shown[0] is not plan.survey or shown[1] != frame:
            shown = plan.survey, frame, shown_frame(plan.survey, frame)
            with self._lock:
                self._shown = shown
        return preview_frame(plan.survey, frame, plan.cast.roles, self._settings(settings), shown[2])

    def folder(self, plan: VideoPlan, settings: SwapSettings | None) -> RenderFolder:
        """Where this render keeps what it has finished; what is there of an earlier run is whole."""
        from faceapp.edit.segments import RenderFolder, prune, save_survey

        root = self._root(plan.survey.clip)
        prune(self.renders, keep=root)
        folder = RenderFolder.open(
            root, plan.survey, plan.cast.roles, self._settings(settings), self._program.current.visible_mark
        )
        if not (root / "survey.npz").is_file():
            save_survey(plan.survey, root)
        return folder

    def render(
        self,
        plan: VideoPlan,
        settings: SwapSettings | None,
        folder: RenderFolder,
        tell: Callable[[int, float], None],
    ) -> None:
        """Make every segment that is not there. Raises SourceLost, StoreUnavailable, and what `tell` does."""
        from faceapp.edit.video import render

        mark = self._program.current.visible_mark
        render(plan.survey, plan.cast.roles, self._settings(settings), folder, tell, mark)

    def finish(self, plan: VideoPlan, folder: RenderFolder, out: Path) -> None:
        """Join the segments with the sound. Raises BadRequest, Conflict, StoreUnavailable."""
        from faceapp.edit.provenance import Marking
        from faceapp.edit.video import finish

        finish(plan.survey, folder, out, Marking.chosen(self._program.current, self._paths))

    def swap(
        self,
        context: JobContext,
        sources: Sequence[Photo],
        path: Path,
        out: Path,
        settings: SwapSettings | None = None,
        choices: CastChoices | None = None,
    ) -> tasks.VideoReport:
        """Swap into a whole video, on this thread. Raises FaceAppError, Cancelled."""
        self.check_output(out, path, sources)
        return tasks.swap_video(context, self, sources, path, out, settings, choices)

    def start(
        self,
        sources: Sequence[Photo],
        path: Path,
        out: Path,
        settings: SwapSettings | None = None,
        choices: CastChoices | None = None,
    ) -> Job:
        """The same as a job, whose result is the VideoReport."""
        self.check_output(out, path, sources)
        body = partial(
            self.swap, sources=tuple(sources), path=path, out=out, settings=settings, choices=choices
        )
        return self._jobs.submit("swap", f"Swap faces into {path.name}", body)

    def check_output(self, out: Path, path: Path, sources: Sequence[Photo]) -> None:
        """Raises BadRequest for a name that no video has, Conflict for a file the result is made from."""
        from faceapp.edit.frames import check_name

        check_name(out)
        refuse_sources(out, [path, *(photo.path for photo in sources)])

    def live(
        self, sources: Sequence[Photo], settings: SwapSettings | None = None, everyone: bool = True
    ) -> LiveSwap:
        """What a live session paints with: `session.set_painter(...)`. Loads the models.

        everyone: with more faces than sources these repeat. Raises BadRequest, Forbidden and UnusableFace
        when no source can be used.
        """
        from faceapp.edit.live_swap import LiveSwap
        from faceapp.edit.swap import prepare

        refusals: list[Refusal] = []
        people = self._people(sources, CastChoices(), refusals)
        barred = self._barred_sources(people, refusals)
        shown = [person.faces[0] for number, person in enumerate(people) if number not in barred]
        if not shown:
            raise _refused(refusals)
        ready = [prepare(sources[each.photo].image, each.face) for each in shown]
        return LiveSwap(
            ready, self._settings(settings), self._analyser, self._models, self._refuse,
            everyone=everyone, visible_mark=self._program.current.visible_mark,
        )  # fmt: skip

    def _refuse(self, face: Face) -> str:
        """Why a face must not be swapped; "" when it may be."""
        found = self._no_swap(face)
        return f"{found.name} is marked “no swap” in the library." if found is not None else ""

    def _root(self, clip: Clip) -> Path:
        from faceapp.edit.segments import clip_key

        return self.renders / clip_key(clip.path, self._analyser.detector_key, self._analyser.model_key)


def _refused(refusals: Sequence[Refusal]) -> FaceAppError:
    if not refusals:
        return BadRequest("no_source", "No source photo was given.", "Give a photo of the face to put there.")
    kind = Forbidden if refusals[0].code == NO_SWAP else UnusableFace
    return kind(refusals[0].code, refusals[0].sentence, refusals[0].hint)
