"""People into the library: one photo, many photos, or a folder of people."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from faceapp.errors import StoreUnavailable, UnusableFace
from faceapp.jobs import Job, JobContext, JobManager
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.pipeline.choice import chosen
from faceapp.ports import PeopleStore
from faceapp.services.recognition import Recognition
from faceapp.tasks import enrol
from faceapp.types import EnrolReport, Face, NewFace, Person, PersonName, Photo, Refusal, Skipped, StoredFace

CROP_MARGIN = 0.5
CROP_SIZE = 256
# What no "enrol anyway" overrules.
FINAL = frozenset({"already_enrolled"})


@dataclass(frozen=True)
class Candidate:
    """A face that could be enrolled, with everything that speaks against it."""

    face: Face
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Enrolled:
    """step: the change of the library's history that this enrolment is, or is a part of.
    overruled: what spoke against it."""

    person: Person
    face: StoredFace
    step: int
    overruled: tuple[Refusal, ...] = ()

    def remarks(self, path: Path) -> tuple[Skipped, ...]:
        """For a report: what spoke against the photo in this file, in one entry; none when nothing did."""
        if not self.overruled:
            return ()
        sentences = " ".join(refusal.sentence for refusal in self.overruled)
        return (Skipped(str(path), self.overruled[0].code, sentences),)


class Enrolment:
    """Checks a photo, says why it is refused, and puts faces into the library."""

    def __init__(
        self,
        store: PeopleStore,
        analyser: Analyser,
        recognition: Recognition,
        paths: Paths,
        jobs: JobManager,
    ) -> None:
        self._store = store
        self._analyser = analyser
        self._recognition = recognition
        self._paths = paths
        self._jobs = jobs

    def candidates(self, photo: Photo, name: str = "") -> tuple[Candidate, ...]:
        """Every face of the photo, with what speaks against enrolling it as `name`."""
        faces = self._analyser.faces(photo.image)
        return tuple(Candidate(face, self.check(photo, face, name)) for face in faces)

    def check(self, photo: Photo, face: Face, name: str = "") -> tuple[Refusal, ...]:
        """Why this face should not be enrolled as `name`; empty when nothing speaks against it.

        A face that may be a morph of two people says that first, and that it looks like one of them as a
        part of it: nobody is told to add it to them.
        """
        found = list(self.doubts(photo, face))
        holder = self.holder(photo.sha256, face)
        if holder is not None:
            sentence = f"This face is already enrolled as {holder.name}."
            return (Refusal("already_enrolled", sentence, "Nothing needs to be done."), *found)
        if face.doubtful:  # whom it looks like is chance
            return tuple(found)
        best = self._recognition.search(face, top=1).person
        wanted = self._store.find_person(name) if name.strip() else None
        its_own = best is not None and wanted is not None and best.person.id == wanted.id
        other = "" if best is None or its_own else best.person.name
        mixed = self._in_between(face, other)
        if mixed is not None:
            return (mixed, *found)
        if other:
            sentence = f"This face looks like {other}, who is enrolled."
            found.append(Refusal("looks_like", sentence, f"Add it to {other}, or enrol it anyway."))
        return tuple(found)

    def doubts(self, photo: Photo, face: Face) -> tuple[Refusal, ...]:
        """What speaks against enrolling this face, whoever it is."""
        from faceapp.pipeline import quality

        found = quality.issues(face.quality, (photo.width, photo.height))
        if not face.doubtful:
            return found
        hint = "Enrol it anyway when you see one."
        return (*found, Refusal("doubtful", "This may be no face at all.", hint))

    def _in_between(self, face: Face, alike: str) -> Refusal | None:
        """The refusal of a face that may be a morph of two people; what that is worth: `search.between`.

        alike: whom it looks like, "" for nobody.
        """
        assert face.embedding is not None, "the face was embedded"
        pairs = self._recognition.between(face.embedding, top=1)
        if not pairs or not pairs[0].suspicious:
            return None
        both = f"{pairs[0].person.name} and {pairs[0].other.name}"
        looks = f", and it looks like {alike}" if alike else ""
        sentence = f"This face lies between {both}, who are enrolled{looks}: it may be a morph of the two."
        return Refusal("in_between", sentence, "Enrol it anyway only when you know that the photo is real.")

    def holder(self, sha256: str, face: Face) -> Person | None:
        """Who this very face of this very file is enrolled as."""
        stored = self.stored(sha256, face)
        return None if stored is None else self._store.person(stored.person_id)

    def stored(self, sha256: str, face: Face) -> StoredFace | None:
        """This very face of this very file, where it is enrolled."""
        faces = self._store.faces_on(sha256)
        return next((stored for stored in faces if stored.box.same_face(face.box)), None)

    def enrol(
        self,
        photo: Photo,
        name: PersonName,
        face: int | None = None,
        anyway: bool = False,
        person_id: int | None = None,
        step: int | None = None,
    ) -> Enrolled:
        """Enrol one face of a photo, for a person found by name (or id) or made new.

        Args:
            face: which face, where there are several; what is most likely no face does not count unless it
                is chosen.
            anyway: enrol in spite of what speaks against it (a face that is enrolled already stays refused).
            step: that of the photos before this one, where many are enrolled together: they are taken back
                together.

        Raises:
            UnusableFace: no face, several faces and none chosen, or a reason of `check`.
        """
        candidates = self.candidates(photo, name.full)
        sure = [candidate for candidate in candidates if not candidate.face.doubtful]
        if face is None and sure:
            candidates = tuple(sure)
        candidate = candidates[chosen(len(candidates), face)]
        for refusal in candidate.refusals:
            if not anyway or refusal.code in FINAL:
                raise UnusableFace(refusal.code, refusal.sentence, refusal.hint)
        enrolled = self.enrol_face(photo, candidate.face, name, person_id, step)
        return replace(enrolled, overruled=candidate.refusals)

    def enrol_face(
        self,
        photo: Photo,
        face: Face,
        name: PersonName,
        person_id: int | None = None,
        step: int | None = None,
    ) -> Enrolled:
        """Put an analysed face into the library without a further check: a new person and the face are one
        change. step: as for `enrol`."""
        who = name if person_id is None else person_id
        stored, step = self._store.enrol(who, [self.new_face(photo, face)], step)
        return Enrolled(self._store.person(stored[0].person_id), stored[0], step)

    def new_face(self, photo: Photo, face: Face) -> NewFace:
        """The record that the store takes; a photo without a file of its own is kept as one."""
        from faceapp.pipeline.crops import jpeg_crop

        return NewFace(
            sha256=photo.sha256,
            path=photo.path or str(self._keep(photo)),
            width=photo.width,
            height=photo.height,
            face=face,
            model_key=self._analyser.model_key,
            crop=jpeg_crop(photo.image, face.box, CROP_MARGIN, CROP_SIZE),
        )

    def start_import(self, folder: Path) -> Job:
        """Import a folder with one folder of photos a person, as a job whose result is an EnrolReport."""
        body = partial(self.import_people, folder=folder)
        return self._jobs.submit("import", f"Import {folder.name}", body)

    def start_photos(self, paths: Iterable[Path], name: PersonName, anyway: bool = False) -> Job:
        """Enrol many photos of one person, as a job whose result is an EnrolReport."""
        chosen = list(paths)
        body = partial(self.enrol_photos, paths=chosen, name=name, anyway=anyway)
        return self._jobs.submit("enrol", f"Enrol {name.full}", body)

    def start_sample(self) -> Job:
        """Enrol the two public-domain portraits that come inside installed packages."""
        return self._jobs.submit("enrol", "Enrol the sample people", self.enrol_sample)

    def import_people(self, context: JobContext, folder: Path) -> EnrolReport:
        return enrol.import_people(context, self, folder)

    def enrol_photos(
        self, context: JobContext, paths: list[Path], name: PersonName, anyway: bool = False
    ) -> EnrolReport:
        return enrol.enrol_photos(context, self, paths, name, anyway)

    def enrol_sample(self, context: JobContext) -> EnrolReport:
        return enrol.enrol_sample(context, self)

    @property
    def store(self) -> PeopleStore:
        """For the job bodies in `tasks`."""
        return self._store

    @property
    def analyser(self) -> Analyser:
        return self._analyser

    @property
    def recognition(self) -> Recognition:
        return self._recognition

    def _keep(self, photo: Photo) -> Path:
        """Write an uploaded, pasted or taken photo into the data folder, under its hash."""
        assert photo.data is not None, "a photo has a path or its bytes"
        suffix = Path(photo.name).suffix.lower() if photo.name else ""
        target = self._paths.photos / photo.sha256[:2] / f"{photo.sha256}{suffix or '.png'}"
        if target.exists():
            return target
        temporary = target.with_suffix(".tmp")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(photo.data)
            os.replace(temporary, target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise StoreUnavailable(
                "photo_not_kept", f"The photo could not be kept: {error.strerror}.", "Is the disk full?"
            ) from error
        return target
