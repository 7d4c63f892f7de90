"""`enrol`: a photo, photos of one person, or a folder of people."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from faceapp import wire
from faceapp.cli import output
from faceapp.cli.progress import finish
from faceapp.errors import BadRequest
from faceapp.services import Services
from faceapp.types import EnrolReport, PersonName, Skipped

STOPPED = "Stopped: what was enrolled so far is in the library."
CARRY_ON = "Run the same command again to carry on."


def run(arguments: argparse.Namespace, services: Services) -> None:
    """Enrol and report. Raises FaceAppError when a single photo is refused or a folder cannot be used."""
    if not os.path.isdir(arguments.path):
        report = _one_photo(arguments, services)
    elif arguments.name:
        report = _photos_of_one(arguments, services)
    else:
        job = services.enrolment.start_import(arguments.path)
        report = finish(services.jobs, job, STOPPED, CARRY_ON)
    _show(report, arguments)


def _one_photo(arguments: argparse.Namespace, services: Services) -> EnrolReport:
    from faceapp.pipeline.photos import read_photo

    photo = read_photo(arguments.path)
    face = arguments.face - 1 if arguments.face else None
    name = PersonName.parse(arguments.name)
    enrolled = services.enrolment.enrol(photo, name, face, arguments.anyway)
    remarks = enrolled.remarks(arguments.path)
    return EnrolReport(1, 1, 1, warnings=remarks, person_ids=(enrolled.person.id,))


def _photos_of_one(arguments: argparse.Namespace, services: Services) -> EnrolReport:
    from faceapp.pipeline.photos import find_photos

    paths = find_photos(arguments.path)
    if not paths:
        raise BadRequest("no_photos", "The folder holds no photos.")
    job = services.enrolment.start_photos(paths, PersonName.parse(arguments.name), arguments.anyway)
    report: EnrolReport = finish(services.jobs, job, STOPPED, CARRY_ON)
    return report


def _show(report: EnrolReport, arguments: argparse.Namespace) -> None:
    if arguments.json:
        output.document(wire.enrolment(report))
        _list("Enrolled with a remark", report.warnings, output.remark)
        return
    people = "1 person" if report.people == 1 else f"{report.people} people"
    photos = "1 photo" if report.photos == 1 else f"{report.photos} photos"
    output.line(f"{people}, {photos} in the library from {arguments.path}.")
    _list("Enrolled with a remark", report.warnings, output.line)
    _list("Skipped", report.skipped, output.line)


def _list(title: str, entries: Sequence[Skipped], write: output.Writer) -> None:
    if entries:
        write(f"{title}: {len(entries)}")
    for entry in entries:
        write(f"  {entry.path}: {entry.reason}")
