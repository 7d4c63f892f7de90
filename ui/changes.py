"""What one action of the window changed in the library, so that just that can be taken back."""

from __future__ import annotations

from dataclasses import dataclass

from faceapp.errors import Conflict
from faceapp.services import Services

LOOKED_AT = 20


@dataclass(frozen=True)
class Changes:
    """Ids of journal entries, oldest first."""

    entries: tuple[int, ...] = ()

    def __add__(self, other: Changes) -> Changes:
        return Changes(tuple(dict.fromkeys(self.entries + other.entries)))


class Recorder:
    """Notes what is written between two looks at the journal. Make it right before the writing."""

    def __init__(self, services: Services) -> None:
        self._services = services
        # The newest entry need not be the one made last: that of an import or an enrolment grows.
        self._last = max((entry.id for entry in services.people.journal(LOOKED_AT)), default=0)

    def changes(self) -> Changes:
        """What was written since the start or the last call."""
        entries = self._services.people.journal(LOOKED_AT)
        fresh = sorted(entry.id for entry in entries if entry.id > self._last and not entry.undone)
        self._last = max((self._last, *fresh))
        return Changes(tuple(fresh))


def take_back(services: Services, changes: Changes) -> None:
    """Undo just these changes. Raises Conflict, and undoes nothing more, when something came after them."""
    for entry in reversed(changes.entries):
        newest = next((each for each in services.people.journal(LOOKED_AT) if not each.undone), None)
        if newest is None or newest.id != entry:
            raise Conflict(
                "changed_since",
                "Something else was changed since.",
                "Edit > History of changes shows everything, and takes it back one by one.",
            )
        services.people.undo()
