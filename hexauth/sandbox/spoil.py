"""How a fault is carried out on a request."""

import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from flask import Response, request

from hexauth.sandbox import bodies
from hexauth.sandbox.faults import STATUSES, Fault

ENDLESS_BYTES = 64 * 1024 * 1024
CHUNK = b" " * 65536

PAGE = "<!doctype html><title>Welcome</title><h1>Please log in to this network</h1>"
"""What a captive portal would say."""

HALF = '{"access_token": "eyJhbGci'

CANNED = {
    "html": (PAGE, "text/html"),
    "empty": ("", bodies.JSON),
    "half-json": (HALF, bodies.JSON),
    "not-object": ('["this", "is", "a", "list"]', bodies.JSON),
}
"""Answers with status 200 that make no sense: body and content type."""

LOST = ("drop", "drop-after", "hang")
"""Faults after which the client has no answer."""

AFTER = ("drop-after", "slow", "bad-uri", "control-code")
"""Faults of requests that are carried out all the same."""

Wait = Callable[[float | None], object]
"""Waits for some seconds, or without end, but no longer than the server runs."""


def instead(fault: Fault, wait: Wait) -> Response | None:
    """Return what is answered in place of doing anything; None for a fault that comes later."""
    if fault.kind in AFTER:
        return None
    if fault.kind in STATUSES:
        return _status(int(fault.kind))
    if fault.kind in ("drop", "hang"):
        if fault.kind == "hang":
            wait(None)
        return drop()
    return _nonsense(fault.kind)


def afterwards(fault: Fault, response: Response, wait: Wait) -> Response:
    """Return what becomes of the answer to a request that has been carried out."""
    if fault.kind == "slow":
        wait(fault.seconds)
    if fault.kind == "drop-after":
        response.close()
        return drop()
    return response


def drop() -> Response:
    """Close the connection; the answer that this returns reaches nobody."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def _status(status: int) -> Response:
    body = {"status": status, "message": "A fault that was asked for"}
    response = answer(body, status)
    if status == 429:
        response.headers["x-ratelimit-limit"] = "100"
        response.headers["x-ratelimit-remaining"] = "0"
        response.headers["x-ratelimit-reset"] = str(int(time.time()) + 60)
    if status == 401:
        response.headers["www-authenticate"] = "Basic realm=hex"
    return response


def _nonsense(kind: str) -> Response:
    if kind in CANNED:
        body, mimetype = CANNED[kind]
        return Response(body, mimetype=mimetype)
    if kind == "cut-off":
        response = Response(HALF, mimetype=bodies.JSON)
        response.headers["Content-Length"] = "4096"
        return response
    if kind == "endless":
        return Response(_endless(), mimetype=bodies.JSON)
    if kind == "redirect":
        return Response(status=307, headers={"Location": _elsewhere()})
    if kind == "slow-down":
        return answer({"error": "slow_down", "error_description": "Slow down"}, 400)
    response = answer({"status": 401, "message": "token expired"}, 401)
    response.headers["www-authenticate"] = f'Bearer realm="hex", error="{kind.replace("-", "_")}"'
    return response


def _endless() -> Iterator[bytes]:
    yield b'{"access_token": "'
    for _ in range(ENDLESS_BYTES // len(CHUNK)):
        yield CHUNK


def _elsewhere() -> str:
    """Another origin: this server by another name."""
    here = urlsplit(request.host_url)
    other = "127.0.0.1" if here.hostname == "localhost" else "localhost"
    return f"{here.scheme}://{other}:{here.port}/elsewhere"


def answer(value: Mapping[str, Any] | list[Any], status: int) -> Response:
    """Return an answer in the form that the request accepts; nobody may store it."""
    kind, body = bodies.encode(request.headers.get("Accept", ""), value)
    return Response(
        body, status, content_type=kind, headers={"Cache-Control": "no-store", "Pragma": "no-cache"}
    )
