"""Face swaps: who goes where, a quick look, the full result with its self-check, and the files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from faceapp.config import MEGABYTE, SettingsFile
from faceapp.edit.card import Card, Checker
from faceapp.edit.cast import (
    Cast,
    CastChoices,
    Plan,
    SourceFace,
    SourcePerson,
    best_fit,
    cast,
    same_people,
    tapped,
    turned_apart,
    unsure,
)
from faceapp.edit.faces import EditFace, FaceReader
from faceapp.edit.points import size
from faceapp.edit.results import refuse_closed, refuse_sources
from faceapp.errors import BadRequest, FaceAppError, Forbidden, TooLarge, UnusableFace
from faceapp.jobs import Job, JobManager
from faceapp.models.registry import Models
from faceapp.paths import Paths
from faceapp.pipeline.analysis import Analyser
from faceapp.ports import PeopleStore
from faceapp.services.kept import Kept
from faceapp.services.presets import Presets
from faceapp.services.recognition import Recognition
from faceapp.services.results import Results
from faceapp.services.swap_video import NO_SWAP, VideoSwaps
from faceapp.tasks import swap as tasks
from faceapp.types import Box, Face, Floats, Image, Person, Photo, Refusal

if TYPE_CHECKING:
    from faceapp.edit.crowd import Swap
    from faceapp.edit.neural import NeuralSwapper
    from faceapp.edit.swap import Source, Swapped, SwapSettings
    from faceapp.models.base import Swapper


READ_KEPT, RECOGNISED_KEPT = 64, 2000
# Prepared faces hold their photos: so many bytes of them.
PREPARED_KEPT = 400 * MEGABYTE
MOST_SOURCES = 100
# Of several faces on a source photo, those of at least this share of the largest one's size are meant.
MAIN_FACE = 0.4
# Faces of a smaller unit (see `points.size`) have too few pixels to show anybody.
SMALLEST = 7.0
# Points that are further off (see `cast.unsure`) are no face's.
MISPLACED = 0.25
COMPARED = 3
PREVIEW_SIDE = 1200


@dataclass(frozen=True, eq=False)
class Result:
    """A finished swap. image: (H, W, 3) at the target's full size. cards: one for each swapped face."""

    image: Image
    plan: Plan
    settings: SwapSettings
    cards: tuple[Card, ...]
    remarks: tuple[str, ...] = ()


class Swaps:
    """Swaps faces of photos. Values in, values out; safe to use from any thread."""

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
        self._checker = Checker(analyser, models)
        self._read: Kept[tuple[EditFace, ...]] = Kept(READ_KEPT)
        self._prepared: Kept[Source] = Kept(PREPARED_KEPT)
        self._recognised: Kept[tuple[Person, ...]] = Kept(RECOGNISED_KEPT)
        self._neural: tuple[Swapper, NeuralSwapper] | None = None
        self._presets = Presets(paths.data / "swap_presets.json")
        self.results = Results(paths.data / "results")
        self.videos = VideoSwaps(
            analyser, models, paths, jobs, settings,
            people=self._people, barred_sources=self._barred_sources, no_swap=self._no_swap,
            settings=self.settings, neural=self._drawing,
        )  # fmt: skip

    # -- who goes where -----------------------------------------------------------------------------

    def read(
        self, photo: Photo, far: bool = False, check: Callable[[], None] = lambda: None
    ) -> tuple[EditFace, ...]:
        """The faces of a photo, left to right, embedded. Kept, so that asking again costs nothing.

        far: look for small faces as well, tile by tile, which takes several times as long.
        check: called now and then; it may raise.
        """
        key = (photo.sha256, photo.image.shape, far, self._store.revision())
        found = self._read.get(key)
        if found is None:
            faces = self._reader.read(photo.image, far=far, sha256=photo.sha256, check=check)
            found = self._read.put(key, tuple(sorted(faces, key=lambda each: each.face.box.centre)))
        return found

    def plan(self, sources: Sequence[Photo], target: Photo, choices: CastChoices | None = None) -> Plan:
        """Who goes where. Sources or faces that cannot be used are left out, and `refusals` says why.

        A photo without a face is a refusal as well: only `render` raises. Raises BadRequest for choices
        that name a face that is not there, TooLarge for too many sources.
        """
        chosen = choices or CastChoices()
        refusals: list[Refusal] = []
        faces = self.read(target, chosen.far)
        if not faces:
            refusals.append(_no_face(target, "target"))
        people = self._people(sources, chosen, refusals)
        barred = self._barred_sources(people, refusals)
        left = {**_untapped(faces, chosen, refusals), **self._barred_faces(target, faces, chosen)}
        refusals += [refusal for refusal in left.values() if refusal.code == NO_SWAP]
        distances = _distances(faces, people)
        turned = np.array(
            [[turned_apart(face, best_fit(face, person).face) for person in people] for face in faces]
        ).reshape(distances.shape)
        casts = cast(
            distances,
            {face: source for face, source in chosen.locks.items() if face not in left},
            chosen.leave | left.keys(),
            chosen.max_distance,
            chosen.everyone,
            barred,
            turned > chosen.max_turn,
        )
        shown = tuple(
            None if each.source is None else best_fit(face, people[each.source])
            for each, face in zip(casts, faces, strict=True)
        )
        return Plan(
            tuple(sources), target, faces, people, distances, chosen, casts, shown, tuple(refusals), left
        )

    def check_sources(self, sources: Sequence[Photo]) -> None:
        """Raise the refusal of sources of which none can be used: before a long job begins."""
        refusals: list[Refusal] = []
        people = self._people(sources, CastChoices(), refusals)
        if len(self._barred_sources(people, refusals)) == len(people):
            raise _refused(refusals)

    def _people(
        self, sources: Sequence[Photo], choices: CastChoices, refusals: list[Refusal]
    ) -> tuple[SourcePerson, ...]:
        """The people of the source photos, each with all their faces."""
        shown: list[SourceFace] = []
        for position, photo in enumerate(sources):
            faces = self.read(photo)
            wanted = _wanted(faces, position, choices)
            if not wanted:
                refusals.append(_no_face(photo, "source"))
            doubts = {number: self._unusable(photo, faces[number]) for number in wanted}
            wanted = [number for number, doubt in doubts.items() if doubt is None]
            refusals += _on_photo(photo, () if wanted else doubts.values())
            shown += [SourceFace(position, number, faces[number]) for number in wanted]
        if len(shown) > MOST_SOURCES:
            sentence = f"There are {len(shown)} faces on the source photos."
            raise TooLarge("too_many_faces", sentence, f"Use at most {MOST_SOURCES}.")
        if not shown:
            return ()
        places = {(each.photo, each.number): place for place, each in enumerate(shown)}
        known = [[places[face] for face in group if face in places] for group in choices.people]
        rows = np.stack([_embedding(each.face) for each in shown])
        threshold = self._recognition.threshold_among(len(shown))
        groups = same_people(rows, [each.photo for each in shown], threshold, known)
        made = [SourcePerson(tuple(shown[place] for place in group)) for group in groups]
        return tuple(replace(person, name=self._name(person)) for person in made)

    def _name(self, person: SourcePerson) -> str:
        found = self._who(person.faces[0].face.face)
        return found[0].name if found else ""

    def _who(self, face: Face) -> tuple[Person, ...]:
        """The people of the library that a face is recognised as, nearest first."""
        assert face.embedding is not None, "the face was not embedded"
        # The library and the threshold decide: the same question has the same answer until one changes.
        key = (self._store.revision(), self._settings.current.threshold, face.embedding.tobytes())
        found = self._recognised.get(key)
        if found is None:
            matches = self._recognition.search(face, COMPARED).matches
            found = self._recognised.put(key, tuple(match.person for match in matches if match.same_person))
        return found

    def _barred_sources(self, people: Sequence[SourcePerson], refusals: list[Refusal]) -> set[int]:
        """The sources whose faces must not be used."""
        barred = set()
        for position, person in enumerate(people):
            found = next(filter(None, (self._no_swap(shown.face.face) for shown in person.faces)), None)
            if found is not None:
                barred.add(position)
                refusals.append(_no_consent(found, "Their face is not put onto anybody."))
        return barred

    def _barred_faces(
        self, photo: Photo, faces: Sequence[EditFace], choices: CastChoices
    ) -> dict[int, Refusal]:
        """The faces of the target that must not be, or cannot be, changed, and why."""
        barred = {}
        for position, face in enumerate(faces):
            found = self._no_swap(face.face)
            doubt = self._unusable(photo, face)
            if found is not None:
                barred[position] = _no_consent(found, "Their face is left as it is.")
            elif doubt is not None and (doubt.code == "too_small" or position not in choices.locks):
                barred[position] = doubt
        return barred

    def _unusable(self, photo: Photo, face: EditFace) -> Refusal | None:
        """Why a face can neither be put somewhere nor be covered, whoever it is."""
        if not np.isfinite(face.points).all() or size(face.points) < SMALLEST:
            return Refusal("too_small", "The face is too small.", "Use a larger photo.")
        if unsure(face) > MISPLACED and not self._by_hand(photo, face):
            sentence = "The face is seen from the side, lies on its side, or is hidden."
            return Refusal("points_lost", sentence, "Place its points by hand, or turn the photo.")
        return None

    def _by_hand(self, photo: Photo, face: EditFace) -> bool:
        """Whether the user placed the points of a face."""
        return any(np.array_equal(face.points, own) for _, own in self._store.points_on(photo.sha256))

    def _no_swap(self, face: Face) -> Person | None:
        """The recognised person who does not want swaps, or None."""
        return next((person for person in self._who(face) if person.no_swap), None)

    # -- pixels -------------------------------------------------------------------------------------

    def preview(
        self, plan: Plan, settings: SwapSettings | None = None, max_side: int | None = PREVIEW_SIDE
    ) -> Image:
        """The result without its self-check, at most `max_side` pixels long: quick enough for a slider.

        A plan that changes nothing comes back as the target. Raises ModelUnavailable or Conflict
        (licence_not_accepted) for a neural engine that cannot be used.
        """
        image, scale = _fitted(plan.target.image, max_side)
        return self._swap(image, plan, [_scaled(face, scale) for face in plan.faces], settings)[0]

    def render(
        self, plan: Plan, settings: SwapSettings | None = None, check: Callable[[], None] = lambda: None
    ) -> Result:
        """The result at full size with a card for each swapped face.

        check: called between the steps, and in long ones before every few faces; it may raise.
        Raises UnusableFace or Forbidden, with all reasons, when the plan changes nothing, and what `preview`
        raises.
        """
        if not plan.pairs:
            raise nothing_to_do(plan)
        check()
        image, swapped = self._swap(plan.target.image, plan, plan.faces, settings, check)
        check()
        checked = [
            (each.target, plan.faces[each.target], _source(each), shown.face) for each, shown in plan.pairs
        ]
        cards = self._checker.cards(
            plan.target.image, image, checked, swapped,
            self._recognition.threshold_among(1), plan.choices.far, check,
        )  # fmt: skip
        remarks = tuple(f"{refusal.sentence} {refusal.hint}".strip() for refusal in plan.refusals)
        return Result(image, plan, self.settings(settings), cards, remarks)

    def _swap(
        self,
        image: Image,
        plan: Plan,
        faces: Sequence[EditFace],
        settings: SwapSettings | None,
        check: Callable[[], None] = lambda: None,
    ) -> tuple[Image, tuple[Swapped, ...]]:
        """The plan carried out on an image of the target, whose faces are at these places."""
        from faceapp.edit.crowd import swap_crowd

        if not plan.pairs:
            return image.copy(), ()
        pairs = [(each.target, self._source(plan, shown)) for each, shown in plan.pairs]
        chosen = self.settings(settings)
        return swap_crowd(image, faces, pairs, chosen, self._engine(chosen, check))

    def _engine(self, settings: SwapSettings, check: Callable[[], None]) -> Swap:
        """What puts one face onto another. check: called before each; it may raise."""
        from faceapp.edit.swap import swap_faces

        network = self._drawing(settings)
        return partial(swap_faces if network is None else network.swap_faces, check=check)

    def _drawing(self, settings: SwapSettings) -> NeuralSwapper | None:
        """The network that draws, where the settings want one; it is asked only once who a source is."""
        if settings.engine == "classical":
            return None
        from faceapp.edit.neural import NeuralSwapper

        network = self._models.swapper()
        kept = self._neural
        if kept is None or kept[0] is not network:
            kept = self._neural = network, NeuralSwapper(network)
        return kept[1]

    def _source(self, plan: Plan, shown: SourceFace) -> Source:
        """The prepared face of a source photo, kept: sliders move often."""
        from faceapp.edit.swap import prepare

        photo = plan.sources[shown.photo]
        key = (photo.sha256, photo.image.shape, shown.face.points.tobytes())
        found = self._prepared.get(key)
        if found is None:
            found = self._prepared.put(key, prepare(photo.image, shown.face), photo.image.nbytes)
        return found

    # -- files --------------------------------------------------------------------------------------

    def save(self, result: Result, path: Path) -> None:
        """Write the result, marked as a swap; nothing is there under that name until all of it is.

        Raises BadRequest for an ending that is not written, Conflict for a file that the swap was made from,
        StoreUnavailable when the disk does not take it.
        """
        from faceapp.edit.provenance import Made, Marking, save_image

        photos = (*result.plan.sources, result.plan.target)
        neural = result.settings.engine == "neural"
        made = Made("face swap", [photo.path for photo in photos], neural)
        save_image(path, result.image, made, Marking.chosen(self._settings.current, self._paths))

    def start_photo(
        self,
        sources: Sequence[Photo],
        target: Photo,
        out: Path,
        settings: SwapSettings | None = None,
        choices: CastChoices | None = None,
    ) -> Job:
        """Swap into one photo, as a job whose result is a SwapReport."""
        check_output(out, (*sources, target))
        return self._start(
            target.name or "a photo", tasks.swap_photo,
            sources=tuple(sources), target=target, out=out, settings=settings, choices=choices,
        )  # fmt: skip

    def start_batch(
        self,
        sources: Sequence[Photo],
        folder: Path,
        out: Path,
        settings: SwapSettings | None = None,
        choices: CastChoices | None = None,
    ) -> Job:
        """Swap into every photo of a folder, as a job whose result is a BatchReport."""
        if os.path.abspath(out) == os.path.abspath(folder):
            sentence = "The results would be written over the photos they are made from."
            raise BadRequest("same_folder", sentence, "Choose another folder for them.")
        if os.path.exists(out) and not os.path.isdir(out):
            sentence = f"“{out.name}” is a file, and the results of a folder are many."
            raise BadRequest("not_a_folder", sentence, "Name a folder for them, new or not.")
        refuse_closed(out / folder.name if os.path.isdir(out) else out)
        return self._start(
            folder.name, tasks.swap_folder,
            sources=tuple(sources), folder=folder, out=out, settings=settings, choices=choices,
        )  # fmt: skip

    def _start(self, name: str, body: Callable[..., Any], /, **request: Any) -> Job:
        if self.settings(request["settings"]).engine == "neural":
            self._models.plugins.require()
        return self._jobs.submit("swap", f"Swap faces into {name}", partial(body, swaps=self, **request))

    def start_video(
        self,
        sources: Sequence[Photo],
        path: Path,
        out: Path,
        settings: SwapSettings | None = None,
        choices: CastChoices | None = None,
    ) -> Job:
        """Swap into a video file, as a job whose result is a VideoReport; `videos` does the rest."""
        return self.videos.start(sources, path, out, settings, choices)

    # -- settings -----------------------------------------------------------------------------------

    def settings(
        self, chosen: SwapSettings | None = None, preset: str = "", **changes: Any
    ) -> SwapSettings:
        """The given settings, or those of a preset, or the program's own, with changes that are not None.

        Raises NotFound for a preset that is not there, BadRequest for a value that is out of range.
        """
        base = chosen or (self._presets.get(preset) if preset else self._presets.default())
        return self._presets.changed(base, {name: v for name, v in changes.items() if v is not None})

    def presets(self) -> dict[str, SwapSettings]:
        """The built-in settings and the user's own, by name."""
        return self._presets.all()

    def save_preset(self, name: str, settings: SwapSettings) -> None:
        """Keep settings under a name. Raises BadRequest for a name of a built-in one or none."""
        self._presets.save(name, settings)

    def delete_preset(self, name: str) -> None:
        """Raises NotFound, and BadRequest for a built-in one."""
        self._presets.delete(name)

    def close(self) -> None:
        """Delete the results that nobody saved, and what is left of old renders."""
        self.results.close()
        self.videos.close()


# -- sentences --------------------------------------------------------------------------------------


def nothing_to_do(plan: Plan) -> FaceAppError:
    """Why a plan changes nothing."""
    if not plan.sources:
        return BadRequest("no_source", "No source photo was given.", "Give a photo of the face to put there.")
    telling = {NO_SWAP, "no_face_there"} & {refusal.code for refusal in plan.refusals}
    if plan.refusals and (not plan.faces or not plan.people or telling):
        return _refused(plan.refusals)
    reasons = dict.fromkeys(refusal.sentence for refusal in plan.barred.values())
    left = plan.choices.leave | plan.barred.keys()
    if all(each.target in left for each in plan.casts):
        sentence = " ".join(reasons) or "Every face of the target is to be left alone."
        return UnusableFace("all_left", sentence, "Use another photo, or choose another face.")
    free = [each.target for each in plan.casts if each.target not in left]
    if np.any(plan.distances[free] <= plan.choices.max_distance):
        sentence = "The heads of the target are turned too far away from every source."
        hint = "Use a photo from the same side, or allow a larger turn."
        return UnusableFace("nobody_near", sentence, hint)
    sentence = "No face of the target is near enough to a source."
    return UnusableFace("nobody_near", sentence, "Allow a larger distance.")


def _refused(refusals: Sequence[Refusal]) -> FaceAppError:
    """All reasons as one error; 403 where somebody does not want to be swapped."""
    first = next((refusal for refusal in refusals if refusal.code == NO_SWAP), refusals[0])
    sentences = dict.fromkeys((first.sentence, *(refusal.sentence for refusal in refusals)))
    kind = Forbidden if first.code == NO_SWAP else UnusableFace
    return kind(first.code, " ".join(sentences), first.hint)


def _no_face(photo: Photo, role: str) -> Refusal:
    name = f"“{photo.name}”" if photo.name else f"the {role} photo"
    hint = "Use a photo on which the face is large, light and seen from the front."
    return Refusal(f"no_{role}_face", f"No face was found on {name}.", hint)


def _on_photo(photo: Photo, doubts: Iterable[Refusal | None]) -> list[Refusal]:
    """Refusals of faces with the name of their photo, each once."""
    before = f"{photo.name}: " if photo.name else ""
    found = {doubt: replace(doubt, sentence=before + doubt.sentence) for doubt in doubts if doubt is not None}
    return list(found.values())


def _no_consent(person: Person, consequence: str) -> Refusal:
    sentence = f"{person.name} is marked “no swap” in the library. {consequence}"
    return Refusal(NO_SWAP, sentence, "Ask them before you take the mark away.")


def check_output(path: Path, photos: Sequence[Photo]) -> None:
    """Raises BadRequest for an ending that is not written, Conflict for one of the photos themselves,
    StoreUnavailable for a place that cannot be written to."""
    if not path.suffix:
        sentence = f"“{path.name}” does not say which kind of picture it is to be."
        raise BadRequest("bad_ending", sentence, "Let the name end in .jpg, .png, .webp or .tif.")
    if path.suffix.lower() not in tasks.WRITTEN | {".jpeg"}:
        raise BadRequest(
            "bad_ending", f"Results are not written as “{path.suffix}”.", "Use .jpg, .png, .webp or .tif."
        )
    refuse_sources(path, [photo.path for photo in photos])
    refuse_closed(path)


# -- small steps --------------------------------------------------------------------------------------


def _wanted(faces: Sequence[EditFace], photo: int, choices: CastChoices) -> list[int]:
    """The faces of a source photo that are meant: those that were chosen, or the main ones."""
    if choices.faces is not None:
        return [number for number in range(len(faces)) if (photo, number) in choices.faces]
    named = {number for group in choices.people for place, number in group if place == photo}
    largest = max((face.face.quality.size for face in faces), default=0.0)
    return [
        number
        for number, face in enumerate(faces)
        if number in named or face.face.quality.size >= MAIN_FACE * largest
    ]


def _embedding(face: EditFace) -> Floats:
    assert face.face.embedding is not None, "the face was not embedded"
    return face.face.embedding


def _distances(faces: Sequence[EditFace], people: Sequence[SourcePerson]) -> Floats:
    """(T, S) cosine distances of the target's faces to the people of the sources."""
    if not faces or not people:
        return np.zeros((len(faces), len(people)), np.float32)
    rows = np.stack([_embedding(face) for face in faces])
    columns = np.stack([person.embedding for person in people])
    found: Floats = np.clip(1.0 - rows @ columns.T, 0.0, 2.0).astype(np.float32)
    return found


def _untapped(
    faces: Sequence[EditFace], choices: CastChoices, refusals: list[Refusal]
) -> dict[int, Refusal]:
    """The faces that no point was tapped on, where any was; a point beside all faces is a refusal."""
    if not choices.points:
        return {}
    wanted = set()
    for point in choices.points:
        found = tapped(faces, point)
        if found is not None:
            wanted.add(found)
        elif faces:
            sentence = f"There is no face at {point[0]:.0f}, {point[1]:.0f}."
            refusals.append(Refusal("no_face_there", sentence, "Point at the middle of a face."))
    untapped = Refusal("not_chosen", "It was not chosen.")
    return {place: untapped for place in range(len(faces)) if place not in wanted | choices.locks.keys()}


def _source(each: Cast) -> int:
    assert each.source is not None, "a pair has a source"
    return each.source


def _fitted(image: Image, max_side: int | None) -> tuple[Image, float]:
    """The image at most so many pixels long, and how much smaller it is."""
    from faceapp.opencv import cv2

    longest = max(image.shape[:2])
    if max_side is None or longest <= max_side:
        return image, 1.0
    height, width = (max(1, round(side * max_side / longest)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), width / image.shape[1]


def _scaled(face: EditFace, scale: float) -> EditFace:
    if scale == 1.0:
        return face
    old = face.face.box
    box = Box(old.x1 * scale, old.y1 * scale, old.x2 * scale, old.y2 * scale)
    quality = replace(face.face.quality, size=face.face.quality.size * scale)
    smaller = replace(face.face, box=box, landmarks=face.face.landmarks * np.float32(scale), quality=quality)
    # A pixel's centre lies half a pixel behind its number.
    points = ((face.points + 0.5) * scale - 0.5).astype(np.float32)
    return EditFace(smaller, points)
