"""Enrolment of many photos: one person's, a folder of people, the sample people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.errors import BadRequest, Conflict, FaceAppError, NotFound
from faceapp.jobs import JobContext
from faceapp.pipeline.analysis import in_order
from faceapp.pipeline.choice import no_face, subject
from faceapp.types import EnrolReport, ImportItem, NewFace, PersonName, Refusal, Skipped

if TYPE_CHECKING:
    from faceapp.services.enrolment import Enrolment

UNDONE = "enrolment_undone"  # the store's word for "taken back while it was running"
SAMPLE = (
    ("Eileen Collins", "skimage", "data/astronaut.png"),
    ("Grace Hopper", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
)


@dataclass(frozen=True, eq=False)
class _Offer:
    """One photo of an import that could be enrolled, and what speaks against it."""

    face: NewFace
    doubts: tuple[Refusal, ...]


Source = tuple[Path, ImportItem]
Result = tuple[Source, _Offer | FaceAppError]


def import_people(context: JobContext, enrolment: Enrolment, folder: Path) -> EnrolReport:
    """Import `folder`/NAME/*.jpg, one person a folder; carries on where a killed import stood.

    A photo that is doubtful (blurred, dark, several faces, ...) is left out when the person has a better
    one; a person with doubtful photos alone keeps the best of them, with a remark.

    Raises:
        NotFound, BadRequest: there is no such folder, or it holds no folders with photos.
    """
    context.progress(0, None, "Looking for photos")
    files = _files(folder)
    number, items = enrolment.store.open_import(str(folder.resolve()))
    known = {(item.path, item.size, item.modified_ns) for item in items}
    todo = [(path, item) for path, item in files if (item.path, item.size, item.modified_ns) not in known]
    results = context.track(
        in_order(todo, lambda source: _offer(enrolment, source[0])),
        total=len(files),
        done=len(files) - len(todo),
        message="Importing",
    )
    for name, group in groupby(results, key=lambda result: _person_of(result[0][1].path)):
        items += _import_person(enrolment, number, PersonName.parse(name), list(group))
    enrolment.store.close_import(number)
    return _report(enrolment, items, folder)


def enrol_photos(
    context: JobContext, enrolment: Enrolment, paths: list[Path], name: PersonName, anyway: bool = False
) -> EnrolReport:
    """Enrol many photos of one person, as one change; every one that is refused comes back with its reason.

    A cancel keeps what was enrolled so far. Raises Conflict when it was taken back while it ran."""
    from faceapp.pipeline.photos import read_photo

    skipped: list[Skipped] = []
    remarks: list[Skipped] = []
    people: set[int] = set()
    enrolled = 0
    step: int | None = None
    for path in context.track(paths, total=len(paths), message=f"Enrolling {name.full}"):
        try:
            done = enrolment.enrol(read_photo(path), name, anyway=anyway, step=step)
        except FaceAppError as error:
            if isinstance(error, BadRequest) or error.code == UNDONE:
                raise
            skipped.append(Skipped(str(path), error.code, str(error)))
        else:
            step = done.step
            people.add(done.person.id)
            remarks += done.remarks(path)
            enrolled += 1
    return EnrolReport(len(people), enrolled, enrolled, tuple(skipped), tuple(remarks), tuple(people))


def enrol_sample(context: JobContext, enrolment: Enrolment) -> EnrolReport:
    """Enrol the two public-domain portraits that come inside installed packages."""
    from faceapp.pipeline.photos import read_photo

    people: list[int] = []
    step: int | None = None
    for name, path in context.track(sample_photos(), len(SAMPLE), "Enrolling the sample people"):
        photo = read_photo(path)
        faces = enrolment.analyser.faces(photo.image)
        if not faces:
            raise no_face()
        face = faces[subject(faces, photo.width, photo.height)[0]]
        done = enrolment.enrol_face(photo, face, PersonName.parse(name), step=step)
        step = done.step
        people.append(done.person.id)
    return EnrolReport(len(people), len(people), len(people), person_ids=tuple(people))


def sample_photos() -> list[tuple[str, Path]]:
    """(name, file) of the sample people."""
    found = []
    for name, package, place in SAMPLE:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise NotFound("no_sample", f"The package {package} is not installed.", "Run make setup.")
        found.append((name, Path(spec.origin).parent / place))
    return found


def _files(folder: Path) -> list[tuple[Path, ImportItem]]:
    """Every photo below the folders of `folder`, person by person."""
    from faceapp.pipeline.photos import find_photos

    if not folder.is_dir():
        raise NotFound("no_such_folder", f"There is no folder {folder}.")
    root = folder.resolve()
    files = []
    for person in sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")):
        for path in find_photos(person):
            status = path.lstat()
            name = path.relative_to(root).as_posix()
            files.append((path, ImportItem(name, status.st_size, status.st_mtime_ns, "enrolled")))
    if not files:
        raise BadRequest(
            "no_people_folders",
            f"The folder {folder} holds no folders with photos.",
            "Make one folder for each person, or give a name for all photos.",
        )
    return files


def _offer(enrolment: Enrolment, path: Path) -> _Offer:
    """Read and analyse one file; raises FaceAppError when it cannot be enrolled at all."""
    from faceapp.pipeline.photos import read_photo

    photo = read_photo(path)
    faces = enrolment.analyser.faces(photo.image)
    if not faces:
        raise no_face()
    index, doubtful = subject(faces, photo.width, photo.height)
    face = faces[index]
    doubts = list(enrolment.doubts(photo, face))
    if doubtful:
        sentence = f"There are {len(faces)} faces on the photo, and it is not clear whose it is."
        doubts.insert(0, Refusal("several_faces", sentence, "Enrol it by hand."))
    return _Offer(enrolment.new_face(photo, face), tuple(doubts))


def _person_of(path: str) -> str:
    return path.split("/", 1)[0]


def _import_person(
    enrolment: Enrolment, number: int, name: PersonName, group: list[Result]
) -> list[ImportItem]:
    """Write one person with all their photos in one transaction; what became of each file."""
    faces, items = _settle(enrolment, group)
    try:
        enrolment.store.import_person(number, name.first_name, name.surname, faces, items)
    except BadRequest as refusal:  # the folder's name cannot be a person's
        items = [_refused(item, refusal) for item in items]
        enrolment.store.import_person(number, "", "", (), items)
    return items


def _settle(enrolment: Enrolment, group: list[Result]) -> tuple[list[NewFace], list[ImportItem]]:
    """Decide about all photos of one person: the faces to enrol, and what became of each file."""
    settled: list[ImportItem] = []
    offers: list[tuple[ImportItem, _Offer]] = []
    seen: set[str] = set()
    for (_, item), result in group:
        refusal = result if isinstance(result, FaceAppError) else _held(enrolment, result.face, seen)
        if refusal is not None:
            settled.append(_refused(item, refusal))
        elif isinstance(result, _Offer):
            seen.add(result.face.sha256)
            offers.append((item, result))
    kept = [offer for offer in offers if not offer[1].doubts] or sorted(offers, key=_doubt)[:1]
    for item, offer in offers:
        settled.append(_verdict(item, offer, (item, offer) in kept))
    return [offer.face for _, offer in kept], settled


def _refused(item: ImportItem, refusal: FaceAppError) -> ImportItem:
    return replace(item, outcome="skipped", code=refusal.code, reason=refusal.sentence)


def _held(enrolment: Enrolment, new: NewFace, seen: set[str]) -> FaceAppError | None:
    """The refusal of a face that is in the library already, or twice in this folder."""
    if new.sha256 in seen:
        return Conflict("same_photo", "The same photo is there under another name.")
    holder = enrolment.holder(new.sha256, new.face)
    if holder is None:
        return None
    return Conflict("already_enrolled", f"This face is already enrolled as {holder.name}.")


def _doubt(offer: tuple[ImportItem, _Offer]) -> tuple[int, float]:
    """The least doubtful photo sorts first: fewest doubts, then the larger and sharper face."""
    measured = offer[1].face.face.quality
    return len(offer[1].doubts), -measured.size * measured.sharpness


def _verdict(item: ImportItem, offer: _Offer, kept: bool) -> ImportItem:
    if not offer.doubts:
        return replace(item, outcome="enrolled")
    first = offer.doubts[0]
    outcome = "warned" if kept else "skipped"
    return replace(item, outcome=outcome, code=first.code, reason=first.sentence)


def _report(enrolment: Enrolment, items: list[ImportItem], folder: Path) -> EnrolReport:
    enrolled = [item for item in items if item.outcome != "skipped"]
    names = dict.fromkeys(_person_of(item.path) for item in enrolled)
    found = {name: enrolment.store.find_person(PersonName.parse(name).full) for name in names}
    people = {name: person.id for name, person in found.items() if person is not None}
    remarks = [_skipped(item, folder) for item in items if item.outcome == "warned"]
    return EnrolReport(
        people=len(people),
        photos=len(enrolled),
        faces=len(enrolled),
        skipped=tuple(_skipped(item, folder) for item in items if item.outcome == "skipped"),
        warnings=(
            *remarks,
            *_mixtures(enrolment, [item.path for item in enrolled], list(people.values()), folder),
            *_doubles(enrolment, people, folder),
        ),
        person_ids=tuple(people.values()),
    )


def _mixtures(
    enrolment: Enrolment, paths: list[str], person_ids: list[int], folder: Path
) -> Iterator[Skipped]:
    """The imported photos whose face lies between two people of the library: morphs of them?"""
    files = {str(folder.resolve() / path): path for path in paths}
    for face, pair in enrolment.recognition.mixtures(person_ids):
        if face.photo.path in files:
            both = f"{pair.person.name} and {pair.other.name}"
            sentence = f"The face lies between {both}: it may be a morph of the two."
            yield Skipped(str(folder / files[face.photo.path]), "in_between", sentence)


def _doubles(enrolment: Enrolment, people: dict[str, int], folder: Path) -> Iterator[Skipped]:
    """The imported people who look like somebody else in the library: one person under two names?"""
    pairs = enrolment.recognition.look_alike(list(people.values()))
    names = {number: name for name, number in people.items()}
    for pair in pairs:
        sentence = f"{pair.person.name} looks like {pair.other.name}: the same person under two names?"
        yield Skipped(str(folder / names[pair.person.id]), "looks_like", sentence)


def _skipped(item: ImportItem, folder: Path) -> Skipped:
    return Skipped(str(folder / item.path), item.code, item.reason)
