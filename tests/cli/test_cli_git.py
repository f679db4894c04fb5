"""The real git, with `credential.helper = hexauth`."""

import subprocess
from collections.abc import Callable

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, need

Make = Callable[[Sandbox], Machine]

HOST = "protocol=https\nhost=git.example.com\n"


class Git:
    """`git credential` on a machine, which never gets to ask anybody."""

    def __init__(self, machine: Machine, helper: str = "hexauth") -> None:
        need("git", "git")
        self.machine = machine
        self.words = ("git", "-c", "credential.helper=", "-c", f"credential.helper={helper}")

    def __call__(self, action: str, request: str, *options: str) -> str:
        """Run `git credential ACTION`; return its answer without the fields of the request."""
        done = self.raw(action, request.encode(), *options)
        assert (done.returncode, done.stderr) == (0, b""), done
        return done.stdout.decode()

    def raw(
        self, action: str, request: bytes, *options: str
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run `git credential ACTION` and return all that came of it."""
        environ = {"GIT_ASKPASS": "/bin/false", "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C.UTF-8"}
        environ |= {"GIT_TERMINAL_PROMPT": "0"}
        words = (*self.words, *options, "credential", action)
        return self.machine.run(*words, give=request + b"\n", environ=environ)


@pytest.fixture
def git(serve: Serve, machine: Make) -> Git:
    """Return git on a machine without a login."""
    return Git(machine(serve()))


def test_what_git_stores_comes_back_and_leaves(git: Git) -> None:
    secret = HOST + "username=alice\npassword=pässword \t;'\"\n"

    git("approve", secret)
    filled = git("fill", HOST)
    git("reject", secret)

    assert filled == secret
    assert git.raw("fill", HOST.encode()).returncode == 128


def test_bytes_that_are_not_utf_8_come_back(git: Git) -> None:
    secret = HOST.encode() + b"username=al\xffce\npassword=\xc3\x28\x80\n"

    assert git.raw("approve", secret).returncode == 0
    assert git.raw("fill", HOST.encode()).stdout == secret


def test_the_last_stored_of_several_users_answers(git: Git) -> None:
    for user in ("alice", "bob"):
        git("approve", f"{HOST}username={user}\npassword=of {user}\n")

    assert git("fill", HOST) == f"{HOST}username=bob\npassword=of bob\n"
    assert git("fill", f"{HOST}username=alice\n") == f"{HOST}username=alice\npassword=of alice\n"


def test_a_new_password_replaces_the_old_one(git: Git) -> None:
    git("approve", f"{HOST}username=alice\npassword=old\n")
    git("approve", f"{HOST}username=alice\npassword=new\n")
    git("reject", f"{HOST}username=alice\npassword=old\n")

    assert git("fill", HOST).endswith("password=new\n")


@pytest.mark.parametrize(
    "other",
    [
        "protocol=https\nhost=git.example.com:8443\n",
        "protocol=https\nhost=example.com\n",
        "protocol=http\nhost=git.example.com\n",
        HOST + "username=bob\n",
    ],
)
def test_another_host_or_user_gets_nothing(git: Git, other: str) -> None:
    git("approve", f"{HOST}username=alice\npassword=secret\n")

    assert b"secret" not in git.raw("fill", other.encode()).stdout


def test_paths_tell_credentials_apart_where_git_sends_them(git: Git) -> None:
    use_path = ("-c", "credential.useHttpPath=true")
    for path in ("a.git", "b.git"):
        git("approve", f"{HOST}path={path}\nusername=u\npassword=of {path}\n", *use_path)

    assert git("fill", f"{HOST}path=a.git\n", *use_path).endswith("password=of a.git\n")
    assert git.raw("fill", f"{HOST}path=c.git\n".encode(), *use_path).returncode == 128


def test_a_long_password_is_stored(git: Git) -> None:
    """Git's own libsecret helper gives up above 1,024 bytes."""
    secret = f"{HOST}username=alice\npassword={'x' * 60000}\n"

    git("approve", secret)

    assert git("fill", HOST) == secret


def test_an_expired_password_is_not_answered(git: Git) -> None:
    store = f"{HOST}username=alice\npassword=secret\npassword_expiry_utc=1\n"

    git.machine.hexauth("store", give=store.encode())

    assert git.machine.hexauth("get", give=HOST.encode()).stdout == b""


@pytest.mark.parametrize("helper", ["hexauth", "!hexauth", "!git-credential-hexauth"])
def test_a_login_answers_git_by_every_way_of_naming_the_helper(
    serve: Serve, logged_in: Make, helper: str
) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    request = f"protocol=http\nhost={sandbox.url.removeprefix('http://')}\n"

    answer = Git(machine, helper)("fill", request)

    assert f"username=oauth2\npassword={machine.token()}\n" in answer


def test_git_does_not_store_a_login_s_own_token_again(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    git = Git(machine)
    request = f"protocol=http\nhost={sandbox.url.removeprefix('http://')}\n"

    git("approve", git("fill", request))

    assert machine.status()["stored"] == []


def test_a_token_that_git_saw_rejected_is_refreshed(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    git = Git(machine)
    request = f"protocol=http\nhost={sandbox.url.removeprefix('http://')}\n"
    first = git("fill", request)

    git("reject", first)

    assert git("fill", request) != first
    assert sandbox.journal.counts()["refresh"] == 1


def test_another_user_of_hex_is_kept_beside_the_login(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    git = Git(logged_in(sandbox))
    host = f"protocol=http\nhost={sandbox.url.removeprefix('http://')}\n"

    git("approve", f"{host}username=bob\npassword=key\n")

    assert git("fill", f"{host}username=bob\n") == f"{host}username=bob\npassword=key\n"
    assert "username=oauth2" in git("fill", host)


def test_git_stops_when_a_login_is_needed_and_nobody_may_be_asked(
    serve: Serve, machine: Make
) -> None:
    sandbox = serve()
    request = f"protocol=http\nhost={sandbox.url.removeprefix('http://')}\n"

    done = Git(machine(sandbox)).raw("fill", request.encode())

    assert done.returncode == 128
    assert b"Run `hexauth login` in a terminal." in done.stderr
    assert b"told us to quit" in done.stderr


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        (b"", b""),
        (b"host=git.example.com\n\n", b""),
        (b"protocol=https\n\n", b""),
        (b"protocol=https\nhost=\n\n", b""),
        (b"nonsense\n\n", b""),
        (b"protocol=https\nhost=git.exam\rple.com\n\n", b""),
        (b"protocol=https\r\nhost=git.example.com\r\n", b"username=u\npassword=p\n"),
        (b"url=https://git.example.com/\nunknown=1\nstate[]=a\n", b"username=u\npassword=p\n"),
    ],
)
def test_odd_requests_are_answered_with_silence_or_rightly(
    git: Git, request_: bytes, answer: bytes
) -> None:
    git("approve", f"{HOST}username=u\npassword=p\n")

    done = git.machine.run("git-credential-hexauth", "get", give=request_)

    assert (done.returncode, done.stdout, done.stderr) == (0, answer, b"")


@pytest.mark.parametrize("words", [(), ("frobnicate",), ("get", "frobnicate"), ("--help",)])
def test_operations_that_git_may_invent_are_ignored(git: Git, words: tuple[str, ...]) -> None:
    done = git.machine.run("git-credential-hexauth", *words)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_person_hears_what_is_wrong_with_a_request(git: Git) -> None:
    done = git.machine.hexauth("get", give=b"nonsense\n")

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 2)


def test_capability_says_what_is_understood(git: Git) -> None:
    for words in (("git-credential-hexauth", "capability"), ("hexauth", "capability")):
        assert git.machine.run(*words).stdout == b"version 0\ncapability authtype\n"


def test_a_git_that_knows_authtype_gets_a_bearer_token(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)
    host = sandbox.url.removeprefix("http://")
    request = f"capability[]=authtype\ncapability[]=state\nprotocol=http\nhost={host}\n\n"

    lines = machine.hexauth("get", give=request.encode()).stdout.decode().splitlines()

    token = machine.token()
    assert lines[:4] == [
        "capability[]=authtype", "authtype=Bearer", f"credential={token}", "ephemeral=1",
    ]  # fmt: skip


def test_a_stored_bearer_credential_is_for_those_who_understand_it(git: Git) -> None:
    store = f"capability[]=authtype\nauthtype=Bearer\ncredential=tok\n{HOST}\n"
    git.machine.hexauth("store", give=store.encode())

    old = git.machine.hexauth("get", give=HOST.encode())
    new = git.machine.hexauth("get", give=f"capability[]=authtype\n{HOST}".encode())

    assert old.stdout == b""
    assert new.stdout == b"capability[]=authtype\nauthtype=Bearer\ncredential=tok\n"


@pytest.mark.parametrize(
    "line", ["ephemeral=1\n", "password_expiry_utc=oops\n", "oauth_refresh_token=r\n"]
)
def test_further_fields_are_kept_or_kept_out(git: Git, line: str) -> None:
    store = f"{HOST}username=u\npassword=p\n{line}"

    git.machine.hexauth("store", give=store.encode())

    expected = {
        "ephemeral=1\n": b"",
        "password_expiry_utc=oops\n": b"username=u\npassword=p\n",
        "oauth_refresh_token=r\n": b"username=u\npassword=p\noauth_refresh_token=r\n",
    }
    assert git.machine.hexauth("get", give=HOST.encode()).stdout == expected[line]


def test_erase_without_a_secret_drops_every_match(git: Git) -> None:
    for user in ("alice", "bob"):
        git("approve", f"{HOST}username={user}\npassword=p\n")

    git.machine.hexauth("erase", give=HOST.encode())

    assert git.machine.hexauth("get", give=HOST.encode()).stdout == b""
    assert git.machine.status()["stored"] == []


def test_headers_of_64_kb_are_read_whole_and_do_no_harm(git: Git) -> None:
    """Git passes on what the server's WWW-Authenticate says, in lines of up to 65,535 bytes."""
    git("approve", f"{HOST}username=alice\npassword=pw\n")
    header = "wwwauth[]=" + "x" * (65535 - len("wwwauth[]="))

    done = git.machine.hexauth("get", give=f"{HOST}{header}\n{header}\n\n".encode())

    assert done.stdout == b"username=alice\npassword=pw\n"
