"""A fleet's login outlives what happens to hosts: the short form of `sh scripts/fleet-kill`."""

from collections.abc import Iterator

import pytest

from bench.fleets import Fleet
from bench.holder import stopped
from hexauth.sandbox.options import Options
from tests.as_postgres import binaries
from tests.conftest import need
from tests.stress.fleet_kills import survive

KILLS, RESTARTS, SEED = 8, 1, 1

STOPPED_SECONDS = 2.0


@pytest.fixture(scope="module", autouse=True)
def programs() -> None:
    need("postgres", "postgresql", path=binaries())


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Make two hosts, and log in on one of them."""
    with Fleet(2, Options(interval=0.1, rate_limit=None), fast=True) as made:
        made.log_in()
        yield made


def test_login_of_a_fleet_outlives_kills_and_restarts_at_any_moment() -> None:
    wrong = survive(SEED, 2, KILLS, RESTARTS).wrong

    again = f"`sh scripts/fleet-kill {KILLS} {RESTARTS} {SEED} --hosts 2 --rounds 1` repeats it"
    assert wrong == [], again


@pytest.mark.parametrize("cut", [False, True], ids=["connection left alone", "connection cut"])
@pytest.mark.parametrize("answered", [False, True], ids=["request on its way", "answered"])
def test_holder_that_stood_still_overwrites_nothing_newer(
    fleet: Fleet, *, cut: bool, answered: bool
) -> None:
    """The other host waits for it, and is given what it has got."""
    seen = stopped(fleet, STOPPED_SECONDS, cut=cut, answered=answered)

    assert (seen.newest_stays, seen.exits, seen.codes) == (True, (0, 0), 0)
    assert (seen.refreshes, seen.twice) == (1, 0)
