"""A face put onto another by a neural swapper of the user's own, with the masks of the classical swap.

The network draws the target's face anew, in a small upright chip; what it drew goes back onto the photo where
the classical swap would cover it, so that hair, caps and glasses stay the photo's own. The network keeps the
target's shape and expression, so `SwapSettings.likeness` changes nothing here.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence

import numpy as np

from faceapp.edit.blend import feathered, membrane, paste
from faceapp.edit.detail import matched
from faceapp.edit.faces import EditFace
from faceapp.edit.mask import coverage, kept_mouth
from faceapp.edit.place import place
from faceapp.edit.points import five_of, with_forehead
from faceapp.edit.skin import HEIGHT, UNIT, WIDTH, Mask, Upright, grown, stand_upright
from faceapp.edit.swap import Source, Swapped, SwapSettings, check_face, remarks
from faceapp.edit.warp import Matrix, chain, invert, straight
from faceapp.models.align import point_chips, similarity
from faceapp.models.base import Swapper
from faceapp.models.swapper import DIMENSION
from faceapp.opencv import cv2
from faceapp.types import Floats, Image, check_image

# Of the eye distance: how wide the rim is on which the photo's light is read.
_RIM = 0.16
_DEFAULTS = SwapSettings()


class NeuralSwapper:
    """Swaps with one network. Safe to call from several threads.

    Who a source is, is asked of the network once and kept as long as the source is.
    """

    def __init__(self, network: Swapper) -> None:
        self._network = network
        self._known: weakref.WeakKeyDictionary[Source, Floats] = weakref.WeakKeyDictionary()

    def seconds(self) -> float:
        """How long the network takes for a face, tried on an empty one. Raises ModelUnavailable."""
        network = self._network
        chip = np.zeros((1, network.size, network.size, 3), np.uint8)
        vector = np.ones((1, DIMENSION), np.float32)
        started = time.monotonic()
        network.swap(chip, vector)
        return time.monotonic() - started

    def swap_faces(
        self,
        image: Image,
        pairs: Sequence[tuple[EditFace, Source]],
        settings: SwapSettings = _DEFAULTS,
        *,
        beside: Sequence[EditFace] = (),
        check: Callable[[], None] = lambda: None,
    ) -> tuple[Image, tuple[Swapped, ...]]:
        """The photo with every pair's source on its target, in that order, and what was done for each.

        The network sees every face on the photo as it came. All records share the finished photo. beside:
        other faces of the photo; a network moves nothing around a face, so they are safe. check: called
        before each face; it may raise. Raises UnusableFace, ModelUnavailable.
        """
        check_image(image)
        for target, _ in pairs:
            check_face(target)
        canvas = image.copy()
        if not pairs:
            return canvas, ()
        five = np.stack([five_of(target.points) for target, _ in pairs])
        network = self._network
        chips = point_chips(image, five, network.template, network.size)
        done = []
        for (target, source), chip, own in zip(pairs, chips, five, strict=True):
            check()
            (drawn,) = network.swap(chip[None], self._who(source)[None])
            to_chip = invert(similarity(network.template, own))
            box, alpha = _lay_on(image, canvas, target, drawn, to_chip, settings)
            done.append(Swapped(canvas, box, alpha, remarks(target, source, settings)))
        return canvas, tuple(done)

    def _who(self, source: Source) -> Floats:
        """(512,) the source's vector."""
        known = self._known.get(source)
        if known is None:
            known = self._network.embed(source.image, five_of(source.face.points)[None])[0]
            self._known[source] = known
        return known


def _lay_on(
    image: Image, canvas: Image, target: EditFace, chip: Image, to_chip: Matrix, settings: SwapSettings
) -> tuple[tuple[int, int, int, int], Floats]:
    """Put what was drawn onto the canvas, in place; comes back with the box and how much is covered.

    to_chip: (2, 3), from pixels of the photo to those of the chip.
    """
    copy = stand_upright(image, target.points)
    mask, drawn = _covered(copy, chip, to_chip, settings)
    alpha = feathered(mask, settings.feather * UNIT) * np.float32(np.clip(settings.opacity, 0, 1))
    there = place(image, copy.to_copy, alpha > 0)
    if not any(there.size):
        return there.box, np.zeros((0, 0), np.float32)
    covered = there.share(alpha)
    onto = chain(there.to_copy, chain(invert(copy.to_copy), to_chip))
    patch = straight(chip.astype(np.float32), onto, there.size, cv2.BORDER_REPLICATE, cv2.INTER_CUBIC)
    if settings.degrade:
        patch = matched(patch, there.cut(image), covered > 0.5)
    if settings.blend == "poisson":
        patch += there.read(_light(copy, drawn, mask))
    paste(canvas, patch, covered, there.box)
    return there.box, covered


def _covered(copy: Upright, chip: Image, to_chip: Matrix, settings: SwapSettings) -> tuple[Mask, Floats]:
    """What of the upright copy is covered, and (H, W, 3) what was drawn, as it lies there."""
    onto = chain(invert(copy.to_copy), to_chip)
    size = (WIDTH, HEIGHT)
    drawn = straight(chip.astype(np.float32), onto, size, cv2.BORDER_REPLICATE)
    inside = straight(np.ones(chip.shape[:2], np.float32), onto, size, cv2.BORDER_CONSTANT) > 0.99
    mask = coverage(
        with_forehead(copy.points), target_skin=copy.skin, source_skin=copy.skin, hidden=copy.fringe,
        source_valid=inside & copy.valid,
    )  # fmt: skip
    if settings.keep_mouth:
        mask &= ~kept_mouth(copy.points)
    return mask, drawn


def _light(copy: Upright, drawn: Floats, mask: Mask) -> Floats:
    """(H, W, 3) what must be added so that the light at the rim is the photo's own."""
    rim = mask & ~grown(mask, -_RIM * UNIT) & (copy.skin > 0.5)
    return membrane(copy.image - drawn, rim.astype(np.float32), _RIM * UNIT / 2)
