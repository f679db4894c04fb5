"""Bodies of requests and answers: form, JSON, and Erlang's external term format.

Values are what JSON knows. An Erlang map's keys and strings are binaries, as Hex clients send and
expect them; `true`, `false` and `nil` are atoms, and `nil` and `undefined` both mean None.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import erlang
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
HEX_JSON = "application/vnd.hex+json"
HEX_ERLANG = "application/vnd.hex+erlang"

ANSWERS = (JSON, HEX_JSON, HEX_ERLANG)

MAX_BYTES = 256 * 1024
"""Longer request bodies are refused."""

COMPRESSED = b"\x83P"
"""How a compressed term begins: Hex clients send none, and a few bytes may unpack to gigabytes."""


class Malformed(Exception):
    """A body that does not follow its content type; `status` is the answer's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def decode(content_type: str, body: bytes) -> dict[str, Any]:
    """Return the parameters in a request's body; an empty body has none.

    Raises `Malformed` if the body cannot be read, is no object, or names a form field twice
    (RFC 6749 section 3.2).
    """
    if not body:
        return {}
    kind = content_type.partition(";")[0].strip().lower()
    if kind == FORM:
        return _from_form(body)
    if kind in (JSON, HEX_JSON):
        value = _from_json(body)
    elif kind == HEX_ERLANG:
        value = from_erlang(body)
    else:
        raise Malformed(f"The content type must be one of {', '.join((FORM, *ANSWERS))}.", 415)
    if not isinstance(value, dict):
        raise Malformed("The body must be an object.")
    return value


def encode(accept: str, value: Mapping[str, Any] | list[Any]) -> tuple[str, bytes]:
    """Return the content type and body of an answer, as an `Accept` header asks; else as JSON."""
    offered = parse_accept_header(accept, MIMEAccept).best_match(ANSWERS, default=JSON)
    kind = offered or JSON
    return kind, to_erlang(value) if kind == HEX_ERLANG else json.dumps(value).encode()


def to_erlang(value: Any) -> bytes:  # noqa: ANN401  (any JSON value)
    """Return a JSON value in Erlang's external term format."""
    encoded: bytes = erlang.term_to_binary(_to_term(value))
    return encoded


def from_erlang(body: bytes) -> Any:  # noqa: ANN401  (any JSON value)
    """Return the JSON value in a term; raises `Malformed` if there is none."""
    if body.startswith(COMPRESSED):
        raise Malformed("Compressed terms are not taken.")
    try:
        return _from_term(erlang.binary_to_term(body))
    except (
        SyntaxError,  # the parser's own exception is one
        ValueError,
        TypeError,
        RecursionError,
        MemoryError,
        struct.error,
        zlib.error,
    ) as error:
        raise Malformed("The body is not a term that Hex uses.") from error


def _from_form(body: bytes) -> dict[str, Any]:
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict"
        )
    except ValueError as error:
        raise Malformed("The body is not a form.") from error
    if len(dict(pairs)) != len(pairs):
        raise Malformed("A parameter is there twice.")
    return dict(pairs)


def _from_json(body: bytes) -> Any:  # noqa: ANN401  (any JSON value)
    try:
        value = json.loads(body)
        json.dumps(value, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not JSON.") from error
    return value


def _to_term(value: Any) -> Any:  # noqa: ANN401  (JSON in, term out)
    if isinstance(value, str):
        return erlang.OtpErlangBinary(value.encode())
    if isinstance(value, Mapping):
        return {_to_term(name): _to_term(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_to_term(item) for item in value]
    return erlang.OtpErlangAtom("nil") if value is None else value


def _from_term(term: Any) -> Any:  # noqa: ANN401  (term in, JSON out)
    if isinstance(term, erlang.OtpErlangBinary) and term.bits == 8:
        return term.value.decode()
    if isinstance(term, dict):
        return {_name(key): _from_term(item) for key, item in term.items()}
    if isinstance(term, list):
        return [_from_term(item) for item in term]
    if isinstance(term, bytes):  # a list of small integers, in Erlang's short form
        return list(term)
    if isinstance(term, erlang.OtpErlangAtom):
        return _from_atom(term)
    if term is None or isinstance(term, bool | int | float):
        return term
    raise TypeError("no JSON value")


def _from_atom(atom: Any) -> str | None:  # noqa: ANN401  (the library has no types)
    name = atom.value.decode() if isinstance(atom.value, bytes) else str(atom.value)
    return None if name == "nil" else name


def _name(key: Any) -> str:  # noqa: ANN401  (term in)
    name = _from_term(key)
    if not isinstance(name, str):
        raise TypeError("a map's keys must be strings")
    return name
