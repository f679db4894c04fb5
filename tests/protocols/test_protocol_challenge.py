import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth.protocols.challenge import Challenge, parse, rejects_token, wants_password

NAMES = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=8)
VALUES = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=12)
CHALLENGES = st.lists(
    st.builds(Challenge, NAMES, st.dictionaries(NAMES, VALUES, min_size=1, max_size=3)), max_size=4
)


def written(challenge: Challenge) -> str:
    pairs = []
    for name, value in challenge.parameters.items():
        text = value.replace("\\", "\\\\").replace('"', '\\"')
        pairs.append(f'{name}="{text}"')
    return f"{challenge.scheme} {', '.join(pairs)}"


@given(CHALLENGES)
def test_challenges_are_read_as_they_were_written(challenges: list[Challenge]) -> None:
    assert parse(", ".join(map(written, challenges))) == challenges


@given(st.text())
def test_any_text_is_read_to_some_end(text: str) -> None:
    assert isinstance(parse(text), list)


@pytest.mark.parametrize("part", ["a", "a=", '"', "\\", "a b,", " ,", '=",', "Bearer a=b,"])
def test_a_long_field_takes_no_longer_than_its_length(part: str) -> None:
    """Were it quadratic, this would take minutes."""
    assert isinstance(parse(part * 100_000), list)


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("Basic realm=hex", [Challenge("basic", {"realm": "hex"})]),
        ('BASIC  Realm = "hex"', [Challenge("basic", {"realm": "hex"})]),
        ("Bearer", [Challenge("bearer")]),
        ("Negotiate YII==", [Challenge("negotiate", {}, "YII==")]),
        (
            "Negotiate, Basic realm=hex",
            [Challenge("negotiate"), Challenge("basic", {"realm": "hex"})],
        ),
        (" , Bearer a=1 ,, b=2 ,", [Challenge("bearer", {"a": "1", "b": "2"})]),
        ("Bearer a=1, a=2", [Challenge("bearer", {"a": "1"})]),
        (r'Bearer a="x\", error=\"y"', [Challenge("bearer", {"a": 'x", error="y'})]),
        ('Bearer a="1, Basic realm=hex', [Challenge("bearer")]),
        ("", []),
        ("=", []),
    ],
)
def test_a_field_is_read_as_rfc_9110_says(field: str, found: list[Challenge]) -> None:
    assert parse(field) == found


@pytest.mark.parametrize(
    ("field", "rejects"),
    [
        ("Basic realm=hex", True),
        ('basic realm="hex"', True),
        ('Bearer realm="hex", error="token_expired"', True),
        ('Bearer error="invalid_token", Basic realm=other', True),
        ('Digest qop="auth", Basic realm=hex', True),
        ("Basic realm=hexagon", False),
        ("Basic realm=HEX", False),
        ('Bearer realm="hex"', False),
        ('Bearer error_description="error=invalid_token"', False),
        ('Bearer x="error=\\"invalid_token\\""', False),
        ('Digest error="invalid_token"', False),
        ("Bearer error=invalid_tokens", False),
    ],
)
def test_a_token_is_rejected_in_three_ways(field: str, rejects: bool) -> None:
    assert rejects_token(parse(field)) is rejects


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ('Bearer realm="hex", error="totp_required"', "totp_required"),
        ("Basic realm=x, Bearer error=invalid_totp", "invalid_totp"),
        ('Basic error="totp_required"', None),
        ('Bearer error="totp"', None),
    ],
)
def test_a_one_time_password_is_asked_for_by_name(field: str, wanted: str | None) -> None:
    assert wants_password(parse(field)) == wanted
