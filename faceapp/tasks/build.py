"""Building a recogniser: photos to vectors here, training in a process of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from faceapp.build import dataset
from faceapp.build.card import MOST_LEFT_OUT, Card, Known
from faceapp.build.dataset import FEWEST_PEOPLE, FEWEST_PHOTOS, SAME_PHOTO, STRANGER, TRAIN, Dataset
from faceapp.build.process import TrainingProcess
from faceapp.build.workspace import Request, Workspace
from faceapp.errors import BadRequest, Cancelled, FaceAppError, UnusableFace
from faceapp.jobs import JobContext
from faceapp.models.base import Embedder
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.pipeline.choice import no_face, subject
from faceapp.ports import PeopleStore
from faceapp.types import Box, Detections, Face, Floats, Ints, Photo, Skipped

# What `recognise` sees of a face, for the photos that are held back.
QUICK_VIEWS = 2
# Of a person with more photos the first are taken; of the strangers a sample.
MOST_PHOTOS = 60
MOST_STRANGERS = 600
# Between two questions whether the job was cancelled.
POLL_SECONDS = 0.1
# How long a cancelled training may take to write the best so far; the program gives a job 5 to end.
GRACE_SECONDS = 3.5


@dataclass(frozen=True, eq=False)
class Source:
    """A photo of somebody to learn. face: where on it they are, None where that is still to be found.

    person: index into the names, or STRANGER. vector: the library's embedding of the face. name: what the
    photo was called where it came from, if that is not its path.
    """

    person: int
    path: Path
    face: Detections | None = None
    vector: Floats | None = None
    sha256: str = ""
    name: str = ""

    @property
    def shown(self) -> str:
        return self.name or str(self.path)


@dataclass(frozen=True, eq=False)
class Gathered:
    """What a build is made from. names: with the id in the library where there is one."""

    people: tuple[Known, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, eq=False)
class View:
    """A source that was read: its quick embedding (D,), and where the face is."""

    source: Source
    vector: Floats
    sha256: str
    face: Detections | None


def of_library(
    store: PeopleStore, model_key: str, person_ids: Sequence[int], seed: int, strangers: bool = True
) -> Gathered:
    """The photos of these people, and the rest of the library as strangers. Raises NotFound."""
    rows = store.embeddings(model_key)
    vectors = dict(zip(rows.face_ids.tolist(), rows.vectors, strict=True))
    people = tuple(Known(person.name, person.id) for person in (store.person(one) for one in person_ids))
    sources = [
        _stored(index, face, vectors[face.id])
        for index, known in enumerate(people)
        for face in store.faces_of(known.person_id or 0)[:MOST_PHOTOS]
        if face.id in vectors
    ]
    if strangers:
        sources += library_strangers(store, model_key, {person.casefold() for person in _names(people)}, seed)
    return Gathered(people, tuple(sources))


def of_photos(
    people: Sequence[tuple[str, Sequence[Path]]], names: Mapping[Path, str] = MappingProxyType({})
) -> tuple[tuple[Known, ...], list[Source]]:
    """The photos of a folder or an upload: (name, files) of each person. names: of files, as they came."""
    known = tuple(Known(name) for name, _ in people)
    sources = [
        Source(index, path, name=names.get(path, ""))
        for index, (_, paths) in enumerate(people)
        for path in list(paths)[:MOST_PHOTOS]
    ]
    return known, sources


def library_strangers(
    store: PeopleStore, model_key: str, names: set[str], seed: int, most: int = MOST_STRANGERS
) -> list[Source]:
    """One face of each person of the library who is not among the names (in small letters)."""
    rows = store.embeddings(model_key)
    vectors = dict(zip(rows.face_ids.tolist(), rows.vectors, strict=True))
    others = [person for person in store.people() if person.name.casefold() not in names]
    order = np.random.default_rng(seed).permutation(len(others))[:most]
    first: dict[int, int] = {}
    for face_id, person_id in zip(rows.face_ids.tolist(), rows.person_ids.tolist(), strict=True):
        first.setdefault(person_id, face_id)
    chosen = [first[others[index].id] for index in sorted(order.tolist()) if others[index].id in first]
    faces = store.faces_by_ids(chosen)
    return [_stored(STRANGER, faces[face_id], vectors[face_id]) for face_id in chosen if face_id in faces]


def strange_photos(paths: Iterable[Path], most: int = MOST_STRANGERS) -> list[Source]:
    """Photos of strangers from a folder."""
    return [Source(STRANGER, path) for path in list(paths)[:most]]


def _names(people: Iterable[Known]) -> list[str]:
    return [known.name for known in people]


def _stored(person: int, face: Any, vector: Floats) -> Source:
    box = np.array([[face.box.x1, face.box.y1, face.box.x2, face.box.y2]], np.float32)
    points = np.asarray(face.landmarks, np.float32)[None]
    place = Detections(box, np.array([face.quality.score], np.float32), points)
    return Source(person, Path(face.photo.path), place, vector, face.photo.sha256)


# -- photos to vectors -------------------------------------------------------------------------


Row = tuple[Floats, int, int, bool, str]


def make_dataset(
    context: JobContext, analyser: Analyser, embedder: Embedder, gathered: Gathered, seed: int
) -> tuple[Dataset, tuple[Known, ...], list[Skipped]]:
    """Embed everything: photos, split, then changed copies of those to learn from.

    Comes back with the data, the people in them, and the photos and people that were left out.
    Raises BadRequest, UnusableFace when too little is left.
    """
    people, views, left_out = read_views(context, analyser, embedder, gathered)
    parts = split_views(views, seed)
    learned = [
        view
        for view, part in zip(views, parts.tolist(), strict=True)
        if part == TRAIN and view.source.person != STRANGER
    ]
    changed = change_views(context, embedder, learned, seed)
    return put_together(people, views, parts, changed), people, left_out


def read_views(
    context: JobContext, analyser: Analyser, embedder: Embedder, gathered: Gathered
) -> tuple[tuple[Known, ...], list[View], list[Skipped]]:
    """Every photo as `recognise` sees it; the people with photos enough; what was left out."""
    views, left_out = _read(context, analyser, embedder, gathered)
    views, shared = _of_one_person(gathered.people, views)
    people, views, few = _enough(gathered.people, views, shared)
    return people, views, [*left_out, *shared, *few]


def split_views(views: Sequence[View], seed: int) -> Ints:
    """(N,) the part of each view."""
    people = np.array([view.source.person for view in views], np.int64)
    known, strange = np.flatnonzero(people != STRANGER), np.flatnonzero(people == STRANGER)
    parts = np.zeros(len(views), np.int64)
    vectors = np.stack([view.vector for view in views])[known]
    hashes = [views[index].sha256 for index in known.tolist()]
    parts[known] = dataset.split(people[known], hashes, vectors, seed)
    parts[strange] = dataset.split_strangers(len(strange), seed)
    # A photo of a known person on which a stranger was found as well stays in one part.
    held = {views[index].sha256: int(parts[index]) for index in known.tolist()}
    for index in strange.tolist():
        parts[index] = held.get(views[index].sha256, int(parts[index]))
    return parts


def change_views(
    context: JobContext, embedder: Embedder, views: Sequence[View], seed: int
) -> dict[int, list[Row]]:
    """The rows to learn from of each of these views, by the view's id()."""

    def work(view: View) -> list[Row]:
        return _learned(embedder, view, seed)

    changed = {}
    for view, result in context.track(in_order(views, work), len(views), "Changing photos"):
        if isinstance(result, FaceAppError):
            raise result
        changed[id(view)] = result
    return changed


def put_together(
    people: Sequence[Known], views: Sequence[View], parts: Ints, changed: dict[int, list[Row]]
) -> Dataset:
    """The dataset of views in their parts; those to learn from with their changed copies."""
    rows: list[Row] = []
    for view, part in zip(views, parts.tolist(), strict=True):
        if part == TRAIN and view.source.person != STRANGER:
            rows += changed[id(view)]
        else:
            rows.append((view.vector, view.source.person, part, True, view.sha256))
    return dataset.stack(_names(people), rows)


def _read(
    context: JobContext, analyser: Analyser, embedder: Embedder, gathered: Gathered
) -> tuple[list[View], list[Skipped]]:
    views: list[View] = []
    left_out: list[Skipped] = []

    def look(source: Source) -> View:
        return _look(analyser, embedder, source)

    sources = gathered.sources
    for source, result in context.track(in_order(sources, look), len(sources), "Reading photos"):
        if isinstance(result, FaceAppError):
            left_out.append(Skipped(source.shown, result.code, str(result)))
        else:
            views.append(result)
    return views, left_out


def _look(analyser: Analyser, embedder: Embedder, source: Source) -> View:
    """The face as `recognise` sees it; the library's embedding where its photo is gone.

    Raises FaceAppError.
    """
    from faceapp.build.augment import cut
    from faceapp.pipeline.photos import read_photo

    try:
        photo = read_photo(source.path)
        if source.vector is not None and photo.sha256 != source.sha256:
            return View(source, source.vector, source.sha256, None)
        face = source.face or _found(analyser, photo)
    except FaceAppError:
        if source.vector is None:
            raise
        return View(source, source.vector, source.sha256, None)
    image, place = cut(photo.image, face)
    vector = embedder.embed(image, place, QUICK_VIEWS)[0]
    return View(source, vector, photo.sha256, face)


def _found(analyser: Analyser, photo: Photo) -> Detections:
    faces = analyser.faces(photo.image, embed=False)
    if not faces:
        raise no_face()
    return place_of(faces[subject(faces, photo.width, photo.height)[0]])


def place_of(face: Face) -> Detections:
    """One face as a detector gives it."""
    box: Box = face.box
    return Detections(
        np.array([[box.x1, box.y1, box.x2, box.y2]], np.float32),
        np.array([face.quality.score], np.float32),
        np.asarray(face.landmarks, np.float32)[None],
    )


def _of_one_person(people: Sequence[Known], views: Sequence[View]) -> tuple[list[View], list[Skipped]]:
    """The views without the faces that are given for several people: nobody can tell whose they are.

    A photo on which each of them has a face of their own stays.
    """
    by_photo: dict[str, list[View]] = {}
    for view in views:
        if view.source.person != STRANGER:
            by_photo.setdefault(view.sha256, []).append(view)
    kept, shared = [], []
    for view in views:
        same = [
            other.source.person
            for other in by_photo.get(view.sha256, ())
            if 1 - float(view.vector @ other.vector) < SAME_PHOTO
        ]
        names = [people[index].name for index in sorted(set(same))]
        if view.source.person == STRANGER or len(names) < 2:
            kept.append(view)
            continue
        given = f"{', '.join(f'for {name}' for name in names[:-1])} and for {names[-1]}"
        both = "both" if len(names) == 2 else "all of them"
        reason = f"The photo is given {given}: it was left out for {both}."
        shared.append(Skipped(view.source.shown, "same_photo", reason))
    return kept, shared


def _enough(
    people: tuple[Known, ...], views: list[View], shared: Sequence[Skipped]
) -> tuple[tuple[Known, ...], list[View], list[Skipped]]:
    """The people with photos enough, numbered anew, with their views.

    shared: the photos that were left out since they are given for several people. Raises BadRequest,
    UnusableFace.
    """
    photos: dict[int, set[str]] = {index: set() for index in range(len(people))}
    for view in views:
        if view.source.person != STRANGER:
            photos[view.source.person].add(view.sha256)
    if not any(photos.values()) and not shared:
        raise UnusableFace(
            "no_faces", "No face was found on any of the photos.",
            "Use photos on which the face is large, light and seen from the front.",
        )
    kept = [index for index in photos if len(photos[index]) >= FEWEST_PHOTOS]
    if len(kept) < FEWEST_PEOPLE:
        raise too_few(len(kept), shared)
    alone = " that are given for nobody else" if shared else ""
    number = {index: place for place, index in enumerate(kept)} | {STRANGER: STRANGER}
    few = [
        Skipped(
            people[index].name, "too_few_photos",
            f"{people[index].name} has only {len(own)} photos with a face{alone},"
            f" {FEWEST_PHOTOS} are needed.",
        )
        for index, own in photos.items()
        if index not in number
    ]
    renumbered = [
        replace(view, source=replace(view.source, person=number[view.source.person]))
        for view in views
        if view.source.person in number
    ]
    return tuple(people[index] for index in kept), renumbered, few


def too_few(people: int, shared: Sequence[Skipped] = ()) -> FaceAppError:
    """The refusal of a build with so many people who have photos enough. shared: photos that were left out
    since they are given for several people."""
    who = "Nobody has" if people == 0 else "Only one person has"
    why = "."
    if shared:
        why = f" that are given for nobody else. {Path(shared[0].path).name}: {shared[0].reason}"
    return BadRequest(
        "too_few_people", f"{who} {FEWEST_PHOTOS} photos or more with a face{why}",
        f"A recogniser needs {FEWEST_PEOPLE} people with {FEWEST_PHOTOS} different photos each.",
    )


def _learned(embedder: Embedder, view: View, seed: int) -> list[Row]:
    """The rows of a photo to learn from: its best embedding, the quick one, one of each changed copy."""
    from faceapp.build.augment import augment, cut
    from faceapp.pipeline.photos import read_photo

    person = view.source.person
    rows: list[Row] = [(view.vector, person, TRAIN, view.face is None, view.sha256)]
    if view.face is None:
        return rows
    image, place = cut(read_photo(view.source.path).image, view.face)
    best = view.source.vector if view.source.vector is not None else embedder.embed(image, place)[0]
    rows.append((best, person, TRAIN, True, view.sha256))
    random = np.random.default_rng([seed, int(view.sha256[:8], 16)])
    for changed, moved in augment(image, place, random):
        rows.append((embedder.embed(changed, moved, views=1)[0], person, TRAIN, False, view.sha256))
    return rows


# -- the whole build ---------------------------------------------------------------------------


def prepare(
    context: JobContext,
    analyser: Analyser,
    embedder: Embedder,
    gathered: Gathered,
    workspace: Workspace,
    request: Request,
) -> Request:
    """Write the data of a build into its folder; comes back with the request as it is kept."""
    data, people, left_out = make_dataset(context, analyser, embedder, gathered, request.seed)
    known = data.people != STRANGER
    plain = data.plain & known
    facts = {
        "hash": dataset.fingerprint(
            data.names, data.people[plain], data.photos[plain].tolist(), request.embedder
        ),
        "people": len(people),
        "photos": int(plain.sum()),
        "strangers": int((~known).sum()),
        "parts": {
            name: [int((plain & (data.parts == part)).sum()), int((~known & (data.parts == part)).sum())]
            for part, name in enumerate(("learned", "chosen by", "tested"))
        },
        "views": len(data.vectors),
        "left_out": [{"path": one.path, "reason": one.reason} for one in left_out[:MOST_LEFT_OUT]],
    }
    complete = replace(request, people=people, facts=facts)
    data.save(workspace.data)
    workspace.write_request(complete)
    return complete


Listener = Callable[[dict[str, Any]], None]


def train(context: JobContext, workspace: Workspace, listen: Listener = lambda _: None) -> Card:
    """Run the search of a prepared build in a process of its own until it has ended; its card.

    A build that was interrupted goes on. Cancelled: what was best so far stays in the folder.
    listen: gets every message of the process, on this thread.
    """
    from faceapp.build import archive

    process = TrainingProcess(workspace.folder, workspace.log)
    try:
        for message in process.messages(POLL_SECONDS):
            context.check()
            if message is None:
                continue
            if message["kind"] == "progress":
                context.progress(message["done"], message["total"], message["message"])
            listen(message)
    except Cancelled:
        process.stop()
        process.close(GRACE_SECONDS)
        raise
    finally:
        process.close()
    card = archive.read(workspace.model).card
    workspace.finish()
    return card
