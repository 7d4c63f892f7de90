"""`models`: list, fetch, add, build."""

from __future__ import annotations

import argparse

from faceapp import wire
from faceapp.cli import output
from faceapp.cli.progress import finish
from faceapp.models.base import ModelSpec
from faceapp.services import Services

STOPPED = "Stopped: nothing was changed."


def run(arguments: argparse.Namespace, services: Services) -> None:
    if arguments.action == "list":
        _list(arguments, services)
        return
    if arguments.action == "add":
        spec = services.upkeep.add(arguments.file, arguments.accept_licence)
    else:
        start = services.upkeep.start_fetch if arguments.action == "fetch" else services.upkeep.start_build
        spec = finish(services.jobs, start(arguments.key), STOPPED, "")
    if arguments.json:
        output.document(_shape(spec, services))
    else:
        output.line(f"{spec.title} ({spec.key}) is {services.models.state(spec.key)}.")


def _list(arguments: argparse.Namespace, services: Services) -> None:
    specs = services.models.specs()
    if arguments.json:
        output.document([_shape(spec, services) for spec in specs])
        return
    in_use = {services.analyser.detector_key, services.analyser.model_key}
    rows = [
        [
            "*" if spec.key in in_use else "",
            spec.key,
            spec.role,
            services.models.state(spec.key),
            spec.licence,
        ]
        for spec in specs
    ]
    output.table([["", "key", "role", "state", "licence"], *rows])
    output.line("* in use")


def _shape(spec: ModelSpec, services: Services) -> wire.Json:
    return {
        "key": spec.key,
        "role": spec.role,
        "title": spec.title,
        "state": services.models.state(spec.key),
        "in_use": spec.key in (services.analyser.detector_key, services.analyser.model_key),
        "licence": spec.licence,
        "remark": spec.remark,
        "threshold": spec.calibration.threshold if spec.calibration else None,
        "measured_on": spec.calibration.source if spec.calibration else None,
    }
