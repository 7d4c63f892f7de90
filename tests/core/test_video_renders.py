"""Renders of videos that are stopped, go on and are locked; turned, small and chosen faces; odd files."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from live_sessions import watched
from made_clips import FPS, decoded, scene, times, write_clip
from made_networks import write_arcface, write_swapper

from faceapp.edit import frames, segments
from faceapp.edit.cast import CastChoices
from faceapp.edit.claim import claimed
from faceapp.edit.frames import open_clip
from faceapp.edit.points import eye_distance, size
from faceapp.edit.provenance import read_marks
from faceapp.edit.survey import FaceTrack, Survey, Surveyor, faded
from faceapp.edit.swap import SwapSettings
from faceapp.edit.video import VideoCast, cast_video
from faceapp.errors import BadRequest, Cancelled, Conflict, StoreUnavailable, UnusableFace
from faceapp.jobs import JobContext, State
from faceapp.opencv import cv2
from faceapp.pipeline.photos import read_photo
from faceapp.services import Services
from faceapp.services.swap_video import VideoPlan, VideoSwaps
from faceapp.tasks.swap_video import HALF_WAY, VideoReport
from faceapp.types import Image, PersonName, Photo

REPOSITORY = Path(__file__).resolve().parents[2]
EVERYONE = CastChoices(everyone=True)
NEURAL = SwapSettings(engine="neural")
FRAMES = 20


@pytest.fixture(scope="module")
def clip_file(tmp_path_factory: pytest.TempPathFactory, astronaut: Image, hopper: Image) -> Path:
    pictures = [scene(astronaut, hopper, number, (320, 180)) for number in range(FRAMES)]
    return write_clip(tmp_path_factory.mktemp("clip") / "scene.mp4", pictures)


@pytest.fixture(autouse=True)
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of seven frames: three in a clip."""
    monkeypatch.setattr(segments, "SEGMENT_SECONDS", 0.28)


@pytest.fixture
def grace(portrait_files: dict[str, Path]) -> Photo:
    return read_photo(portrait_files["hopper"])


@pytest.fixture
def videos(services: Services) -> VideoSwaps:
    return services.swaps.videos


def surveyed(videos: VideoSwaps, path: Path) -> Survey:
    return videos.survey(JobContext.silent(), path)


def made(videos: VideoSwaps, grace: Photo, path: Path, out: Path, context: JobContext | None = None,
         settings: SwapSettings | None = None) -> VideoReport:  # fmt: skip
    return videos.swap(context or JobContext.silent(), [grace], path, out, settings, choices=EVERYONE)


def stopped_after(frames: int) -> JobContext:
    """Cancelled when so many frames are swapped."""
    seen: list[int] = []
    return JobContext(
        lambda done, **_: seen.append(done), lambda: bool(seen) and seen[-1] >= FRAMES + frames
    )


def kept(videos: VideoSwaps) -> list[str]:
    return sorted(path.name for path in videos.renders.rglob("0*.mp4"))


# -- stopping and going on ---------------------------------------------------------------------------


def test_a_stopped_render_keeps_its_segments_and_goes_on_with_the_same_frames(
    videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "out.mp4"
    with pytest.raises(Cancelled) as stopped:
        made(videos, grace, clip_file, out, stopped_after(16))
    assert stopped.value.code == HALF_WAY and "14 of 20 frames" in stopped.value.sentence
    assert kept(videos) == ["0000.mp4", "0001.mp4"]
    assert not out.parent.exists()
    assert made(videos, grace, clip_file, out).resumed == 14
    assert list(videos.renders.iterdir()) == []
    assert made(videos, grace, clip_file, tmp_path / "whole.mp4").resumed == 0
    assert decoded(out) == decoded(tmp_path / "whole.mp4")


def test_a_look_at_a_video_that_was_stopped_goes_on_where_it_was(
    services: Services, videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    told: list[int] = []

    def looking(until: int) -> JobContext:
        """Cancelled when it has told of so many frames: at the end of the next one."""
        told.clear()
        return JobContext(lambda done, **_: told.append(done), lambda: max(told, default=0) >= until)

    with pytest.raises(Cancelled) as stopped:
        made(videos, grace, clip_file, tmp_path / "out.mp4", looking(9))
    assert stopped.value.code == HALF_WAY
    # Once more, while frames wait that were tracked before.
    with pytest.raises(Cancelled):
        videos.survey(looking(11), clip_file)
    assert told == [0, 11]
    survey = videos.survey(looking(FRAMES + 1), clip_file)
    assert told == [0, *range(13, FRAMES + 1)]
    whole = Surveyor(open_clip(clip_file), services.analyser, services.models).run(lambda done: None)
    assert np.array_equal(survey.stamps, whole.stamps) and survey.cuts == whole.cuts
    assert len(survey.tracks) == len(whole.tracks) == 2
    for one, other in zip(survey.tracks, whole.tracks, strict=True):
        assert (one.first, one.person, one.best) == (other.first, other.person, other.best)
        for name in ("points", "strength", "sharpness", "colours", "embedding"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_closing_the_program_is_such_a_stop(
    services: Services, videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    """`Services.close` ends the jobs: what is finished stays."""
    job = videos.start([grace], clip_file, tmp_path / "out.mp4", choices=EVERYONE)
    end = time.monotonic() + 60
    while not kept(videos) and time.monotonic() < end and not services.jobs.get(job.id).finished:
        time.sleep(0.005)
    assert services.jobs.shutdown() == []
    ended = services.jobs.get(job.id)
    assert ended.state is State.CANCELLED and ended.error is not None and ended.error.code == HALF_WAY
    assert kept(videos) and not (tmp_path / "out.mp4").exists()


def test_sigterm_at_the_command_line_is_such_a_stop(
    clip_file: Path, portrait_files: dict[str, Path], tmp_path: Path, astronaut: Image, hopper: Image
) -> None:
    clip = write_clip(
        tmp_path / "long.mp4", [scene(astronaut, hopper, number % 20, (320, 180)) for number in range(100)]
    )
    out, data = tmp_path / "out.mp4", tmp_path / "library"
    command = [
        sys.executable, "main.py", "swap", "--faces", portrait_files["hopper"], "--into", clip, "--out", out,
        "--everyone", "--data-dir", data,
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        end = time.monotonic() + 120
        while not list(data.rglob("0000.mp4")) and process.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1, said
    assert "of 100 frames are finished" in said and "to go on from there" in said
    assert list(data.rglob("0000.mp4")) and not out.exists()


def test_a_full_disk_is_said_and_costs_no_finished_segment(
    videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replaced = os.replace

    def full(old: Path, new: Path) -> None:
        if new.name == "0001.mp4":
            raise OSError(errno.ENOSPC, "No space left on device")
        replaced(old, new)

    monkeypatch.setattr(frames.os, "replace", full)
    with pytest.raises(StoreUnavailable) as refused:
        made(videos, grace, clip_file, tmp_path / "out.mp4")
    assert refused.value.code == "disk_full"
    assert kept(videos) == ["0000.mp4"] and not list(tmp_path.glob("*out*"))
    monkeypatch.undo()
    monkeypatch.setattr(segments, "SEGMENT_SECONDS", 0.28)
    assert made(videos, grace, clip_file, tmp_path / "out.mp4").resumed == 7


def test_a_segment_that_a_power_cut_spoiled_is_made_again(
    videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    with pytest.raises(Cancelled):
        made(videos, grace, clip_file, tmp_path / "out.mp4", stopped_after(16))
    second = next(videos.renders.rglob("0001.mp4"))
    second.write_bytes(second.read_bytes()[:700])
    assert made(videos, grace, clip_file, tmp_path / "out.mp4").resumed == 7
    assert len(decoded(tmp_path / "out.mp4")) == FRAMES


def test_what_is_kept_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segments, "KEPT_BYTES", 2500)
    for number in range(4):
        folder = tmp_path / str(number) / "render"
        folder.mkdir(parents=True)
        (folder / "0000.mp4").write_bytes(bytes(1000))
        for path in (folder / "0000.mp4", folder, folder.parent):
            os.utime(path, (time.time() - number * 3600,) * 2)
        # Sizes of folders differ from disk to disk: only the files' count here.
        monkeypatch.setattr(segments, "_bytes", lambda root: 1000 * len(list(root.rglob("0*.mp4"))))
    with claimed(tmp_path / "3-render.lock") as ours:
        assert ours
        segments.prune(tmp_path, keep=tmp_path / "new")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1", "3", "3-render.lock"]
    segments.prune(tmp_path, keep=tmp_path / "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0", "1"]


# -- one at a time -----------------------------------------------------------------------------------


def test_the_same_render_is_not_made_twice_at_once(
    videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    plan = videos.plan([grace], surveyed(videos, clip_file), EVERYONE)
    folder = videos.folder(plan, None)
    with folder.claimed():
        (folder.path / ".0000.1.mp4").write_bytes(b"being written")
        with pytest.raises(Conflict, match="being made already"):
            made(videos, grace, clip_file, tmp_path / "out.mp4")
        assert (folder.path / ".0000.1.mp4").exists()
        # Another one of the same clip is free.
        made(videos, grace, clip_file, tmp_path / "other.mp4", settings=SwapSettings(likeness=0.5))
    assert made(videos, grace, clip_file, tmp_path / "out.mp4").frames == FRAMES


HOLDER = """
import sys, time
from pathlib import Path
from faceapp.edit.claim import claimed
with claimed(Path(sys.argv[1])) as ours:
    print(ours, flush=True)
    time.sleep(60)
"""


@contextmanager
def holding(path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None and process.stdout.readline() == "True\n"
            yield process
        finally:
            process.kill()


def test_a_lock_goes_with_its_process(tmp_path: Path) -> None:
    lock = tmp_path / "render.lock"
    with holding(lock) as process:
        with claimed(lock) as ours:
            assert not ours
        process.kill()
        process.wait()
    assert lock.exists(), "a killed process cleans nothing up"
    with claimed(lock) as ours, claimed(lock) as other:
        assert ours and not other
    assert not lock.exists()


# -- whose face, and how far turned --------------------------------------------------------------------


def cast_of(plan: VideoPlan, choices: CastChoices) -> VideoCast:
    return cast_video(plan.survey, plan.sources, plan.photos, choices)


def test_a_head_that_is_turned_further_than_is_wanted_is_left(
    videos: VideoSwaps, clip_file: Path, grace: Photo
) -> None:
    survey = surveyed(videos, clip_file)
    plan = videos.plan([grace], survey, EVERYONE)
    turns = [track.turned_from(plan.sources[0].faces[0].face) for track in survey.tracks]
    near, far = sorted(range(2), key=lambda number: turns[number].min())
    limit = float((turns[near].max() + turns[far].min()) / 2)
    assert turns[near].max() < limit < turns[far].min(), "the portraits look different ways"
    strict = videos.plan([grace], survey, replace(EVERYONE, max_turn=limit))
    people = [survey.tracks[number].person for number in (near, far)]
    assert [strict.cast.casts[person].source for person in people] == [0, None]
    assert "turned too far" in strict.reason(people[1])
    # The user's own word is free of the limit.
    locked = videos.plan([grace], survey, CastChoices(locks={people[1]: 0}, max_turn=limit))
    assert set(locked.cast.roles) == {far}
    assert locked.cast.survey.tracks[far].swappable == FRAMES
    with pytest.raises(UnusableFace):
        videos.swap(JobContext.silent(), [grace], clip_file, clip_file.with_name("x.mp4"),
                    choices=replace(EVERYONE, max_turn=0.0))  # fmt: skip


def test_a_face_that_is_never_to_be_seen_takes_no_source_from_others(
    videos: VideoSwaps, clip_file: Path, grace: Photo
) -> None:
    survey = surveyed(videos, clip_file)
    plan = videos.plan([grace], survey, CastChoices())
    nearest = int(plan.cast.distances[:, 0].argmin())
    assert plan.cast.casts[nearest].source == 0
    tracks = [
        replace(track, strength=0 * track.strength) if track.person == nearest else track
        for track in survey.tracks
    ]
    hidden = videos.plan([grace], replace(survey, tracks=tuple(tracks)), CastChoices())
    assert [one.source for one in hidden.cast.casts] == [None if n == nearest else 0 for n in range(2)]
    assert "half hidden" in hidden.reason(nearest)
    unseen = tuple(replace(track, strength=0 * track.strength) for track in survey.tracks)
    empty = videos.plan([grace], replace(survey, tracks=unseen), CastChoices())
    assert empty.cast.roles == {} and "half hidden" in videos.nothing_to_do(empty).sentence


def test_a_head_that_turns_away_is_left_softly_and_without_flicker(
    videos: VideoSwaps, clip_file: Path, grace: Photo
) -> None:
    track = surveyed(videos, clip_file).tracks[0]
    doubts = np.concatenate([np.full(8, 0.5), np.tile([1.02, 0.98], 6)]).astype(np.float32)
    left = track.left_where(doubts)
    assert left.strength[0] == 1 and (left.strength[-4:] == 0).all()
    assert (np.diff(left.strength) <= 0).all(), "it goes once, and does not come back at the limit"
    assert 0 < left.strength[7] < 1 or 0 < left.strength[8] < 1
    assert faded(doubts[::-1])[-1] == 1
    assert track.left_where(doubts * 0) is track


def test_a_head_that_turns_is_swapped_until_it_is_turned_too_far(
    videos: VideoSwaps, clip_file: Path, grace: Photo
) -> None:
    survey = surveyed(videos, clip_file)
    plan = videos.plan([grace], survey, EVERYONE)
    track = survey.tracks[0]
    # As a head that turns in the second half: the tip of its nose wanders to the side.
    points = track.points.copy()
    points[10:, 30, 0] += np.linspace(0, 0.8, 10) * eye_distance(points[0])
    turned = replace(track, points=points)
    degrees = turned.turned_from(plan.sources[0].faces[0].face)
    limit = float((degrees[:10].max() + degrees[-1]) / 2)
    assert degrees[:10].max() + 10 < limit
    plan = replace(plan, survey=replace(survey, tracks=(turned, *survey.tracks[1:])))
    found = cast_of(plan, replace(EVERYONE, max_turn=limit)).survey.tracks[0]
    assert (found.strength[:8] == 1).all() and found.strength[-1] == 0


def test_a_face_that_is_too_small_is_left(videos: VideoSwaps, clip_file: Path, grace: Photo) -> None:
    survey = surveyed(videos, clip_file)
    plan = videos.plan([grace], survey, EVERYONE)
    track = survey.tracks[0]
    middle = track.points.mean(1, keepdims=True)
    shrink = np.interp(np.arange(FRAMES), (0, 8, 12, 19), (1, 1, 0.1, 0.1))[:, None, None]
    away = replace(track, points=(middle + (track.points - middle) * shrink).astype(np.float32))
    assert size(away.points[-1]) < 7 < size(away.points[0])
    tracks = (away, *survey.tracks[1:])
    found = cast_of(replace(plan, survey=replace(survey, tracks=tracks)), EVERYONE).survey.tracks[0]
    assert found.strength[0] == 1 and found.strength[-1] == 0


def test_a_point_means_whose_face_is_there(videos: VideoSwaps, clip_file: Path, grace: Photo) -> None:
    survey = surveyed(videos, clip_file)
    for track in survey.tracks:
        x, y = track.points[0].mean(0).tolist()
        plan = videos.plan([grace], survey, replace(EVERYONE, points=((x, y),)))
        chosen = [person for person, cast in enumerate(plan.cast.casts) if cast.source is not None]
        assert chosen == [track.person]
    beside = videos.plan([grace], survey, replace(EVERYONE, points=((2.0, 178.0),)))
    assert beside.cast.roles == {} and beside.refusals[0].code == "no_face_there"
    assert videos.nothing_to_do(beside).sentence == "No face of the video is ever at 2, 178."


def test_points_that_were_placed_by_hand_on_a_source_are_used(
    services: Services, videos: VideoSwaps, clip_file: Path, grace: Photo
) -> None:
    grace_herself = services.enrolment.enrol(grace, PersonName("Grace")).person
    points = services.swaps.read(grace)[0].points + np.float32(2.5)
    (stored,) = services.people.faces(grace_herself.id)
    services.people.set_points(stored.id, points)
    roles = videos.plan([grace], surveyed(videos, clip_file), EVERYONE).cast.roles
    for source in (*roles.values(), *videos.live([grace]).sources):
        assert np.abs(source.face.points - points).max() < 0.01


# -- a network of the user's own -------------------------------------------------------------------------


@pytest.fixture
def networks(services: Services, tmp_path: Path) -> Iterator[None]:
    for path in (write_swapper(tmp_path / "swap.onnx", kept=0.1), write_arcface(tmp_path / "who.onnx")):
        services.upkeep.add(path, licence_accepted=True)
    yield
    services.models.plugins.remove()
    services.models.read_plugins()


def spread(image: Image, track: FaceTrack, frame: int) -> float:
    """How different the pixels in the middle of a face are."""
    low, high = track.points[frame - track.first].min(0), track.points[frame - track.first].max(0)
    (x1, y1), (x2, y2) = (low + 0.35 * (high - low)).astype(int), (low + 0.65 * (high - low)).astype(int)
    return float(image[y1:y2, x1:x2].reshape(-1, 3).std(0).max())


def test_a_network_draws_the_faces_of_a_video(
    videos: VideoSwaps, networks: None, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    survey, out = surveyed(videos, clip_file), tmp_path / "out.mp4"
    plan = videos.plan([grace], survey, EVERYONE)
    before, after, swapped = videos.preview(plan, 5, NEURAL)
    assert len(swapped) == 2
    # This network keeps a tenth of the picture and paints the rest in one colour: hardly a feature is left.
    for track in survey.tracks:
        assert spread(after, track, 5) < 0.5 * spread(before, track, 5)
    with pytest.raises(Cancelled):
        made(videos, grace, clip_file, out, stopped_after(16), NEURAL)
    report = made(videos, grace, clip_file, out, settings=NEURAL)
    assert (report.resumed, report.swapped) == (14, FRAMES)
    assert read_marks(out).source_type.endswith("compositeWithTrainedAlgorithmicMedia")
    made(videos, grace, clip_file, tmp_path / "whole.mp4", settings=NEURAL)
    assert decoded(out) == decoded(tmp_path / "whole.mp4")
    assert videos.drawing(NEURAL) > 0 and videos.drawing(None) == 0


def test_a_network_draws_live_as_slowly_as_it_does(
    videos: VideoSwaps, networks: None, clip_file: Path, grace: Photo, services: Services
) -> None:
    survey, painter = surveyed(videos, clip_file), videos.live([grace], NEURAL)
    last = watched(services, clip_file, painter)[-1].frame
    before = videos.preview(videos.plan([], survey), last.number)[0]
    # Live, smaller faces are left as they are.
    track = max(survey.tracks, key=lambda track: size(track.points[-1]))
    assert spread(last.image, track, last.number) < 0.5 * spread(before, track, last.number)


def test_another_network_is_another_render(
    services: Services, videos: VideoSwaps, networks: None, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    plan = videos.plan([grace], surveyed(videos, clip_file), EVERYONE)
    first = videos.folder(plan, NEURAL).path
    services.upkeep.add(write_swapper(tmp_path / "other.onnx", kept=0.7), licence_accepted=True)
    assert len({first, videos.folder(plan, NEURAL).path, videos.folder(plan, None).path}) == 3


def test_without_the_licence_nothing_is_begun(
    services: Services, videos: VideoSwaps, networks: None, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    services.models.plugins.remove()
    for path in (tmp_path / "swap.onnx", tmp_path / "who.onnx"):
        services.models.plugins.add(path)
    with pytest.raises(Conflict) as refused:
        videos.start([grace], clip_file, tmp_path / "out.mp4", NEURAL)
    assert refused.value.code == "licence_not_accepted"
    with pytest.raises(Conflict):
        videos.live([grace], NEURAL)
    with pytest.raises(Conflict):
        services.swaps.start_batch([grace], tmp_path, tmp_path / "out", NEURAL)
    assert services.jobs.all() == []


# -- odd files -------------------------------------------------------------------------------------------


@pytest.fixture
def pictures(astronaut: Image, hopper: Image) -> list[Image]:
    return [scene(astronaut, hopper, number, (320, 180)) for number in range(12)]


@pytest.mark.parametrize("count", [1, 2])
def test_a_video_of_a_frame_or_two(
    videos: VideoSwaps, pictures: list[Image], grace: Photo, tmp_path: Path, count: int
) -> None:
    path = write_clip(tmp_path / "brief.mkv", pictures[:count], sound=False)
    report = made(videos, grace, path, tmp_path / "out.mp4")
    assert (report.frames, report.swapped, len(report.people)) == (count, count, 2)
    assert len(decoded(tmp_path / "out.mp4")) == count


def test_a_clip_that_begins_late_begins_at_nought_with_its_sound(
    videos: VideoSwaps, pictures: list[Image], grace: Photo, tmp_path: Path
) -> None:
    """As the parts of a broadcast do."""
    path = write_clip(tmp_path / "late.ts", pictures, start=5000.0)
    before = open_clip(path)
    assert before.start > 4000
    out = tmp_path / "out.mp4"
    made(videos, grace, path, out)
    assert np.allclose(np.diff(times(out)), np.diff(times(path)), atol=1e-3)
    assert 0 <= times(out)[0] < 0.2
    with av.open(str(path)) as given, av.open(str(out)) as result:
        shifts = [
            float(stream.start_time * stream.time_base)
            for one in (given, result) for stream in (one.streams.video[0], one.streams.audio[0])
        ]  # fmt: skip
    assert shifts[0] - shifts[1] == pytest.approx(shifts[2] - shifts[3], abs=0.03)


def test_only_what_breaks_off_is_said_to_break_off(
    videos: VideoSwaps, pictures: list[Image], grace: Photo, tmp_path: Path
) -> None:
    late = surveyed(videos, write_clip(tmp_path / "late.mkv", pictures, sound=False, start=3.0))
    assert late.clip.frames == 12 and late.remark == ""
    survey = surveyed(videos, write_clip(tmp_path / "whole.mp4", pictures, sound=False))
    holes = np.r_[0:4, 9:12]
    assert "5 of 12 frames cannot be read" in replace(survey, stamps=survey.stamps[holes]).remark
    assert "breaks off after 6 of 12" in replace(survey, stamps=survey.stamps[:6]).remark


def test_colours_that_are_finer_than_the_results_are_said(
    videos: VideoSwaps, clip_file: Path, astronaut: Image, hopper: Image, grace: Photo, tmp_path: Path
) -> None:
    pictures = [scene(astronaut, hopper, number, (320, 180)) for number in range(3)]
    deep = write_clip(tmp_path / "deep.mp4", pictures, pixels="yuv420p10le")
    (remark,) = made(videos, grace, deep, tmp_path / "out.mp4").remarks
    assert remark.startswith("The video has 10 bits a colour, its result has 8")
    assert replace(open_clip(deep), transfer=16).remark.startswith("The video is HDR with 10 bits a colour")
    assert open_clip(tmp_path / "out.mp4").remark == "" == open_clip(clip_file).remark


def test_damaged_sound_is_left_out(
    videos: VideoSwaps, pictures: list[Image], grace: Photo, tmp_path: Path
) -> None:
    path = write_clip(tmp_path / "clip.mp4", pictures)
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in list(container.demux(container.streams.audio[0]))[3:9]:
            data[packet.pos : packet.pos + packet.size] = bytes(packet.size)
    path.write_bytes(data)
    assert made(videos, grace, path, tmp_path / "out.mp4").frames == 12
    assert len(decoded(tmp_path / "out.mp4")) == 12


def test_a_place_that_cannot_be_written_to_is_said_before_the_work(
    services: Services, videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.mp4").mkdir()
    for out in (tmp_path / "file" / "out.mp4", tmp_path / "folder.mp4"):
        with pytest.raises(StoreUnavailable):
            videos.start([grace], clip_file, out)
    with pytest.raises(StoreUnavailable):
        services.swaps.start_batch([grace], tmp_path, tmp_path / "file" / "out")
    with pytest.raises(BadRequest):
        videos.start([grace], clip_file, tmp_path / "out.gif")
    assert services.jobs.all() == []


def test_a_source_without_a_face_is_said_before_the_video_is_looked_at(
    videos: VideoSwaps, clip_file: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    context = JobContext(lambda message, **_: told.append(message), lambda: False)
    wall = Photo(np.full((200, 200, 3), 90, np.uint8), "wall", name="wall")
    with pytest.raises(UnusableFace, match="No face was found on “wall”"):
        videos.swap(context, [wall], clip_file, tmp_path / "out.mp4")
    assert told and not any("frame" in message or "video" in message for message in told)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files as Linux does")
def test_many_segments_are_joined_with_few_open_files(
    videos: VideoSwaps, clip_file: Path, grace: Photo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    monkeypatch.setattr(segments, "SEGMENT_SECONDS", 0.01)
    survey = surveyed(videos, clip_file)
    plan = videos.plan([grace], survey, EVERYONE)
    folder = videos.folder(plan, None)
    videos.render(plan, None, folder, lambda done, share: None)
    assert folder.count == FRAMES
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (highest + 12, before[1]))
    try:
        videos.finish(plan, folder, tmp_path / "out.mp4")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert len(times(tmp_path / "out.mp4")) == FRAMES


def test_the_frames_of_a_gif_are_swapped(
    videos: VideoSwaps, pictures: list[Image], grace: Photo, tmp_path: Path
) -> None:
    with av.open(str(tmp_path / "anim.gif"), "w") as output:
        stream = output.add_stream("gif", rate=FPS)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "rgb8"
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), format="rgb24")
            for packet in stream.encode(frame.reformat(format="rgb8")):
                output.mux(packet)
        for packet in stream.encode():
            output.mux(packet)
    assert made(videos, grace, tmp_path / "anim.gif", tmp_path / "out.mp4").frames == 12
