"""Several logins to one server."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hexauth.hex import claims
from hexauth.sandbox.serve import Sandbox
from tests.conftest import SECONDS, Machine, Serve

Make = Callable[[Sandbox], Machine]


def become(sandbox: Sandbox, user: str) -> None:
    """Let the person at the browser be `user` from now on."""
    sandbox.hexpm.options = replace(sandbox.hexpm.options, user=user)


def log_in(here: Machine, *words: str) -> bytes:
    done = here.hexauth("login", "--no-browser", "--force", *words)
    assert done.returncode == 0, done.stderr
    return done.stderr


def user(here: Machine, *words: str, **environ: str) -> str:
    """Return whose token `hexauth get` prints."""
    done = here.hexauth("get", *words, "--format", "token", "--no-login", environ=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    return str(claims(done.stdout.decode())["sub"]).removeprefix("user:")


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(approve_after=0)


@pytest.fixture
def both(sandbox: Sandbox, machine: Make) -> Machine:
    """Return a machine on which alice has logged in, and then bob."""
    here = machine(sandbox)
    log_in(here)
    become(sandbox, "bob")
    log_in(here)
    return here


def accounts(here: Machine) -> list[str]:
    return [login["account"] for login in here.status()["logins"]]


def test_an_account_has_the_user_s_name(sandbox: Sandbox, logged_in: Make) -> None:
    assert accounts(logged_in(sandbox)) == ["alice"]


def test_the_same_user_takes_the_old_login_s_place(sandbox: Sandbox, logged_in: Make) -> None:
    here = logged_in(sandbox)
    log_in(here)

    assert (accounts(here), len(sandbox.hexpm.sessions())) == (["alice"], 1)


def test_another_user_is_kept_beside_the_first(sandbox: Sandbox, both: Machine) -> None:
    assert accounts(both) == ["alice", "bob"]
    assert len(sandbox.hexpm.sessions()) == 2
    assert user(both, "hexpm") == "alice"


def test_who_is_meant_is_said(sandbox: Sandbox, machine: Make) -> None:
    here = machine(sandbox)
    log_in(here)
    become(sandbox, "bob")

    assert b"run `hexauth switch bob`" in log_in(here)


def test_another_user_takes_the_place_of_a_login_that_has_ended(
    sandbox: Sandbox, logged_in: Make
) -> None:
    """Nobody is asked twice because somebody else has answered."""
    here = logged_in(sandbox)
    here.reject_token(sandbox)
    sandbox.hexpm.end_sessions()
    become(sandbox, "bob")

    assert here.hexauth("get", "hexpm", "--login").returncode == 0
    assert (accounts(here), user(here, "hexpm")) == (["bob"], "bob")
    assert sandbox.journal.counts()["prompts"] == 2


def test_an_account_is_named_by_flag(both: Machine) -> None:
    assert [user(both, "hexpm", "--account", name) for name in ("alice", "bob")] == ["alice", "bob"]


def test_an_account_is_named_by_the_environment(both: Machine) -> None:
    """Twice: from the vault, and from memory."""
    named = [user(both, "hexpm", HEXAUTH_ACCOUNT=name) for name in ("bob", "alice") * 2]

    assert named == ["bob", "alice", "bob", "alice"]


def test_an_account_is_named_by_config_toml(both: Machine) -> None:
    Path(both.environ["HEXAUTH_HOME"], "config.toml").write_text('account = "bob"\n')

    assert (user(both, "hexpm"), user(both, "hexpm", "--account", "alice")) == ("bob", "alice")


def test_git_s_user_name_chooses(both: Machine, sandbox: Sandbox) -> None:
    host = sandbox.url.removeprefix("http://")
    for name, whose in (("bob", "bob"), ("alice", "alice"), ("oauth2", "alice")):
        request = f"protocol=http\nhost={host}\nusername={name}\n\n".encode()
        done = both.run("git-credential-hexauth", "get", give=request)
        said = dict(line.split("=", 1) for line in done.stdout.decode().splitlines())
        assert (said["username"], claims(said["password"])["sub"]) == (name, f"user:{whose}")


def test_git_s_user_name_that_is_nobody_gets_nothing(both: Machine, sandbox: Sandbox) -> None:
    host = sandbox.url.removeprefix("http://")
    request = f"protocol=http\nhost={host}\nusername=carol\n\n".encode()

    assert both.run("git-credential-hexauth", "get", give=request).stdout == b""


def test_erase_is_for_the_account_that_git_names(both: Machine, sandbox: Sandbox) -> None:
    tokens = {
        name: both.hexauth("get", "hexpm", "--account", name, "--format", "token").stdout
        for name in ("alice", "bob")
    }
    host = sandbox.url.removeprefix("http://")
    secret = tokens["bob"].decode().strip()
    both.hexauth(
        "erase", give=f"protocol=http\nhost={host}\nusername=bob\npassword={secret}\n\n".encode()
    )

    again = {
        name: both.hexauth("get", "hexpm", "--account", name, "--format", "token").stdout
        for name in ("alice", "bob")
    }

    assert [again[name] == tokens[name] for name in ("alice", "bob")] == [True, False]


def test_switch_changes_who_is_meant(both: Machine) -> None:
    """What is in memory is not answered any more."""
    assert user(both, "hexpm") == "alice"

    done = both.hexauth("switch", "bob")

    assert (done.returncode, user(both, "hexpm"), user(both, "hexpm")) == (0, "bob", "bob")
    assert accounts(both)[0] == "bob"


def test_switch_keeps_what_else_is_in_config_toml(both: Machine, sandbox: Sandbox) -> None:
    path = Path(both.environ["HEXAUTH_HOME"], "config.toml")
    path.write_text("# mine\nmin_ttl = 60  # short\n")

    both.hexauth("switch", "bob")
    both.hexauth("switch", "alice")

    text = path.read_text()
    assert text.startswith("# mine\nmin_ttl = 60  # short\n")
    assert f'"{sandbox.api_url}" = "alice"' in text
    assert text.count("accounts") == 1


def test_switch_to_nobody_is_explained(both: Machine) -> None:
    done = both.hexauth("switch", "carol")

    assert (done.returncode, b"Known are: alice, bob." in done.stderr) == (1, True)


def test_logout_is_for_one_account(both: Machine, sandbox: Sandbox) -> None:
    assert both.hexauth("logout", "--account", "alice").returncode == 0

    assert accounts(both) == ["bob"]
    assert (user(both, "hexpm"), len(sandbox.hexpm.sessions())) == ("bob", 1)


def test_several_accounts_without_a_first_have_to_be_named(both: Machine, sandbox: Sandbox) -> None:
    become(sandbox, "carol")
    log_in(both)
    both.hexauth("logout", "--account", "alice")

    done = both.hexauth("get", "hexpm", "--no-login")

    assert (done.returncode, b"bob, carol" in done.stderr) == (2, True)


def test_a_login_is_named_otherwise(sandbox: Sandbox, logged_in: Make) -> None:
    here = logged_in(sandbox)

    log_in(here, "--account", "work")

    assert accounts(here) == ["alice", "work"]
    assert here.status()["logins"][1]["user"] == "alice"


def test_an_account_that_is_not_there_is_asked_for_by_name(
    sandbox: Sandbox, logged_in: Make
) -> None:
    here = logged_in(sandbox)

    quiet = here.hexauth("get", "hexpm", "--account", "work", "--no-login")
    asked = here.hexauth("get", "hexpm", "--account", "work", "--login")

    assert (quiet.returncode, b"as work at" in quiet.stderr) == (3, True)
    assert (asked.returncode, b"To log in as work, open" in asked.stderr) == (0, True)


def test_a_crowd_for_one_account_leaves_the_other_alone(both: Machine, sandbox: Sandbox) -> None:
    old = both.hexauth("get", "hexpm", "--account", "bob", "--format", "token").stdout.strip()
    host = sandbox.url.removeprefix("http://").encode()
    both.hexauth(
        "erase", give=b"protocol=http\nhost=" + host + b"\nusername=bob\npassword=" + old + b"\n\n"
    )
    words = ("hexauth", "get", "hexpm", "--format", "token", "--no-login", "--account", "bob")
    with ExitStack() as stack:
        crowd = [stack.enter_context(both.start(*words)) for _ in range(20)]
        answers = {process.communicate(timeout=SECONDS)[0] for process in crowd}

    assert (len(answers), sandbox.journal.counts()["refresh"]) == (1, 1)


def test_a_named_account_stays_who_it_was_called(sandbox: Sandbox, logged_in: Make) -> None:
    here = logged_in(sandbox)
    become(sandbox, "bob")

    log_in(here, "--account", "alice")

    assert (accounts(here), user(here, "hexpm", "--account", "alice")) == (["alice"], "bob")


def test_status_lists_accounts_of_which_none_is_meant(both: Machine, sandbox: Sandbox) -> None:
    become(sandbox, "carol")
    log_in(both)
    both.hexauth("logout", "--account", "alice")

    assert accounts(both) == ["bob", "carol"]
    assert both.hexauth("status").returncode == 0


def test_a_login_from_before_there_were_accounts_gets_its_name(
    sandbox: Sandbox, logged_in: Make
) -> None:
    """When it is refreshed, which is within half an hour."""
    here = logged_in(sandbox)
    path = Path(here.environ["HEXAUTH_HOME"], "state", "index.json")
    path.write_text(re.sub(r',?\s*"user": "alice"', "", path.read_text()))
    assert accounts(here) == [None]
    here.reject_token(sandbox)

    here.token()

    assert accounts(here) == ["alice"]
