from collections.abc import Iterator

import pytest

from hexauth import errors
from hexauth.errors import HexauthError

TABLE = {
    "HexauthError": 1,
    "UsageError": 2,
    "MalformedRequest": 2,
    "UnknownTarget": 2,
    "LoginRequired": 3,
    "NotFound": 1,
    "NotReplayable": 1,
    "OtpRequired": 3,
    "Declined": 4,
    "Refused": 4,
    "Expired": 5,
    "Unreachable": 6,
    "Garbled": 6,
    "VaultError": 7,
    "Away": 7,
    "Outrun": 7,
    "Interrupted": 130,
}


def kinds(root: type[HexauthError] = HexauthError) -> Iterator[type[HexauthError]]:
    """Yield every error that hexauth itself defines."""
    yield root
    for kind in root.__subclasses__():
        yield from kinds(kind)


OURS = [kind for kind in kinds() if kind.__module__ == errors.__name__]


def test_every_error_has_the_exit_code_of_the_table() -> None:
    assert {kind.__name__: kind.exit_code for kind in OURS} == TABLE


def test_what_a_person_has_interrupted_needs_no_hint() -> None:
    assert errors.Interrupted("Interrupted; nothing was changed.").hint == ""


@pytest.mark.parametrize("kind", [kind for kind in OURS if kind is not errors.Interrupted])
def test_hint_is_one_line(kind: type[HexauthError]) -> None:
    assert (kind.hint.isprintable(), 0 < len(kind.hint) <= 100) == (True, True)


def test_hint_can_be_given_with_the_error() -> None:
    assert HexauthError("It broke.", hint="Mend it.").hint == "Mend it."


def test_refusal_says_which_error_the_server_named() -> None:
    assert errors.Refused("invalid_scope", "No.").code == "invalid_scope"


def test_exit_codes_explain_each_code_once_in_order() -> None:
    meanings = errors.exit_codes()

    assert list(meanings) == sorted({0, *TABLE.values()})


def test_exit_codes_are_explained_in_one_sentence() -> None:
    assert all(text.isprintable() and text.endswith(".") for text in errors.exit_codes().values())
