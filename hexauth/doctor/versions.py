"""Which versions of everything there are."""

import platform
import ssl
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import hexauth
from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok
from hexauth.machine.programs import find_program, printed

PACKAGES = (
    "click",
    "requests",
    "urllib3",
    "keyring",
    "portalocker",
    "cryptography",
    "truststore",
    "secretstorage",
    "jeepney",
    "psycopg",
)

PROGRAMS = ("git", "docker", "podman", "mix", "rebar3", "gleam")

SECONDS = 5
"""The longest that git may take to tell its version; the others take longer, and are not asked."""


def look(case: Case) -> Iterator[Finding]:
    """Yield the versions of hexauth, of what it stands on, and of what it works for."""
    yield ok("hexauth", f"{hexauth.__version__}, in {Path(hexauth.__file__).parent}")
    yield ok("Python", f"{platform.python_version()}, {sys.executable}")
    yield ok("platform", platform.platform())
    yield ok("OpenSSL", ssl.OPENSSL_VERSION)
    found = {name: _version(name) for name in PACKAGES}
    yield ok("packages", ", ".join(f"{name} {found[name]}" for name in PACKAGES if found[name]))
    if missing := ", ".join(name for name in PACKAGES if not found[name]):
        yield ok("packages that are not here", missing)
    paths = {name: find_program(name, case.environ) for name in PROGRAMS}
    for name, path in paths.items():
        if path is not None:
            yield ok(name, f"{path}{_told(path, case) if name == 'git' else ''}")
    if missing := ", ".join(name for name, path in paths.items() if path is None):
        yield ok("programs that are not here", missing)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _told(path: str, case: Case) -> str:
    said = printed([path, "--version"], case.environ, SECONDS).decode("utf-8", "replace")
    number = said.removeprefix("git version ").split("\n")[0].strip()
    return f", version {number}" if number else ", which does not tell its version"
