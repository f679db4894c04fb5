"""What docker sends, and what it is answered, without I/O."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.errors import MalformedRequest
from hexauth.model import Credential, Kind, Target
from hexauth.protocols import docker

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def request(server: object, username: object = "alice", secret: object = "s3cret") -> bytes:
    return json.dumps({"ServerURL": server, "Username": username, "Secret": secret}).encode()


def test_store_says_three_things() -> None:
    assert docker.parse_credential(request("https://r.test/v1/")) == (
        "https://r.test/v1/",
        "alice",
        "s3cret",
    )


def test_secret_may_be_empty_or_missing() -> None:
    """As `docker login` with an identity token may have it."""
    assert docker.parse_credential(b'{"ServerURL":"a","Username":"b"}') == ("a", "b", "")


def test_server_is_trimmed() -> None:
    assert docker.parse_server(b" https://r.test \r\n") == "https://r.test"


@pytest.mark.parametrize("data", [b"", b" \n", b"\r\n"])
def test_server_must_be_named(data: bytes) -> None:
    with pytest.raises(MalformedRequest, match=f"^{docker.NO_SERVER}$"):
        docker.parse_server(data)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (request(""), "no credentials server URL"),
        (request(" "), "no credentials server URL"),
        (request("r.test", ""), "no credentials username"),
        (b'{"Username":"a","Secret":"b"}', "no credentials server URL"),
        (b"{", "the request is not JSON"),
        (b"[" * 100_000, "the request is not JSON"),
        (b"\xff", "the request is not UTF-8"),
        (b"[]", "the request is no JSON object"),
        (request(7), "a field of the request is no text"),
        (request("r.test", None), "a field of the request is no text"),
        (request("r.test\nevil.test"), "the request holds control characters"),
        (request("r.test", "a\nb"), "the request holds control characters"),
        (request("r.test", "a", "\0"), "the credential holds a NUL character"),
    ],
)
def test_store_that_makes_no_sense_is_refused_in_so_many_words(data: bytes, text: str) -> None:
    with pytest.raises(MalformedRequest, match=f"^{text}$") as caught:
        docker.parse_credential(data)
    assert caught.value.hint == ""


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_request_or_malformed(data: bytes) -> None:
    for parse in (docker.parse_server, docker.parse_credential):
        try:
            found = parse(data)
        except MalformedRequest:
            continue
        server = found if isinstance(found, str) else found[0]
        assert server.isprintable()
        assert server == server.strip() != ""


@given(st.text(), st.text(), st.text())
def test_answer_is_one_line_that_holds_just_that(server: str, user: str, secret: str) -> None:
    credential = Credential(Target(), user, secret, Kind.PASSWORD)

    answer = docker.render(server, credential)

    assert answer.count(b"\n") == 1
    assert json.loads(answer) == {"ServerURL": server, "Username": user, "Secret": secret}
