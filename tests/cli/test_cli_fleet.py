"""Hosts that share a vault in a database: one login, one refresh, one code and one "no" for all."""

import os
import signal
import subprocess

import pytest

from hexauth.sandbox.faults import parse
from tests.cli.conftest import MakeYard
from tests.cli.test_cli_clocks import at
from tests.conftest import SECONDS, Process
from tests.fleet import GET, PASSPHRASE, Host, Yard
from tests.waiting import until

ASK = (*GET, "--login")


def ended(*processes: Process) -> list[tuple[int, bytes, bytes]]:
    """Return how each has ended, and what it has printed."""
    found = []
    for each in processes:
        out, err = each.communicate(timeout=SECONDS)
        found.append((each.returncode, out, err))
    return found


def asked(yard: Yard, number: int = 1) -> bool:
    """Tell whether so many codes are being polled for."""
    return len(yard.sandbox.hexpm.grants()) == number and yard.count("poll") > 0


def code(yard: Yard) -> bytes:
    """Return the last code that a person was asked with, as it is shown."""
    text = yard.sandbox.hexpm.grants()[-1].user_code
    return f"{text[:4]}-{text[4:]}".encode()


def named(host: Host, name: str, *words: str) -> Process:
    """Start a command on a host that has another name than this machine."""
    script = f'hostname {name} && exec "$@"'
    probe = subprocess.run(["unshare", "-u", "hostname", name], capture_output=True, check=False)
    if probe.returncode != 0:
        pytest.skip("no process can have another host's name here")
    return host.start("unshare", "-u", "sh", "-c", script, "sh", *words)


def test_login_on_one_host_serves_all(yard: MakeYard) -> None:
    here = yard()
    here.host("laptop", is_logged_in=True)
    builders = [here.host(name) for name in ("one", "two")]

    tokens = {each.token() for each in builders}

    assert len(tokens) == 1
    assert (here.count("device_authorization"), here.count("refresh")) == (1, 0)
    assert here.is_idle()


def test_renewal_on_one_host_serves_all(yard: MakeYard) -> None:
    """A token that is too near its end is not renewed by each of them."""
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    old = two.token()
    new = one.newest()

    tokens = [each.token() for each in (one, here.host("three"))]

    assert tokens == [new, new] != [old, old]
    assert here.count("refresh") == 1


def test_token_near_its_end_is_replaced_by_the_one_that_another_host_has(yard: MakeYard) -> None:
    """It is dead at the server since the other host has renewed it, and looks good here."""
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    old = two.token()
    new = one.newest()
    assert two.token() == old

    with at(two, 1500, "get", "hexpm", "--format", "token", "--no-login") as late:
        [(status, out, _)] = ended(late)

    assert (status, out.decode().strip()) == (0, new)
    assert here.count("refresh") == 1


def test_erase_of_a_token_that_another_host_has_renewed_asks_the_server_for_nothing(
    yard: MakeYard,
) -> None:
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    old = two.token()
    new = one.newest()
    assert two.token() == old

    two.erase(old)

    assert two.token() == new
    assert here.count("refresh") == 1


def test_token_that_every_host_has_rejected_is_renewed_once(yard: MakeYard) -> None:
    here = yard()
    hosts = [here.host("one", is_logged_in=True), here.host("two"), here.host("three")]
    tokens = [each.token() for each in hosts]
    here.sandbox.hexpm.reject_access_tokens()
    for each, token in zip(hosts, tokens, strict=True):
        each.erase(token)

    answers = ended(*(each.start("hexauth", *GET, "--no-login") for each in hosts))

    assert len(set(answers)) == 1
    assert answers[0][0] == 0
    assert answers[0][1].decode().strip() not in tokens
    assert here.count("refresh") == 1


def test_host_that_finds_no_login_shows_the_code_that_another_one_asks_with(
    yard: MakeYard,
) -> None:
    here = yard(approve_after=None)
    one, two = here.host("one"), here.host("two")
    with one.start("hexauth", *ASK) as first:
        until(lambda: asked(here))
        with named(two, "builder-2", "hexauth", *ASK) as second:
            shown = b""
            while code(here) not in shown:
                assert second.stderr is not None
                line = second.stderr.readline()
                assert line, shown
                shown += line
            here.sandbox.hexpm.answer(here.sandbox.hexpm.grants()[0], approve=True)
            (status, out, err), (other, same, _) = ended(second, first)

    assert (status, other, same) == (0, 0, out)
    assert f" on {os.uname().nodename}".encode() in shown + err
    assert (here.count("device_authorization"), len(here.sandbox.hexpm.sessions())) == (1, 1)
    assert here.is_idle()


def test_host_that_may_not_ask_waits_for_a_login_that_is_under_way_on_another(
    yard: MakeYard,
) -> None:
    here = yard(approve_after=None)
    one, two = here.host("one"), here.host("two")
    with one.start("hexauth", "login", "--no-browser") as first:
        until(lambda: asked(here))
        with two.start("hexauth", *GET, "--no-login") as second:
            assert second.stderr is not None
            while code(here) not in second.stderr.readline():
                assert second.poll() is None
            here.sandbox.hexpm.answer(here.sandbox.hexpm.grants()[0], approve=True)
            found = ended(second, first)

    assert [status for status, _, _ in found] == [0, 0]
    assert found[0][1].startswith(b"eyJ")
    assert here.count("device_authorization") == 1


def test_no_is_shared_by_all_hosts_that_wait(yard: MakeYard) -> None:
    here = yard(approve_after=None)
    one, two = here.host("one"), here.host("two")
    with one.start("hexauth", *ASK) as first:
        until(lambda: asked(here))
        with two.start("hexauth", *ASK) as second:
            assert second.stderr is not None
            while code(here) not in second.stderr.readline():
                assert second.poll() is None
            here.sandbox.hexpm.answer(here.sandbox.hexpm.grants()[0], approve=False)
            found = ended(first, second)

    assert [status for status, _, _ in found] == [4, 4]
    assert here.count("device_authorization") == 1


def test_code_of_a_process_that_was_killed_is_carried_on_by_another_host(yard: MakeYard) -> None:
    here = yard(approve_after=None)
    one, two = here.host("one"), here.host("two")
    with one.start("hexauth", *ASK) as first:
        until(lambda: asked(here))
        with two.start("hexauth", *ASK) as second:
            assert second.stderr is not None
            while code(here) not in second.stderr.readline():
                assert second.poll() is None
            first.send_signal(signal.SIGKILL)
            first.wait(SECONDS)
            polls = here.count("poll")
            until(lambda: here.count("poll") > polls + 1)
            here.sandbox.hexpm.answer(here.sandbox.hexpm.grants()[0], approve=True)
            [(status, out, err)] = ended(second)

    assert (status, out[:3]) == (0, b"eyJ"), err
    assert here.count("device_authorization") == 1


def test_logout_on_one_host_ends_it_for_all(yard: MakeYard) -> None:
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    two.token()

    assert one.look("logout").returncode == 0

    assert here.sandbox.hexpm.sessions() == []
    two.erase(two.token())
    assert two.get().returncode == 3
    assert here.host("three").get().returncode == 3
    assert here.count("refresh") == 0


def test_warm_get_opens_no_connection(yard: MakeYard) -> None:
    """It goes on when the database is not there at all."""
    here = yard()
    one = here.host("one", is_logged_in=True)
    token = one.token()
    here.server.sql(f'alter database "{here.database}" allow_connections false')
    try:
        assert one.token() == token
    finally:
        here.server.sql(f'alter database "{here.database}" allow_connections true')


def test_one_refresh_goes_out_while_a_slow_server_keeps_all_hosts_waiting(yard: MakeYard) -> None:
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    here.sandbox.faults.add(parse("slow:1@refresh"))
    token = two.token()
    one.erase(token)
    two.erase(token)
    with one.start("hexauth", *GET) as first:
        until(lambda: here.count("refresh") == 1)
        with two.start("hexauth", *GET) as second:
            found = ended(first, second)

    assert found[0] == found[1]
    assert found[0][0] == 0
    assert here.count("refresh") == 1


def test_no_secret_is_printed_or_in_the_database(yard: MakeYard) -> None:
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    token = two.token()
    for words in (("status",), ("status", "--json"), ("doctor", "--json"), ("get", "-h")):
        two.look(*words)
        one.look(*words)

    said = one.said + two.said
    rows = b"".join(
        bytes(found or b"") for (found,) in here.sql("select sealed from hexauth.entry")
    )
    for secret in (token, PASSPHRASE):
        assert secret.encode() not in said + rows
