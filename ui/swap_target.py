"""What faces are put into: a photo or a video. One class each, with the same verbs, all for job threads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from PyQt5.QtGui import QImage

from faceapp.edit.card import Card
from faceapp.edit.cast import Cast, CastChoices, Plan, SourcePerson
from faceapp.edit.swap import SwapSettings
from faceapp.jobs import JobContext
from faceapp.pipeline.photos import losses
from faceapp.services import Services
from faceapp.types import Box, Photo, Refusal, title_of
from ui.images import to_qimage
from ui.photo_shelf import Shelf
from ui.photo_source import PhotoSource
from ui.picture import Picture, thumbnail

if TYPE_CHECKING:
    from faceapp.edit.survey import FaceTrack, Survey
    from faceapp.services.swap_video import VideoPlan

SMALL = 64


@dataclass(frozen=True, eq=False)
class Planned:
    """Who goes where, with what is shown of it.

    casts: one for each face of the photo or person of the video; faces: small pictures of them; reasons: why
    they are left as they are, or "". sources, names: of the people of the source photos.
    """

    plan: Plan | VideoPlan
    casts: tuple[Cast, ...]
    faces: tuple[QImage, ...]
    reasons: tuple[str, ...]
    sources: tuple[QImage, ...]
    names: tuple[str, ...]
    refusals: tuple[Refusal, ...]

    @property
    def changes_something(self) -> bool:
        return any(cast.source is not None for cast in self.casts)


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture before and after. boxes: (which of `Planned.casts`, where). cards: when it was checked."""

    before: Picture
    after: Picture
    boxes: tuple[tuple[int, Box], ...]
    cards: tuple[Card, ...] = ()


class PhotoTarget:
    """One photo.

    frames: how many pictures there are; of a video known after `open`.
    """

    frames = 1

    def __init__(self, services: Services, shelf: Shelf, source: PhotoSource) -> None:
        self._services = services
        self._shelf = shelf
        self.source = source
        self._picture: Picture | None = None

    def open(self, context: JobContext) -> Picture:
        """The first picture. Raises FaceAppError."""
        photo = self._shelf.read(self.source)
        context.check()
        self._picture = Picture.of(photo.image)
        return self._picture

    def plan(self, context: JobContext, sources: Sequence[PhotoSource], choices: CastChoices) -> Planned:
        photos = self._shelf.read_all(context, sources)
        target = self._shelf.read(self.source)
        self._services.swaps.read(target, choices.far, context.check)
        made = self._services.swaps.plan(photos, target, choices)
        context.check()
        faces = tuple(thumbnail(made.target.image, face.face.box, SMALL) for face in made.faces)
        reasons = tuple(made.reason(number) for number in range(len(made.faces)))
        shown, names = _people(made.people, photos, sources)
        return Planned(made, made.casts, faces, reasons, shown, names, made.refusals)

    def boxes(self, planned: Planned, frame: int) -> tuple[tuple[int, Box], ...]:
        """Where the faces of a picture are."""
        assert isinstance(planned.plan, Plan)
        return tuple((number, face.face.box) for number, face in enumerate(planned.plan.faces))

    def preview(self, context: JobContext, planned: Planned, settings: SwapSettings, frame: int) -> Shown:
        """What one picture will look like, quickly."""
        assert isinstance(planned.plan, Plan) and self._picture is not None
        context.check()
        after = Picture.of(self._services.swaps.preview(planned.plan, settings))
        return Shown(self._picture, after, self.boxes(planned, frame))

    def check(
        self, context: JobContext, planned: Planned, settings: SwapSettings, frame: int
    ) -> Shown | None:
        """The same at full size with its self-check; None where the preview is all there is."""
        assert isinstance(planned.plan, Plan) and self._picture is not None
        result = self._services.swaps.render(planned.plan, settings, context.check)
        return Shown(self._picture, Picture.of(result.image), self.boxes(planned, frame), result.cards)

    def save(
        self, context: JobContext, planned: Planned, settings: SwapSettings, path: Path
    ) -> tuple[str, ...]:
        """Write the result at full size. Comes back with sentences about what is lost (see `losses`)."""
        assert isinstance(planned.plan, Plan)
        context.progress(0, 2, "Swapping")
        result = self._services.swaps.render(planned.plan, settings, context.check)
        context.progress(1, 2, "Saving")
        self._services.swaps.save(result, path)
        return losses(planned.plan.target)

    def seconds(self, frame: int) -> float:
        """When a picture is shown."""
        return 0.0

    def doubts(self, planned: Planned) -> tuple[tuple[int, str], ...]:
        """Pictures to look at before everything is made: (frame, sentence)."""
        return ()


class VideoTarget:
    """A video file. Opening it looks at every frame once, which takes a while and is remembered."""

    def __init__(self, services: Services, shelf: Shelf, source: PhotoSource) -> None:
        assert source.path is not None
        self._videos = services.swaps.videos
        self._shelf = shelf
        self.source = source
        self.path: Path = source.path
        self.frames = 1
        self._survey: Survey | None = None

    def open(self, context: JobContext) -> Picture:
        from faceapp.edit.frames import read_frame

        self._survey = self._videos.survey(context, self.path)
        self.frames = self._survey.frames
        return Picture.of(read_frame(self._survey.clip, 0, self._survey.stamps).image)

    def plan(self, context: JobContext, sources: Sequence[PhotoSource], choices: CastChoices) -> Planned:
        assert self._survey is not None
        photos = self._shelf.read_all(context, sources)
        made = self._videos.plan(photos, self._survey, choices)
        context.check()
        faces = tuple(to_qimage(self._best(number).crop) for number in range(len(made.cast.casts)))
        reasons = tuple(made.reason(number) for number in range(len(faces)))
        shown, names = _people(made.sources, photos, sources)
        return Planned(made, made.cast.casts, faces, reasons, shown, names, made.refusals)

    def boxes(self, planned: Planned, frame: int) -> tuple[tuple[int, Box], ...]:
        assert self._survey is not None
        return tuple((track.person, track.face(frame).face.box) for track in self._survey.at(frame))

    def preview(self, context: JobContext, planned: Planned, settings: SwapSettings, frame: int) -> Shown:
        from faceapp.services.swap_video import VideoPlan

        assert isinstance(planned.plan, VideoPlan)
        context.check()
        before, after, _ = self._videos.preview(planned.plan, frame, settings)
        return Shown(Picture.of(before), Picture.of(after), self.boxes(planned, frame))

    def check(
        self, context: JobContext, planned: Planned, settings: SwapSettings, frame: int
    ) -> Shown | None:
        return None

    def best_frame(self, person: int) -> int:
        """The frame that shows a person best."""
        return self._best(person).best

    def _best(self, person: int) -> FaceTrack:
        assert self._survey is not None
        return max(self._survey.people[person], key=lambda track: len(track.points))

    def seconds(self, frame: int) -> float:
        return self._survey.seconds(frame) if self._survey is not None else 0.0

    def doubts(self, planned: Planned) -> tuple[tuple[int, str], ...]:
        """Only those of people who are going to be swapped."""
        from faceapp.services.swap_video import VideoPlan

        assert isinstance(planned.plan, VideoPlan)
        cast = planned.plan.cast
        return tuple(
            (suspect.middle, suspect.sentence)
            for suspect in cast.survey.suspects
            if suspect.track in cast.roles
        )


SwapTarget: TypeAlias = PhotoTarget | VideoTarget


def is_video(source: PhotoSource) -> bool:
    """By its name and its first bytes."""
    from faceapp.stream.sources import is_video as looks_like_one

    return source.path is not None and looks_like_one(source.path)


def target_of(services: Services, shelf: Shelf, source: PhotoSource) -> SwapTarget:
    return (VideoTarget if is_video(source) else PhotoTarget)(services, shelf, source)


def _people(
    people: Sequence[SourcePerson], photos: Sequence[Photo], sources: Sequence[PhotoSource]
) -> tuple[tuple[QImage, ...], tuple[str, ...]]:
    """Small pictures of the people of the source photos, and what to call them."""
    shown = [person.faces[0] for person in people]
    pictures = tuple(thumbnail(photos[one.photo].image, one.face.face.box, SMALL) for one in shown)
    names = tuple(
        person.name or title_of(sources[one.photo].name) for person, one in zip(people, shown, strict=True)
    )
    return pictures, names
