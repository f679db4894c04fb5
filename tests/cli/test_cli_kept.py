"""What tools have stored, kept in memory for some seconds, where a person wants that."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_short import DOCKER, EVERY, GIT, HOST, docker
from tests.conftest import Machine, Serve
from tests.waiting import until

Make = Callable[[Sandbox], Machine]

SERVER = "ghcr.test"
ANSWER = b"username=me\npassword=S3CRET\n"

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="there is memory of a user's own on Linux alone"
)


@pytest.fixture
def here(machine: Make, serve: Serve, memory: str) -> Machine:
    """Store a password for git and one for docker on a machine that keeps them for a minute."""
    found = machine(serve())
    found.environ |= {"XDG_RUNTIME_DIR": memory, "HEXAUTH_CACHE_STORED": "60"}
    assert store(found, b"S3CRET") == 0
    docker_store = ("docker-credential-hexauth", "store")
    assert found.run(*docker_store, give=docker(SERVER)).returncode == 0
    return found


def store(here: Machine, secret: bytes) -> int:
    request = HOST + EVERY % (b"me", secret)
    return here.run("git-credential-hexauth", "store", give=request).returncode


def asked(here: Machine) -> bytes:
    return here.run(*GIT, give=HOST).stdout


def lose_vault(here: Machine) -> None:
    """Make the vault unreadable, so that memory alone can answer."""
    (here.home / "hexauth/vault/vault.json").write_text("nonsense")


def filled(here: Machine) -> Machine:
    """Ask for everything, so that it is in memory."""
    asked(here)
    here.run(*DOCKER, give=SERVER.encode())
    return here


def test_what_is_stored_is_answered_from_memory(here: Machine) -> None:
    lose_vault(filled(here))

    assert asked(here) == ANSWER
    assert SERVER.encode() in here.run(*DOCKER, give=SERVER.encode()).stdout
    assert here.run(*GIT, give=HOST + b"username=other\n").stdout == b""


@pytest.mark.parametrize(("line", "damaged"), [(1, b"/a\0b"), (8, b"soon"), (9, b"drawer \xff")])
def test_what_is_damaged_in_memory_is_read_in_the_vault(
    here: Machine, line: int, damaged: bytes
) -> None:
    filled(here)
    for path in (Path(here.environ["XDG_RUNTIME_DIR"]) / "hexauth").iterdir():
        lines = path.read_bytes().split(b"\n")
        if lines[9:]:
            path.write_bytes(b"\n".join([*lines[:line], damaged, *lines[line + 1 :]]))

    done = here.hexauth("get", "--min-ttl", "1", give=HOST)  # which is for no quick way

    assert (done.returncode, done.stdout, asked(here)) == (0, ANSWER, ANSWER)


def test_nothing_is_kept_unless_that_is_wanted(here: Machine) -> None:
    """Memory may be swapped out, and a password does not end by itself."""
    del here.environ["HEXAUTH_CACHE_STORED"]
    lose_vault(filled(here))

    assert asked(here) == b""
    folder = Path(here.environ["XDG_RUNTIME_DIR"]) / "hexauth"
    assert not folder.exists() or not any(
        b"S3CRET" in path.read_bytes() for path in folder.iterdir()
    )


@pytest.mark.parametrize("setting", ["HEXAUTH_CACHE", "config.toml"])
def test_who_wants_nothing_in_memory_has_nothing_there(here: Machine, setting: str) -> None:
    if setting == "HEXAUTH_CACHE":
        here.environ[setting] = "off"
    else:
        (here.home / "hexauth/config.toml").write_text("cache = false\n")
    lose_vault(filled(here))

    assert asked(here) == b""


def test_config_toml_can_want_it_too(here: Machine) -> None:
    del here.environ["HEXAUTH_CACHE_STORED"]
    (here.home / "hexauth/config.toml").write_text("cache_stored = 60\n")
    lose_vault(filled(here))

    assert asked(here) == ANSWER


@pytest.mark.parametrize("here_too", [True, False], ids=["same session", "another session"])
def test_what_is_stored_anew_is_answered_at_once(here: Machine, here_too: bool) -> None:
    folder = here.environ["XDG_RUNTIME_DIR"]
    filled(here)
    if not here_too:
        del here.environ["XDG_RUNTIME_DIR"]
    store(here, b"new")
    here.environ["XDG_RUNTIME_DIR"] = folder

    assert asked(here) == b"username=me\npassword=new\n"


@pytest.mark.parametrize("here_too", [True, False], ids=["same session", "another session"])
def test_what_was_erased_is_answered_no_more(here: Machine, here_too: bool) -> None:
    folder = here.environ["XDG_RUNTIME_DIR"]
    filled(here)
    if not here_too:
        del here.environ["XDG_RUNTIME_DIR"]
    here.run("git-credential-hexauth", "erase", give=HOST)
    here.run("docker-credential-hexauth", "erase", give=SERVER.encode())
    here.environ["XDG_RUNTIME_DIR"] = folder

    assert asked(here) == b""
    assert here.run(*DOCKER, give=SERVER.encode()).returncode == 1


def test_it_is_forgotten_in_time_however_often_it_is_asked(here: Machine) -> None:
    """As git's credential-cache does."""
    here.environ["HEXAUTH_CACHE_STORED"] = "1"
    lose_vault(filled(here))

    until(lambda: asked(here) == b"", 20)


def test_what_ends_by_itself_is_not_answered_from_memory_after_that(here: Machine) -> None:
    request = HOST + EVERY % (b"me", b"short") + b"password_expiry_utc=1\n"
    here.run("git-credential-hexauth", "store", give=request)
    filled(here)

    assert asked(here) == b""


def test_another_configuration_asks_the_vault(here: Machine) -> None:
    filled(here)
    (here.home / "hexauth/config.toml").write_text("cache_stored = 50\n")
    lose_vault(here)

    assert asked(here) == b""


def test_an_encrypted_vault_pays_once(here: Machine) -> None:
    """The longer way, which asks for the passphrase, puts it into memory too."""
    here.environ["HEXAUTH_PASSPHRASE"] = "correct horse"
    store(here, b"S3CRET")
    filled(here)
    del here.environ["HEXAUTH_PASSPHRASE"]

    assert asked(here) == ANSWER


def test_logging_out_leaves_nothing_in_memory(here: Machine) -> None:
    filled(here)

    here.hexauth("logout")

    folder = Path(here.environ["XDG_RUNTIME_DIR"]) / "hexauth"
    assert [path for path in folder.iterdir() if b"S3CRET" in path.read_bytes()] == []
