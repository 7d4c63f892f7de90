"""The work behind the Enrol page: job bodies, which never see a widget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PyQt5.QtGui import QImage

from faceapp.errors import BadRequest, FaceAppError, StoreUnavailable
from faceapp.jobs import JobContext
from faceapp.pipeline.analysis import in_order
from faceapp.services import Services
from faceapp.tasks.enrol import UNDONE
from faceapp.types import EnrolReport, Face, Person, PersonName, Skipped
from ui.person_dialog import EnrolledFace, enrol_face
from ui.photo_source import PhotoSource
from ui.picture import thumbnail
from ui.verdict import Verdict, judge


@dataclass(frozen=True, eq=False)
class SeenFace:
    """A face of a photo, with what speaks against it. crop: small, for a list."""

    face: Face
    verdict: Verdict
    crop: QImage


@dataclass(frozen=True, eq=False)
class Seen:
    """What is known of a photo that was looked at; its pixels are not kept."""

    sha256: str
    faces: tuple[SeenFace, ...] = ()


Told = Callable[[int, "Seen | FaceAppError"], None]


def look_at(
    context: JobContext, services: Services, photos: Sequence[tuple[int, PhotoSource]], told: Told
) -> int:
    """Look at photos on all cores; `told` hears of each, with its key. Comes back with how many."""
    sources = [source for _, source in photos]
    looked = in_order(sources, lambda source: _look(services, source))
    keys = [key for key, _ in photos]
    for key, (_, outcome) in zip(
        keys, context.track(looked, len(keys), "Looking at the photos"), strict=False
    ):
        told(key, outcome)
    return len(keys)


def _look(services: Services, source: PhotoSource) -> Seen:
    photo = source.read()
    seen = []
    for candidate in services.enrolment.candidates(photo):
        verdict = judge(services, photo, candidate.face, candidate.refusals)
        seen.append(SeenFace(candidate.face, verdict, thumbnail(photo.image, candidate.face.box)))
    return Seen(photo.sha256, tuple(seen))


@dataclass(frozen=True, eq=False)
class Wish:
    """One face to enrol. person: somebody else than the form names."""

    key: int
    source: PhotoSource
    face: Face
    person: Person | None = None


Enrolled = Callable[[int, "EnrolledFace | FaceAppError"], None]


def enrol_all(
    context: JobContext,
    services: Services,
    wishes: Sequence[Wish],
    name: PersonName,
    person_id: int | None,
    told: Enrolled,
) -> EnrolReport:
    """Enrol faces as `name`, or for the person with that id, as one change; `told` hears of each.

    A cancel keeps what was enrolled so far. Raises BadRequest for a name that cannot be, StoreUnavailable,
    and Conflict when it was taken back while it ran.
    """
    people: list[int] = []
    refused: list[Skipped] = []
    step: int | None = None
    for wish in context.track(wishes, len(wishes), f"Enrolling {name.full}".strip()):
        target = wish.person.id if wish.person else person_id
        try:
            done = enrol_face(services, wish.source.read(), wish.face, name, target, step)
        except (BadRequest, StoreUnavailable):
            raise
        except FaceAppError as error:
            if error.code == UNDONE:
                raise
            refused.append(Skipped(str(wish.source.path or wish.source.name), error.code, str(error)))
            told(wish.key, error)
        else:
            step = done.step
            people.append(done.person.id)
            told(wish.key, done)
    ids = tuple(dict.fromkeys(people))
    return EnrolReport(len(ids), len(people), len(people), tuple(refused), person_ids=ids)
