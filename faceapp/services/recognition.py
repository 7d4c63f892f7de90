"""Who is on a photo, and whom a face looks like."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from faceapp.config import SettingsFile
from faceapp.errors import FaceAppError
from faceapp.models.base import Calibration, ModelSpec
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.ports import PeopleStore
from faceapp.search import between
from faceapp.search.assign import one_person_once
from faceapp.search.calibrate import Strangers, library_threshold, threshold_among
from faceapp.search.gallery import Gallery, Neighbour
from faceapp.types import Face, FaceMatches, Floats, Match, Person, PersonName, Photo, StoredFace

if TYPE_CHECKING:
    from faceapp.build.card import Known
    from faceapp.build.recogniser import Guess, Recogniser

# How many people a face is compared with when everybody may appear only once.
ASSIGNMENT_DEPTH = 5
# A face and its mirror image: a quarter of the time of all views. In a folder the face alone, twice as
# quick again: of LFW's second photos 94.0 % are then nearest to the right person instead of 95.2 %.
QUICK_VIEWS = 2
FOLDER_VIEWS = 1


@dataclass(frozen=True)
class Pair:
    """Two people who look alike."""

    person: Person
    other: Person
    distance: float


@dataclass(frozen=True)
class Between:
    """Two enrolled people whom a face may be a mixture of.

    share: of the second one, 0 to 1. figure: how much better a mixture of the two explains the face than the
    nearest person alone, 1 for no better, 0 for wholly. suspicious: it hardly ever is so good by chance.
    """

    person: Person
    other: Person
    share: float
    figure: float
    suspicious: bool


class Recognition:
    """Searches in the library as it stands at the moment of the call."""

    def __init__(
        self, store: PeopleStore, analyser: Analyser, embedder: ModelSpec, settings: SettingsFile
    ) -> None:
        assert embedder.calibration is not None, f"{embedder.key} has no threshold"
        self._store = store
        self._analyser = analyser
        self._calibration: Calibration = embedder.calibration
        self._settings = settings
        self._lock = threading.Lock()
        self._view: _View | None = None
        # What recognises instead of nearest neighbour; lookalikes are always searched in the library.
        self.matcher: Callable[[], Recogniser | None] = lambda: None

    @property
    def threshold(self) -> float:
        """Cosine distance up to which a face and somebody of this library count as one person."""
        return self._settings.current.threshold or self._current().threshold

    def threshold_among(self, comparisons: int) -> float:
        """The distance up to which two faces count as one person, when so many are compared with."""
        return self._settings.current.threshold or threshold_among(self._calibration, comparisons)

    def picture_threshold(self, faces: int) -> float:
        """The same for a picture of so many faces, each compared with everybody of this library."""
        return self.threshold_among(faces * len(self._current().gallery.person_ids))

    def lookalikes(self, photo: Photo, top: int = 10) -> tuple[FaceMatches, ...]:
        """Every face of the photo with the `top` people it resembles most, best first. What is most
        likely no face is nobody, however near."""
        return tuple(self.resemble(face, top) for face in self._analyser.faces(photo.image))

    def resemble(self, face: Face, top: int = 10) -> FaceMatches:
        """The same for one analysed face."""
        return _nobody_if_doubtful(self.search(face, top))

    def search(self, face: Face, top: int = 10) -> FaceMatches:
        """The `top` people that an analysed face resembles most, best first; a doubtful face too."""
        assert face.embedding is not None, "the face was not embedded"
        return FaceMatches(face, self.nearest(face.embedding, top))

    def nearest(self, embedding: Floats, top: int = 10) -> tuple[Match, ...]:
        """The `top` people that an embedding (D,) resembles most, best first."""
        view = self._current()
        near = view.gallery.nearest(embedding, self._analyser.model_key, top + view.rejected_people)
        found = [neighbour for neighbour in near if not view.rejects(embedding, neighbour)]
        return self._matches(view, found[:top])

    def between(self, embedding: Floats, top: int = 5) -> tuple[Between, ...]:
        """The pairs of people that an embedding (D,) lies between, best first; see `search.between`."""
        view = self._current()
        near = view.gallery.nearest(embedding, self._analyser.model_key, between.NEAREST)
        return self._between(view, embedding, near, top)

    def mixtures(self, person_ids: list[int]) -> list[tuple[StoredFace, Between]]:
        """Which enrolled faces of these people suspiciously lie between two people of the library; the face
        itself does not count as anybody's."""
        view = self._current()
        found = []
        for face_id, near in view.gallery.nearest_to_own(person_ids, between.NEAREST):
            (embedding,) = view.gallery.vectors_of([face_id])
            best = self._between(view, embedding, near, top=1)
            if best and best[0].suspicious:
                found.append((face_id, best[0]))
        faces = self._store.faces_by_ids([face_id for face_id, _ in found])
        return [(faces[face_id], pair) for face_id, pair in found if face_id in faces]

    def _between(
        self, view: _View, embedding: Floats, near: list[Neighbour], top: int
    ) -> tuple[Between, ...]:
        if len(near) < 2:
            return ()
        found = between.pairs(embedding, view.gallery.vectors_of([one.face_id for one in near]), top)
        people, _ = self._shown(view, near)
        limit = between.limit(len(view.gallery.person_ids))
        return tuple(
            Between(
                people[near[pair.one].person_id], people[near[pair.other].person_id],
                pair.share, pair.figure, pair.figure <= limit,
            )
            for pair in found
            if near[pair.one].person_id in people and near[pair.other].person_id in people
        )  # fmt: skip

    def recognise(self, photo: Photo) -> tuple[FaceMatches, ...]:
        """Who is on the photo: every face with one match, whose `same_person` is False for a stranger."""
        return self.recognise_faces(self._analyser.faces(photo.image, views=QUICK_VIEWS))

    def recognise_faces(self, faces: tuple[Face, ...]) -> tuple[FaceMatches, ...]:
        """The same for the analysed faces of one photo, in their order."""
        return self._decide(tuple(_nobody_if_doubtful(self._identified(face)) for face in faces))

    def identify(self, embedding: Floats, top: int = ASSIGNMENT_DEPTH) -> tuple[Match, ...]:
        """Who has this embedding (D,), by the recogniser that was chosen, else by nearest neighbour.

        A recogniser's scores come as distances that are the threshold where it is in two minds. Somebody who
        is not in the library comes as a person with a negative id.
        """
        matcher = self.matcher()
        if matcher is None:
            return self.nearest(embedding, top)
        view, threshold = self._current(), self.threshold
        refused = self._refused(view, embedding)
        matches = [
            self._guessed(view, guess, threshold) for guess in matcher.rank(embedding, top + len(refused))
        ]
        return tuple(match for match in matches if match.person.id not in refused)[:top]

    def _identified(self, face: Face) -> FaceMatches:
        assert face.embedding is not None, "the face was not embedded"
        return FaceMatches(face, self.identify(face.embedding))

    def _guessed(self, view: _View, guess: Guess, threshold: float) -> Match:
        person = self._known(guess.known)
        cover = person.cover_face_id if person is not None else None
        face = self._store.faces_by_ids([cover]).get(cover) if cover is not None else None
        # Twice the threshold for no likeness at all, 0 for every certainty.
        distance = 2.0 * threshold * (1.0 - guess.confidence)
        return Match(
            person=person or stand_in(guess),
            face_id=face.id if face is not None else 0,
            distance=distance,
            percentile=view.strangers.percentile(distance),
            same_person=guess.certainty >= 0,
            photo=face.photo.path if face is not None else "",
        )

    def _known(self, known: Known) -> Person | None:
        """The person of the library: by the number that they had when it was built here, else by name."""
        if known.person_id is not None:
            found = self._store.people_by_ids([known.person_id]).get(known.person_id)
            if found is not None:
                return found
        return self._store.find_person(known.name)

    def _refused(self, view: _View, embedding: Floats) -> set[int]:
        """The people that the user said this face is not."""
        if not view.rejected_people:
            return set()
        people = len(view.gallery.person_ids)
        near = view.gallery.nearest(embedding, self._analyser.model_key, people)
        return {one.person_id for one in near if view.rejects(embedding, one)}

    def recognise_many(
        self, paths: Iterable[Path]
    ) -> Iterator[tuple[Path, tuple[FaceMatches, ...] | FaceAppError]]:
        """The same for many photos, on all cores, in order; an unusable one comes with its error."""
        from faceapp.pipeline.photos import read_photo

        def work(path: Path) -> tuple[FaceMatches, ...]:
            return self.recognise_faces(self._analyser.faces(read_photo(path).image, views=FOLDER_VIEWS))

        return in_order(paths, work)

    def explain(self) -> str:
        """What the percentile is measured against, for a person."""
        return self._current().strangers.source

    def reject(self, person_id: int, face: Face) -> None:
        """Remember that this face is not that person."""
        assert face.embedding is not None, "the face was not embedded"
        self._store.reject(person_id, self._analyser.model_key, face.embedding)

    def _decide(self, faces: tuple[FaceMatches, ...]) -> tuple[FaceMatches, ...]:
        if self._settings.current.one_person_once and len(faces) > 1:
            picked = one_person_once(faces)
        else:
            picked = [0 if face.person else None for face in faces]
        pairs = zip(faces, picked, strict=True)
        return tuple(replace(face, matches=_only(face, index)) for face, index in pairs)

    def _matches(self, view: _View, found: list[Neighbour]) -> tuple[Match, ...]:
        people, faces = self._shown(view, found)
        threshold = self._settings.current.threshold or view.threshold
        return tuple(
            Match(
                person=people[neighbour.person_id],
                face_id=neighbour.face_id,
                distance=neighbour.distance,
                percentile=view.strangers.percentile(neighbour.distance),
                same_person=neighbour.distance <= threshold,
                photo=faces[neighbour.face_id].photo.path,
            )
            for neighbour in found
            # Another process may have deleted somebody since the gallery was read.
            if neighbour.person_id in people and neighbour.face_id in faces
        )

    def _shown(
        self, view: _View, found: list[Neighbour]
    ) -> tuple[dict[int, Person], dict[int, StoredFace]]:
        """The people and faces of neighbours. Read once for each version of the library: live recognition
        asks for the same ones many times a second."""
        people = [one.person_id for one in found if one.person_id not in view.people]
        faces = [one.face_id for one in found if one.face_id not in view.faces]
        if people or faces:
            view.people.update(self._store.people_by_ids(people))
            view.faces.update(self._store.faces_by_ids(faces))
        return view.people, view.faces

    def look_alike(self, person_ids: list[int]) -> list[Pair]:
        """Which of these people look so much like somebody else in the library that chance is unlikely."""
        gallery = self._current().gallery
        comparisons = len(person_ids) * len(gallery.person_ids) // 2
        pairs = gallery.pairs_within(self.threshold_among(comparisons), person_ids)
        people = self._store.people_by_ids([number for pair in pairs for number in pair[:2]])
        return [
            Pair(people[one], people[other], distance)
            for one, other, distance in pairs
            if one in people and other in people
        ]

    def _current(self) -> _View:
        revision = self._store.revision()
        with self._lock:
            if self._view is None or self._view.revision != revision:
                self._view = self._read(revision)
            return self._view

    def _read(self, revision: int) -> _View:
        key = self._analyser.model_key
        gallery = Gallery(self._store.embeddings(key))
        rejections: dict[int, list[Floats]] = {}
        for person_id, embedding in self._store.rejections(key):
            rejections.setdefault(person_id, []).append(embedding)
        strangers = Strangers.best(gallery, self._calibration)
        return _View(revision, gallery, strangers, library_threshold(gallery, self._calibration), rejections)


def stand_in(guess: Guess) -> Person:
    """Somebody whom a recogniser knows and the library does not. Their id is negative."""
    name = PersonName.parse(guess.known.name)
    return Person(-1 - guess.index, name.first_name, name.surname)


def _nobody_if_doubtful(face: FaceMatches) -> FaceMatches:
    """The embedding of what is no face is a place among the people by chance."""
    if not face.face.doubtful:
        return face
    return replace(face, matches=tuple(replace(match, same_person=False) for match in face.matches))


def _only(face: FaceMatches, index: int | None) -> tuple[Match, ...]:
    """The match that was picked, or the nearest one as a stranger's."""
    if index is not None:
        return (face.matches[index],)
    return tuple(replace(match, same_person=False) for match in face.matches[:1])


class _View:
    """One version of the library, as a search sees it."""

    def __init__(
        self,
        revision: int,
        gallery: Gallery,
        strangers: Strangers,
        threshold: float,
        rejections: dict[int, list[Floats]],
    ) -> None:
        self.revision = revision
        self.gallery = gallery
        self.strangers = strangers
        self.threshold = threshold
        self.people: dict[int, Person] = {}
        self.faces: dict[int, StoredFace] = {}
        self._rejections = rejections
        self.rejected_people = len(rejections)

    def rejects(self, embedding: Floats, neighbour: Neighbour) -> bool:
        """True when the face is nearer to one that was said not to be this person than to the person."""
        said = self._rejections.get(neighbour.person_id, ())
        return any(1.0 - float(other @ embedding) <= neighbour.distance for other in said)
