"""The short form of `sh scripts/fuzz`: the same inputs at every run, for seconds."""

import os
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

from fuzz.__main__ import plain
from fuzz.inputs import SECRET, Target, inputs, outcome
from fuzz.targets import TARGETS

MANY, SOME = 2000, 200

SLOW = ("oauth", "answers", "clients")
"""Targets that take milliseconds for an input: an HTTP session, or many files."""


@pytest.mark.parametrize("name", TARGETS)
def test_what_others_have_written_is_dealt_with_as_documented(name: str) -> None:
    tried = 0

    for data in islice(inputs(TARGETS[name], 0), SOME if name in SLOW else MANY):
        TARGETS[name].test(data)
        tried += 1

    assert tried >= SOME


def test_inputs_are_the_same_for_a_number_and_others_for_another() -> None:
    target = TARGETS["git"]
    one, again, other = (list(islice(inputs(target, seed), 50)) for seed in (1, 1, 2))

    assert one == again
    assert one != other
    assert one[: len(target.seeds)] == list(target.seeds)


def test_an_input_that_fails_ends_the_run_and_is_shown() -> None:
    def no_zeros(data: bytes) -> None:
        assert b"\0" not in data

    tried, failure = plain(Target("zeros", no_zeros, (b"abc",)), 60)

    assert tried > 1
    assert "\\x00" in failure
    assert "AssertionError" in failure


def test_an_error_that_quotes_a_secret_is_a_failure() -> None:
    def fail() -> None:
        raise ValueError(f"not {SECRET}")

    with pytest.raises(AssertionError, match="quotes a secret"):
        outcome(fail, ValueError)


def test_an_error_that_is_not_documented_is_a_failure() -> None:
    with pytest.raises(ZeroDivisionError):
        outcome(lambda: 1 // 0, ValueError)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [(("0.1", "docker"), 0, "nothing found |"), (("0.1", "dokcer"), 2, "no target dokcer")],
)
def test_the_command_tells_what_came_of_it(words: tuple[str, ...], code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fuzz", *words, "--plain"],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        check=False,
        encoding="utf-8",
    )

    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr
