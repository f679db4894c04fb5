"""Secrets stay secret: every command under --verbose, and a fault at every layer.

All output, and every file that is there afterwards, is searched for them.
"""

import base64
import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.login.tokens import Tokens
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.home import Home
from tests.conftest import Machine, Serve
from tests.homes import home, log_in

VERBOSE = {"HEXAUTH_VERBOSE": "1"}

PASSPHRASE, PASSWORD, OTP = "P4SSPHRASE-x", "P4SSWORD-x", "271828"

GIT = b"protocol=https\nhost=git.test\n"

LOOK = """\
#!/bin/sh
tr '\\0' '\\n' </proc/self/environ >>{seen}
tr '\\0' '\\n' </proc/$PPID/cmdline >>{seen}
printf '%s\\n' "$0" "$@" >>{seen}
{rest}
"""
"""A program that hexauth starts, which notes all that it is told, and what its parent is called."""


JWT = re.compile(rb"eyJ[\w-]+\.([\w-]+)\.[\w-]+")
"""A token of the sandbox's, as of Hex's (RFC 7519 section 3.1)."""


def _kind(payload: bytes) -> str:
    claims = json.loads(base64.urlsafe_b64decode(payload + b"=="))
    return f"{claims.get('typ', 'access')} token"


IN_MEMORY = {"hexauth": {"access token"}}
UNSAVED = {"hexauth": {"access token", "refresh token"}}
"""What a session's memory may hold, and no disk; the latter if it could not be saved."""


class Keeper:
    """A machine whose vault is encrypted, and what nobody else is to find out."""

    def __init__(self, here: Machine, sandbox: Sandbox, memory: str) -> None:
        self.here, self.sandbox, self.memory = here, sandbox, Path(memory)
        self.key = sandbox.hexpm.add_key()
        self.seen = here.home / "seen-by-others"
        browser = self._program("browser", "")
        git = self._program("bin/git", 'exec /usr/bin/git "$@"')
        self.passphrase = here.home / "passphrase"
        self.passphrase.write_text(PASSPHRASE)
        self.passphrase.chmod(0o600)
        here.environ |= {
            "BROWSER": str(browser),
            "PATH": f"{git.parent}:{here.environ['PATH']}",
            "HEXAUTH_PASSPHRASE_FILE": str(self.passphrase),
            "XDG_RUNTIME_DIR": memory,
            **VERBOSE,
        }

    def _program(self, name: str, rest: str) -> Path:
        path = self.here.home / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(LOOK.format(seen=self.seen, rest=rest))
        path.chmod(0o755)
        return path

    def home(self) -> Home:
        """Return this machine's, with its vault open."""
        environ = {**self.here.environ, "HEXAUTH_PASSPHRASE": PASSPHRASE}
        del environ["HEXAUTH_PASSPHRASE_FILE"]
        return home(self.here.home / "hexauth", environ)

    def secrets(self) -> bytes:
        """Return everything that is to be kept."""
        vault = self.home()
        token = Tokens(vault, vault.settings.login).load()
        assert token is not None
        assert token.access
        assert token.refresh
        codes = (grant.device_code for grant in self.sandbox.hexpm.grants())
        every = (*codes, token.access, token.refresh, PASSPHRASE, PASSWORD, self.key, OTP)
        return " ".join(every).encode()

    def found(self, text: bytes) -> set[str]:
        """Return the kinds of secrets that are in `text`."""
        named = {"passphrase": PASSPHRASE, "password": PASSWORD, "key": self.key, "otp": OTP}
        found = {name for name, secret in named.items() if secret.encode() in text}
        if any(grant.device_code.encode() in text for grant in self.sandbox.hexpm.grants()):
            found.add("device code")
        return found | {_kind(payload) for payload in JWT.findall(text)}

    def files(self) -> dict[str, set[str]]:
        """Return which secrets are in which file of this user's."""
        found = {
            path.relative_to(folder).parts[0]: self.found(path.read_bytes())
            for folder in (self.here.home, self.memory)
            for path in folder.rglob("*")
            if path.is_file() and path != self.passphrase
        }
        return {name: secrets for name, secrets in found.items() if secrets}


@pytest.fixture
def keeper(serve: Serve, machine: Callable[[Sandbox], Machine], memory: str) -> Keeper:
    sandbox = serve(approve_after=0)
    return Keeper(machine(sandbox), sandbox, memory)


def test_no_command_lets_a_secret_out_but_where_it_is_asked_for(keeper: Keeper) -> None:
    here, api = keeper.here, keeper.here.environ["HEX_API_URL"]
    host = api.removesuffix("/api")
    (here.home / "hex.config").write_text('{<<"$write_key">>,<<"' + keeper.key + '">>}.\n')
    bazel = json.dumps({"uri": f"{host}/api/packages"}).encode()
    docker = json.dumps({"ServerURL": "r.test", "Username": "me", "Secret": PASSWORD}).encode()
    stored = GIT + f"username=me\npassword={PASSWORD}\n\n".encode()
    commands: list[tuple[tuple[str, ...], bytes, str]] = [
        (("hexauth", "login"), b"", ""),
        (("hexauth", "get", "hexpm"), b"", "access token"),
        (("hexauth", "get", "--explain", "hexpm"), b"", "access token"),
        (("hexauth", "get", "--format", "json", "hexpm"), b"", "access token"),
        (("hexauth", "get", "hexpm", "--min-ttl", "999999"), b"", "access token"),
        (("git-credential-hexauth", "store"), stored, ""),
        (("git-credential-hexauth", "get"), GIT + b"\n", "password"),
        (("git-credential-hexauth", "erase"), stored, ""),
        (("docker-credential-hexauth", "store"), docker, ""),
        (("docker-credential-hexauth", "get"), b"r.test", "password"),
        (("docker-credential-hexauth", "list"), b"", ""),
        (("hexauth-bazel", "get"), bazel, "access token"),
        (("hexauth", "exec", "--", "true"), b"", ""),
        (("hexauth", "exec", "--direct", "--", "true"), b"", ""),
        (("hexauth", "exec", "--otp", OTP, "--", "true"), b"", ""),
        (("hexauth", "api", "/users/me"), b"", ""),
        (("hexauth", "key", "add", "hexpm:acme", "--no-verify"), keeper.key.encode(), ""),
        (("hexauth", "get", "hexpm:acme"), b"", "access token"),
        (("hexauth", "key", "list"), b"", ""),
        (("hexauth", "key", "remove", "hexpm:acme"), b"", ""),
        (("hexauth", "status"), b"", ""),
        (("hexauth", "status", "--json"), b"", ""),
        (("hexauth", "config"), b"", ""),
        (("hexauth", "config", "get", "api_key"), b"", ""),
        (("hexauth", "import", "--json"), b"", ""),
        (("hexauth", "doctor"), b"", ""),
        (("hexauth", "doctor", "--json"), b"", ""),
        (("hexauth", "import"), b"", ""),
        (("hexauth", "setup"), b"", ""),
        (("hexauth", "login", "--with-token"), keeper.key.encode(), ""),
        (("hexauth", "switch"), b"", ""),
        (("hexauth", "logout"), b"", ""),
    ]
    for words, give, shown in commands:
        done = here.run(*words, give=give, environ={"HEX_HOME": str(here.home)})

        assert b"Traceback" not in done.stderr, words
        assert b"nobody expected" not in done.stderr, words
        assert keeper.found(done.stderr) == set(), words
        assert keeper.found(done.stdout) == {shown} - {""}, (words, done.stderr)

    assert keeper.files() == {"hex.config": {"key"}}


def test_programs_that_help_are_told_no_secret(keeper: Keeper) -> None:
    """The browser and git have seen the environment and the arguments, and hexauth's own."""
    given = {
        "HEXAUTH_PASSPHRASE_FILE": "",
        "HEXAUTH_PASSPHRASE": PASSPHRASE,
        "HEX_OTP": OTP,
        "HEX_REPOS_KEY": keeper.key,
    }
    here = keeper.here
    assert here.hexauth("login", environ=given).returncode == 0
    assert here.hexauth("get", "https://else.test", environ=given).returncode == 3

    assert keeper.seen.read_text().count("BROWSER=") == 2
    assert keeper.found(keeper.seen.read_bytes()) == set()


def test_the_command_of_exec_gets_what_it_is_asked_to_get_alone(keeper: Keeper) -> None:
    here = keeper.here
    assert here.hexauth("login", "--no-browser").returncode == 0
    environ = {"HEXAUTH_PASSPHRASE_FILE": "", "HEXAUTH_PASSPHRASE": PASSPHRASE}

    behind = here.hexauth("exec", "--", "env", environ=environ)
    direct = here.hexauth("exec", "--direct", "--", "env", environ=environ)

    assert keeper.found(behind.stdout) == set()
    # What the person has put into the environment stays there, if no proxy is asked for.
    assert keeper.found(direct.stdout) == {"access token", "passphrase"}


FORCE = """
import importlib, os, sys
module, _, name = sys.argv[1].rpartition(":")
kind, sys.argv[1:] = sys.argv[2], sys.argv[3:]
text = open(os.environ["HIDDEN"]).read()
from requests.exceptions import ConnectionError as Requests
from urllib3.exceptions import HTTPError as Urllib3
owner = importlib.import_module(module)
*path, last = name.split(".")
for each in path:
    owner = getattr(owner, each)
if kind == "decode":
    error = UnicodeDecodeError("ascii", text.encode(), 0, 1, text)
elif kind == "os":
    error = OSError(text)
else:
    error = {"runtime": RuntimeError, "requests": Requests, "urllib3": Urllib3}[kind](text)
def broken(*arguments, **options):
    secret = text
    open(os.environ["HIDDEN"] + ".raised", "w").close()
    raise error
setattr(owner, last, broken)
from hexauth.hot import Front
from hexauth.__main__ import main
main(Front())
"""
"""Runs hexauth with a function of its own, or a library's, that raises what holds every secret."""

GET, LOGIN = ("get", "hexpm"), ("login", "--no-browser", "--force")
ADD = ("key", "add", "hexpm:acme", "--no-verify")

LAYERS = (
    ("requests:Session.request", "runtime", GET),
    ("requests:Session.send", "requests", LOGIN),
    ("urllib3:HTTPConnectionPool.urlopen", "urllib3", GET),
    ("urllib3:HTTPConnectionPool.urlopen", "decode", GET),
    ("http.client:HTTPConnection.getresponse", "os", GET),
    ("http.client:HTTPConnection.getresponse", "runtime", LOGIN),
    ("hexauth.world.http:send", "decode", GET),
    ("hexauth.servers.oauth:Client.refresh", "runtime", GET),
    ("hexauth.servers.oauth:Client.refresh", "requests", GET),
    ("hexauth.servers.oauth:Client.device_token", "os", LOGIN),
    ("hexauth.vault.file:FileVault.read", "runtime", GET),
    ("hexauth.vault.file:FileVault.read", "os", ("status",)),
    ("hexauth.vault.file:FileVault.write", "decode", GET),
    ("hexauth.vault.sealed:Seal.close", "runtime", GET),
    ("hexauth.vault.logins:save_login", "runtime", GET),
    ("hexauth.login.tokens:Tokens.save", "runtime", LOGIN),
    ("hexauth.login.tokens:Tokens.save", "requests", GET),
    ("hexauth.memory.answers:Answers.read", "runtime", GET),
    ("hexauth.memory.unsaved:Unsaved.write", "runtime", GET),
    ("hexauth.credentials.sources:get", "runtime", GET),
    ("hexauth.protocols.shell:render", "runtime", (*GET, "--format", "token")),
    ("hexauth.cli.streams:write_answer", "decode", ("key", "list")),
    ("hexauth.machine.files:write_private", "os", ADD),
    ("hexauth.machine.mutex:Mutex.held", "runtime", GET),
    ("hexauth.machine.flock:try_lock", "os", GET),
    ("hexauth.credentials.keys:add", "urllib3", ADD),
    ("hexauth.vault.file:FileVault.check", "runtime", ("doctor",)),
    ("requests:Session.send", "decode", ("doctor", "--json")),
    ("os:replace", "os", GET),
    ("os:fsync", "runtime", ADD),
)
"""A function, what it raises, and a command that comes there."""


@pytest.mark.parametrize(("layer", "kind", "words"), LAYERS)
def test_a_fault_at_any_layer_lets_no_secret_out(
    keeper: Keeper,
    tmp_path_factory: pytest.TempPathFactory,
    layer: str,
    kind: str,
    words: tuple[str, ...],
) -> None:
    log_in(keeper.home(), keeper.sandbox, expires_at=int(time.time()) - 1)
    hidden = tmp_path_factory.mktemp("hidden") / "secrets"
    hidden.write_bytes(keeper.secrets())

    environ = {"HIDDEN": str(hidden)}
    forced = ("python", "-c", FORCE, layer, kind, *words)
    done = keeper.here.run(*forced, give=keeper.key.encode(), environ=environ)

    assert hidden.with_suffix(".raised").exists(), done.stderr
    assert b"Traceback" not in done.stderr, done.stderr
    assert keeper.found(done.stderr) == set(), done.stderr
    assert keeper.found(done.stdout) <= ({"access token"} if words == GET else set()), done.stdout
    assert keeper.files() in ({}, IN_MEMORY, UNSAVED)
