"""The sound of a video, copied into another one beside its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

# What a .mp4 takes as it is; sound of any other kind is encoded anew.
COPIED = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})


class Sound:
    """Every track of sound of a file, copied into another one as far as its pictures have come. What is
    damaged of it is left out."""

    def __init__(self, source: Any, output: Any, start: float, late: bool = False) -> None:
        """start: the second of the source that is nought in the output. late: that is in the middle of it,
        and what sounds before is left out."""
        self._source, self._output = source, output
        self._start, self._late = start, late
        self._targets: dict[int, Any] = {}
        self._copied: set[int] = set()
        for stream in source.streams.audio:
            context = stream.codec_context
            if context.name in COPIED:
                self._copied.add(stream.index)
                self._targets[stream.index] = output.add_stream_from_template(stream)
            else:
                self._targets[stream.index] = output.add_stream("aac", rate=context.sample_rate)
        self._packets = source.demux(list(source.streams.audio))
        self._waiting: Any = None

    @classmethod
    def of(cls, path: Path, output: Any, start: float) -> Sound | None:
        """That of a file from that second on, to be closed; None where it has none that can be read."""
        import av

        try:
            source = av.open(str(path))
        except (av.FFmpegError, OSError):
            return None
        if not source.streams.audio:
            source.close()
            return None
        if start > 0:
            source.seek(int(start * 1_000_000))
        return cls(source, output, start, late=start > 0)

    def close(self) -> None:
        """Close the file that it comes from."""
        self._source.close()

    def pump(self, seconds: float) -> None:
        """Copy what sounds up to that time of the output."""
        while (packet := self._next()) is not None:
            stamp = packet.dts if packet.dts is not None else packet.pts
            if stamp is not None:
                time = float(stamp * packet.time_base) - self._start
                if time > seconds:
                    self._waiting = packet
                    return
                if self._late and time < 0:
                    continue
            self._write(packet)

    def _next(self) -> Any:
        import av

        packet, self._waiting = self._waiting, None
        try:
            return packet if packet is not None else next(self._packets, None)
        except av.FFmpegError:
            return None

    def _write(self, packet: Any) -> None:
        target = self._targets[packet.stream.index]
        if packet.stream.index in self._copied:
            if packet.size:
                packet.stream = target
                self._mux(packet)
            return
        # A packet without a size ends the stream: what is left in decoder and encoder comes out.
        frames = _heard(packet)
        for frame in [*frames, None] if not packet.size else frames:
            for encoded in target.encode(frame):
                self._mux(encoded)

    def _mux(self, packet: Any) -> None:
        shift = round(self._start / packet.time_base)
        for name in ("pts", "dts"):
            if getattr(packet, name) is not None:
                setattr(packet, name, getattr(packet, name) - shift)
        self._output.mux(packet)


def _heard(packet: Any) -> list[Any]:
    """What a packet of sound holds; nothing where it is damaged."""
    import av

    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []
