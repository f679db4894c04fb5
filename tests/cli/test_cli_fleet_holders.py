"""Hosts that are stopped, killed, or late with their clocks while they renew what all share."""

import os
import signal

import pytest

from hexauth.sandbox.faults import parse
from tests.cli.conftest import MakeYard
from tests.cli.test_cli_fleet import ended
from tests.cli.test_cli_fleet_days import is_in_order
from tests.fleet import GET, Host, Yard, hexauths, late, locked, renewing, terminate
from tests.waiting import until

HELD = "select count(*) from pg_locks where locktype = 'advisory' and granted"

RENEW = ("hexauth", *GET, "--no-login")


def rejected(yard: Yard) -> tuple[Host, Host, str]:
    """Return two hosts that know that their token was rejected, and that token."""
    one, two = yard.host("one", is_logged_in=True), yard.host("two")
    token = two.token()
    one.erase(token)
    two.erase(token)
    return one, two, token


def test_holder_that_was_stopped_before_it_sent_anything_overwrites_nothing(
    yard: MakeYard,
) -> None:
    """Its connection is lost meanwhile, and another host has renewed the token."""
    here = yard()
    one, two, old = rejected(here)
    with one.start(*RENEW) as process:
        with locked(here.server, here.database) as is_waited_for:
            until(is_waited_for)
            holder = renewing(one, process)
            os.kill(holder, signal.SIGSTOP)
            terminate(here.server, here.database)
        new = two.token()
        os.kill(holder, signal.SIGCONT)
        [(status, out, err)] = ended(process)

    assert two.token() == here.host("three").token() == new != old
    is_in_order(here, refreshes=1)
    assert (status, out.decode().strip(), err) == (0, new, b"")
    assert one.token() == new


def test_holder_that_was_stopped_after_it_sent_the_token_is_awaited(yard: MakeYard) -> None:
    """Whoever has the lock then knows that the refresh token may be spent, and sends it not."""
    here = yard()
    one, two, old = rejected(here)
    here.sandbox.faults.add(parse("slow:1@refresh"))
    with one.start(*RENEW) as first:
        until(lambda: here.count("refresh") == 1)
        holder = renewing(one, first)
        os.kill(holder, signal.SIGSTOP)
        terminate(here.server, here.database)
        with two.start(*RENEW) as second:
            until(lambda: here.sql(HELD) != [(0,)])
            os.kill(holder, signal.SIGCONT)
            found = ended(first, second)

    assert [status for status, _, _ in found] == [0, 0]
    assert found[0][1] == found[1][1] != old.encode() + b"\n"
    is_in_order(here, refreshes=1)


def test_what_a_killed_process_has_begun_is_ended_by_the_one_that_outlives_it(
    yard: MakeYard,
) -> None:
    here = yard()
    one, two, old = rejected(here)
    here.sandbox.faults.add(parse("slow:1@refresh"))
    with one.start(*RENEW) as process:
        until(lambda: here.count("refresh") == 1)
        process.kill()
        process.wait()
        new = two.token()

    assert new != old
    assert one.token() == new
    is_in_order(here, refreshes=1)


def test_all_connections_that_end_while_hosts_wait_cost_nothing(yard: MakeYard) -> None:
    here = yard()
    one, two, old = rejected(here)
    here.sandbox.faults.add(parse("slow:2@refresh"))
    with one.start(*RENEW) as first:
        until(lambda: here.count("refresh") == 1)
        with two.start(*RENEW) as second:
            until(lambda: hexauths(here.server, here.database) >= 2)
            terminate(here.server, here.database)
            found = ended(first, second)

    assert [status for status, _, _ in found] == [0, 0]
    assert found[0][1] == found[1][1] != old.encode() + b"\n"
    is_in_order(here, refreshes=1)


@pytest.mark.parametrize("away", [3600, -3600], ids=["an hour ahead", "an hour back"])
def test_clock_that_is_wrong_on_one_host_costs_no_renewals(yard: MakeYard, away: int) -> None:
    """The vault's times are by the database's clock."""
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    get = (*GET, "--no-login")
    token = one.token()

    assert late(two, away, *get).stdout.decode().strip() == token
    assert one.token() == token
    is_in_order(here, refreshes=0)

    one.erase(token)
    assert late(two, away, "status", "--json").returncode == 0
    new = one.token()
    two.environ["XDG_RUNTIME_DIR"] += "/another"  # nothing is in memory
    assert late(two, away, *get).stdout.decode().strip() == new
    assert late(two, away, *get).stdout.decode().strip() == new
    assert one.token() == new
    is_in_order(here, refreshes=1)
