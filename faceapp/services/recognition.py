"""Who is on a photo, and whom a face looks like."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from faceapp.config import SettingsFile
from faceapp.errors import FaceAppError
from faceapp.models.base import Calibration, ModelSpec
from faceapp.pipeline.analysis import Analyser, in_order
from faceapp.ports import PeopleStore
from faceapp.search.assign import one_person_once
from faceapp.search.calibrate import Strangers, library_threshold, threshold_among
from faceapp.search.gallery import Gallery, Neighbour
from faceapp.types import Face, FaceMatches, Floats, Match, Person, Photo

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
        """Every face of the photo with the `top` people it resembles most, best first."""
        return tuple(self.search(face, top) for face in self._analyser.faces(photo.image))

    def search(self, face: Face, top: int = 10) -> FaceMatches:
        """The `top` people that an analysed face resembles most, best first."""
        assert face.embedding is not None, "the face was not embedded"
        return FaceMatches(face, self.nearest(face.embedding, top))

    def nearest(self, embedding: Floats, top: int = 10) -> tuple[Match, ...]:
        """The `top` people that an embedding (D,) resembles most, best first."""
        view = self._current()
        near = view.gallery.nearest(embedding, self._analyser.model_key, top + view.rejected_people)
        found = [neighbour for neighbour in near if not view.rejects(embedding, neighbour)]
        return self._matches(view, found[:top])

    def recognise(self, photo: Photo) -> tuple[FaceMatches, ...]:
        """Who is on the photo: every face with one match, whose `same_person` is False for a stranger."""
        return self.recognise_faces(self._analyser.faces(photo.image, views=QUICK_VIEWS))

    def recognise_faces(self, faces: tuple[Face, ...]) -> tuple[FaceMatches, ...]:
        """The same for the analysed faces of one photo, in their order."""
        return self._decide(tuple(self.search(face, ASSIGNMENT_DEPTH) for face in faces))

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
        people = self._store.people_by_ids([neighbour.person_id for neighbour in found])
        faces = self._store.faces_by_ids([neighbour.face_id for neighbour in found])
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
        self._rejections = rejections
        self.rejected_people = len(rejections)

    def rejects(self, embedding: Floats, neighbour: Neighbour) -> bool:
        """True when the face is nearer to one that was said not to be this person than to the person."""
        said = self._rejections.get(neighbour.person_id, ())
        return any(1.0 - float(other @ embedding) <= neighbour.distance for other in said)
