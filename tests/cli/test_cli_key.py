"""`hexauth key`: adding, listing and removing, and what is answered then."""

import json
from collections.abc import Callable
from contextlib import ExitStack

import pexpect
import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import SECONDS, Machine, Serve

Make = Callable[[Sandbox], Machine]


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(approve_after=0)


@pytest.fixture
def here(sandbox: Sandbox, machine: Make) -> Machine:
    return machine(sandbox)


def add(here: Machine, key: str, *words: str) -> int:
    done = here.hexauth("key", "add", *words, give=f"{key}\n".encode())
    assert (done.stdout, key.encode() in done.stderr) == (b"", False)
    return done.returncode


def listed(here: Machine) -> list[tuple[str, str]]:
    found = json.loads(here.hexauth("key", "list", "--json").stdout)
    return [(each["repository"], each["kind"]) for each in found]


def source(here: Machine, *words: str) -> str:
    done = here.hexauth("get", *words, "--format", "json", "--no-login")
    assert done.returncode == 0, done.stderr
    return str(json.loads(done.stdout)["source"])


def test_a_key_is_exchanged_for_a_token(here: Machine, sandbox: Sandbox) -> None:
    key = sandbox.hexpm.add_key("repositories")

    assert add(here, key, "hexpm:acme") == 0
    assert source(here, "hexpm:acme") == "exchange"
    assert source(here, "--repo", "hexpm:acme") == "exchange"
    assert source(here, f"{sandbox.url}/repos/acme/tarballs/x.tar") == "exchange"
    assert here.hexauth("get", "hexpm", "--no-login").returncode == 3


def test_a_crowd_exchanges_once(here: Machine, sandbox: Sandbox) -> None:
    add(here, sandbox.hexpm.add_key("repositories"), "hexpm", "--no-verify")
    words = ("hexauth", "get", "hexpm:acme", "--format", "token")
    with ExitStack() as stack:
        crowd = [stack.enter_context(here.start(*words)) for _ in range(20)]
        answers = {process.communicate(timeout=SECONDS)[0] for process in crowd}

    assert (len(answers), sandbox.journal.counts()["client_credentials"]) == (1, 1)


@pytest.mark.parametrize("kind", ["auth_key", "repo_key", "api_key"])
def test_a_wrong_key_is_not_stored(here: Machine, kind: str) -> None:
    assert add(here, "0" * 32, "hexpm:acme", "--kind", kind) == 4
    assert listed(here) == []


def test_a_key_that_may_do_less_is_not_stored(here: Machine, sandbox: Sandbox) -> None:
    assert add(here, sandbox.hexpm.add_key("api"), "hexpm:acme") == 4


def test_a_key_is_stored_unseen_if_that_is_wanted(here: Machine, sandbox: Sandbox) -> None:
    assert add(here, "0" * 32, "hexpm:acme", "--no-verify") == 0
    assert (listed(here), sandbox.journal.log()) == ([("hexpm:acme", "auth_key")], [])
    done = here.hexauth("get", "hexpm:acme")
    assert (done.returncode, b"invalid_client" in done.stderr) == (4, True)


def test_the_url_of_an_api_wants_an_api_key(here: Machine, sandbox: Sandbox) -> None:
    assert add(here, sandbox.hexpm.add_key("api"), sandbox.api_url) == 0
    assert listed(here) == [("hexpm", "api_key")]
    assert source(here, "hexpm") == "key"


def test_no_listing_shows_a_key(here: Machine, sandbox: Sandbox) -> None:
    key = sandbox.hexpm.add_key("repositories")
    add(here, key, "hexpm:acme")

    shown = [here.hexauth("key", "list"), here.hexauth("status"), here.hexauth("status", "--json")]

    assert [b"hexpm:acme" in done.stdout for done in shown] == [True, True, True]
    assert [key.encode() in done.stdout for done in shown] == [False, False, False]


def test_a_key_comes_and_goes_while_a_login_is_in_memory(here: Machine, sandbox: Sandbox) -> None:
    """Every other answer is from memory."""
    here.hexauth("login", "--no-browser")
    url = f"{sandbox.url}/repos/acme/names"
    seen = [source(here, url), source(here, url)]
    add(here, sandbox.hexpm.add_key("repositories"), "hexpm")
    seen += [source(here, url), source(here, url), source(here, "hexpm")]
    assert here.hexauth("key", "remove", "hexpm").returncode == 0
    seen += [source(here, url), source(here, url)]

    assert seen == ["vault", "vault", "exchange", "exchange", "vault", "vault", "vault"]


def test_git_is_answered_by_the_key_s_token_too(here: Machine, sandbox: Sandbox) -> None:
    """What was cached for the whole host does not stand in for it."""
    here.hexauth("login", "--no-browser")
    login = here.token()
    add(here, sandbox.hexpm.add_key("repositories"), "hexpm:acme")
    host = sandbox.url.removeprefix("http://")

    answers = [
        here.hexauth("get", give=f"protocol=http\nhost={host}\npath={path}\n\n".encode()).stdout
        for path in ("repos/acme/names", "repos/other/names", "api/users/me")
    ]

    assert [login.encode() in answer for answer in answers] == [False, True, True]


def test_removing_what_is_not_there(here: Machine) -> None:
    done = here.hexauth("key", "remove", "hexpm:acme")

    assert (done.returncode, done.stderr.count(b"\n")) == (1, 2)


def test_one_kind_is_removed_and_the_other_stays(here: Machine) -> None:
    for kind in ("auth_key", "repo_key"):
        add(here, "0" * 32, "hexpm:acme", "--no-verify", "--kind", kind)

    here.hexauth("key", "remove", "hexpm:acme", "--kind", "auth_key")

    assert listed(here) == [("hexpm:acme", "repo_key")]


@pytest.mark.parametrize("target", ["https://git.test", "nothing", "hexpm:", "hexpm:A/b"])
def test_a_target_that_is_no_repository(here: Machine, target: str) -> None:
    assert add(here, "0" * 32, target, "--no-verify") == 2


@pytest.mark.parametrize("given", [b"", b"two words\n", b"\xff\xff\n"])
def test_what_is_no_key_is_refused(here: Machine, given: bytes) -> None:
    assert here.hexauth("key", "add", "hexpm", give=given).returncode == 2


def test_a_key_is_typed_without_echo(here: Machine, sandbox: Sandbox) -> None:
    key = sandbox.hexpm.add_key("repositories")
    words = ["key", "add", "hexpm:acme"]
    with pexpect.spawn("hexauth", words, env=here.environ, timeout=SECONDS) as terminal:
        terminal.expect("API key: ")
        terminal.sendline(key)
        terminal.expect(pexpect.EOF)

    assert (terminal.exitstatus, key.encode() in terminal.before) == (0, False)
