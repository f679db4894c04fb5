"""A code that is spent on an answer that makes no sense: everybody hears of it, and at once."""

from pathlib import Path

import pytest

from hexauth.login.record import Record, read_record
from hexauth.vault.turns import LocalTurn
from tests.conftest import Machine, Process
from tests.hostile.rows import DEVICE_CODE, GOOD, GRANT, NEW, PENDING
from tests.hostile.server import Hostile, http, said
from tests.waiting import until

GARBLED = said({**NEW, "refresh_token": "r\nq"})

LINE = (
    b"The server answered nonsense: refresh_token is missing or garbled. "
    b"The code has probably been spent on it.\n"
)

COMMAND = ("hexauth", "get", "hexpm", "--login", "--format", "token")


def patient() -> Hostile:
    """Return a server whose code is good for ten minutes, and not approved yet."""
    device = [(said({**GRANT, "expires_in": 600}),)]
    return Hostile({**GOOD, "device": device, "poll": [(PENDING,)]})


def record(machine: Machine) -> Record:
    found = list((machine.home / "hexauth/state").glob("*.login.json"))
    return read_record(LocalTurn(found[0].with_suffix(".lock"), found[0])) if found else Record()


def waits(machine: Machine, process: Process) -> bool:
    return (record(machine).pid, record(machine).state) == (process.pid, "waiting")


def test_everybody_who_waited_hears_at_once_and_the_next_login_has_a_new_code(
    tmp_path: Path,
) -> None:
    with patient() as server:
        machine = Machine(tmp_path, f"{server.url}/api")
        with machine.start(*COMMAND) as first:
            until(lambda: waits(machine, first))
            with machine.start(*COMMAND) as second:
                assert second.stderr is not None
                second.stderr.readline()
                server.answers["poll"] = [(GARBLED,)]
                ends = [(each.communicate(timeout=60), each.returncode) for each in (first, second)]
        left = record(machine)
        server.answers["poll"] = [(said(NEW),)]
        again = machine.run(*COMMAND)

    assert [(code, out, err.count(LINE)) for (out, err), code in ends] == [(6, b"", 1)] * 2
    assert (left.state, left.device_code, left.ended) == ("Unreachable", "", 1)
    assert (again.returncode, again.stdout) == (0, f"{NEW['access_token']}\n".encode())
    assert server.counts["device"] == 2


@pytest.mark.parametrize("seen", [True, False], ids=["who waited", "who came later"])
def test_who_has_taken_over_a_code_is_not_left_waiting_either(tmp_path: Path, seen: bool) -> None:
    """The winner has died; whoever carries on with its code meets the same answer."""
    with patient() as server:
        machine = Machine(tmp_path, f"{server.url}/api")
        with machine.start(*COMMAND) as first:
            until(lambda: waits(machine, first))
            if not seen:
                first.kill()
                first.wait(60)
            with machine.start(*COMMAND) as second:
                if seen:
                    assert second.stderr is not None
                    second.stderr.readline()
                    first.kill()
                until(lambda: waits(machine, second))
                assert record(machine).device_code == DEVICE_CODE
                server.answers["poll"] = [(GARBLED,)]
                out, err = second.communicate(timeout=60)
        left = record(machine)

    assert (second.returncode, out, err.count(LINE)) == (6, b"", 1)
    assert b"carrying on with its code" in err
    assert (left.state, left.device_code) == ("Unreachable", "")
    assert server.counts["device"] == 1


def test_who_has_taken_over_a_code_says_once_that_the_server_is_out_of_order(
    tmp_path: Path,
) -> None:
    with patient() as server:
        server.answers["poll"] = [(http(b"", "503 X"),)]
        machine = Machine(tmp_path, f"{server.url}/api")
        with machine.start(*COMMAND) as first:
            until(lambda: waits(machine, first))
            first.kill()
            first.wait(60)
        with machine.start(*COMMAND) as second:
            until(lambda: waits(machine, second))
            polls = server.counts["poll"]
            until(lambda: server.counts["poll"] >= polls + 2)
            server.answers["poll"] = [(said(NEW),)]
            out, err = second.communicate(timeout=60)

    assert (second.returncode, out) == (0, f"{NEW['access_token']}\n".encode())
    assert err.count(b"status 503.\nIt is asked again until the code expires, in 9 minutes.\n") == 1
