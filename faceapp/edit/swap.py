"""One face put onto another: pure functions on arrays.

All that is smooth (shape, masks, the light's correction) is computed on a small upright copy of the target's
face and only then brought to the photo's own pixels, so that a large face costs little more than a small one
and keeps its resolution:

    points -> shape of the result -> the target's outline bent to it -> where its pixels lie in the source
           -> what it may cover -> colours -> light at the rim -> sharpness and grain -> pasted
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from faceapp.edit.blend import feathered, membrane, paste, slope
from faceapp.edit.colour import ColourMap, Colours, Method, colours
from faceapp.edit.colour import colour_map as fitted
from faceapp.edit.detail import matched
from faceapp.edit.faces import EditFace, near
from faceapp.edit.mask import coverage, inner_mouth, kept_mouth
from faceapp.edit.outline import bend, bent
from faceapp.edit.place import Place, place
from faceapp.edit.points import INNER_MOUTH, MOUTH, ring, with_forehead
from faceapp.edit.skin import (
    HEIGHT,
    UNIT,
    WIDTH,
    Mask,
    Upright,
    grown,
    polygon,
    polygons,
    seen,
    stand_upright,
)
from faceapp.edit.warp import Matrix, Warp, apply, chain, invert, moved, piecewise, triangulate
from faceapp.errors import UnusableFace
from faceapp.models.align import similarity
from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_image

Blend = Literal["poisson", "feather"]
Engine = Literal["classical", "neural"]

# Degrees between two heads from which on a result looks odd.
FAR_TURNED = 25.0
# Warps know the surroundings of a face so far, in units.
_AROUND = 0.3
# How much of the source's own shape stays at likeness 0, the mouth apart: enough to be known by, too little
# to be seen as another expression.
_STRUCTURE = 0.13
# Of the 77 points those that a landmarker found: the forehead's are guessed.
_STEADY = slice(0, 68)
# What a mask says of pixels that were moved, but show nothing of the source.
_TRACE = np.float32(1 / 255)
# Of the eye distance: how wide the rim is on which the photo's colours are read.
_RIM, _RIM_BLUR = 0.1, 0.08
_CHEEKS_ERODE = 0.1
# The target's teeth begin to show where the shape opens a mouth by `_PARTED` units more than `_WIDER` times
# what the source opened it; `_OPENING` units further they show wholly, with an edge as soft as `_TEETH_BLUR`.
_WIDER, _PARTED, _OPENING, _TEETH_BLUR = 1.3, 0.04, 0.06, 0.03
# The light's correction is whole at the rim and fades towards the middle, where a face is recognised: so
# far inside, in units, this share of it is left.
_FADE, _DEEP = 0.4, 0.4


@dataclass(frozen=True)
class SwapSettings:
    """What the user chooses.

    likeness: 1 keeps the source's shape and expression, 0 takes on the target's, but for a trace
    (`_STRUCTURE`). feather: the soft edge, of the eye distance. keep_mouth: the target's mouth stays.
    degrade: as blurred and grainy as the target. opacity: 0 shows the target alone. engine: "neural" draws
    with a network of the user's own (see `neural`).
    """

    likeness: float = 1.0
    colour: Method = "mkl"
    blend: Blend = "poisson"
    feather: float = 0.16
    keep_mouth: bool = False
    degrade: bool = True
    opacity: float = 1.0
    engine: Engine = "classical"


@dataclass(frozen=True, eq=False)
class Source:
    """A face that is put onto others, with all that depends on it alone; made by `prepare`.

    levels: the photo's part around the face, each half as large as the one before. corner: x, y of that
    part in the photo.
    """

    image: Image
    face: EditFace
    upright: Upright
    colours: Colours
    levels: tuple[Image, ...]
    corner: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Swapped:
    """A photo with one face swapped.

    image: the whole photo, in its own size. box: x1 y1 x2 y2 of the changed pixels. mask: (y2-y1, x2-x1)
    float32, how much of each is the source's; a trace where the target's own pixels were moved, and 0 where
    not a bit has changed. remarks: sentences about what may look odd.
    """

    image: Image
    box: tuple[int, int, int, int]
    mask: Floats
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Plan:
    """The smooth part of a swap, on the upright copy of the target.

    warp, nearby: to pixels of the source's photo, and the similarity that does nearly the same. ground: to
    pixels of the target's photo, bent to the new outline, and moving (H, W), where that moves any. alpha
    (H, W): how much of each pixel is the source's. light (H, W, 3): what is added to its colours, if
    anything. lips: to pixels of the target's photo, with how much of it shows between the lips.
    """

    copy: Upright
    warp: Warp
    nearby: Matrix
    ground: Warp
    moving: Floats
    alpha: Floats
    light: Floats | None
    colours: ColourMap
    lips: tuple[Warp, Floats] | None


def prepare(image: Image, face: EditFace) -> Source:
    """A face made ready to be put onto others. Raises UnusableFace."""
    check_image(image)
    check_face(face)
    copy = stand_upright(image, face.points)
    corners = apply(
        invert(copy.to_copy), np.array([(0, 0), (WIDTH, 0), (0, HEIGHT), (WIDTH, HEIGHT)], np.float32)
    )
    height, width = image.shape[:2]
    left, top = np.clip(np.floor(corners.min(0)), 0, (width - 1, height - 1)).astype(int).tolist()
    right, bottom = (
        np.clip(np.ceil(corners.max(0)) + 1, (left + 1, top + 1), (width, height)).astype(int).tolist()
    )
    levels = [np.ascontiguousarray(image[top:bottom, left:right])]
    while min(levels[-1].shape[:2]) >= 32:
        half = [(side + 1) // 2 for side in levels[-1].shape[1::-1]]
        levels.append(cv2.resize(levels[-1], half, interpolation=cv2.INTER_AREA))
    return Source(image, face, copy, colours(copy.image, skin_sample(copy)), tuple(levels), (left, top))


def check_face(face: EditFace) -> None:
    """Raises UnusableFace for points that are no face."""
    points = face.points
    if not np.isfinite(points).all() or min(np.ptp(points, axis=0)) < 2:
        raise UnusableFace(
            "face_too_small", "A face is too small to be swapped.", "Use a photo on which the face is larger."
        )


def swappable(face: EditFace) -> bool:
    """Whether `check_face` lets it pass: a face of a video that is none does not keep the others waiting."""
    try:
        check_face(face)
    except UnusableFace:
        return False
    return True


def skin_sample(copy: Upright) -> Mask:
    """(H, W) the pixels whose colours stand for a face: skin inside the 68 points' hull."""
    inside = grown(polygon(copy.points), -_CHEEKS_ERODE * UNIT) & copy.valid
    skin = inside & (copy.skin > 0.5)
    return skin if skin.sum() >= 100 else inside


def match_colours(target: EditFace, image: Image, source: Source, method: Method = "mkl") -> ColourMap:
    """The colour map of a swap: a live session smooths it over the frames and hands it to `swap_faces`."""
    copy = stand_upright(image, target.points)
    return fitted(source.colours, colours(copy.image, skin_sample(copy)), method)


def swap_face(
    image: Image,
    target: EditFace,
    source: Source,
    settings: SwapSettings = SwapSettings(),
) -> Swapped:
    """The photo with the source's face on the target's. Raises UnusableFace."""
    return swap_faces(image, [(target, source)], settings)[1][0]


def swap_faces(
    image: Image,
    pairs: Sequence[tuple[EditFace, Source]],
    settings: SwapSettings = SwapSettings(),
    colour_maps: Sequence[ColourMap | None] = (),
    workers: int = 1,
    beside: Sequence[EditFace] = (),
    check: Callable[[], None] = lambda: None,
) -> tuple[Image, tuple[Swapped, ...]]:
    """The photo with every pair's source on its target, in that order, and what was done for each.

    Every face is measured on the photo as it came: no swap changes what the next one sees. All records share
    the finished photo.

    Args:
        colour_maps: one for each pair, used instead of what is measured on the photo; None in it measures.
        workers: threads that plan the faces side by side, where a photo must be quick rather than many.
        beside: other faces of the photo, which must stay as they are.
        check: called before each face; it may raise.

    Raises:
        UnusableFace: points that are no face.
    """
    check_image(image)
    for target, _ in pairs:
        check_face(target)
    given = colour_maps or [None] * len(pairs)
    around = _neighbours([target for target, _ in pairs], beside)
    jobs = [
        partial(_plan, image, target, source, settings, given[index], around[index])
        for index, (target, source) in enumerate(pairs)
    ]
    canvas = image.copy()
    done = []
    for (target, source), plan in zip(pairs, _side_by_side(jobs, workers), strict=True):
        check()
        box, alpha = _carry_out(image, canvas, source, plan, settings)
        done.append(Swapped(canvas, box, alpha, remarks(target, source, settings)))
    return canvas, tuple(done)


def _neighbours(targets: Sequence[EditFace], beside: Sequence[EditFace]) -> list[list[Floats]]:
    """For each target the points of all other faces that are so near that its surroundings may reach them."""
    faces = [*targets, *(face for face in beside if face not in targets)]
    close = near(faces)
    return [
        [faces[other].points for other in np.flatnonzero(close[index]) if other != index]
        for index in range(len(targets))
    ]


def _side_by_side(jobs: Sequence[Callable[[], _Plan]], workers: int) -> Iterator[_Plan]:
    """The plans in their order. Their numbers are crunched without the interpreter's lock."""
    if workers < 2 or len(jobs) < 2:
        yield from (job() for job in jobs)
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="faceapp-swap") as pool:
        yield from pool.map(lambda job: job(), jobs)


def remarks(target: EditFace, source: Source, settings: SwapSettings) -> tuple[str, ...]:
    """What a person should know about a swap before they like it."""
    said = []
    gap = turned_apart(target, source.face)
    if gap > FAR_TURNED:
        said.append(f"The heads are turned {gap:.0f} degrees apart.")
    return tuple(said)


def turned_apart(one: EditFace, other: EditFace) -> float:
    """Degrees between the ways that two heads face; leaning to a shoulder does not count."""
    a, b = one.face.quality, other.face.quality
    return float(np.hypot(a.yaw - b.yaw, a.pitch - b.pitch))


def _plan(
    image: Image,
    target: EditFace,
    source: Source,
    settings: SwapSettings,
    given: ColourMap | None,
    beside: Sequence[Floats],
) -> _Plan:
    """How the source's face is put onto the target's. given: colours that are used instead of the measured
    ones. beside: (68, 2) the points of faces that must stay as they are."""
    plain = stand_upright(image, target.points)
    own, other = with_forehead(source.upright.points), with_forehead(plain.points)
    shape, onto = _shape(own, other, settings.likeness)
    opacity = float(np.clip(settings.opacity, 0, 1))
    mouth = kept_mouth(other) & settings.keep_mouth
    still = mouth | polygons([apply(plain.to_copy, with_forehead(points)) for points in beside])
    ground = bend(plain, other, other + np.float32(opacity) * (shape - other), still)
    copy = seen(plain, ground, plain, plain.points)
    warp = _warp(own, shape)
    face = seen(source.upright, warp, copy, shape[_STEADY])
    mask = coverage(shape, copy.skin, face.skin, copy.fringe | face.fringe, face.valid) & copy.valid & ~mouth
    chosen = given or fitted(source.colours, colours(plain.image, skin_sample(plain)), settings.colour)
    back, there = invert(source.upright.to_copy), invert(copy.to_copy)
    return _Plan(
        copy=copy,
        warp=moved(warp, back),
        nearby=chain(onto, back),
        ground=moved(ground, there),
        moving=bent(ground).astype(np.float32),
        alpha=feathered(mask, settings.feather * UNIT) * np.float32(opacity),
        light=_light(copy, face, mask, chosen) if settings.blend == "poisson" else None,
        colours=chosen,
        lips=_lips(copy, shape, own, other),
    )


def _shape(own: Floats, other: Floats, likeness: float) -> tuple[Floats, Matrix]:
    """(77, 2) where the source's points come to lie on the target's upright copy, and the matrix from
    that copy to the source's, by the similarity of both faces.

    own, other: (77, 2) the source's and the target's points on their upright copies.
    """
    likeness = float(np.clip(likeness, 0, 1))
    onto = similarity(own[_STEADY], other[_STEADY])
    kept = apply(onto, own)
    share = np.full((len(own), 1), likeness + (1 - likeness) * _STRUCTURE, np.float32)
    share[MOUTH] = likeness
    shape = other + share * (kept - other)
    return shape.astype(np.float32), invert(onto)


def _warp(own: Floats, shape: Floats) -> Warp:
    """From places on the target's upright copy to places on the source's."""
    start = np.concatenate([own, ring(own, _AROUND)])
    end = np.concatenate([shape, ring(shape, _AROUND)])
    return piecewise(start, end, triangulate(end), (WIDTH, HEIGHT))


def _light(copy: Upright, face: Upright, mask: Mask, chosen: ColourMap) -> Floats:
    """(H, W, 3) what must be added to the coloured face so that the light at its rim is the target's."""
    both = np.minimum(face.skin, copy.skin)
    rim = mask & ~grown(mask, -_RIM * UNIT) & (both > 0.5)
    difference = copy.image - chosen.of(face.image)
    light = slope(difference, np.where(mask, both, 0))
    light += membrane(difference - light, rim.astype(np.float32), _RIM_BLUR * UNIT, mask)
    light *= (1 - (1 - _DEEP) * feathered(mask, _FADE * UNIT))[..., None]
    return light


def _lips(copy: Upright, shape: Floats, own: Floats, other: Floats) -> tuple[Warp, Floats] | None:
    """What shows between the lips where the shape opens a mouth that is closed on the source's photo: the
    target's own teeth, moved along. None where the source's will do."""
    wanted, had = _opened(shape), _opened(own)
    share = float(np.clip((wanted - _WIDER * had - _PARTED) / _OPENING, 0, 1))
    if share <= 0:
        return None
    soft = cv2.GaussianBlur(inner_mouth(shape).astype(np.float32), (0, 0), _TEETH_BLUR * UNIT)
    return moved(_warp(other, shape), invert(copy.to_copy)), soft * np.float32(share)


def _opened(points: Floats) -> float:
    """How far a mouth is open, in units of an upright copy."""
    lips = points[INNER_MOUTH]
    return float(np.hypot(*(lips[[7, 6, 5]] - lips[[1, 2, 3]]).T).mean()) / UNIT


def _carry_out(
    image: Image, canvas: Image, source: Source, plan: _Plan, settings: SwapSettings
) -> tuple[tuple[int, int, int, int], Floats]:
    """Bring a plan to the photo's pixels and onto the canvas, in place; the box and the mask of the swap."""
    there = place(image, plan.copy.to_copy, (plan.alpha > 0) | (plan.moving > 0))
    if not any(there.size):
        return there.box, np.zeros((0, 0), np.float32)
    alpha = there.share(plan.alpha)
    moving = _bend_ground(canvas, plan, there)
    paste(canvas, _patch(image, source, plan, there, alpha, settings.degrade), alpha, there.box)
    alpha[moving] = np.maximum(alpha[moving], _TRACE)
    return there.box, alpha


def _bend_ground(canvas: Image, plan: _Plan, there: Place) -> Mask:
    """Bend what lies around a face, in place; (H, W) where pixels of the box have moved."""
    moving: Mask = there.read(plan.moving) > 0.5
    if moving.any():
        warp = there.enlarged(plan.ground, invert(plan.copy.to_copy))
        there.cut(canvas)[moving] = _sharp(canvas, warp)[moving]
    return moving


def _patch(image: Image, source: Source, plan: _Plan, there: Place, alpha: Floats, degrade: bool) -> Floats:
    """(H, W, 3) what the box shows where the source covers it: its face in the target's colours and light,
    as sharp and as grainy, and with the target's teeth."""
    patch = plan.colours.of(_pixels(source, there.enlarged(plan.warp, plan.nearby), plan))
    if degrade:
        patch = matched(patch, there.cut(image), alpha > 0.5)
    if plan.light is not None:
        patch += there.read(plan.light)
    if plan.lips is not None:
        warp, share = plan.lips
        teeth = there.enlarged(warp, invert(plan.copy.to_copy)).read(image)
        patch += there.read(share)[..., None] * (teeth - patch)
    return patch


def _sharp(image: Image, warp: Warp) -> Image:
    """What a warp reads of a small part of a photo, which may be larger than OpenCV can read in."""
    (left, right), (top, bottom) = (
        (int(np.clip(places.min() - 2, 0, most - 1)), int(np.clip(places.max() + 3, 1, most)))
        for places, most in ((warp.x, image.shape[1]), (warp.y, image.shape[0]))
    )
    x, y = warp.x - np.float32(left), warp.y - np.float32(top)
    part = image[top:bottom, left:right]
    read: Image = cv2.remap(part, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return read


def _pixels(source: Source, warp: Warp, plan: _Plan) -> Image:
    """The source's pixels, from that level of its photo that has about as many as the target."""
    across = chain(plan.copy.to_copy, plan.nearby)
    shrink = float(np.hypot(across[0, 0], across[1, 0]))
    level = int(np.clip(np.floor(np.log2(max(shrink, 1e-6)) + 0.35), 0, len(source.levels) - 1))
    pixels = source.levels[level]
    scale = np.array(pixels.shape[1::-1]) / source.levels[0].shape[1::-1]
    x = ((warp.x - source.corner[0] + 0.5) * scale[0] - 0.5).astype(np.float32)
    y = ((warp.y - source.corner[1] + 0.5) * scale[1] - 0.5).astype(np.float32)
    how = cv2.INTER_CUBIC if shrink < 0.7 else cv2.INTER_LINEAR
    read: Image = cv2.remap(pixels, x, y, how, borderMode=cv2.BORDER_REPLICATE)
    return read
