"""Where a face's box will be: a Kalman filter with constant velocity.

As in SORT (Bewley and others, "Simple online and realtime tracking", 2016), with the centre and the two
sides as in ByteTrack (Zhang and others, 2022). Noise is a share of the box's height. The four numbers do
not depend on each other in that model, so each has a filter of two: its value and its velocity.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from faceapp.types import Floats

Doubles = NDArray[np.float64]

POSITION_NOISE, VELOCITY_NOISE = 1 / 20, 1 / 100
# How well a detector's box and a followed one are to be believed.
DETECTED_NOISE, FOLLOWED_NOISE = 1 / 25, 1 / 60
LEAST = 2.0


class BoxFilter:
    """The state of one box: centre x and y, width, height, and how fast each changes per frame."""

    def __init__(self, box: Floats) -> None:
        self._value = _measured(box)
        self._speed: Doubles = np.zeros(4)
        height = self._value[3]
        # Variances of value and velocity, and their covariance, for each of the four numbers.
        self._vv: Doubles = np.full(4, (2 * POSITION_NOISE * height) ** 2)
        self._ss: Doubles = np.full(4, (10 * VELOCITY_NOISE * height) ** 2)
        self._vs: Doubles = np.zeros(4)

    @property
    def box(self) -> Floats:
        """(4,) x1 y1 x2 y2."""
        x, y, width, height = self._value
        width, height = max(width, LEAST), max(height, LEAST)
        return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2], np.float32)

    def predict(self) -> None:
        """One frame on."""
        height = self._value[3]
        self._value = self._value + self._speed
        self._value[2:] = np.maximum(self._value[2:], LEAST)
        self._vv = self._vv + 2 * self._vs + self._ss + (POSITION_NOISE * height) ** 2
        self._vs = self._vs + self._ss
        self._ss = self._ss + (VELOCITY_NOISE * height) ** 2

    def update(self, box: Floats, noise: float) -> None:
        """The box was measured, with a standard deviation of `noise` heights."""
        variance = (noise * self._value[3]) ** 2
        whole = self._vv + variance
        gain, speed_gain = self._vv / whole, self._vs / whole
        miss = _measured(box) - self._value
        self._value = self._value + gain * miss
        self._speed = self._speed + speed_gain * miss
        self._ss = self._ss - speed_gain * self._vs
        self._vs = self._vs * (1 - gain)
        self._vv = self._vv * (1 - gain)

    def stand_still(self) -> None:
        """Forget the velocity: nothing has been seen for a while."""
        self._speed = np.zeros(4)


def _measured(box: Floats) -> Doubles:
    x1, y1, x2, y2 = (float(value) for value in box)
    return np.array([(x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, LEAST), max(y2 - y1, LEAST)])
