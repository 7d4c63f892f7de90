"""What every reader of a source gives: one picture after the other."""

from __future__ import annotations

from dataclasses import dataclass

from faceapp.types import Image

# A read of a live camera may fail now and then; so many in a row mean that it is gone.
READS_TRIED = 3


@dataclass(frozen=True, eq=False)
class Picture:
    """One image as it was read. seconds: on the source's own clock, or None where it has none."""

    image: Image
    seconds: float | None = None
