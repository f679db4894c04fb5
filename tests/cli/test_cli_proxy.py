"""`hexauth proxy`: for a shell, an editor, a container."""

import json
import signal
import sys
from collections.abc import Callable

import pexpect
import pytest

from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_exec_proxy import answers, listener
from tests.conftest import SECONDS, Machine, Serve, need
from tests.waiting import until

Make = Callable[[Sandbox], Machine]

USERS_ME = "curl --silent --output /dev/null --write-out '%{http_code}' $HEX_API_URL/users/me"


@pytest.fixture
def here(serve: Serve, logged_in: Make) -> Machine:
    return logged_in(serve(approve_after=0))


def test_it_serves_until_ctrl_c(here: Machine) -> None:
    with here.start("hexauth", "proxy") as process:
        assert process.stdout
        lines = [process.stdout.readline().decode() for _ in range(5)]
        got = here.run("sh", "-c", "".join(lines) + USERS_ME).stdout
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=SECONDS)

    assert (got, rest, process.returncode) == (b"200", (b"", b""), 0)
    assert lines[0].startswith("unset HEX_API ")


def test_json_is_for_programs(here: Machine) -> None:
    with here.start("hexauth", "proxy", "--format", "json") as process:
        assert process.stdout
        text = b""
        while not text.endswith(b"}\n"):
            text += process.stdout.readline()
        found = json.loads(text)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)

    base = found["HEX_API_URL"].removesuffix("/api")
    assert found == {
        "HEX_API_URL": f"{base}/api",
        "HEX_TRUSTED_MIRROR_URL": f"{base}/repo",
        "HEX_CDN": f"{base}/repo",
        "HEX_API_KEY": base.rpartition("/")[2],
    }


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
def test_in_the_background_it_ends_with_the_shell(here: Machine, shell: str) -> None:
    if shell == "zsh":
        need("zsh", "zsh")
    script = f'eval "$(hexauth proxy --background)"; {USERS_ME}; echo; echo $HEX_API_URL; read x'

    with here.start(shell, "-c", script) as process:
        assert process.stdout
        code, url = (process.stdout.readline().decode().strip() for _ in range(2))
        before = answers(url)
        process.communicate(b"\n", timeout=SECONDS)

    until(lambda: not answers(url))
    assert (code, before) == ("200", True)


def test_in_the_background_it_belongs_to_the_inner_of_two_shells(here: Machine) -> None:
    """The copy that a shell makes for `$(…)` is not taken for a shell of its own."""
    inner = 'eval "$(hexauth proxy --background; :)"; echo $HEX_API_URL; read x'

    with here.start("sh", "-c", f"sh -c '{inner}'; echo ended; read y") as process:
        assert process.stdout
        url = process.stdout.readline().decode().strip()
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ended\n"
        until(lambda: not answers(url))
        assert process.communicate(b"\n", timeout=SECONDS) == (b"", b"")


def test_in_the_background_ctrl_c_of_another_command_does_not_end_it(here: Machine) -> None:
    shell = pexpect.spawn(
        "bash", ["--norc", "--noprofile", "-i"], env={**here.environ, "PS1": "$ "}, cwd=here.home,
        encoding="utf-8", timeout=SECONDS,
    )  # fmt: skip
    shell.sendline('eval "$(hexauth proxy --background)"; echo at $HEX_API_URL')
    shell.expect(r"at (http://\S+)\r\n")
    url = shell.match[1]
    shell.sendline("trap : INT; sh -c 'echo on it; exec cat'")
    shell.expect(r"\non it\r\n")

    shell.sendintr()
    shell.sendline(f"echo code $({USERS_ME}); exit")
    shell.expect("code 200")

    shell.expect(pexpect.EOF)
    until(lambda: not answers(url))


def test_it_listens_where_it_is_told(here: Machine) -> None:
    with here.start("hexauth", "proxy", "--format=json", "--address", "::1") as process:
        assert process.stdout
        lines = [process.stdout.readline().decode() for _ in range(6)]
        url = json.loads("".join(lines))["HEX_API_URL"]
        got = here.run("curl", "--silent", f"{url}/users/me").stdout
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=SECONDS)

    assert (url[:13], b'"alice"' in got) == ("http://[::1]:", True)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--port", "70000"], 2),
        (["--format", "xml"], 2),
        (["--address", "192.0.2.1"], 2),
        (["words"], 2),
        (["--account"], 2),
    ],
)
def test_what_is_wrong_is_said_in_two_lines(here: Machine, words: list[str], code: int) -> None:
    done = here.hexauth("proxy", *words)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (code, b"", 2)


def test_a_port_that_is_taken_is_said_in_two_lines(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    port = sandbox.url.rpartition(":")[2]

    done = machine(sandbox).hexauth("proxy", "--port", port)

    assert (done.returncode, len(done.stderr.splitlines())) == (1, 2)
    assert f"port {port}: Address already in use".encode() in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_in_the_background_it_has_no_terminal_s_files(here: Machine) -> None:
    script = 'eval "$(hexauth proxy --background)"; echo $HEX_API_URL; read x'
    with here.start("sh", "-c", script) as process:
        assert process.stdout
        url = process.stdout.readline().decode().strip()
        found = here.run("readlink", f"/proc/{listener(url)}/fd/1").stdout
        process.communicate(b"\n", timeout=SECONDS)

    assert found == b"/dev/null\n"
