"""Two hosts with a shared vault, and every course of events that two can have.

`HEXAUTH_FLEET_WALKS=all` walks before each step that only reads, too, lets the other host begin
before each step, and changes hosts once more.
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.login.fleet_model import LOGIN, REFRESH, Fleet
from tests.login.fleet_plans import KINDS, column, switches, troubles
from writers.fleet import PAGE, written

ALL = os.environ.get("HEXAUTH_FLEET_WALKS") == "all"


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    with tempfile.TemporaryDirectory(prefix="hx-fleet-", dir="/dev/shm") as folder:
        yield Fleet(Path(folder))


@pytest.mark.parametrize(("job", "depth"), [(REFRESH, 2), (LOGIN, 1)])
def test_in_every_order_of_their_steps_both_have_the_token_that_one_has_got(
    fleet: Fleet, job: str, depth: int
) -> None:
    for walk in switches(fleet, job, depth + ALL):
        assert (walk.faults(), walk.end) == ([], "b"), walk.plan
        assert len(walk.hex.sent) + walk.hex.codes == 1


@pytest.mark.parametrize("what", KINDS)
@pytest.mark.parametrize("job", [REFRESH, LOGIN])
def test_whatever_happens_at_any_step_ends_as_the_page_says(
    fleet: Fleet, job: str, what: str
) -> None:
    assert column(fleet, job, what) == written(PAGE.read_text("utf-8"), job, what)


if ALL:  # for a quarter of an hour

    @pytest.mark.parametrize("what", KINDS)
    @pytest.mark.parametrize("job", [REFRESH, LOGIN])
    def test_whatever_happens_and_whenever_the_other_begins_nothing_is_lost(
        fleet: Fleet, job: str, what: str
    ) -> None:
        for walk in troubles(fleet, job, what, is_whole=True):
            assert not walk.faults(), walk.plan
