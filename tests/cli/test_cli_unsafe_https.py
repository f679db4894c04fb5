"""HEX_UNSAFE_HTTPS: any certificate will do, and every command that sends anything says so."""

import json
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pexpect
import pytest

from hexauth.sandbox.serve import Sandbox
from tests.authorities import HOUR, sign
from tests.cli.test_cli_terminals import terminal
from tests.conftest import SECONDS, Machine, Serve, context_of

Make = Callable[[Sandbox], Machine]

WARNING = b"HEX_UNSAFE_HTTPS is set: no certificate is checked.\n"
LOGIN = ("hexauth", "login", "--no-browser", "--force")
PROGRAM = "import hexauth; print(hexauth.get_token(ask=False))"


@pytest.fixture
def sandbox(serve: Serve, tmp_path: Path) -> Sandbox:
    """Start a server whose certificate is signed by itself, for another host, and out of date."""
    bad = sign("server", hosts=("hex.test",), begins=-2 * HOUR, ends=-HOUR)
    return serve(approve_after=0, tls=context_of(bad.write(tmp_path / "server.pem")))


@pytest.fixture
def here(sandbox: Sandbox, machine: Make) -> Machine:
    """Return a machine that trusts anybody."""
    made = machine(sandbox)
    made.environ["HEX_UNSAFE_HTTPS"] = "1"
    return made


@pytest.mark.parametrize(
    ("hosts", "begins", "ends"),
    [
        (("127.0.0.1",), -HOUR, HOUR),
        (("hex.test",), -HOUR, HOUR),
        (("127.0.0.1",), -2 * HOUR, -HOUR),
        (("127.0.0.1",), HOUR, 2 * HOUR),
    ],
    ids=["by itself", "for another", "expired", "early"],
)
def test_any_certificate_is_trusted(
    serve: Serve,
    machine: Make,
    tmp_path: Path,
    hosts: tuple[str, ...],
    begins: timedelta,
    ends: timedelta,
) -> None:
    shown = sign("server", hosts=hosts, begins=begins, ends=ends).write(tmp_path / "server.pem")

    done = machine(serve(approve_after=0, tls=context_of(shown))).run(
        *LOGIN, environ={"HEX_UNSAFE_HTTPS": "1"}
    )

    assert (done.returncode, done.stderr.count(WARNING)) == (0, 1), done.stderr


def test_who_sends_something_says_so_once_and_beside_the_answer(
    sandbox: Sandbox, here: Machine
) -> None:
    """Each has to renew the token; git, docker and Bazel read nothing but the answer."""
    assert here.run(*LOGIN).returncode == 0
    _, _, host = sandbox.url.partition("://")
    git = f"protocol=https\nhost={host}\n\n".encode()
    bazel = json.dumps({"uri": sandbox.api_url}).encode()
    commands = (
        (("hexauth", "get", "hexpm", "--format", "token"), b"", 1),
        (("hexauth", "api", "users/me"), b"", None),
        (("git-credential-hexauth", "get"), git, None),
        (("hexauth-bazel", "get"), bazel, None),
        (("docker-credential-hexauth", "get"), sandbox.url.encode(), None),
        ((sys.executable, "-c", PROGRAM), b"", 1),
    )
    for words, given, lines in commands:
        sandbox.hexpm.reject_access_tokens()
        here.environ.pop("HEX_UNSAFE_HTTPS")
        here.erase(here.token())
        here.environ["HEX_UNSAFE_HTTPS"] = "1"

        done = here.run(*words, give=given)

        assert (done.returncode, done.stderr) == (0, WARNING), words
        assert WARNING not in done.stdout
        assert lines in (None, done.stdout.count(b"\n"))


def test_who_sends_nothing_says_nothing(here: Machine) -> None:
    assert here.run(*LOGIN).returncode == 0

    assert here.token() != ""
    assert here.hexauth("status").stderr == b""


@pytest.mark.parametrize("command", ["exec", "proxy"])
def test_a_proxy_says_so_on_the_terminal(here: Machine, command: str) -> None:
    """Beside a command it has nothing but the terminal; what is fetched goes through."""
    assert here.run(*LOGIN).returncode == 0
    fetch = "curl --silent $HEX_API_URL/users/me"
    script = {
        "exec": f"hexauth exec -- sh -c '{fetch}' > out",
        "proxy": f'eval "$(hexauth proxy --background)"; {fetch} > out',
    }

    shell = terminal(here, script[command])
    shell.expect(pexpect.EOF)

    assert json.loads((here.home / "out").read_text())["username"] == "alice"
    assert shell.before.count(WARNING.decode().rstrip()) == 1


def test_a_proxy_in_the_foreground_says_so_beside_its_variables(here: Machine) -> None:
    with here.start("hexauth", "proxy", "--format", "json") as process:
        assert process.stdout
        assert process.stderr
        said = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SECONDS)

    assert (said, err, json.loads(out)["HEX_API_URL"][:17]) == (WARNING, b"", "http://127.0.0.1:")


def test_it_can_be_switched_off(here: Machine) -> None:
    done = here.run(*LOGIN, environ={"HEX_UNSAFE_HTTPS": "off"})

    assert (done.returncode, WARNING in done.stderr) == (6, False)


def test_it_does_not_care_for_certificates_that_are_not_there(here: Machine) -> None:
    assert here.run(*LOGIN, environ={"HEX_CACERTS_PATH": "/nowhere.pem"}).returncode == 0
