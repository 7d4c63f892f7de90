"""Running sources: start one from an allowed camera, ask how it goes, watch it, stop it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from flask import Blueprint, Response, jsonify, request

from faceapp import wire
from faceapp.errors import BadRequest, FaceAppError, NotFound
from faceapp.live import FrameResult, TrackedFace
from faceapp.rest.classroom import allowed_camera
from faceapp.rest.context import context, services
from faceapp.stream.sources import SourceSpec

if TYPE_CHECKING:
    from faceapp.stream.session import LiveSession

# Sources that the port itself may have open at once.
MOST_STARTED = 8
BOUNDARY = "frame"
FRAMES_A_SECOND = 15.0
# How often a stream looks whether a new frame is there.
POLL_SECONDS = 1 / 30
# A source that has nothing new sends its last picture again, so that a watcher who has gone is noticed; a
# stream without any picture ends.
SILENCE_SECONDS = 5.0
JPEG_QUALITY = 80

blueprint = Blueprint("live", __name__)


class TooMany(FaceAppError):
    status = 503


@blueprint.get("/live")
def everything() -> Response:
    """Every running source, also those of the window."""
    return jsonify([_shape(session) for session in services().live.sessions()])


@blueprint.post("/live")
def start() -> tuple[Response, int]:
    """{"ip": address or name of an allowed camera}: watch it, and keep who is seen."""
    body = request.get_json()
    if not isinstance(body, dict) or not isinstance(body.get("ip"), str):
        raise BadRequest("no_camera", "The camera is missing.", 'Send {"ip": "http://..."} as JSON.')
    camera = allowed_camera(body["ip"])
    for session in services().live.sessions():
        if session.spec.address == camera.address and not session.status.over:
            return jsonify(_shape(session)), 200
    if len(services().live.sessions()) >= MOST_STARTED:
        raise TooMany("too_many_sources", "Too many sources are running.", "Stop one first.")
    spec = replace(SourceSpec.parse(camera.address), name=camera.name)
    return jsonify(_shape(services().live.open(spec))), 201


@blueprint.get("/live/<live_id>")
def get(live_id: str) -> Response:
    """How it goes, and the faces of its newest frame."""
    session = _session(live_id)
    return jsonify({**_shape(session), "frame": _frame(session.latest())})


@blueprint.delete("/live/<live_id>")
def stop(live_id: str) -> Response:
    session = _session(live_id)
    session.stop()
    return jsonify(_shape(session))


@blueprint.get("/live/<live_id>/stream.mjpg")
def stream(live_id: str) -> Response:
    """The frames with their boxes and names as MJPEG, until the source or the caller ends."""
    session = _session(live_id)
    streams = context().streams
    if not streams.acquire(blocking=False):
        raise TooMany("too_many_streams", "Too many streams are being watched.", "Close one first.")
    parts = _parts(session, context().closing)
    answer = Response(parts, mimetype=f"multipart/x-mixed-replace; boundary={BOUNDARY}")
    answer.call_on_close(streams.release)
    return answer


def _session(live_id: str) -> LiveSession:
    for session in services().live.sessions():
        if id_of(session) == live_id:
            return session
    raise NotFound("no_such_source", f"There is no running source {live_id[:20]}.", "GET /live lists them.")


def id_of(session: LiveSession) -> str:
    """What a session is called here for as long as the port is open."""
    return context().live_ids.setdefault(session, secrets.token_hex(4))


def _shape(session: LiveSession) -> wire.Json:
    """The name is shown and not the address, which may hold a password."""
    status = session.status
    return {
        "id": id_of(session),
        "source": session.spec.name,
        "kind": session.spec.kind,
        "state": status.state.value,
        "message": status.words,
        "stream": f"/live/{id_of(session)}/stream.mjpg",
    }


def _frame(result: FrameResult | None) -> wire.Json | None:
    if result is None:
        return None
    return {
        "number": result.frame.number,
        "seconds": round(result.frame.seconds, 3),
        "at": wire.moment(result.frame.at),
        "dropped": result.dropped,
        "faces": [_face(face) for face in result.faces],
    }


def _face(face: TrackedFace) -> wire.Json:
    decision = face.decision
    distance = decision.distance if decision else None
    return {
        "track": face.track_id,
        "box": face.box.as_list(),
        "state": face.state.value,
        "person": decision.person.name if decision and decision.person else None,
        "visitor": decision.visitor if decision else None,
        "distance": None if distance is None else round(distance, wire.DISTANCE_DIGITS),
        "faces": face.faces,
        "needed": face.needed,
        "liveness": wire.liveness(face.liveness),
    }


def _parts(session: LiveSession, closing: threading.Event) -> Iterator[bytes]:
    shown: FrameResult | None = None
    sent = time.monotonic()
    while not session.status.over and not closing.is_set():
        result = session.latest()
        silent = time.monotonic() - sent > SILENCE_SECONDS
        if result is None and silent:
            return
        if result is None or (result is shown and not silent):
            closing.wait(POLL_SECONDS)
            continue
        shown, sent = result, time.monotonic()
        yield _part(result)
        closing.wait(1 / FRAMES_A_SECOND)


def _part(result: FrameResult) -> bytes:
    from faceapp.opencv import cv2
    from faceapp.stream.drawing import draw

    picture = bytes(cv2.imencode(".jpg", draw(result), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1])
    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"
