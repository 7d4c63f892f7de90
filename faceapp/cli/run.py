"""Runs one command on the services."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from faceapp.cli import build, cameras, enrol, evaluate, models, morph, people, search, sightings, swap
from faceapp.services import Services

COMMANDS: dict[str, Callable[[argparse.Namespace, Services], None]] = {
    "enrol": enrol.run,
    "lookalike": search.lookalike,
    "recognise": search.recognise,
    "people": people.run,
    "models": models.run,
    "evaluate": evaluate.run,
    "cameras": cameras.run,
    "sightings": sightings.run,
    "attendance": sightings.attendance,
    "groups": sightings.groups,
    "swap": swap.run,
    "morph": morph.run,
    "between": morph.between,
    "build": build.run,
}


def run(arguments: argparse.Namespace, services: Services) -> None:
    """Carry out a command. Raises FaceAppError when it is refused."""
    COMMANDS[arguments.command](arguments, services)
