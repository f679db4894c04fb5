"""Keyrings that live in memory, and processes that start at the same moment."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from keyring.errors import PasswordDeleteError

from hexauth.vault.backends import Backend
from tests.fleet import Fleet, hexauths, make_vault
from tests.postgres import Postgres
from tests.waiting import until

PATIENCE = 20

CROWD_SECONDS = 60
"""The longest that processes may take which do something at once."""


class Memory:
    """A keyring in memory, which refuses secrets of more than `most` UTF-16 characters.

    That is how Windows does it, in `CredWrite`, with error 1783 (RPC_X_BAD_STUB_DATA).
    """

    def __init__(self, most: int | None = None) -> None:
        self.secrets: dict[tuple[str, str], str] = {}
        self._most = most

    def get_password(self, service: str, username: str) -> str | None:
        return self.secrets.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self._most is not None and len(password.encode("utf-16-le")) > 2 * self._most:
            raise OSError(1783, "The stub received bad data")
        self.secrets[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.secrets.pop((service, username), None) is None:
            raise PasswordDeleteError("No such password!")


@pytest.fixture(autouse=True)
def no_late_calls() -> Iterator[None]:
    """Wait until the calls that a test left hanging, and then let go, have ended."""
    yield
    join_late_calls()


def join_late_calls() -> None:
    """Wait until no call of a keyring is on its way any more."""
    for thread in threading.enumerate():
        if thread.name == "hexauth keyring call":
            thread.join(PATIENCE)


@pytest.fixture
def memory() -> Backend:
    return Memory()


@pytest.fixture
def windows() -> Backend:
    return Memory(1280)


def at_once(imports: str, prepare: str, works: Sequence[str]) -> list[int]:
    """Run Python code in processes that wait for each other between `prepare` and their work.

    Returns their exit codes. They can import the modules in this folder.
    """
    job = json.dumps({"imports": imports, "prepare": prepare, "works": works})
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("crowd.py")), job],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            for _ in works:
                assert process.stdout.readline() == b"ready\n"
            out, _ = process.communicate(timeout=CROWD_SECONDS)  # this ends its standard input
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    ends: list[int] = json.loads(out)
    return ends


@pytest.fixture(scope="session")
def vault_database(postgres: Postgres) -> Iterator[tuple[str, str]]:
    """Make a vault in a database of this process's, and a folder in memory for its key."""
    make_vault(postgres, "fleet")
    with tempfile.TemporaryDirectory(prefix="hx-test-", dir="/dev/shm") as folder:
        yield "fleet", folder


@pytest.fixture
def fleet(postgres: Postgres, vault_database: tuple[str, str], tmp_path: Path) -> Iterator[Fleet]:
    """Return hosts that share a vault in which there is nothing yet."""
    with Fleet(postgres, vault_database[0], tmp_path, vault_database[1]) as found:
        found.clear()
        yield found


@pytest.fixture
def own_fleet(
    postgres: Postgres, vault_database: tuple[str, str], tmp_path: Path
) -> Iterator[Fleet]:
    """Return hosts that share a vault in a database of the test's own, which it may spoil."""
    until(lambda: hexauths(postgres, "fleet") == 0)  # a template is nobody's meanwhile
    postgres.sql('create database "own" template "fleet"')
    with Fleet(postgres, "own", tmp_path, vault_database[1]) as found:
        found.clear()
        yield found
    postgres.sql('drop database "own" with (force)')
