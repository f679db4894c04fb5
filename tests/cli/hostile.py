"""What acts on a terminal, a server that sends it, and how a test sees that none comes through."""

import json
import unicodedata
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from itertools import groupby
from typing import Any, Self

from hexauth.machine.terminal import LINE, MARKS, WORD
from tests.serving import Serving

KINDS = {
    "bell": "\a",
    "backspace": "\b",
    "carriage return": "\r",
    "CSI": "\x1b[2J",
    "OSC 52, which fills the clipboard": "\x1b]52;c;ZXZpbA==\x07",
    "OSC 8, which disguises a link": "\x1b]8;;https://evil.example\x1b\\hex.pm\x1b]8;;\x1b\\",
    "DCS": "\x1bP$q\x1b\\",
    "DEL": "\x7f",
    "C1": "\x9b2J\x85",
    "bidirectional": "\u202e\u2066\u200f",
    "zero-width": "\u200b\u200d\ufeff\u034f\u3164",
    "separators": "\u2028\u2029\xa0",
    "tags": "\U000e0041",
    "private": "\ue000",
    "marks": "e" + "\u0301" * 60,
}

EVIL = "".join(KINDS.values())

LONG = EVIL + "A" * 5000


def assert_harmless(output: bytes, sign: str | None = r"\x1b[2J") -> None:
    """Fail if anything in `output` acts on a terminal, is not seen there, or has no end.

    It must hold `sign`, so that what was sent has been shown at all.
    """
    text = output.decode()  # it is UTF-8
    acting = {each for each in text if each != "\n" and unicodedata.category(each)[0] == "C"}
    assert acting == set()
    assert {"\u2028", "\u2029", "\u034f", "\u3164"} & set(text) == set()
    kinds = groupby(text, key=lambda each: unicodedata.category(each) == "Mn")
    assert max((len(list(marks)) for are, marks in kinds if are), default=0) <= MARKS
    assert max(map(len, text.split("\n"))) <= LINE
    assert "A" * (WORD + 1) not in text or "/" in text
    assert sign is None or sign in text, text
    assert "nobody expected" not in text
    assert "Traceback" not in text


def token(subject: str) -> str:
    """Return an access token of which the server says that it is `subject`'s."""
    said = urlsafe_b64encode(json.dumps({"sub": f"user:{subject}"}).encode()).decode().rstrip("=")
    return f"e30.{said}.c2ln"


@dataclass(frozen=True)
class Reply:
    """One answer, byte for byte."""

    status: int = 200
    body: bytes = b""
    reason: bytes = b"OK"
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def saying(cls, status: int = 200, **said: Any) -> Self:
        return cls(status, json.dumps(said).encode())


class Hostile(Serving):
    """A Hex server on loopback whose answers are given: for each end of a path; in a `with` block.

    What is not given is answered as a login that succeeds.
    """

    def __init__(self) -> None:
        super().__init__(_handler(self))
        self.replies: dict[str, Reply] = {}

    def grant(self, **changes: Any) -> Reply:
        """Return the answer to a device authorization request, with `changes`."""
        said = {
            "device_code": "device",
            "user_code": "BCDFGHJK",
            "verification_uri": f"{self.url}/oauth/device",
            "verification_uri_complete": f"{self.url}/oauth/device?user_code=BCDFGHJK",
            "interval": 0.1,
            "expires_in": 600,
        }
        return Reply.saying(**{**said, **changes})

    def reply(self, path: str) -> Reply:
        usual = {
            "/device_authorization": self.grant(),
            "/token": Reply.saying(access_token=token("alice"), refresh_token="r", expires_in=1800),
        }
        found = {**usual, **self.replies}
        return next((found[end] for end in found if path.endswith(end)), Reply.saying(404))


def _handler(hostile: Hostile) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            reply = hostile.reply(self.path.partition("?")[0])
            head = [b"HTTP/1.1 %d %s" % (reply.status, reply.reason)]
            own = ((b"Content-Length", b"%d" % len(reply.body)), (b"Connection", b"close"))
            head += [b"%s: %s" % each for each in (*reply.headers, *own)]
            self.wfile.write(b"\r\n".join([*head, b"", reply.body]))
            self.close_connection = True

        do_POST = do_DELETE = do_GET  # noqa: N815  (as http.server calls them)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name there)
            pass

    return Handler
