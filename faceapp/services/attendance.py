"""Attendance: who of a group was seen in a period, as rows, as CSV and as a page to print."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Iterable, Sequence
from datetime import datetime

from faceapp.live import Period, Presence, Sighting
from faceapp.types import Person

HEADER = ("person", "state", "first", "last")


def presences(people: Iterable[Person], sightings: Iterable[Sighting], period: Period) -> list[Presence]:
    """One row a person, in their order. Whoever was there before the period began is present.

    `first` and `last` are moments of the period: a sighting that reaches over an end is cut there.
    """
    seen: dict[int, tuple[datetime, datetime]] = {}
    for sighting in sightings:
        if sighting.person is None or sighting.last < period.start or sighting.first >= period.end:
            continue
        first, last = max(sighting.first, period.start), min(sighting.last, period.end)
        earlier = seen.get(sighting.person.id, (first, last))
        seen[sighting.person.id] = min(first, earlier[0]), max(last, earlier[1])
    return [_presence(person, seen.get(person.id), period) for person in people]


def as_csv(rows: Sequence[Presence]) -> str:
    """One line a person, with a header; times are local, with their offset."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for row in rows:
        writer.writerow((cell(row.person.name), row.state, moment(row.first), moment(row.last)))
    return text.getvalue()


def as_page(rows: Sequence[Presence], period: Period, title: str) -> str:
    """A page of HTML for printing, which needs nothing but itself."""
    counts = [f"{sum(row.state == state for row in rows)} {state}" for state in ("present", "late", "absent")]
    lines = "\n".join(
        f'<tr class="{row.state}"><td>{html.escape(row.person.name)}</td><td>{row.state}</td>'
        f"<td>{_clock(row.first)}</td><td>{_clock(row.last)}</td></tr>"
        for row in rows
    )
    start, end = period.start.astimezone(), period.end.astimezone()
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return _PAGE.format(
        title=html.escape(title),
        when=f"{start:%Y-%m-%d %H:%M} to {until}",
        counts=", ".join(counts),
        lines=lines,
    )


def cell(text: str) -> str:
    """Text for a cell of CSV: a spreadsheet must not take a name for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def moment(at: datetime | None) -> str:
    """Local time to the second, with its offset; "" for none."""
    return at.astimezone().isoformat(timespec="seconds") if at else ""


def _clock(at: datetime | None) -> str:
    return f"{at.astimezone():%H:%M}" if at else "–"


def _presence(person: Person, seen: tuple[datetime, datetime] | None, period: Period) -> Presence:
    if seen is None:
        return Presence(person, "absent")
    late = seen[0] > period.start + period.grace
    return Presence(person, "late" if late else "present", *seen)


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ font: 11pt/1.4 system-ui, sans-serif; margin: 2cm auto; max-width: 18cm; color: #111; }}
h1 {{ font-size: 16pt; margin: 0; }}
p {{ margin: 0.2em 0 1.2em; color: #555; }}
table {{ width: 100%; border-collapse: collapse; }}
th, td {{ text-align: left; padding: 0.35em 0.6em; border-bottom: 1px solid #ccc; }}
tr {{ break-inside: avoid; }}
.late td:nth-child(2) {{ color: #9a5b00; font-weight: 600; }}
.absent td:nth-child(2) {{ color: #a11; font-weight: 600; }}
@media print {{ body {{ margin: 0; }} thead {{ display: table-header-group; }} }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{when} · {counts}</p>
<table>
<thead><tr><th>Name</th><th>State</th><th>First seen</th><th>Last seen</th></tr></thead>
<tbody>
{lines}
</tbody>
</table>
</body>
</html>
"""
