"""`hexauth exec` with its proxy: a command that is as if hexauth were not there."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pexpect
import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_terminals import terminal
from tests.conftest import SECONDS, Machine, Process, Serve
from tests.serving import gone
from tests.waiting import until

Make = Callable[[Sandbox], Machine]

WAIT = ("sh", "-c", "echo $HEX_API_URL; read line; exit 42")
"""A command that says where the proxy is, and waits until it is told to end."""

GET = "curl --silent --show-error --write-out '%{http_code}'"


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(approve_after=0)


@pytest.fixture
def here(sandbox: Sandbox, logged_in: Make) -> Machine:
    return logged_in(sandbox)


def address(process: Process) -> str:
    """Return the first line that a process prints."""
    assert process.stdout
    return process.stdout.readline().decode().strip()


def answers(url: str) -> bool:
    """Tell whether anybody listens at the port of `url`."""
    parts = urlsplit(url)
    with socket.socket() as peer:
        return peer.connect_ex((str(parts.hostname), parts.port or 0)) == 0


def listener(url: str) -> int:
    """Return the process that listens at the port of `url` (proc(5))."""
    port = f":{urlsplit(url).port:04X}"
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (inode,) = (row[9] for row in rows if row[1].endswith(port) and row[3] == "0A")
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(os.readlink(each) == f"socket:[{inode}]" for each in folder.iterdir()):  # noqa: PTH115
                return int(folder.parent.name)
        except OSError:  # it has ended, or is somebody else's
            continue
    raise AssertionError(f"nobody listens at {url}")


def test_command_reaches_both_halves_of_hex_with_the_login(here: Machine) -> None:
    script = f"{GET} $HEX_API_URL/users/me; {GET} $HEX_TRUSTED_MIRROR_URL/repos/acme/names"

    done = here.hexauth("exec", "--", "sh", "-c", script)

    assert (done.returncode, done.stderr) == (0, b"")
    assert b'"username": "alice"' in done.stdout
    assert done.stdout.endswith(b"names of acme\n200")


def test_nothing_of_the_login_is_in_the_environment(here: Machine) -> None:
    token = here.token()
    given = {
        "HEX_API_KEY": "k" * 32,
        "HEX_REPOS_KEY": "r" * 32,
        "HEXPM_API_KEY": "p" * 32,
        "HEXPM_READ_API_KEY": "q" * 32,
    }

    done = here.hexauth("exec", "--", "env", environ=given)

    assert [each for each in (token, *given.values()) if each in done.stdout.decode()] == []
    assert b"HEX_REPOS_KEY" not in done.stdout


def test_a_variable_that_is_named_gets_the_credential_beside_the_proxy(here: Machine) -> None:
    """Even one that a command behind the proxy is not to have otherwise."""
    token = here.token()
    given = {"HEXPM_API_KEY": "p" * 32}

    done = here.hexauth("exec", "--env", "HEXPM_API_KEY=token", "--", "env", environ=given)

    shown = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
    assert shown["HEXPM_API_KEY"] == token
    assert shown["HEX_API_URL"].endswith(f"/{shown['HEX_API_KEY']}/api")


def test_a_key_of_the_environment_is_what_the_api_gets(sandbox: Sandbox, here: Machine) -> None:
    key = sandbox.hexpm.add_key("api")
    here.hexauth("logout")

    done = here.hexauth(
        "exec", "--", "sh", "-c", f"{GET} $HEX_API_URL/users/me", environ={"HEX_API_KEY": key}
    )

    assert done.stdout.endswith(b"200")


def test_a_company_s_proxy_is_not_asked_for_this_one(here: Machine) -> None:
    """It would see the secret."""
    environ = {"http_proxy": "http://127.0.0.1:9", "NO_PROXY": "a.example", "no_proxy": "127.0.0.1"}

    done = here.hexauth(
        "exec", "--", "sh", "-c", f"echo $NO_PROXY; {GET} $HEX_CDN/names", environ=environ
    )

    assert done.stdout == b"a.example,127.0.0.1,127.0.0.1,::1\nnames of hexpm\n200"


def test_a_mirror_that_was_named_is_what_the_proxy_asks(
    sandbox: Sandbox, serve: Serve, here: Machine
) -> None:
    other = serve()
    script = f"{GET} $HEX_TRUSTED_MIRROR_URL/names"

    for name in ("HEX_TRUSTED_MIRROR_URL", "HEX_MIRROR_URL"):
        here.hexauth("exec", "--", "sh", "-c", script, environ={name: other.url})

    assert (sandbox.journal.counts()["names"], other.journal.counts()["names"]) == (0, 2)


def test_nobody_is_asked_for_what_everybody_may_have(serve: Serve, machine: Make) -> None:
    sandbox = serve()

    done = machine(sandbox).hexauth("exec", "--login", "--", "sh", "-c", f"{GET} $HEX_CDN/names")

    assert done.stdout == b"names of hexpm\n200"
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_a_command_that_fetches_nothing_needs_no_login(serve: Serve, machine: Make) -> None:
    sandbox = serve()

    done = machine(sandbox).hexauth("exec", "--", "echo", "it runs")

    assert (done.returncode, done.stdout, done.stderr) == (0, b"it runs\n", b"")
    assert sandbox.journal.counts()["device_authorization"] == 0


def test_the_person_is_asked_on_the_terminal_when_a_request_is_refused(
    serve: Serve, machine: Make
) -> None:
    """They are told which command it is that needs the login."""
    sandbox = serve()
    here = machine(sandbox)
    (here.home / "deploy.sh").write_text(f"{GET} $HEX_API_URL/users/me\nexit\n")
    shell = terminal(here, "hexauth exec -- sh ./deploy.sh")
    shell.expect(r"deploy\.sh needs a login to http://127")
    shell.expect(r"the code \S+\.\r\n")

    sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)

    shell.expect(r'"username": "alice"')
    shell.expect(pexpect.EOF)
    assert sandbox.journal.counts()["device_authorization"] == 1


def test_a_no_is_answered_as_the_server_would_and_not_asked_again(
    serve: Serve, machine: Make
) -> None:
    sandbox = serve(deny_after=0)
    script = f"for n in 1 2 3; do {GET} -o /dev/null $HEX_API_URL/users/me; done"

    done = machine(sandbox).hexauth("exec", "--login", "--", "sh", "-c", script)

    assert (done.stdout, sandbox.journal.counts()["device_authorization"]) == (b"401401401", 1)


def test_one_login_serves_the_requests_of_all_commands(serve: Serve, machine: Make) -> None:
    sandbox = serve(approve_after=1)
    here = machine(sandbox)
    fetch = f"{GET} -o /dev/null $HEX_TRUSTED_MIRROR_URL/repos/acme/names"
    words = ("hexauth", "exec", "--login", "--", "sh", "-c", f"{fetch} & {fetch} & wait")

    started = [here.start(*words) for _ in range(4)]
    said = [process.communicate(timeout=SECONDS)[0] for process in started]

    assert said == [b"200200"] * 4
    assert sandbox.journal.counts()["device_authorization"] == 1


def test_a_command_outlives_its_token(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    here = logged_in(sandbox)
    script = f"{GET} -o /dev/null $HEX_API_URL/users/me; read x; {GET} $HEX_API_URL/users/me"

    with here.start("hexauth", "exec", "--", "sh", "-c", script) as process:
        assert process.stdout
        first = process.stdout.read(3)
        sandbox.hexpm.reject_access_tokens()
        rest, _ = process.communicate(b"\n", timeout=SECONDS)

    assert (first, rest[-3:], sandbox.journal.counts()["refresh"]) == (b"200", b"200", 1)


def test_the_command_has_the_place_of_hexauth(here: Machine) -> None:
    """Its process id and group, its session and its exit code."""
    script = "echo $$ $(ps -o pgid=,sid= -p $$); read x; exit 42"

    with here.start("hexauth", "exec", "--", "sh", "-c", script) as process:
        said = [int(word) for word in address(process).split()]
        process.communicate(b"\n", timeout=SECONDS)

    assert (said, process.returncode) == ([process.pid] * 3, 42)


def test_bytes_pass_both_ways_as_they_are(here: Machine) -> None:
    content = bytes(range(256)) * 5000

    done = here.run("hexauth", "exec", "--", "sh", "-c", "cat; printf '\\377' >&2", give=content)

    assert (done.stdout, done.stderr) == (content, b"\xff")


def test_the_proxy_holds_nothing_open_of_the_command_s(here: Machine) -> None:
    """Who reads the output to its end does not wait for the proxy."""
    with here.start("hexauth", "exec", "--", *WAIT) as process:
        url = address(process)
        files = {os.readlink(each) for each in Path(f"/proc/{listener(url)}/fd").iterdir()}  # noqa: PTH115
        process.communicate(b"\n", timeout=SECONDS)

    assert [each for each in files if each.startswith("pipe:")] == []


@pytest.mark.parametrize("end", [None, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("used", [False, True])
def test_the_proxy_ends_with_the_command(
    here: Machine, end: signal.Signals | None, used: bool
) -> None:
    with here.start("hexauth", "exec", "--", *WAIT) as process:
        url = address(process)
        if used:
            assert here.run("curl", "--silent", f"{url}/users/me").stdout.startswith(b"{")
        before = answers(url)
        if end is not None:
            process.send_signal(end)
        process.communicate(b"\n", timeout=SECONDS)

    until(lambda: not answers(url))
    assert (before, process.returncode) == (True, 42 if end is None else -end)


def test_the_command_outlives_a_proxy_that_is_killed(here: Machine) -> None:
    with here.start("hexauth", "exec", "--", *WAIT) as process:
        url = address(process)
        os.kill(listener(url), signal.SIGKILL)
        until(lambda: not answers(url))
        process.communicate(b"\n", timeout=SECONDS)

    assert process.returncode == 42


def test_a_renewal_under_way_is_saved_before_the_proxy_ends(
    sandbox: Sandbox, here: Machine
) -> None:
    """The refresh token is spent as soon as the server has it."""
    old = here.token()
    sandbox.hexpm.reject_access_tokens()
    sandbox.faults.add(parse("slow:1@refresh"))
    with here.start("hexauth", "exec", "--", *WAIT) as process:
        url = address(process)
        client = here.start("curl", "--silent", f"{url}/users/me")
        until(lambda: sandbox.journal.counts()["refresh"] == 1)
        process.kill()
        process.communicate(timeout=SECONDS)
        until(lambda: not answers(url))
        client.communicate(timeout=SECONDS)

    done = here.hexauth("get", "hexpm", "--format", "token", "--no-login")
    assert (done.returncode, done.stdout == f"{old}\n".encode()) == (0, False)
    assert sandbox.journal.counts()["refresh"] == 1


def test_ctrl_c_is_the_command_s(here: Machine) -> None:
    command = 'trap "echo caught" INT; echo $HEX_API_URL; until read line; do :; done; echo $line'
    shell = terminal(here, f"hexauth exec -- sh -c '{command}'")
    shell.expect(r"(http://\S+)\r\n")
    url = shell.match[1]

    shell.sendintr()

    shell.expect("caught")
    assert answers(url)
    shell.sendline("on")
    shell.expect(pexpect.EOF)


def test_the_command_stops_and_goes_on(here: Machine) -> None:
    """As under a shell's job control."""
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], env={**here.environ, "PS1": "$ "}, cwd=here.home,
        encoding="utf-8", timeout=SECONDS,
    )  # fmt: skip
    shell.sendline("hexauth exec -- cat")
    shell.sendline("one")
    shell.expect("one\r\none")

    shell.sendcontrol("z")
    shell.expect("Stopped")
    shell.sendline("fg")
    shell.sendline("two")
    shell.expect("two\r\ntwo")
    shell.sendeof()
    shell.sendline("exit 7")
    shell.expect(pexpect.EOF)
    shell.close()

    assert shell.exitstatus == 7


def test_a_server_that_is_down_is_told_to_both_once(sandbox: Sandbox, here: Machine) -> None:
    script = f"for n in 1 2; do {GET} $HEX_TRUSTED_MIRROR_URL/names; done"
    with gone(sandbox):
        shell = terminal(here, f"hexauth exec -- sh -c '{script}' > out")
        shell.expect(pexpect.EOF)

    said = f"hexauth: {sandbox.url} cannot be reached: no connection.\n"
    assert (here.home / "out").read_text() == f"{said}502" * 2
    assert shell.before.count("cannot be reached") == 1


def test_one_inside_another_passes_on(here: Machine) -> None:
    script = f"hexauth exec -- sh -c '{GET} $HEX_API_URL/users/me'"

    done = here.hexauth("exec", "--", "sh", "-c", script)

    assert done.stdout.endswith(b"200")


def test_a_folder_that_is_named_from_here_is_found_by_the_proxy(here: Machine) -> None:
    relative = {"HEXAUTH_HOME": "hexauth"}

    done = here.hexauth("exec", "--", "sh", "-c", f"{GET} $HEX_API_URL/users/me", environ=relative)

    assert done.stdout.endswith(b"200")


def test_settings_that_make_no_sense_are_told_when_they_matter(here: Machine) -> None:
    (here.home / "hexauth/config.toml").write_text("nonsense = 1\n")
    shell = terminal(here, f"hexauth exec -- sh -c '{GET} $HEX_API_URL/users/me'; echo $?")

    shell.expect("hexauth: .*config.toml has a key that hexauth does not know: nonsense")
    shell.expect(r"000(52|56)\r\n")  # curl: an empty answer, or none
    shell.expect(pexpect.EOF)
