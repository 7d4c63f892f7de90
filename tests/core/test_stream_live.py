"""Live recognition through the services: real clips, sessions on threads, sightings, recordings."""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from live_sessions import until

from benchmarks import tracks as truths
from faceapp.errors import BadRequest, Cancelled, FaceAppError
from faceapp.jobs import JobContext, ThreadExecutor
from faceapp.live import Frame, FrameResult, LiveSettings, TrackState
from faceapp.opencv import cv2
from faceapp.services import Services
from faceapp.stream.filmed import filmed
from faceapp.stream.picture import Picture
from faceapp.stream.readers import open_recorded
from faceapp.stream.recorder import Recorder
from faceapp.stream.session import LiveSession
from faceapp.stream.sources import SourceLost, SourceSpec
from faceapp.stream.status import SourceState
from faceapp.types import Image

SILENT = JobContext.silent()


@pytest.fixture
def friends(services: Services, data_dir: Path) -> Services:
    """A library with one portrait of each of six people."""
    services.enrolment.import_people(SILENT, data_dir / "video" / "people")
    return services


def clip(data_dir: Path, name: str) -> SourceSpec:
    return SourceSpec.parse(str(data_dir / "video" / f"{name}.mp4"))


def truth(data_dir: Path, name: str) -> truths.Truth:
    return truths.read(data_dir / "video" / f"{name}_tracks.json")


@pytest.mark.parametrize("method", ["vote", "fuse"])
def test_friends(friends: Services, data_dir: Path, method: str) -> None:
    """Two people who have a portrait are named, four strangers are not, nobody changes places."""
    report = friends.live.watch_file(SILENT, clip(data_dir, "friends1"), LiveSettings(method=method))
    assert report.frames == 141
    agreement = truths.compare(truth(data_dir, "friends1"), report.tracks)
    assert agreement.switches == 0
    assert agreement.idf1 >= 0.9
    names = {track.id: track.decision.person.name for track in report.tracks if track.decision.person}
    covering = {key: max(ids, key=ids.get) for key, ids in agreement.pairs.items() if ids}
    assert names == {covering[0, 0]: "Rachel", covering[1, 0]: "Ross"}
    assert report.stats.embedded_after_decision == 0


@pytest.mark.parametrize("method", ["vote", "fuse"])
def test_ids_end_at_the_cuts_of_a_clip_of_strangers(friends: Services, data_dir: Path, method: str) -> None:
    report = friends.live.watch_file(
        SILENT, clip(data_dir, "short_hamilton_clip"), LiveSettings(method=method)
    )
    known = truth(data_dir, "short_hamilton_clip")
    agreement = truths.compare(known, report.tracks)
    assert agreement.switches == 0
    assert agreement.idf1 >= 0.9
    for cut in known.cuts:
        assert not [track.id for track in report.tracks if track.first_frame < cut <= track.last_frame]
    assert report.stats.cuts == len(known.cuts)
    assert [track.id for track in report.tracks if track.decision and track.decision.person] == []


def test_two_runs_over_a_file_are_the_same(friends: Services, data_dir: Path) -> None:
    first, second = (friends.live.watch_file(SILENT, clip(data_dir, "friends1")) for _ in range(2))
    assert [track.id for track in first.tracks] == [track.id for track in second.tracks]
    for one, other in zip(first.tracks, second.tracks, strict=True):
        assert np.array_equal(one.boxes, other.boxes)
        assert one.decision == other.decision


# -- with portraits that come inside packages: anywhere --------------------------------------------------


@pytest.fixture
def pan(tmp_path: Path, astronaut: Image) -> Path:
    """A video of 60 frames in which the camera moves over a portrait."""
    path = tmp_path / "pan.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25, (360, 360))
    for number in range(60):
        writer.write(np.ascontiguousarray(astronaut[:360, number : number + 360]))
    writer.release()
    return path


@pytest.fixture
def ann(services: Services, portrait_files: dict[str, Path]) -> Services:
    from faceapp.pipeline.photos import read_photo
    from faceapp.types import PersonName

    # The photo has a second, false face.
    services.enrolment.enrol(read_photo(portrait_files["astronaut"]), PersonName("Ann"), face=0, anyway=True)
    return services


def test_a_session_on_a_file(ann: Services, pan: Path) -> None:
    live = ann.live.open(SourceSpec.parse(str(pan)), LiveSettings(decide_after=3))
    results: list[FrameResult] = []
    live.subscribe(results.append)
    try:
        assert until(lambda: live.status.state is SourceState.ENDED), live.status
        latest = live.latest()
        assert latest is not None and latest.frame.number == 59
        assert [result.frame.number for result in results] == list(range(60 - len(results), 60))
        decided = [face for face in latest.faces if face.state is TrackState.DECIDED]
        assert "Ann" in [face.label for face in decided]
        assert live.seconds == pytest.approx(2.4, abs=0.1)
        why = live.why(decided[0].track_id)
        assert why is not None and len(why.crops) == 3
        assert live in ann.live.sessions()
    finally:
        assert live.stop() == []
    assert live not in ann.live.sessions()
    sightings = ann.sightings.find()
    assert "Ann" in [sighting.person.name for sighting in sightings if sighting.person]
    assert {sighting.source for sighting in sightings} == {"pan.mp4"}
    seen = next(sighting for sighting in sightings if sighting.person)
    assert 1.5 < (seen.last - seen.first).total_seconds() < 2.5


def test_pause_step_and_seek_in_a_file(ann: Services, pan: Path) -> None:
    live = ann.live.open(SourceSpec.parse(str(pan)), keep=False)
    live.pause()
    try:
        for wanted in range(3):
            live.step()
            assert until(lambda wanted=wanted: number(live) == wanted)
        live.seek(1.6)
        assert until(lambda: number(live) == 40)
        assert live.status.state is SourceState.PAUSED
        live.resume()
        assert until(lambda: live.status.state is SourceState.ENDED)
        assert not [t for t in live.tracks() if t.first_frame <= 2 and t.last_frame >= 40]
    finally:
        live.stop()


def number(live: object) -> int:
    latest = live.latest()  # type: ignore[attr-defined]
    return latest.frame.number if latest is not None else -1


def test_close_stops_everything(ann: Services, pan: Path) -> None:
    for _ in range(2):
        ann.live.open(SourceSpec.parse(str(pan)), keep=False)
    assert ann.live.close() == []
    assert ann.live.sessions() == []


def test_sources_that_hang_are_stopped_at_the_same_time(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drivers that let go late: six of them take no longer than one."""

    class Late:
        fps, frames = 25.0, 0

        def __init__(self) -> None:
            self.asked = threading.Event()

        def read(self) -> Picture | None:
            if self.asked.wait(20):
                time.sleep(0.7)
            raise SourceLost("gone", "Gone.")

        def interrupt(self) -> None:
            self.asked.set()

        def close(self) -> None:
            pass

    readers: list[Late] = []

    def open_late(*_: object) -> Late:
        readers.append(Late())
        return readers[-1]

    def closing(count: int) -> float:
        monkeypatch.setattr(LiveSession.__init__, "__defaults__", (ThreadExecutor, open_late, 0.5, None))
        readers.clear()
        for number in range(count):
            services.live.open(SourceSpec("webcam", str(number), f"Late {number}"), keep=False)
        assert until(lambda: len(readers) == count)
        start = time.monotonic()
        assert services.live.close() == []
        return time.monotonic() - start

    assert closing(6) < 3 * closing(1)


def test_people_were_there_when_a_video_was_filmed(pan: Path, tmp_path: Path) -> None:
    """Its own creation time, else when the file was written less its length, else nothing."""
    import av

    def moment(path: Path) -> datetime | None:
        spec = SourceSpec.parse(str(path))
        reader = open_recorded(spec)
        try:
            return filmed(spec, reader)
        finally:
            reader.close()

    ended = datetime(2024, 5, 6, 10, 30, tzinfo=UTC)
    os.utime(pan, (0, ended.timestamp()))
    assert moment(pan) == ended - timedelta(seconds=60 / 25)
    os.utime(pan, (0, 0))
    assert moment(pan) is None, "the clock was never set"
    stamped = tmp_path / "stamped.mp4"
    with av.open(str(pan)) as source, av.open(str(stamped), "w") as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        copy.metadata["creation_time"] = "2025-03-04T08:00:00Z"
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    assert moment(stamped) == datetime(2025, 3, 4, 8, tzinfo=UTC)


def test_sightings_of_a_video_are_at_the_time_of_filming(ann: Services, pan: Path) -> None:
    ended = datetime(2024, 5, 6, 10, 30, tzinfo=UTC)
    os.utime(pan, (0, ended.timestamp()))
    ann.live.watch_file(SILENT, SourceSpec.parse(str(pan)), LiveSettings(decide_after=3), keep=True)
    seen = next(sighting for sighting in ann.sightings.find() if sighting.person)
    assert ended - timedelta(seconds=3) < seen.first < seen.last < ended


def test_what_was_seen_until_a_cancel_is_kept(ann: Services, pan: Path) -> None:
    """And no thread stays behind: `_no_thread_left_open` fails otherwise."""
    frames: list[int] = []
    stopped = JobContext(lambda **_: None, lambda: len(frames) > 40)
    with pytest.raises(Cancelled):
        ann.live.watch_file(
            stopped, SourceSpec.parse(str(pan)), LiveSettings(decide_after=3),
            on_result=lambda result: frames.append(result.frame.number), keep=True,
        )  # fmt: skip
    assert "Ann" in [sighting.person.name for sighting in ann.sightings.find() if sighting.person]


def test_a_broken_video_fails_with_a_sentence(services: Services, tmp_path: Path) -> None:
    file = tmp_path / "broken.mp4"
    file.write_bytes(b"nothing")
    live = services.live.open(SourceSpec.parse(str(file)))
    try:
        assert until(lambda: live.status.over)
        assert live.status.state is SourceState.FAILED
        assert "broken.mp4" in live.status.sentence
    finally:
        live.stop()
    with pytest.raises(FaceAppError, match=r"broken\.mp4"):
        services.live.watch_file(SILENT, SourceSpec.parse(str(file)))


def test_a_folder_of_frames(ann: Services, tmp_path: Path, astronaut: Image) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for index in range(12):
        cv2.imwrite(str(folder / f"frame{index}.jpg"), astronaut[:360, index : index + 360])
    report = ann.live.watch_file(SILENT, SourceSpec.parse(str(folder)), LiveSettings(decide_after=2))
    assert report.frames == 12
    assert "Ann" in [track.decision.person.name for track in report.tracks if track.decision.person]


def test_a_file_that_breaks_off_is_remarked(ann: Services, pan: Path, tmp_path: Path) -> None:
    whole = pan.read_bytes()
    start = whole.find(b"mdat")
    cut = tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(cut), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 64))
    for shade in range(40):
        writer.write(np.full((64, 64, 3), shade, np.uint8))
    writer.release()
    assert start > 0
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    report = ann.live.watch_file(SILENT, SourceSpec.parse(str(cut)))
    assert 0 < report.frames < 40
    assert "breaks off" in report.remark


def test_the_annotated_video_is_whole_or_not_there(ann: Services, pan: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    report = ann.live.watch_file(SILENT, SourceSpec.parse(str(pan)), out=out / "seen.mp4")
    assert [file.name for file in out.iterdir()] == ["seen.mp4"]
    written, read = frames(out / "seen.mp4"), frames(pan)
    assert len(written) == report.frames == len(read)
    drawn = np.abs(written[30].astype(int) - read[30]).max(2)
    box = next(row[1:] for track in report.tracks for row in track.boxes if row[0] == 30).astype(int)
    assert drawn[box[1] - 1 : box[1] + 2, box[0] + 10 : box[2] - 10].mean() > 40  # the upper edge of the box

    stopped = JobContext(lambda **_: None, lambda: bool(list(out.glob(".*"))))
    with pytest.raises(Cancelled):
        ann.live.watch_file(stopped, SourceSpec.parse(str(pan)), out=out / "second.mp4")
    assert [file.name for file in out.iterdir()] == ["seen.mp4"]
    with pytest.raises(BadRequest):
        ann.live.watch_file(SILENT, SourceSpec.parse(str(pan)), out=out / "seen.gif")


def test_the_sound_is_kept(friends: Services, data_dir: Path, tmp_path: Path) -> None:
    friends.live.watch_file(SILENT, clip(data_dir, "friends1"), out=tmp_path / "seen.mp4")
    with av.open(str(tmp_path / "seen.mp4")) as written, av.open(clip(data_dir, "friends1").address) as read:
        sound, original = written.streams.audio[0], read.streams.audio[0]
        assert sound.codec_context.name == original.codec_context.name
        assert float(sound.duration * sound.time_base) == pytest.approx(
            float(original.duration * original.time_base), abs=0.2
        )
        assert written.streams.video[0].frames == 141


def test_a_recording_leaves_out_what_is_damaged_of_the_sound(tmp_path: Path) -> None:
    """Of a kind that is encoded anew, from half a second on."""
    path = tmp_path / "tone.mkv"
    with av.open(str(path), "w") as output:
        flac = output.add_stream("flac", rate=44100, layout="mono")
        samples = (np.sin(np.arange(2 * 44100) / 10) * 9000).astype(np.int16)[None]
        tone = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        tone.sample_rate, tone.pts, tone.time_base = 44100, 0, Fraction(1, 44100)
        for number, packet in enumerate([*flac.encode(tone), *flac.encode(None)]):
            written = av.Packet(bytes(packet.size)) if number in (12, 13) else packet
            written.pts, written.dts, written.time_base = packet.pts, packet.dts, packet.time_base
            written.stream = flac
            output.mux(written)
    recorder = Recorder(tmp_path / "seen.mp4", sound=path)
    for number in range(12, 50):
        picture = np.full((48, 64, 3), 5 * number, np.uint8)
        recorder.add(FrameResult(Frame(picture, number, number / 25, datetime.now(UTC)), ()))
    assert recorder.finish() is not None
    with av.open(str(tmp_path / "seen.mp4")) as seen:
        assert seen.streams.video[0].frames == 38
        heard = sum(frame.samples for frame in seen.decode(seen.streams.audio[0])) / 44100
    # Two of its packets, a tenth of a second each, are missing.
    assert 1.1 < heard < 1.45


def frames(path: Path) -> list[Image]:
    capture = cv2.VideoCapture(str(path))
    found = []
    while (read := capture.read())[0]:
        found.append(read[1])
    capture.release()
    return found


def test_a_camera_has_no_end(services: Services) -> None:
    with pytest.raises(BadRequest):
        services.live.watch_file(SILENT, SourceSpec.parse("http://127.0.0.1:9/video"))
