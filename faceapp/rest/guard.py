"""Who may talk to the port: programs on this computer, and no web page of somebody else.

A page on the internet can point its own name to 127.0.0.1 (DNS rebinding) or post a form to the port. The
first shows in the Host header, the second in Origin, which browsers send with every such request.
"""

from __future__ import annotations

from flask import request

from faceapp.errors import Forbidden

LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})


def check_caller() -> None:
    """Raise Forbidden unless the request is meant for this computer and comes from no foreign page."""
    host = request.headers.get("Host", "")
    if _name_of(host) not in LOOPBACK_NAMES:
        raise Forbidden(
            "foreign_host", "This port answers to 127.0.0.1 and localhost only.", "Use http://127.0.0.1."
        )
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() != f"http://{host.lower()}":
        raise Forbidden("foreign_origin", "Web pages from elsewhere may not use this port.")
    # An <img> of another page sends no Origin, but its request would open a camera. Following a link may.
    if request.headers.get("Sec-Fetch-Site") == "cross-site" and not _is_navigation():
        raise Forbidden("foreign_origin", "Web pages from elsewhere may not use this port.")


def _is_navigation() -> bool:
    """The user follows a link; a frame within a page navigates too, and nobody clicked there."""
    wanted = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    return wanted == ("navigate", "document")


def _name_of(host: str) -> str:
    """The host without its port, in small letters."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()
