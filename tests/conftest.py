"""A Hex server on loopback, and a machine whose user has nothing but hexauth."""

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests import secret_service as secret_services
from tests.authorities import sign
from tests.ready import ready, suits
from tests.waiting import until

if TYPE_CHECKING:
    from tests.hex_registry import Mix
    from tests.postgres import Postgres

# Whoever starts the tests in the background lets them, and what they start, ignore these.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
signal.signal(signal.SIGQUIT, signal.SIG_DFL)

# On a machine that has much else to do, an example of milliseconds may take a second.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

SECONDS = 60
"""The longest that a command may take: everything of hexauth's is bounded."""

Serve = Callable[..., Sandbox]


class Process(subprocess.Popen[bytes]):
    """A process that a test which fails does not wait for."""

    def __exit__(self, kind: type[BaseException] | None, *rest: Any) -> None:
        if kind is not None:
            self.kill()
        super().__exit__(kind, *rest)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that starts each program anew (see tests/ready.py)."""
    parser.addoption("--anew", action="store_true", help="start each of hexauth's programs anew")


@pytest.fixture(autouse=True)
def starts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs be started anew in a test that is marked so."""
    if request.node.get_closest_marker("anew") or request.config.getoption("--anew"):
        monkeypatch.setattr(Machine, "is_anew", True)


def unix(said: str) -> float:
    """Return in unix seconds the time that `--json` says."""
    return datetime.fromisoformat(said).timestamp()


def outcome(done: "subprocess.CompletedProcess[bytes]") -> tuple[int, bytes, bytes]:
    """Return all that the program that started a process hears of it."""
    return done.returncode, done.stdout, done.stderr


class Machine:
    """A home folder of its own, and hexauth's commands as a shell would find them."""

    is_anew = False
    """Whether each program is started anew, also where a prepared process would do."""

    def __init__(self, home: Path, api_url: str) -> None:
        self.home = home
        scripts = str(Path(sys.executable).parent)
        self.environ = {
            "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "HEX_API_URL": api_url,
            "HEXAUTH_HOME": str(home / "hexauth"),
            "HEXAUTH_VAULT": "file",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def start(
        self, *words: str, environ: Mapping[str, str] | None = None, **options: Any
    ) -> Process:
        """Start a command without a terminal; its output can be read."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return Process(
            [shutil.which(words[0], path=self.environ["PATH"]) or words[0], *words[1:]],
            env={**self.environ, **(environ or {})},
            cwd=self.home,
            start_new_session=True,
            **{**streams, **options},
        )

    def run(
        self, *words: str, give: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a command to its end."""
        if not self.is_anew and suits(words[0], {**self.environ, **(environ or {})}):
            return self.prepare(*words, give=give, environ=environ)
        return self._run_anew(*words, give=give, environ=environ)

    def prepare(
        self, *words: str, give: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run a program of hexauth's that is not what is tested: anew only if that is sooner."""
        whole = {**self.environ, **(environ or {})}
        done = ready().run(*words, environ=whole, cwd=self.home, give=give)
        return done or self._run_anew(*words, give=give, environ=environ)

    def _run_anew(
        self, *words: str, give: bytes, environ: Mapping[str, str] | None
    ) -> "subprocess.CompletedProcess[bytes]":
        with self.start(*words, environ=environ) as process:
            out, err = process.communicate(give, timeout=SECONDS)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def hexauth(
        self, *words: str, give: bytes = b"", environ: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run `hexauth` with `words`."""
        return self.run("hexauth", *words, give=give, environ=environ)

    def token(self, *words: str) -> str:
        """Return what `hexauth get hexpm --format token` prints; it must work."""
        done = self.hexauth("get", "hexpm", "--format", "token", "--no-login", *words)
        assert (done.returncode, done.stderr) == (0, b"")
        return done.stdout.decode().removesuffix("\n")

    def erase(self, secret: str) -> None:
        """Tell hexauth that the server has rejected `secret`, as git does."""
        protocol, _, host = self.environ["HEX_API_URL"].removesuffix("/api").partition("://")
        request = f"protocol={protocol}\nhost={host}\nusername=oauth2\npassword={secret}\n\n"
        done = self.hexauth("erase", give=request.encode())
        assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")

    def reject_token(self, sandbox: Sandbox) -> str:
        """Let the server reject the access token, and hexauth know; return it."""
        token = self.token()
        sandbox.hexpm.reject_access_tokens()
        self.erase(token)
        return token

    def age(self, sandbox: Sandbox) -> None:
        """Wait until the access token lives for less than its whole life but a second."""
        end = unix(self.status()["logins"][0]["access_token_expires_at"])
        until(lambda: end - time.time() < sandbox.options.token_ttl - 1)

    def status(self) -> Any:
        """Return what `hexauth status --json` prints."""
        return json.loads(self.prepare("hexauth", "status", "--json").stdout)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a sandbox with the given options, quick to poll; it is stopped at the test's end."""
    with ExitStack() as stack:

        def start(tls: Any = None, **options: Any) -> Sandbox:
            chosen = Options(**{"interval": 0.1, "rate_limit": None, **options})
            return stack.enter_context(Sandbox(chosen, tls=tls))

        yield start


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[Sandbox], Machine]:
    """Return a function that makes a machine whose `hexpm` is a sandbox."""

    def make(sandbox: Sandbox) -> Machine:
        return Machine(tmp_path, sandbox.api_url)

    return make


@pytest.fixture
def logged_in(machine: Callable[[Sandbox], Machine]) -> Callable[[Sandbox], Machine]:
    """Return a function that makes such a machine and logs in on it."""

    def make(sandbox: Sandbox) -> Machine:
        found = machine(sandbox)
        done = found.prepare("hexauth", "login", "--no-browser")
        assert done.returncode == 0, done.stderr
        return found

    return make


@pytest.fixture
def memory() -> Iterator[str]:
    """Make a folder in memory for one session."""
    with tempfile.TemporaryDirectory(prefix="hx-test-", dir="/dev/shm") as folder:
        yield folder


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate for 127.0.0.1, signed by itself; the file holds its key too."""
    return signed_by_itself(tmp_path / "server.pem")


def signed_by_itself(path: Path) -> Path:
    """Write a certificate for 127.0.0.1 and its key to `path`, and return that."""
    server = sign("hexauth test", hosts=("127.0.0.1",), is_authority=True)
    return server.write(path)


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    """Return what a server with that certificate needs."""
    return context_of(certificate)


def context_of(certificate: Path) -> ssl.SSLContext:
    """Return what a server needs whose certificate and key are in a file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture(scope="session")
def secret_service() -> secret_services.Start:
    """Return what starts a Secret Service, unlocked by the password given, or never set up."""
    need("dbus-daemon", "dbus")
    need("gnome-keyring-daemon", "gnome-keyring")
    return secret_services.running


@pytest.fixture(scope="session")
def unlocked(secret_service: secret_services.Start) -> Iterator[dict[str, str]]:
    """Hand out the environment in which an unlocked Secret Service is found."""
    with secret_service("password") as (environ, _):
        yield environ


@pytest.fixture(scope="session")
def mix(tmp_path_factory: pytest.TempPathFactory) -> "Mix":
    """Return the real mix; what it builds is kept until the session ends, for each worker."""
    from tests.hex_registry import Mix, need_mix  # it needs `need`

    archive = need_mix()
    return Mix(tmp_path_factory.mktemp("mix"), archive)


@pytest.fixture(scope="session")
def postgres() -> "Iterator[Postgres]":
    """Start a PostgreSQL for the session, for each worker, that need not survive a power cut."""
    from tests.as_postgres import binaries
    from tests.postgres import Postgres  # psycopg and authorities take time to import

    need("postgres", "postgresql", path=binaries())
    with Postgres(fast=True) as server:
        yield server


def need(program: str, package: str, path: str | None = None) -> str:
    """Return the path of a program of Debian's; without it skip, or fail where CI is set."""
    found = shutil.which(program, path=path)
    if found is None:
        give_up = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        give_up(f"{program} is missing: install the package `{package}`.")
    return found


def private_mounts() -> list[str]:
    """Return what begins a command in which file systems can be mounted for it alone."""
    for words in (["unshare", "-m"], ["unshare", "-Umr"]):
        done = subprocess.run(
            [*words, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False
        )
        if done.returncode == 0:
            return words
    pytest.skip("nothing can be mounted here; tests/stress/test_syscalls.py has the same errors")
