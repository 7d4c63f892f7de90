"""Sightings made of numbers, for tests in this process and in others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np

from db.store import SqlStore
from faceapp.live import NewSighting, SightingFilter

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ALL = SightingFilter()


def make(
    number: int, person_id: int | None = None, visitor: int | None = None, source: str = "door"
) -> NewSighting:
    """Sighting `number`: from `number` minutes after the start, for half a minute."""
    vector = np.random.default_rng(number).standard_normal(8).astype(np.float32)
    first = START + timedelta(minutes=number)
    return NewSighting(
        source=source, first=first, last=first + timedelta(seconds=30), person_id=person_id, visitor=visitor,
        distance=0.1, model_key="test", embedding=vector / np.linalg.norm(vector),
        crop=f"picture {number}".encode(),
    )


def who(store: SqlStore, chosen: SightingFilter = ALL) -> list[str]:
    """Names, newest first; "7" for a visitor without one, "" for nobody."""
    return [
        found.person.name if found.person else str(found.visitor or "") for found in store.sightings(chosen)
    ]


def new_visitor(store: SqlStore) -> int:
    """The number of a visitor without any sighting."""
    sighting_id = store.add_sighting(make(0))
    visitor = store.visitor_of(sighting_id)
    store.delete_these_sightings([sighting_id])
    return visitor
