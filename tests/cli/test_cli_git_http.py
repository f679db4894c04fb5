"""The real git over HTTP: clone, fetch and push with a Hex token, also one that is rejected."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests import git_server
from tests.conftest import Machine, Serve, need
from tests.git_server import GitServer

Make = Callable[[Sandbox], Machine]
Git = Callable[..., "subprocess.CompletedProcess[bytes]"]


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(approve_after=0)


@pytest.fixture
def server(sandbox: Sandbox, tmp_path: Path) -> Iterator[GitServer]:
    """Run a server with one repository, `demo.git`, that has one commit on `main`."""
    need("git", "git")
    core = subprocess.run(["git", "--exec-path"], check=True, capture_output=True, text=True)
    root = tmp_path / "repositories"
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", root / "demo.git"], check=True)
    backend = Path(core.stdout.strip(), "git-http-backend")
    with git_server.running(root, str(backend), sandbox) as found:
        yield found


@pytest.fixture
def here(server: GitServer, sandbox: Sandbox, machine: Make) -> Machine:
    """Log in on a machine whose git asks hexauth alone, and nobody else."""
    found = machine(sandbox)
    (found.home / ".gitconfig").write_text(
        "[credential]\n\thelper =\n\thelper = hexauth\n"
        "[user]\n\tname = Alice\n\temail = alice@example.com\n"
    )
    found.environ |= {
        "HEX_API_URL": f"{server.url}/api",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "LC_ALL": "C.UTF-8",
    }
    assert found.hexauth("login", "--no-browser").returncode == 0
    return found


@pytest.fixture
def git(here: Machine, server: GitServer) -> Git:
    """Clone the repository into `work`, with a commit; return git inside it."""

    def run(*words: str) -> "subprocess.CompletedProcess[bytes]":
        return here.run("git", "-C", str(here.home / "work"), *words)

    assert here.run("git", "clone", "-q", f"{server.url}/demo.git", "work").returncode == 0
    (here.home / "work/readme").write_text("one\n")
    assert run("add", "readme").returncode == 0
    assert run("commit", "-qm", "One").returncode == 0
    return run


def test_clone_push_and_fetch_ask_nobody(git: Git, here: Machine, server: GitServer) -> None:
    pushed = git("push", "-q", "origin", "HEAD:main")
    cloned = here.run("git", "clone", "-q", f"{server.url}/demo.git", "again")
    fetched = git("fetch", "-q")

    assert (pushed.returncode, pushed.stderr) == (0, b"")
    assert (cloned.returncode, cloned.stderr) == (0, b"")
    assert (fetched.returncode, fetched.stderr) == (0, b"")
    assert (here.home / "again/readme").read_text() == "one\n"
    assert server.refused == 0
    assert server.sandbox.journal.counts()["prompts"] == 1


def test_a_token_that_is_rejected_in_the_middle_is_refreshed_without_a_prompt(
    git: Git, here: Machine, server: GitServer
) -> None:
    """Git gives up a command whose credential is rejected, and tells hexauth; the next works."""
    old = here.token()
    server.sandbox.hexpm.reject_access_tokens()

    refused = git("push", "-q", "origin", "HEAD:main")
    pushed = git("push", "-q", "origin", "HEAD:main")

    assert refused.returncode != 0
    assert (pushed.returncode, pushed.stderr) == (0, b"")
    assert here.token() != old
    counts = server.sandbox.journal.counts()
    assert (server.refused, counts["refresh"], counts["prompts"]) == (1, 1, 1)


def test_a_token_that_ends_in_the_middle_is_refreshed_before_git_sees_it(
    git: Git, here: Machine, server: GitServer
) -> None:
    """The server lets nobody in with it any more, and its life is below the margin."""
    here.age(server.sandbox)
    here.environ["HEXAUTH_MIN_TTL"] = "1799"
    server.sandbox.hexpm.reject_access_tokens()

    pushed = git("push", "-q", "origin", "HEAD:main")

    assert (pushed.returncode, pushed.stderr, server.refused) == (0, b"", 0)
    assert server.sandbox.journal.counts()["refresh"] == 1


def test_parallel_fetches_refresh_once(git: Git, here: Machine, server: GitServer) -> None:
    assert git("push", "-q", "origin", "HEAD:main").returncode == 0
    here.reject_token(server.sandbox)
    server.sandbox.faults.add(parse("slow:0.5@refresh"))

    words = ("git", "ls-remote", "-q", f"{server.url}/demo.git")
    running = [here.start(*words) for _ in range(10)]
    done = [process.communicate(timeout=60) for process in running]

    assert [process.returncode for process in running] == [0] * 10, done
    assert (server.refused, server.sandbox.journal.counts()["refresh"]) == (0, 1)
