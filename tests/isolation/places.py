"""A user who has something for many places, and the doors at which it can be asked for."""

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hexauth import hex as hexpm
from hexauth.credentials import keys, stored
from hexauth.credentials.keys import KeyKind
from hexauth.login.tokens import Tokens
from hexauth.model import Login, Target, Token
from hexauth.servers.repositories import find_repository
from hexauth.vault.drawers import Stored
from tests.homes import home
from tests.isolation.rows import SECRETS

CLIENT = "client"

MARKS = {name: f"S3CRET.{name}." for name in (*SECRETS, "env", "repos")}
"""What each secret looks like; `env` and `repos` are those of `HEX_API_KEY`, `HEX_REPOS_KEY`."""

TOML = f"""
[servers."https://forge.test:8443/base"]
client_id = "{CLIENT}"
[servers."https://bücher.test"]
client_id = "{CLIENT}"
[servers."https://[2001:db8::1]:8443"]
client_id = "{CLIENT}"
[servers."https://192.0.2.1"]
client_id = "{CLIENT}"
[repositories.mine]
url = "https://mine.test/repo"
"""

LOGINS = {
    "api": (hexpm.API_URL, hexpm.CLIENT_ID),
    "forge": ("https://forge.test:8443/base", CLIENT),
    "plain": ("https://kids.test", CLIENT),
    "ss": ("https://strasse.test", CLIENT),
    "idn": ("https://bücher.test", CLIENT),
    "six": ("https://[2001:db8::1]:8443", CLIENT),
    "four": ("https://192.0.2.1", CLIENT),
}
"""Where somebody has logged in, and as which client; `plain` and `ss` no configuration names."""


def furnish(folder: Path, memory: str, toml: str = TOML, **environ: str) -> dict[str, str]:
    """Make the user's home in `folder`; return the environment that belongs to it."""
    surroundings = {
        "HEXAUTH_HOME": str(folder),
        "HEXAUTH_VAULT": "file",
        "XDG_RUNTIME_DIR": memory,
        "HEX_OFFLINE": "1",
        "HOME": str(folder),
        "PATH": str(Path(sys.executable).parent),  # git, which is asked for servers, costs time
        "LANG": "C.UTF-8",
    }
    folder.mkdir(mode=0o700, exist_ok=True)
    here = home(folder, {**surroundings, "HEXAUTH_CACHE": "off"}, toml)
    now = int(time.time())
    for name, (server, client) in LOGINS.items():
        token = Token(MARKS[name], "refresh", now + 7200, issued_at=now)
        Tokens(here, Login(server, client)).save(token)
    stored.store(here, Target("https", "git.test"), Stored(None, "me", MARKS["git"]))
    stored.store(here, Target("docker", "docker.test"), Stored(None, "me", MARKS["docker"]))
    return {**surroundings, **environ}


def keep_key(environ: Mapping[str, str]) -> None:
    """Keep the organization's key, too."""
    here = home(Path(environ["HEXAUTH_HOME"]), environ)
    keys.add(here, find_repository("hexpm:acme", here.settings), KeyKind.REPO, MARKS["acme"])


@dataclass(frozen=True)
class Run:
    """A command that is to be run."""

    words: Sequence[str | bytes]
    give: bytes = b""
    quick: bool = True
    """Whether the ways may be taken on which next to nothing is imported."""
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Said:
    """What came of it."""

    code: int
    out: bytes
    err: bytes
    quick: bool

    @property
    def secrets(self) -> set[str]:
        """Return the names of the secrets that it shows, as they are or in Base64."""
        seen = self.out + self.err
        for word in seen.replace(b'"', b" ").split():
            try:
                seen += base64.b64decode(word, validate=True)
            except ValueError:
                continue
        return {name for name, mark in MARKS.items() if mark.encode() in seen}


def run(environ: Mapping[str, str], runs: Sequence[Run]) -> list[Said]:
    """Run all of these, one after another; return what each has said."""
    jobs = [
        {
            "words": [base64.b64encode(os.fsencode(word)).decode() for word in each.words],
            "give": base64.b64encode(each.give).decode(),
            "quick": each.quick,
            "environ": {**environ, **each.environ},
        }
        for each in runs
    ]
    done = subprocess.run(
        [sys.executable, "-m", "tests.isolation.many"],
        input=json.dumps(jobs).encode(),
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": ""},
        stdout=subprocess.PIPE,
        timeout=300,
        check=True,
    )
    return [
        Said(code, base64.b64decode(out), base64.b64decode(err), quick)
        for code, out, err, quick in json.loads(done.stdout)
    ]


@dataclass(frozen=True)
class Door:
    """How a door is asked for a text; and what it says if it has nothing."""

    ask: Callable[[str], Run]
    nothing: Callable[[Said], bool]
    takes: Callable[[str], bool] = lambda text: True
    """Whether the door can be given the text at all."""


def _is_argument(text: str) -> bool:
    return "\0" not in text and not text.startswith("-") and text != ""


def _get(form: str) -> Callable[[str], Run]:
    return lambda text: Run(("hexauth", "get", text, "--format", form))


def _docker_has_nothing(said: Said) -> bool:
    known = (b"credentials not found in native keychain", b"no credentials server URL")
    refused = b"the request holds control characters"
    return (said.code, said.err) == (1, b"") and said.out.strip() in (*known, refused)


def _refused(said: Said) -> bool:
    """Two lines, and a code that says that the text makes no sense or that nothing is known."""
    return said.code in (2, 3) and said.out == b"" and said.err.count(b"\n") == 2


DOORS = {
    "get": Door(_get("token"), _refused, _is_argument),
    "git": Door(
        lambda text: Run(("git-credential-hexauth", "get"), f"url={text}\n".encode()),
        lambda said: (said.code, said.out, said.err) == (0, b"", b""),
    ),
    "bazel": Door(
        lambda text: Run(("hexauth-bazel", "get"), json.dumps({"uri": text}).encode()),
        lambda said: (said.code, said.err) == (0, b"") and json.loads(said.out) == {"headers": {}},
    ),
    "docker": Door(
        lambda text: Run(("docker-credential-hexauth", "get"), text.encode()), _docker_has_nothing
    ),
    "exec": Door(
        lambda text: Run(
            ("hexauth", "exec", text, "--direct", "--env", "T=token", "--", "/usr/bin/env")
        ),
        _refused,
        _is_argument,
    ),
}
"""Every door that answers with a credential."""
