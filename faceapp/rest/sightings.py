"""Who was seen when, the attendance, and the cameras that may be opened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Blueprint, Response, jsonify, request

from faceapp import wire
from faceapp.errors import BadRequest
from faceapp.live import Group, Period, SightingFilter
from faceapp.rest.context import services
from faceapp.rest.people import ID, number_argument
from faceapp.services import attendance as rolls
from faceapp.services.cameras import hidden

MOST_SIGHTINGS = 1000
LONGEST_GRACE = 24 * 60
# The page has a style of its own and nothing else; a name in it can load or run nothing.
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

blueprint = Blueprint("sightings", __name__)


@blueprint.get("/sightings")
def find() -> Response:
    """Newest first: ?from=, ?to=, ?source=, ?text=, ?person= (an id), ?visitor=, ?limit=, ?offset=."""
    chosen = SightingFilter(
        since=_moment("from"),
        until=_moment("to", end=True),
        source=request.args.get("source", ""),
        text=request.args.get("text", ""),
        person_ids=(number_argument("person", 0),) if request.args.get("person") else None,
        visitor=number_argument("visitor", 0) if request.args.get("visitor") else None,
    )
    limit = min(number_argument("limit", MOST_SIGHTINGS) or MOST_SIGHTINGS, MOST_SIGHTINGS)
    found = services().sightings.find(chosen, limit, number_argument("offset", 0))
    shown = [{**wire.sighting(one), "crop": f"/sightings/{one.id}/crop"} for one in found]
    return jsonify({"total": services().sightings.count(chosen), "sightings": shown})


@blueprint.get(f"/sightings/{ID}sighting_id>/crop")
def crop(sighting_id: int) -> Response:
    """The best face as JPEG."""
    return Response(services().sightings.crop(sighting_id), mimetype="image/jpeg")


@blueprint.get("/attendance")
def attendance() -> Response:
    """?from= and ?to= (today so far), ?group= (everybody), ?grace= minutes (5), ?format= json, csv, html."""
    period, group = _period(), _group()
    form = request.args.get("format", "json")
    if form == "html":
        page = services().sightings.attendance_page(period, group)
        return Response(page, mimetype="text/html", headers={"Content-Security-Policy": PAGE_POLICY})
    if form not in ("json", "csv"):
        raise BadRequest("bad_format", "“format” must be json, csv or html.")
    rows = services().sightings.attendance(period, group)
    if form == "csv":
        return Response(rolls.as_csv(rows), mimetype="text/csv")
    return jsonify(wire.attendance(period, group, rows))


@blueprint.get("/cameras")
def cameras() -> Response:
    """The cameras that may be opened, without passwords. The user keeps the list; the port does not."""
    found = services().cameras.all()
    return jsonify([{"name": camera.name, "address": hidden(camera.address)} for camera in found])


def _moment(name: str, end: bool = False) -> datetime | None:
    text = request.args.get(name, "")
    return wire.parse_moment(text, end) if text else None


def _period() -> Period:
    now = datetime.now(UTC)
    start = _moment("from") or now.astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    end = _moment("to", end=True) or now
    if end <= start:
        raise BadRequest("bad_period", "The period ends before it begins.")
    grace = number_argument("grace", 5)
    if grace > LONGEST_GRACE:
        raise BadRequest("bad_grace", f"“grace” must be at most {LONGEST_GRACE} minutes.")
    return Period(start, end, timedelta(minutes=grace))


def _group() -> Group | None:
    name = request.args.get("group", "")
    return services().sightings.group(name) if name else None
