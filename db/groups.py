"""Groups of people who are expected together."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from db import people
from db.names import checked_name, fold
from db.rows import ids_of, insert_row
from db.sightings import KNOWN
from db.tables import group_member, person_group
from faceapp.errors import NotFound
from faceapp.live import Group


def groups(connection: Connection) -> list[Group]:
    """By name. Members who were merged count as whom they have become; deleted ones do not show."""
    members: dict[int, set[int]] = {}
    query = select(group_member.c.group_id, KNOWN.c.current)
    for group_id, person_id in connection.execute(query.join(KNOWN, KNOWN.c.id == group_member.c.person_id)):
        members.setdefault(group_id, set()).add(person_id)
    rows = connection.execute(select(person_group).order_by(person_group.c.folded))
    return [Group(row.id, row.name, tuple(sorted(members.get(row.id, ())))) for row in rows]


def save(connection: Connection, name: str, person_ids: Sequence[int]) -> Group:
    name, _ = checked_name(name, "")
    chosen = [people.by_id(connection, person_id).id for person_id in dict.fromkeys(person_ids)]
    same = person_group.c.folded == fold(name)
    group_id = connection.execute(select(person_group.c.id).where(same)).scalar()
    if group_id is None:
        group_id = insert_row(connection, person_group, {"name": name, "folded": fold(name)})
    else:
        connection.execute(update(person_group).where(same).values(name=name))
        connection.execute(delete(group_member).where(group_member.c.group_id == group_id))
    if chosen:
        rows = [{"group_id": group_id, "person_id": person_id} for person_id in chosen]
        connection.execute(insert(group_member), rows)
    return Group(int(group_id), name, tuple(sorted(chosen)))


def remove(connection: Connection, group_id: int) -> None:
    gone = connection.execute(delete(person_group).where(person_group.c.id.in_(ids_of([group_id])))).rowcount
    if not gone:
        raise NotFound("no_group", f"There is no group with the number {group_id}.")
