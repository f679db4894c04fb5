"""Whatever happens, a crowd is asked once: the short form of `sh scripts/stress`."""

from pathlib import Path

import pytest

from hexauth.vault.quick import BUS
from tests.stress.cases import CASES, Case, run
from tests.stress.kills import survive

SIZE = 12

IN_KEYRING = (
    "nobody is logged in, the person approves",
    "the winner dies before it has saved",
    "the access token was rejected",
    "an organization's key is exchanged",
)
"""Cases that are short enough to be lived through once more with a real Secret Service."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_crowd_is_asked_once(case: Case, tmp_path: Path) -> None:
    assert run(case, SIZE, tmp_path) == case.expected(SIZE)


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name in IN_KEYRING], ids=lambda case: case.name
)
def test_crowd_with_a_keyring_is_asked_once(
    case: Case, tmp_path: Path, unlocked: dict[str, str]
) -> None:
    assert run(case, SIZE, tmp_path, {BUS: unlocked[BUS]}) == case.expected(SIZE)


@pytest.mark.parametrize("seed", range(5))
def test_crowd_outlives_kills_at_any_moment(seed: int, tmp_path: Path) -> None:
    """The same ones at every run; `sh scripts/stress kills` makes up others."""
    wrong = survive(seed, tmp_path).wrong

    assert wrong == [], f"`sh scripts/stress kills 1 {seed} --rounds 1` repeats it"
