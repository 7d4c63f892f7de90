"""Who was seen when, and the visitors.

A sighting points to the person it was recorded with, and is never written when people change: whom it means
is found when it is read. Merged people lead to whom they have become (`merger`), deleted people to nobody,
a visitor to whom the user named. So undoing a merge or a deletion brings everything back at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Row,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from db import people
from db.names import fold
from db.people import NO_LIMIT
from db.photos import FLOAT32
from db.rows import ids_of, insert_row
from db.tables import merger, person, sighted_face, sighting, visitor
from faceapp.errors import NotFound
from faceapp.live import NewSighting, Sighting, SightingFilter
from faceapp.types import Floats, check_shape


def _known() -> CTE:
    """(id, current): every person that is there, and every one who was merged into them, step by step."""
    known = select(person.c.id, person.c.id.label("current")).where(person.c.active).cte(
        "known", recursive=True
    )
    return known.union_all(
        select(merger.c.person_id, known.c.current)
        .join(known, known.c.id == merger.c.into_id).where(merger.c.active)
    )


KNOWN = _known()
WHO = func.coalesce(sighting.c.person_id, visitor.c.person_id)  # as recorded; KNOWN says who that is today
JOINED = sighting.outerjoin(visitor, visitor.c.id == sighting.c.visitor_id).outerjoin(
    KNOWN, KNOWN.c.id == WHO
)
NEWEST_FIRST = (sighting.c.first.desc(), sighting.c.id.desc())


def add(connection: Connection, new: NewSighting) -> int:
    """Raises NotFound for a visitor's number that was never given."""
    check_shape("embedding", new.embedding, (None,))
    if new.visitor is not None:
        _require_visitor(connection, new.visitor)
    values = {
        "source": new.source, "folded_source": fold(new.source), "first": new.first,
        "last": max(new.first, new.last), "person_id": _still_there(connection, new.person_id),
        "visitor_id": new.visitor, "distance": new.distance,
    }
    sighting_id = insert_row(connection, sighting, values)
    connection.execute(insert(sighted_face).values(
        sighting_id=sighting_id, model_key=new.model_key, jpeg=new.crop,
        vector=new.embedding.astype(FLOAT32).tobytes(),
    ))
    return sighting_id


def extend(connection: Connection, lasts: Mapping[int, datetime]) -> None:
    for sighting_id, last in lasts.items():
        here = sighting.c.id.in_(ids_of([sighting_id]))
        connection.execute(update(sighting).where(here, sighting.c.last < last).values(last=last))


def find(
    connection: Connection, chosen: SightingFilter, limit: int | None = None, offset: int = 0
) -> list[Sighting]:
    query = (
        select(sighting, KNOWN.c.current).select_from(JOINED).where(*_conditions(chosen))
        .order_by(*NEWEST_FIRST).limit(NO_LIMIT if limit is None else limit).offset(offset)
    )
    rows = connection.execute(query).all()
    who = people.by_ids(connection, list({row.current for row in rows if row.current is not None}))
    return [
        Sighting(
            id=row.id, source=row.source, first=row.first, last=row.last, person=who.get(row.current),
            visitor=row.visitor_id, distance=row.distance,
        )
        for row in rows
    ]


def count(connection: Connection, chosen: SightingFilter) -> int:
    query = select(func.count()).select_from(JOINED).where(*_conditions(chosen))
    return int(connection.execute(query).scalar_one())


def sources(connection: Connection) -> list[str]:
    """Every source that anybody was seen by, by name."""
    return sorted(connection.scalars(select(sighting.c.source).distinct()), key=fold)


def crop(connection: Connection, sighting_id: int) -> bytes:
    query = select(sighted_face.c.jpeg).where(sighted_face.c.sighting_id.in_(ids_of([sighting_id])))
    found = connection.execute(query).scalar()
    if found is None:
        raise _no_sighting(sighting_id)
    return bytes(found)


def remove(connection: Connection, chosen: SightingFilter) -> int:
    """The rows go, and their faces with them; the numbers of visitors stay given."""
    query = select(sighting.c.id).select_from(JOINED).where(*_conditions(chosen))
    return remove_these(connection, list(connection.scalars(query)))


def remove_these(connection: Connection, sighting_ids: Sequence[int]) -> int:
    return connection.execute(delete(sighting).where(sighting.c.id.in_(ids_of(sighting_ids)))).rowcount


def correct(connection: Connection, sighting_id: int, person_id: int | None) -> None:
    """A sighting that is said to be somebody, or not to be the person it was taken for, is no visitor's any
    more: it must not follow when that visitor is named."""
    row = _require(connection, sighting_id)
    values: dict[str, int | None] = {"person_id": None}
    if person_id is not None:
        values = {"person_id": people.by_id(connection, person_id).id, "visitor_id": None}
    elif row.visitor_id is not None and _named(connection, row.visitor_id):
        values["visitor_id"] = None
    connection.execute(update(sighting).where(sighting.c.id == row.id).values(**values))


# -- visitors -------------------------------------------------------------------------------------


def strangers(connection: Connection, model_key: str) -> list[tuple[int, int | None]]:
    """(sighting id, visitor number or None) of everybody who was seen without being known, by id; also the
    sightings of visitors who have a name by now."""
    query = (
        select(sighting.c.id, sighting.c.visitor_id)
        .join(sighted_face, sighted_face.c.sighting_id == sighting.c.id)
        .where(sighted_face.c.model_key == model_key, sighting.c.person_id.is_(None))
        .order_by(sighting.c.id)
    )
    return [(row.id, row.visitor_id) for row in connection.execute(query)]


def vectors(connection: Connection, sighting_ids: Sequence[int]) -> dict[int, Floats]:
    """The embeddings (D,) of these sightings; without those that are gone."""
    query = select(sighted_face.c.sighting_id, sighted_face.c.vector)
    rows = connection.execute(query.where(sighted_face.c.sighting_id.in_(ids_of(sighting_ids))))
    return {row.sighting_id: np.frombuffer(row.vector, FLOAT32).astype(np.float32) for row in rows}


def visitor_of(connection: Connection, sighting_id: int) -> int:
    row = _require(connection, sighting_id)
    if row.visitor_id is not None:
        return int(row.visitor_id)
    number = insert_row(connection, visitor, {"person_id": None})
    connection.execute(update(sighting).where(sighting.c.id == row.id).values(visitor_id=number))
    return number


def name_visitor(connection: Connection, number: int, person_id: int) -> int:
    _require_visitor(connection, number)
    owner = people.by_id(connection, person_id)
    connection.execute(update(visitor).where(visitor.c.id == number).values(person_id=owner.id))
    own = select(func.count()).where(sighting.c.visitor_id == number, sighting.c.person_id.is_(None))
    return int(connection.execute(own.select_from(sighting)).scalar_one())


def person_of(connection: Connection, number: int) -> int | None:
    """Who that visitor is by now; None while they have no name. Raises NotFound."""
    _require_visitor(connection, number)
    query = select(KNOWN.c.current).join(visitor, visitor.c.person_id == KNOWN.c.id)
    return connection.execute(query.where(visitor.c.id == number)).scalar()


# -- conditions -----------------------------------------------------------------------------------


def _conditions(chosen: SightingFilter) -> list[ColumnElement[bool]]:
    """A sighting is within a period when any of it is: `since` up to, and without, `until`."""
    conditions: list[ColumnElement[bool]] = []
    if chosen.since is not None:
        conditions.append(sighting.c.last >= chosen.since)
    if chosen.until is not None:
        conditions.append(sighting.c.first < chosen.until)
    if chosen.source:
        conditions.append(sighting.c.source == chosen.source)
    if chosen.person_ids is not None:
        conditions.append(KNOWN.c.current.in_(_today(chosen.person_ids)))
    if chosen.visitor is not None:
        conditions.append(sighting.c.visitor_id.in_(ids_of([chosen.visitor])))
    wanted = fold(chosen.text)
    if wanted:
        conditions.append(_mentions(wanted))
    return conditions


def _today(person_ids: Sequence[int]) -> Any:
    """Who these people are today: a merged one stands for whom they have become."""
    return select(KNOWN.c.current).where(KNOWN.c.id.in_(ids_of(person_ids))).scalar_subquery()


def _mentions(wanted: str) -> ColumnElement[bool]:
    named = exists().where(person.c.id == KNOWN.c.current, func.instr(person.c.folded, wanted) > 0)
    unnamed = and_(
        KNOWN.c.current.is_(None),
        func.instr(literal("visitor ") + sighting.c.visitor_id.cast(person.c.folded.type), wanted) > 0,
    )
    return or_(func.instr(sighting.c.folded_source, wanted) > 0, named, unnamed)


def _require(connection: Connection, sighting_id: int) -> Row[Any]:
    row = connection.execute(select(sighting).where(sighting.c.id.in_(ids_of([sighting_id])))).first()
    if row is None:
        raise _no_sighting(sighting_id)
    return row


def _no_sighting(sighting_id: int) -> NotFound:
    return NotFound("no_sighting", f"There is no sighting with the number {sighting_id}.")


def _require_visitor(connection: Connection, number: int) -> None:
    query = select(exists().where(visitor.c.id.in_(ids_of([number]))))
    if not connection.execute(query).scalar_one():
        raise NotFound("no_visitor", f"There is no visitor with the number {number}.")


def _named(connection: Connection, number: int) -> bool:
    return person_of(connection, number) is not None


def _still_there(connection: Connection, person_id: int | None) -> int | None:
    """Between a decision and its sighting the person may have been undone and forgotten for good."""
    if person_id is None:
        return None
    return connection.execute(select(person.c.id).where(person.c.id.in_(ids_of([person_id])))).scalar()
