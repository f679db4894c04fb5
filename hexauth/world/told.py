"""Requests as they are told to whoever has said `--verbose`: nothing that could be a secret."""

import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from hexauth.machine import trace

if TYPE_CHECKING:
    import requests


def masked(url: str) -> str:
    """Return `url` as it is told: without user info, query, or a local proxy's secret."""
    return re.sub(r"/[0-9a-f]{64}(?=/|$)|(?<=//)[^/@]*@|[?#].*", "/…", url)


def told(
    what: str, explain: Callable[[Exception], str], send: "Callable[[], requests.Response]"
) -> "requests.Response":
    """Return the answer to the request `what`, which `send` sends, and tell of it.

    `explain` says in plain words why it has failed.
    """
    if not trace.is_on():
        return send()
    taken = trace.stopwatch()
    try:
        response = send()
    except BaseException as error:
        why = explain(error) if isinstance(error, Exception) else "given up"
        trace.tell(f"{what}: {why} ({taken()})")
        raise
    trace.tell(f"{what}: {_answered(response)} ({taken()})")
    return response


def _answered(response: "requests.Response") -> str:
    """Say which status came, of what length and kind, and how far apart the clocks are.

    Nothing is repeated as it came: a server could send back a secret.
    """
    headers = response.headers
    said = [str(response.status_code)]
    if (length := headers.get("Content-Length", "")).isdecimal():
        said.append(f"{int(length[:15])} bytes")
    kind = headers.get("Content-Type", "").partition(";")[0]
    said += [kind] if kind in KINDS else []
    ahead = clock_ahead(headers)
    said += [] if ahead is None else [f"its clock {ahead:+.0f} s"]
    return ", ".join(said)


KINDS = ("application/json", "application/vnd.hex+json", "application/vnd.hex+erlang", "text/html")
"""The kinds of content that are told."""


def clock_ahead(headers: Mapping[str, str]) -> float | None:
    """Return by how many seconds a server's clock is ahead of ours, or None if it does not say."""
    from email.utils import parsedate_to_datetime  # 7 ms

    try:
        return parsedate_to_datetime(headers["Date"]).timestamp() - time.time()
    except (KeyError, ValueError, OverflowError):
        return None
