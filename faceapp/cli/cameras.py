"""`cameras`: the addresses that may be opened by the REST port."""

from __future__ import annotations

import argparse

from faceapp import wire
from faceapp.cli import output
from faceapp.live import Camera
from faceapp.services import Services
from faceapp.services.cameras import hidden


def run(arguments: argparse.Namespace, services: Services) -> None:
    cameras = services.cameras
    if arguments.action == "add":
        camera = cameras.add(arguments.name, arguments.address)
        output.outcome(_shape(camera), f"{camera.name} may be opened now.", arguments.json)
    elif arguments.action == "remove":
        cameras.remove(arguments.name)
        output.outcome({"removed": arguments.name}, f"{arguments.name} was removed.", arguments.json)
    elif arguments.json:
        output.document([_shape(camera) for camera in cameras.all()])
    elif cameras.all():
        rows = [[camera.name, hidden(camera.address)] for camera in cameras.all()]
        output.table([["name", "address"], *rows])
    else:
        output.line("No camera may be opened yet.")


def _shape(camera: Camera) -> wire.Json:
    """Without its password: what is printed lands in logs."""
    return {"name": camera.name, "address": hidden(camera.address)}
