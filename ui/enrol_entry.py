"""One photo on its way into the library, and how it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PyQt5.QtCore import QCoreApplication

from faceapp.errors import FaceAppError
from faceapp.types import Floats, Person, Refusal
from ui.enrol_job import Seen, SeenFace, Wish
from ui.photo_list import ItemState
from ui.photo_source import PhotoSource


def _tr(text: str) -> str:
    return QCoreApplication.translate("EnrolEntry", text)


@dataclass
class Entry:
    """Everything that is decided about one photo.

    chosen: which face is meant, None while that is open. anyway: enrol in spite of what was found.
    person: somebody else than the form names.
    """

    key: int
    source: PhotoSource
    seen: Seen | None = None
    error: FaceAppError | None = None
    chosen: int | None = None
    anyway: bool = False
    person: Person | None = None

    def take(self, outcome: Seen | FaceAppError) -> None:
        """What was found on the photo."""
        if isinstance(outcome, FaceAppError):
            self.error = outcome
            return
        self.seen, self.error = outcome, None
        self.chosen = 0 if len(outcome.faces) == 1 else None

    def choose(self, face: int) -> None:
        """Another face is meant; what was decided held for the one before."""
        if face != self.chosen:
            self.chosen, self.anyway, self.person = face, False, None

    @property
    def face(self) -> SeenFace | None:
        """The face that is meant."""
        return None if self.seen is None or self.chosen is None else self.seen.faces[self.chosen]

    def refusals(self, known: Person | None) -> tuple[Refusal, ...]:
        """What speaks against the chosen face, when the form names `known` (None: somebody new)."""
        if self.face is None:
            return ()
        target = self.person or known
        return self.face.verdict.against(target.id if target else None)

    def state(self, known: Person | None) -> tuple[ItemState, str]:
        """How the photo stands, as its row says it."""
        if self.error is not None:
            return ItemState.REFUSED, self.error.sentence
        if self.seen is None:
            return ItemState.WAITING, _tr("waiting")
        if not self.seen.faces:
            return ItemState.REFUSED, _tr("No face was found.")
        if self.face is None:
            return ItemState.DOUBTFUL, _tr("{count} faces: choose one").format(count=len(self.seen.faces))
        final = self.face.verdict.final
        if final is not None:
            return ItemState.DONE, final.sentence
        standing = self.refusals(known)
        if standing and not self.anyway:
            return ItemState.DOUBTFUL, standing[0].sentence
        if self.person is not None:
            return ItemState.READY, _tr("goes to {name}").format(name=self.person.name)
        return ItemState.READY, _tr("ready, in spite of a doubt") if standing else _tr("ready")

    def counts_for(self, known: Person | None) -> Floats | None:
        """The embedding of a face that will be enrolled under the name in the form, else None."""
        if self.person is not None or self.face is None or self.state(known)[0] is not ItemState.READY:
            return None
        return self.face.face.embedding

    def wish(self) -> Wish:
        """The order for the job. Only for a photo that is ready."""
        assert self.face is not None, "the photo is not ready"
        return Wish(self.key, self.source, self.face.face, self.person)


def people_among(embeddings: Sequence[Floats], threshold: float) -> int:
    """How many different people unit embeddings seem to belong to: those within reach count as one."""
    if not embeddings:
        return 0
    vectors = np.stack(embeddings)
    near = 1.0 - vectors @ vectors.T <= threshold
    unseen = np.ones(len(vectors), bool)
    groups = 0
    while unseen.any():
        groups += 1
        reached = np.zeros(len(vectors), bool)
        reached[int(np.argmax(unseen))] = True
        while (wider := near[reached].any(axis=0) | reached).sum() > reached.sum():
            reached = wider
        unseen &= ~reached
    return groups
