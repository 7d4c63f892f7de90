"""Morphs through a latent space as jobs, and the fitting of the appearance model on the library's faces."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.results import whole
from faceapp.errors import BadRequest, Cancelled, FaceAppError, ModelUnavailable
from faceapp.jobs import JobContext
from faceapp.latent.generator import GeneratorInfo, Projection, Route, Step, Subject, mixed
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import in_order
from faceapp.ports import PeopleStore
from faceapp.types import Face, Floats, Image, Photo, StoredFace

if TYPE_CHECKING:
    from faceapp.edit.provenance import Made, Marking
    from faceapp.edit.retime import Doubles, Pace
    from faceapp.latent.appearance import AppearanceModel, Encoded
    from faceapp.latent.process import StyleGan2
    from faceapp.services.morphs import MorphSettings
    from faceapp.tasks.morph import Kind, MorphReport

log = logging.getLogger(__name__)

MODEL_FILE = "appearance.safetensors"
GENERATOR_FILE = "stylegan2.safetensors"
VGG_FILE = "vgg16.safetensors"
# The model is fitted again when the library has so many more faces than it was fitted on.
GROWN = 1.2
SMALLEST_EYES = 12.0
READERS = 2
PALETTE_SAMPLES = 5
# From which share of the parents' looks on, that the picture is without, it is visibly softer.
SOFTER = 0.04
ROUTES: tuple[Route, ...] = ("pca", "stylegan2")

Watch = Callable[[int, Step], None]
Embed = Callable[[Image, Floats], Floats]


@dataclass(frozen=True, eq=False)
class Tools:
    """What the jobs work with. embed: the embedding (D,) of a picture's face whose 68 points are known."""

    store: PeopleStore
    models: Models
    reader: FaceReader
    paths: Paths
    embed: Embed | None = None

    @property
    def folder(self) -> Path:
        return self.paths.latent


@dataclass(frozen=True, eq=False)
class Drawn:
    """A way through a space. draw: the picture (R, R, 3) for weights of the people; points: 68 points of
    that picture, None where they are not known. info: of what draws. remarks: sentences for people."""

    draw: Callable[[Floats], Image]
    points: Callable[[Floats], Floats] | None
    info: GeneratorInfo
    remarks: tuple[str, ...] = ()


def check(route: str, out: Path, settings: MorphSettings) -> Route:
    """The route of that name. Raises BadRequest for another, and for what no latent morph has."""
    from faceapp.edit.animation import check_suffix
    from faceapp.tasks.morph import STILLS, check_picture

    chosen = next((known for known in ROUTES if known == route), None)
    if chosen is None:
        raise BadRequest(
            "no_such_route", f"There is no latent route “{route}”.", "There are: pca and stylegan2."
        )
    if settings.frames == 1:
        check_picture(out)
    elif out.suffix.lower() not in STILLS:
        check_suffix(out)
    if settings.symmetry > 0:
        raise BadRequest(
            "latent_symmetry", "A latent morph cannot be made symmetrical.",
            "Leave the symmetry at 0, or take the average without --latent.",
        )
    if settings.background is not None and settings.background.kind != "dissolve":
        raise BadRequest(
            "latent_background", "A latent morph draws its own background.",
            "Leave the background as it is, or morph without --latent.",
        )
    if settings.shape is not None or settings.colour is not None:
        raise BadRequest(
            "latent_sliders", "A latent morph mixes shape and colour together.",
            "Leave both as they are, or morph without --latent.",
        )
    if settings.detail is not None and chosen == "stylegan2":
        raise BadRequest(
            "latent_detail", "A StyleGAN2 generator draws the detail itself.",
            "Leave the detail as it is, or take the route pca or none.",
        )
    if settings.detail is not None and not 0 <= settings.detail <= 1:
        raise BadRequest(
            "latent_detail", "With the route pca the detail is how much of the photos' own is kept, 0 to 1.",
            "Choose a detail from 0 to 1, or morph without --latent.",
        )
    return chosen


def write(
    context: JobContext,
    tools: Tools,
    photos: Sequence[Photo],
    faces: Sequence[EditFace],
    out: Path,
    settings: MorphSettings,
    route: Route,
    marking: Marking,
    watch: Watch | None = None,
    remarks: Sequence[str] = (),
    place: float | None = None,
) -> MorphReport:
    """One picture or a sequence, by the end of the file's name; a MorphReport.

    watch: told the number of the photo and how its projection goes (the route stylegan2 alone).
    place: where on the way a picture is, -1 to 2; None: all people in equal shares, the average of three or
    more.

    Raises:
        ModelUnavailable: the route's model is not there or cannot be used.
        Cancelled: what a search has found up to then is kept, and the next one starts from there.
    """
    subjects = [Subject(photo.image, face.points) for photo, face in zip(photos, faces, strict=True)]
    context.progress(0, None, "Preparing the latent space")
    if route == "pca":
        drawn = through_appearance(context, tools, subjects, settings)
        return written(context, tools, photos, out, settings, drawn, marking, remarks, place)
    with closing(open_generator(context, tools)) as generator:
        drawn = through_generator(context, tools, generator, subjects, settings, watch)
        return written(context, tools, photos, out, settings, drawn, marking, remarks, place)


# -- the appearance model ---------------------------------------------------------------------------
def through_appearance(
    context: JobContext, tools: Tools, subjects: Sequence[Subject], settings: MorphSettings
) -> Drawn:
    """The way through the model of the gallery. settings.detail: how much of what it leaves out is mixed in
    (None: all)."""
    model = gallery_model(context, tools, subjects)
    return between_encoded(model, [model.encoded(subject) for subject in subjects], settings)


def between_encoded(model: AppearanceModel, parents: Sequence[Encoded], settings: MorphSettings) -> Drawn:
    """The way between subjects that are points of the model already."""
    detail = 1.0 if settings.detail is None else settings.detail
    size = settings.size
    remarks = [model.remark] if model.remark else []
    if (1 - detail) * max(parent.left_out for parent in parents) >= SOFTER:
        remarks.append("With less detail of the photos the picture is softer, and less like both parents.")

    def draw(weights: Floats) -> Image:
        return model.morph(parents, weights.tolist(), size, detail)

    def points(weights: Floats) -> Floats:
        return _points_in_picture(model, parents, weights, size, detail)

    return Drawn(draw, points, model.info, tuple(remarks))


def _points_in_picture(
    model: AppearanceModel, parents: Sequence[Encoded], weights: Floats, size: int, detail: float
) -> Floats:
    from faceapp.latent.texture import rescaled

    _, shape = model.mixed(parents, weights.tolist(), detail)
    return rescaled(shape[:68], size / model.frame.side)


def gallery_model(context: JobContext, tools: Tools, also: Sequence[Subject] = ()) -> AppearanceModel:
    """The model of the library's faces: the kept one, or a new one where it is missing or out of date.

    also: faces that are fitted too where the library has hardly any; such a model is not kept.
    """
    from faceapp.latent.appearance import FEWEST, AppearanceModel, fit, members_of

    path = tools.folder / MODEL_FILE
    faces = willing_faces(context, tools.store)
    if fresh(members_of(path), {face.id for face in faces}):
        try:
            return AppearanceModel.load(path)
        except ModelUnavailable as error:
            log.warning("The model of the gallery is fitted again: %s", error)
    if len(faces) < FEWEST:
        # It shows people of the library who may be gone: it goes with them.
        path.unlink(missing_ok=True)
        read = [*gallery_subjects(context, tools, faces), *also]
        return fit(context, read, len(read))
    return fit_gallery(context, tools, faces)


def fit_gallery(
    context: JobContext, tools: Tools, faces: Sequence[StoredFace] | None = None
) -> AppearanceModel:
    """Fit the model on the library's faces and keep it. Two thousand faces take about a minute.

    Raises UnusableFace with fewer than two faces, Cancelled, and StoreUnavailable.
    """
    from faceapp.latent.appearance import AppearanceModel, fit

    chosen = willing_faces(context, tools.store) if faces is None else faces
    people = len({face.person_id for face in chosen})
    gallery = hashlib.sha256(repr([(face.id, face.photo.sha256) for face in chosen]).encode()).hexdigest()
    members = [face.id for face in chosen]
    with closing(gallery_subjects(context, tools, chosen)) as subjects:
        model = fit(context, subjects, people, gallery, members)
    path = tools.folder / MODEL_FILE
    try:
        model.save(path)
    except OSError as error:
        log.warning("The model of the gallery cannot be kept in %s: %s", path.parent, error)
        return model
    return AppearanceModel.load(path)


def fresh(members: frozenset[int] | None, now: set[int]) -> bool:
    """True while a model may be used: nobody whom it shows is gone, and not many more have come."""
    return members is not None and bool(members) and members <= now and len(now) <= GROWN * len(members)


def willing_faces(context: JobContext, store: PeopleStore) -> list[StoredFace]:
    """The faces to fit on: everybody's best first, then their second best, and so on; without the people
    who are marked "no swap"."""
    from faceapp.latent.appearance import MOST_FACES

    rows: list[list[StoredFace]] = []
    for person in store.people():
        context.check()
        if not person.no_swap:
            own = store.faces_of(person.id)
            rows.append(sorted(own, key=lambda face: -face.quality.size * face.quality.sharpness))
    rounds = zip_longest(*rows)
    return [face for turn in rounds for face in turn if face is not None][:MOST_FACES]


def gallery_subjects(
    context: JobContext, tools: Tools, faces: Sequence[StoredFace]
) -> Generator[Subject]:
    """The faces with their photos, cut to what a model looks at; those that cannot be read are left out."""
    with closing(in_order(faces, lambda face: _subject(tools, face), READERS)) as read:  # type: ignore[type-var]
        for face, result in context.track(read, len(faces), "Reading the faces of the library"):
            if isinstance(result, FaceAppError):
                log.info("Face %d is not in the model: %s", face.id, result)
            elif result is not None:
                yield result


def _subject(tools: Tools, stored: StoredFace) -> Subject | None:
    """An enrolled face in its photo, or in its crop where the photo is gone; None where it is too small."""
    from faceapp.edit.points import eye_distance
    from faceapp.latent.appearance import cut
    from faceapp.pipeline.photos import decode_photo, read_photo

    try:
        photo = read_photo(stored.photo.path)
        same = photo.sha256 == stored.photo.sha256
    except FaceAppError:
        same = False
    if same:
        face = Face(stored.box, stored.landmarks, stored.quality)
        found = tools.reader.with_points(photo.image, (face,), photo.sha256)
    else:
        photo = decode_photo(tools.store.crop(stored.id))
        found = tools.reader.read(photo.image, embed=False)
    if not found or eye_distance(found[0].points) < SMALLEST_EYES:
        return None
    return cut(Subject(photo.image, found[0].points))


# -- the StyleGAN2 generator ------------------------------------------------------------------------
def open_generator(context: JobContext, tools: Tools) -> StyleGan2:
    """Start the generator in the models folder. Raises ModelUnavailable where there is none."""
    from faceapp.latent.process import StyleGan2
    from faceapp.models.catalog import DLIB_RESNET

    weights = generator_file(context, tools.paths)
    face = tools.models.store.locate(DLIB_RESNET)
    vgg = tools.paths.models / VGG_FILE
    return StyleGan2(
        context, weights, face if face.is_file() else None, vgg if vgg.is_file() else None
    )


def generator_file(context: JobContext, paths: Paths) -> Path:
    """The safetensors file of the generator; a checkpoint `stylegan2.pt` beside it is converted first.

    Raises ModelUnavailable where there is none, BadRequest where the checkpoint cannot be used.
    """
    path = paths.models / GENERATOR_FILE
    if path.is_file():
        return path
    for suffix in (".pt", ".pkl"):
        checkpoint = path.with_suffix(suffix)
        if checkpoint.is_file():
            from faceapp.latent.convert import convert

            convert(context, checkpoint, path)
            return path
    raise ModelUnavailable(
        "no_generator", "There is no StyleGAN2 generator: none may be given away with this program.",
        f"Put {GENERATOR_FILE} or a converted checkpoint stylegan2.pt into {paths.models}"
        " (docs/stylegan2.md), or use the route pca.",
    )


def through_generator(
    context: JobContext,
    tools: Tools,
    generator: StyleGan2,
    subjects: Sequence[Subject],
    settings: MorphSettings,
    watch: Watch | None = None,
) -> Drawn:
    """The way between the projections of the photos."""
    projections = [
        projected(context, tools, generator, subject, numbered(watch, number))
        for number, subject in enumerate(subjects)
    ]
    remarks = found_remarks(tools, generator.info, subjects, projections)
    return between_projections(generator, projections, settings, remarks, context)


def found_remarks(
    tools: Tools, info: GeneratorInfo, subjects: Sequence[Subject], projections: Sequence[Projection]
) -> tuple[str, ...]:
    """Whose generator it is, and how near to each photo it came."""
    remarks = [f"Drawn by the generator “{info.name}”. Its licence: {info.licence}"]
    remarks += [
        _likeness(tools, subject, found, number)
        for number, (subject, found) in enumerate(zip(subjects, projections, strict=True), start=1)
    ]
    return tuple(remarks)


def between_projections(
    generator: StyleGan2, projections: Sequence[Projection], settings: MorphSettings,
    remarks: tuple[str, ...] = (), context: JobContext | None = None,
) -> Drawn:  # fmt: skip
    """The way between points that are found already. context: may cancel it, which ends the generator."""

    def draw(weights: Floats) -> Image:
        ws = mixed([found.ws for found in projections], weights.tolist())
        return _sized(generator.synthesis(ws[None], context)[0], settings.size)

    return Drawn(draw, None, generator.info, remarks)


def _likeness(tools: Tools, subject: Subject, found: Projection, number: int) -> str:
    """How far the generator came, by a face that is found anew: what a search made small says little."""
    seen = tools.reader.read(found.image)
    whose = f"the person on photo {number}"
    if not seen or tools.embed is None or seen[0].face.embedding is None:
        return f"The generator found no face for {whose}: it may not suit the photo."
    distance = 1.0 - float(seen[0].face.embedding @ tools.embed(subject.image, subject.points))
    return f"The generator's picture of {whose} is at distance {distance:.2f} from the photo."


def projected(
    context: JobContext, tools: Tools, generator: StyleGan2, subject: Subject,
    watch: Callable[[Step], None] | None = None,
) -> Projection:  # fmt: skip
    """The projection of a photo, from the cache or searched for, from where a stopped search came to.

    Raises Cancelled; the best point so far is kept then.
    """
    from faceapp.latent.cache import ProjectionCache

    cache = ProjectionCache(tools.folder / "projections")
    key = cache.key(generator.aligned(subject), generator.info, generator.measure)
    known = cache.get(key, generator.info)
    if known is not None and known.complete:
        return known
    found = generator.project(subject, context, watch, None if known is None else known.ws)
    cache.put(key, found)
    if not found.complete:
        raise Cancelled()
    return found


def so_far(context: JobContext, tools: Tools, generator: StyleGan2, subject: Subject) -> Projection:
    """The projection of a photo as far as a search came, which may have been stopped; without one, the
    generator's guess."""
    from faceapp.latent.cache import ProjectionCache

    cache = ProjectionCache(tools.folder / "projections")
    key = cache.key(generator.aligned(subject), generator.info, generator.measure)
    known = cache.get(key, generator.info)
    if known is not None:
        return known
    ws = generator.encode(subject, context)
    return Projection(ws, generator.synthesis(ws[None], context)[0], complete=False)


def numbered(watch: Watch | None, number: int) -> Callable[[Step], None] | None:
    return None if watch is None else lambda step: watch(number, step)


def _sized(picture: Image, size: int) -> Image:
    from faceapp.opencv import cv2

    if len(picture) == size:
        return picture
    how = cv2.INTER_AREA if size < len(picture) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=how), np.uint8)


# -- files --------------------------------------------------------------------------------------------
def written(
    context: JobContext, tools: Tools, photos: Sequence[Photo], out: Path, settings: MorphSettings,
    drawn: Drawn, marking: Marking, remarks: Sequence[str] = (), place: float | None = None,
) -> MorphReport:  # fmt: skip
    """The file of a way; see `write`."""
    from faceapp.tasks.morph import STILLS, MorphReport, shown_seconds

    names = tuple(photo.name or photo.path or "a photo" for photo in photos)
    said = (*remarks, *drawn.remarks)
    if out.suffix.lower() in STILLS or settings.frames == 1:
        count = len(photos)
        even = np.full(count, 1 / count, np.float32)
        weights = even if place is None else weights_at(place, count, settings)
        _write_picture(context, photos, out, drawn, marking, weights)
        kind: Kind = "average" if place is None and count > 2 else "picture"
        at = 0.5 if place is None and count == 2 else place
        return MorphReport(kind, str(out), names, 1, 0.0, settings.size, at, drawn.info.route, said)
    _write_sequence(context, tools, photos, out, settings, drawn, marking)
    seconds = shown_seconds(out, settings.frames, settings.seconds)
    return MorphReport(
        "sequence", str(out), names, settings.frames, seconds, settings.size, None, drawn.info.route, said
    )


def _write_picture(
    context: JobContext, photos: Sequence[Photo], out: Path, drawn: Drawn, marking: Marking, weights: Floats
) -> None:
    from faceapp.edit.provenance import save_image

    context.progress(0, 1, "Drawing")
    picture = drawn.draw(weights)
    context.check()
    save_image(out, picture, _made(photos, drawn), marking)
    context.progress(1, 1, "Drawing")


def _write_sequence(
    context: JobContext, tools: Tools, photos: Sequence[Photo], out: Path, settings: MorphSettings,
    drawn: Drawn, marking: Marking,
) -> None:  # fmt: skip
    from faceapp.edit import animation, retime
    from faceapp.edit.provenance import mark_file, stamp_frame

    keys = len(photos) + (1 if settings.loop else 0)
    moments = retime.moments(settings.frames, keys, settings.ease, settings.ping_pong, settings.loop)
    context.progress(0, settings.frames, "Looking at the faces")
    places = pace(context, tools, drawn, len(photos), settings)(moments)

    def at(place: float) -> Image:
        picture = drawn.draw(weights_at(place, len(photos), settings))
        return stamp_frame(picture, "morph") if marking.visible else picture

    chosen = np.unique(np.linspace(0, settings.frames - 1, PALETTE_SAMPLES).astype(int))
    samples = [at(float(places[index])) for index in chosen if out.suffix.lower() == ".gif"]
    frames = (at(place) for place in places.tolist())
    with whole(out) as temporary:
        shown = context.track(frames, settings.frames, "Drawing")
        animation.write(temporary, shown, settings.frames, settings.seconds, samples)
        context.check()
        mark_file(temporary, _made(photos, drawn), marking)


def pace(
    context: JobContext, tools: Tools, drawn: Drawn, count: int, settings: MorphSettings
) -> Pace:
    """The pace at which identity moves evenly, where the pictures' points are known; else the plain one."""
    from faceapp.edit import retime

    keys = count + (1 if settings.loop else 0)
    place_points, embed = drawn.points, tools.embed
    if not settings.even or place_points is None or embed is None or keys < 2:
        return retime.Pace.plain()

    def embeddings(places: Doubles) -> Floats:
        rows = []
        for place in places.tolist():
            context.check()
            weights = weights_at(place, count, settings)
            rows.append(embed(drawn.draw(weights), place_points(weights)))
        return np.stack(rows)

    return retime.measured(embeddings, keys)


def weights_at(place: float, count: int, settings: MorphSettings) -> Floats:
    from faceapp.edit.morph import on_the_way

    return on_the_way(place, count, settings.loop)


def _made(photos: Sequence[Photo], drawn: Drawn) -> Made:
    from faceapp.edit.provenance import Made

    neural = drawn.info.route == "stylegan2"
    return Made("morph", [photo.path for photo in photos], neural, f"Made by: {drawn.info.name}.")
