"""Whatever happens, a crowd is asked once: the short form of `sh scripts/stress`."""

import random
from pathlib import Path

import pytest

from tests.stress.cases import CASES, Case, run
from tests.stress.kills import survive

SIZE = 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_crowd_is_asked_once(case: Case, tmp_path: Path) -> None:
    assert run(case, SIZE, tmp_path) == case.expected(SIZE)


@pytest.mark.parametrize("turn", range(5))
def test_crowd_outlives_kills_at_any_moment(turn: int, tmp_path: Path) -> None:
    seed = random.randrange(10**6)

    assert survive(seed, tmp_path) == [], f"`sh scripts/stress kills 1 {seed}` repeats it"
