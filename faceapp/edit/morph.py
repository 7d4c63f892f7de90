"""One face out of several: shape, colour and detail mixed, each by its own weights.

All faces lie on one canvas (`canvas`). Their mean shape is cut into triangles once; for any mixture the
triangles are drawn in the mixed shape, and every photo is read through them once, between its pixels. The
mixture's colour is that of the photos' low frequencies, its detail is what remains of them; where mixing
has washed the detail out (skin of two people never fits pixel by pixel), it is brought back to the strength
that the photos have there, after Tiddeman, Stirrat and Perrett (2005), "Towards realism in facial image
transformation".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceapp.edit import points as parts
from faceapp.edit import warp
from faceapp.edit.blend import smooth
from faceapp.edit.canvas import Aligned
from faceapp.edit.warp import Coarse, Triangles
from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_shape

# How far a slider goes: 0 is the first face, 1 the second, beyond is caricature.
LEAST, MOST = -1.0, 2.0
# A triangle may shrink to this share of its area in the mean shape.
FLATTEST = 0.05
RELAXATIONS = 60
RELAXED = 0.85
# Colour is what is coarser than this share of the distance between the eyes.
COARSE = 0.09
# Detail is brought back in waves finer than this share of it, those of single pixels (sigma in pixels) for
# themselves; at most so many times over. What is as quiet as this (squares of grey levels) stays as it is.
# (Coarser waves, up to a tenth of it, were tried: no parent is recognised better, one or the other is less.)
FINE = 0.035
FINEST = 0.7
STRONGEST = 2.5
QUIET = 0.02
# The bands overlap and pass only part of their waves: adding a share of a band strengthens it by another one.
# With these factors pictures of real faces come out as strong as their parents. More of the longer waves than
# of single pixels: on pairs of LFW, other photos of both parents are a little nearer then.
OVERLAPS = (0.8, 1.6)
# Its strength is measured over this share of it, on a picture of blocks; so many of them make up a side, and
# none is larger than so many pixels. The maps are made for the same blocks.
AROUND = 0.06
BLOCKS = 128
LARGEST_BLOCK = 8
# Photos are kept twice as large, so that reading them between two pixels needs those two only, up to so many
# pixels in all.
DOUBLED = 64 * 1024 * 1024
# Beyond the ends: colours coarser than this share of it are exaggerated, by so many grey levels at most, and
# the own detail becomes stronger by this factor a unit.
COARSEST = 0.35
FARTHEST = 32.0
EXAGGERATION = 0.6
ALMOST = 1e-4
# The rim of the face, where the background is another one.
RIM = 0.22

Colour: TypeAlias = tuple[int, int, int]
# The waves of single pixels, the next longer ones and so on: each (H, W) float32.
Bands: TypeAlias = tuple[Floats, ...]
Ground = Literal["dissolve", "first", "last", "transparent", "colour"]
GROUNDS: tuple[Ground, ...] = ("dissolve", "first", "last", "transparent", "colour")


@dataclass(frozen=True)
class Background:
    """What is behind the mixed face.

    dissolve: the backgrounds fade into each other. first, last: the face lies on the photo of the first or
    the last person. transparent, colour (BGR): heads without a background.
    """

    kind: Ground = "dissolve"
    colour: Colour = (255, 255, 255)


@dataclass(frozen=True, eq=False)
class Weights:
    """How much of each of N faces is in a mixture: shape, colour, detail (N,) float32, the sum of each is 1.

    Negative weights exaggerate.
    """

    shape: Floats
    colour: Floats
    detail: Floats

    def __post_init__(self) -> None:
        check_shape("colour", self.colour, self.shape.shape)
        check_shape("detail", self.detail, self.shape.shape)

    @staticmethod
    def at(
        position: float,
        count: int,
        shape: float | None = None,
        colour: float | None = None,
        detail: float | None = None,
        loop: bool = False,
    ) -> Weights:
        """A place on the way past `count` faces, 0 the first and 1 the last one, -1 to 2.

        shape, colour, detail: their own places, where they are not at `position`. loop: the way ends where
        it began, at the first face.
        """
        own = (position if place is None else place for place in (shape, colour, detail))
        return Weights(*(on_the_way(place, count, loop) for place in own))

    @staticmethod
    def even(count: int) -> Weights:
        same = np.full(count, 1 / count, np.float32)
        return Weights(same, same, same)


def on_the_way(position: float, count: int, loop: bool = False) -> Floats:
    """(count,) weights of key frames at equal distances: 0 is the first, 1 the last one, or the first again.

    Before the first and behind the last a whole unit is as far as two neighbours are apart.
    """
    if loop:
        weights = on_the_way(position, count + 1)
        weights[0] += weights[-1]
        return weights[:-1]
    weights = np.zeros(count, np.float32)
    if count == 1:
        weights[0] = 1.0
        return weights
    position = min(max(position, LEAST), MOST)
    along = position * (count - 1)
    if position < 0:
        along = position
    elif position > 1:
        along = count - 2 + position
    first = int(min(max(np.floor(along), 0), count - 2))
    weights[first] = 1 - (along - first)
    weights[first + 1] = along - first
    return weights


class Room:
    """Arrays that one mixture after the other is worked out in.

    Asking the system for megabytes and giving them back would take longer than working with them.
    """

    def __init__(self) -> None:
        self._arrays: dict[str, NDArray[Any]] = {}

    def of(self, name: str, shape: tuple[int, ...], kind: type[np.generic] = np.float32) -> NDArray[Any]:
        """The array of that name; what is in it is what was left there."""
        kept = self._arrays.get(name)
        if kept is None or kept.shape != shape or kept.dtype != kind:
            kept = self._arrays[name] = np.empty(shape, kind)
        return kept


@dataclass(frozen=True, eq=False)
class Stack:
    """N faces on one canvas, ready to be mixed.

    images (N) of (S, S, 3) uint8. shapes (N, P, 2): their points with forehead and border, no triangle of
    which is turned over. triangles (T, 3). mattes (N) of (S, S) float32 0 to 1, where a head is; none where
    no background was asked for that needs them. strength (N) of bands by
    blocks: the power of their detail. doubled (N) of (2 S, 2 S, 3) uint8, or none where they would be too
    large. flattened: the share of the points that had to give way so that no triangle turns over. rooms:
    those that nobody is using.
    """

    images: tuple[Image, ...]
    shapes: Floats
    triangles: Triangles
    strength: tuple[Bands, ...]
    mattes: tuple[Floats, ...] = ()
    flattened: float = 0.0
    doubled: tuple[Image, ...] = ()
    rooms: list[Room] = field(default_factory=list, repr=False)

    @property
    def size(self) -> int:
        return int(self.images[0].shape[0])

    def __len__(self) -> int:
        return len(self.images)


def stack(faces: Sequence[Aligned], mattes: Sequence[Floats] = ()) -> Stack:
    """Prepare faces of one canvas for mixing."""
    if not faces:
        raise ValueError("stack: no faces")
    size = faces[0].image.shape[0]
    # So far outside of the canvas as `warp.piecewise_all` wants it.
    beside = 2 * _block(size)
    rim = parts.border(size + 2 * beside, size + 2 * beside) - beside
    shapes = np.stack([np.concatenate([_kept_in(parts.with_forehead(f.points), size), rim]) for f in faces])
    triangles = warp.triangulate(shapes.mean(0))
    shapes, moved = relaxed(shapes, triangles)
    images = tuple(face.image for face in faces)
    strength = tuple(_power(image, eyes_apart(size)) for image in images)
    few = 4 * len(images) * size * size <= DOUBLED
    doubled = tuple(_doubled(image) for image in images) if few else ()
    return Stack(images, shapes, triangles, strength, tuple(mattes), moved, doubled)


def _kept_in(points: Floats, size: int) -> Floats:
    """The points, none of them on the border of the canvas or beyond."""
    inside: Floats = np.clip(points, 0.01 * size, 0.99 * size - 1).astype(np.float32)
    return inside


def _block(size: int) -> int:
    """The side of a block of pixels on a canvas."""
    return min(max(1, size // BLOCKS), LARGEST_BLOCK)


def _doubled(image: Image) -> Image:
    """(2 S, 2 S, 3) with every pixel of the image in every second place of every second row."""
    side = len(image)
    # Half-way between two pixels, bicubic reading comes to this of their neighbours.
    half = np.array((-3, 19, 19, -3), np.float32) / 32
    edge, at = cv2.BORDER_REPLICATE, (1, 1)
    large = np.empty((2 * side, 2 * side, 3), np.uint8)
    large[0::2, 0::2] = image
    none = np.array((0, 1, 0, 0), np.float32)
    for row, column, across, down in ((0, 1, half, none), (1, 0, none, half), (1, 1, half, half)):
        large[row::2, column::2] = cv2.sepFilter2D(image, -1, across, down, anchor=at, borderType=edge)
    return large


def eyes_apart(size: int) -> float:
    """About the distance between the eyes on a canvas."""
    return 0.22 * size


def relaxed(shapes: Floats, triangles: Triangles) -> tuple[Floats, float]:
    """The shapes (N, P, 2) without triangles that are turned over, and the share of points that gave way.

    Points of a triangle that is turned over, or nearly flat, go step by step towards the mean shape, in
    which none is. It happens to faces that are turned far aside.
    """
    mean = shapes.mean(0)
    least = FLATTEST * warp.areas(mean, triangles)
    way = np.sign(least)
    result = shapes.copy()
    touched = np.zeros(shapes.shape[:2], bool)
    for own, mark in zip(result, touched, strict=True):
        for _ in range(RELAXATIONS):
            wrong = warp.areas(own, triangles) * way < np.abs(least)
            if not wrong.any():
                break
            points = np.unique(triangles[wrong])
            own[points] = mean[points] + RELAXED * (own[points] - mean[points])
            mark[points] = True
    return result, float(touched.mean())


def mixed_shape(own: Stack, weights: Floats, moved: Floats | None = None) -> Floats:
    """(P, 2) the shape that these weights (N,) give, the points of the face moved by `moved` (F, 2) pixels.

    An exaggeration and the moves end before a triangle turns over.
    """
    inner, beyond = inner_weights(weights)
    start = np.tensordot(inner, own.shapes, 1)
    if moved is None and not beyond.any():
        return np.asarray(start, np.float32)
    step = np.tensordot(beyond, own.shapes, 1)
    if moved is not None:
        step[: parts.FACE_POINTS] += moved
    least = FLATTEST / 2 * warp.areas(own.shapes.mean(0), own.triangles)
    way = np.sign(least)

    def stands(share: float) -> bool:
        turned = warp.areas(start + share * step, own.triangles) * way < np.abs(least)
        return not turned.any()

    if stands(1.0):
        return np.asarray(start + step, np.float32)
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        low, high = (middle, high) if stands(middle) else (low, middle)
    return np.asarray(start + low * step, np.float32)


@dataclass(frozen=True, eq=False)
class Mixed:
    """image (S, S, 3) uint8; alpha (S, S) uint8 or None where it is opaque; points (68, 2)."""

    image: Image
    points: Floats
    alpha: Image | None = None


@dataclass
class _Sums:
    """What the photos of a mixture come to in their new shape, times their weights; None where nothing does.

    image, change, beyond (S, S, 3) float32: by the colour's weights, by what the detail's differ from them,
    by what goes beyond the ends. strength: of the bands, by blocks. matte (S, S): the heads.
    behind (S, S, 3) uint8: the photo of the background.
    """

    image: Floats | None = None
    change: Floats | None = None
    beyond: Floats | None = None
    strength: Bands | None = None
    matte: Floats | None = None
    behind: Image | None = None


def mix(
    own: Stack, weights: Weights, background: Background | None = None, moved: Floats | None = None
) -> Mixed:
    """The face that these weights give. Several threads may mix one stack.

    moved: (F, 2) distances between the eyes by which the points of the face (with its forehead) are moved.
    """
    room = own.rooms.pop() if own.rooms else Room()
    shape = mixed_shape(own, weights.shape, None if moved is None else eyes_apart(own.size) * moved)
    mixed = _mixed(own, weights, shape, background or Background(), room)
    own.rooms.append(room)
    return mixed


def _mixed(own: Stack, weights: Weights, shape: Floats, ground: Background, room: Room) -> Mixed:
    sums = _summed(own, weights, shape, ground, room)
    image = _blend(own, weights, sums, shape, room)
    points = shape[:68]
    if ground.kind in ("first", "last"):
        assert sums.behind is not None
        cover = _cover(shape, own.size)[..., None]
        return Mixed(_bytes(sums.behind + (image - sums.behind) * cover), points)
    if ground.kind == "dissolve" or sums.matte is None:
        return Mixed(_bytes(image), points)
    if ground.kind == "transparent":
        return Mixed(_bytes(image), points, _bytes(255 * sums.matte))
    colour = np.array(ground.colour, np.float32)
    return Mixed(_bytes(colour + (image - colour) * sums.matte[..., None]), points)


def _summed(own: Stack, weights: Weights, shape: Floats, ground: Background, room: Room) -> _Sums:
    """One photo after the other, so that an average of many holds no more than two of them at once."""
    colours, beyond = inner_weights(weights.colour)
    details, _ = inner_weights(weights.detail)
    back = {"first": 0, "last": len(own) - 1}.get(ground.kind, -1)
    used = (np.abs(weights.colour) > ALMOST) | (np.abs(weights.detail) > ALMOST)
    used[back] |= back >= 0
    needed = np.flatnonzero(used)
    size = (own.size, own.size)
    sums = _Sums()
    for index, way in zip(
        needed.tolist(),
        warp.piecewise_all(own.shapes[needed], shape, own.triangles, size, _block(own.size)),
        strict=True,
    ):
        photo = _read(own, index, way, room)
        into = [room.of(name, photo.shape) for name in ("image", "change", "beyond")]
        sums.image = _added(sums.image, photo, colours[index], into[0])
        sums.change = _added(sums.change, photo, details[index] - colours[index], into[1])
        sums.beyond = _added(sums.beyond, photo, beyond[index], into[2])
        if details[index] > ALMOST and len(needed) > 1:
            sums.strength = _stronger(sums.strength, own.strength[index], way, float(details[index]))
        if own.mattes and ground.kind in ("transparent", "colour"):
            matte = way.whole().read(own.mattes[index])
            sums.matte = _added(sums.matte, matte, colours[index], room.of("matte", matte.shape))
        if index == back:
            sums.behind = photo.copy()
    return sums


def _added(total: Floats | None, part: Image | Floats, weight: float, into: Floats) -> Floats | None:
    """The total and the part times its weight, float32; written to `into`, which may be the total."""
    if abs(weight) <= ALMOST:
        return total
    other, kept = (part, 0.0) if total is None else (total, 1.0)
    more: Floats = cv2.addWeighted(part, float(weight), other, kept, 0, dst=into, dtype=cv2.CV_32F)
    return more


def _stronger(total: Bands | None, part: Bands, way: Coarse, weight: float) -> Bands:
    """The total and the strength of a photo, in its new shape, times its weight."""
    blocks = way.blocks()
    read = tuple(blocks.read(power) * np.float32(weight) for power in part)
    return read if total is None else tuple(map(np.add, total, read))


def _read(own: Stack, index: int, way: Coarse, room: Room) -> Image:
    """The photo in its new shape. Bicubic: bilinear reading would cost a tenth of the sharpness.

    Linear between the pixels of the photo that was doubled bicubically is as good, and much quicker.
    """
    edge, side = cv2.BORDER_REPLICATE, own.size
    photo = room.of("photo", (side, side, 3), np.uint8)
    every = way.whole(2.0 if own.doubled else 1.0, (room.of("x", way.drawn_on), room.of("y", way.drawn_on)))
    if not own.doubled:
        cv2.remap(own.images[index], every.x, every.y, cv2.INTER_CUBIC, photo, edge)
        return photo
    # Whole numbers and 32nds: what OpenCV would make of them itself, and not as quickly.
    into = room.of("places", (side, side, 2), np.int16), room.of("shares", (side, side), np.uint16)
    places, shares = cv2.convertMaps(every.x, every.y, cv2.CV_16SC2, *into)
    cv2.remap(own.doubled[index], places, shares, cv2.INTER_LINEAR, photo, edge)
    return photo


def _bytes(values: Floats) -> Image:
    """float32 to uint8, rounded and clipped."""
    clipped: Image = cv2.addWeighted(values, 1, values, 0, 0, dtype=cv2.CV_8U)
    return clipped


def _blend(own: Stack, weights: Weights, sums: _Sums, shape: Floats, room: Room) -> Floats:
    """(S, S, 3) float32: colour and detail of the photos in their new shape.

    Beyond the ends, what the photos differ in is not simply exaggerated: a hat or glasses would come out as
    their negative. The coarse colours of the face are, and its own detail becomes stronger.
    """
    eyes, image = eyes_apart(own.size), sums.image
    assert image is not None, "the weights of the colour have a sum of 1"
    stronger = float(np.abs(weights.detail).sum() - 1) / 2
    changed = sums.change is not None or sums.beyond is not None or stronger > ALMOST
    cover = _cover(shape, own.size)[..., None] if changed else np.zeros(0, np.float32)
    if sums.change is not None:
        image = image + cover * (sums.change - _low(sums.change, COARSE * eyes))
    if sums.strength is not None:
        image = _restored(sums.strength, image, _near(shape, own.size), room)
    if stronger > ALMOST:
        image = image + (EXAGGERATION * stronger) * cover * (image - _low(image, COARSE * eyes))
    if sums.beyond is not None:
        image = image + cover * limited(_low(sums.beyond, COARSEST * eyes))
    return image


def inner_weights(weights: Floats) -> tuple[Floats, Floats]:
    """The nearest weights without exaggeration, and what is beyond them (its sum is 0)."""
    inner = np.clip(weights, 0, None)
    inner = inner / max(1e-6, float(inner.sum()))
    return inner, np.where(np.abs(weights - inner) > ALMOST, weights - inner, 0)


def limited(change: Floats) -> Floats:
    """A change of colours that never is larger than `FARTHEST` grey levels."""
    soft: Floats = FARTHEST * np.tanh(change / FARTHEST)
    return soft


def _low(image: Floats, sigma: float) -> Floats:
    """The image's waves that are longer than about `sigma` pixels; large ones on a reduced picture."""
    if sigma < 4:
        soft: Floats = cv2.GaussianBlur(image, (0, 0), max(0.3, sigma))
        return soft
    small = cv2.resize(image, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / 4)
    large: Floats = cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return large


def _bands(image: Floats, eyes: float, room: Room) -> Bands:
    """The waves of an image (S, S), the finest first."""
    bands = []
    for number, sigma in enumerate((FINEST, max(2 * FINEST, FINE * eyes))):
        coarser = _blurred(image, sigma, room.of(f"coarser {number}", image.shape))
        bands.append(cv2.subtract(image, coarser, dst=room.of(f"band {number}", image.shape)))
        image = coarser
    return tuple(bands)


def _blurred(image: Floats, sigma: float, into: Floats) -> Floats:
    """The image blurred by `sigma` pixels; by more than two at half the size: a fifth of the time, hardly
    another picture."""
    if sigma <= 2:
        blurred: Floats = cv2.GaussianBlur(image, (0, 0), max(0.3, sigma), dst=into)
        return blurred
    small = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    # Halving and enlarging blur by about this themselves (squares of pixels of the small picture).
    small = cv2.GaussianBlur(small, (0, 0), (sigma * sigma / 4 - 0.25) ** 0.5)
    enlarged: Floats = cv2.resize(small, image.shape[1::-1], dst=into, interpolation=cv2.INTER_LINEAR)
    return enlarged


def _power(image: Image, eyes: float) -> Bands:
    """The mean square of each band of the finest waves around each place, by blocks."""
    room = Room()
    grey = cv2.cvtColor(image.astype(np.float32), cv2.COLOR_BGR2GRAY)
    return tuple(_smooth_power(band, eyes, room) for band in _bands(grey, eyes, room))


def _smooth_power(band: Floats, eyes: float, room: Room) -> Floats:
    """(S / block, S / block) the mean square of a band (S, S)."""
    block = _block(len(band))
    blocks = -(-len(band) // block)
    squares = cv2.multiply(band, band, dst=room.of("squares", band.shape))
    small = cv2.resize(squares, (blocks, blocks), interpolation=cv2.INTER_AREA)
    power: Floats = cv2.GaussianBlur(small, (0, 0), max(0.5, AROUND * eyes / block))
    return power


def _restored(wanted: Bands, image: Floats, near: Floats, room: Room) -> Floats:
    """(S, S, 3) the image with the face's finest detail as strong as the photos' is on the average.

    near: where, by blocks. Beside the face nothing fits: there, restoring would engrave two heads of hair.
    """
    size = image.shape[:2]
    eyes = eyes_apart(len(image))
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY, dst=room.of("grey", size))
    added = room.of("added", size)
    added.fill(0)
    for band, power, overlap in zip(_bands(grey, eyes, room), wanted, OVERLAPS, strict=True):
        gain = np.sqrt((power + QUIET) / (_smooth_power(band, eyes, room) + QUIET))
        gain = (np.clip(gain, 1.0, STRONGEST) - 1.0) * (overlap * near)
        large = cv2.resize(gain, size[::-1], dst=room.of("gain", size), interpolation=cv2.INTER_LINEAR)
        cv2.add(added, cv2.multiply(band, large, dst=large), dst=added)
    three = cv2.merge([added, added, added], dst=room.of("three", image.shape))
    restored: Floats = cv2.add(image, three, dst=three)
    return restored


def _near(shape: Floats, size: int) -> Floats:
    """(S / block, S / block) 1 on the face, and softly down to 0 as far from it as its rim is wide."""
    block = _block(size)
    face = shape[: parts.FACE_POINTS] / block
    outside = np.ones((-(-size // block),) * 2, np.uint8)
    cv2.fillConvexPoly(outside, cv2.convexHull(np.rint(face).astype(np.int32)), 0)
    away = cv2.distanceTransform(outside, cv2.DIST_L2, 3)
    return smooth(1 - away * block / (RIM * parts.eye_distance(shape[:68])))


def _cover(shape: Floats, size: int) -> Floats:
    """(S, S) 1 on the face and 0 outside of it, with a soft rim inside its outline."""
    face = shape[: parts.FACE_POINTS]
    hull = cv2.convexHull(np.rint(face * 16).astype(np.int32))
    filled = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(filled, hull, 255, cv2.LINE_AA, 4)
    rim = RIM * parts.eye_distance(face[:68])
    return smooth(cv2.distanceTransform((filled > 127).astype(np.uint8), cv2.DIST_L2, 3) / rim)
