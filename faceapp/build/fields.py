"""Values on a card that anybody may have written: of their type, length and range, or a ValueError."""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST_NAME = 200
# What is no text that can be shown: control characters, lone surrogates, separators of lines and paragraphs.
REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


def is_line(value: object, most: int = LONGEST_NAME) -> bool:
    """Whether it is one line of text that can be shown, of at most so many characters."""
    return (
        isinstance(value, str)
        and bool(value.strip())
        and len(value) <= most
        and not any(unicodedata.category(letter) in REFUSED_CATEGORIES for letter in value)
    )


def shown(name: str) -> str:
    """The start of a name from outside, for a sentence."""
    return "".join(letter if letter.isprintable() else "�" for letter in name)[:60]


def line(value: object, most: int = LONGEST_NAME) -> str:
    if not isinstance(value, str) or not is_line(value, most):
        raise ValueError("not a line of text")
    return value


def text(value: object, most: int) -> str:
    """Any text, even one that cannot be shown, as names of files may be."""
    if not isinstance(value, str) or len(value) > most:
        raise ValueError("no text, or too long")
    return value


def flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def whole(value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError("no whole number, or out of range")
    return value


def number(value: object, least: float, most: float) -> float:
    """NaN is in no range."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise ValueError("no number, or out of range")
    return float(value)


def share(value: object) -> float:
    """0 to 1, but for rounding."""
    return number(value, -1e-6, 1 + 1e-6)


def items(value: object, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("no list, or too long")
    return value


def entries(value: object, most: int) -> dict[str, Any]:
    """The keys of JSON are text."""
    if not isinstance(value, dict) or len(value) > most:
        raise ValueError("no entries, or too many")
    return value
