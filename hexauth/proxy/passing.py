"""What the proxy does with a request: it goes to the server, and the answer comes back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from hexauth.errors import HexauthError, Unreachable
from hexauth.machine.terminal import Screen
from hexauth.proxy.routes import Routes
from hexauth.proxy.server import Answer, Call
from hexauth.proxy.upstream import Body, Upstream, content, passed_on
from hexauth.world.http import reason
from hexauth.world.urls import origin, split_url

if TYPE_CHECKING:
    import requests


@dataclass
class Passing:
    """Handles the calls of one proxy, whose own address, secret included, is `base`."""

    upstream: Upstream
    routes: Routes
    base: str
    screen: Screen

    def __post_init__(self) -> None:
        self._said: set[str] = set()
        self._guard = Lock()

    def handle(self, call: Call) -> Answer:
        """Return the server's answer, or one that says why there is none."""
        import requests

        body = Body(call.chunks, call.length)
        headers = [each for each in passed_on(call.headers) if self._is_for_server(*each)]
        try:
            answer = self.upstream.send(call.route, call.method, headers, body)
        except requests.Timeout:
            return self._failed(call, 504, "no answer in time")
        except requests.RequestException as error:
            return self._failed(call, 502, reason(error))
        except HexauthError as error:
            return self._unavailable(error)
        finally:
            body.close()
        return Answer(
            answer.status_code,
            self._answered(answer),
            self._content(call, answer),
            answer.reason or "",
        )

    def _is_for_server(self, name: str, value: str) -> bool:
        """Tell whether a header goes along: neither this proxy's name nor its secret does."""
        lower = name.lower()
        is_ours = lower == "authorization" and self.routes.secret in value
        return not is_ours and lower not in ("host", "content-length", "expect")

    def _answered(self, answer: "requests.Response") -> list[tuple[str, str]]:
        headers = passed_on(answer.raw.headers.items())
        return [
            (name, self.routes.here(value, self.base) if name.lower() == "location" else value)
            for name, value in headers
            if re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name)
        ]

    def _content(self, call: Call, answer: "requests.Response") -> Iterator[bytes]:
        if call.method == "HEAD":
            answer.close()
            return
        try:
            yield from content(answer)
        finally:
            answer.close()

    def _failed(self, call: Call, status: int, why: str) -> Answer:
        server = origin(*split_url(call.route.url))
        return self._told(status, f"{server} cannot be reached: {why}.")

    def _unavailable(self, error: HexauthError) -> Answer:
        return self._told(502 if isinstance(error, Unreachable) else 500, f"{error} {error.hint}")

    def _told(self, status: int, what: str) -> Answer:
        """Say what went wrong to the program, and to the person once."""
        with self._guard:
            is_new = what not in self._said
            self._said.add(what)
        if is_new:
            self.screen.say(f"hexauth: {what}")
        line = f"hexauth: {what}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(line))),
        ]
        return Answer(status, headers, iter([line]))
