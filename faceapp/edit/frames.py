"""The frames of a video for an edit: read upright, changed where the picture changed, written and joined.

Nothing is put on the disk in between as pictures. A frame keeps the planes of brightness and colour that the
file has; what an edit changes is added to them, so that a pixel that it leaves alone reaches the encoder as
it was decoded, whatever the colour space of the file is.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceapp.edit.results import not_written as refusal
from faceapp.errors import BadRequest, FaceAppError, StoreUnavailable
from faceapp.opencv import cv2
from faceapp.stream.recorder import SUFFIXES
from faceapp.stream.sound import Sound
from faceapp.stream.sources import SourceLost
from faceapp.types import Floats, Image, Ints

Plane = NDArray[np.uint8]
# H.264 without frames that refer to later ones: a packet a frame, in the order in which they are shown. So
# segments are joined by putting one after the other.
ENCODER = {"preset": "veryfast", "crf": "17", "bf": "0"}
# Fixed, since the threads of the encoder decide about its bits.
ENCODER_THREADS = 2
NOMINAL_FPS = 25.0
# Shares of red and blue in the brightness, by the number that H.273 gives the colour space.
_WEIGHTS = {1: (0.2126, 0.0722), 7: (0.212, 0.087), 9: (0.2627, 0.0593), 10: (0.2627, 0.0593)}
_WEIGHTS_601 = (0.299, 0.114)
_UNSPECIFIED, _BT709, _BT601 = 2, 1, 5
# Transfers of HDR: PQ and HLG.
_HDR = (16, 18)
_HD_HEIGHT = 720
_FULL_RANGE = 2
# A damaged file may fail at every packet: reading ends after so many failures without one good frame.
_FAILURES = 200
# A pixel that changes by this, of 255, is another one.
_MUCH = 16.0
COMMENT = "edited: face swap"


@dataclass(frozen=True)
class Clip:
    """A video file as its head describes it.

    width, height: pixels of the upright picture. turns: quarter turns against the clock that make it upright.
    frames: how many the head promises, 0 where it does not say. sound: it has some. colourspace, primaries,
    transfer: H.273's numbers. start: seconds at which the first picture or sound comes, 0 or more. bits: of a
    colour; what is written has 8.
    """

    path: Path
    width: int
    height: int
    turns: int
    fps: float
    frames: int
    time_base: Fraction
    aspect: Fraction
    colourspace: int
    full_range: bool
    sound: bool
    primaries: int = _UNSPECIFIED
    transfer: int = _UNSPECIFIED
    start: float = 0.0
    bits: int = 8

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def remark(self) -> str:
        """What the file has that nothing made of it has; may be empty."""
        if self.bits <= 8:
            return ""
        kind = "is HDR with" if self.transfer in _HDR else "has"
        return f"The video {kind} {self.bits} bits a colour, its result has 8: even areas may show bands."

    @property
    def pixel_format(self) -> str:
        """Half the colour in each direction, as players expect; all of it where a side is odd."""
        return "yuv444p" if self.width % 2 or self.height % 2 else "yuv420p"

    @cached_property
    def to_planes(self) -> NDArray[np.float32]:
        """(3, 3): what a change of blue, green, red does to brightness and the two planes of colour."""
        red, blue = _WEIGHTS.get(self.colourspace, _WEIGHTS_601)
        luma = np.array((blue, 1 - red - blue, red))
        bluish = (np.array((1, 0, 0)) - luma) / (2 - 2 * blue)
        reddish = (np.array((0, 0, 1)) - luma) / (2 - 2 * red)
        scale = (1, 1, 1) if self.full_range else (219 / 255, 224 / 255, 224 / 255)
        return np.asarray(np.stack([luma, bluish, reddish]) * np.array(scale)[:, None], np.float32)


@dataclass(frozen=True, eq=False)
class RawFrame:
    """A frame as the decoder gives it. stamp: its time in the clip's time base."""

    number: int
    stamp: int
    frame: Any


@dataclass(frozen=True, eq=False)
class ClipFrame:
    """An upright frame: image (H, W, 3) BGR, and its planes: brightness (H, W), twice colour (h, w).

    The image is (0, 0, 3) where nobody needs it.
    """

    number: int
    image: Image
    planes: tuple[Plane, Plane, Plane]


def open_clip(path: Path) -> Clip:
    """What a video file is. Raises SourceLost when there is nothing in it that can be read."""
    import av

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise _unreadable(path)
            stream = container.streams.video[0]
            frame = next(_decoded(container, stream), None)
            if frame is None:
                raise _unreadable(path)
            return _described(path, container, stream, frame)
    except (av.FFmpegError, OSError) as error:
        raise _unreadable(path) from error


def read_frames(clip: Clip) -> Iterator[RawFrame]:
    """Every frame that can be read, in order; the last is where the file breaks off. Raises SourceLost."""
    import av

    try:
        with av.open(str(clip.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            before = None
            for number, frame in enumerate(_decoded(container, stream)):
                before = _stamp(clip, number, frame, before)
                yield RawFrame(number, before, frame)
    except (av.FFmpegError, OSError, IndexError) as error:
        raise _unreadable(clip.path) from error


def read_frame(clip: Clip, number: int, stamps: Ints) -> ClipFrame:
    """One frame of a clip whose times (F,) are known. Raises SourceLost."""
    import av

    try:
        with av.open(str(clip.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            container.seek(int(stamps[number]), stream=stream)
            for frame in _decoded(container, stream):
                if frame.pts is not None and frame.pts >= stamps[number]:
                    if frame.pts == stamps[number]:
                        return develop(clip, RawFrame(number, frame.pts, frame))
                    break
    except (av.FFmpegError, OSError, IndexError) as error:
        raise _unreadable(clip.path) from error
    # Files without usable times are read from their start.
    for raw in read_frames(clip):
        if raw.number == number:
            return develop(clip, raw)
    raise _unreadable(clip.path)


def develop(clip: Clip, raw: RawFrame, image: bool = True) -> ClipFrame:
    """The upright picture of a frame; may be called on any thread. image: False for its planes alone."""
    frame, wanted = raw.frame, clip.pixel_format
    upright = (clip.height, clip.width) if clip.turns % 2 else (clip.width, clip.height)
    source = clip.colourspace if clip.colourspace in (_BT709, _BT601, 7, 9) else None
    known = (wanted, wanted.replace("yuv", "yuvj"))
    if frame.format.name not in known or (frame.width, frame.height) != upright:
        frame = frame.reformat(
            *upright, format=wanted, src_colorspace=source, dst_colorspace=source,
            dst_color_range=_FULL_RANGE if clip.full_range else 1,
        )  # fmt: skip
    picture = np.zeros((0, 0, 3), np.uint8)
    if image:
        picture = _turned(frame.to_ndarray(format="bgr24", src_colorspace=source), clip.turns)
    luma, first, second = (_turned(_plane(plane), clip.turns) for plane in frame.planes[:3])
    return ClipFrame(raw.number, picture, (luma, first, second))


def changed(
    clip: Clip, frame: ClipFrame, image: Image, boxes: Sequence[tuple[int, int, int, int]]
) -> ClipFrame:
    """The frame with another picture; boxes: x1 y1 x2 y2 of the parts in which it may differ."""
    luma, *rest = (plane.copy() for plane in frame.planes)
    step = 1 if clip.pixel_format == "yuv444p" else 2
    done = frame.image.copy()
    for x1, y1, x2, y2 in boxes:
        left, top = x1 // step * step, y1 // step * step
        right, bottom = min(-(-x2 // step) * step, clip.width), min(-(-y2 // step) * step, clip.height)
        if right <= left or bottom <= top:
            continue
        part = np.s_[top:bottom, left:right]
        new = image[part].astype(np.float32)
        # Against what is in the planes by now: boxes may overlap.
        difference = new - done[part]
        done[part] = image[part]
        change, direct = (cv2.transform(each, clip.to_planes) for each in (difference, new))
        # Where the pixels are quite other ones nothing of the old edges may shine through: the planes hold
        # more than the picture showed of them.
        most = np.abs(difference)
        share = np.minimum(np.maximum(np.maximum(most[..., 0], most[..., 1]), most[..., 2]) / _MUCH, 1)
        base = 0 if clip.full_range else 16
        _add(luma[part], _mixed(change[..., 0], direct[..., 0] + base - luma[part], share))
        half = np.s_[top // step : bottom // step, left // step : right // step]
        change, direct, share = (
            cv2.resize(each, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA)
            for each in (change, direct, share)
        )
        for index, plane in enumerate(rest, 1):
            _add(plane[half], _mixed(change[..., index], direct[..., index] + 128 - plane[half], share))
    return ClipFrame(frame.number, image, (luma, rest[0], rest[1]))


class SegmentWriter:
    """Encodes frames into a file of their own; `finish` or `discard` ends it."""

    def __init__(self, path: Path, clip: Clip) -> None:
        """Raises StoreUnavailable."""
        import av

        self._path, self._clip = path, clip
        self._temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        self._count = 0
        self._output: Any = None
        try:
            self._output = av.open(str(self._temporary), "w")
            self._stream = self._add_stream()
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise part_not_written(self._clip, error) from error

    def add(self, frame: ClipFrame) -> None:
        """One more frame. Raises StoreUnavailable."""
        import av

        made = av.VideoFrame(self._clip.width, self._clip.height, self._clip.pixel_format)
        for plane, values in zip(made.planes, frame.planes, strict=True):
            _plane(plane)[:] = values
        made.pts, made.time_base = self._count, Fraction(1, round(NOMINAL_FPS))
        # Else the encoder would convert what is in another range or space.
        made.colorspace, made.color_range = self._clip.colourspace, 2 if self._clip.full_range else 1
        self._count += 1
        try:
            for packet in self._stream.encode(made):
                self._output.mux(packet)
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise part_not_written(self._clip, error) from error

    def finish(self) -> None:
        """Complete the file and put it in its place. Raises StoreUnavailable."""
        import av

        try:
            for packet in self._stream.encode():
                self._output.mux(packet)
            self._output.close()
            os.replace(self._temporary, self._path)
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise part_not_written(self._clip, error) from error
        self._output = None

    def discard(self) -> None:
        """Give up; nothing is left behind."""
        import av

        output, self._output = self._output, None
        if output is not None:
            with contextlib.suppress(av.FFmpegError, OSError):
                output.close()
        self._temporary.unlink(missing_ok=True)

    def _add_stream(self) -> Any:
        clip = self._clip
        stream = self._output.add_stream("libx264", rate=round(NOMINAL_FPS), options=ENCODER)
        stream.width, stream.height, stream.pix_fmt = clip.width, clip.height, clip.pixel_format
        context = stream.codec_context
        context.thread_count = ENCODER_THREADS
        context.color_range = 2 if clip.full_range else 1
        context.colorspace = clip.colourspace
        context.color_primaries, context.color_trc = clip.primaries, clip.transfer
        if clip.aspect and clip.aspect != 1:
            context.sample_aspect_ratio = clip.aspect
        return stream


def join(
    clip: Clip,
    segments: Sequence[Path],
    stamps: Ints,
    path: Path,
    check: Callable[[], None] = lambda: None,
    name: str = "",
) -> None:
    """Write one video of the segments, with the clip's times (F,) and its sound, to `path` itself.

    check: called for every segment; it may raise. name: what the user calls the file. Raises StoreUnavailable
    when it cannot be written.
    """
    import av

    try:
        options = {} if path.suffix.lower() == ".mkv" else {"movflags": "+faststart"}
        with av.open(str(path), "w", options=options) as output:
            _fill(clip, segments, stamps, output, check)
    except (av.FFmpegError, OSError) as error:
        raise not_written(path.with_name(name or path.name), error) from error


def check_name(out: Path) -> None:
    """Raise BadRequest unless a video may have that name."""
    if out.suffix.lower() not in SUFFIXES:
        raise BadRequest("video_name", "The name of the video must end with .mp4 or .mkv.")


def not_written(path: Path, error: Exception) -> StoreUnavailable:
    """The refusal of a video that could not be written."""
    if isinstance(error, OSError):
        return refusal(path, error)
    sentence = f"“{path.name}” could not be written: {error.strerror or 'the encoder refused'}."  # type: ignore
    return StoreUnavailable("not_written", sentence, "Try another name that ends with .mp4 or .mkv.")


def part_not_written(clip: Clip, error: Exception) -> StoreUnavailable:
    """The same of a part that is kept until the whole is finished."""
    return not_written(Path(f"a part of {clip.name}"), error)


def _fill(clip: Clip, segments: Sequence[Path], stamps: Ints, output: Any, check: Callable[[], None]) -> None:
    import av

    with contextlib.ExitStack() as opened:
        with av.open(str(segments[0])) as first:
            video = output.add_stream_from_template(first.streams.video[0])
        video.time_base = clip.time_base
        output.metadata["comment"] = COMMENT
        sound = None
        if clip.sound:
            sound = Sound(opened.enter_context(av.open(str(clip.path))), output, clip.start)
        # What was cut out of a broadcast begins hours after nought: players would show an empty picture.
        stamps = stamps - round(clip.start / clip.time_base)
        number = 0
        for number, packet in enumerate(_packets(segments, check), 1):
            if number > len(stamps):
                break
            stamp = int(stamps[number - 1])
            after = int(stamps[number]) if number < len(stamps) else stamp + _step(clip, stamps)
            packet.pts = packet.dts = stamp
            packet.time_base, packet.duration = clip.time_base, after - stamp
            packet.stream = video
            if sound is not None:
                sound.pump(float(stamp * clip.time_base))
            output.mux(packet)
        if number != len(stamps):
            raise FaceAppError("segments_broken", "A part of the new video is damaged.", "Start it again.")
        if sound is not None:
            sound.pump(float("inf"))


def frames_in(segment: Path) -> int:
    """How many frames a finished segment has; 0 for one that cannot be read."""
    import av

    try:
        return sum(1 for _ in _packets([segment], lambda: None))
    except (av.FFmpegError, OSError, IndexError):
        return 0


def _packets(segments: Sequence[Path], check: Callable[[], None]) -> Iterator[Any]:
    """The frames of segments as they were encoded. check: called for every segment; it may raise."""
    import av

    for path in segments:
        check()
        with av.open(str(path)) as segment:
            yield from (packet for packet in segment.demux(segment.streams.video[0]) if packet.size)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a stream. Packets that are damaged are passed over; a file that breaks off ends."""
    import av

    packets = container.demux(stream)
    failures = 0
    while failures < _FAILURES:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            return
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.FFmpegError:
            failures += 1
            continue
        if frames:
            failures = 0
        yield from frames


def _described(path: Path, container: Any, stream: Any, frame: Any) -> Clip:
    turns = round(frame.rotation / 90) % 4
    width, height = (frame.height, frame.width) if turns % 2 else (frame.width, frame.height)
    rate = stream.average_rate or stream.guessed_rate
    fps = float(rate) if rate and 0 < rate < 1000 else NOMINAL_FPS
    frames = stream.frames or round(_seconds(container, stream) * fps)
    aspect = Fraction(stream.sample_aspect_ratio or 1)
    if turns % 2 and aspect:
        aspect = 1 / aspect
    space = int(frame.colorspace)
    if space == _UNSPECIFIED or space not in (*_WEIGHTS, 5, 6):
        space = _BT709 if frame.height >= _HD_HEIGHT else _BT601
    full = int(frame.color_range) == _FULL_RANGE or frame.format.name.startswith("yuvj")
    return Clip(
        path, width, height, turns, fps, int(frames), Fraction(stream.time_base), aspect, space, full,
        bool(container.streams.audio), int(frame.color_primaries), int(frame.color_trc),
        max(0.0, (container.start_time or 0) / 1_000_000), int(frame.format.components[0].bits),
    )  # fmt: skip


def _seconds(container: Any, stream: Any) -> float:
    """How long the pictures last as the file says; 0 where it does not."""
    if stream.duration:
        return float(stream.duration * stream.time_base)
    # Matroska says when a stream ends, and when the longest one does.
    hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
    minutes, _, seconds = rest.partition(":")
    try:
        end = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    except ValueError:
        end = (container.duration or 0) / 1_000_000
    return max(0.0, end - float((stream.start_time or 0) * stream.time_base))


def _stamp(clip: Clip, number: int, frame: Any, before: int | None) -> int:
    """The time of a frame, later than the one before it whatever the file says."""
    if frame.pts is not None and (before is None or frame.pts > before):
        return int(frame.pts)
    step = max(1, round(1 / clip.fps / clip.time_base))
    return number * step if before is None else before + step


def _step(clip: Clip, stamps: Ints) -> int:
    """How long the last frame is shown."""
    if len(stamps) > 1:
        return int(np.median(np.diff(stamps)))
    return max(1, round(1 / clip.fps / clip.time_base))


def _plane(plane: Any) -> Plane:
    """The pixels of a plane, without what pads its lines; writing to them writes to the frame."""
    lines: Plane = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return lines[: plane.height, : plane.width]


def _turned(pixels: Any, turns: int) -> Any:
    return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else np.ascontiguousarray(pixels)


def _mixed(change: Floats, other: Floats, share: Floats) -> Floats:
    return change + share * (other - change)


def _add(plane: Plane, change: NDArray[np.float32]) -> None:
    plane[:] = np.clip(plane + np.rint(change), 0, 255).astype(np.uint8)


def _unreadable(path: Path) -> SourceLost:
    hint = "Is the file whole? A download that was cut off cannot be read."
    return SourceLost("video_unreadable", f"“{path.name}” cannot be read as a video.", hint)
