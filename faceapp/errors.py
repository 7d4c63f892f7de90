"""One error tree. A `FaceAppError` is an answer for a person; anything else is a bug.

    FaceAppError              code, sentence, hint, HTTP status
    +- BadRequest       400   the request itself is malformed
    +- Forbidden        403   a caller or an address that is not allowed
    +- NotFound         404   no such person, photo, face, job or model
    +- Conflict         409   the library's state forbids it
    +- TooLarge         413   more bytes or pixels than the stated limit
    +- UnusablePhoto    422   the file cannot be read as a picture
    +- UnusableFace     422   no face, several faces, or a face that must not be enrolled
    +- ModelUnavailable 503   a model's file is missing, broken or refused
    +- StoreUnavailable 503   the library is locked, full, newer than the program, or broken
    +- Cancelled        409   the user stopped the job
"""

from __future__ import annotations

from typing import ClassVar


class FaceAppError(Exception):
    """Something a person can understand and act upon.

    Attributes:
        sentence: what happened, one plain sentence that ends with a full stop.
        hint: what to do about it; may be empty.
        code: stable, machine-readable, snake_case.
        status: the HTTP status that the REST port answers with.
    """

    status: ClassVar[int] = 400

    def __init__(self, code: str, sentence: str, hint: str = "") -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.sentence} {self.hint}".strip()

    def __reduce__(self) -> tuple[type[FaceAppError], tuple[str, str, str]]:
        return type(self), (self.code, self.sentence, self.hint)


class BadRequest(FaceAppError):
    status = 400


class Forbidden(FaceAppError):
    status = 403


class NotFound(FaceAppError):
    status = 404


class Conflict(FaceAppError):
    status = 409


class TooLarge(FaceAppError):
    status = 413


class UnusablePhoto(FaceAppError):
    status = 422


class UnusableFace(FaceAppError):
    status = 422


class ModelUnavailable(FaceAppError):
    status = 503


class StoreUnavailable(FaceAppError):
    status = 503


class Cancelled(FaceAppError):
    """The user stopped the job: nothing went wrong."""

    status = 409

    def __init__(self, code: str = "cancelled", sentence: str = "Cancelled.", hint: str = "") -> None:
        super().__init__(code, sentence, hint)
