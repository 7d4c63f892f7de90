"""Swaps into videos: what a clip shows, who goes where, a look at any frame, and the whole of it as a job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.config import SettingsFile
from faceapp.edit.cast import CastChoices, SourcePerson
from faceapp.edit.results import refuse_closed, refuse_sources
from faceapp.errors import BadRequest, Cancelled, FaceAppError, Forbidden, UnusableFace
from faceapp.jobs import Job, JobContext, JobManager
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.tasks import swap_video as tasks
from faceapp.types import Face, Image, Person, Photo, Refusal

if TYPE_CHECKING:
    from faceapp.edit.frames import Clip, ClipFrame
    from faceapp.edit.live_swap import LiveSwap
    from faceapp.edit.neural import NeuralSwapper
    from faceapp.edit.segments import RenderFolder
    from faceapp.edit.survey import Survey, Surveyor
    from faceapp.edit.swap import Swapped, SwapSettings
    from faceapp.edit.video import Recipe, VideoCast

NO_SWAP = "no_swap"

# The people of source photos; refusals are added to the list.
People = Callable[[Sequence[Photo], CastChoices, list[Refusal]], tuple[SourcePerson, ...]]
# Positions of sources that may not be used; refusals are added to the list.
BarredSources = Callable[[Sequence[SourcePerson], list[Refusal]], set[int]]
# Whoever a face is, if they do not want to be swapped.
NoSwap = Callable[[Face], Person | None]
Settings = Callable[["SwapSettings | None"], "SwapSettings"]
# The network that draws, where the settings want one. Loads it; raises ModelUnavailable, Conflict.
Neural = Callable[["SwapSettings"], "NeuralSwapper | None"]


@dataclass(frozen=True, eq=False)
class VideoPlan:
    """Who goes where in a clip, before a pixel is changed.

    sources: the people of the source photos. choices: their `locks` and `leave` mean people of the survey,
    and a point means whose face is the first to be there. Faces of a video have no points placed by hand, and
    small ones are followed in any case (`far`). barred: people of the survey who must not be, or are not to
    be, changed, and why.
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
        seen = any(track.swappable for track in self.cast.survey.people[person])
        if seen and self.cast.casts[person].source is not None:
            return ""
        if person in self.barred:
            return self.barred[person].sentence
        if person in self.choices.leave:
            return "It was to be left alone."
        if not seen:
            return "The face is always turned too far, half hidden or too small."
        if not self.sources:
            return "There is no source for it."
        near = self.cast.distances[person] <= self.choices.max_distance
        if not near.any():
            return "No source is near enough."
        if self.cast.turned[person][near].all():
            return "The head is always turned too far away from every source."
        return "Every source is used for another face."


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
        neural: Neural,
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
        self._neural = neural
        self._lock = threading.Lock()
        self._last: tuple[str, Survey] | None = None
        self._stopped: tuple[str, Clip, Surveyor] | None = None
        self._shown: tuple[Survey, int, ClipFrame] | None = None

    @property
    def renders(self) -> Path:
        """Where unfinished renders are: the newest, up to a size and for some days (`segments.prune`)."""
        return self._paths.data / "renders"

    def close(self) -> None:
        """Remove unfinished renders that were kept long enough."""
        if self.renders.is_dir() and any(self.renders.iterdir()):
            from faceapp.edit.segments import prune

            prune(self.renders)

    # -- what there is ------------------------------------------------------------------------------

    def open(self, path: Path) -> Clip:
        """What a video file is. Raises SourceLost."""
        from faceapp.edit.frames import open_clip

        return open_clip(path)

    def survey(self, context: JobContext, path: Path) -> Survey:
        """What a video shows, on this thread. Raises SourceLost, FaceAppError, Cancelled."""
        return tasks.survey_video(context, self, path)

    def look(self, clip: Clip, tell: Callable[[int], None]) -> Survey:
        """The survey of a clip: the last one is remembered, that of a render that was killed is read again,
        and one that was stopped goes on. tell: called with the number of frames done; it may raise."""
        from faceapp.edit.segments import load_survey
        from faceapp.edit.survey import Surveyor

        root = self._root(clip)
        with self._lock:
            if self._last is not None and self._last[0] == root.name and self._last[1].clip == clip:
                return self._last[1]
            stopped, self._stopped = self._stopped, None
        survey = load_survey(clip, root)
        if survey is None:
            if stopped is not None and stopped[:2] == (root.name, clip):
                surveyor = stopped[2]
            else:
                surveyor = Surveyor(clip, self._analyser, self._models)
            try:
                survey = surveyor.run(tell)
            except Cancelled:
                with self._lock:
                    self._stopped = root.name, clip, surveyor
                raise
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
        unwilling = self._barred(survey)
        refusals += unwilling.values()
        barred = {**_untapped(survey, chosen, refusals), **unwilling}
        cast = cast_video(survey, people, sources, chosen, sorted(unused), sorted(barred))
        return VideoPlan(survey, tuple(sources), people, chosen, cast, barred, tuple(refusals))

    def usable(
        self, sources: Sequence[Photo], choices: CastChoices | None = None
    ) -> tuple[SourcePerson, ...]:
        """The people of source photos whose faces may be used, at least one. Raises BadRequest, Forbidden and
        UnusableFace where there is none: before long work begins."""
        refusals: list[Refusal] = []
        people = self._people(sources, choices or CastChoices(), refusals)
        barred = self._barred_sources(people, refusals)
        if len(barred) == len(people):
            raise _refused(refusals)
        return tuple(person for number, person in enumerate(people) if number not in barred)

    def _barred(self, survey: Survey) -> dict[int, Refusal]:
        """The people of a clip who do not want to be swapped."""
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
        refused = [refusal for refusal in plan.refusals if refusal.code == NO_SWAP]
        if refused:
            sentences = dict.fromkeys(refusal.sentence for refusal in refused)
            return Forbidden(NO_SWAP, " ".join(sentences), refused[0].hint)
        if plan.refusals:
            return UnusableFace(plan.refusals[0].code, plan.refusals[0].sentence, plan.refusals[0].hint)
        people = range(len(plan.cast.casts))
        if all(person in plan.barred or person in plan.choices.leave for person in people):
            return UnusableFace("all_left", "Every face of the video is to be left alone.", "Choose another.")
        seen = any(track.swappable for track in plan.cast.survey.tracks)
        if plan.cast.roles or not seen:
            return UnusableFace(
                "always_turned", "The faces of the video are turned too far, half hidden or too small.",
                "Use a video in which they are large and look towards the camera.",
            )  # fmt: skip
        if plan.cast.turned.all():
            return UnusableFace("always_turned", plan.reason(0), "Allow a larger turn, or use another photo.")
        return UnusableFace(
            "nobody_near", "No face of the video is near enough to a source.", "Allow a larger distance."
        )

    # -- pixels -------------------------------------------------------------------------------------

    def preview(
        self, plan: VideoPlan, frame: int, settings: SwapSettings | None = None
    ) -> tuple[Image, Image, tuple[Swapped, ...]]:
        """A frame as it is and as it will be, and what was done to its faces; the last one is kept, for
        sliders move often. Raises SourceLost, and what `recipe` does."""
        from faceapp.edit.video import preview_frame, shown_frame

        with self._lock:
            shown = self._shown
        if shown is None or shown[0] is not plan.survey or shown[1] != frame:
            shown = plan.survey, frame, shown_frame(plan.survey, frame)
            with self._lock:
                self._shown = shown
        return preview_frame(self.recipe(plan, settings), frame, shown[2])

    def recipe(self, plan: VideoPlan, settings: SwapSettings | None) -> Recipe:
        """All that decides about the pixels. Raises ModelUnavailable or Conflict for a neural engine that
        cannot be used."""
        from faceapp.edit.video import Recipe

        chosen = self._chosen(plan, settings)
        mark = self._program.current.visible_mark
        return Recipe(plan.cast.survey, plan.cast.roles, chosen, self._neural(chosen), mark)

    def _chosen(self, plan: VideoPlan, settings: SwapSettings | None) -> SwapSettings:
        chosen = self._settings(settings)
        # The pattern in which a GIF mixes its few colours is no grain that a face should have.
        is_gif = plan.survey.clip.path.suffix.lower() == ".gif"
        return replace(chosen, degrade=False) if is_gif else chosen

    def drawing(self, settings: SwapSettings | None) -> float:
        """Seconds that a network needs for a face, 0 where none draws. Raises what `recipe` does."""
        network = self._neural(self._settings(settings))
        return network.seconds() if network is not None else 0.0

    def folder(self, plan: VideoPlan, settings: SwapSettings | None) -> RenderFolder:
        """Where this render keeps what it has finished; what is there of an earlier run is whole."""
        from faceapp.edit.segments import SURVEY, RenderFolder, prune, save_survey

        root = self._root(plan.survey.clip)
        prune(self.renders, keep=root)
        chosen = self._chosen(plan, settings)
        others: list[object] = [self._program.current.visible_mark]
        if chosen.engine == "neural":
            others += sorted(file.sha256 for file in self._models.plugins.files().values())
        folder = RenderFolder.open(root, plan.cast.survey, plan.cast.roles, chosen, *others)
        if not (root / SURVEY).is_file():
            save_survey(plan.survey, root)
        return folder

    def render(
        self,
        plan: VideoPlan,
        settings: SwapSettings | None,
        folder: RenderFolder,
        tell: Callable[[int, float], None],
    ) -> None:
        """Make every segment that is not there. Raises SourceLost, StoreUnavailable, and what `tell` and
        `recipe` do."""
        from faceapp.edit.video import render

        render(self.recipe(plan, settings), folder, tell)

    def finish(
        self,
        plan: VideoPlan,
        folder: RenderFolder,
        out: Path,
        settings: SwapSettings | None = None,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Join the segments with the sound. check: called for every segment; it may raise. Raises BadRequest,
        Conflict, StoreUnavailable."""
        from faceapp.edit.provenance import Marking
        from faceapp.edit.video import finish

        marking = Marking.chosen(self._program.current, self._paths)
        finish(self.recipe(plan, settings), folder, out, marking, check)

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
        if self._settings(settings).engine == "neural":
            self._models.plugins.require()
        body = partial(
            self.swap, sources=tuple(sources), path=path, out=out, settings=settings, choices=choices
        )
        return self._jobs.submit("swap", f"Swap faces into {path.name}", body)

    def check_output(self, out: Path, path: Path, sources: Sequence[Photo]) -> None:
        """Raises BadRequest for a name that no video has, Conflict for a file the result is made from,
        StoreUnavailable for a folder that cannot be written to."""
        from faceapp.edit.frames import check_name

        check_name(out)
        refuse_sources(out, [path, *(photo.path for photo in sources)])
        refuse_closed(out)

    def live(
        self,
        sources: Sequence[Photo],
        settings: SwapSettings | None = None,
        everyone: bool = True,
        max_turn: float = CastChoices.max_turn,
    ) -> LiveSwap:
        """What a live session paints with: `session.set_painter(...)`. Loads the models.

        everyone: with more faces than sources these repeat. max_turn: as in `CastChoices`. Raises
        BadRequest, Forbidden and UnusableFace when no source can be used, and what `recipe` does.
        """
        from faceapp.edit.live_swap import LiveSwap
        from faceapp.edit.swap import prepare

        shown = [person.faces[0] for person in self.usable(sources)]
        ready = [prepare(sources[each.photo].image, each.face) for each in shown]
        chosen = self._settings(settings)
        return LiveSwap(
            ready, chosen, self._analyser, self._models, self._refuse, everyone=everyone,
            visible_mark=self._program.current.visible_mark, neural=self._neural(chosen), max_turn=max_turn,
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


def _untapped(survey: Survey, choices: CastChoices, refusals: list[Refusal]) -> dict[int, Refusal]:
    """The people of a clip whom no point means, where any was given; a point where nobody ever is, is a
    refusal."""
    from faceapp.edit.video import tapped_person

    if not choices.points:
        return {}
    wanted = set(choices.locks)
    for point in choices.points:
        person = tapped_person(survey, point)
        if person is None:
            sentence = f"No face of the video is ever at {point[0]:.0f}, {point[1]:.0f}."
            refusals.append(Refusal("no_face_there", sentence, "Point at the middle of a face."))
        else:
            wanted.add(person)
    untapped = Refusal("not_chosen", "It was not chosen.")
    return {person: untapped for person in range(len(survey.people)) if person not in wanted}
