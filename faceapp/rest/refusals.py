"""Every refusal and every fault as the one JSON envelope; never a traceback."""

from __future__ import annotations

import logging

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from faceapp import wire
from faceapp.errors import FaceAppError

log = logging.getLogger(__name__)

# Status -> code, sentence, hint: for what Flask itself refuses.
_KNOWN = {
    400: ("bad_request", "The request could not be understood.", ""),
    404: ("no_such_address", "There is nothing at this address.", "docs/rest.md lists the addresses."),
    405: ("method_not_allowed", "This address does not take that method.", "docs/rest.md lists the methods."),
    413: ("too_large", "The upload is larger than the limit.", "Make the picture smaller."),
    415: ("not_json", "This address takes JSON.", "Send it with Content-Type: application/json."),
}


def install(app: Flask) -> None:
    app.register_error_handler(FaceAppError, _refused)
    app.register_error_handler(HTTPException, _http_error)


def _refused(error: FaceAppError) -> tuple[Response, int]:
    if error.status >= 500:
        log.warning("Request %s: %s", g.get("request_id", ""), error)
    return jsonify(wire.error(error)), error.status


def _http_error(error: HTTPException) -> Response:
    answer = error.get_response(request.environ)
    response = jsonify(wire.error(explained(error)))
    response.status_code = answer.status_code
    if "Allow" in answer.headers:
        response.headers["Allow"] = answer.headers["Allow"]
    return response


def explained(error: HTTPException) -> FaceAppError:
    """What Flask refuses, and what went wrong inside: Flask has logged the traceback by then."""
    status = error.code or 500
    if status >= 500:
        sentence = f"Something went wrong inside the program (request {g.get('request_id', '')})."
        return FaceAppError("internal", sentence, "The log has the details.")
    if status in _KNOWN:
        return FaceAppError(*_KNOWN[status])
    return FaceAppError("bad_request", error.description or error.name)


def said_twice(error: FaceAppError | HTTPException) -> tuple[Response, int]:
    """With the sentence at the top as well, where clients of the first addresses look."""
    document, status = twice(error)
    return jsonify(document), status


def twice(error: FaceAppError | HTTPException) -> tuple[wire.Json, int]:
    """The document and the status of `said_twice`."""
    if isinstance(error, FaceAppError):
        return {**wire.error(error), "message": str(error)}, error.status
    refusal = explained(error)
    return {**wire.error(refusal), "message": str(refusal)}, error.code or 500
