import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import MalformedRequest
from hexauth.model import Credential, Kind, Target
from hexauth.protocols import bazel

TARGET = Target("https", "hex.pm")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"1", b"null", b'{"url":"https://x"}', b'{"uri":1}', b'{"uri":""}', b"\xff"],
)
def test_a_request_without_an_uri_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedRequest):
        bazel.parse(data)


def test_a_request_nested_too_deeply_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        bazel.parse(b'{"uri":' * 100_000)


@given(st.dictionaries(st.text(), st.text()))
def test_other_fields_are_tolerated(others: dict[str, str]) -> None:
    assert bazel.parse(json.dumps({**others, "uri": "https://hex.pm/x"}).encode()) == (
        "https://hex.pm/x"
    )


def test_nothing_known_gives_no_headers() -> None:
    assert json.loads(bazel.render(None)) == {"headers": {}}


def test_an_answer_ends_before_its_token_does() -> None:
    token = Credential(TARGET, "oauth2", "abc", Kind.BEARER, expires_at=1_800_000_000)

    assert json.loads(bazel.render(token, 300)) == {
        "headers": {"Authorization": ["Bearer abc"]},
        "expires": "2027-01-15T07:55:00Z",
    }


def test_a_password_is_basic_and_has_no_end() -> None:
    assert json.loads(bazel.render(Credential(TARGET, "me", "p"))) == {
        "headers": {"Authorization": ["Basic bWU6cA=="]}
    }


@given(st.integers(0, 10**10), st.integers(0, 10**6))
def test_the_end_is_written_as_rfc_3339_has_it(expires_at: int, margin: int) -> None:
    token = Credential(TARGET, "oauth2", "abc", Kind.BEARER, expires_at=expires_at + margin)
    expires = json.loads(bazel.render(token, margin))["expires"]

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", expires)


def test_a_key_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(MalformedRequest):
        bazel.render(Credential(TARGET, "me", "a\nb", Kind.KEY))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["uri", "x"]), inner),
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    try:
        uri = bazel.parse(data)
    except MalformedRequest:
        return
    assert uri == json.loads(data)["uri"] != ""


@given(st.text(), st.text(), st.sampled_from([Kind.BEARER, Kind.KEY, Kind.PASSWORD]))
def test_answer_is_one_line_whose_header_is_one_line(user: str, secret: str, kind: Kind) -> None:
    try:
        answer = bazel.render(Credential(TARGET, user, secret, kind))
    except MalformedRequest:
        return
    (value,) = json.loads(answer)["headers"]["Authorization"]
    assert answer.count(b"\n") == 1
    assert not set("\r\n\0") & set(value)
