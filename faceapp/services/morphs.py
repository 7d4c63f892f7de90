"""Morphs: faces of several photos mixed, as one picture, a sequence or an average; and who is in between."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from faceapp.config import SettingsFile
from faceapp.edit.faces import LANDMARKER, EditFace, FaceReader
from faceapp.edit.results import refuse_closed, refuse_sources
from faceapp.errors import BadRequest, FaceAppError, Forbidden, NotFound, TooLarge, UnusableFace
from faceapp.jobs import Job, JobContext, JobManager
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.pipeline.choice import no_face, subject
from faceapp.ports import PeopleStore
from faceapp.services.kept import Kept
from faceapp.services.recognition import Between, Recognition
from faceapp.types import Detections, Face, Floats, Image, Person, Photo, title_of

if TYPE_CHECKING:
    from faceapp.edit.balance import Mixture
    from faceapp.edit.canvas import Aligned
    from faceapp.edit.morph import Background, Mixed, Stack
    from faceapp.edit.retime import Doubles, Pace
    from faceapp.latent.generator import Route as LatentRoute
    from faceapp.tasks.latent import Tools, Watch
    from faceapp.tasks.latent_way import LatentWay
    from faceapp.tasks.morph import MorphReport

READ_KEPT = 32
SMALLEST, LARGEST = 64, 2048
MOST_FRAMES = 2000
LONGEST_SECONDS = 600.0
MOST_FACES = 200
# Pixels of all faces together on their canvases.
MOST_PIXELS = 100 * 1024 * 1024
# Beyond these a sentence says what to expect.
ENLARGED = 3.0
TURNED = 40.0
GIVEN_WAY = 0.2
# Views of a frame that its identity is measured with.
VIEWS = 2
COMPARED = 3
# The side of the canvas on which the mixture that is like both people is looked for.
LOOKED_AT = 256
# How boxes are moved and grown for steadier points, as shares of their side: x1 y1 x2 y2.
_SHIFTS = 0.01 * np.array(
    [(0, 0, 0, 0), (3, 0, 3, 0), (-3, 0, -3, 0), (0, 3, 0, 3), (0, -3, 0, -3), (-4, -4, 4, 4), (4, 4, -4, -4)]
)


@dataclass(frozen=True)
class MorphSettings:
    """How a morph is made.

    size: pixels of each side. frames, seconds: of a sequence. shape, colour, detail: fixed places on the
    way, -1 to 2, where they do not go with the frame. ease: slow at every person. ping_pong: there and back.
    loop: past all people back to the first. even: at a pace at which identity moves evenly.
    background: None for one that fades over. symmetry: of an average, 0 to 1.
    """

    size: int = 512
    frames: int = 60
    seconds: float = 4.0
    shape: float | None = None
    colour: float | None = None
    detail: float | None = None
    ease: bool = False
    ping_pong: bool = False
    loop: bool = False
    even: bool = True
    background: Background | None = None
    symmetry: float = 0.0

    def check(self) -> None:
        """Raise BadRequest for what no morph has."""
        if not SMALLEST <= self.size <= LARGEST:
            raise BadRequest("bad_size", f"The size must be from {SMALLEST} to {LARGEST} pixels.")
        if not 1 <= self.frames <= MOST_FRAMES:
            raise BadRequest("bad_frames", f"The number of frames must be from 1 to {MOST_FRAMES}.")
        if not 0 < self.seconds <= LONGEST_SECONDS:
            raise BadRequest("bad_seconds", f"The length must be up to {LONGEST_SECONDS:g} seconds.")
        sliders = (self.shape, self.colour, self.detail)
        if any(place is not None and not -1 <= place <= 2 for place in sliders):
            raise BadRequest("bad_slider", "Shape, colour and detail go from -1 to 2.")
        if not 0 <= self.symmetry <= 1:
            raise BadRequest("bad_symmetry", "The symmetry goes from 0 to 1.")


@dataclass(frozen=True, eq=False)
class MorphPlan:
    """Faces brought to one canvas, ready for any mixture.

    photos, faces: in the order of the way. remarks: sentences about what to expect.
    """

    photos: tuple[Photo, ...]
    faces: tuple[EditFace, ...]
    aligned: tuple[Aligned, ...]
    stack: Stack
    settings: MorphSettings = field(default_factory=MorphSettings)
    remarks: tuple[str, ...] = ()


class Morphs:
    """Mixes faces of photos. Values in, values out; safe to use from any thread."""

    def __init__(
        self,
        store: PeopleStore,
        models: Models,
        analyser: Analyser,
        recognition: Recognition,
        paths: Paths,
        jobs: JobManager,
        settings: SettingsFile,
    ) -> None:
        self._store = store
        self._models = models
        self._analyser = analyser
        self._recognition = recognition
        self._paths = paths
        self._jobs = jobs
        self._settings = settings
        self._reader = FaceReader(analyser, models, store.points_on)
        self._read: Kept[tuple[EditFace, ...]] = Kept(READ_KEPT)
        self._paces: WeakKeyDictionary[MorphPlan, Pace] = WeakKeyDictionary()
        self._middles: Kept[Mixture] = Kept(READ_KEPT)
        self._lock = threading.Lock()

    # -- faces --------------------------------------------------------------------------------------

    def read(self, photo: Photo) -> tuple[EditFace, ...]:
        """The faces of a photo, the one that it is about first. Kept, so that asking again costs nothing.

        What is most likely no face comes last.
        """
        key = (photo.sha256, self._store.revision())
        kept = self._read.get(key)
        if kept is not None:
            return kept
        faces = self._reader.read(photo.image, views=VIEWS, sha256=photo.sha256)
        if faces and not self._store.points_on(photo.sha256):
            faces = self._steadied(photo.image, faces)
        return self._read.put(key, _in_turn(faces, photo.image))

    def _steadied(self, image: Image, faces: tuple[EditFace, ...]) -> tuple[EditFace, ...]:
        """The faces with the mean of the points that several boxes around each of them lead to.

        Points start from a box and keep some of its error. On 120 pairs of LFW morphs of the means are nearer
        to both parents (to other photos of them, under both embedders).
        """
        from faceapp.models.align import dlib_boxes

        landmarks = np.stack([face.face.landmarks for face in faces]).astype(np.float32)
        scores = np.ones(len(faces), np.float32)
        boxes = dlib_boxes(Detections(np.zeros((len(faces), 4), np.float32), scores, landmarks))
        sides = (boxes[:, 2] - boxes[:, 0])[:, None]
        landmarker = self._models.landmarker(LANDMARKER)
        around = [landmarker.locate(image, (boxes + sides * shift).astype(np.float32)) for shift in _SHIFTS]
        points = np.mean(around, axis=0).astype(np.float32)
        return tuple(replace(face, points=own) for face, own in zip(faces, points, strict=True))

    def found(self, photo: Photo, face: Face) -> Floats:
        """(68, 2) the points that the program finds, whatever was placed by hand."""
        return self._steadied(photo.image, self._reader.with_points(photo.image, (face,)))[0].points

    def enrolled(self, face_id: int) -> tuple[Photo, int]:
        """The photo of an enrolled face and which of its faces (as `read` has them) that is.

        It is called what the person is called. Where the photo is no longer there, the crop that the library
        keeps stands for it. Raises NotFound.
        """
        from faceapp.pipeline.photos import decode_photo, read_photo

        stored = self._store.faces_by_ids([face_id]).get(face_id)
        if stored is None:
            raise NotFound("no_such_face", f"There is no face {face_id}.")
        name = self._store.person(stored.person_id).name
        try:
            photo = replace(read_photo(stored.photo.path), name=name)
        except FaceAppError:
            return decode_photo(self._store.crop(face_id), name), 0
        shared = [face.face.box.overlap(stored.box) for face in self.read(photo)]
        if not shared or max(shared) <= 0:
            return decode_photo(self._store.crop(face_id), name), 0
        return photo, shared.index(max(shared))

    # -- mixtures -----------------------------------------------------------------------------------

    def plan(
        self,
        photos: Sequence[Photo],
        settings: MorphSettings | None = None,
        faces: Sequence[int | None] | None = None,
        points: Sequence[Floats | None] | None = None,
        average: bool = False,
        check: Callable[[], None] | None = None,
    ) -> MorphPlan:
        """Bring one face of each photo to a canvas.

        Args:
            faces: which face of each photo (an index into `read`); None: the first one.
            points: (68, 2) points that somebody has just placed by hand, instead of those that are kept with
                the library or found; None: those.
            average: for an average, which may have one face only, and its mirror image.
            check: called between the photos; it raises when the work is to end.

        Raises BadRequest, TooLarge, UnusableFace (no face on a photo), Forbidden (somebody is marked).
        """
        from faceapp.edit import canvas, matte, morph
        from faceapp.edit.average import mirror

        chosen = settings or MorphSettings()
        chosen.check()
        _check_count(len(photos), average)
        if len(photos) * chosen.size**2 > MOST_PIXELS:
            sentence = "So many faces of that size need too much memory."
            raise TooLarge("too_large", sentence, "Choose a smaller size.")
        remarks: list[str] = []
        found: list[EditFace] = []
        aligned: list[Aligned] = []
        for number, photo in enumerate(photos):
            if check is not None:
                check()
            face = self._face(photo, faces[number] if faces else None, remarks)
            own = points[number] if points else None
            found.append(face if own is None else replace(face, points=np.asarray(own, np.float32)))
            aligned.append(canvas.align(photo.image, found[-1].points, chosen.size))
        canvases = [*aligned, *(mirror(one) for one in aligned if average and chosen.symmetry > 0)]
        headed = chosen.background is not None and chosen.background.kind in ("transparent", "colour")
        mattes = [matte.matte(one) for one in canvases] if headed else ()
        stack = morph.stack(canvases, mattes)
        remarks += _expectations(photos, found, aligned, stack)
        return MorphPlan(tuple(photos), tuple(found), tuple(aligned), stack, chosen, tuple(remarks))

    def frame(
        self,
        plan: MorphPlan,
        place: float,
        shape: float | None = None,
        colour: float | None = None,
        detail: float | None = None,
        background: Background | None = None,
    ) -> Image:
        """(S, S, 3), or (S, S, 4) where the background is transparent: the mixture at `place`.

        0 is the first person, 1 the last one; -1 to 2. shape, colour, detail: their own places. Quick enough
        for a slider.
        """
        from faceapp.edit import morph
        from faceapp.tasks.morph import with_alpha

        count, settings = len(plan.photos), plan.settings
        weights = morph.Weights.at(place, count, shape, colour, detail, settings.loop)
        return with_alpha(morph.mix(plan.stack, weights, background or settings.background))

    def average(self, plan: MorphPlan) -> Image:
        """The average of the plan's faces (see `MorphSettings`: shape, colour, detail, symmetry)."""
        from faceapp.tasks.morph import averaged, with_alpha

        return with_alpha(averaged(plan))

    def pace(self, plan: MorphPlan, check: Callable[[], None] | None = None) -> Pace:
        """At which places the identity has come evenly far. Takes a second for two people; kept."""
        from faceapp.edit import retime

        with self._lock:
            if plan in self._paces:
                return self._paces[plan]
        count, loop = len(plan.photos), plan.settings.loop
        keys = count + 1 if loop else count
        embed = partial(self.embedded, plan, check=check)
        pace = retime.measured(embed, keys) if keys > 1 else retime.Pace.plain()
        with self._lock:
            self._paces[plan] = pace
        return pace

    def middle(self, plan: MorphPlan, check: Callable[[], None] | None = None) -> Mixture:
        """The mixture for one picture.

        Our embedder finds the picture equally like two people, and as like them as can be. Of more than two,
        or of a round, it is half-way. Takes two seconds; kept.
        """
        from faceapp.edit import balance, canvas, morph, points

        if len(plan.photos) != 2 or plan.settings.loop:
            return balance.Mixture.at(0.5)
        pairs = list(zip(plan.photos, plan.faces, strict=True))
        key = tuple((photo.sha256, face.points.tobytes()) for photo, face in pairs)
        kept = self._middles.get(key)
        if kept is not None:
            return kept
        small = morph.stack([canvas.align(photo.image, face.points, LOOKED_AT) for photo, face in pairs])

        def embed(mixtures: Sequence[Mixture]) -> Floats:
            return self._embedded((balance.mixed(small, one) for one in mixtures), check)

        shape = small.shapes.mean(0)[: points.FACE_POINTS] / morph.eyes_apart(LOOKED_AT)
        return self._middles.put(key, balance.balanced(embed, shape.astype(np.float64)))

    def alike(self, plan: MorphPlan, check: Callable[[], None] | None = None) -> Image:
        """(S, S, 3), or (S, S, 4) where the background is transparent: the one picture of `middle`."""
        from faceapp.tasks.morph import mixed, with_alpha

        return with_alpha(mixed(plan, self.middle(plan, check)))

    def embedded(self, plan: MorphPlan, places: Doubles, check: Callable[[], None] | None = None) -> Floats:
        """(n, D) the embeddings of the mixtures at `places` (n,)."""
        from faceapp.edit import morph

        count, loop = len(plan.photos), plan.settings.loop
        weights = (morph.Weights.at(place, count, loop=loop) for place in places.tolist())
        return self._embedded((morph.mix(plan.stack, own) for own in weights), check)

    def _embedded(self, mixed: Iterable[Mixed], check: Callable[[], None] | None) -> Floats:
        """(n, D) the embeddings of pictures."""
        rows = []
        for one in mixed:
            if check is not None:
                check()
            rows.append(self._embed(one.image, one.points))
        return np.stack(rows)

    def _embed(self, image: Image, points: Floats) -> Floats:
        """(D,) the embedding of a face whose 68 points are known."""
        from faceapp.edit.points import five_of

        box = np.concatenate([points.min(0), points.max(0)])[None].astype(np.float32)
        found = Detections(box, np.ones(1, np.float32), five_of(points)[None])
        row: Floats = self._models.embedder(self._analyser.model_key).embed(image, found, VIEWS)[0]
        return row

    # -- who is in between --------------------------------------------------------------------------

    def between(self, photo: Photo, top: int = 5) -> tuple[Between, ...]:
        """The pairs of enrolled people that the face of a photo is most likely a mixture of, best first.

        Raises UnusableFace where there is no face.
        """
        faces = self._analyser.faces(photo.image)
        if not faces:
            raise no_face()
        face = faces[subject(faces, *photo.image.shape[1::-1])[0]]
        assert face.embedding is not None, "the face was embedded"
        return self._recognition.between(face.embedding, top)

    # -- files --------------------------------------------------------------------------------------

    def start_sequence(
        self, photos: Sequence[Photo], out: Path, settings: MorphSettings | None = None,
        faces: Sequence[int | None] | None = None, points: Sequence[Floats | None] | None = None,
    ) -> Job:  # fmt: skip
        """A GIF, WebP, APNG or MP4, as a job whose result is a MorphReport."""
        from faceapp.edit.animation import VIDEOS, check_suffix

        chosen = settings or MorphSettings()
        chosen.check()
        _check_count(len(photos), average=False)
        suffix = check_suffix(out)
        if suffix in VIDEOS and chosen.background is not None and chosen.background.kind == "transparent":
            hint = "Choose WebP, GIF or APNG, or a colour for the background."
            raise BadRequest("not_transparent", "A video cannot be transparent.", hint)
        _check_place(out, photos)
        body = partial(
            self.write, kind="sequence", photos=tuple(photos), out=out, settings=chosen,
            faces=faces, points=points,
        )  # fmt: skip
        return self._jobs.submit("morph", _title("Morph", photos), body)

    def start_picture(
        self, photos: Sequence[Photo], out: Path, settings: MorphSettings | None = None,
        faces: Sequence[int | None] | None = None, points: Sequence[Floats | None] | None = None,
        place: float | None = None,
    ) -> Job:  # fmt: skip
        """One picture of the way (place: None for the middle), as a job whose result is a MorphReport."""
        return self._start_still("picture", photos, out, settings, faces, points, place)

    def start_average(
        self, photos: Sequence[Photo], out: Path, settings: MorphSettings | None = None,
        faces: Sequence[int | None] | None = None, points: Sequence[Floats | None] | None = None,
    ) -> Job:  # fmt: skip
        """The average of faces as a picture, as a job whose result is a MorphReport."""
        return self._start_still("average", photos, out, settings, faces, points, None)

    def _start_still(
        self, kind: str, photos: Sequence[Photo], out: Path, settings: MorphSettings | None,
        faces: Sequence[int | None] | None, points: Sequence[Floats | None] | None, place: float | None,
    ) -> Job:  # fmt: skip
        from faceapp.tasks.morph import check_picture

        chosen = settings or MorphSettings()
        chosen.check()
        _check_count(len(photos), average=kind == "average")
        check_picture(out)
        _check_place(out, photos)
        body = partial(
            self.write, kind=kind, photos=tuple(photos), out=out, settings=chosen, faces=faces,
            points=points, place=place,
        )  # fmt: skip
        title = _title("Average" if kind == "average" else "Morph", photos)
        return self._jobs.submit("morph", title, body)

    def write(
        self, context: JobContext, kind: str, photos: tuple[Photo, ...], out: Path, settings: MorphSettings,
        faces: Sequence[int | None] | None = None, points: Sequence[Floats | None] | None = None,
        place: float | None = None,
    ) -> MorphReport:  # fmt: skip
        """The body of the jobs: kind is "sequence", "picture" or "average"."""
        from faceapp.edit.provenance import Marking
        from faceapp.tasks import morph as tasks

        context.progress(0, None, "Looking at the photos")
        plan = self.plan(photos, settings, faces, points, kind == "average", context.check)
        marking = Marking.chosen(self._settings.current, self._paths)
        if kind == "sequence":
            return tasks.write_sequence(context, self, plan, out, marking)
        if kind == "average":
            return tasks.write_average(context, self, plan, out, marking)
        return tasks.write_picture(context, self, plan, out, marking, place)

    def start_latent(
        self, photos: Sequence[Photo], out: Path, route: str, settings: MorphSettings | None = None,
        faces: Sequence[int | None] | None = None, points: Sequence[Floats | None] | None = None,
        watch: Watch | None = None, place: float | None = None, way: LatentWay | None = None,
    ) -> Job:  # fmt: skip
        """The same through a generator (`latent`): route is "pca" or "stylegan2". settings.detail: how much
        of what the generator cannot draw is taken from the photos (pca), 0 to 1; None: all.

        watch: told how the search of each photo's place goes (stylegan2), on the job's thread.
        place: where on the way a picture is; None: all people in equal shares.
        way: what `open_latent` made of these photos; it is drawn from as it is, nothing is searched again.
        """
        from faceapp.tasks import latent

        chosen = settings or MorphSettings()
        chosen.check()
        _check_count(len(photos), average=False)
        known = latent.check(route, out, chosen)
        _check_place(out, photos)
        body = partial(
            self.write_latent, photos=tuple(photos), out=out, route=known, settings=chosen, faces=faces,
            points=points, watch=watch, place=place, way=way,
        )  # fmt: skip
        return self._jobs.submit("morph", _title("Morph", photos), body)

    def write_latent(
        self, context: JobContext, photos: tuple[Photo, ...], out: Path, route: LatentRoute,
        settings: MorphSettings, faces: Sequence[int | None] | None = None,
        points: Sequence[Floats | None] | None = None, watch: Watch | None = None,
        place: float | None = None, way: LatentWay | None = None,
    ) -> MorphReport:  # fmt: skip
        """The body of `start_latent`'s job."""
        from faceapp.edit.provenance import Marking
        from faceapp.tasks import latent

        tools, marking = self._latent_tools(), Marking.chosen(self._settings.current, self._paths)
        if way is not None:
            drawn = way.between(settings)
            return latent.written(context, tools, photos, out, settings, drawn, marking, place=place)
        context.progress(0, None, "Looking at the photos")
        remarks: list[str] = []
        found = [self._face(photo, faces[n] if faces else None, remarks) for n, photo in enumerate(photos)]
        own = points or [None] * len(found)
        found = [
            face if at is None else replace(face, points=np.asarray(at, np.float32))
            for face, at in zip(found, own, strict=True)
        ]
        return latent.write(
            context, tools, photos, found, out, settings, route, marking, watch, remarks, place
        )

    def open_latent(
        self, context: JobContext, plan: MorphPlan, route: LatentRoute, watch: Watch | None = None,
        search: bool = True,
    ) -> LatentWay:  # fmt: skip
        """The faces of a plan in the space of a generator, for a slider: the body of a page's job. Close it.

        search: False takes what earlier searches (stylegan2) came to, also where they were stopped.
        Raises ModelUnavailable, and Cancelled (a search keeps the best it has found up to then).
        """
        from faceapp.latent.generator import Subject
        from faceapp.tasks.latent_way import open_way

        subjects = [
            Subject(photo.image, face.points) for photo, face in zip(plan.photos, plan.faces, strict=True)
        ]
        return open_way(context, self._latent_tools(), plan.photos, subjects, route, watch, search)

    def latent_pace(self, context: JobContext, way: LatentWay, settings: MorphSettings) -> Pace:
        """At which places of a latent way identity has come evenly far (pca), or the plain pace."""
        return way.pace(context, self._latent_tools(), settings)

    def _latent_tools(self) -> Tools:
        from faceapp.tasks import latent

        return latent.Tools(self._store, self._models, self._reader, self._paths, self._embed)

    # -- helpers of a plan --------------------------------------------------------------------------

    def _face(self, photo: Photo, index: int | None, remarks: list[str]) -> EditFace:
        name = photo.name or "a photo"
        faces = self.read(photo)
        if not faces:
            refusal = no_face()
            raise UnusableFace(refusal.code, f"No face was found on “{name}”.", refusal.hint)
        if index is not None and not 0 <= index < len(faces):
            raise UnusableFace("no_such_face", f"“{name}” has no face number {index + 1}.")
        count = sum(not face.face.doubtful for face in faces)
        several = f"There are {count} faces on “{name}”: the one that it is about is used."
        if index is None and count > 1 and several not in remarks:
            remarks.append(several)
        face = faces[index or 0]
        person = self._unwilling(face.face)
        if person is not None:
            raise Forbidden(
                "no_swap",
                f"{person.name} is marked “no swap” in the library, so there is no morph of their face.",
                "Ask them before you take the mark away.",
            )
        return face

    def _unwilling(self, face: Face) -> Person | None:
        """The recognised person who does not want to be edited, or None."""
        matches = self._recognition.search(face, COMPARED).matches
        return next((match.person for match in matches if match.same_person and match.person.no_swap), None)


def background(text: str) -> Background | None:
    """What "dissolve", "first", "last", "transparent" or a colour such as "#ffffff" means.

    Raises BadRequest.
    """
    from faceapp.edit.morph import GROUNDS, Background

    for kind in GROUNDS[:-1]:
        if text == kind:
            return Background(kind)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        red, green, blue = bytes.fromhex(text[1:])
        return Background("colour", (blue, green, red))
    hint = "Use dissolve, first, last, transparent, or a colour such as #ffffff."
    raise BadRequest("bad_background", f"“{text[:40]}” is no background.", hint)


def _in_turn(faces: tuple[EditFace, ...], image: Image) -> tuple[EditFace, ...]:
    """The face that a photo is about, the others from the biggest on, and those that are most likely none."""
    sure = [face for face in faces if not face.face.doubtful] or list(faces)
    about = sure[subject(tuple(face.face for face in sure), *image.shape[1::-1])[0]] if sure else None

    def turn(face: EditFace) -> tuple[bool, bool, float]:
        return face is not about, face.face.doubtful, -face.face.box.width * face.face.box.height

    return tuple(sorted(faces, key=turn))


def _check_count(count: int, average: bool) -> None:
    least = 1 if average else 2
    if count < least:
        raise BadRequest("too_few_photos", f"A morph needs {least} photos or more.", "Add another photo.")
    if count > MOST_FACES:
        raise TooLarge("too_many_photos", f"More than {MOST_FACES} photos were given.", "Use fewer.")


def _check_place(out: Path, photos: Sequence[Photo]) -> None:
    """Raises Conflict for one of the photos themselves, StoreUnavailable for a place that takes no file."""
    refuse_sources(out, [photo.path for photo in photos])
    refuse_closed(out)


def _title(word: str, photos: Sequence[Photo]) -> str:
    names = [title_of(photo.name) or "a photo" for photo in photos[:3]]
    more = f" and {len(photos) - 3} more" if len(photos) > 3 else ""
    return f"{word} {', '.join(names)}{more}"


def _expectations(
    photos: Sequence[Photo], faces: Sequence[EditFace], aligned: Sequence[Aligned], stack: Stack
) -> list[str]:
    """Sentences about photos that do not suit each other, for whoever wonders at the result."""
    remarks = []
    for photo, one in zip(photos, aligned, strict=True):
        if one.enlarged > ENLARGED:
            name = photo.name or "a photo"
            times = f"{one.enlarged:.0f} times"
            remarks.append(f"The face on “{name}” is small: it was enlarged {times} and looks blurred.")
    same = [(photo.sha256, face.face.box) for photo, face in zip(photos, faces, strict=True)]
    if len(photos) > 1 and len(set(same)) == 1:
        remarks.append("The photos are one and the same: nothing will change.")
    yaws = [face.face.quality.yaw for face in faces]
    apart = max(yaws) - min(yaws)
    if len(faces) > 1 and apart > TURNED:
        sentence = f"The heads are turned {apart:.0f} degrees apart: photos from the same side suit better."
        remarks.append(sentence)
    elif stack.flattened > GIVEN_WAY:
        remarks.append("The faces are so differently turned that parts of them could not be fitted exactly.")
    return remarks
