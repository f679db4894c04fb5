"""What the proxy does with a request: it goes to the server, and the answer comes back."""

import re
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from hexauth.errors import HexauthError, Unreachable
from hexauth.machine.terminal import Screen, shown
from hexauth.proxy.routes import Routes
from hexauth.proxy.server import Answer, Call
from hexauth.proxy.upstream import Body, Upstream, content, passed_on
from hexauth.world.distrust import fault
from hexauth.world.http import reason
from hexauth.world.urls import origin, split_url

if TYPE_CHECKING:
    import requests


FIELD_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

BREAKS = re.compile(r"[ \t]*[\r\n\0\v\f]+[ \t]*")
"""What is read as a space where it stands in a header (RFC 9112 section 5.2)."""


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
            found = fault(error)
            return self._failed(call, 502, reason(error), "" if found is None else found.advice)
        except HexauthError as error:
            return self._unavailable(call, error)
        finally:
            body.close()
        if not _makes_sense(answer):
            answer.close()
            return self._failed(call, 502, "the answer makes no sense")
        return Answer(
            answer.status_code,
            self._answered(call, answer),
            iter(()) if call.method == "HEAD" else content(answer),
            _line(answer.reason or ""),
            answer.close,
        )

    def _is_for_server(self, name: str, value: str) -> bool:
        """Tell whether a header goes along: neither this proxy's name nor its secret does."""
        is_ours = self.routes.secret in value  # in `Authorization`, or in `Referer`
        return not is_ours and name.lower() not in ("host", "content-length", "expect")

    def _answered(self, call: Call, answer: "requests.Response") -> list[tuple[str, str]]:
        found = []
        is_chunked = "transfer-encoding" in answer.raw.headers
        for name, value in passed_on(answer.raw.headers.items()):
            said = _line(value)
            if name.lower() == "location":
                said = self.routes.here(said, call.route.url, self.base)
            is_void = is_chunked and name.lower() == "content-length"  # RFC 9112 section 6.3
            if FIELD_NAME.fullmatch(name) and not is_void:
                found.append((name, said))
        return found

    def _failed(self, call: Call, status: int, why: str, advice: str = "") -> Answer:
        server = origin(*split_url(call.route.url))
        return self._told(call, status, f"{server} cannot be reached: {why}. {advice}".rstrip())

    def _unavailable(self, call: Call, error: HexauthError) -> Answer:
        status = 502 if isinstance(error, Unreachable) else 500
        return self._told(call, status, f"{error} {error.hint}")

    def _told(self, call: Call, status: int, what: str) -> Answer:
        """Say what went wrong to the program, and to the person once."""
        with self._guard:
            is_new = what not in self._said
            self._said.add(what)
        if is_new:
            self.screen.say(f"hexauth: {what}")
        line = f"{shown(f'hexauth: {what}')}\n".encode()
        headers = [
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Length", str(len(line))),
        ]
        return Answer(status, headers, iter([] if call.method == "HEAD" else [line]))


def _makes_sense(answer: "requests.Response") -> bool:
    """Tell whether an answer is one, and the end of its body is where everybody looks for it."""
    from urllib3.exceptions import HeaderParsingError
    from urllib3.util.response import assert_header_parsing

    headers = answer.raw.headers
    original: Any = answer.raw._original_response
    try:
        assert_header_parsing(original.msg)
    except HeaderParsingError:
        return False
    lengths = set(headers.getlist("content-length"))
    is_clear = len(lengths) <= 1 and all(re.fullmatch("[0-9]{1,18}", each) for each in lengths)
    coding = headers.get("transfer-encoding", "chunked").lower()
    return answer.status_code >= 200 and is_clear and coding == "chunked"


def _line(text: str) -> str:
    """Return what a server said in its head, in one line."""
    return BREAKS.sub(" ", text).strip(" \t")
