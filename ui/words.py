"""Numbers as people read them."""

from __future__ import annotations

from PyQt5.QtCore import QCoreApplication

MINUTE = 60
HOUR = 3600
# A list of more names than this ends in "and 5 others".
MOST_NAMES = 3


def number(value: int) -> str:
    """2138 becomes "2,138"."""
    return f"{value:,}"


def counted(value: int, one: str, many: str) -> str:
    """ "1 photo", "2,138 photos"."""
    return f"{number(value)} {one if value == 1 else many}"


def people_count(value: int) -> str:
    return counted(value, _tr("person"), _tr("people"))


def photo_count(value: int) -> str:
    return counted(value, _tr("photo"), _tr("photos"))


def face_count(value: int) -> str:
    return counted(value, _tr("face"), _tr("faces"))


def rate(value: float, unit: str) -> str:
    """ "12 photos/s", "0.4 photos/s"."""
    return f"{value:.0f} {unit}/s" if value >= 10 else f"{value:.1f} {unit}/s"


def time_left(seconds: float) -> str:
    """ "less than a minute left", "about 12 min left", "about 2 h 5 min left"."""
    if seconds < MINUTE:
        return _tr("less than a minute left")
    if seconds < HOUR:
        return _tr("about {0} min left").format(round(seconds / MINUTE))
    hours, rest = divmod(round(seconds / MINUTE), MINUTE)
    return _tr("about {0} h {1} min left").format(hours, rest)


def listed(names: list[str]) -> str:
    """ "Ann", "Ann and Bob", "Ann, Bob and 5 others"."""
    if len(names) <= 1:
        return "".join(names)
    if len(names) <= MOST_NAMES:
        return _tr("{0} and {1}").format(", ".join(names[:-1]), names[-1])
    shown = names[: MOST_NAMES - 1]
    return _tr("{0} and {1} others").format(", ".join(shown), number(len(names) - len(shown)))


def _tr(text: str) -> str:
    return str(QCoreApplication.translate("words", text))
