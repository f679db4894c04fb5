"""Installs hexauth by pip, pipx and uv, from a wheel and from source, and prints a table.

Each installation logs in to a sandbox, with a file vault, and answers. What cannot work is named in
`BROKEN`, and is tried all the same.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox

ROOT = Path(__file__).parent.parent

PYTHONS = (
    "/usr/bin/python3.1[1-4]",
    "/usr/local/bin/python3.1[1-4]",
    "~/.pyenv/versions/3.1[1-4].*/bin/python",
)
INSTALLERS = ("pip", "pipx", "uv")
SPACE = "with space"

BROKEN = {("pip", "wheel", SPACE), ("pipx", "wheel", SPACE)}
"""pip writes `#!/with space/bin/python`, which no system can follow; pipx leaves that to pip."""

GIT = b"protocol=https\nhost=git.test\nusername=me\npassword=pa55word\n\n"
KEY = b"0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Installed:
    """An installation, and a home folder of its own."""

    programs: Path
    home: Path
    api_url: str

    def run(self, *words: str, give: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
        """Run one of the programs; raise `Failure` with what it said if it does not work."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "HEX_API_URL": self.api_url,
            "HEXAUTH_VAULT": "file",
            "NO_PROXY": "127.0.0.1",
        }
        command = [str(self.programs / words[0]), *words[1:]]
        return _run(command, environ=environ, give=give)

    def get(self) -> bytes:
        """Return the token, asking nobody."""
        return self.run("hexauth", "get", "hexpm", "--format", "token", "--no-login").stdout


class Failure(Exception):
    """A command did not work."""


def _run(
    words: list[str], *, environ: dict[str, str] | None = None, give: bytes = b"", cwd: Path = ROOT
) -> "subprocess.CompletedProcess[bytes]":
    try:
        return subprocess.run(
            words, env=environ, input=give, cwd=cwd, capture_output=True, check=True
        )
    except OSError as error:
        raise Failure(f"{Path(words[0]).name}: {error.strerror}") from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).decode("utf-8", "replace").strip()
        raise Failure(
            f"{Path(words[0]).name}: {said.splitlines()[-1] if said else error}"
        ) from None


def pythons() -> list[Path]:
    """Return the Pythons that are here, of which hexauth says that it runs on them."""
    found = [path for each in PYTHONS for path in glob(str(Path(each).expanduser()))]  # noqa: PTH207
    return [Path(each) for each in sorted(found)]


def build(tree: Path, folder: Path) -> dict[str, Path]:
    """Return the wheel and the source archive of what is in `tree`."""
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    _run(build, cwd=tree, environ={**os.environ, "HEXAUTH_WHEEL": ""})
    return {"wheel": next(folder.glob("*.whl")), "source": next(folder.glob("*.tar.gz"))}


class Tools:
    """The installers, in an environment of their own each: pipx uses uv where that is beside it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for name in ("pipx", "uv"):
            _run([sys.executable, "-m", "venv", str(folder / name)])
            _run([str(folder / name / "bin/pip"), "install", "--quiet", name])

    def install(self, installer: str, python: Path, what: Path, place: Path) -> Path:
        """Install `what` below `place`, and return where its programs are."""
        environ = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
        if installer == "pip":
            if not place.exists():
                _run([str(python), "-m", "venv", str(place)])
            pip = [str(place / "bin/python"), "-m", "pip", "install", "--quiet", "--upgrade"]
            _run([*pip, "--disable-pip-version-check", str(what)], environ=environ)
        elif installer == "pipx":
            environ |= {"PIPX_HOME": str(place / "pipx"), "PIPX_BIN_DIR": str(place / "bin")}
            environ |= {"PIPX_DEFAULT_BACKEND": "pip"}
            pipx = [str(self._folder / "pipx/bin/pipx"), "install", "--force", "--python"]
            _run([*pipx, str(python), str(what)], environ=environ)
        else:
            environ |= {"UV_TOOL_DIR": str(place / "uv"), "UV_TOOL_BIN_DIR": str(place / "bin")}
            uv = [str(self._folder / "uv/bin/uv"), "tool", "install", "--quiet", "--force"]
            _run([*uv, "--python", str(python), str(what)], environ=environ)
        return place / "bin"


def _try(tools: Tools, row: tuple[str, Path, Path, Path], sandbox: Sandbox) -> None:
    """Install, log in, and get an answer. Raises `Failure`."""
    installer, python, what, place = row
    programs = tools.install(installer, python, what, place)
    home = place.with_name("home")
    home.mkdir()
    here = Installed(programs, home, sandbox.api_url)
    here.run("hexauth", "--version")
    here.run("hexauth", "login", "--no-browser")
    here.get()
    here.run("git-credential-hexauth", "store", give=GIT)


def _upgrade(tools: Tools, commit: str, new: Path, folder: Path, sandbox: Sandbox) -> None:
    """Log in with `commit`, upgrade to `new`, and find everything there. Raises `Failure`."""
    old = folder / "old"
    old.mkdir(parents=True)
    archive = _run(["git", "archive", "--format=tar", commit]).stdout
    _run(["tar", "-x", "-C", str(old)], give=archive)
    wheel = build(old, folder / "dist")["wheel"]
    home = folder / "home"
    (home / ".config/hexauth").mkdir(parents=True)
    (home / ".config/hexauth/config.toml").write_text("min_ttl = 7\n")
    place = folder / "place"
    here = Installed(
        tools.install("pip", Path(sys.executable), wheel, place), home, sandbox.api_url
    )
    here.run("hexauth", "login", "--no-browser")
    here.run("hexauth", "key", "add", "hexpm:acme", "--no-verify", give=KEY)
    here.run("git-credential-hexauth", "store", give=GIT)
    before = _kept(here)
    _run([str(place / "bin/pip"), "install", "--quiet", "--force-reinstall", "--no-deps", str(new)])
    if _kept(here) != before:
        raise Failure("what was kept is not there after an upgrade")
    if sandbox.journal.counts()["device_authorization"] != 1:
        raise Failure("somebody was asked to log in again")


def _kept(here: Installed) -> list[bytes]:
    """Return what an installation answers from what it keeps, and what config.toml says."""
    return [
        here.get(),
        here.run("git-credential-hexauth", "get", give=GIT.split(b"username")[0] + b"\n").stdout,
        here.run("hexauth", "key", "list", "--json").stdout,
        *[line for line in here.run("hexauth", "config").stdout.splitlines() if b"min_ttl" in line],
    ]


def rows(chosen: list[Path], made: dict[str, Path]) -> Iterator[tuple[str, ...]]:
    """Yield each installation: installer, what from, which folder, and Python."""
    for python in chosen:
        for installer in INSTALLERS:
            for kind in made:
                for folder in ("plain", SPACE):
                    yield installer, kind, folder, str(python)


def main() -> int:
    """Try all, print a line for each, and return 1 if one ends other than it should."""
    parser = argparse.ArgumentParser(prog="scripts/packages", description=__doc__)
    parser.add_argument("pythons", nargs="*", type=Path, metavar="PYTHON")
    parser.add_argument("--from", dest="commit", help="upgrade from this commit, too")
    options = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="hx-packages-") as name:
        base = Path(name)
        tools, made = Tools(base / "tools"), build(ROOT, base / "dist")
        print(f"{'python':<8} {'by':<5} {'from':<7} {'folder':<11} {'s':>5}  what came of it")  # noqa: T201
        for number, row in enumerate(rows(options.pythons or pythons(), made)):
            installer, kind, folder, python = row
            place = base / str(number) / folder / "venv"
            place.parent.mkdir(parents=True)
            version = _run([python, "-c", "import platform; print(platform.python_version())"])
            began = time.monotonic()
            found = _outcome(tools, (installer, Path(python), made[kind], place))
            is_known = (installer, kind, folder) in BROKEN
            bad += (found != "works") is not is_known
            taken = time.monotonic() - began
            known = " (known)" if is_known else ""
            start = f"{version.stdout.decode().strip():<8} {installer:<5} {kind:<7} {folder:<11}"
            print(f"{start} {taken:5.1f}  {found}{known}", flush=True)  # noqa: T201
        if options.commit:
            with Sandbox(Options(interval=0.1, rate_limit=None, approve_after=0)) as sandbox:
                try:
                    _upgrade(tools, options.commit, made["wheel"], base / "upgrade", sandbox)
                    found = "every login, key and setting is kept"
                except Failure as failure:
                    found, bad = str(failure), bad + 1
            print(f"upgraded from {options.commit}: {found}")  # noqa: T201
    return int(bad > 0)


def _outcome(tools: Tools, row: tuple[str, Path, Path, Path]) -> str:
    with Sandbox(Options(interval=0.1, rate_limit=None, approve_after=0)) as sandbox:
        try:
            _try(tools, row, sandbox)
        except Failure as failure:
            return str(failure)
    return "works"


if __name__ == "__main__":
    sys.exit(main())
