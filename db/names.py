"""Names of people: when two are the same, and which are refused."""

from __future__ import annotations

import re
import unicodedata

from faceapp.errors import BadRequest

NAME_LENGTH = 200
NOTE_LENGTH = 10_000

# Control characters, lone surrogates (not text at all), separators of lines and paragraphs.
REFUSED_CATEGORIES = {"Cc", "Cs", "Zl", "Zp"}


def fold(text: str) -> str:
    """`text` as it is compared: no case, no accents, runs of spaces and underscores as one space."""
    text = unicodedata.normalize("NFKD", text.encode("utf-8", "replace").decode())
    text = unicodedata.normalize("NFKD", text.casefold())  # casefolding can bring new accents
    text = "".join(letter for letter in text if unicodedata.category(letter) != "Mn")
    return re.sub(r"[\s_]+", " ", text).strip()


def full_name(first_name: str, surname: str) -> str:
    return f"{first_name} {surname}".strip()


def checked_name(first_name: str, surname: str) -> tuple[str, str]:
    """Both parts without blanks around them. Raises BadRequest."""
    first_name, surname = first_name.strip(), surname.strip()
    name = full_name(first_name, surname)
    if any(unicodedata.category(letter) in REFUSED_CATEGORIES for letter in name):
        raise BadRequest("name_characters", "The name has characters that cannot be shown.", "Type it again.")
    if not fold(name):
        raise BadRequest("no_name", "A person needs a name.", "Type a first name or a surname.")
    if len(name) > NAME_LENGTH:
        raise BadRequest("name_too_long", f"The name is longer than {NAME_LENGTH} characters.", "Shorten it.")
    return first_name, surname


def checked_note(note: str) -> str:
    """The note without blanks around it; it may have several lines. Raises BadRequest."""
    note = note.strip()
    if any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\n\r\t" for letter in note):
        raise BadRequest("note_characters", "The note has characters that cannot be shown.", "Type it again.")
    if len(note) > NOTE_LENGTH:
        raise BadRequest("note_too_long", f"The note is longer than {NOTE_LENGTH} characters.", "Shorten it.")
    return note
