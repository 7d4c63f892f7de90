"""The commands in this process: shapes, exit statuses, sentences. Real models, real store."""

from __future__ import annotations

import csv
import io
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run, runner
from made_photos import save
from oddfiles import make_odd_files

from faceapp.cli import output, parser, progress
from faceapp.opencv import cv2
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.services.morphs import MorphSettings
from faceapp.types import Image


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command as `main.py` does, on the shared models: run("people", "list")."""
    return runner(services, monkeypatch, capfd)


@pytest.fixture
def enrolled(run: Run, portrait_files: dict[str, Path]) -> None:
    assert run("enrol", portrait_files["astronaut"], "--name", "Eileen Collins", "--face", 1).status == 0
    assert run("enrol", portrait_files["hopper"], "--name", "Grace_Hopper").status == 0


@pytest.fixture
def album(tmp_path: Path, hopper: Image, portrait_files: dict[str, Path]) -> Path:
    """Photos in a folder: one known person, a picture without a face, a broken file."""
    folder = tmp_path / "album"
    save(folder / "1 mirrored.jpg", np.ascontiguousarray(hopper[:, ::-1]))
    save(folder / "2 wall.png", np.full((200, 200, 3), 90, np.uint8))
    (folder / "3 broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (folder / "notes.txt").write_text("no photo")
    return folder


# -- enrol --------------------------------------------------------------------------------------


def test_enrol_one_photo(run: Run, portrait_files: dict[str, Path], services: Services) -> None:
    ended = run("enrol", portrait_files["hopper"], "--name", "Grace Brewster Hopper", "--json")
    assert ended.status == 0
    assert ended.document == {"people": 1, "photos": 1, "faces": 1, "skipped": []}
    (person,) = services.people.find()
    assert (person.first_name, person.surname) == ("Grace", "Brewster Hopper")


def test_enrol_the_same_photo_twice_is_refused(
    run: Run, enrolled: None, portrait_files: dict[str, Path]
) -> None:
    ended = run("enrol", portrait_files["hopper"], "--name", "Grace Hopper", "--json")
    assert ended.status == 1
    assert ended.document["error"]["code"] == "already_enrolled"
    assert "already enrolled as Grace Hopper." in ended.err


def test_what_speaks_against_a_photo_is_said_when_it_is_enrolled_anyway(
    run: Run, services: Services, portrait_files: dict[str, Path], tmp_path: Path
) -> None:
    for key, name in (("astronaut", "Eileen"), ("hopper", "Grace")):
        clean = run("enrol", portrait_files[key], "--name", name, "--face", 1)
        assert clean.status == 0 and "remark" not in clean.out
    portraits = [read_photo(portrait_files[key]) for key in ("astronaut", "hopper")]
    plan = services.morphs.plan(portraits, MorphSettings(size=400))
    mix = save(tmp_path / "mix.png", services.morphs.frame(plan, 0.5))
    refused = run("enrol", mix, "--name", "Somebody")
    assert refused.status == 1
    assert "lies between Grace and Eileen" in refused.err and "Add it" not in refused.err
    ended = run("enrol", mix, "--name", "Somebody", "--anyway")
    assert ended.status == 0
    assert "Enrolled with a remark: 1" in ended.out and "lies between Grace and Eileen" in ended.out


def test_enrol_a_folder_of_people(
    run: Run, tmp_path: Path, astronaut: Image, hopper: Image, services: Services
) -> None:
    people = tmp_path / "people"
    save(people / "Eileen_Collins" / "1.jpg", astronaut)
    save(people / "Grace_Hopper" / "1.jpg", hopper)
    (people / "Grace_Hopper" / "2.jpg").write_bytes(b"nothing")
    ended = run("enrol", people, "--json")
    assert ended.status == 0
    report = ended.document
    assert set(report) == {"people", "photos", "faces", "skipped"}
    assert (report["people"], report["photos"], report["faces"]) == (2, 2, 2)
    assert [Path(entry["path"]).name for entry in report["skipped"]] == ["2.jpg"]
    assert report["skipped"][0]["reason"].endswith(".")
    assert [person.name for person in services.people.find()] == ["Eileen Collins", "Grace Hopper"]


def test_enrol_a_folder_for_one_person(run: Run, album: Path, services: Services) -> None:
    ended = run("enrol", album, "--name", "Grace Hopper")
    assert ended.status == 0
    assert "2 wall.png" in ended.out
    assert "3 broken.jpg" in ended.out
    assert [(person.name, person.photos) for person in services.people.find()] == [("Grace Hopper", 1)]


@pytest.mark.parametrize(
    "words",
    [("{photo}",), ("{photo}", "--name", " _ "), ("{folder}", "--face", "1"), ("{folder}", "--anyway"), (),
     ("{photo}", "--name", "A", "--face", "0")],
)  # fmt: skip
def test_enrol_used_wrongly(
    run: Run, words: tuple[str, ...], tmp_path: Path, portrait_files: dict[str, Path]
) -> None:
    places = {"{photo}": portrait_files["hopper"], "{folder}": tmp_path}
    ended = run("enrol", *(places.get(word, word) for word in words))
    assert (ended.status, ended.out) == (2, "")
    assert "usage:" in ended.err


def test_a_photo_without_a_name_is_told_what_to_do(run: Run, portrait_files: dict[str, Path]) -> None:
    assert '--name "First Surname"' in run("enrol", portrait_files["hopper"]).err


# -- lookalike and recognise ----------------------------------------------------------------------


def test_lookalike(run: Run, enrolled: None, album: Path, portrait_files: dict[str, Path]) -> None:
    ended = run("lookalike", album / "1 mirrored.jpg", "--json", "--top", 5)
    assert ended.status == 0
    (face,) = ended.document["faces"]
    assert len(face["box"]) == 4
    assert [match["person"] for match in face["matches"]] == ["Grace Hopper", "Eileen Collins"]
    best = face["matches"][0]
    assert set(best) == {"person", "distance", "percentile", "photo"}
    assert best["photo"] == str(portrait_files["hopper"])
    assert best["percentile"] > face["matches"][1]["percentile"]
    assert (
        len(run("lookalike", album / "1 mirrored.jpg", "--json", "--top", 1).document["faces"][0]["matches"])
        == 1
    )
    table = run("lookalike", album / "1 mirrored.jpg").out
    assert "Grace Hopper" in table
    assert "same person" in table
    assert "Eileen Collins" in table


def test_lookalike_of_a_photo_without_a_face(run: Run, enrolled: None, album: Path) -> None:
    ended = run("lookalike", album / "2 wall.png", "--json")
    assert (ended.status, ended.document) == (0, {"faces": []})
    assert "No face was found" in ended.err


def test_lookalike_in_an_empty_library(run: Run, portrait_files: dict[str, Path]) -> None:
    ended = run("lookalike", portrait_files["hopper"], "--json")
    assert ended.status == 0
    assert [face["matches"] for face in ended.document["faces"]] == [[]]
    assert "Nobody is enrolled yet" in ended.err


def test_recognise_a_folder(run: Run, enrolled: None, album: Path) -> None:
    ended = run("recognise", album, "--json")
    assert ended.status == 0
    known, wall, broken = ended.document
    assert known["photo"] == str(album / "1 mirrored.jpg")
    assert [face["person"] for face in known["faces"]] == ["Grace Hopper"]
    assert 0 <= known["faces"][0]["distance"] < 0.1
    assert wall == {"photo": str(album / "2 wall.png"), "faces": []}
    assert broken["faces"] == []
    assert broken["error"] in ended.err
    assert "3 broken.jpg" in ended.err


def test_recognise_a_stranger(run: Run, album: Path) -> None:
    (photo,) = run("recognise", album / "1 mirrored.jpg", "--json").document
    assert [(face["person"], face["distance"]) for face in photo["faces"]] == [(None, None)]


def test_recognise_as_csv(run: Run, enrolled: None, album: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run("recognise", album, "--csv").out)))
    assert [(Path(row["photo"]).name, row["person"]) for row in rows] == [
        ("1 mirrored.jpg", "Grace Hopper"), ("2 wall.png", ""), ("3 broken.jpg", "")
    ]  # fmt: skip
    assert rows[2]["error"]
    assert float(rows[0]["x2"]) > float(rows[0]["x1"])


def test_recognise_a_broken_photo_is_refused(run: Run, album: Path) -> None:
    ended = run("recognise", album / "3 broken.jpg")
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.strip().endswith(".")


def test_both_forms_at_once_is_wrong_usage(run: Run, album: Path) -> None:
    assert run("recognise", album, "--json", "--csv").status == 2


def test_names_that_no_terminal_can_show(run: Run, album: Path, hopper: Image) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux takes any bytes for a name")
    odd = album / "odd\x1b[2J\n\udce9.jpg"
    shutil.copyfile(album / "1 mirrored.jpg", odd)
    ended = run("recognise", album)
    assert ended.status == 0
    assert "\x1b" not in ended.out + ended.err
    assert any(photo["photo"] == str(odd) for photo in run("recognise", album, "--json").document)
    assert len(list(csv.reader(io.StringIO(run("recognise", album, "--csv").out)))) == 5


def test_odd_files_end_in_a_result_or_a_sentence(
    run: Run, tmp_path: Path, portrait_files: dict[str, Path], services: Services
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    expected = make_odd_files(folder, portrait_files["hopper"])
    ended = run("recognise", folder, "--json")
    assert ended.status == 0
    results = {Path(photo["photo"]).name: photo for photo in ended.document}
    for name, outcome in expected.items():
        if name not in results:
            continue
        if outcome == "photo":
            assert "error" not in results[name], name
        elif outcome == "refused":
            assert results[name]["error"].strip(), name
    assert len(results) >= 50
    assert "Traceback" not in ended.err
    enrolled = run("enrol", folder, "--name", "Grace Hopper", "--json")
    assert enrolled.status == 0
    assert all(entry["reason"] for entry in enrolled.document["skipped"])
    assert enrolled.document["photos"] >= 1
    assert "Traceback" not in enrolled.err
    for name in expected:
        single = run("lookalike", folder / name, "--json")
        assert single.status in (0, 1), name
        assert set(single.document) <= {"faces", "error"}, name


# -- people ---------------------------------------------------------------------------------------


def test_people_list(run: Run, enrolled: None) -> None:
    people = run("people", "list", "--json").document
    assert [(person["name"], person["photos"]) for person in people] == [
        ("Eileen Collins", 1),
        ("Grace Hopper", 1),
    ]
    assert all(set(person) == {"id", "name", "photos"} for person in people)
    assert "Grace Hopper" in run("people", "list").out
    assert [person["name"] for person in run("people", "list", "hop", "--json").document] == ["Grace Hopper"]


def test_people_rename_by_any_spelling_and_by_number(run: Run, enrolled: None, services: Services) -> None:
    grace = services.people.named("Grace Hopper")
    renamed = run("people", "rename", "GRACE_höpper", "Grace Brewster Hopper", "--json")
    assert renamed.document == {"id": grace.id, "name": "Grace Brewster Hopper", "photos": 1}
    assert run("people", "rename", f"#{grace.id}", "Amazing Grace").status == 0
    assert services.people.get(grace.id).name == "Amazing Grace"
    clash = run("people", "rename", "Amazing Grace", "Eileen Collins")
    assert clash.status == 1
    assert clash.err.strip()


def test_a_face_that_is_never_swapped(run: Run, enrolled: None) -> None:
    before = run("people", "list").out
    assert "never" not in before
    forbidden = run("people", "no-swap", "grace hopper", "--json").document
    assert (forbidden["name"], forbidden["no_swap"]) == ("Grace Hopper", True)
    lines = run("people", "list").out.splitlines()
    assert ["never" in line for line in lines if "Grace" in line or "Eileen" in line] == [False, True]
    allowed = run("people", "no-swap", "Grace Hopper", "--off")
    assert allowed.out == "The face of Grace Hopper may be swapped.\n"
    assert run("people", "list").out == before
    assert run("people", "no-swap", "Nobody Atall").status == 1


def test_a_network_of_one_s_own_is_added_after_its_licence(run: Run, tmp_path: Path) -> None:
    from onnx import TensorProto, helper, save

    taken, given = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("input", (1, 3, 112, 112)), ("vector", (1, 512)))
    )
    node = helper.make_node("Constant", [], ["vector"], value_floats=[0.0] * 512)
    save(helper.make_model(helper.make_graph([node], "arcface", [taken], [given])), str(tmp_path / "a.onnx"))
    refused = run("models", "add", str(tmp_path / "a.onnx"))
    assert refused.status == 1
    assert "research that is not commercial" in refused.err
    assert "--accept-licence" in refused.err
    assert "own-swapper" not in run("models", "list").out


def test_people_merge_delete_and_undo(run: Run, enrolled: None, services: Services) -> None:
    merged = run("people", "merge", "Eileen Collins", "Grace Hopper", "--json")
    assert merged.document["photos"] == 2
    assert run("people", "undo").status == 0
    deleted = run("people", "delete", "Grace Hopper", "--json").document
    assert [person["name"] for person in deleted["deleted"]] == ["Grace Hopper"]
    assert [person.name for person in services.people.find()] == ["Eileen Collins"]
    assert run("people", "undo", "--json").document["undone"]
    assert len(services.people.find()) == 2


def test_nobody_of_that_name(run: Run, enrolled: None) -> None:
    ended = run("people", "delete", "Grace Hoper", "--json")
    assert ended.status == 1
    assert ended.document["error"]["code"] == "no_such_person"
    assert "Did you mean Grace Hopper?" in ended.err
    assert run("people", "delete", "#999").status == 1
    assert run("people", "delete", "#" + "9" * 40).status == 1
    assert run("people", "delete", "\udcff").status == 1


def test_undo_with_nothing_to_take_back(run: Run) -> None:
    assert (run("people", "undo").status, run("people", "undo", "--json").document["error"]["code"]) == (
        1, "nothing_to_undo"
    )  # fmt: skip


# -- models and evaluate --------------------------------------------------------------------------


def test_models_list(run: Run, services: Services) -> None:
    models = run("models", "--json").document
    in_use = {model["key"] for model in models if model["in_use"]}
    assert in_use == {services.analyser.detector_key, services.analyser.model_key}
    assert all(model["licence"] for model in models)
    table = run("models", "list").out
    assert all(model["key"] in table for model in models)


def test_models_that_are_not_there(run: Run, tmp_path: Path) -> None:
    for words in (
        ("build", "nothing"),
        ("fetch", "nothing"),
        ("add", tmp_path / "x"),
        ("add", Path(__file__)),
    ):
        ended = run("models", *words)
        assert (ended.status, ended.out) == (1, "")
        assert ended.err.strip()
    assert run("models", "build").status == 2


def test_a_model_is_made_ready(run: Run, services: Services) -> None:
    ended = run("models", "build", services.analyser.detector_key, "--json")
    assert (ended.document["key"], ended.document["state"]) == (services.analyser.detector_key, "loaded")


@pytest.fixture
def pairs(tmp_path: Path, astronaut: Image, hopper: Image) -> tuple[Path, Path]:
    """A list of pairs on variations of two people and one picture without a face."""
    images = tmp_path / "images"
    for name, image in (("Eileen", astronaut), ("Grace", hopper)):
        save(images / name / f"{name}_0001.jpg", image)
        save(images / name / f"{name}_0002.jpg", np.ascontiguousarray(image[:, ::-1]))
        save(images / name / f"{name}_0003.jpg", cv2.resize(image, None, fx=0.5, fy=0.5))
    save(images / "Wall" / "Wall_0001.jpg", np.full((250, 250, 3), 90, np.uint8))
    same = [
        (name, one, name, other, 1) for name in ("Eileen", "Grace") for one, other in ((1, 2), (1, 3), (2, 3))
    ]
    different = [
        ("Eileen", one, "Grace", other, 0) for one, other in ((1, 1), (2, 2), (3, 3), (1, 2), (2, 1))
    ]
    lines = [*same, *different, ("Eileen", 1, "Wall", 1, 0)]
    listed = tmp_path / "pairs.txt"
    listed.write_text("\n".join("\t".join(map(str, line)) for line in lines))
    return listed, images


def test_evaluate(run: Run, pairs: tuple[Path, Path], services: Services) -> None:
    ended = run("evaluate", "--pairs", pairs[0], "--images", pairs[1], "--json")
    assert ended.status == 0, ended.err
    result = ended.document
    assert set(result) == {
        "pairs", "accuracy", "accuracy_std", "tar_at_far_1e-2", "tar_at_far_1e-3", "threshold", "undetected",
        "model",
    }  # fmt: skip
    assert (result["pairs"], result["undetected"]) == (12, 1)
    # Every pair is right but the one without a face, which counts as an error.
    assert result["tar_at_far_1e-2"] == 1
    assert 0 < result["accuracy"] < 1
    assert result["model"] == services.analyser.model_key
    assert "11" not in run("evaluate", "--pairs", pairs[0], "--images", pairs[1]).err


def test_evaluate_without_its_photos(run: Run, pairs: tuple[Path, Path], tmp_path: Path) -> None:
    listed, images = pairs
    (images / "Grace" / "Grace_0003.jpg").unlink()
    ended = run("evaluate", "--pairs", listed, "--images", images)
    assert ended.status == 1
    assert "Grace/Grace_0003.jpg" in ended.err
    assert run("evaluate", "--pairs", tmp_path / "none.txt", "--images", images).status == 1
    assert run("evaluate", "--images", images).status == 2
    assert run("evaluate", "--pairs", listed, "--images", images, "--embedder", "none").status == 1


# -- Ctrl-C, options, output ----------------------------------------------------------------------


def test_ctrl_c_keeps_what_was_enrolled(
    run: Run, tmp_path: Path, hopper: Image, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "many"
    for number in range(40):
        save(folder / f"{number}.jpg", cv2.convertScaleAbs(hopper, alpha=0.6 + number / 100))
    enrol, wait = services.enrolment.enrol, services.jobs.wait
    done: list[int] = []

    def counted(*given: Any, **named: Any) -> Any:
        result = enrol(*given, **named)
        done.append(1)
        return result

    def interrupted(job_id: str, timeout: float | None = None) -> Any:
        if len(done) >= 2 and not monkeypatched:
            monkeypatched.append(True)
            raise KeyboardInterrupt
        return wait(job_id, 0.01 if not monkeypatched else timeout)

    monkeypatched: list[bool] = []
    monkeypatch.setattr(services.enrolment, "enrol", counted)
    monkeypatch.setattr(services.jobs, "wait", interrupted)
    ended = run("enrol", folder, "--name", "Grace Hopper", "--json")
    assert ended.status == 1
    assert ended.document["error"]["code"] == "cancelled"
    assert "Run the same command again to carry on." in ended.err
    kept = services.people.named("Grace Hopper").photos
    assert 2 <= kept < 40


@pytest.mark.parametrize(
    "words", [("--data-dir", "/a", "people", "list"), ("people", "list", "--data-dir", "/a"),
              ("people", "list", "--data-dir=/a", "--json")],
)  # fmt: skip
def test_the_data_folder_before_or_after_the_command(words: tuple[str, ...]) -> None:
    assert parser.parse(words).data_dir == "/a"


def test_no_command_is_the_window() -> None:
    arguments = parser.parse([])
    assert (arguments.command, arguments.data_dir, arguments.json) == (None, None, False)


def test_people_see_how_long_it_takes() -> None:
    assert (
        progress.describe(120, 4774, "Importing", 41.34) == "Importing  120 of 4774  2 %  41.3/s  1:53 left"
    )
    assert progress.describe(0, None, "Looking for photos", None) == "Looking for photos"


def test_a_line_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in output.plain("a\x1b[31mb\r\n")
    assert output.plain("Zoë Grüße 한국") == "Zoë Grüße 한국"


@pytest.mark.usefixtures("enrolled")
def test_people_are_forgotten_for_good(run: Run, services: Services) -> None:
    ended = run("people", "forget", "grace hopper")
    assert ended.status != 0 and "Add --yes" in ended.err
    assert services.people.count()[0] == 2
    ended = run("people", "forget", "grace hopper", "--yes")
    assert ended.status == 0
    assert "Forgot Grace Hopper, with 1 face and 0 sightings." in ended.out
    assert run("people", "undo").status != 0
    run("people", "delete", "Eileen Collins")
    gone = run("people", "forget", "Eileen Collins", "--yes", "--json").document
    assert gone["forgotten"] == ["Eileen Collins"] and gone["wiped"]
    assert run("people", "forget", "Eileen Collins", "--yes").status != 0
    assert b"Collins" not in services.paths.library.read_bytes()
