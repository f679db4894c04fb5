"""What every vault promises, whatever it keeps its secrets in."""

import json
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hexauth.errors import Outrun
from hexauth.vault.backends import Backend
from hexauth.vault.contract import Vault
from hexauth.vault.file import FileVault
from hexauth.vault.keyring import KeyringVault
from hexauth.vault.postgres import PostgresVault
from tests.fleet import clear, make_vault, vault_object
from tests.postgres import Postgres
from tests.vault.conftest import at_once

Make = Callable[[], Vault]

Closed = Callable[[Vault], Vault]

SHARED: dict[str, Callable[[Path, dict[str, str]], Vault]] = {
    "file": lambda folder, _: FileVault(folder),
    "encrypted file": lambda folder, _: FileVault(folder, passphrase=lambda: b"open sesame"),
    "Secret Service": lambda folder, environ: KeyringVault(
        f"test{folder}", environ=environ, mutex=folder / "keyring.lock"
    ),
    "PostgreSQL": lambda folder, environ: vault_object(
        folder, environ["url"], memory=environ["memory"]
    ),
}
"""The vaults that processes share, from a folder of the test's own and an environment."""


FIXTURES = {"Secret Service": "unlocked", "PostgreSQL": "database"}
"""What makes the environment of a vault that needs one."""


def _make(name: str, folder: Path, environ: dict[str, str]) -> Vault:
    return SHARED[name](folder, environ)


def _environ(kind: str, request: pytest.FixtureRequest) -> dict[str, str]:
    """Return what a vault that processes share needs from outside."""
    environ: dict[str, str] = request.getfixturevalue(FIXTURES[kind]) if kind in FIXTURES else {}
    return environ


@pytest.fixture(scope="module")
def made(postgres: Postgres) -> Iterator[dict[str, str]]:
    """Make a vault in a database of this module's, and a folder in memory for its key."""
    make_vault(postgres, "contract")
    with tempfile.TemporaryDirectory(prefix="hx-test-", dir="/dev/shm") as memory:
        yield {"url": postgres.url(database="contract"), "memory": memory}


@pytest.fixture
def database(postgres: Postgres, made: dict[str, str]) -> dict[str, str]:
    """Return where the vault is, without an entry; the key that they are sealed with is kept."""
    clear(postgres, "contract")
    return made


@pytest.fixture
def closed() -> Iterator[Closed]:
    """Return what has a vault's connection closed at the end, if it has one."""
    with ExitStack() as stack:

        def close_later(vault: Vault) -> Vault:
            if isinstance(vault, PostgresVault):
                stack.callback(vault.close)
            return vault

        yield close_later


@pytest.fixture(
    params=[*SHARED, "keyring in memory", "keyring that refuses long values", "Windows"]
)
def make(request: pytest.FixtureRequest, tmp_path: Path, closed: Closed) -> Make:
    """Return what makes another vault object for the same secrets."""
    kind: str = request.param
    if kind in SHARED:
        environ = _environ(kind, request)
        return lambda: closed(_make(kind, tmp_path, environ))
    backend: Backend = request.getfixturevalue("memory" if "memory" in kind else "windows")
    platform = "win32" if kind == "Windows" else "linux"
    return lambda: KeyringVault(backend=backend, environ={}, platform=platform)


VALUES = {
    "empty": "",
    "short": "token",
    "as long as one Windows secret": "x" * 1280,
    "one longer than that": "x" * 1281,
    "ten thousand": "0123456789" * 1000,
    "64 KB": random.Random(0).randbytes(32768).hex(),
    "JSON of bytes that are no UTF-8": json.dumps(
        [{"path": b"\x80\xff".decode("utf-8", "surrogateescape")}]
    ),
    "several lines": "one\ntwo\r\nthree\n",
    "blanks around it": "  token \t",
    "like a head of parts": "hexauth-parts:a:2:00",
}

NAMES = ["hex.pm-0123456789ab/access", "https://git.example.com:8443", "a", "drawer/https/[::1]:80"]


def test_absent_entry_is_none(make: Make) -> None:
    """An entry nobody wrote is None, not an error."""
    assert make().read("absent") is None


@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES)
def test_value_comes_back_as_it_was_written(make: Make, value: str) -> None:
    """Every ASCII text of any length survives, to the last blank."""
    make().write("entry", value)

    assert value == make().read("entry")


@pytest.mark.parametrize("name", NAMES)
def test_entry_may_have_any_printable_name(make: Make, name: str) -> None:
    """Names hold hosts, ports and slashes."""
    make().write(name, "value")

    assert make().read(name) == "value"


@pytest.mark.parametrize("old", [1, 1281, 5000])
@pytest.mark.parametrize("new", [1, 1281, 5000])
def test_replaced_value_leaves_nothing_of_the_old_one(make: Make, old: int, new: int) -> None:
    """Longer and shorter values replace each other."""
    vault = make()
    vault.write("entry", "o" * old)
    vault.write("entry", "n" * new)

    assert "n" * new == make().read("entry")


@pytest.mark.parametrize("size", [1, 5000])
def test_deleted_entry_is_absent(make: Make, size: int) -> None:
    """Deleting removes short and long values."""
    vault = make()
    vault.write("entry", "x" * size)
    vault.delete("entry")

    assert make().read("entry") is None


def test_deleting_what_is_not_there_is_fine(make: Make) -> None:
    """Deleting twice is no error."""
    vault = make()
    vault.delete("entry")
    vault.delete("entry")

    assert vault.read("entry") is None


def test_entries_do_not_mix(make: Make) -> None:
    """Each name has its own value, also if one name begins like another."""
    vault = make()
    wanted = {name: f"{name}{'x' * size}" for size, name in ((1, "a"), (3000, "a/b"), (9, "a#a0"))}
    for name, value in wanted.items():
        vault.write(name, value)
    vault.delete("a#a1")

    assert wanted == {name: make().read(name) for name in wanted}


def test_deleting_one_entry_keeps_the_others(make: Make) -> None:
    """Logging out here keeps the login there."""
    vault = make()
    vault.write("gone", "x" * 3000)
    vault.write("kept", "y" * 3000)
    vault.delete("gone")

    assert [make().read("gone"), make().read("kept")] == [None, "y" * 3000]


def test_check_leaves_everything_as_it_was(make: Make) -> None:
    """The proof that a vault works is not an entry of it."""
    vault = make()
    vault.write("entry", "value")
    vault.check()
    vault.check()

    assert vault.read("entry") == "value"


def test_settle_returns_at_once_when_nothing_is_late(make: Make) -> None:
    """No late write, nothing to wait for."""
    vault = make()
    vault.write("entry", "value")

    assert vault.settle(3600) is None  # type: ignore[func-returns-value]  # that it returns


def test_writer_who_read_an_older_value_is_the_last_or_hears_of_it(make: Make) -> None:
    """Who shares this machine takes turns by a mutex, which nothing takes away: the last one wins.

    Who shares a database may lose the turn with its connection, so a write is compared and swapped.
    """
    first, second = make(), make()
    first.write("entry", "0")
    second.read("entry")
    first.write("entry", "1")

    if first.is_shared:
        with pytest.raises(Outrun):
            second.write("entry", "2")
        second.read("entry")
    second.write("entry", "2")

    assert make().read("entry") == "2"


def test_what_is_written_at_once_is_there_in_full(make: Make) -> None:
    vault = make()
    with vault.at_once():
        vault.write("one", "1")
        vault.write("two", "x" * 3000)
        vault.delete("one")

    assert [make().read("one"), make().read("two")] == [None, "x" * 3000]


def test_description_is_one_line(make: Make) -> None:
    """`status` prints it in a line of its own."""
    words = make().describe()

    assert words == " ".join(words.split()) != ""


IMPORTS = """
from pathlib import Path
from test_contract import _make
"""
PREPARE = "vault = _make({kind!r}, Path({folder!r}), {environ!r})"
WORK = """
for turn in range(3):
    for name in ("one", "two"):
        vault.write("{number}/" + name, str(turn) + "x" * 2000)
"""


WRITTEN = {f"{number}/{name}": "2" + "x" * 2000 for number in range(8) for name in ("one", "two")}
"""What eight processes have written that did `WORK`."""


@pytest.mark.parametrize("kind", SHARED)
def test_processes_writing_at_once_lose_nothing(
    kind: str,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    closed: Closed,
) -> None:
    """Eight processes write two entries each, at the same moment, three times over."""
    environ = _environ(kind, request)
    works = [WORK.format(number=number) for number in range(8)]

    prepare = PREPARE.format(kind=kind, folder=str(tmp_path), environ=environ)
    ends = at_once(IMPORTS, prepare, works)

    vault = closed(_make(kind, tmp_path, environ))
    assert (ends, {name: vault.read(name) for name in WRITTEN}) == ([0] * 8, WRITTEN)
