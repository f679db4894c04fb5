"""The programs that are measured one at a time, and the homes in which they find their secrets."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from bench import peers
from bench.measure import Program
from hexauth import hot
from hexauth.sandbox.serve import Sandbox

GET = ("hexauth", "get", "hexpm", "--format", "token")
GIT, DOCKER = "git-credential-hexauth", "docker-credential-hexauth"

BARE, HIT = "python -c pass", "hexauth get"
"""Programs that others are compared with, by name."""

COMPLETE = "hexauth complete targets"
"""What a shell runs for the names on this machine."""


class Home:
    """A home with a login at a Hex server, and what a fresh installation does there.

    `environ` says where a Secret Service is; `settings` are variables beside it.
    """

    def __init__(
        self,
        scripts: Path,
        folder: Path,
        sandbox: Sandbox,
        environ: Mapping[str, str],
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.scripts, self.folder, self.sandbox = scripts, folder, sandbox
        folder.mkdir()
        self.environ = {
            **environ,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "HEXAUTH_HOME": str(folder / "h"),
            "HEX_API_URL": sandbox.api_url,
            **(settings or {}),
        }
        host = sandbox.url.removeprefix("http://")
        self.request = f"protocol=http\nhost={host}\n\n".encode()
        self.run("hexauth", "login", "--no-browser")
        self.token = self.run(*GET).decode().strip()
        self.secret = self.token[::-1]
        """What is stored as a password: as long as the token, and nothing that hexauth knows."""

    def run(self, *words: str, given: bytes = b"") -> bytes:
        """Run one of hexauth's commands, and return what it prints."""
        path = str(self.scripts / words[0])
        done = subprocess.run(
            [path, *words[1:]], input=given, env=self.environ, check=True, capture_output=True
        )
        return done.stdout

    def program(
        self,
        name: str,
        *words: str,
        given: bytes = b"",
        settings: Mapping[str, str] | None = None,
        expected: str | None = None,
        code: int = 0,
        before: Callable[[], object] = lambda: None,
    ) -> Program:
        """Return a program of the installation; it must print `expected`, or else the token."""
        path = str(self.scripts / words[0])
        answer = (self.token if expected is None else expected).encode()
        environ = {**self.environ, **(settings or {})}
        return Program(name, [path, *words[1:]], environ, given, answer, code, before)

    def bare(self) -> Program:
        """Return an interpreter that does nothing."""
        return self.program(BARE, "python", "-c", "pass", expected="")

    def logins(self) -> Iterator[Program]:
        """Yield what is asked for the token of the login."""
        uri = f'{{"uri":"{self.sandbox.api_url}"}}'.encode()
        yield self.program(HIT, "hexauth", "get", given=self.request)
        yield self.program(f"{GIT} get", GIT, "get", given=self.request)
        yield self.program("hexauth get hexpm --format token", *GET)
        yield self.program("hexauth-bazel get", "hexauth-bazel", "get", given=uri)
        off = {"HEXAUTH_CACHE": "off"}
        yield self.program("the same from the Secret Service", *GET, settings=off)
        yield self.program("the same, memory empty", *GET, before=self.forget)
        yield self.program(COMPLETE, *COMPLETE.split(), expected="hexpm")

    def password(self, vault: str) -> Program:
        """Return what asks for a stored password, after storing it; `vault` says where it is."""
        self.run(GIT, "store", given=peers.told_by_git(self.secret))
        name = f"stored password, {vault}"
        return self.program(name, GIT, "get", given=peers.REQUEST, expected=self.secret)

    def docker(self) -> Program:
        """Return what docker asks for a stored password, after storing it."""
        self.run(DOCKER, "store", given=peers.told_by_docker(self.secret))
        given = peers.URL.encode()
        return self.program(f"{DOCKER} get", DOCKER, "get", given=given, expected=self.secret)

    def fills(self) -> Iterator[Program]:
        """Yield `git credential fill` with hexauth as its helper, and with libsecret's.

        Passwords must have been stored in both before.
        """
        git = shutil.which("git")
        if git is None:
            return
        own = str(self.scripts / GIT)
        helpers = [
            ("hexauth", own, self.request, self.token),
            ("hexauth, stored password", own, peers.REQUEST, self.secret),
        ]
        if libsecret := peers.libsecret_helper(self.folder):
            helpers.append(("libsecret", libsecret, peers.REQUEST, self.token))
        for name, helper, request, expected in helpers:
            words = [git, "-c", "credential.helper=", "-c", f"credential.helper={helper}"]
            words += ["credential", "fill"]
            what = f"git credential fill, {name}"
            yield Program(what, words, self.environ, request, expected.encode())

    def reject(self) -> None:
        """Let the server reject the access token, git tell so, and memory be empty."""
        self.sandbox.hexpm.reject_access_tokens()
        token = self.run(*GET).strip()
        told = b"username=oauth2\npassword=" + token + b"\n"
        self.run("hexauth", "erase", given=self.request.rstrip(b"\n") + b"\n" + told)
        self.forget()

    def forget(self) -> None:
        """Remove what is kept in memory."""
        forget(self.environ)


def forget(environ: dict[str, str]) -> None:
    """Remove what is kept in memory for the home that `environ` names."""
    for folder in hot.folders(environ):
        with suppress(OSError):
            Path(folder, str(hot.file_name(environ))).unlink()


def programs(home: Home, other: Home) -> Iterator[Program]:
    """Yield all that are measured one at a time; `other` has its secrets in a plain file."""
    yield home.bare()
    words = ("python", "-I", "-S", "-E", "-c", "pass")
    yield home.program(" ".join(words), *words, expected="")
    yield from home.logins()
    yield home.password("Secret Service")
    yield other.password("file vault")
    yield home.docker()
    yield from peers.installed(home.environ, home.folder, home.scripts, home.token)
    yield from home.fills()
