"""Two statements that every part of the store needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, ScalarSelect, Table, func, insert, select


def insert_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Insert one row; comes back with its id."""
    key = connection.execute(insert(table), dict(values)).inserted_primary_key
    assert key is not None  # every table here has an id
    return int(key[0])


def ids_of(row_ids: Sequence[int]) -> ScalarSelect[Any]:
    """A subquery of these ids: one bound value, however many there are and however large."""
    values = func.json_each(json.dumps([int(row_id) for row_id in row_ids])).table_valued("value")
    return select(values.c.value).scalar_subquery()
