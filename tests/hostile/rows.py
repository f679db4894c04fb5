"""The rows: what a hostile or broken server answers, and what has to come of it."""

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.hostile.server import Answer, Drip, Flood, Pause, Reset, http, said

DEVICE_CODE = "device-code-S3CRET"
KEY = "0123456789abcdef0123456789abcdef"

GRANT: dict[str, Any] = {
    "device_code": DEVICE_CODE,
    "user_code": "BCDFGHJK",
    "verification_uri": "https://hex.example/device",
    "interval": 0.1,
    "expires_in": 60,
}

NEW: dict[str, Any] = {
    "access_token": "new-access-S3CRET",
    "refresh_token": "new-refresh-S3CRET",
    "token_type": "bearer",
    "expires_in": 3600,
    "scope": "api",
}

METADATA: dict[str, Any] = {
    "issuer": "{here}",
    "device_authorization_endpoint": "{here}/device_authorization",
    "token_endpoint": "{here}/token",
    "revocation_endpoint": "{here}/revoke",
    "userinfo_endpoint": "{here}/userinfo",
}

PENDING = said({"error": "authorization_pending"}, "400 Bad Request")


def metadata(**changes: Any) -> bytes:
    """Return the server's metadata, whose length grows with the address put in."""
    body = json.dumps({**METADATA, **changes}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body


GOOD: Mapping[str, Sequence[Answer]] = {
    "device": [(said(GRANT),)],
    "poll": [(said(NEW),)],
    "refresh": [(said(NEW),)],
    "exchange": [(said(NEW),)],
    "user": [(said({"username": "alice"}),)],
    "revoke": [(said({}),)],
    "metadata": [(metadata(),)],
    "openid": [(http(b"", "404 Not Found"),)],
    "api": [(said([1]),)],
    "other": [(http(b"", "404 Not Found"),)],
}
"""What the server answers where a row does not say otherwise."""

LOGIN = ("login", "--force", "--no-browser")
ELSEWHERE = ("login", "{here}", "--client-id", "me", "--no-browser")

COMMANDS: Mapping[str, tuple[str, ...]] = {
    "device": LOGIN,
    "poll": LOGIN,
    "refresh": ("get", "hexpm", "--format", "token", "--no-login"),
    "exchange": ("key", "add", "hexpm:acme"),
    "user": ("login", "--with-token"),
    "revoke": ("logout",),
    "metadata": ELSEWHERE,
    "api": ("api", "things"),
}
"""The command that asks at each endpoint."""


@dataclass(frozen=True)
class Row:
    """One answer, and what comes of it.

    `codes` are the exit codes that are right; `kept` which login may be in the vault afterwards:
    the old one, the new one, or none.
    """

    name: str
    endpoint: str
    answers: Sequence[Answer]
    codes: tuple[int, ...] = (6,)
    kept: tuple[str, ...] = ("old",)
    words: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    never_says: tuple[str, ...] = ()
    then_status: bool = False
    life: float = 60
    """The seconds for which the code is good, where the row says nothing else of it."""
    slow: bool = False
    """Whether it takes seconds, because only the deadline ends it."""
    again: bool = False
    """Whether it is much like a row before it, at another endpoint."""


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
TOKEN = json.dumps(NEW).encode()
ZEROS = gzip.compress(bytes(32 * 1024 * 1024))
SPACES = gzip.compress(b" " * 32 * 1024 * 1024 + TOKEN)
NEST = 500_000


def zipped(body: bytes, coding: str = "gzip") -> bytes:
    return http(body, "200 OK", f"Content-Encoding: {coding}")


WIRE: Mapping[str, Answer] = {
    "nothing, and the connection closes": (),
    "the connection is reset": (Reset(),),
    "nothing at all": (Pause(),),
    "bytes that are no HTTP": (bytes(range(256)) * 20,),
    "HTTP/0.9": (TOKEN,),
    "HTTP/9.9": (b"HTTP/9.9 200 OK\r\n\r\n" + TOKEN[:9],),
    "ICY": (b"ICY 200 OK\r\n\r\n",),
    "a status that is no number": (b"HTTP/1.1 abc OK\r\n\r\n",),
    "a status of 7": (b"HTTP/1.1 7 OK\r\n\r\n",),
    "a status of 1000": (b"HTTP/1.1 1000 OK\r\n\r\n",),
    "a negative status": (b"HTTP/1.1 -200 OK\r\n\r\n",),
    "a status line without end": (b"HTTP/1.1 200 ", Flood(b"O")),
    "a reason with control characters": (b"HTTP/1.1 500 \x1b[2J\x1b]0;x\x07\x00\r\n\r\n",),
    "a status line that drips": (Drip(b"HTTP/1.1 200 OK"),),
    "a status line that is half": (b"HTTP/1.1 20",),
    "headers that drip": (b"HTTP/1.1 200 OK\r\n", Drip(b"X: y\r\n", 0.1)),
    "one header that drips": (b"HTTP/1.1 200 OK\r\nX: ", Drip(b"y")),
    "one header without end": (b"HTTP/1.1 200 OK\r\nX: ", Flood(b"y")),
    "headers without end": (b"HTTP/1.1 200 OK\r\n", Flood(b"X: y\r\n")),
    "101 long headers": (b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"y" * 60_000 + b"\r\n") * 101,),
    "headers that break off": (HEAD,),
    "headers that are none": (b"HTTP/1.1 200 OK\r\n: \r\n \r\nx\r\n\x00:\x00\r\n\r\n",),
    "100 without end": (Flood(b"HTTP/1.1 100 Continue\r\n\r\n"),),
    "103 without end": (Flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),),
    "100 that drips": (Drip(b"HTTP/1.1 100 Continue\r\n\r\n", 0.05),),
    "101": (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n",),
    "206": (http(TOKEN[:20], "206 Partial Content"),),
    "304": (b"HTTP/1.1 304 Not Modified\r\n\r\n",),
    "300 without a location": (http(b"", "300 Multiple Choices"),),
    "307 to itself": (http(b"", "307 X", "Location: ?x"),),
    "307 to another origin": (http(b"", "307 X", "Location: http://127.0.0.1:9/x"),),
    "307 to an address that is none": (http(b"", "307 X", "Location: http://[::1/x"),),
    "307 to a port that is none": (http(b"", "307 X", "Location: http://127.0.0.1:99999/"),),
    "307 to javascript:": (http(b"", "307 X", "Location: javascript:alert(1)"),),
    "307 to file:": (http(b"", "307 X", "Location: file:///etc/passwd"),),
    "307 to bytes": (http(b"", "307 X", "Location: \xff\xfe\x80\x1b[2J"),),
    "307 to a long address": (http(b"", "307 X", "Location: /" + "a" * 60_000),),
    "307 with a body without end": (b"HTTP/1.1 307 X\r\nLocation: /x\r\n\r\n", Flood(b"y")),
    "302 with a body that is a bomb": (
        http(ZEROS, "302 X", "Location: /x", "Content-Encoding: gzip"),
    ),
    "302 to another origin": (http(b"", "302 X", "Location: http://127.0.0.1:9/x"),),
    "400 with an error of control characters": (said({"error": "\x1b[2J\n"}, "400 X"),),
    "400 with an error that is a list": (said({"error": ["x"]}, "400 X"),),
    "400 that is HTML": (http(b"<html>\x1b[31m", "400 X", kind="text/html"),),
    "404": (http(b"", "404 Not Found"),),
    "418 with a body without end": (b"HTTP/1.1 418 X\r\n\r\n", Flood(b"y")),
    "429": (http(b"slow down", "429 X", "Retry-After: 999999999999"),),
    "500": (http(b"\x1b[2J", "500 X"),),
    "503": (said({"error": "x"}, "503 X"),),
    "599": (http(b"", "599 X"),),
    "a length that is too long": (HEAD + b"Content-Length: 9999\r\n\r\n" + TOKEN,),
    "a length that is beyond numbers": (HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{",),
    "a length that is too short": (HEAD + b"Content-Length: 20\r\n\r\n" + TOKEN,),
    "two lengths": (HEAD + b"Content-Length: 20\r\nContent-Length: 9\r\n\r\n" + TOKEN,),
    "a body without end": (HEAD + b"\r\n", Flood(b" ")),
    "a body of zeros without end": (HEAD + b"\r\n", Flood(b"\0")),
    "a long body, with its length": (HEAD + b"Content-Length: 200000000\r\n\r\n", Flood(b"[")),
    "a body that drips, with its length": (HEAD + b"Content-Length: 100000\r\n\r\n", Drip(b" ")),
    "a body that drips": (HEAD + b"\r\n", Drip(b" ")),
    "a body that pauses": (HEAD + b"Content-Length: 300\r\n\r\n{", Pause()),
    "a chunked body that drips": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        Drip(b"1\r\n \r\n", 0.1),
    ),
    "a chunk that is half": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{",),
    "a chunk of no size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{",),
    "a chunk of a negative size": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n",),
    "a chunk of -1, without end": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        Flood(b"x"),
    ),
    "a chunk of a huge size": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 300 + b"\r\n",
        Flood(b"x"),
    ),
    "a chunk's size without end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", Flood(b"0")),
    "a chunk's extension without end": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n1;",
        Flood(b"x"),
    ),
    "trailers that drip": (
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
        Drip(b"X: y\r\n", 0.05),
    ),
    "tiny chunks without end": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", Flood(b"1\r\n[\r\n")),
    "a coding of transfer that is unknown": (HEAD + b"Transfer-Encoding: x\r\n\r\n\x1b",),
    "a gzip bomb": (zipped(ZEROS),),
    "a gzip bomb of a token": (zipped(SPACES),),
    "a gzip bomb in a bomb": (zipped(gzip.compress(ZEROS), "gzip, gzip"),),
    "gzip in 10 layers": (zipped(TOKEN, ", ".join(["gzip"] * 10)),),
    "gzip that is none": (zipped(TOKEN),),
    "gzip that is half": (zipped(gzip.compress(TOKEN)[:60]),),
    "deflate that is a bomb": (zipped(zlib.compress(bytes(32 * 1024 * 1024)), "deflate"),),
    "brotli": (zipped(TOKEN, "br"),),
    "a coding of control characters": (zipped(TOKEN, "\x1b[2J"),),
    "an empty body": (http(b""),),
    "a body of one space": (http(b" "),),
    "a body of NUL bytes": (http(bytes(1000)),),
    "HTML": (http(b"<!doctype html>\x1b[2J<p>Welcome", kind="text/html"),),
    "JSON that is half": (http(TOKEN[:40]),),
    "JSON twice": (http(TOKEN + TOKEN),),
    "lists in lists in lists": (http(b"[" * NEST + b"]" * NEST),),
    "objects in objects in objects": (http(b'{"a":' * 150_000 + b"1" + b"}" * 150_000),),
    "a MiB of empty lists": (http(b"[" + b"[]," * 340_000 + b"[]]"),),
    "a MiB of small objects": (http(b"[" + b'{"":0},' * 140_000 + b"{}]"),),
    "a number of many digits": (http(b'{"expires_in": ' + b"9" * 100_000 + b"}"),),
    "a list": (said([NEW]),),
    "a text": (said("access_token"),),
    "a number": (said(7),),
    "null": (said(None),),
    "UTF-16 that is half": (http(json.dumps(NEW).encode("utf-16")[:31]),),
    "bytes that are not UTF-8": (http(b'{"access_token": "\xff\xfe"}'),),
    "an Erlang term": (
        http(
            b"\x83t\x00\x00\x00\x01m\x00\x00\x00\x01am\x00\x00\x00\x01b",
            kind="application/vnd.hex+erlang",
        ),
    ),
    "an Erlang term that says it is huge": (
        http(b"\x83m\xff\xff\xff\xff", kind="application/vnd.hex+erlang"),
    ),
    "a packed Erlang term": (
        http(
            b"\x83P\xff\xff\xff\xff" + zlib.compress(bytes(10**7)),
            kind="application/vnd.hex+erlang",
        ),
    ),
    "Erlang lists in lists": (
        http(b"\x83" + b"l\x00\x00\x00\x01" * 100_000, kind="application/vnd.hex+erlang"),
    ),
    "a form of many fields": (http(b"a=b&" * 250_000, kind="application/x-www-form-urlencoded"),),
    "a form of one long name": (http(b"a" * 10**6, kind="application/x-www-form-urlencoded"),),
}
"""What is wrong whatever was asked for."""

SLOW = ("tiny chunks", " drip", "nothing at all", "that pauses", "body that drips")
"""What of them only the deadline ends."""

TWOHUNDRED = {
    "204",
    "206",
    "an empty body",
    "a body of one space",
    "a body of NUL bytes",
    "HTML",
    "JSON that is half",
    "JSON twice",
    "a length that is too short",
    "a list",
    "a text",
    "null",
    "lists in lists in lists",
    "a MiB of empty lists",
    "a number of many digits",
    "bytes that are not UTF-8",
    "an Erlang term that says it is huge",
    "a form of many fields",
    "headers that are none",
}
"""Which of them say yes, so that a poll is not repeated."""

ON_POLL = (
    *sorted(TWOHUNDRED),
    "503",
    "429",
    "the connection is reset",
    "404",
    "a body that drips",
    "a gzip bomb",
    "307 to itself",
)
ON_DEVICE = (
    "nothing at all",
    "a body that drips, with its length",
    "a gzip bomb of a token",
    "HTML",
    "an empty body",
    "headers without end",
    "400 with an error of control characters",
    "307 to another origin",
    "103 without end",
    "a chunk's size without end",
    "a MiB of small objects",
    "a form of many fields",
    "500",
)
ON_EXCHANGE = (
    "headers that drip",
    "a gzip bomb",
    "503",
    "null",
    "a body without end",
    "307 to javascript:",
    "204",
)
ON_USER = (
    "one header without end",
    "HTML",
    "a list",
    "a gzip bomb",
    "a body that drips",
    "302 to another origin",
    "500",
    "lists in lists in lists",
    "400 that is HTML",
    "a coding of control characters",
)
ON_REVOKE = (
    "nothing at all",
    "500",
    "HTML",
    "a body that drips",
    "a reason with control characters",
    "a gzip bomb",
    "307 to itself",
    "400 with an error of control characters",
    "100 without end",
)
ON_METADATA = (
    "a status line that drips",
    "a body without end",
    "503",
    "a gzip bomb of a token",
    "307 to itself",
    "307 to another origin",
    "the connection is reset",
)
NO_METADATA = (
    "HTML",
    "404",
    "lists in lists in lists",
    "a MiB of small objects",
    "null",
    "bytes that are not UTF-8",
    "204",
)
ON_API = (
    "nothing, and the connection closes",
    "nothing at all",
    "a status line that drips",
    "one header that drips",
    "a body that drips",
    "a body that drips, with its length",
    "a chunked body that drips",
    "a body without end",
    "a long body, with its length",
    "a gzip bomb",
    "a gzip bomb in a bomb",
    "tiny chunks without end",
    "a chunk's extension without end",
    "100 without end",
    "headers without end",
    "418 with a body without end",
    "307 to itself",
    "307 to an address that is none",
    "307 to a port that is none",
)


ALIKE = (
    "HTTP/9.9",
    "ICY",
    "a status of 7",
    "a status of 1000",
    "a negative status",
    "a status line that is half",
    "one header without end",
    "206",
    "304",
    "300 without a location",
    "307 to a port that is none",
    "307 to file:",
    "302 to another origin",
    "400 with an error that is a list",
    "400 that is HTML",
    "500",
    "599",
    "a length that is too long",
    "a body of zeros without end",
    "a long body, with its length",
    "gzip that is half",
    "deflate that is a bomb",
    "an empty body",
    "a body of one space",
    "JSON twice",
    "a text",
    "a number",
    "objects in objects in objects",
    "an Erlang term",
    "a packed Erlang term",
)
"""What is much like another."""

ONCE_MORE = ("a gzip bomb", "a body without end", "418 with a body without end", "100 without end")
"""Which of those for `api` are run where only some are."""


def wire(endpoint: str, name: str, *codes: int, **more: Any) -> Row:
    slow = any(part in f" {name}" for part in SLOW)
    answers: Sequence[Answer] = [WIRE[name]]
    again = name in ALIKE or (
        endpoint != "refresh" and not (endpoint == "api" and name in ONCE_MORE)
    )
    return Row(name, endpoint, answers, codes or (6,), **{"slow": slow, "again": again, **more})


def on_poll(name: str) -> Row:
    if name in TWOHUNDRED:
        return wire("poll", name, says=("The code has probably been spent on it.",))
    return wire(
        "poll", name, 5, slow=True, life=4, says=("It is asked again until the code expires",)
    )


def grant(name: str, *codes: int, **changes: Any) -> Row:
    facts = {key: value for key, value in {**GRANT, **changes}.items() if value is not ...}
    return Row(f"{name}", "device", [(said(facts),)], codes or (6,))


def raw_grant(name: str, body: str, *codes: int, **more: Any) -> Row:
    return Row(name, "device", [(http(body.encode()),)], codes or (6,), **more)


WEB = "https://hex.example/device"
GRANTS = (
    grant("no device code", device_code=...),
    grant("a device code that is empty", device_code=""),
    grant("a device code that is a list", device_code=["x"]),
    grant("a device code with a line end", device_code="a\r\nX: y"),
    grant("a device code of a MiB", device_code="a" * 1_000_000),
    grant("no user code", user_code=...),
    grant("a user code that repaints", user_code="\x1b[2JBCDF"),
    grant("a user code that turns around", user_code="\u202eBCDF"),
    grant("a user code that is a number", user_code=12345678),
    grant("no address", verification_uri=...),
    grant("an address that is javascript:", verification_uri="javascript:alert(1)"),
    grant("an address that is file:", verification_uri="file:///etc/passwd"),
    grant("an address with a line end", verification_uri=f"{WEB}\nhttps://evil.example"),
    grant("an address with control characters", verification_uri=f"{WEB}\x1b]8;;x\x07"),
    grant("an address of a MiB", verification_uri=WEB + "a" * 1_000_000),
    grant("a complete address that is a list", verification_uri_complete=[]),
    grant("a complete address that is an option", verification_uri_complete="--help"),
    grant("an interval that is a text", interval="soon"),
    grant("an interval that is negative", interval=-1),
    grant("an interval that is true", interval=True),
    grant("an interval that is a list", interval=[5]),
    grant("an interval that is null", interval=None),
    raw_grant("an interval of 400 digits", json.dumps({**GRANT, "interval": 10**400})),
    raw_grant("an interval that is NaN", json.dumps({**GRANT, "interval": float("nan")})),
    raw_grant("an expiry that is Infinity", json.dumps({**GRANT, "expires_in": float("inf")})),
    raw_grant("an expiry of 1e400", json.dumps({**GRANT, "expires_in": 0})[:-2] + "1e400}"),
    grant("an expiry that is negative", expires_in=-600),
    grant("an expiry of 0", 5, expires_in=0),
    Row(
        "an expiry of half a second, and a longer interval",
        "device",
        [(said({**GRANT, "expires_in": 0.5, "interval": 10**8}),)],
        (0, 5),
        ("new", "old"),
    ),
    Row(
        "a fraction for an interval, and a BOM",
        "device",
        [(http(b"\xef\xbb\xbf" + json.dumps({**GRANT, "interval": 0.25}).encode()),)],
        (0,),
        ("new",),
    ),
    Row(
        "numbers as text, duplicate keys, keys nobody knows",
        "device",
        [
            (
                http(
                    json.dumps({**GRANT, "x" * 9000: {}, "interval": "0.1"})[:-1].encode()
                    + b', "user_code": "ZZZZZZZZ"}'
                ),
            )
        ],
        (0,),
        ("new",),
        says=("ZZZZ-ZZZZ",),
    ),
    Row(
        "a grant that is UTF-16",
        "device",
        [(http(json.dumps(GRANT).encode("utf-16")),)],
        (0,),
        ("new",),
    ),
    Row(
        "a charset that nobody knows",
        "device",
        [(http(json.dumps(GRANT).encode(), kind="application/json; charset=x\x1b"),)],
        (0,),
        ("new",),
    ),
    Row(
        "cookies",
        "device",
        [
            (
                said(
                    GRANT,
                    "200 OK",
                    "Set-Cookie: a=S3CRET; Path=/",
                    "Set-Cookie: b=2; Domain=.127.0.0.1",
                ),
            )
        ],
        (0,),
        ("new",),
    ),
    Row(
        "90 long cookies",
        "device",
        [(said(GRANT, "200 OK", *["Set-Cookie: a=" + "b; c=" * 10_000] * 90),)],
        (0,),
        ("new",),
    ),
)


def token(name: str, *codes: int, **changes: Any) -> tuple[Row, ...]:
    facts = {key: value for key, value in {**NEW, **changes}.items() if value is not ...}
    return token_body(name, json.dumps(facts).encode(), *codes)


def token_body(name: str, body: bytes, *codes: int) -> tuple[Row, ...]:
    """Return what comes of it at a poll and at a refresh: an error that keeps the old login."""
    spent = ("The code has probably been spent on it.",)
    return (
        Row(name, "poll", [(http(body),)], says=spent, again=True),
        Row(name, "refresh", [(http(body),)]),
    )


def accepted(name: str, endpoint: str, **changes: Any) -> Row:
    return Row(name, endpoint, [(said({**NEW, **changes}),)], (0,), ("new",), then_status=True)


TOKENS = (
    *token("no access token", access_token=...),
    *token("an access token that is null", access_token=None),
    *token("an access token that is empty", access_token=""),
    *token("an access token that is an object", access_token={"a": 1}),
    *token("an access token with a line end", access_token="a\nexport X=y"),
    *token("an access token with NUL", access_token="a\0b"),
    *token("an access token that is not ASCII", access_token="tök"),
    *token("an access token of 100,000 characters", access_token="a" * 100_000),
    *token("a refresh token with a line end", refresh_token="r\nq"),
    *token("a refresh token that is a number", refresh_token=7),
    *token("a refresh token that is empty", refresh_token=""),
    *token("a life that is negative", expires_in=-1),
    *token("a life that is a text", expires_in="long"),
    *token("a life that is an object", expires_in={}),
    *token("a life that is true", expires_in=True),
    *token("a life of 10**12 seconds", expires_in=10**12),
    *token_body("a life of 400 digits", json.dumps({**NEW, "expires_in": 10**400}).encode()),
    *token_body("a life that is NaN", json.dumps({**NEW, "expires_in": float("nan")}).encode()),
    *token_body(
        "a life that is -Infinity", json.dumps({**NEW, "expires_in": -float("inf")}).encode()
    ),
    accepted("a scope that is a list", "poll", scope=["api"]),
    accepted("a scope that repaints", "refresh", scope="\x1b[2Japi \ud800"),
    accepted("a scope of a MiB", "refresh", scope="api " * 250_000),
    accepted("a life of a fraction", "refresh", expires_in=3600.75),
    accepted("a life in text", "poll", expires_in="3600"),
    accepted("a type of token that is an object", "refresh", token_type={"\x1b": 1}),
    accepted("a JWT of nonsense", "poll", access_token="a.eyJzdWIiOiJ1c2VyOlx1MDAxYlsySiJ9.c"),
    accepted("a JWT of lists in lists", "refresh", access_token="a." + "W1tb" * 10_000 + ".c"),
    Row(
        "no life, no refresh token, no scope",
        "refresh",
        [(said({"access_token": "new"}),)],
        (0,),
        ("old",),
    ),
    Row("a life of 0", "refresh", [(said({**NEW, "expires_in": 0}),)], (0,), ("new",)),
    Row("an error beside the token", "refresh", [(said({**NEW, "error": "x"}),)]),
    Row("an error of an object", "refresh", [(said({**NEW, "error": {}}),)]),
    Row(
        "duplicate keys: the last counts",
        "refresh",
        [(http(b'{"access_token": "\\n",' + TOKEN[1:]),)],
        (0,),
        ("new",),
    ),
    Row(
        "invalid_grant", "refresh", [(said({"error": "invalid_grant"}, "400 X"),)], (3,), ("none",)
    ),
    Row(
        "invalid_grant with a status of 500",
        "refresh",
        [(said({"error": "invalid_grant"}, "500 X"),)],
    ),
    Row("invalid_grant in a list", "refresh", [(said([{"error": "invalid_grant"}], "400 X"),)]),
    Row("invalid_client", "refresh", [(said({"error": "invalid_client"}, "401 X"),)]),
    Row(
        "invalid_grant that breaks off",
        "refresh",
        [(HEAD.replace(b"200", b"400") + b'Content-Length: 99\r\n\r\n{"error": "invalid_grant"}',)],
    ),
    Row(
        "a length beside chunks",
        "refresh",
        [
            (
                HEAD
                + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n" % len(TOKEN)
                + TOKEN
                + b"\r\n0\r\n\r\n",
            )
        ],
        (0,),
        ("new",),
    ),
    Row("a token in gzip", "refresh", [(zipped(gzip.compress(TOKEN)),)], (0,), ("new",)),
    Row(
        "a token in deflate",
        "refresh",
        [(zipped(zlib.compress(TOKEN), "deflate"),)],
        (0,),
        ("new",),
    ),
    Row(
        "a token as a form",
        "refresh",
        [
            (
                http(
                    b"access_token=new-access-S3CRET&refresh_token=new-refresh-S3CRET&expires_in=60",
                    kind="application/x-www-form-urlencoded",
                ),
            )
        ],
        (0,),
        ("new",),
    ),
    Row(
        "a token behind two 103",
        "refresh",
        [(b"HTTP/1.1 103 X\r\nLink: y\r\n\r\n" * 2 + said(NEW),)],
        (0,),
        ("new",),
    ),
    Row(
        "a token behind a 307 with cookies",
        "refresh",
        [
            (http(b"", "307 X", "Location: /api/oauth/token", "Set-Cookie: a=b; Path=/"),),
            (said(NEW),),
        ],
        (0,),
        ("new",),
    ),
    Row(
        "307 after 307, each in time",
        "refresh",
        [(Pause(0.7), http(b"", "307 X", "Location: ?x"))],
        says=("no answer in time",),
        slow=True,
    ),
    Row(
        "a token, and then a flood",
        "refresh",
        [(said(NEW), Flood(b"HTTP/1.1 200 OK\r\n\r\n"))],
        (0,),
        ("new",),
    ),
    Row("access_denied", "poll", [(said({"error": "access_denied"}, "403 X"),)], (4,)),
    Row("expired_token", "poll", [(said({"error": "expired_token"}, "400 X"),)], (5,)),
    Row("an error nobody knows", "poll", [(said({"error": "a b c"}, "400 X"),)], (4,)),
    Row(
        "authorization_pending for ever",
        "poll",
        [(PENDING,)],
        (5,),
        never_says=("asked again",),
        life=2,
    ),
    Row(
        "pending with a status of 200",
        "poll",
        [(said({"error": "authorization_pending"}),), (said(NEW),)],
        (0,),
        ("new",),
    ),
    Row(
        "two 503, then a token",
        "poll",
        [(http(b"", "503 X"),), (http(b"", "503 X"),), (said(NEW),)],
        (0,),
        ("new",),
        says=("status 503", "It is asked again until the code expires, in "),
    ),
    Row(
        "429, pending, a reset, then a token",
        "poll",
        [(http(b"", "429 X"),), (PENDING,), (Reset(),), (said(NEW),)],
        (0,),
        ("new",),
        says=("asked again",),
    ),
    Row(
        "half a token, then a token",
        "poll",
        [(HEAD + b"Content-Length: 999\r\n\r\n" + TOKEN,), (said(NEW),)],
        (0,),
        ("new",),
        says=("the answer broke off", "asked again"),
    ),
)

USERS = (
    Row(
        "a user whose name repaints",
        "user",
        [(said({"username": "\x1b[2J"}),)],
        (0,),
        ("new",),
        then_status=True,
    ),
    Row(
        "a user whose name is a list",
        "user",
        [(said({"username": []}),)],
        (0,),
        ("new",),
        then_status=True,
    ),
    Row(
        "a user whose name is a MiB",
        "user",
        [(said({"username": "a" * 1_000_000}),)],
        (0,),
        ("new",),
        then_status=True,
    ),
    Row(
        "a user whose name is half a character",
        "user",
        [(said({"username": "\ud800"}),)],
        (0,),
        ("new",),
        then_status=True,
    ),
    Row("a key that is refused", "user", [(said({}, "401 X"),)], (4,)),
    Row(
        "userinfo of control characters",
        "user",
        [(said({"sub": "\x1b[2J", "nickname": 7}),)],
        (0,),
        words=ELSEWHERE,
        then_status=True,
    ),
    Row(
        "userinfo without end",
        "user",
        [(HEAD + b"\r\n", Flood(b" "))],
        (0,),
        words=ELSEWHERE,
        then_status=True,
    ),
    Row(
        "userinfo that drips",
        "user",
        [(HEAD + b"\r\n", Drip(b" "))],
        (0,),
        words=ELSEWHERE,
        slow=True,
    ),
    Row(
        "a key that is exchanged for another error",
        "exchange",
        [(said({"error": "\x1b"}, "401 X"),)],
    ),
    Row(
        "a key that is refused in an exchange",
        "exchange",
        [(said({"error": "invalid_client"}, "401 X"),)],
        (4,),
    ),
    Row("an exchange for no token", "exchange", [(said({**NEW, "access_token": "\n"}),)]),
    Row("an exchange for a life of NaN", "exchange", [(http(TOKEN.replace(b"3600", b"NaN")),)]),
)


def published(name: str, *codes: int, **changes: Any) -> Row:
    return Row(name, "metadata", [(metadata(**changes),)], codes or (6,), words=ELSEWHERE)


PUBLISHED = (
    published("metadata of another issuer", 2, issuer="https://evil.example"),
    published("an issuer that is a list", 2, issuer=[]),
    published("an issuer of control characters", 2, issuer="\x1b[2J"),
    published("no token endpoint", 2, token_endpoint=None),
    published("an endpoint that is a number", token_endpoint=7),
    published("an endpoint that is file:", token_endpoint="file:///etc/passwd"),
    published("an endpoint of control characters", token_endpoint="https://a/\x1b[2J"),
    published("an endpoint whose host is none", token_endpoint="https://[::1/"),
    published("an endpoint without TLS elsewhere", 2, token_endpoint="http://hex.example/token"),
    published("a userinfo endpoint that is a list", userinfo_endpoint=["x"]),
    published("a revocation endpoint that is javascript:", revocation_endpoint="javascript:1"),
)

PAGES = ("api", "things", "--paginate")


def api(name: str, answers: Sequence[Answer], *codes: int, words: tuple[str, ...] = ()) -> Row:
    return Row(name, "api", answers, codes or (6,), ("old", "new"), words)


APIS = (
    api(
        "401 with a body without end",
        [
            (
                b'HTTP/1.1 401 X\r\nWWW-Authenticate: Bearer error="invalid_token"\r\n\r\n',
                Flood(b"x"),
            ),
            (said([]),),
        ],
        0,
        1,
        3,
        6,
    ),
    api(
        "401 with a bomb",
        [
            (
                http(
                    ZEROS,
                    "401 X",
                    'WWW-Authenticate: Bearer error="invalid_token"',
                    "Content-Encoding: gzip",
                ),
            ),
            (said([]),),
        ],
        0,
        1,
        3,
        6,
    ),
    api(
        "401 for ever",
        [(http(b"", "401 X", 'WWW-Authenticate: Bearer error="invalid_token"'),)],
        1,
        3,
    ),
    api(
        "a challenge of 60,000 characters",
        [(http(b"", "401 X", "WWW-Authenticate: " + 'Bearer a="' * 6000),)],
        1,
    ),
    api(
        "a one-time password for ever",
        [(http(b"", "401 X", 'WWW-Authenticate: Bearer error="totp_required"'),)],
        3,
    ),
    api(
        "a message of control characters",
        [(said({"message": "\x1b[2J\n\u202e" * 900}, "422 X"),)],
        1,
    ),
    api("a message that is a list", [(said({"message": []}, "422 X"),)], 1),
    api("an error of lists in lists", [(http(b"[" * 900_000, "400 X"),)], 1),
    api("an error that is a bomb", [(http(ZEROS, "500 X", "Content-Encoding: gzip"),)]),
    api(
        "headers that repaint",
        [(said([], "200 \x1b[2J", "X: \x1b[2J\x9b"),)],
        0,
        words=("api", "things", "-i"),
    ),
    api(
        "a next page that is the first",
        [(said([1], "200 OK", 'Link: <{here}/api/things>; rel="next"'),)],
        0,
        words=("api", "things"),
    ),
    api(
        "a next page elsewhere",
        [(said([1], "200 OK", 'Link: <https://evil.example/>; rel="next"'),)],
        words=PAGES,
    ),
    api(
        "a next page that is no address",
        [(said([1], "200 OK", 'Link: <http://[::1>; rel="next"'),)],
        words=PAGES,
    ),
    api(
        "a Link of 60,000 characters",
        [(said([1], "200 OK", "Link: " + "<a>; rel=next, " * 4000),)],
        0,
        1,
        6,
        words=("api", "things"),
    ),
    api("pages of lists in lists", [(http(b"[" * 3_000_000 + b"]" * 3_000_000),)], 0, words=PAGES),
    api(
        "a page of 3 million objects", [(http(b"[" + b"{}," * 3_000_000 + b"{}]"),)], 0, words=PAGES
    ),
    api(
        "302 with a bomb, then an answer",
        [(http(ZEROS, "302 X", "Location: /api/things", "Content-Encoding: gzip"),), (said([]),)],
        0,
    ),
    api(
        "302 with a body without end, then an answer",
        [(b"HTTP/1.1 302 X\r\nLocation: /api/things\r\n\r\n", Flood(b"x")), (said([]),)],
        0,
    ),
    api("302 for ever", [(http(b"", "302 X", "Location: /api/things"),)]),
)


ROWS: Sequence[Row] = (
    *(wire("refresh", name) for name in WIRE),
    *(on_poll(name) for name in ON_POLL),
    *(wire("device", name) for name in ON_DEVICE),
    *(wire("exchange", name) for name in ON_EXCHANGE),
    *(wire("user", name) for name in ON_USER),
    *(wire("revoke", name, kept=("none",)) for name in ON_REVOKE),
    *(wire("metadata", name) for name in ON_METADATA),
    *(wire("metadata", name, 2) for name in NO_METADATA),
    *(wire("api", name, 1, 6, kept=("new",)) for name in ON_API),
    *GRANTS,
    *TOKENS,
    *USERS,
    *PUBLISHED,
    *APIS,
)
