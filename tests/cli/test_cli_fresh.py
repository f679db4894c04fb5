"""A login's token that is in the vault and not in memory: read with few imports."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hexauth import hot
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.quick import BUS
from tests.cli.test_cli_hot import imports
from tests.cli.test_cli_news import doors
from tests.cli.test_cli_short import FROM_KEYRING
from tests.conftest import Machine, Serve, outcome
from tests.secret_service import Start, lock

Make = Callable[[Sandbox], Machine]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="there is memory of a user's own on Linux alone"
)

TOKEN = ("hexauth", "get", "hexpm", "--format", "token", "--no-login")


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(approve_after=0)


@pytest.fixture
def here(
    request: pytest.FixtureRequest,
    machine: Make,
    sandbox: Sandbox,
    memory: str,
    secret_service: Start,
) -> Iterator[Machine]:
    """Log in on a machine with a file vault, or with a Secret Service."""
    found = machine(sandbox)
    found.environ |= {"XDG_RUNTIME_DIR": memory, "HEXAUTH_VAULT": request.param}
    with ExitStack() as stack:
        if request.param == "keyring":
            found.environ[BUS] = stack.enter_context(secret_service("password"))[0][BUS]
        assert found.hexauth("login", "--no-browser").returncode == 0
        forget(found)
        assert found.run(*TOKEN).returncode == 0  # it leaves a note
        yield found


on_both_vaults = pytest.mark.parametrize("here", ["file", "keyring"], indirect=True)
on_file = pytest.mark.parametrize("here", ["file"], indirect=True)
on_keyring = pytest.mark.parametrize("here", ["keyring"], indirect=True)


def forget(here: Machine) -> None:
    """Let memory be empty, as after a restart."""
    for path in (Path(here.environ["XDG_RUNTIME_DIR"]) / "hexauth").iterdir():
        path.unlink()


def is_short(here: Machine) -> bool:
    """Tell whether the token is had without the rooms of logins, servers and HTTP."""
    forget(here)
    done = here.run(*TOKEN, environ={"PYTHONPROFILEIMPORTTIME": "1"})
    return "hexauth.cli.streams" not in imports(done)


@on_both_vaults
def test_every_door_gets_the_same_bytes_with_and_without_memory(
    here: Machine, sandbox: Sandbox
) -> None:
    def outcomes(*, empty: bool) -> list[object]:
        found: list[object] = []
        for words, give in doors(here):
            if empty:
                forget(here)
            found.append(outcome(here.run(*words, give=give)))
        return found

    long = [
        outcome(here.run(*words, give=give, environ={"HEXAUTH_CACHE": "off"}))
        for words, give in doors(here)
    ]

    assert outcomes(empty=True) == outcomes(empty=False) == long
    assert sandbox.journal.counts()["refresh"] == 0


@on_both_vaults
def test_what_was_read_is_in_memory_for_the_next_one(here: Machine) -> None:
    assert is_short(here)

    done = here.run(*TOKEN, environ={"PYTHONPROFILEIMPORTTIME": "1"})

    assert not any(name.startswith("hexauth.credentials") for name in imports(done))


@on_both_vaults
def test_a_token_from_the_vault_imports_exactly_this(here: Machine) -> None:
    environ = {"PYTHONPROFILEIMPORTTIME": "1"}
    bare = imports(here.run(sys.executable, "-c", "pass", environ=environ))
    forget(here)

    found = imports(here.run(*TOKEN, environ=environ)) - bare

    names = (
        "credentials credentials.fresh credentials.short errors hot lean_json machine "
        "machine.digest machine.files machine.flock memory memory.folder memory.lines "
        "memory.waiting model protocols protocols.bazel protocols.git protocols.shell "
        "vault vault.logins vault.quick"
    )
    ours = {f"hexauth.{name}" for name in names.split()}
    extra = FROM_KEYRING if here.environ["HEXAUTH_VAULT"] == "keyring" else set()
    digest = {name for name in ("_sha2", "_sha256") if name in found}
    assert found == {"hexauth", "_json", "fcntl", *digest, *ours, *extra}


def _second_account(here: Machine, sandbox: Sandbox) -> None:
    environ = {"HEXAUTH_ACCOUNT": "work"}
    assert here.hexauth("login", "--no-browser", environ=environ).returncode == 0


def _key(here: Machine, sandbox: Sandbox) -> None:
    key = sandbox.hexpm.add_key("repositories").encode()
    assert here.hexauth("key", "add", "hexpm", "--no-verify", give=key).returncode == 0


def _lost_index(here: Machine, sandbox: Sandbox) -> None:
    (here.home / "hexauth/state/index.json").unlink()


def _rejected(here: Machine, sandbox: Sandbox) -> None:
    here.reject_token(sandbox)


@on_file
@pytest.mark.parametrize("change", [_second_account, _key, _lost_index, _rejected])
def test_whatever_takes_more_to_decide_is_left_to_the_rest(
    here: Machine, sandbox: Sandbox, change: Callable[[Machine, Sandbox], None]
) -> None:
    change(here, sandbox)

    assert not is_short(here)
    assert here.run(*TOKEN).returncode == 0


@on_file
def test_a_token_that_is_used_up_is_refreshed(here: Machine, sandbox: Sandbox) -> None:
    here.environ["HEXAUTH_MIN_TTL"] = "1"
    assert is_short(here) is False  # other surroundings
    assert is_short(here) is True
    here.reject_token(sandbox)
    old = sandbox.journal.counts()["refresh"]

    assert not is_short(here)
    assert (is_short(here), sandbox.journal.counts()["refresh"]) == (True, old + 1)


@on_keyring
def test_a_locked_keyring_is_left_to_the_rest(here: Machine) -> None:
    lock(here.environ[BUS])
    forget(here)

    done = here.run(*TOKEN)

    assert (done.returncode, done.stdout) == (7, b"")
    assert b"hexauth: The keyring is locked" in done.stderr


@on_file
def test_a_crowd_reads_the_vault_once(here: Machine) -> None:
    """The others find in memory what one of them has put there."""
    forget(here)
    with ExitStack() as stack:
        crowd = [stack.enter_context(here.start(*TOKEN)) for _ in range(10)]
        found = {process.communicate(timeout=60) for process in crowd}

    assert {err for _, err in found} == {b""}
    assert len({out for out, _ in found}) == 1
    assert hot.file_name(here.environ) in {
        path.name for path in (Path(here.environ["XDG_RUNTIME_DIR"]) / "hexauth").iterdir()
    }
