"""The cameras that the user allows to be opened by address."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from db.names import checked_name, fold
from db.rows import insert_row
from db.tables import camera
from faceapp.errors import Conflict, NotFound
from faceapp.live import Camera


def cameras(connection: Connection) -> list[Camera]:
    rows = connection.execute(select(camera).order_by(camera.c.folded))
    return [Camera(row.name, row.address) for row in rows]


def add(connection: Connection, name: str, address: str) -> Camera:
    name, _ = checked_name(name, "")
    for taken, same in (("name", camera.c.folded == fold(name)), ("address", camera.c.address == address)):
        other = connection.execute(select(camera.c.name).where(same)).scalar()
        if other is not None:
            sentence = f"The camera {other} has that {taken} already."
            raise Conflict("camera_taken", sentence, "Remove it first.")
    insert_row(connection, camera, {"name": name, "folded": fold(name), "address": address})
    return Camera(name, address)


def remove(connection: Connection, name: str) -> None:
    gone = connection.execute(delete(camera).where(camera.c.folded == fold(name))).rowcount
    if not gone:
        raise NotFound("no_camera", f"There is no camera called “{name}”.")
