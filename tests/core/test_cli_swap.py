"""The command `swap`, in this process: photos, folders, exit statuses, documents and sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Run, runner
from made_clips import scene, write_clip
from made_photos import jpeg, together
from PIL import Image as Image_

from faceapp.edit import segments
from faceapp.edit.provenance import read_marks
from faceapp.errors import Cancelled
from faceapp.jobs import Job
from faceapp.opencv import cv2
from faceapp.pipeline.photos import decode_photo, read_photo
from faceapp.services import Services
from faceapp.types import Image, PersonName


@pytest.fixture
def run(services: Services, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command as `main.py` does, on the shared models: run("--faces", ...)."""
    return runner(services, monkeypatch, capfd, "swap")


@pytest.fixture
def grace(portrait_files: dict[str, Path]) -> Path:
    return portrait_files["hopper"]


@pytest.fixture
def crowd(tmp_path: Path, astronaut: Image, hopper: Image) -> Path:
    """Grace Hopper on the left, Eileen Collins on the right."""
    file = tmp_path / "crowd.jpg"
    file.write_bytes(jpeg(together(1100, 620, (hopper, 20, 10, 1.0), (astronaut[:300], 580, 60, 1.0))))
    return file


@pytest.fixture
def eileen(tmp_path: Path, astronaut: Image) -> Path:
    file = tmp_path / "eileen.jpg"
    file.write_bytes(jpeg(np.ascontiguousarray(astronaut[:300])))
    return file


def test_a_photo(run: Run, grace: Path, eileen: Path, crowd: Path, tmp_path: Path) -> None:
    out = tmp_path / "mix.png"
    ended = run("--faces", grace, eileen, "--into", crowd, "--out", out)
    assert ended.status == 0, ended.err
    lines = ended.out.splitlines()
    assert lines[0] == f"{out}: 2 of 2 faces swapped"
    assert [line.split()[:3] for line in lines[1:]] == [["1", "source", "1"], ["2", "source", "2"]]
    assert all("This program would" in line for line in lines[1:])
    assert read_photo(out).image.shape == read_photo(crowd).image.shape
    assert read_marks(out).kind == "face swap"


def test_one_document(run: Run, grace: Path, crowd: Path, tmp_path: Path) -> None:
    out = tmp_path / "mix.jpg"
    choices = ("--leave", "1", "--likeness", "0.5")
    ended = run("--faces", grace, "--into", crowd, "--out", out, "--json", *choices)
    assert ended.status == 0, ended.err
    document = ended.document
    assert document["out"] == str(out)
    assert [face["source"] for face in document["faces"]] == [None, 1]
    assert document["faces"][0]["reason"] == "It is to be left alone."
    assert document["boxes"] == [document["faces"][1]["box"]]
    card = document["faces"][1]["card"]
    assert 0 <= card["to_source"] < card["to_target"] <= 2
    assert isinstance(card["recognised"], bool)


def test_likeness_and_presets_change_the_result(run: Run, grace: Path, crowd: Path, tmp_path: Path) -> None:
    cards = []
    for number, words in enumerate((("--likeness", "1"), ("--preset", "expression"), ("--colour", "none"))):
        ended = run("--faces", grace, "--into", crowd, "--out", tmp_path / f"{number}.png", "--leave", 1,
                    "--json", *words)  # fmt: skip
        cards.append(ended.document["faces"][1]["card"])
    assert cards[0]["expression_error"] > cards[1]["expression_error"]
    assert (tmp_path / "0.png").read_bytes() != (tmp_path / "2.png").read_bytes()


def test_everyone_locks_and_distance(
    run: Run, grace: Path, eileen: Path, crowd: Path, tmp_path: Path
) -> None:
    def sources(*words: object) -> list[int | None]:
        ended = run("--faces", grace, eileen, "--into", crowd, "--out", tmp_path / "x.jpg", "--json", *words)
        assert ended.status == 0, ended.err
        return [face["source"] for face in ended.document["faces"]]

    assert sources("--lock", "1=2,2=1") == [2, 1]
    assert sources("--lock", "1=2", "--leave", "2") == [2, None]
    assert sources("--max-distance", "0.05") == [1, 2]
    one = run("--faces", grace, "--into", crowd, "--out", tmp_path / "y.jpg", "--json", "--everyone")
    assert [face["source"] for face in one.document["faces"]] == [1, 1]


def test_a_folder(run: Run, grace: Path, eileen: Path, crowd: Path, tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    for photo in (eileen, crowd):
        photo.rename(album / photo.name)
    (album / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    out = tmp_path / "out"
    ended = run("--faces", grace, "--into", album, "--out", out)
    assert ended.status == 0, ended.err
    assert ended.out.splitlines()[-1] == f"2 photos in {out}, the most doubtful first; 1 skipped."
    assert f"Skipped {album / 'broken.jpg'}: " in ended.out
    assert sorted(path.name for path in out.iterdir()) == ["crowd.jpg", "eileen.jpg"]
    document = run("--faces", grace, "--into", album, "--out", out, "--json").document
    assert [Path(result["out"]).name for result in document["results"]] == ["eileen.jpg", "crowd.jpg"]
    assert [Path(skipped["path"]).name for skipped in document["skipped"]] == ["broken.jpg"]
    assert run("--faces", grace, "--into", album, "--out", out, "--leave", 1).status == 1
    ended = run("--faces", grace, "--into", album, "--out", grace)
    assert ended.status == 1 and f"“{grace.name}” is a file" in ended.err
    ended = run("--faces", grace, "--into", album, "--out", grace / "new")
    assert ended.status == 1 and "“new” could not be written" in ended.err
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    ended = run("--faces", grace, "--into", nothing, "--out", tmp_path / "new")
    assert ended.status == 1 and "There are no photos in “nothing”." in ended.err
    assert not (tmp_path / "new").exists()


def test_a_video(run: Run, grace: Path, tmp_path: Path, astronaut: Image) -> None:
    clip, out = tmp_path / "clip.avi", tmp_path / "out.mp4"
    writer = cv2.VideoWriter(str(clip), cv2.VideoWriter_fourcc(*"MJPG"), 10.0, (400, 300))
    for step in range(8):
        writer.write(np.ascontiguousarray(astronaut[:300, 50 + step : 450 + step]))
    writer.release()
    ended = run("--faces", grace, "--into", clip, "--out", out)
    assert ended.status == 0, ended.err
    assert ended.out.splitlines()[0] == f"{out}: 8 of 8 frames swapped"
    document = run("--faces", grace, "--into", clip, "--out", out, "--json", "--likeness", "0.5").document
    assert (document["frames"], document["swapped_frames"], document["sound"]) == (8, 8, False)
    assert document["people"][0]["source"] == 1
    assert out.stat().st_size > 1000


def test_a_gif_becomes_a_video_where_the_result_has_the_name_of_one(
    run: Run, grace: Path, tmp_path: Path, astronaut: Image
) -> None:
    gif = tmp_path / "Größe 名.gif"
    shots = [Image_.fromarray(astronaut[:300, 50 + step : 450 + step, ::-1]) for step in range(6)]
    shots[0].save(gif, save_all=True, append_images=shots[1:], duration=80)
    document = run("--faces", grace, "--into", gif, "--out", tmp_path / "o.mp4", "--json").document
    assert (document["frames"], document["swapped_frames"]) == (6, 6)
    assert run("--faces", grace, "--into", gif, "--out", tmp_path / "o.png").status == 0


def test_a_video_goes_into_a_folder_and_a_stop_says_how_to_go_on(
    run: Run, services: Services, grace: Path, tmp_path: Path, astronaut: Image, hopper: Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    clip = write_clip(
        tmp_path / "clip.mp4", [scene(astronaut, hopper, n, (320, 180)) for n in range(16)], sound=False
    )
    folder = tmp_path / "results"
    folder.mkdir()
    monkeypatch.setattr(segments, "SEGMENT_SECONDS", 0.16)
    words = ("--faces", grace, "--into", clip, "--out", folder, "--everyone")
    wait = services.jobs.wait

    def interrupted(job_id: str, timeout: float | None = None) -> Job:
        """Ctrl-C when the first segment is there."""
        while not list(services.swaps.videos.renders.rglob("0000.mp4")):
            if wait(job_id, 0.005).finished:
                return services.jobs.get(job_id)
        monkeypatch.setattr(services.jobs, "wait", wait)
        raise KeyboardInterrupt

    monkeypatch.setattr(services.jobs, "wait", interrupted)
    ended = run(*words)
    assert ended.status == 1 and "of 16 frames are finished" in ended.err, ended.err
    assert "to go on from there" in ended.err and not list(folder.iterdir())
    ended = run(*words)
    assert ended.status == 0, ended.err
    assert "from an earlier run" in ended.out.splitlines()[0]
    assert [path.name for path in folder.iterdir()] == ["clip.mp4"]


def test_the_result_goes_into_a_folder(run: Run, grace: Path, crowd: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    folder.mkdir()
    assert run("--faces", grace, "--into", crowd, "--out", folder).status == 0
    assert [path.name for path in folder.iterdir()] == ["crowd.jpg"]


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--likeness", "2"),
        ("--likeness", "much"),
        ("--colour", "red"),
        ("--leave", "0"),
        ("--leave", "one"),
        ("--lock", "1"),
        ("--lock", "1=x"),
        ("--lock", "1=1,1=2"),
        ("--out", ""),
        ("--max-distance", "nan"),
    ],
)
def test_wrong_usage(run: Run, words: tuple[str, ...]) -> None:
    given = ("--into", "b.jpg", "--out", "c.jpg", *words) if words else ()
    ended = run("--faces", "a.jpg", *given)
    assert ended.status == 2
    assert ended.out == ""


def test_what_is_refused(
    run: Run, services: Services, grace: Path, crowd: Path, tmp_path: Path, hopper: Image
) -> None:
    wall = tmp_path / "wall.jpg"
    wall.write_bytes(jpeg(np.full((300, 300, 3), 80, np.uint8)))
    out = tmp_path / "mix.jpg"

    def code(faces: Path, into: Path, place: Path, *words: object) -> str:
        ended = run("--faces", faces, "--into", into, "--out", place, "--json", *words)
        assert ended.status == 1
        error = ended.document["error"]
        assert error["message"] in ended.err
        return str(error["code"])

    assert code(tmp_path / "no.jpg", crowd, out) == "no_such_file"
    assert code(grace, tmp_path / "no.jpg", out) == "no_such_file"
    assert code(wall, crowd, out) == "no_source_face"
    assert code(grace, wall, out) == "no_target_face"
    assert code(grace, crowd, out, "--preset", "None") == "no_such_preset"
    assert code(grace, crowd, out, "--leave", "9") == "no_such_face"
    assert code(grace, crowd, out, "--leave", "1,2") == "all_left"
    assert code(grace, crowd, tmp_path / "mix.gif") == "bad_ending"
    assert code(grace, crowd, tmp_path / "no_ending") == "bad_ending"
    assert code(grace, crowd, crowd) == "would_overwrite"
    assert code(grace, crowd, tmp_path / f"{'z' * 300}.jpg") == "not_written"
    assert code(grace, crowd, crowd / "x.jpg") == "not_written"
    empty = tmp_path / "empty.jpg"
    empty.touch()
    damaged = run("--faces", grace, empty, "--into", crowd, "--out", out)
    assert damaged.status == 1 and "“empty.jpg”: The file is empty." in damaged.err
    turned = run("--faces", grace, "--into", crowd, "--out", out, "--max-turn", 0)
    assert turned.status == 1 and "turned too far away" in turned.err
    person = services.enrolment.enrol(decode_photo(jpeg(hopper)), PersonName.parse("Grace Hopper")).person
    services.people.set_no_swap(person.id, True)
    assert code(grace, crowd, out) == "no_swap"
    assert not out.exists()


def test_a_video_that_is_stopped_while_it_is_looked_at(
    run: Run, services: Services, grace: Path, tmp_path: Path, astronaut: Image, hopper: Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def stopped(*_: Any) -> Any:
        raise Cancelled()

    clip = write_clip(tmp_path / "clip.mp4", [scene(astronaut, hopper, 0, (320, 180))] * 3, sound=False)
    monkeypatch.setattr(services.swaps.videos, "look", stopped)
    ended = run("--faces", grace, "--into", clip, "--out", tmp_path / "mix.mp4")
    assert ended.status == 1
    assert "Stopped while the video was looked at: nothing was written." in ended.err
    assert not (tmp_path / "mix.mp4").exists()


def test_stopping_leaves_nothing(
    run: Run, services: Services, grace: Path, crowd: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while it is swapped."""
    out = tmp_path / "mix.jpg"
    wait, asked = services.jobs.wait, iter(range(1000))

    def interrupted(job_id: str, timeout: float | None = None) -> Job:
        if next(asked) == 0:
            raise KeyboardInterrupt
        return wait(job_id, timeout)

    render = services.swaps.render

    def slow(*words: Any) -> Any:
        # Until the job has been told to stop.
        for _ in range(1000):
            words[2]()
            services.jobs.wait(services.jobs.all()[-1].id, 0.01)
        return render(*words)

    monkeypatch.setattr(services.swaps, "render", slow)
    monkeypatch.setattr(services.jobs, "wait", interrupted)
    ended = run("--faces", grace, "--into", crowd, "--out", out)
    assert ended.status == 1
    assert "Stopped: nothing was written." in ended.err
    assert not out.exists()
