import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth import hex as hexpm
from hexauth.model import Kind, Token


def jwt(payload: object) -> str:
    body = urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


def raw(payload: str) -> str:
    return f"e30.{urlsafe_b64encode(payload.encode()).decode()}.c2ln"


def test_claims_are_read_whatever_their_padding() -> None:
    assert [hexpm.claims(jwt({"sub": "u" * n})) for n in range(4)] == [
        {"sub": "u" * n} for n in range(4)
    ]


@pytest.mark.parametrize(
    "token",
    [None, "", "opaque", "a.b", "a.é.c", "a.!!!.c", jwt([1]), jwt("x"), raw("{"), raw("[" * 10**5)],
)
def test_token_that_is_no_jwt_claims_nothing(token: str | None) -> None:
    assert hexpm.claims(token) == {}


@given(st.text())
def test_no_text_makes_claims_fail(text: str) -> None:
    assert isinstance(hexpm.claims(f"a.{text}.c"), dict)


@pytest.mark.parametrize(
    ("token", "name"),
    [
        (Token(jwt({"sub": "user:eric"})), "eric"),
        (Token(None, refresh=jwt({"sub": "user:eric"})), "eric"),
        (Token("opaque", refresh=jwt({"sub": "user:eric"})), "eric"),
        (Token(jwt({"sub": "organization:acme"})), None),
        (Token(jwt({"sub": 5})), None),
        (Token("opaque"), None),
    ],
)
def test_user_name_is_the_subject_of_either_token(token: Token, name: str | None) -> None:
    assert hexpm.user_name(token) == name


@pytest.mark.parametrize(
    ("end", "seconds"),
    [
        ("1800000000", 1800000000),
        ("1800000000.5", 1800000000),
        ('"1800000000"', None),
        ("null", None),
        ("NaN", None),
        ("Infinity", None),
        ("1e999", None),
        ("1" + "0" * 400, None),
        ("-1", None),
    ],
)
def test_session_ends_when_the_refresh_token_says_so_in_sensible_seconds(
    end: str, seconds: int | None
) -> None:
    refresh = raw(f'{{"iat": 1700000000, "exp": {end}}}')

    assert hexpm.session_end(Token("A", refresh, issued_at=1700000000)) == seconds


def test_session_without_a_refresh_token_has_no_known_end() -> None:
    assert hexpm.session_end(Token(jwt({"exp": 1800000000}))) is None


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("0123456789abcdef", (Kind.KEY, "0123456789abcdef")),
        (" 0123456789abcdef\n", (Kind.KEY, "0123456789abcdef")),
        ("Bearer TOKEN", (Kind.BEARER, "TOKEN")),
        ("bearer  TOKEN ", (Kind.BEARER, "TOKEN")),
        ("Bearer", (Kind.KEY, "Bearer")),
        ("Basic dTpw", (Kind.KEY, "Basic dTpw")),
    ],
)
def test_hex_api_key_is_a_key_or_a_bearer_token(value: str, found: Any) -> None:
    assert hexpm.authorization(value) == found


@pytest.mark.parametrize(
    ("api", "repository"),
    [
        ("https://hex.pm/api", "https://repo.hex.pm"),
        ("https://hex.example.com/api", "https://hex.example.com"),
        ("http://127.0.0.1:4000/api", "http://127.0.0.1:4000"),
        ("https://hex.example.com", "https://hex.example.com"),
    ],
)
def test_repository_lies_beside_its_api(api: str, repository: str) -> None:
    assert hexpm.repo_url(api) == repository


@pytest.mark.parametrize(
    ("granted", "wanted", "missing"),
    [
        ("", "", []),
        ("api:read api:write repositories", "api repositories", []),
        ("api", "api", []),
        ("api:read", "api repositories", ["api:write", "repositories"]),
        ("repositories", "api repositories", ["api"]),
        ("api:read", "api:read package:hexpm/one", ["package:hexpm/one"]),
    ],
)
def test_scopes_that_are_missing_are_told(granted: str, wanted: str, missing: list[str]) -> None:
    assert hexpm.missing_scopes(granted, wanted) == missing
