"""The rules of docs/architecture.md that no reader can keep in mind: read off the source."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("faceapp", "db", "ui")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
ML_PACKAGES = {"cv2", "onnxruntime", "onnx", "dlib", "tensorflow", "keras", "PIL", "pillow_heif", "skimage",
               "mtcnn", "face_recognition", "face_recognition_models"}  # fmt: skip
HEAVY_PACKAGES = ML_PACKAGES | {"sqlalchemy", "alembic", "PyQt5", "flask", "waitress", "matplotlib", "scipy"}
MAY_CATCH_ALL = {"faceapp/jobs/manager.py", "ui/app.py"}
MAY_PRINT = {"faceapp/cli/output.py"}

CODE_FROM_DATA = {"pickle", "cPickle", "_pickle", "shelve", "marshal", "dill", "cloudpickle", "joblib"}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Every node of these kinds in the program's source, with its file and line."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, kinds):
                yield name_of(path), node


def imports() -> Iterator[tuple[str, str]]:
    """(file, imported module), for imports at any depth."""
    for file, node in nodes(ast.Import, ast.ImportFrom):
        if isinstance(node, ast.Import):
            yield from ((file, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield file, node.module


def test_there_is_something_to_check() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in SOURCES} == set(PACKAGES)
    assert len(list(imports())) > len(SOURCES)


def test_import_contracts() -> None:
    """The contracts are in pyproject.toml; a new module of the core must be given its layer there."""
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    assert "0 broken" in run.stdout


def test_only_two_places_catch_everything() -> None:
    def catches_all(handler: ast.ExceptHandler) -> bool:
        caught = [] if handler.type is None else list(ast.walk(handler.type))
        names = {node.id for node in caught if isinstance(node, ast.Name)}
        return handler.type is None or bool(names & {"Exception", "BaseException"})

    found = {
        (file, node.lineno)
        for file, node in nodes(ast.ExceptHandler)
        if isinstance(node, ast.ExceptHandler) and catches_all(node)
    }
    assert [place for place in sorted(found) if place[0] not in MAY_CATCH_ALL] == []


def test_qt_is_in_the_window_alone() -> None:
    found = {(file, module) for file, module in imports() if module.split(".")[0] in {"PyQt5", "qtawesome"}}
    assert [place for place in sorted(found) if not place[0].startswith("ui/")] == []


def test_opencv_comes_from_one_place() -> None:
    found = {file for file, module in imports() if module.split(".")[0] == "cv2"}
    assert found == {"faceapp/opencv.py"}


def test_tensorflow_is_not_imported() -> None:
    """Only build/ and latent/ may, once they exist."""
    found = {file for file, module in imports() if module.split(".")[0] in {"tensorflow", "keras"}}
    assert [file for file in found if not file.startswith(("faceapp/build/", "faceapp/latent/"))] == []


def test_no_data_becomes_code() -> None:
    unpickled = {file for file, module in imports() if module.split(".")[0] in CODE_FROM_DATA}
    called = {
        (file, node.func.id)
        for file, node in nodes(ast.Call)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec"}
    }
    assert unpickled == set()
    assert called == set()


def test_only_the_command_line_prints() -> None:
    found = {
        (file, node.lineno)
        for file, node in nodes(ast.Call)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert [place for place in sorted(found) if place[0] not in MAY_PRINT] == []


def test_threads_are_never_killed() -> None:
    found = [
        (file, node.lineno)
        for file, node in nodes(ast.Attribute)
        if isinstance(node, ast.Attribute) and node.attr == "terminate" and file.startswith("ui/")
    ]
    assert found == []


def test_styles_are_in_one_file() -> None:
    """resources/style.qss is set by ui/theme.py; no page has a style string of its own."""
    found = {
        file
        for file, node in nodes(ast.Attribute)
        if isinstance(node, ast.Attribute) and node.attr == "setStyleSheet"
    }
    assert found <= {"ui/theme.py"}


@pytest.mark.parametrize(
    ("statement", "unwanted"),
    [
        ("import faceapp", HEAVY_PACKAGES | {"numpy"}),
        ("import faceapp.selfcheck, faceapp.errors", HEAVY_PACKAGES | {"numpy"}),
        ("import faceapp.services", HEAVY_PACKAGES),
        ("import faceapp.cli", HEAVY_PACKAGES),
        ("import db.store", ML_PACKAGES | {"PyQt5", "flask"}),
        ("import ui.main_window", ML_PACKAGES | {"sqlalchemy", "flask"}),
    ],
)
def test_what_an_import_loads(statement: str, unwanted: set[str]) -> None:
    """In a process of its own: nothing heavy is loaded before it is needed."""
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    loaded = {module.split(".")[0] for module in json.loads(run.stdout)}
    assert loaded & unwanted == set()


def test_every_name_that_the_window_uses_is_in_its_form() -> None:
    form = ElementTree.parse(ROOT / "faceapp.ui").getroot()
    names = {
        element.get("name")
        for kind in ("widget", "layout", "action", "actiongroup")
        for element in form.iter(kind)
    }
    window = next(
        node
        for node in ast.walk(ast.parse((ROOT / "ui" / "main_window.py").read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and node.name == "MainWindow"
    )
    # What the class declares without a value comes from the form.
    declared = {
        node.target.id
        for node in window.body
        if isinstance(node, ast.AnnAssign) and node.value is None and isinstance(node.target, ast.Name)
    }
    methods = {node.name for node in window.body if isinstance(node, ast.FunctionDef)}
    assigned = {
        node.attr
        for node in ast.walk(window)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    used = {
        node.attr
        for node in ast.walk(window)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    }
    assert declared
    assert declared - names == set()
    looks_like_one = {name for name in used if name.endswith(("_tab", "_action", "_layout", "_dock"))}
    assert looks_like_one - names - assigned - methods == set()


def test_no_path_of_a_developers_machine() -> None:
    files = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\n")
    marks = ("/wor" + "k/", "/ho" + "me/", "/Use" + "rs/")
    found = [
        name
        for name in files
        if name.endswith((".py", ".md", ".toml", ".txt", ".qss", ".ui", "Makefile"))
        and (ROOT / name).is_file()
        and any(mark in (ROOT / name).read_text("utf-8") for mark in marks)
    ]
    assert found == []
