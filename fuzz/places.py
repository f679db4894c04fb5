"""A folder in memory for what has to be a file, a home there, and standard input."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from hexauth.machine.folders import places
from hexauth.machine.terminal import Screen
from hexauth.vault.home import Home
from hexauth.world.settings import Settings, load


@cache
def folder() -> Path:
    """Return a folder of this process's own; it is removed when the process ends."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    made = tempfile.mkdtemp(prefix="hx-fuzz-", dir=memory)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return Path(made)


def environ() -> Mapping[str, str]:
    """Return an environment in which everything lies below that folder."""
    here = str(folder())
    return {"HEXAUTH_HOME": here, "HEXAUTH_VAULT": "file", "XDG_RUNTIME_DIR": here}


def home(found: Settings | None = None) -> Home:
    """Return a home there, with settings of its own; nothing is said on its screen."""
    here = places(environ())
    nowhere = Screen(lambda text: None, visible=False)
    return Home(environ(), found or _settings(), here, nowhere)


@cache
def _settings() -> Settings:
    return load(environ(), Path("/nowhere"))


@contextmanager
def standard_input(data: bytes) -> Iterator[None]:
    """Let standard input be `data`."""
    with tempfile.TemporaryFile(dir=folder()) as file:
        file.write(data)
        file.seek(0)
        before = os.dup(0)
        os.dup2(file.fileno(), 0)
        try:
            yield
        finally:
            os.dup2(before, 0)
            os.close(before)
