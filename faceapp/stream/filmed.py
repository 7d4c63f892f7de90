"""When a video was filmed: its people were there then, not when it is played.

The file's own creation time is believed where it has one (QuickTime and MP4 hold the moment at which filming
began, in UTC). Otherwise the file was written last when filming ended, which is right for what comes from a
camera or its card, and for a copy that kept its time; a download shows the time of the download. How long
sightings are kept counts from then, too.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from faceapp.stream.readers import Reader
from faceapp.stream.sources import SourceSpec

# Cameras whose clock was never set begin in 1904, 1970 or 1980.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)


def filmed(spec: SourceSpec, reader: Reader) -> datetime | None:
    """When the first frame of a video file was taken; None for anything else, and where it is not known."""
    if spec.kind != "file":
        return None
    length = reader.frames / reader.fps if reader.fps else 0.0
    for moment in (_created(spec.address), _written(spec.address, length)):
        if moment is not None and EARLIEST <= moment <= datetime.now(UTC):
            return moment
    return None


def _created(path: str) -> datetime | None:
    import av

    try:
        with av.open(path) as container:
            text = container.metadata.get("creation_time", "")
    except (av.FFmpegError, OSError):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _written(path: str, length: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(os.stat(path).st_mtime, UTC) - timedelta(seconds=length)
    except (OSError, OverflowError, ValueError):
        return None
