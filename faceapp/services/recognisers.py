"""Recognisers: built from people, kept as files, used beside nearest neighbour."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import shutil
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from faceapp.build.card import Candidate, Card, Known, Which
from faceapp.build.upload import Upload, by_person
from faceapp.build.workspace import Budget, Request, Workspace
from faceapp.config import SettingsFile
from faceapp.errors import (
    BadRequest,
    Conflict,
    FaceAppError,
    NotFound,
    StoreUnavailable,
    TooLarge,
    UnusableFace,
    UnusablePhoto,
)
from faceapp.jobs import Job, JobContext, JobManager, State
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.ports import PeopleStore
from faceapp.types import Face, Photo

if TYPE_CHECKING:
    from faceapp.build.comparison import Side
    from faceapp.build.recogniser import Guess, Recogniser
    from faceapp.tasks.build import Gathered

log = logging.getLogger(__name__)

FOLDER = "recognisers"
UPLOADED = "photos"
# What stands behind the colon of the setting.
WHICH: dict[str, Which] = {"network": "network", "plain": "plain"}
GUESSES = 5
QUICK_VIEWS = 2
DEFAULT_BUDGET = Budget()
# How many photos an upload is looked at before it is taken: so that one without faces is refused at once.
FIRST_LOOK = 30
FIRST_LOOK_EACH = 3


@dataclass(frozen=True)
class Entry:
    """One recogniser, built or being built.

    state: "waiting", "building", "ready" (its file is there), "stopped" (it can go on; it may have a file)
    or "failed". done, total, message: how far it is. card: None until there is a file.
    """

    id: str
    name: str
    created: str
    state: str
    card: Card | None = None
    done: int = 0
    total: int | None = None
    message: str = ""
    error: FaceAppError | None = None
    job_id: str | None = None

    @property
    def available(self) -> bool:
        return self.card is not None


@dataclass(frozen=True)
class NamedFace:
    """A face of a photo with the people whom it may be, best first; the first is `named` or nobody is."""

    face: Face
    guesses: tuple[Guess, ...]

    @property
    def name(self) -> str | None:
        return next((guess.known.name for guess in self.guesses[:1] if guess.named), None)


@dataclass(frozen=True)
class Compared:
    """What one recogniser did on the shared held-back photos, each 0 to 1."""

    entry: Entry
    accuracy: float
    known_right: float
    strangers_refused: float


@dataclass(frozen=True)
class Comparison:
    """Two recognisers on the same photos and strangers, which neither has learned from."""

    photos: int
    strangers: int
    one: Compared
    other: Compared


class Recognisers:
    """Builds recognisers as jobs, keeps their files in the data folder. Safe to call from any thread."""

    def __init__(
        self,
        store: PeopleStore,
        analyser: Analyser,
        models: Models,
        paths: Paths,
        jobs: JobManager,
        settings: SettingsFile,
    ) -> None:
        self._store = store
        self._analyser = analyser
        self._models = models
        self._folder = paths.data / FOLDER
        self._jobs = jobs
        self._settings = settings
        self._lock = threading.Lock()
        self._building: dict[str, str] = {}
        self._candidates: dict[str, list[Candidate]] = {}
        self._plain: dict[str, list[tuple[str, float]]] = {}
        self._cards: dict[str, tuple[tuple[int, int], Card]] = {}
        self._given: Recogniser | None = None
        self._loaded: tuple[str, Recogniser | None] | None = None
        # Why the chosen recogniser does not recognise.
        self.problem: FaceAppError | None = None

    # -- building ----------------------------------------------------------------------------------
    def start(
        self, person_ids: Sequence[int], name: str = "", budget: Budget = DEFAULT_BUDGET, seed: int = 0
    ) -> Entry:
        """Build from people of the library; the rest of it are the strangers. Raises BadRequest, NotFound."""
        from faceapp.tasks import build

        chosen = list(dict.fromkeys(person_ids))
        if len(chosen) < 2:
            raise build.too_few(len(chosen))
        for person_id in chosen:
            self._store.person(person_id)
        key = self._analyser.model_key
        faces = [[face.id for face in self._store.faces_of(person_id)] for person_id in chosen]
        order = _key(budget, seed, chosen, faces, key)
        return self._start(
            name, budget, seed, lambda: build.of_library(self._store, key, chosen, seed), order
        )

    def start_folder(
        self,
        folder: Path,
        name: str = "",
        budget: Budget = DEFAULT_BUDGET,
        seed: int = 0,
        strangers: Path | None = None,
    ) -> Entry:
        """Build from a folder with one folder a person; strangers from another folder, else the library.

        Raises NotFound, BadRequest.
        """
        from faceapp.pipeline.photos import find_photos

        if not folder.is_dir():
            raise NotFound("no_such_folder", f"There is no folder {folder}.")
        names = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        people = [(path.name.replace("_", " ").strip(), find_photos(path)) for path in names]
        strange = find_photos(strangers) if strangers is not None else None
        return self._start_photos(people, name or folder.resolve().name, budget, seed, strange)

    def start_upload(
        self,
        files: Sequence[Upload],
        name: str = "",
        budget: Budget = DEFAULT_BUDGET,
        seed: int = 0,
    ) -> Entry:
        """Build from uploaded files, whose names say who is on them; zips too. Kept until it is built.

        Raises BadRequest, TooLarge, UnusableFace (no face on any of the photos), StoreUnavailable.
        """
        people = by_person(files)
        _check_people([(person, len(photos)) for person, photos in people])
        self._first_look(people)
        build_id = _new_id()
        place = self._folder / build_id / UPLOADED
        kept, names = [], {}
        try:
            place.mkdir(mode=0o700, parents=True)
            for index, (person, photos) in enumerate(people):
                paths = []
                for number, photo in enumerate(photos):
                    # Numbers alone: a name from outside is never part of a path.
                    path = place / f"{index}-{number}"
                    path.write_bytes(photo.data)
                    names[path] = photo.name
                    paths.append(path)
                kept.append((person, paths))
        except OSError as error:
            shutil.rmtree(place.parent, ignore_errors=True)
            raise StoreUnavailable(
                "upload_not_kept", f"The upload could not be kept: {error.strerror}.", "Is the disk full?"
            ) from error
        try:
            return self._start_photos(kept, name, budget, seed, None, build_id, names)
        except FaceAppError:
            shutil.rmtree(place.parent, ignore_errors=True)
            raise

    def resume(self, build_id: str) -> Entry:
        """Let a build go on that was stopped or killed. Raises NotFound, Conflict."""
        workspace = self._workspace(build_id)
        if self.get(build_id).state in ("waiting", "building"):
            raise Conflict("building", "This recogniser is being built already.")
        request = workspace.request()
        return self._submit(request, workspace, None)

    def cancel(self, build_id: str) -> Entry:
        """Stop a build; the best so far is kept."""
        with self._lock:
            job_id = self._building.get(build_id)
        if job_id is not None:
            self._jobs.cancel(job_id)
        return self.get(build_id)

    def candidates(self, build_id: str) -> tuple[Candidate, ...]:
        """The candidates so far, also while it is built, with the front marked."""
        from faceapp.build.builder import with_front

        with self._lock:
            known = list(self._candidates.get(build_id, ()))
        if known:
            return tuple(with_front(known))
        card = self.get(build_id).card
        return card.candidates if card is not None else ()

    def plain(self, build_id: str) -> tuple[tuple[str, float], ...]:
        """(title, accuracy) of the plain methods on the photos that candidates are compared on."""
        with self._lock:
            known = list(self._plain.get(build_id, ()))
        card = None if known else self.get(build_id).card
        if card is not None:
            known = [(row.title, row.validation) for row in card.table if row.method != "network"]
        return tuple(known)

    def _start_photos(
        self,
        people: Sequence[tuple[str, Sequence[Path]]],
        name: str,
        budget: Budget,
        seed: int,
        strange: Sequence[Path] | None,
        build_id: str = "",
        called: Mapping[Path, str] = MappingProxyType({}),
    ) -> Entry:
        """called: files as they came, where their paths say something else."""
        from faceapp.tasks import build

        _check_people([(person, len(photos)) for person, photos in people])

        def gather() -> Gathered:
            known, sources = build.of_photos(people, called)
            names = {one.name.casefold() for one in known}
            if strange is not None:
                sources += build.strange_photos(strange)
            else:
                key = self._analyser.model_key
                sources += build.library_strangers(self._store, key, names, seed)
            return build.Gathered(known, tuple(sources))

        key = "" if build_id else _key(budget, seed, [(str(one), paths) for one, paths in people], strange)
        return self._start(name, budget, seed, gather, key, build_id)

    def _first_look(self, people: Sequence[tuple[str, Sequence[Upload]]]) -> None:
        """Raise UnusableFace when it is clear at once that nobody has a face on the photos."""
        from faceapp.pipeline.photos import decode_photo

        found = looked = 0
        total = sum(len(photos) for _, photos in people)
        for _, photos in people:
            for photo in photos[:FIRST_LOOK_EACH]:
                if found >= 2 or looked >= FIRST_LOOK:
                    return
                looked += 1
                with contextlib.suppress(UnusablePhoto, TooLarge):  # it is left out later, with its reason
                    if self._analyser.faces(decode_photo(photo.data).image, embed=False):
                        found += 1
                        break
        if found == 0 and total:
            raise UnusableFace(
                "no_faces", "No face was found on the photos.",
                "Use photos on which the face is large, light and seen from the front.",
            )

    def _start(
        self,
        name: str,
        budget: Budget,
        seed: int,
        gather: Callable[[], Gathered],
        key: str,
        build_id: str = "",
    ) -> Entry:
        left = self._left(key) if key else None
        if left is not None:
            return self.resume(left)
        build_id = build_id or _new_id()
        created = datetime.now(UTC).isoformat(timespec="seconds")
        shown = name.strip() or f"Recogniser of {created[:10]}"
        _check_name(shown, "a recogniser")
        request = Request(build_id, shown, created, self._analyser.model_key, (), budget, seed, key=key)
        workspace = Workspace(self._folder / build_id)
        workspace.make()
        workspace.write_request(request)
        return self._submit(request, workspace, gather)

    def _left(self, key: str) -> str | None:
        """An unfinished build of the same order whose photos were all read: it is gone on with."""
        for entry in self.all():
            workspace = self._workspace(entry.id)
            if entry.state == "stopped" and workspace.data.exists() and workspace.request().key == key:
                return entry.id
        return None

    def _submit(
        self, request: Request, workspace: Workspace, gather: Callable[[], Gathered] | None
    ) -> Entry:
        """gather: None where the data are there already."""
        from faceapp.tasks import build

        def body(context: JobContext) -> Card:
            with self._lock:
                self._candidates[request.id] = []
            if gather is not None or not workspace.data.exists():
                if gather is None:
                    raise Conflict(
                        "build_incomplete", "The photos of this build were not all read.", "Start it anew."
                    )
                embedder = self._models.embedder(self._analyser.model_key)
                context.progress(0, None, "Looking for photos")
                build.prepare(context, self._analyser, embedder, gather(), workspace, request)
                shutil.rmtree(workspace.folder / UPLOADED, ignore_errors=True)
            return build.train(context, workspace, lambda message: self._heard(request.id, message))

        # A lane of its own: a build takes minutes, and others do not wait for it.
        with self._lock:
            job = self._jobs.submit("build", f"Build {request.name}", body, resource="build")
            self._building[request.id] = job.id
        return self.get(request.id)

    def _heard(self, build_id: str, message: dict[str, Any]) -> None:
        kind = message["kind"]
        with self._lock:
            if kind == "candidate":
                values = {key: value for key, value in message.items() if key != "kind"}
                self._candidates[build_id].append(Candidate(**values))
            elif kind == "baselines":
                self._plain[build_id] = [(str(title), float(value)) for title, value in message["rows"]]

    # -- what there is -----------------------------------------------------------------------------
    def all(self) -> list[Entry]:
        """Every recogniser, the newest first."""
        folders = [path for path in self._folder.iterdir() if path.is_dir()] if self._folder.is_dir() else []
        entries = [self.get(path.name) for path in folders if (path / "request.json").exists()]
        return sorted(entries, key=lambda entry: (entry.created, entry.id), reverse=True)

    def get(self, build_id: str) -> Entry:
        """Raises NotFound."""
        workspace = self._workspace(build_id)
        request = workspace.request()
        entry = Entry(request.id, request.name, request.created, "stopped")
        with self._lock:
            job_id = self._building.get(build_id)
        job = self._job(job_id)
        if job is None or job.finished:
            entry = replace(entry, card=self._card(workspace), job_id=job_id)
        if job is not None:
            error = job.error if job.state is State.FAILED else None
            entry = replace(
                entry, done=job.done, total=job.total, message=job.message, error=error, job_id=job.id
            )
        return replace(entry, state=_state(workspace.finished, job))

    def file(self, build_id: str) -> Path:
        """Its zip. Raises NotFound where it is not built yet."""
        path = self._workspace(build_id).model
        if not path.exists():
            raise NotFound("not_built", "This recogniser is not built yet.", "Ask again later.")
        return path

    def export(self, build_id: str, path: Path) -> None:
        """Copy its file to a place. Raises NotFound, StoreUnavailable."""
        from faceapp.build import archive

        source = self.file(build_id)
        with archive.whole(path) as temporary:
            shutil.copyfile(source, temporary)

    def import_file(self, path: Path) -> Entry:
        """Take in a recogniser that was built elsewhere.

        Its people are known by name alone: the numbers on its card belong to another library. Raises
        NotFound, BadRequest, TooLarge, Conflict (another embedder), ModelUnavailable, StoreUnavailable.
        """
        from faceapp.build import archive
        from faceapp.build.recogniser import Recogniser

        read = archive.read(path)
        card = replace(read.card, people=tuple(Known(known.name) for known in read.card.people))
        read = archive.Archive(card, read.models)
        Recogniser(read).check(self._analyser.model_key)
        build_id = _new_id()
        workspace = Workspace(self._folder / build_id)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        request = Request(build_id, card.name, now, card.embedder, card.people, Budget(1), card.seed)
        workspace.make()
        try:
            archive.write(workspace.model, card, read.models, None)
            workspace.write_request(request)
        except FaceAppError:
            shutil.rmtree(workspace.folder, ignore_errors=True)
            raise
        workspace.finish()
        return self.get(build_id)

    def delete(self, build_id: str) -> None:
        """Its file, its data and its search, for good. Raises NotFound, Conflict while it is built."""
        from faceapp.build import storage

        workspace = self._workspace(build_id)
        if self.get(build_id).state in ("waiting", "building"):
            raise Conflict("building", "This recogniser is being built.", "Stop it first.")
        if self.using[0] == build_id:
            self.use("")
        storage.forget(workspace.studies, build_id)
        shutil.rmtree(workspace.folder, ignore_errors=True)
        with self._lock:
            for kept in (self._building, self._candidates, self._plain):
                kept.pop(build_id, None)

    def _card(self, workspace: Workspace) -> Card | None:
        from faceapp.build import archive

        try:
            status = workspace.model.stat()
        except OSError:
            return None
        version = status.st_mtime_ns, status.st_size
        known = self._cards.get(workspace.folder.name)
        if known is None or known[0] != version:
            try:
                card = archive.read(workspace.model).card
            except FaceAppError as error:
                log.warning("The recogniser in %s cannot be read: %s", workspace.folder, error)
                return None
            # One assignment: no lock is needed, and reading twice does no harm.
            known = self._cards[workspace.folder.name] = version, card
        return known[1]

    def _job(self, job_id: str | None) -> Job | None:
        if job_id is None:
            return None
        try:
            return self._jobs.get(job_id)
        except NotFound:  # forgotten, it is long ago
            return None

    def _workspace(self, build_id: str) -> Workspace:
        """Raises NotFound: an id is a folder's name, and nothing else ever becomes one."""
        if not (build_id.isascii() and build_id.isalnum() and (self._folder / build_id).is_dir()):
            raise NotFound("no_such_recogniser", "There is no such recogniser.", "Look at the list of them.")
        return Workspace(self._folder / build_id)

    # -- using ---------------------------------------------------------------------------------------
    def use(self, build_id: str, which: Which | None = None) -> None:
        """Recognise with this one from now on, everywhere; "" for nearest neighbour in the library.

        which: its network or its plain method; None for the one that did better. Raises NotFound, Conflict.
        """
        if build_id:
            self.open(build_id, which).check(self._analyser.model_key)
        self._settings.change(recogniser=f"{build_id}:{which}" if build_id and which else build_id)

    @property
    def using(self) -> tuple[str, Which | None]:
        """The id of the one that was chosen ("" for nearest neighbour), and which of its two models (None:
        the one that did better)."""
        build_id, _, which = self._settings.current.recogniser.partition(":")
        return build_id, WHICH.get(which)

    def give(self, path: Path, which: Which | None = None) -> Recogniser:
        """Recognise with this file in this run of the program alone. Raises as `import_file`."""
        from faceapp.build.recogniser import Recogniser

        given = Recogniser.open(path, which)
        given.check(self._analyser.model_key)
        with self._lock:
            self._given = given
        return given

    def active(self) -> Recogniser | None:
        """What recognises instead of nearest neighbour; None for nearest neighbour.

        None as well when the chosen one cannot be used (its file is gone, or the embedder was changed): a
        camera goes on by nearest neighbour, and `problem` says why.
        """
        with self._lock:
            if self._given is not None:
                return self._given
            chosen = self._settings.current.recogniser
            if not chosen:
                self.problem = None
                return None
            if self._loaded is None or self._loaded[0] != chosen:
                self._loaded = (chosen, self._usable(chosen))
            return self._loaded[1]

    def _usable(self, chosen: str) -> Recogniser | None:
        try:
            found = self._open(chosen)
        except FaceAppError as error:
            log.warning("Recognised by nearest neighbour: %s", error)
            self.problem = error
            return None
        self.problem = None
        return found

    def open(self, build_id: str, which: Which | None = None) -> Recogniser:
        """Load one. Raises NotFound, BadRequest, ModelUnavailable."""
        from faceapp.build.recogniser import Recogniser

        return Recogniser.open(self.file(build_id), which)

    def _open(self, chosen: str) -> Recogniser:
        build_id, _, which = chosen.partition(":")
        found = self.open(build_id, WHICH.get(which))
        found.check(self._analyser.model_key)
        return found

    def predict(self, build_id: str, photo: Photo) -> tuple[NamedFace, ...]:
        """Who is on the photo, by this recogniser. Raises NotFound, Conflict."""
        recogniser = self.open(build_id)
        recogniser.check(self._analyser.model_key)
        faces = self._analyser.faces(photo.image, views=QUICK_VIEWS)
        return tuple(
            NamedFace(face, tuple(recogniser.rank(face.embedding, GUESSES)))
            for face in faces
            if face.embedding is not None
        )

    def compare(self, one: str, other: str) -> Comparison:
        """Two recognisers on the people that both know and on strangers, on photos that the first held back
        to the end and the second has not learned from. Raises NotFound, Conflict when there are none."""
        from faceapp.build.comparison import held_back

        sides = [self._side(one), self._side(other)]
        photos = held_back(*sides)
        results = []
        for build_id, side in zip((one, other), sides, strict=True):
            shares = photos.shares(side.recogniser)
            results.append(Compared(self.get(build_id), sum(shares) / 2, *shares))
        return Comparison(len(photos.known), len(photos.strangers), results[0], results[1])

    def _side(self, build_id: str) -> Side:
        from faceapp.build.comparison import Side
        from faceapp.build.dataset import Dataset

        data = self._workspace(build_id).data
        return Side(self.open(build_id), Dataset.load(data) if data.exists() else None)


def _state(finished: bool, job: Job | None) -> str:
    if job is not None and not job.finished:
        return "waiting" if job.state is State.QUEUED else "building"
    if job is not None and job.state is State.FAILED:
        return "failed"
    if job is not None and job.state is State.CANCELLED:
        return "stopped"
    return "ready" if finished else "stopped"


def _check_people(people: Sequence[tuple[str, int]]) -> None:
    """Raise BadRequest where names and numbers of photos tell already that it cannot be built."""
    from faceapp.build.dataset import FEWEST_PEOPLE, FEWEST_PHOTOS
    from faceapp.tasks import build

    if not any(photos for _, photos in people):
        hint = "Give photos of each person, in a folder or with the name of the person."
        raise BadRequest("no_photos", "There are no photos.", hint)
    for person, _ in people:
        _check_name(person, "a person")
    enough = [person for person, photos in people if photos >= FEWEST_PHOTOS]
    if len(enough) < FEWEST_PEOPLE:
        raise build.too_few(len(enough))


def _check_name(name: str, whose: str) -> None:
    """Raise BadRequest for what no card may hold: at the end of a search it would be too late."""
    from faceapp.build.fields import LONGEST_NAME, is_line, shown

    if not is_line(name):
        raise BadRequest(
            "bad_name", f"“{shown(name)}” cannot be the name of {whose}.",
            f"A name is one line of at most {LONGEST_NAME} characters that can be shown.",
        )


def _key(*order: object) -> str:
    """The same for the same order."""
    return hashlib.sha256(repr(order).encode("utf-8", "surrogateescape")).hexdigest()


def _new_id() -> str:
    return uuid.uuid4().hex[:12]
