"""`hexauth status`, `--help` and `--version`."""

from collections.abc import Callable

import pytest

import hexauth
from hexauth.cli.main import COMMANDS
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, private_mounts

VISIBLE = [name for name in COMMANDS if name not in ("capability", "bazel")]

Make = Callable[[Sandbox], Machine]


def test_status_says_who_for_what_until_when_and_where(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)

    done = logged_in(sandbox).hexauth("status")

    lines = [line.split("  ")[1:] for line in done.stdout.decode().splitlines()]
    assert [line[0] for line in lines if line] == [
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
    assert b"not logged in" in done.stdout


def test_status_as_json_holds_no_secret(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))

    found = machine.status()

    login = found["logins"][0]
    assert (login["target"], login["user"], login["state"]) == ("hexpm", "alice", "ok")
    assert login["session_expires_at"] - login["access_token_expires_at"] == 30 * 86400 - 1800
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
    assert f"{code[:4]}-{code[4:]}".encode() in shown
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
    assert (warning in login.stderr, warning in status.stdout) == (True, True)
    assert here.status()["folders"] == [{"folder": f"{here.home}/hexauth/state", "network": None}]
