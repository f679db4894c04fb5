"""Who asks, who waits, who carries on, and what happens to a login that cannot be saved."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.quick import BUS
from tests import secret_service as secret_services
from tests.cli.test_cli_terminals import terminal
from tests.conftest import SECONDS, Machine, Process, Serve
from tests.waiting import until

Make = Callable[[Sandbox], Machine]

GET = ("hexauth", "get", "hexpm", "--format", "token")

linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is Linux's")


def record(here: Machine) -> dict[str, Any]:
    """Return what the process that asks has published."""
    paths = list((here.home / "hexauth/state").glob("*.login.json"))
    return json.loads(paths[0].read_text()) if paths else {}


def until_asked(here: Machine, by: Process) -> None:
    until(lambda: record(here).get("state") == "waiting" and record(here)["pid"] == by.pid)


def browser(folder: Path) -> dict[str, str]:
    """Return an environment with a browser that notes what it is given in `folder`/seen."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" >>{folder}/seen\n')
    script.chmod(0o755)
    return {"BROWSER": f"{script} %s"}


def approve(sandbox: Sandbox) -> None:
    assert sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)


def tokens(terminals: "list[pexpect.spawn[str]]") -> None:
    for each in terminals:
        each.expect(pexpect.EOF)
        each.close()


def test_people_who_wait_for_a_program_without_a_browser_get_one_browser(
    serve: Serve, machine: Make, tmp_path: Path
) -> None:
    """An editor's helper asks where nobody looks; two terminals wait for it."""
    sandbox = serve()
    here = machine(sandbox)
    with here.start(*GET, "--login") as helper:
        until_asked(here, helper)
        here.environ.update(browser(tmp_path))
        waiting = [terminal(here, f"{' '.join(GET)} >{number}") for number in "12"]
        for each in waiting:
            each.expect(r"is waiting for you: open http.*\r\n")
        until((tmp_path / "seen").exists)
        approve(sandbox)
        tokens(waiting)
        assert helper.wait(SECONDS) == 0

    code = sandbox.hexpm.grants()[0].user_code
    assert (tmp_path / "seen").read_text() == f"{sandbox.url}/oauth/device?user_code={code}\n"
    assert (tmp_path / "1").read_text() == (tmp_path / "2").read_text() != ""
    assert sandbox.journal.counts()["prompts"] == 1


@pytest.mark.parametrize(
    ("asks", "waits"),
    [
        (["hexauth", "login", "--no-browser"], "hexauth get hexpm"),
        (["hexauth", "get", "hexpm", "--login"], "hexauth login --no-browser"),
    ],
    ids=["the one that asks", "the one that waits"],
)
def test_no_browser_is_opened_behind_the_back_of_who_wants_none(
    serve: Serve, machine: Make, tmp_path: Path, asks: list[str], waits: str
) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with here.start(*asks) as first:
        until_asked(here, first)
        here.environ.update(browser(tmp_path))
        second = terminal(here, waits)
        second.expect(r"is waiting for you: open http.*\r\n")
        with pytest.raises(pexpect.TIMEOUT):  # several looks of the waiter at the record
            second.expect("Your browser", timeout=1)
        approve(sandbox)
        tokens([second])
        assert first.wait(SECONDS) == 0

    assert not (tmp_path / "seen").exists()


def test_whoever_carries_on_does_not_open_the_page_again(
    serve: Serve, machine: Make, tmp_path: Path
) -> None:
    sandbox = serve()
    here = machine(sandbox)
    here.environ.update(browser(tmp_path))
    with here.start(*GET, "--login") as first:
        until_asked(here, first)
        until(lambda: any((here.home / "hexauth/state").glob("*.browser.json")))
        first.kill()
        first.wait(SECONDS)
    second = terminal(here, f"{' '.join(GET)} >token")
    second.expect(r"has ended; carrying on with its code\.\r\n")
    second.expect(r"To log in, open http.*\r\n")
    approve(sandbox)
    tokens([second])

    assert len((tmp_path / "seen").read_text().splitlines()) == 1
    assert (tmp_path / "token").read_text() != ""


def test_a_waiter_that_may_not_ask_carries_on_with_the_code_it_has_shown(
    serve: Serve, machine: Make
) -> None:
    """The person has the page open already: docker's helper need not fail them."""
    sandbox = serve()
    here = machine(sandbox)
    with here.start(*GET, "--login") as first:
        until_asked(here, first)
        with here.start(*GET, "--no-login") as second:
            assert second.stderr is not None
            assert b" is waiting for you" in second.stderr.readline()
            first.kill()
            until_asked(here, second)
            approve(sandbox)
            out, _ = second.communicate(timeout=SECONDS)

    assert (second.returncode, out[:3]) == (0, b"eyJ")
    assert sandbox.journal.counts()["prompts"] == 1


def test_who_comes_after_a_death_and_may_not_ask_does_not_wait(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with here.start(*GET, "--login") as first:
        until_asked(here, first)
        first.kill()
        first.wait(SECONDS)

    assert here.run(*GET, "--no-login").returncode == 3


def left_behind(here: Machine, **changes: object) -> dict[str, Any]:
    """Let a process that asks be killed, and change what it has left; return what it left."""
    with here.start(*GET, "--login") as process:
        until_asked(here, process)
        process.kill()
        process.communicate(timeout=SECONDS)
    left = record(here)
    path = next((here.home / "hexauth/state").glob("*.login.json"))
    path.write_text(json.dumps({**left, **changes}))
    return left


def test_a_process_that_has_the_dead_one_s_id_fools_nobody(serve: Serve, machine: Make) -> None:
    """The mutex says who lives: this test's own process does, and asks nobody anything."""
    sandbox = serve()
    here = machine(sandbox)
    left = left_behind(here, pid=os.getpid())
    with here.start(*GET, "--login") as second:
        until_asked(here, second)
        approve(sandbox)
        out, _ = second.communicate(timeout=SECONDS)

    assert (second.returncode, out[:3]) == (0, b"eyJ")
    assert left["user_code"] == sandbox.hexpm.grants()[0].user_code
    assert sandbox.journal.counts()["prompts"] == 1


@pytest.mark.parametrize(
    "changes", [{"deadline": 1.0}, {"device_code": 7}, {"state": 7}], ids=["old", "torn", "strange"]
)
def test_a_code_that_cannot_be_carried_on_is_cleared(
    serve: Serve, machine: Make, changes: dict[str, object]
) -> None:
    sandbox = serve()
    here = machine(sandbox)
    left = left_behind(here, **changes)
    with here.start(*GET, "--login") as second:
        until_asked(here, second)
        now = record(here)
        second.send_signal(signal.SIGINT)
        second.communicate(timeout=SECONDS)

    assert now["user_code"] == sandbox.hexpm.grants()[1].user_code != left["user_code"]
    assert "user_code" not in record(here)


def test_an_interval_that_the_server_has_lengthened_holds_for_the_successor(
    serve: Serve, machine: Make
) -> None:
    """RFC 8628 section 3.5: slow_down is for this and all later polls."""
    sandbox = serve(interval=0.2)
    here = machine(sandbox)
    sandbox.faults.add(parse("slow-down@poll"))
    with here.start(*GET, "--login") as first:
        until(lambda: record(here).get("interval", 0) > 5)
        first.kill()
        first.wait(SECONDS)
    polls = sandbox.journal.counts()["poll"]
    with here.start(*GET, "--login") as second:
        until_asked(here, second)
        interval, counted = record(here)["interval"], sandbox.journal.counts()["poll"]
        second.kill()

    assert (interval, counted) == (5.2, polls)


def test_an_approval_that_a_dead_process_has_heard_is_not_asked_for_again(
    serve: Serve, machine: Make
) -> None:
    """It was killed between the approval and the save; nothing is shown, no flag is needed."""
    sandbox = serve()
    here = machine(sandbox)
    left = left_behind(here, approved=True)
    approve(sandbox)

    done = here.run(*GET, "--no-login")

    assert (done.returncode, done.stdout[:3]) == (0, b"eyJ")
    assert done.stderr.decode() == f"Process {left['pid']} has ended; carrying on with its code.\n"
    assert sandbox.journal.counts()["prompts"] == 1


@contextmanager
def out_of_order(here: Machine) -> Iterator[None]:
    """Let the vault fail; it is in order again afterwards."""
    folder = here.home / "hexauth/vault"
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("in the way")
    yield
    folder.unlink()
    folder.with_name("elsewhere").rename(folder)


@contextmanager
def approved_but_not_saved(sandbox: Sandbox, here: Machine) -> Iterator[list[str]]:
    """Hand out what a `get` says whose vault fails after the approval; then it is repaired."""
    with here.start(*GET, "--login") as process:
        until_asked(here, process)
        with out_of_order(here):
            approve(sandbox)
            out, err = process.communicate(timeout=SECONDS)
            assert (process.returncode, out) == (7, b"")
            yield [line for line in err.decode().splitlines() if line.startswith("hexauth: ")]


@linux
def test_a_login_that_cannot_be_saved_is_kept_in_memory_until_it_can(
    serve: Serve, machine: Make
) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with approved_but_not_saved(sandbox, here) as said:
        meanwhile = here.run(*GET, "--no-login")
        unsaved = here.status()["logins"][0]

    afterwards = here.run(*GET, "--no-login", environ={"HEXAUTH_MIN_TTL": "299"})  # not cached

    assert said[0].startswith("hexauth: The login cannot be saved: ")
    assert said[1].startswith("hexauth: Until this machine restarts it is kept in memory")
    assert (meanwhile.returncode, unsaved["state"], unsaved["in_memory_only"]) == (0, "ok", True)
    assert (afterwards.stdout, afterwards.stderr) == (meanwhile.stdout, b"")
    assert here.status()["logins"][0]["in_memory_only"] is False
    assert meanwhile.stdout.decode().strip() in (here.home / "hexauth/vault/vault.json").read_text()
    assert sandbox.journal.counts()["prompts"] == 1


@linux
def test_logging_out_forgets_a_login_that_is_in_memory_alone(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with approved_but_not_saved(sandbox, here):
        pass

    assert here.hexauth("logout").returncode == 0
    assert here.run(*GET, "--no-login").returncode == 3
    assert sandbox.journal.counts()["revoke_by_hash"] == 1


def test_a_login_that_could_be_kept_nowhere_is_had_again_with_the_same_code(
    serve: Serve, machine: Make
) -> None:
    """The server issues another token for an approved code, and nobody is asked."""
    sandbox = serve()
    here = machine(sandbox)
    here.environ["HEXAUTH_CACHE"] = "off"
    with approved_but_not_saved(sandbox, here) as said:
        still_broken = here.run(*GET, "--no-login")

    done = here.run(*GET, "--no-login")

    assert "in memory" not in said[1]
    assert still_broken.returncode == 7
    assert (done.returncode, done.stdout[:3]) == (0, b"eyJ")
    assert done.stderr.decode().endswith(" could not save the login; carrying on with its code.\n")
    assert sandbox.journal.counts()["prompts"] == 1


@linux
def test_a_refreshed_token_that_cannot_be_saved_is_not_lost(serve: Serve, logged_in: Make) -> None:
    """The refresh token before it is spent."""
    sandbox = serve(approve_after=0)
    here = logged_in(sandbox)
    here.reject_token(sandbox)
    sandbox.faults.add(parse("slow:1@refresh"))
    with here.start(*GET, "--no-login") as process:
        until(lambda: sandbox.journal.counts()["refresh"] == 1)
        with out_of_order(here):
            assert process.wait(SECONDS) == 7

    assert here.token() != ""
    assert here.status()["logins"][0]["in_memory_only"] is False
    assert (sandbox.journal.counts()["refresh"], sandbox.journal.counts()["prompts"]) == (1, 1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_waits_until_a_refreshed_token_is_saved(
    serve: Serve, logged_in: Make, number: signal.Signals
) -> None:
    """It is no answer of the person's either: whoever waits gets the token."""
    sandbox = serve(approve_after=0)
    here = logged_in(sandbox)
    here.reject_token(sandbox)
    sandbox.faults.add(parse("slow:1@refresh"))
    with here.start(*GET) as process:
        until(lambda: sandbox.journal.counts()["refresh"] == 1)
        with here.start(*GET, "--no-login") as waiter:
            os.killpg(process.pid, number)
            codes = process.wait(SECONDS), waiter.wait(SECONDS)

    assert here.token() != ""
    assert (sandbox.journal.counts()["refresh"], sandbox.journal.counts()["prompts"]) == (1, 1)
    assert codes == (130 if number == signal.SIGINT else -number, 0)


def test_a_keyring_that_is_locked_meanwhile_does_not_lose_the_approval(
    serve: Serve, machine: Make, secret_service: secret_services.Start
) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with secret_service("password") as (found, _):
        here.environ.update(found)
        here.environ.update({"HEXAUTH_VAULT": "keyring", "HEXAUTH_VAULT_TIMEOUT": "1"})
        with here.start(*GET, "--login") as process:
            until_asked(here, process)
            secret_services.lock(found[BUS])
            approve(sandbox)
            assert process.wait(SECONDS) == 7
        meanwhile = here.run(*GET, "--no-login")

    assert (meanwhile.returncode, meanwhile.stdout[:3]) == (0, b"eyJ")
    assert sandbox.journal.counts()["prompts"] == 1
