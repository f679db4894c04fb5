from base64 import b64decode
from string import ascii_lowercase, digits

import pytest

from hexauth.model import Credential, Kind, Login, Target, Token

NOW = 1_800_000_000

LOGIN = Login("https://hex.pm/api", "one")


def token(*, left: float, life: int = 1800) -> Token:
    return Token("ACCESS", issued_at=int(NOW + left - life), expires_at=int(NOW + left))


def credential(kind: Kind, authtype: str | None = None) -> Credential:
    return Credential(Target("https", "hex.pm"), "oauth2", "S3CRET", kind, authtype=authtype)


@pytest.mark.parametrize(
    "value",
    [
        Token("S3CRET", refresh="S3CRET"),
        Credential(Target("https", "x"), "me", "S3CRET", refresh_token="S3CRET"),
    ],
)
def test_no_secret_shows_in_a_repr(value: object) -> None:
    assert "S3CRET" not in f"{value!r} {value}"


@pytest.mark.parametrize(
    ("token", "seconds"),
    [
        (token(left=1234), 1234),
        (token(left=-5), -5),
        (Token("ACCESS"), float("inf")),
        (Token(None, refresh="R", expires_at=NOW + 1000), 0),
        (Token("ACCESS", issued_at=NOW + 61, expires_at=NOW + 1861), 0),
        (Token("ACCESS", issued_at=NOW + 60, expires_at=NOW + 1860), 1800),
        (Token("KEY", issued_at=NOW + 86400), float("inf")),
    ],
    ids=[
        "live",
        "expired",
        "endless",
        "dropped",
        "from the future",
        "from a little in the future: its whole life, and no more",
        "endless, from the future",
    ],
)
def test_life_left_is_what_the_expiry_and_the_clock_say(token: Token, seconds: float) -> None:
    assert token.life_left(NOW) == seconds


@pytest.mark.parametrize(
    ("token", "fresh"),
    [
        (token(left=301), True),
        (token(left=300), True),
        (token(left=299), False),
        (token(left=120, life=120), True),
        (token(left=12, life=120), True),
        (token(left=11, life=120), False),
        (token(left=0, life=0), False),
        (token(left=-1, life=-1), False),
        (Token("ACCESS"), True),
        (Token("ACCESS", issued_at=NOW + 3600, expires_at=NOW + 7200), False),
        (Token(None, refresh="R"), False),
    ],
    ids=[
        "more than the margin",
        "the margin",
        "less",
        "shorter than the margin, new",
        "a tenth of a short life",
        "less than a tenth",
        "born dead",
        "negative life",
        "endless",
        "from the future",
        "dropped",
    ],
)
def test_token_is_fresh_while_it_has_the_margin_left(token: Token, fresh: bool) -> None:
    assert token.is_fresh(NOW, 300) is fresh


def test_margin_of_nothing_still_wants_a_living_token() -> None:
    assert not token(left=0).is_fresh(NOW, 0)


@pytest.mark.parametrize(
    ("credential", "value"),
    [
        (credential(Kind.BEARER), "Bearer S3CRET"),
        (credential(Kind.KEY), "S3CRET"),
        (credential(Kind.PASSWORD), "Basic b2F1dGgyOlMzQ1JFVA=="),
        (credential(Kind.PASSWORD, authtype="Negotiate"), "Negotiate S3CRET"),
    ],
)
def test_authorization_is_the_value_of_the_header(credential: Credential, value: str) -> None:
    assert credential.authorization == value


def test_bytes_that_are_not_utf8_survive_in_basic_authorization() -> None:
    value = Credential(Target("https", "x"), "\udcff", "\udcfe").authorization

    assert b64decode(value.removeprefix("Basic ")) == b"\xff:\xfe"


def test_name_of_a_login_stays_the_same() -> None:
    """Vault entries and locks go by it: another name would lose every login there is."""
    assert LOGIN.name == Login("https://hex.pm/api", "one").name == "hex.pm-3c3950bbb433"


@pytest.mark.parametrize(
    "other",
    [
        Login("https://hex.pm/api", "two"),
        Login("http://hex.pm/api", "one"),
        Login("https://hex.pm:8443/api", "one"),
        Login("https://hex.pm/api\none", ""),
    ],
)
def test_each_login_has_a_name_of_its_own(other: Login) -> None:
    assert other.name != LOGIN.name


@pytest.mark.parametrize("server", ["https://[::1]:80/api", "https://../..", "https://münchen:1/"])
def test_name_of_a_login_is_safe_in_any_file_system(server: str) -> None:
    name = Login(server, "../x").name

    assert set(name) <= set(ascii_lowercase + digits + ".-")


def test_value_is_made_as_a_dataclass_is() -> None:
    assert Target("https", host="hex.pm") == Target("https", "hex.pm", None, None)
    assert vars(Target("https")) == dict.fromkeys(("protocol", "host", "path", "username")) | {
        "protocol": "https"
    }


@pytest.mark.parametrize(
    ("values", "named"),
    [(["a", "b", "c", "d", "e"], {}), (["a"], {"protocol": "b"}), ([], {"colour": "red"})],
)
def test_value_has_its_own_fields_and_no_others(values: list[str], named: dict[str, str]) -> None:
    with pytest.raises(TypeError, match="protocol, host, path, username"):
        Target(*values, **named)


def test_value_without_a_field_that_it_needs_is_none() -> None:
    with pytest.raises(TypeError, match="Login has the fields"):
        Login("https://hex.pm/api")  # type: ignore[call-arg]  # the point


def test_value_cannot_be_changed() -> None:
    with pytest.raises(AttributeError, match="server"):
        LOGIN.server = "https://evil.example/api"  # type: ignore[misc]  # the point


def test_values_are_equal_if_their_kinds_and_fields_are() -> None:
    other = LOGIN.replaced(client_id="two")

    assert (other.client_id, LOGIN.client_id) == ("two", "one")
    assert len({LOGIN, Login("https://hex.pm/api", "one"), other}) == 2
    assert vars(LOGIN) != LOGIN


def test_kind_is_one_of_three() -> None:
    assert [Kind("bearer"), Kind("key"), Kind("password")] == ["bearer", "key", "password"]
    assert Kind("bearer") is Kind.BEARER
    with pytest.raises(ValueError, match="no kind"):
        Kind("Bearer")
