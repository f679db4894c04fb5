"""`hexauth status`, `--help` and `--version`."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

import hexauth
from hexauth.cli.main import COMMANDS
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, private_mounts, unix
from tests.stage import USER, Stage, stage

VISIBLE = [name for name in COMMANDS if name not in ("capability", "bazel")]

Make = Callable[[Sandbox], Machine]


@pytest.fixture
def here() -> Iterator[Stage]:
    with stage() as made:
        yield made


def first_line(here: Stage, *words: str) -> str:
    """Return what `status` begins with, without times."""
    return here.shown("status", *words, width=200).partition("\n")[0]


def test_the_first_line_is_of_a_login(here: Stage) -> None:
    here.log_in("alice")

    assert first_line(here) == "Logged in to hexpm as alice, until 2026-12-29 (29 days from now)."


def test_the_first_line_says_the_time_on_the_last_day(here: Stage) -> None:
    here.log_in("alice", ago=30 * 86400 - 7230)

    assert first_line(here) == (
        "Logged in to hexpm as alice, until 2026-12-29 12:00 UTC (2 hours from now)."
    )
    assert here.said("status")["logins"][0]["state"] == "refreshable"


def test_the_first_line_is_of_nobody(here: Stage) -> None:
    assert first_line(here) == "Nobody is logged in to hexpm: run `hexauth login`."
    assert first_line(here, "--account", "work") == (
        "Nobody is logged in to hexpm as work: run `hexauth login --account work`."
    )


def test_the_first_line_is_of_a_session_that_has_ended(here: Stage) -> None:
    here.log_in("alice", ago=31 * 86400)

    assert first_line(here) == (
        "The login of alice to hexpm has ended on 2026-12-29: run `hexauth login`."
    )
    assert here.invoke("status").exit_code == 3


def test_the_first_line_is_of_a_key(here: Stage) -> None:
    here.keep_key()

    assert first_line(here) == "Logged in to hexpm, by an API key, which has no expiry."


def test_the_first_line_is_of_a_login_under_way(here: Stage) -> None:
    with here.waiting():
        assert first_line(here) == (
            "Nobody is logged in to hexpm yet: a login is under way, with the code BCDF-GHJK."
        )
        here.log_in("alice", ago=31 * 86400)
        assert first_line(here).endswith(": a login is under way, with the code BCDF-GHJK.")
        here.log_in("alice")
        assert first_line(here).startswith("Logged in to hexpm as alice, until")


def test_the_first_line_is_of_several_accounts(here: Stage) -> None:
    here.log_in("alice")
    here.log_in("bob", "work")
    here.log_in("carol", "carol", ago=31 * 86400)

    assert first_line(here).endswith("(29 days from now); work is logged in, too.")
    assert first_line(here, "--account", "work").startswith("Logged in to hexpm as bob, until")
    here.tokens().forget()
    assert first_line(here) == (
        "Logged in to hexpm as work and carol: run `hexauth switch NAME` to choose one for good."
    )


def test_the_first_line_says_what_is_wrong_with_the_vault(here: Stage) -> None:
    here.log_in("alice")
    here.put("hexauth/vault/vault.json", "no JSON")

    done = here.invoke("status")

    problem = str(done.exception)
    assert first_line(here) == (
        f"Who is logged in to hexpm is unknown. {problem.replace(str(here.home), USER)}"
    )
    assert here.said("status")["logins"][0]["problem"] == problem


def test_status_says_who_for_what_until_when_and_where(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)

    done = logged_in(sandbox).hexauth("status")

    first, _, _, *lines = done.stdout.decode().splitlines()
    assert re.fullmatch(r"Logged in to hexpm as alice, until [-0-9]{10} \(29 days .*\)\.", first)
    assert [line[2:16].rstrip() for line in lines if re.match(r"  \S", line)] == [
        "state", "user", "scopes", "access token", "session", "vault", "why there",
    ]  # fmt: skip
    assert b"alice" in done.stdout
    assert b"api:read api:write repositories" in done.stdout
    assert b"plain text, readable by your user alone" in done.stdout
    assert b"set by $HEXAUTH_VAULT" in done.stdout
    assert b"29 minutes from now" in done.stdout
    assert b"29 days from now" in done.stdout


def test_status_of_nobody_exits_3(serve: Serve, machine: Make) -> None:
    done = machine(serve()).hexauth("status")

    assert (done.returncode, done.stderr) == (3, b"")
    assert done.stdout.startswith(b"Nobody is logged in to hexpm: run `hexauth login`.\n\n")


def test_status_as_json_holds_no_secret(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))

    found = machine.status()

    login = found["logins"][0]
    assert (login["target"], login["user"], login["state"]) == ("hexpm", "alice", "ok")
    ends = (login["session_expires_at"], login["access_token_expires_at"])
    assert unix(ends[0]) - unix(ends[1]) == 30 * 86400 - 1800
    assert all(re.fullmatch(r"[-0-9]{10}T[:0-9]{8}Z", end) for end in ends)
    assert "eyJ" not in str(found)


def test_status_shows_a_login_under_way(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with here.start("hexauth", "login", "--no-browser") as process:
        assert process.stderr is not None
        process.stderr.readline()
        pending = here.status()["logins"][0]["login_under_way"]
        shown = here.hexauth("status").stdout
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)
        process.communicate(timeout=60)

    code = sandbox.hexpm.grants()[0].user_code
    assert (pending["pid"], pending["user_code"]) == (process.pid, code)
    assert f"yet: a login is under way, with the code {code[:4]}-{code[4:]}.".encode() in shown
    assert 590 < unix(pending["expires_at"]) - time.time() <= 600
    assert here.status()["logins"][0]["login_under_way"] is None


@pytest.mark.parametrize("command", VISIBLE)
def test_every_command_explains_itself(serve: Serve, machine: Make, command: str) -> None:
    done = machine(serve()).hexauth(command, "--help")

    assert (done.returncode, done.stderr) == (0, b"")
    assert f"Usage: hexauth {command}".encode() in done.stdout


def test_the_version_is_the_package_s(serve: Serve, machine: Make) -> None:
    done = machine(serve()).run("python", "-m", "hexauth", "--version")

    assert done.stdout.decode() == f"hexauth {hexauth.__version__}\n"


def test_an_unknown_command_exits_2(serve: Serve, machine: Make) -> None:
    done = machine(serve()).hexauth("logni")

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)


def test_network_file_system_is_noticed(serve: Serve, machine: Make) -> None:
    """The kernel's list says so; locks may not hold there between machines."""
    here = machine(serve(approve_after=0))
    (here.home / "mounts").write_text("1 1 0:1 / / rw - nfs4 server:/ rw\n")
    script = "mount --bind mounts /proc/$$/mountinfo && exec hexauth "

    login, status = (
        here.run(*private_mounts(), "sh", "-c", script + words)
        for words in ("login --no-browser", "status")
    )

    assert (login.returncode, status.returncode) == (0, 0), (login.stderr, status.stderr)
    warning = f"{here.home}/hexauth/state is on a network's file system (nfs4)".encode()
    shown = b" ".join(status.stdout.split())
    assert (warning in login.stderr, warning in shown) == (True, True)
    assert here.status()["folders"] == [{"folder": f"{here.home}/hexauth/state", "network": None}]
