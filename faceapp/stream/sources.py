"""What can be watched, as the user writes it: "0", a path, http://camera/shot.jpg, rtsp://camera/1."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from faceapp.errors import BadRequest, FaceAppError, NotFound

Kind = Literal["webcam", "file", "folder", "snapshot", "mjpeg", "rtsp"]

# Kinds whose pictures come by themselves, whether they are wanted or not.
LIVE = frozenset({"webcam", "snapshot", "mjpeg", "rtsp"})
VIDEO_EXTENSIONS = frozenset(
    ".mp4 .m4v .mov .avi .mkv .webm .mpg .mpeg .ts .mts .m2ts .wmv .flv .3gp .ogv .mjpeg .mjpg".split()
)
_HEAD_BYTES = 4096
_DEVICES = Path("/sys/class/video4linux")
# Elsewhere cameras have no list that can be read without opening them.
_PROBED = 4


class SourceLost(FaceAppError):
    """A source that cannot be opened, or gives no more pictures though it should."""

    status = 503


@dataclass(frozen=True)
class SourceSpec:
    """A source by its kind and address: the number of a webcam, a path, or an address of the network.

    name: what to call it, without a password.
    """

    kind: Kind
    address: str
    name: str = ""

    @property
    def live(self) -> bool:
        """A camera: its frames come by themselves and cannot be had again."""
        return self.kind in LIVE

    @staticmethod
    def parse(text: str) -> SourceSpec:
        """What the user wrote. Raises BadRequest for what names no source, NotFound for a missing file."""
        words = text.strip()
        if not words:
            raise BadRequest("no_source", "No camera, video or address was given.")
        number = re.fullmatch(r"(?:webcam:)?([0-9]{1,3})", words)
        if number and not Path(words).exists():
            return SourceSpec("webcam", number[1], f"Webcam {number[1]}")
        if "://" in words:
            return _address(words)
        return _path(words)


def _address(text: str) -> SourceSpec:
    kind, _, rest = text.partition(":")
    if kind in ("snapshot", "mjpeg") and "://" in rest:
        text = rest
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise BadRequest("bad_address", "The address is not written correctly.") from error
    if parts.scheme not in ("http", "https", "rtsp", "rtsps") or not host:
        raise BadRequest(
            "bad_address", "The address names no camera.", "Write http://…, https://… or rtsp://…"
        )
    if any(character.isspace() or not character.isprintable() for character in text):
        raise BadRequest("bad_address", "The address is not written correctly.")
    if parts.scheme.startswith("rtsp"):
        return SourceSpec("rtsp", text, shown(parts))
    if kind == "snapshot" or (kind != "mjpeg" and parts.path.lower().endswith((".jpg", ".jpeg", ".png"))):
        return SourceSpec("snapshot", text, shown(parts))
    return SourceSpec("mjpeg", text, shown(parts))


def shown(parts: SplitResult) -> str:
    """An address as it may be shown and kept: without its user, password and query."""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname}{port}{parts.path.rstrip('/')}"


def _path(text: str) -> SourceSpec:
    place = Path(text).expanduser()
    try:
        if place.is_dir():
            return SourceSpec("folder", str(place), place.name or str(place))
        if place.exists():
            return SourceSpec("file", str(place), place.name)
    except (OSError, ValueError):
        pass  # a name that the system cannot even look up
    raise NotFound("no_such_source", f"There is no “{place.name}”.", "Give a video, a folder or a camera.")


def is_video(path: Path) -> bool:
    """Whether a file is a video: by its first bytes, and by its name where they say nothing."""
    from faceapp.pipeline.kinds import other_kind, picture_kind

    try:
        with open(path, "rb") as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, ValueError):
        return False
    if picture_kind(head):
        return False
    return "video" in other_kind(head) or path.suffix.lower() in VIDEO_EXTENSIONS


def list_webcams() -> list[SourceSpec]:
    """The webcams of this machine with their names. On Linux no device is opened for it."""
    if sys.platform.startswith("linux"):
        return _linux_webcams()
    return [
        SourceSpec("webcam", str(number), f"Camera {number + 1}")
        for number in range(_PROBED)
        if _answers(number)
    ]


def _linux_webcams() -> list[SourceSpec]:
    """One entry a device: the kernel makes a second node, without pictures, for most webcams."""
    found = []
    for device in _DEVICES.glob("video*"):
        digits = device.name.removeprefix("video")
        if digits.isdigit() and _line(device / "index") in ("", "0"):
            found.append(SourceSpec("webcam", digits, _line(device / "name") or f"Webcam {digits}"))
    return sorted(found, key=lambda spec: int(spec.address))


def _line(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _answers(number: int) -> bool:
    from faceapp.opencv import cv2

    capture = cv2.VideoCapture(number)
    opened = bool(capture.isOpened())
    capture.release()
    return opened
