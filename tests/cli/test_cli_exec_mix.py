"""`hexauth exec` with real programs: mix and rebar3 reach a Hex server through the proxy."""

import os
import shlex
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pexpect
import pytest

from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_terminals import terminal
from tests.conftest import SECONDS, Machine, Serve, need, unix
from tests.hex_registry import VERSION, Mix, private_names, public_names
from tests.waiting import until

Make = Callable[[Sandbox], Machine]
Done = subprocess.CompletedProcess[bytes]

CODE = "123456"
APPLICATIONS = 8
PACKAGES = 4
PATIENT = {"HEX_HTTP_TIMEOUT": "30"}
"""Else mix gives up a request after 15 seconds, however busy this machine is."""

REBAR = """\
{{deps, [{{common_1, "1.0.0"}}, {{acme_1, "1.0.0"}}]}}.
{{hex, [{{repos, [
  #{{name => <<"hexpm:acme">>, repo_public_key => <<"{key}">>}},
  #{{name => <<"hexpm">>, repo_public_key => <<"{key}">>}}
]}}]}}.
"""


class Project:
    """A folder in which mix, or another program, runs through `hexauth exec`."""

    def __init__(self, here: Machine, folder: Path, environ: dict[str, str]) -> None:
        self.here, self.folder = here, folder
        self._environ = {**environ, **PATIENT}

    def command(self, *words: str, options: str = "") -> str:
        """Return what a shell runs."""
        told = shlex.join(f"{name}={value}" for name, value in self._environ.items())
        inside = f"hexauth exec {options} -- {shlex.join(words)}"
        return f"cd {shlex.quote(str(self.folder))} && exec env {told} {inside}"

    def run(self, *words: str, options: str = "") -> Done:
        """Run a program to its end, with nobody to be asked."""
        return self.here.run("sh", "-c", self.command(*words, options=options))

    def dependencies(self) -> list[str]:
        """Return the names of the packages that are there."""
        return sorted(path.name for path in (self.folder / "deps").iterdir())


@pytest.fixture
def project(mix: Mix, tmp_path: Path) -> Callable[..., Project]:
    """Return a function that makes an application which depends on the packages named."""

    def make(
        here: Machine, sandbox: Sandbox, *names: list[str], called: str = "application"
    ) -> Project:
        private, public = (*names, [], [])[:2]
        folder = mix.application(tmp_path / called, private=private, public=public)
        return Project(here, folder, mix.environ(folder, sandbox))

    return make


@pytest.fixture
def package(mix: Mix, tmp_path: Path) -> Callable[[Machine, Sandbox], Project]:
    """Return a function that makes a package, `mine`, that can be published."""

    def make(here: Machine, sandbox: Sandbox) -> Project:
        folder = mix.package(tmp_path / "mine", "mine")
        return Project(here, folder, mix.environ(folder, sandbox))

    return make


def askers(home: Path) -> set[int]:
    """Return the processes that ask, or wait for who asks: they have the login's mutex open."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            names = [os.readlink(each) for each in folder.iterdir()]  # noqa: PTH115
        except OSError:  # it has ended, or is somebody else's
            continue
        if any(name.startswith(str(home)) and name.endswith(".login.lock") for name in names):
            found.add(int(folder.parent.name))
    return found


def tarballs(sandbox: Sandbox) -> int:
    """Return how many private packages the server has handed out."""
    return sum(
        entry["kind"] == "private" and "/tarballs/" in entry["path"] and entry["status"] == 200
        for entry in sandbox.journal.log()
    )


def bearers(sandbox: Sandbox) -> set[str]:
    """Return the marks of the credentials that have been sent."""
    return {entry["authorization"] for entry in sandbox.journal.log() if entry["authorization"]}


def crowd(make: Callable[..., Project], here: Machine, sandbox: Sandbox) -> list[Project]:
    return [
        make(here, sandbox, private_names(PACKAGES), called=f"application-{number}")
        for number in range(APPLICATIONS)
    ]


def together(here: Machine, projects: list[Project], then: Callable[[], object]) -> list[Done]:
    """Let each project get its packages at the same time; do `then` once all have begun."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                here.start("sh", "-c", each.command("mix", "deps.get", options="--login"))
            )
            for each in projects
        ]
        then()
        said = [process.communicate(timeout=SECONDS) for process in started]
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *streams)
        for process, streams in zip(started, said, strict=True)
    ]


def test_mix_gets_packages_of_all_kinds_with_the_login(
    serve: Serve, logged_in: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    sandbox = serve(registry=mix.registry(private=4), approve_after=0)
    here = logged_in(sandbox)
    application = project(here, sandbox, private_names(4), public_names(2))
    environment = application.run("env").stdout.decode()

    done = application.run("mix", "deps.get")

    assert done.returncode == 0, done
    assert application.dependencies() == private_names(4) + public_names(2)
    assert here.token() not in environment
    assert b"HEX_REPOS_KEY" not in environment.encode()


def test_mix_gets_public_packages_and_nobody_is_asked(
    serve: Serve, machine: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    sandbox = serve(registry=mix.registry(private=4))
    application = project(machine(sandbox), sandbox, [], public_names(2))

    done = application.run("mix", "deps.get", options="--login")

    counts = sandbox.journal.counts()
    assert (done.returncode, application.dependencies()) == (0, public_names(2)), done
    assert (counts["device_authorization"], counts["private"]) == (0, 0)


def test_eight_applications_at_once_ask_for_one_login(
    serve: Serve, machine: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    """The person approves it after two seconds, whoever is waiting by then."""
    sandbox = serve(registry=mix.registry(private=4), approve_after=2)
    here = machine(sandbox)
    applications = crowd(project, here, sandbox)

    done = together(here, applications, lambda: None)

    assert [each.returncode for each in done] == [0] * APPLICATIONS, done
    assert sandbox.journal.counts()["device_authorization"] == 1
    assert tarballs(sandbox) == APPLICATIONS * PACKAGES


def test_eight_applications_that_all_wait_are_served_by_one_yes(
    serve: Serve, machine: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    """The code is shown in the one terminal that there is; the others have none."""
    sandbox = serve(registry=mix.registry(private=4))
    here = machine(sandbox)
    first, *others = crowd(project, here, sandbox)
    shell = terminal(here, first.command("mix", "deps.get"))

    def approve() -> None:
        shell.expect(r"the code (\S{4}-\S{4})\.\r\n")
        until(lambda: len(askers(here.home)) == APPLICATIONS)
        sandbox.hexpm.answer(sandbox.hexpm.grants()[0], approve=True)

    done = together(here, others, approve)
    shell.expect(pexpect.EOF)
    shell.close()

    counts = sandbox.journal.counts()
    assert [each.returncode for each in done] + [shell.exitstatus] == [0] * APPLICATIONS, done
    assert (counts["device_authorization"], counts["refresh"]) == (1, 0)
    assert [each.dependencies() for each in (first, *others)] == [private_names(4)] * APPLICATIONS
    assert tarballs(sandbox) == APPLICATIONS * PACKAGES


def test_eight_applications_that_all_wait_fail_by_one_no(
    serve: Serve, machine: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    """Each as mix fails without a login."""
    sandbox = serve(registry=mix.registry(private=4), interval=0.5)
    here = machine(sandbox)
    applications = crowd(project, here, sandbox)

    def deny() -> None:
        until(lambda: len(askers(here.home)) == APPLICATIONS)
        until(nobody_asks_any_more)

    def nobody_asks_any_more() -> bool:
        for grant in sandbox.hexpm.grants():
            sandbox.hexpm.answer(grant, approve=False)
        return not askers(here.home)

    done = together(here, applications, deny)
    assert [each.returncode for each in done] == [1] * APPLICATIONS, done
    assert [b"No authenticated user found" in each.stderr for each in done] == [True] * APPLICATIONS
    assert sandbox.journal.counts()["device_authorization"] == 1
    assert tarballs(sandbox) == 0


def test_eight_applications_with_a_token_that_was_rejected_refresh_once(
    serve: Serve, logged_in: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    sandbox = serve(registry=mix.registry(private=4), approve_after=0)
    here = logged_in(sandbox)
    applications = crowd(project, here, sandbox)
    sandbox.hexpm.reject_access_tokens()

    done = together(here, applications, lambda: None)

    counts = sandbox.journal.counts()
    assert [each.returncode for each in done] == [0] * APPLICATIONS, done
    assert (counts["refresh"], counts["device_authorization"]) == (1, 1)
    assert tarballs(sandbox) == APPLICATIONS * PACKAGES


def test_a_build_outlives_its_token(
    serve: Serve, logged_in: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    """One proxy serves what is fetched before the token ends, and what is fetched afterwards."""
    sandbox = serve(registry=mix.registry(private=4), approve_after=0, token_ttl=3)
    here = logged_in(sandbox)
    application = project(here, sandbox, private_names(4))
    script = "mix deps.get && echo got && read line && rm -r deps .hex && mix deps.get"

    with here.start("sh", "-c", application.command("sh", "-c", script)) as process:
        assert process.stdout
        while process.stdout.readline() not in (b"got\n", b""):
            pass
        before = bearers(sandbox)
        end = unix(here.status()["logins"][0]["access_token_expires_at"])
        until(lambda: time.time() > end)
        out, err = process.communicate(b"\n", timeout=SECONDS)

    assert process.returncode == 0, (out, err)
    assert tarballs(sandbox) == 2 * PACKAGES
    assert bearers(sandbox) > before
    assert sandbox.journal.counts()["device_authorization"] == 1


def test_mix_says_who_is_logged_in(
    serve: Serve, logged_in: Make, package: Callable[[Machine, Sandbox], Project]
) -> None:
    sandbox = serve(approve_after=0)
    mine = package(logged_in(sandbox), sandbox)

    done = mine.run("mix", "hex.user", "whoami")

    assert (done.returncode, done.stdout) == (0, b"alice\n"), done


def test_mix_publishes_with_a_password_that_hexauth_is_given(
    serve: Serve, logged_in: Make, package: Callable[[Machine, Sandbox], Project]
) -> None:
    """The package and its documentation; the server has what mix has built."""
    sandbox = serve(approve_after=0, otp=CODE)
    mine = package(logged_in(sandbox), sandbox)

    done = mine.run("mix", "hex.publish", "--yes", options=f"--otp={CODE}")

    counts = sandbox.journal.counts()
    uploads = [each["upload"] for each in sandbox.journal.log() if "upload" in each]
    assert done.returncode == 0, done
    assert (counts["publish"], counts["docs"]) == (1, 1)
    assert uploads[0]["sha256"].encode() in done.stdout


def test_mix_asks_for_a_password_itself(
    serve: Serve, logged_in: Make, package: Callable[[Machine, Sandbox], Project]
) -> None:
    """The server's wish for one passes through the proxy; a wrong one is asked for again."""
    sandbox = serve(approve_after=0, otp=CODE)
    here = logged_in(sandbox)
    mine = package(here, sandbox)
    shell = terminal(here, mine.command("mix", "hex.publish", "package", "--yes"))

    for question, code in (("Enter OTP code: ", "654321"), ("Invalid OTP code.*: ", CODE)):
        shell.expect(question)
        shell.sendline(code)
    shell.expect("Package published")
    shell.expect(pexpect.EOF)
    shell.close()

    statuses = [each["status"] for each in sandbox.journal.log() if each["kind"] == "publish"]
    assert (shell.exitstatus, statuses) == (0, [401, 401, 201])
    assert sandbox.journal.counts()["refresh"] == 0


def test_mix_cannot_publish_without_a_password(
    serve: Serve, logged_in: Make, package: Callable[[Machine, Sandbox], Project]
) -> None:
    """Where nobody can be asked for one; the login is not to blame, and stays."""
    sandbox = serve(approve_after=0, otp=CODE)
    here = logged_in(sandbox)
    mine = package(here, sandbox)

    done = mine.run("mix", "hex.publish", "package", "--yes")

    counts = sandbox.journal.counts()
    assert (done.returncode, counts["publish"], counts["refresh"]) == (1, 1, 0), done
    assert here.token()


def test_mix_retires_and_brings_back(
    serve: Serve, logged_in: Make, package: Callable[[Machine, Sandbox], Project]
) -> None:
    sandbox = serve(approve_after=0, otp=CODE)
    mine = package(logged_in(sandbox), sandbox)
    words = ("mix", "hex.retire", "jason", VERSION)
    told = ("security", "--message", "It leaks.")

    done = [mine.run(*words, *each, options=f"--otp={CODE}") for each in (told, ("--unretire",))]

    said = [each.stdout.split()[-1] for each in done]
    assert ([each.returncode for each in done], said) == ([0, 0], [b"retired", b"unretired"])
    assert sandbox.journal.counts()["retire"] == 2


def test_mix_lists_adds_and_removes_owners(
    serve: Serve, logged_in: Make, package: Callable[[Machine, Sandbox], Project]
) -> None:
    sandbox = serve(approve_after=0, otp=CODE)
    mine = package(logged_in(sandbox), sandbox)

    def owner(*words: str) -> bytes:
        done = mine.run("mix", "hex.owner", *words, options=f"--otp={CODE}")
        assert done.returncode == 0, done
        return done.stdout

    owner("add", "jason", "bob@example.com")
    both = owner("list", "jason")
    owner("remove", "jason", "bob@example.com")
    one = owner("list", "jason")

    assert [b"bob@example.com" in each for each in (both, one)] == [True, False]
    assert sandbox.journal.counts()["owners"] == 4


def test_mix_shows_a_package(
    serve: Serve, logged_in: Make, package: Callable[[Machine, Sandbox], Project]
) -> None:
    sandbox = serve(approve_after=0)
    mine = package(logged_in(sandbox), sandbox)

    done = [mine.run("mix", "hex.info", "jason", *each) for each in ((), (VERSION,))]

    assert [each.returncode for each in done] == [0, 0], done
    assert b"1.0.0 (2024-01-01)" in done[0].stdout


def test_an_organization_s_key_is_enough_for_a_build(
    serve: Serve, machine: Make, mix: Mix, project: Callable[..., Project]
) -> None:
    """As on a server that builds: nobody logs in there."""
    sandbox = serve(registry=mix.registry(private=4))
    here = machine(sandbox)
    key = sandbox.hexpm.add_key("repositories")
    here.hexauth("key", "add", "hexpm:acme", "--no-verify", give=f"{key}\n".encode())
    application = project(here, sandbox, private_names(4), public_names(1))

    done = application.run("mix", "deps.get", options="--no-login")

    counts = sandbox.journal.counts()
    assert done.returncode == 0, done
    assert application.dependencies() == private_names(4) + public_names(1)
    assert (counts["client_credentials"], counts["device_authorization"]) == (1, 0)


def test_rebar3_gets_packages_through_the_proxy(
    serve: Serve, logged_in: Make, mix: Mix, tmp_path: Path
) -> None:
    """Private ones too: it needs the name of the organization, and the registry's key, no login."""
    need("rebar3", "rebar3")
    registry = mix.registry(private=4)
    sandbox = serve(registry=registry, approve_after=0)
    here = logged_in(sandbox)
    folder = tmp_path / "erlang"
    (folder / "src").mkdir(parents=True)
    (folder / "src/erlang.app.src").write_text(
        '{application, erlang, [{vsn, "1.0.0"}, {applications, [kernel, stdlib]}]}.\n'
    )
    key = (registry / "public_key").read_text()
    (folder / "rebar.config").write_text(REBAR.format(key=key))

    done = Project(here, folder, mix.environ(folder, sandbox)).run("rebar3", "get-deps")

    got = sorted(path.name for path in (folder / "_build/default/lib").iterdir())
    assert (done.returncode, got) == (0, ["acme_1", "common_1"]), done
    assert sandbox.journal.counts()["refused"] == 0
