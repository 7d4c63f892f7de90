"""The commands and their options. Imports nothing heavy: `--help` must be there at once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from faceapp import __version__
from faceapp.errors import BadRequest

EPILOG = """without a command the window opens. Every command takes --json: one JSON document on standard
output and nothing else. Exit status: 0 done, 1 refused (the sentence is on standard error), 2 wrong usage."""
PERSON = "a name (case, accents and underscores do not count) or '#' and a number from the list: '#12'"


def parse(words: Sequence[str] | None = None) -> argparse.Namespace:
    """The command (`command` is None for the window) with its options. Wrong usage exits with 2."""
    parser = _parser()
    arguments = parser.parse_args(words)
    problem = _problem(arguments)
    if problem:
        parser.error(problem)
    return arguments


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="main.py",
        description="Enrol people, find lookalikes, recognise faces: everything stays on this computer.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"faceapp {__version__}")
    _add_data_dir(parser, default=None)
    parser.set_defaults(json=False)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_enrol(commands)
    _add_lookalike(commands)
    _add_recognise(commands)
    _add_people(commands)
    _add_serve(commands)
    _add_models(commands)
    _add_evaluate(commands)
    _add_cameras(commands)
    _add_sightings(commands)
    _add_attendance(commands)
    _add_groups(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _add_data_dir(parser: argparse.ArgumentParser, default: str | None = argparse.SUPPRESS) -> None:
    parser.add_argument(
        "--data-dir",
        metavar="FOLDER",
        default=default,
        help="where the library, the models and the settings live (default: $FACEAPP_DATA_DIR, else the "
        "system's place for such data)",
    )


def _command(commands: Commands, name: str, help_: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=help_, description=f"{help_[0].upper()}{help_[1:]}.")
    # Suppressed where they are not given, so that a value from before the command stays.
    _add_data_dir(command)
    command.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON document on standard output"
    )
    return command


def _add_enrol(commands: Commands) -> None:
    command = _command(commands, "enrol", "enrol a photo, photos of one person, or a folder of people")
    command.add_argument(
        "path",
        type=Path,
        metavar="PATH",
        help="a photo, or a folder; a folder without --name has one folder a person",
    )
    command.add_argument("--name", help="who is on the photo, or on every photo of the folder")
    command.add_argument(
        "--face", type=_positive, metavar="N", help="which face, where a photo has several (1 is the first)"
    )
    command.add_argument(
        "--anyway",
        action="store_true",
        help="enrol in spite of doubts (blurred, dark, looks like somebody else)",
    )


def _add_lookalike(commands: Commands) -> None:
    command = _command(
        commands, "lookalike", "find the enrolled people that the faces of a photo resemble most"
    )
    command.add_argument("photo", type=Path, metavar="PHOTO")
    command.add_argument("--top", type=_positive, metavar="N", help="how many people a face (default: 10)")


def _add_recognise(commands: Commands) -> None:
    command = _command(
        commands,
        "recognise",
        "say who is on a photo, on every photo of a folder, on a video or before a camera",
    )
    command.add_argument(
        "path",
        metavar="PHOTO|FOLDER|VIDEO|CAMERA|URL",
        help="a camera is its number (0) or an address: http://…/shot.jpg, http://…/video, rtsp://…",
    )
    command.add_argument(
        "--csv", action="store_true", help="one line a face: photo, person, distance, box, error; or a track"
    )
    group = command.add_argument_group("videos and cameras")
    method = group.add_mutually_exclusive_group()
    method.add_argument("--vote", action="store_true", help="decide by the votes of its frames (default)")
    method.add_argument("--fuse", action="store_true", help="decide by the mean of its frames")
    group.add_argument(
        "--frames", type=_positive, metavar="N", help="frames of a face that a decision takes (default: 10)"
    )
    group.add_argument(
        "--min-face", type=_positive, metavar="PX", help="smaller faces are not recognised (default: 40)"
    )
    group.add_argument("--out", type=Path, metavar="VIDEO", help="write the video with boxes and names, .mp4")
    group.add_argument(
        "--seconds", type=_positive, metavar="S", help="how long to watch a camera (default: until Ctrl-C)"
    )


def _add_people(commands: Commands) -> None:
    parser = commands.add_parser("people", help="list, rename, merge or delete people, or take a change back")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    action = _command(actions, "list", "list the enrolled people")
    action.add_argument(
        "text", nargs="?", default="", metavar="TEXT", help="only names and notes with this text"
    )
    action = _command(actions, "rename", "give a person another name")
    action.add_argument("person", metavar="PERSON", help=PERSON)
    action.add_argument("name", metavar="NAME", help="the new name")
    action = _command(actions, "merge", "make one person out of several")
    action.add_argument("person", metavar="INTO", help=PERSON)
    action.add_argument("others", nargs="+", metavar="FROM", help="people whose faces go to INTO")
    action = _command(actions, "delete", "delete people with their faces")
    action.add_argument("people", nargs="+", metavar="PERSON", help=PERSON)
    _command(actions, "undo", "take back the newest change")


def _add_serve(commands: Commands) -> None:
    command = _command(commands, "serve", "answer the REST port without a window, until Ctrl-C")
    command.add_argument(
        "--port", type=_port, metavar="PORT", help="default: the setting, 8765; 0 for any free one"
    )


def _add_models(commands: Commands) -> None:
    parser = _command(commands, "models", "list the models; fetch, add or build one")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions (default: list)")
    parser.set_defaults(action="list")
    _command(actions, "list", "list the models, where they come from and under which licence")
    action = _command(actions, "fetch", "download a model's file, which needs the internet")
    action.add_argument("key", metavar="KEY")
    action = _command(actions, "add", "add a model's file that you have; its checksum says which model it is")
    action.add_argument("file", type=Path, metavar="FILE")
    action = _command(actions, "build", "make a model ready now instead of at its first use")
    action.add_argument("key", metavar="KEY")


def _add_evaluate(commands: Commands) -> None:
    command = _command(commands, "evaluate", "measure the accuracy on pairs of photos by the LFW protocol")
    command.add_argument(
        "--pairs", type=Path, required=True, metavar="FILE", help="a list of pairs, as LFW's pairs.txt"
    )
    command.add_argument("--images", type=Path, required=True, metavar="DIR", help="holds NAME/NAME_0001.jpg")
    command.add_argument("--detector", default="", metavar="KEY", help="default: the setting")
    command.add_argument("--embedder", default="", metavar="KEY", help="default: the setting")


def _add_cameras(commands: Commands) -> None:
    parser = _command(commands, "cameras", "list the cameras that may be opened by address; add, remove")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions (default: list)")
    parser.set_defaults(action="list")
    _command(actions, "list", "list the cameras")
    action = _command(actions, "add", "allow an address: http, https or rtsp")
    action.add_argument("name", metavar="NAME")
    action.add_argument("address", metavar="ADDRESS")
    action = _command(actions, "remove", "allow it no more")
    action.add_argument("name", metavar="NAME")


def _add_sightings(commands: Commands) -> None:
    parser = commands.add_parser("sightings", help="list, export or delete who was seen when")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions", required=True)
    action = _command(actions, "list", "list sightings, newest first")
    action.add_argument("--csv", action="store_true", help="one line a sighting")
    action.add_argument("--limit", type=_positive, metavar="N", help="the newest N alone")
    _add_sighting_filter(action)
    action = _command(actions, "export", "write sightings into a CSV file")
    action.add_argument("file", type=Path, metavar="FILE")
    _add_sighting_filter(action)
    action = _command(actions, "delete", "delete sightings for good, all of them unless options choose")
    action.add_argument("--yes", action="store_true", help="do not ask")
    _add_sighting_filter(action)


def _add_sighting_filter(action: argparse.ArgumentParser) -> None:
    _add_period(action)
    action.add_argument("--source", default="", metavar="NAME", help="seen by this camera or video alone")
    action.add_argument("--text", default="", metavar="TEXT", help="part of a name or of a source")
    action.add_argument("--person", metavar="PERSON", help=PERSON)
    action.add_argument("--visitor", type=_positive, metavar="N", help="the number of a visitor")


def _add_attendance(commands: Commands) -> None:
    command = _command(commands, "attendance", "say who was there: present, late or absent")
    _add_period(command, required=True)
    command.add_argument("--group", default="", metavar="NAME", help="the people of this group alone")
    command.add_argument(
        "--grace", type=_minutes, default=5, metavar="MINUTES", help="who comes later than that is late (5)"
    )
    command.add_argument("--csv", action="store_true", help="one line a person")
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="write a CSV file, or a page to print where it ends in .html"
    )


def _add_groups(commands: Commands) -> None:
    parser = _command(commands, "groups", "list the groups for attendance; save or delete one")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", title="actions (default: list)")
    parser.set_defaults(action="list")
    _command(actions, "list", "list the groups")
    action = _command(actions, "save", "make a group, or replace its people")
    action.add_argument("name", metavar="NAME")
    action.add_argument("people", nargs="+", metavar="PERSON", help=PERSON)
    action = _command(actions, "delete", "delete a group; its people stay")
    action.add_argument("name", metavar="NAME")


def _add_period(command: argparse.ArgumentParser, required: bool = False) -> None:
    times = "2026-03-02T09:00, 2026-03-02 or 09:00"
    command.add_argument("--from", dest="start", type=_start, required=required, metavar="TIME", help=times)
    until = "the same; a day counts to its end"
    command.add_argument("--to", dest="end", type=_end, required=required, metavar="TIME", help=until)


def _start(text: str) -> datetime:
    return _moment(text, end=False)


def _end(text: str) -> datetime:
    return _moment(text, end=True)


def _moment(text: str, end: bool) -> datetime:
    from faceapp import wire

    try:
        return wire.parse_moment(text, end)
    except BadRequest as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _minutes(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 5 else -1
    if not 0 <= number <= 24 * 60:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes up to a day")
    return number


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return number


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port (0 to 65535)")
    return int(text)


def _problem(arguments: argparse.Namespace) -> str:
    """What is wrong with options that are each right on their own; "" when nothing is."""
    if getattr(arguments, "csv", False) and arguments.json:
        return "choose one of --json and --csv."
    if arguments.command == "enrol":
        return _problem_of_enrol(arguments)
    return ""


def _problem_of_enrol(arguments: argparse.Namespace) -> str:
    named = bool(arguments.name and arguments.name.replace("_", " ").strip())
    if arguments.name is not None and not named:
        return "the name is empty."
    if os.path.isdir(arguments.path):
        if arguments.face:
            return "--face goes with one photo, not with a folder."
        if arguments.anyway and not named:
            return "--anyway goes with a photo, or with a folder and --name."
    elif os.path.exists(arguments.path) and not named:
        return 'a photo needs a name: add --name "First Surname".'
    return ""
