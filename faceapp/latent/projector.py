"""Finds the point of a generator's space that shows a picture best. Only the child process imports this.

The search is that of NVlabs' projector (stylegan2-ada-pytorch): Adam with a learning rate that rises and
falls, and noise on w that fades away. It runs in W+, one w for each layer, and is held near the mean: far
away from it a generator shows anything, but morphs badly. The noise inputs stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from faceapp.latent.identity import FaceNet, chip_places, read_chip
from faceapp.latent.perceptual import Vgg, halved_to, pixel_loss, pyramid_loss
from faceapp.types import Floats

# Sides from which compiling pays: it takes some ten seconds and halves the time of a step.
COMPILED_FROM = 128
IDENTITY_SIDE = 256
Target = dict[str, Any]
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Recipe:
    """How to search. The weights are of the losses; rate: the highest learning rate; noise: of w at first,
    in standard deviations; rise, fall, quiet, together: shares of the steps, the last one those in which all
    layers move alike, which finds the face before its details."""

    steps: int = 300
    rate: float = 0.1
    noise: float = 0.05
    rise: float = 0.05
    fall: float = 0.25
    quiet: float = 0.75
    together: float = 0.4
    pixels: float = 1.0
    pyramid: float = 1.0
    identity: float = 0.5
    vgg: float = 0.5
    spread: float = 0.001


@dataclass(frozen=True, eq=False)
class Found:
    """After a step: the best point so far, (num_ws, w_dim), its losses, and the step's own total."""

    step: int
    total: float
    best: Floats
    losses: dict[str, float]
    improved: bool


def rate_at(recipe: Recipe, step: int) -> float:
    """The learning rate: it rises in a line and falls as a cosine."""
    share = step / max(1, recipe.steps)
    fall = min(1.0, (1.0 - share) / recipe.fall) if recipe.fall else 1.0
    rise = min(1.0, (step + 1) / max(1.0, recipe.rise * recipe.steps))
    return recipe.rate * (0.5 - 0.5 * math.cos(math.pi * fall)) * rise


def noise_at(recipe: Recipe, step: int) -> float:
    """How strong the noise on w is, in standard deviations of w."""
    left = max(0.0, 1.0 - step / max(1, recipe.steps) / recipe.quiet) if recipe.quiet else 0.0
    return recipe.noise * left**2


class Losses:
    """What is made small: pixels and pyramid, the distance to the mean, and with a face net the identity."""

    def __init__(
        self, mean: Floats, spread: float, recipe: Recipe, face: FaceNet | None = None, vgg: Vgg | None = None
    ) -> None:
        """mean (w_dim,) and spread of w."""
        self._mean, self._spread = tf.constant(mean), max(spread, 1e-6)
        self.recipe, self._face, self._vgg = recipe, face, vgg

    def target(self, picture: Floats, chip: Floats | None = None) -> Target:
        """What to search for: a picture (R, R, 3) RGB -1 to 1. chip (2, 3): from the chip of its face to
        its pixels; without it the identity is left out."""
        wanted: Target = {"picture": tf.constant(picture[None])}
        if self._face is not None and chip is not None:
            side = min(IDENTITY_SIDE, len(picture))
            places, shares = chip_places(_scaled(chip, side / len(picture)), side)
            wanted.update(places=tf.constant(places), shares=tf.constant(shares))
            wanted["face"] = self._describe(wanted["picture"], wanted)
        return wanted

    def __call__(self, picture: Any, ws: Any, target: Target) -> tuple[Any, dict[str, Any]]:
        """The total and its parts. "identity" is the cosine distance of the faces."""
        wanted = target["picture"]
        parts = {"pixels": pixel_loss(picture, wanted), "pyramid": pyramid_loss(picture, wanted)}
        parts["spread"] = tf.reduce_mean(tf.square((ws - self._mean) / self._spread))
        if "face" in target:
            parts["identity"] = 1.0 - tf.reduce_sum(self._describe(picture, target) * target["face"])
        if self._vgg is not None:
            parts["vgg"] = self._vgg.loss(picture, wanted)
        total = tf.add_n([getattr(self.recipe, name) * value for name, value in parts.items()])
        return total, parts

    def _describe(self, picture: Any, target: Target) -> Any:
        """(1, 128) unit vector of the face."""
        assert self._face is not None, "only with a face net"
        chip = read_chip(halved_to(picture, IDENTITY_SIDE), target["places"], target["shares"])
        return tf.math.l2_normalize(self._face((chip + 1.0) * 127.5), axis=1)


class Slope:
    """The loss of a point and its gradient; traced once for all pictures that are searched for."""

    def __init__(self, synthesis: Any, losses: Losses) -> None:
        self.losses = losses
        self._synthesis = synthesis
        self._traced = tf.function(self.once, jit_compile=synthesis.resolution >= COMPILED_FROM)

    def once(self, ws: Any, target: Target) -> Any:
        """The total loss of ws (1, num_ws, w_dim), its parts and the gradient, without tracing."""
        with tf.GradientTape() as tape:
            tape.watch(ws)
            total, parts = self.losses(self._synthesis(ws), ws, target)
        return total, parts, tape.gradient(total, ws)

    def __call__(self, ws: Any, target: Target) -> Any:
        return self._traced(ws, target)


def search(
    slope_of: Slope,
    target: Target,
    start: Floats,
    spread: float,
    cancelled: Callable[[], bool],
    seed: int = 0,
) -> Iterator[Found]:
    """Yield a `Found` after every step, from `start` (num_ws, w_dim); ends early when cancelled."""
    random = np.random.default_rng(seed)
    recipe = slope_of.losses.recipe
    ws = start.astype(np.float32)
    first, second = np.zeros_like(ws), np.zeros_like(ws)
    best, best_total = ws, math.inf
    best_parts: dict[str, float] = {}
    for step in range(int(recipe.steps)):
        if cancelled():
            return
        shake = noise_at(recipe, step) * spread
        shaken = (ws + random.standard_normal(ws.shape) * shake).astype(np.float32)
        total, parts, slope = slope_of(tf.constant(shaken[None]), target)
        value = float(total)
        improved = value < best_total
        if improved:
            best, best_total = shaken, value
            best_parts = {name: float(part) for name, part in parts.items()}
        yield Found(step + 1, value, best, {**best_parts, "total": best_total}, improved)
        steep = slope.numpy()[0]
        if step < recipe.together * recipe.steps:
            steep = np.broadcast_to(steep.mean(0), steep.shape)
        first = BETA_1 * first + (1 - BETA_1) * steep
        second = BETA_2 * second + (1 - BETA_2) * steep**2
        sure, wild = first / (1 - BETA_1 ** (step + 1)), second / (1 - BETA_2 ** (step + 1))
        ws = (ws - rate_at(recipe, step) * sure / (np.sqrt(wild) + EPSILON)).astype(np.float32)


def _scaled(matrix: Floats, factor: float) -> Floats:
    """A (2, 3) matrix into a picture, when that picture is made smaller."""
    moved = matrix.astype(np.float64) * factor
    # Pixels are counted from their centres.
    moved[:, 2] += (factor - 1) / 2
    return moved.astype(np.float32)
