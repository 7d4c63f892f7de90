"""The commands and their options. Imports nothing heavy: `--help` must be there at once."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from faceapp import __version__
from faceapp.build.workspace import Budget
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
    _add_swap(commands)
    _add_morph(commands)
    _add_build(commands)
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
    command.add_argument(
        "--with", dest="recogniser", type=Path, metavar="FILE", help="use this recogniser, made by `build`"
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


def _add_build(commands: Commands) -> None:
    command = _command(commands, "build", "build a recogniser: a small network that knows some people")
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--people", nargs="+", metavar="PERSON", help=f"{PERSON}; by default everybody with three photos"
    )
    source.add_argument(
        "--from", dest="folder", type=Path, metavar="FOLDER", help="one folder of photos a person instead"
    )
    command.add_argument(
        "--strangers",
        type=Path,
        metavar="FOLDER",
        help="with --from: photos of people to be refused (default: the rest of the library)",
    )
    command.add_argument(
        "--budget", type=_budget, metavar="BUDGET", help="5m, 90s or 1h of search, or 40 for 40 networks (60)"
    )
    command.add_argument("--no-search", action="store_true", help="train one sensible network")
    command.add_argument("--seed", type=_seed, default=0, metavar="N", help="gives the same again (0)")
    command.add_argument("--name", default="", metavar="NAME", help="what to call it")
    command.add_argument("--out", type=_file, required=True, metavar="FILE", help="the recogniser, .zip")


def _add_people(commands: Commands) -> None:
    parser = commands.add_parser("people", help="list, rename, merge, delete or forget people; undo")
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
    action = _command(actions, "forget", "take people out of the library for good; nothing brings them back")
    action.add_argument("people", nargs="+", metavar="PERSON", help=f"{PERSON}; deleted people by name")
    action.add_argument("--yes", action="store_true", help="do not ask")
    action = _command(actions, "no-swap", "forbid that a person's face is ever swapped")
    action.add_argument("person", metavar="PERSON", help=PERSON)
    action.add_argument("--off", action="store_true", help="allow it again")
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
    action.add_argument(
        "--accept-licence", action="store_true", help="needed for a neural face swapper of your own"
    )
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


def _add_swap(commands: Commands) -> None:
    command = _command(
        commands, "swap", "put faces of photos onto the most similar faces of a photo, a folder or a video"
    )
    command.add_argument(
        "--faces",
        type=_file,
        nargs="+",
        required=True,
        metavar="PHOTO",
        help="whose faces; several photos of one person are one source, and the best fitting one is used",
    )
    command.add_argument("--into", type=_file, required=True, metavar="PHOTO|VIDEO|FOLDER")
    command.add_argument(
        "--out", type=_file, required=True, metavar="FILE|FOLDER",
        help=".jpg, .png, .webp or .tif; .mp4 or .mkv of a video; a folder of a folder",
    )  # fmt: skip
    command.add_argument(
        "--likeness", type=_share, metavar="0..1", help="1 keeps the source's shape, 0 the photo's expression"
    )
    command.add_argument("--preset", metavar="NAME", help="Likeness, Balanced, Expression or your own")
    command.add_argument("--colour", choices=("mkl", "lab", "none"), help="how the colours are fitted")
    command.add_argument(
        "--engine", choices=("classical", "neural"), help="neural: by networks of your own (models add FILE)"
    )
    command.add_argument(
        "--everyone", action="store_true", help="every face gets a source; otherwise each source is used once"
    )
    command.add_argument(
        "--max-distance", type=_distance, default=2.0, metavar="D", help="only onto faces as near as that"
    )
    command.add_argument(
        "--max-turn", type=_degrees, default=60.0, metavar="ANGLE", help="nor onto heads turned further (60)"
    )
    counted = "faces count from the left"
    command.add_argument(
        "--leave", type=_numbers, default=(), metavar="2,5", help=f"not onto these faces; {counted}"
    )
    command.add_argument(
        "--lock", type=_locks, default=(), metavar="3=1", help=f"source 1 goes onto face 3; {counted}"
    )
    command.add_argument(
        "--small-faces", action="store_true", help="look for small faces as well, which takes longer"
    )


def _add_morph(commands: Commands) -> None:
    command = _command(commands, "morph", "mix faces of photos: a picture, a sequence or an average")
    command.add_argument("photos", type=_file, nargs="+", metavar="PHOTO", help="in the order of the way")
    command.add_argument(
        "--out",
        type=_file,
        required=True,
        metavar="FILE",
        help=".mp4, .gif, .webp or .apng for a sequence; .png, .jpg or .tif for the picture in the middle",
    )
    command.add_argument(
        "--size", type=_positive, default=512, metavar="PX", help="of each side, 64 to 2048 (512)"
    )
    command.add_argument("--average", action="store_true", help="the average of all faces, as a picture")
    command.add_argument(
        "--background",
        default="dissolve",
        metavar="KIND",
        help="dissolve, first or last (the face on that photo), transparent, or a colour such as #ffffff",
    )
    command.add_argument(
        "--latent", choices=("pca", "stylegan2"), metavar="ROUTE",
        help="through a generator instead: pca (fitted on your library) or stylegan2 (weights of your own)",
    )  # fmt: skip
    group = command.add_argument_group("sequences")
    group.add_argument(
        "--frames", type=_positive, default=60, metavar="N", help="how many pictures, up to 2000 (60)"
    )
    group.add_argument("--seconds", type=_seconds, metavar="S", help="how long (a fifteenth a picture)")
    group.add_argument("--ease", action="store_true", help="slow at every person")
    group.add_argument("--ping-pong", action="store_true", help="there and back")
    group.add_argument("--loop", action="store_true", help="back to the first person at the end")
    group.add_argument(
        "--plain-pace", action="store_true", help="even in pixels; otherwise even in who is recognised"
    )
    group = command.add_argument_group(
        "sliders",
        "0 is the first face, 1 the last, beyond is caricature; with --average 0 is the average;"
        " with --latent pca --detail is 0 to 1: how much of the photos' own detail is kept",
    )
    for name in ("shape", "colour", "detail"):
        group.add_argument(f"--{name}", type=_slider, metavar="-1..2", help=f"the {name}'s own place")
    group.add_argument("--place", type=_slider, metavar="-1..2", help="of a picture (where both are as near)")
    group.add_argument(
        "--symmetry", type=_share, default=0.0, metavar="0..1", help="of an average: 1 is mirrored exactly"
    )
    command = _command(
        commands, "between", "name the two enrolled people that a face is most likely a mixture of"
    )
    command.add_argument("photo", type=Path, metavar="PHOTO")
    command.add_argument("--top", type=_positive, default=5, metavar="N", help="how many pairs (5)")


def _slider(text: str) -> float:
    return _number(text, 2.0, -1.0)


def _seconds(text: str) -> float:
    return _number(text, 600.0, 0.01)


def _share(text: str) -> float:
    return _number(text, 1.0)


def _distance(text: str) -> float:
    return _number(text, 2.0)


def _degrees(text: str) -> float:
    return _number(text, 180.0)


def _number(text: str, most: float, least: float = 0.0) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not least <= number <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from {least:g} to {most:g}")
    return number


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(_positive(word.strip()) for word in text.split(","))


def _locks(text: str) -> tuple[tuple[int, int], ...]:
    pairs = [word.split("=") for word in text.split(",")]
    if any(len(pair) != 2 for pair in pairs):
        raise argparse.ArgumentTypeError(f"{text!r} is not written as 3=1,4=2")
    locks = tuple((_positive(face.strip()), _positive(source.strip())) for face, source in pairs)
    if len({face for face, _ in locks}) < len(locks):
        raise argparse.ArgumentTypeError(f"{text!r} gives one face several sources")
    return locks


def _file(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the name of the file is empty")
    return Path(text)


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


def _budget(text: str) -> Budget:
    words = text.strip().lower().removesuffix("candidates").removesuffix("networks").strip()
    unit = {"s": 1, "m": 60, "h": 3600}.get(words[-1:])
    number = _positive(words[:-1].strip() if unit else words)
    return Budget(number) if unit is None else Budget(seconds=float(unit * number))


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**31):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0")
    return int(text)


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
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
