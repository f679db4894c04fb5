"""`hexauth exec`: a command, its environment, its signals and its end."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_terminals import terminal
from tests.conftest import SECONDS, Machine, Serve

Make = Callable[[Sandbox], Machine]

SHOW = (sys.executable, "-c", "import os, sys; print(*map(os.environ.get, sys.argv[1:]))")


@pytest.fixture
def here(serve: Serve, logged_in: Make) -> Machine:
    return logged_in(serve(approve_after=0))


def shown(here: Machine, *words: str) -> list[str]:
    """Return what the command that `words` run prints; it must work."""
    done = here.hexauth("exec", *words)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().split("\n")


def test_clients_of_hex_find_the_token_itself_where_they_look(here: Machine) -> None:
    bearer = f"Bearer {here.token()}"

    lines = shown(here, "--direct", "--", *SHOW, "HEX_API_KEY", "HEXPM_READ_API_KEY", "HEX_OTP")

    assert lines == [f"{bearer} {bearer} None", ""]


def test_other_variables_have_other_formats(here: Machine) -> None:
    words = ["--env", "A=token", "--env", "B=username", "--env=C=header", "hexpm:acme"]

    lines = shown(here, *words, "--", *SHOW, "A", "B", "C")

    token = here.token()
    assert lines == [f"{token} oauth2 Authorization: Bearer {token}", ""]


def test_a_one_time_password_is_handed_on(here: Machine) -> None:
    assert shown(here, "--otp=123456", "--", *SHOW, "HEX_OTP") == ["123456", ""]


def test_a_one_time_password_is_asked_for_and_not_shown(here: Machine) -> None:
    shell = terminal(here, "hexauth exec --otp -- sh -c 'echo got $HEX_OTP'")
    shell.expect("One-time password: ")

    shell.sendline("654321")

    assert shell.expect([r"got 654321\r\n", pexpect.EOF]) == 0
    assert "654321" not in shell.before


def test_the_command_has_the_place_of_hexauth(here: Machine) -> None:
    """Its process id, and thereby its signals, job control and exit code."""
    with here.start("hexauth", "exec", "--", "sh", "-c", "echo $$; read x; exit 42") as process:
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        process.communicate(b"\n", timeout=SECONDS)
    assert process.returncode == 42

    with here.start("hexauth", "exec", "--", "sh", "-c", "echo; read x") as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == -signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_the_command_ignores_no_signal_and_inherits_no_file(here: Machine) -> None:
    """Python ignores SIGPIPE: `yes | head` would complain."""
    script = "grep SigIgn /proc/self/status; ls /proc/$$/fd"

    ignored, *files = shown(here, "--", "sh", "-c", script)

    mask = int(ignored.split()[1], 16)
    assert [name for name in ("SIGPIPE", "SIGXFSZ") if mask >> getattr(signal, name) - 1 & 1] == []
    assert set(files) <= {"0", "1", "2", "255", ""}


def test_the_secret_is_in_no_argument_list(here: Machine) -> None:
    script = "tr '\\0' ' ' < /proc/$$/cmdline"

    assert here.token() not in shown(here, "--", "sh", "-c", script)[0]


def test_words_after_the_first_dashes_are_the_command_s_own(here: Machine) -> None:
    assert shown(here, "hexpm", "--", "echo", "--", "--help", "-x") == ["-- --help -x", ""]


def test_an_old_token_is_refreshed_first(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0, token_ttl=1000)
    here = logged_in(sandbox)
    here.age(sandbox)

    shown(here, "--direct", "--", "true")
    before = sandbox.journal.counts()["refresh"]
    shown(here, "--direct", "--min-ttl", "999", "--", "true")

    assert (before, sandbox.journal.counts()["refresh"]) == (0, 1)


def test_a_stored_password_goes_where_it_is_wanted_and_not_to_hex(here: Machine) -> None:
    request = b"protocol=https\nhost=git.test\nusername=bob\npassword=pw\n"
    assert here.hexauth("store", give=request).returncode == 0
    names = ("P", "HEX_API_KEY", "HEXPM_READ_API_KEY")

    assert shown(here, "https://git.test", "--env", "P=token", "--", *SHOW, *names) == [
        "pw None None",
        "",
    ]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["exec"], 2),
        (["exec", "hexpm", "mix"], 2),
        (["exec", "hexpm", "--"], 2),
        (["exec", "--otp=12ab56", "--", "true"], 2),
        (["exec", "--env", "1A=token", "--", "true"], 2),
        (["exec", "--env", "A=nonsense", "--", "true"], 2),
        (["exec", "--env", "A", "--", "true"], 2),
        (["exec", "https://git.test", "--", "true"], 2),
        (["exec", "--otp", "--", "true"], 2),
        (["exec", "--", "no-such-program"], 1),
        (["exec", "--", "/tmp"], 1),
    ],
)
def test_what_is_wrong_is_said_in_two_lines(here: Machine, words: list[str], code: int) -> None:
    done = here.hexauth(*words)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (code, b"", 2)


def test_without_a_login_to_hand_over_the_command_does_not_run(serve: Serve, machine: Make) -> None:
    done = machine(serve()).hexauth("exec", "--direct", "--no-login", "--", "echo", "it runs")

    assert (done.returncode, done.stdout) == (3, b"")


def test_a_program_in_the_current_folder_is_not_found_by_its_name(here: Machine) -> None:
    Path(here.home / "mix").write_text("#!/bin/sh\necho wrong\n")
    Path(here.home / "mix").chmod(0o755)
    path = f".:{os.pathsep}{here.environ['PATH']}"

    done = here.hexauth("exec", "--", "mix", "--version", environ={"PATH": path})

    assert b"wrong" not in done.stdout
