"""`hexauth login` and `hexauth logout`, at a server that counts."""

import os
import re
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve
from tests.serving import gone
from tests.waiting import until

Make = Callable[[Sandbox], Machine]


def test_login_shows_address_and_code_and_says_who_is_logged_in(
    serve: Serve, machine: Make
) -> None:
    sandbox = serve(approve_after=0)
    here = machine(sandbox)

    done = here.hexauth("login", "--no-browser")

    code = sandbox.hexpm.grants()[0].user_code
    assert done.stdout == b""
    lines = done.stderr.decode().splitlines()
    assert re.fullmatch(r"  until      20\S+ \S+ UTC, 29 days from now", lines.pop(3))
    assert lines == [
        f"To log in, open {sandbox.url}/oauth/device?user_code={code}",
        f"and check that it shows the code {code[:4]}-{code[4:]}.",
        f"You are logged in to {sandbox.api_url} as alice.",
        "  scopes     api:read api:write repositories",
        f"  kept in    {here.home}/hexauth/vault/vault.json, plain text, readable by your user "
        "alone (mode 0600), as mix's own hex.config is",
        "  why there  set by $HEXAUTH_VAULT",
    ]


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"deny_after": 0}, 4, b"hexauth: The login was denied.\n"),
        ({"expires_in": 0.5}, 5, b"hexauth: The code expired before it was approved.\n"),
    ],
)
def test_a_no_is_an_exit_code_and_leaves_nothing(
    serve: Serve, machine: Make, options: dict[str, float], code: int, words: bytes
) -> None:
    here = machine(serve(**options))

    done = here.hexauth("login", "--no-browser")

    assert done.returncode == code
    assert words in done.stderr
    assert here.status()["logins"][0]["state"] == "none"


@pytest.mark.parametrize("fault", ["503@poll=2", "drop@poll", "slow-down@poll", "cut-off@poll"])
def test_a_poll_that_fails_does_not_end_the_login(serve: Serve, machine: Make, fault: str) -> None:
    sandbox = serve(approve_after=0, interval=0.1)
    sandbox.faults.add(parse(fault))

    assert machine(sandbox).hexauth("login", "--no-browser").returncode == 0
    assert sandbox.journal.counts()["device_authorization"] == 1


@pytest.mark.parametrize("fault", ["bad-uri", "control-code", "500", "html", "drop", "redirect"])
def test_nonsense_in_place_of_a_code_is_never_shown(
    serve: Serve, machine: Make, fault: str
) -> None:
    sandbox = serve(approve_after=0)
    sandbox.faults.add(parse(f"{fault}@device_authorization"))

    done = machine(sandbox).hexauth("login", environ=browser(Path("/bin/false")))

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (6, b"", 2)
    assert b"\x1b" not in done.stderr
    assert b"javascript" not in done.stderr


def test_the_browser_is_started_with_the_complete_address(
    serve: Serve, machine: Make, tmp_path: Path
) -> None:
    """It may print and stay open: it is detached, and its output is nobody's."""
    sandbox = serve(approve_after=0.5)
    script, seen = tmp_path / "browser", tmp_path / "seen"
    script.write_text(f'#!/bin/sh\necho noise; printf %s "$1" >{seen}.new; mv {seen}.new {seen}\n')
    script.chmod(0o755)

    done = machine(sandbox).hexauth("get", "hexpm", "--login", environ=browser(script))

    code = sandbox.hexpm.grants()[0].user_code
    assert seen.read_text() == f"{sandbox.url}/oauth/device?user_code={code}"
    assert b"noise" not in done.stdout


def test_a_vault_that_cannot_be_written_is_noticed_before_anybody_is_asked(
    serve: Serve, machine: Make
) -> None:
    sandbox = serve(approve_after=0)
    here = machine(sandbox)
    (here.home / "hexauth").mkdir()
    (here.home / "hexauth/vault").write_text("in the way")

    done = here.hexauth("login", "--no-browser")

    assert (done.returncode, len(done.stderr.splitlines())) == (7, 2)
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_a_login_that_works_is_left_alone(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)

    done = machine.hexauth("login", "--no-browser")

    assert b"already as alice" in done.stderr
    assert (done.returncode, sandbox.journal.counts()["device_authorization"]) == (0, 1)


def test_logging_in_again_ends_the_session_before(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    old = machine.token()

    done = machine.hexauth("login", "--no-browser", "--force", "--name", "desk")

    assert done.returncode == 0
    assert [session.name for session in sandbox.hexpm.sessions()] == ["desk"]
    assert machine.token() != old


def test_other_scopes_ask_again(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    machine.hexauth("login", "--no-browser", "--force", "--scope", "api:read")

    machine.hexauth("login", "--no-browser", "--scope", "api:read")
    machine.hexauth("login", "--no-browser", "--scope", "api repositories")

    assert sandbox.journal.counts()["device_authorization"] == 3
    assert machine.status()["logins"][0]["scopes"] == ["api:read", "api:write", "repositories"]


def test_a_target_without_login_says_which_there_are(serve: Serve, machine: Make) -> None:
    here = machine(serve())

    assert here.hexauth("login", "https://git.example.com").returncode == 2
    assert here.hexauth("logout", "https://git.example.com").returncode == 2


def test_an_api_key_can_stand_in_for_a_login(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    key = sandbox.hexpm.add_key("api repositories")
    here = machine(sandbox)

    done = here.hexauth("login", "--with-token", give=f"{key}\n".encode())

    assert done.stderr.startswith(b"The API key of alice is stored in ")
    assert b"/vault.json, plain text, " in done.stderr
    assert here.token() == key
    header = here.hexauth("get", "hexpm", "--format", "header").stdout
    assert header == f"Authorization: {key}\n".encode()


def test_an_api_key_that_replaces_a_login_ends_its_session(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    key = sandbox.hexpm.add_key("api repositories")

    machine.hexauth("login", "--with-token", give=key.encode())

    assert (machine.token(), sandbox.hexpm.sessions()) == (key, [])


@pytest.mark.parametrize(
    ("key", "code"), [("f" * 32, 4), ("", 2), ("two words", 2), ("Bearer\x1b[31m", 2)]
)
def test_a_key_that_does_not_work_is_not_stored(
    serve: Serve, machine: Make, key: str, code: int
) -> None:
    here = machine(serve())

    done = here.hexauth("login", "--with-token", give=key.encode())

    assert (done.returncode, len(done.stderr.splitlines())) == (code, 2)
    assert not key or key.encode() not in done.stderr
    assert here.status()["logins"][0]["state"] == "none"


def test_logout_ends_the_session_and_leaves_no_trace(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    token = machine.token()

    done = machine.hexauth("logout")

    texts = [path.read_text() for path in machine.home.rglob("*") if path.is_file()]
    assert done.returncode == 0
    assert sandbox.hexpm.sessions() == []
    assert [text for text in texts if token in text or "eyJ" in text or "user_code" in text] == []
    assert machine.status()["logins"][0]["state"] == "none"


def test_logout_without_a_server_removes_the_login_and_exits_6(
    serve: Serve, logged_in: Make
) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)

    with gone(sandbox):
        done = machine.hexauth("logout")

    assert done.returncode == 6
    assert b"but the server did not end it" in done.stderr
    assert machine.status()["logins"][0]["state"] == "none"


def test_logging_out_twice_is_fine(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))
    machine.hexauth("logout")

    assert machine.hexauth("logout").returncode == 0


def test_ctrl_c_is_a_no_and_a_later_login_asks_again(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with here.start("hexauth", "login", "--no-browser") as process:
        until(lambda: len(sandbox.hexpm.grants()) == 1)
        until(lambda: under_way(here))
        os.kill(process.pid, signal.SIGINT)
        err = process.communicate(timeout=60)[1]

    assert process.returncode == 130
    assert b"Traceback" not in err
    with here.start("hexauth", "login", "--no-browser") as process:
        until(lambda: len(sandbox.hexpm.grants()) == 2)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[-1], approve=True)
        assert process.wait(60) == 0


def test_ctrl_c_while_another_process_asks_is_told_alike(serve: Serve, machine: Make) -> None:
    """Whether the words are so plain that Click is not needed, or not."""
    sandbox = serve()
    here = machine(sandbox)
    ends = []
    with here.start("hexauth", "login", "--no-browser") as first:
        until(lambda: under_way(here))
        for words in (("login",), ("login", "hexpm")):
            with here.start("hexauth", *words) as second:
                assert second.stderr is not None
                second.stderr.readline()
                second.stderr.readline()
                second.send_signal(signal.SIGINT)
                ends.append((second.communicate(timeout=60)[1], second.returncode))
        first.kill()

    assert ends == [(b"\nhexauth: Interrupted; nothing was changed.\n", 130)] * 2


def test_a_plain_login_imports_no_click(serve: Serve, machine: Make) -> None:
    here = machine(serve(approve_after=0))

    done = here.hexauth("login", "--no-browser", environ={"PYTHONPROFILEIMPORTTIME": "1"})

    assert done.returncode == 0
    assert b" click\n" not in done.stderr


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_a_dead_process_leaves_its_code_to_the_next(
    serve: Serve, machine: Make, how: signal.Signals
) -> None:
    sandbox = serve()
    here = machine(sandbox)
    with here.start("hexauth", "login", "--no-browser") as process:
        until(lambda: under_way(here))
        os.kill(process.pid, how)
        process.wait(60)
    with here.start("hexauth", "get", "hexpm", "--login", "--format", "token") as process:
        until(lambda: under_way(here))
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)
        out, err = process.communicate(timeout=60)

    assert (process.returncode, out[:3]) == (0, b"eyJ")
    assert b"has ended; carrying on with its code." in err
    assert sandbox.journal.counts()["device_authorization"] == 1


def test_whoever_waits_sees_what_for_and_gets_the_same_token(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    command = ("hexauth", "get", "hexpm", "--format", "token")
    with here.start(*command, "--login") as first:
        until(lambda: under_way(here))
        with here.start(*command, "--no-login") as second:
            assert second.stderr is not None
            line = second.stderr.readline()
            sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)
            tokens = {process.communicate(timeout=60)[0] for process in (first, second)}

    assert line.startswith(f"Process {first.pid} is waiting for you: open http://".encode())
    assert (len(tokens), sandbox.journal.counts()["device_authorization"]) == (1, 1)


def test_a_no_is_the_answer_of_everyone_who_waited(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    command = ("hexauth", "get", "hexpm", "--login")
    with here.start(*command) as first:
        until(lambda: under_way(here))
        with here.start(*command) as second:
            assert second.stderr is not None
            second.stderr.readline()
            sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=False)
            codes = [process.wait(60) for process in (first, second)]

    assert (codes, sandbox.journal.counts()["device_authorization"]) == ([4, 4], 1)


def test_the_lock_files_are_the_user_s_alone_and_stay(serve: Serve, logged_in: Make) -> None:
    machine = logged_in(serve(approve_after=0))
    machine.hexauth("logout")
    state = machine.home / "hexauth/state"

    modes = {path.name[-10:]: stat.S_IMODE(path.stat().st_mode) for path in state.glob("*.lock")}
    assert modes == {"login.lock": 0o600, "token.lock": 0o600, "index.lock": 0o600}
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def under_way(machine: Machine) -> bool:
    """Tell whether a login is waiting for its person, as its record says."""
    records = (machine.home / "hexauth/state").glob("*.login.json")
    return any('"state": "waiting"' in record.read_text() for record in records)


def browser(program: Path) -> dict[str, str]:
    """Return an environment in which `program` is the browser."""
    return {"BROWSER": str(program)}
