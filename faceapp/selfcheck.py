"""Names the system libraries that are missing, with the command that installs them.

Wheels bring nearly everything. What they leave to a Linux system is listed here, read off the ELF headers
of opencv-python 5.0 and PyQt5 5.15; on Windows and macOS nothing is missing.
"""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Need = Literal["cv2", "window"]


@dataclass(frozen=True)
class Library:
    """A shared library with the package that holds it under Debian/Ubuntu, Fedora and Arch."""

    file: str
    apt: str
    dnf: str
    pacman: str


_CV2 = (
    Library("libGL.so.1", "libgl1", "mesa-libGL", "libglvnd"),
    Library("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Library("libgthread-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
    Library("libxcb.so.1", "libxcb1", "libxcb", "libxcb"),
    Library("libX11.so.6", "libx11-6", "libX11", "libx11"),
    Library("libXext.so.6", "libxext6", "libXext", "libxext"),
    Library("libSM.so.6", "libsm6", "libSM", "libsm"),
    Library("libICE.so.6", "libice6", "libICE", "libice"),
)
_WINDOW = (
    *_CV2,
    Library("libEGL.so.1", "libegl1", "mesa-libEGL", "libglvnd"),
    Library("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
    Library("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
    Library("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
    Library("libfreetype.so.6", "libfreetype6", "freetype", "freetype2"),
    Library("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
    Library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    Library("libxcb-glx.so.0", "libxcb-glx0", "libxcb", "libxcb"),
    Library("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
    Library("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
    Library("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
    Library("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
    Library("libxcb-render.so.0", "libxcb-render0", "libxcb", "libxcb"),
    Library("libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"),
    Library("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
    Library("libxcb-shm.so.0", "libxcb-shm0", "libxcb", "libxcb"),
    Library("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb"),
    Library("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb"),
    Library("libxcb-xinerama.so.0", "libxcb-xinerama0", "libxcb", "libxcb"),
    Library("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb"),
)
LIBRARIES: dict[Need, tuple[Library, ...]] = {"cv2": _CV2, "window": _WINDOW}


def missing_libraries(need: Need) -> list[Library]:
    """The libraries that `need` wants and this system lacks; always none but on Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return [library for library in LIBRARIES[need] if not _loads(library.file)]


def packages(missing: Iterable[Library], manager: Literal["apt", "dnf", "pacman"]) -> list[str]:
    """The packages of a package manager that hold the missing libraries, each once."""
    return list(dict.fromkeys(str(getattr(library, manager)) for library in missing))


def install_command(missing: Iterable[Library]) -> str:
    """What to type in a terminal; "" where the system has no package manager that we know."""
    missing = list(missing)
    if shutil.which("apt-get"):
        return "sudo apt-get install " + " ".join(packages(missing, "apt"))
    if shutil.which("dnf"):
        return "sudo dnf install " + " ".join(packages(missing, "dnf"))
    if shutil.which("pacman"):
        return "sudo pacman -S " + " ".join(packages(missing, "pacman"))
    return ""


def explain(missing: Iterable[Library]) -> str:
    """One sentence that names what is missing and how to get it; "" when nothing is."""
    missing = list(missing)
    if not missing:
        return ""
    names = ", ".join(library.file for library in missing)
    command = install_command(missing)
    sentence = f"This system lacks {names}."
    return (
        f"{sentence} Install with: {command}"
        if command
        else f"{sentence} Install the packages that hold them."
    )


def _loads(file: str) -> bool:
    try:
        ctypes.CDLL(file)
    except OSError:
        return False
    return True
