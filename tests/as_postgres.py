"""PostgreSQL's programs, and the user as whom they run: its servers refuse to run as root."""

import atexit
import os
import pwd
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

SUPERUSER = "postgres"
"""The user of the machine as whom servers run, and the role that may do anything in them."""


def binaries() -> str | None:
    """Return the folder of the newest server's programs, where Debian has it, or None."""
    found = Path("/usr/lib/postgresql").glob("*/bin/postgres")
    newest = max(found, key=lambda path: int(path.parts[-3]), default=None)
    return str(newest.parent) if newest else None


def program(name: str) -> str:
    """Return the path of one of the server's programs; raises FileNotFoundError without it."""
    path = shutil.which(name, path=binaries())
    if path is None:
        raise FileNotFoundError(f"{name} is missing: install the package `postgresql`.")
    return path


@cache
def identity() -> dict[str, Any]:
    """Return the options of `subprocess` that start a server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam(SUPERUSER)
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def own(path: Path) -> None:
    """Give a file or folder to whom the servers run as."""
    if who := identity():
        os.chown(path, who["user"], who["group"])


def own_folder(prefix: str) -> Path:
    """Make a folder that everyone can enter; its path is short, as a socket's must be."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir="/tmp"))
    folder.chmod(0o755)
    own(folder)
    return folder


def run(*words: str | Path, folder: Path) -> None:
    """Run a program to its end as whom the servers run as; what it says is in an error."""
    subprocess.run(
        words, cwd=folder, env=environ(), check=True, stdout=subprocess.DEVNULL, **identity()
    )


def environ() -> dict[str, str]:
    """Return the environment of a server: nothing of the caller's settings for PostgreSQL."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


@cache
def template() -> Path:
    """Make the data of a new server, once for each process; it is removed when that ends."""
    folder = own_folder("hx-pg-new-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    words = ["--no-sync", "--auth=trust", "-E", "UTF8", "--locale=C", "-U", SUPERUSER]
    run(program("initdb"), *words, "--wal-segsize=1", "-D", folder / "data", folder=folder)
    return folder / "data"
