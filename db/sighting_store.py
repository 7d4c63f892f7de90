"""Sightings, visitors, groups and cameras: `SightingStore` on SQLite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from db import cameras, groups, people, sightings
from db.library import Library
from db.tables import sighting_revision
from faceapp.live import Camera, Group, NewSighting, Sighting, SightingFilter
from faceapp.ports import SightingStore
from faceapp.types import Floats, Person


class SqlSightingStore(Library, SightingStore):
    """In the file of the people, written by the same thread."""

    def sighting_revision(self) -> int:
        return self._read(_revision)

    def add_sighting(self, sighting: NewSighting) -> int:
        return self._write_sightings(sightings.add, sighting)

    def extend_sightings(self, lasts: Mapping[int, datetime]) -> None:
        self._change(None, sightings.extend, lasts)

    def sightings(
        self, chosen: SightingFilter, limit: int | None = None, offset: int = 0
    ) -> list[Sighting]:
        return self._read(sightings.find, chosen, limit, offset)

    def count_sightings(self, chosen: SightingFilter) -> int:
        return self._read(sightings.count, chosen)

    def sighting_sources(self) -> list[str]:
        return self._read(sightings.sources)

    def sighting_crop(self, sighting_id: int) -> bytes:
        return self._read(sightings.crop, sighting_id)

    def delete_sightings(self, chosen: SightingFilter) -> int:
        return self._gone(self._write_sightings(sightings.remove, chosen))

    def delete_these_sightings(self, sighting_ids: Sequence[int]) -> int:
        return self._gone(self._write_sightings(sightings.remove_these, sighting_ids))

    def correct_sighting(self, sighting_id: int, person_id: int | None) -> None:
        self._write_sightings(sightings.correct, sighting_id, person_id)

    # -- visitors ------------------------------------------------------------------------------
    def strangers(self, model_key: str) -> list[tuple[int, int | None]]:
        return self._read(sightings.strangers, model_key)

    def sighted(self, sighting_ids: Sequence[int]) -> dict[int, Floats]:
        return self._read(sightings.vectors, sighting_ids)

    def visitor_of(self, sighting_id: int) -> int:
        return self._write_sightings(sightings.visitor_of, sighting_id)

    def name_visitor(self, visitor: int, person_id: int) -> int:
        return self._write_sightings(sightings.name_visitor, visitor, person_id)

    def visitor_person(self, visitor: int) -> Person | None:
        return self._read(_visitor_person, visitor)

    # -- groups and cameras --------------------------------------------------------------------
    def groups(self) -> list[Group]:
        return self._read(groups.groups)

    def save_group(self, name: str, person_ids: Sequence[int]) -> Group:
        return self._write_sightings(groups.save, name, person_ids)

    def delete_group(self, group_id: int) -> None:
        self._write_sightings(groups.remove, group_id)

    def cameras(self) -> list[Camera]:
        return self._read(cameras.cameras)

    def add_camera(self, name: str, address: str) -> Camera:
        return self._write_sightings(cameras.add, name, address)

    def remove_camera(self, name: str) -> None:
        self._write_sightings(cameras.remove, name)

    def _gone(self, count: int) -> int:
        if count:
            self._wipe()
        return count


def _revision(connection: Connection) -> int:
    return int(connection.execute(select(sighting_revision.c.number)).scalar_one())


def _visitor_person(connection: Connection, visitor: int) -> Person | None:
    person_id = sightings.person_of(connection, visitor)
    return None if person_id is None else people.by_id(connection, person_id)
