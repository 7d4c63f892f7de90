"""What is said about tracks, sources and sightings: short sentences, one place for all live views."""

from __future__ import annotations

from datetime import datetime
from html import escape

from PyQt5.QtCore import QCoreApplication

from faceapp.live import Decision, Liveness, TrackedFace, TrackState, Vote
from faceapp.stream.sources import SourceSpec
from faceapp.stream.status import SourceState, Status
from ui.face_mark import FaceMark, MarkState

KIND_ICONS = {
    "webcam": "camera",
    "file": "video",
    "folder": "frames",
    "snapshot": "address",
    "mjpeg": "address",
    "rtsp": "address",
}


def _tr(text: str) -> str:
    return str(QCoreApplication.translate("LiveWords", text))


def kind(spec: SourceSpec) -> str:
    """What sort of source it is."""
    return {
        "webcam": _tr("Webcam"),
        "file": _tr("Video file"),
        "folder": _tr("Folder of frames"),
        "snapshot": _tr("Camera, picture by picture"),
        "mjpeg": _tr("Camera, MJPEG"),
        "rtsp": _tr("Camera, RTSP"),
    }[spec.kind]


def state(status: Status | None) -> str:
    """How a source is doing, in two words; None for one that is not open."""
    if status is None:
        return _tr("not open")
    return {
        SourceState.OPENING: _tr("opening"),
        SourceState.RUNNING: _tr("running"),
        SourceState.PAUSED: _tr("paused"),
        SourceState.RECONNECTING: _tr("reconnecting"),
        SourceState.ENDED: _tr("at its end"),
        SourceState.FAILED: _tr("failed"),
        SourceState.STOPPED: _tr("stopped"),
    }[status.state]


def who(decision: Decision | None) -> str:
    """ "Ann Lee", "Visitor 7", "Unknown", or "" before it is decided."""
    if decision is None:
        return ""
    return name_of(decision.person.name if decision.person else "", decision.visitor)


def name_of(person: str, visitor: int | None) -> str:
    if person:
        return person
    return _tr("Visitor {0}").format(visitor) if visitor else _tr("Unknown")


def progress(face: TrackedFace) -> str:
    """What is known of a track: "small", "deciding 4 of 10", "decided", "lost"."""
    if face.state is TrackState.SMALL:
        return _tr("small")
    if face.state is TrackState.DECIDING:
        return _tr("deciding {0} of {1}").format(face.faces, face.needed)
    return _tr("lost") if face.state is TrackState.LOST else _tr("decided")


def mark(face: TrackedFace) -> FaceMark:
    """How a tracked face is drawn, with the long label."""
    return FaceMark(face.box, label(face), tooltip(face), state_of(face), tooltip(face))


def label(face: TrackedFace) -> str:
    """ "Ann Lee · 0.21 · #3"; before a decision "deciding 4 of 10 · #3"."""
    parts = [who(face.decision)]
    if face.decision is None or face.state is TrackState.LOST:
        parts.append(progress(face))
    elif face.decision.person is not None and face.decision.distance is not None:
        parts.append(f"{face.decision.distance:.2f}")
    if face.liveness is not None and face.liveness.verdict == "photo":
        parts.append(_tr("a photo?"))
    return " · ".join([part for part in parts if part] + [f"#{face.track_id}"])


def short_label(face: TrackedFace) -> str:
    """What there is room for beside a small face."""
    if face.decision is not None:
        return who(face.decision)
    if face.state is TrackState.DECIDING:
        return _tr("{0} of {1}").format(face.faces, face.needed)
    return ""


def tooltip(face: TrackedFace) -> str:
    """Everything that is known of a face, one line each."""
    lines = [f"#{face.track_id} {who(face.decision)}".strip(), progress(face)]
    if face.state is TrackState.SMALL:
        lines.append(_tr("Too small to be recognised; it is only followed."))
    if face.decision is not None:
        if face.decision.distance is not None:
            nearest = (
                _tr("Distance {0:.3f}") if face.decision.person else _tr("Distance {0:.3f} to the nearest")
            )
            lines.append(nearest.format(face.decision.distance))
        lines.append(face.decision.reason)
    if face.liveness is not None:
        lines.append(live(face.liveness))
    return "<br>".join(escape(line) for line in lines if line)


def live(judged: Liveness) -> str:
    """ "Live or a photo: looks live, 0.93 in 5 views"."""
    words = {
        "live": _tr("looks live"),
        "photo": _tr("looks like a photo or screen"),
        "unsure": _tr("not sure"),
    }[judged.verdict]
    return _tr("Live or a photo: {0}, {1:.2f} in {2} views").format(words, judged.score, judged.looks)


def vote(given: Vote, faces: int) -> str:
    """ "Ann Lee: 8 of 10, distance 0.214"."""
    name = given.person.name if given.person else _tr("Nobody")
    text = _tr("{0}: {1} of {2} faces").format(name, given.count, faces)
    return text if given.distance is None else _tr("{0}, distance {1:.3f}").format(text, given.distance)


def clock(seconds: float) -> str:
    """ "1:05", "1:02:05"."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(at: datetime) -> str:
    """Local day and time; today without the day."""
    local = at.astimezone()
    if local.date() == datetime.now().astimezone().date():
        return _tr("today {0}").format(f"{local:%H:%M:%S}")
    return f"{local:%d %b %Y, %H:%M:%S}"


def state_of(face: TrackedFace) -> MarkState:
    """How it is drawn."""
    if face.state is TrackState.LOST:
        return MarkState.LOST
    if face.decision is not None:
        return MarkState.KNOWN if face.decision.person is not None else MarkState.STRANGER
    return MarkState.SMALL if face.state is TrackState.SMALL else MarkState.DECIDING
