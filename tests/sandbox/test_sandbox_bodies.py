import json
from typing import Any
from urllib.parse import urlencode

import erlang
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.sandbox import bodies

RECORDED = (
    bytes.fromhex("8374000000036d00000009")
    + b"client_id"
    + bytes.fromhex("6d00000024")
    + b"78ea6566-89fd-481e-a1d6-7d9d78eacca8"
    + bytes.fromhex("6d00000004")
    + b"name"
    + bytes.fromhex("6d00000002")
    + b"vm"
    + bytes.fromhex("6d00000005")
    + b"scope"
    + bytes.fromhex("6d00000010")
    + b"api repositories"
)
"""How `mix hex.user auth` begins a login (hex 2.5.2)."""

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
FORMS = st.dictionaries(st.text(min_size=1), st.text(), min_size=1, max_size=5)


def test_the_request_of_the_real_mix_client_is_understood() -> None:
    """The recorded map has binaries for keys and values."""
    assert bodies.decode("application/vnd.hex+erlang", RECORDED) == {
        "client_id": "78ea6566-89fd-481e-a1d6-7d9d78eacca8",
        "name": "vm",
        "scope": "api repositories",
    }


def test_what_is_written_as_a_term_is_what_the_real_client_writes() -> None:
    """Keys and strings become binaries, not lists of characters."""
    value = bodies.decode("application/vnd.hex+erlang", RECORDED)

    assert bodies.to_erlang(value) == RECORDED


@given(VALUES)
def test_every_value_survives_the_way_through_a_term(value: object) -> None:
    """Erlang's external term format carries all that JSON does."""
    assert bodies.from_erlang(bodies.to_erlang(value)) == value


@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=5), st.sampled_from(bodies.ANSWERS))
def test_an_answer_can_be_read_as_a_request_of_the_same_type(
    value: dict[str, Any], kind: str
) -> None:
    """What `encode` writes, `decode` reads."""
    content_type, body = bodies.encode(kind, value)

    assert (content_type, bodies.decode(content_type, body)) == (kind, value)


@given(FORMS)
def test_a_form_means_what_was_written_into_it(form: dict[str, str]) -> None:
    """Percent signs, plus signs and non-ASCII characters survive."""
    assert bodies.decode(bodies.FORM, urlencode(form).encode()) == form


@given(st.binary(max_size=200), st.sampled_from((bodies.FORM, *bodies.ANSWERS)))
def test_no_bytes_do_more_than_be_malformed(body: bytes, kind: str) -> None:
    """Nonsense is either an object after all, or `Malformed`."""
    try:
        found = bodies.decode(kind, body)
    except bodies.Malformed:
        found = {}

    assert isinstance(found, dict)


@given(st.binary(max_size=200))
def test_no_term_does_more_than_be_malformed(rest: bytes) -> None:
    """The parser's own exceptions do not leak, whatever follows the version byte."""
    try:
        bodies.from_erlang(b"\x83" + rest)
        verdict = "read"
    except bodies.Malformed:
        verdict = "malformed"

    assert verdict in ("read", "malformed")


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        (bodies.JSON, b"[]", 400),
        (bodies.JSON, b"{", 400),
        (bodies.JSON, b'{"name": "\\ud800"}', 400),
        (bodies.JSON, b"[" * 100_000, 400),
        (bodies.HEX_ERLANG, b"", None),
        (bodies.HEX_ERLANG, b"\x83", 400),
        (bodies.HEX_ERLANG, RECORDED[:-1], 400),
        (bodies.HEX_ERLANG, RECORDED + b"!", 400),
        (bodies.HEX_ERLANG, b"\x83" + b"l\x00\x00\x00\x01" * 50_000, 400),
        (bodies.HEX_ERLANG, bodies.to_erlang(["no", "map"]), 400),
        (bodies.FORM, b"a=1&a=2", 400),
        (bodies.FORM, b"a=%ff", 400),
        (bodies.FORM, b"no equals sign", 400),
        ("text/plain", b"a=1", 415),
        ("", b"a=1", 415),
    ],
)
def test_a_malformed_body_has_a_status(kind: str, body: bytes, status: int | None) -> None:
    """400 for what cannot be read, 415 for what is not even tried; an empty body is fine."""
    try:
        bodies.decode(kind, body)
        found = None
    except bodies.Malformed as error:
        found = error.status

    assert found == status


def test_a_compressed_term_is_refused_before_it_is_unpacked() -> None:
    """A few bytes could unpack to gigabytes."""
    body = erlang.term_to_binary(b"\x00" * 100_000, compressed=True)

    with pytest.raises(bodies.Malformed, match="Compressed"):
        bodies.from_erlang(body)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        (erlang.OtpErlangAtom("nil"), None),
        (erlang.OtpErlangAtom("undefined"), None),
        (erlang.OtpErlangAtom("true"), True),
        (erlang.OtpErlangAtom(b"read"), "read"),
        (b"\x01\x02", [1, 2]),
    ],
)
def test_a_term_of_another_kind_has_a_meaning(term: object, value: object) -> None:
    """Atoms are names, but for those that JSON knows; a short list is a list."""
    assert bodies.from_erlang(erlang.term_to_binary(term)) == value


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", bodies.JSON),
        ("*/*", bodies.JSON),
        ("text/html", bodies.JSON),
        ("application/vnd.hex+erlang", bodies.HEX_ERLANG),
        ("application/vnd.hex+json", bodies.HEX_JSON),
        ("application/json;q=0.5, application/vnd.hex+erlang", bodies.HEX_ERLANG),
    ],
)
def test_the_answer_has_the_type_that_is_accepted(accept: str, kind: str) -> None:
    """JSON is what everybody gets who asks for nothing that exists."""
    assert bodies.encode(accept, {})[0] == kind


def test_an_answer_in_json_is_json() -> None:
    """No wrapper is added."""
    assert json.loads(bodies.encode(bodies.JSON, {"a": None})[1]) == {"a": None}
