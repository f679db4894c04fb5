"""`hexauth doctor`: the report as a person and a program read it, and what it leaves alone."""

import json
import os
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest
from jeepney import MessageType  # type: ignore[import-untyped]  # ships no types
from jeepney.bus_messages import message_bus  # type: ignore[import-untyped]
from jeepney.io.blocking import (  # type: ignore[import-untyped]
    Proxy,
    open_dbus_connection,
)

from hexauth.sandbox.serve import Sandbox
from hexauth.vault.quick import BUS
from tests.authorities import sign
from tests.cli.test_cli_keyring import PROMPTER
from tests.conftest import Machine, Serve
from tests.secret_service import Start, items, lock
from tests.serving import gone

Make = Callable[[Sandbox], Machine]

HEADINGS = [
    "versions",
    "programs",
    "settings",
    "vault",
    "locks",
    "memory",
    "servers",
    "logins",
    "git",
    "docker",
    "kept by other programs",
]


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve(approve_after=0)


@pytest.fixture
def here(sandbox: Sandbox, logged_in: Make, memory: str) -> Machine:
    """Return a machine on which somebody is logged in, and nothing is to be complained about."""
    found = logged_in(sandbox)
    found.environ |= {"XDG_RUNTIME_DIR": memory, "GIT_CONFIG_NOSYSTEM": "1"}
    return found


def examined(here: Machine, code: int, *words: str, **environ: str) -> dict[str, dict[str, Any]]:
    """Return what is found, by heading and name."""
    done = here.hexauth("doctor", "--json", *words, environ=environ)
    assert (done.returncode, done.stderr) == (code, b""), done.stdout
    found = json.loads(done.stdout)["findings"]
    return {f"{each['section']}: {each['name']}": each for each in found}


def files(*folders: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode of each file and folder, and what each file holds."""
    found = [path for folder in folders for path in (folder, *folder.rglob("*"))]
    return {
        str(path): (path.lstat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in found
    }


def test_report_can_be_read_in_80_columns(here: Machine) -> None:
    done = here.hexauth("doctor")
    lines = done.stdout.decode().splitlines()

    assert (done.returncode, done.stderr) == (0, b"")
    assert [line for line in lines if line and not line.startswith(" ")] == [
        *HEADINGS,
        "0 problems, 1 warning.",
    ]
    assert {line[:11].strip() for line in lines if line.startswith("  ")} == {"ok", "warning", ""}
    long = [line for line in lines if len(line) > 80]
    assert all(" " not in line[11:].strip() for line in long)  # a path is not broken


def test_nothing_is_changed_and_nobody_is_asked_and_no_token_is_sent(
    here: Machine, sandbox: Sandbox, memory: str
) -> None:
    before, said = files(here.home, Path(memory)), len(sandbox.journal.log())

    here.hexauth("doctor")
    here.hexauth("doctor", "--json", "--verbose")

    assert files(here.home, Path(memory)) == before
    asked = sandbox.journal.log()[said:]
    assert [(each["method"], each["authorization"]) for each in asked] == [("GET", None)] * 2


def test_an_empty_home_stays_empty(machine: Make, sandbox: Sandbox, memory: str) -> None:
    here = machine(sandbox)
    del here.environ["HEXAUTH_HOME"]

    found = examined(here, 0, XDG_RUNTIME_DIR=memory)

    assert found[f"logins: {sandbox.api_url}"]["advice"] == "Run `hexauth login` in a terminal."
    assert [*here.home.iterdir(), *Path(memory).iterdir()] == []


def test_json_has_the_same_keys_for_everything(here: Machine) -> None:
    done = here.hexauth("doctor", "--json")
    found = json.loads(done.stdout)

    assert set(found) == {"problems", "warnings", "findings"}
    assert (found["problems"], found["warnings"]) == (0, 1)
    assert {tuple(each) for each in found["findings"]} == {
        ("section", "name", "level", "text", "advice")
    }
    assert {each["level"] for each in found["findings"]} == {"ok", "warning"}
    assert all(bool(each["advice"]) == (each["level"] != "ok") for each in found["findings"])
    assert list(dict.fromkeys(each["section"] for each in found["findings"])) == HEADINGS


def test_without_its_server_there_is_a_problem(here: Machine, sandbox: Sandbox) -> None:
    with gone(sandbox):
        found = examined(here, 1)

    name = sandbox.api_url.split("/")[2]
    assert found[f"servers: {name}"]["level"] == "problem"
    assert found["vault: tried"]["level"] == "ok"


@pytest.mark.parametrize(("words", "environ"), [(["--offline"], {}), ([], {"HEX_OFFLINE": "1"})])
def test_offline_nothing_is_sent(
    here: Machine, sandbox: Sandbox, words: list[str], environ: dict[str, str]
) -> None:
    said = len(sandbox.journal.log())

    found = examined(here, 0, *words, **environ)

    assert found["servers: servers"]["text"] == "Nothing was sent to any server."
    assert len(sandbox.journal.log()) == said


def test_broken_settings_are_a_problem_and_the_rest_is_looked_at(
    here: Machine, sandbox: Sandbox
) -> None:
    said = len(sandbox.journal.log())
    (here.home / "hexauth/config.toml").write_text("min_ttl = soon\n")

    found = examined(here, 1)

    assert found["settings: settings"]["level"] == "problem"
    assert "it is no TOML" in found["settings: settings"]["text"]
    assert found["settings: HEX_API_URL"]["text"] == "It is set."
    assert {"versions: hexauth", "locks: lock", "docker: configuration"} <= set(found)
    assert not any(name.startswith(("vault", "servers", "logins")) for name in found)
    assert len(sandbox.journal.log()) == said


@pytest.mark.parametrize("name", ["HEX_API_URL", "HEXAUTH_MIN_TTL"])
def test_a_variable_that_makes_no_sense_is_a_problem(here: Machine, name: str) -> None:
    found = examined(here, 1, **{name: "soon"})

    assert f"${name} must be" in found["settings: settings"]["text"]


def test_a_home_of_nobody_is_a_problem(here: Machine) -> None:
    found = examined(here, 1, HEXAUTH_HOME="~nobody-of-that-name/x")

    assert "$HEXAUTH_HOME names" in found["settings: settings"]["text"]


def test_a_home_that_cannot_be_written_to_is_a_problem(machine: Make, sandbox: Sandbox) -> None:
    here = machine(sandbox)
    (here.home / "file").touch()

    found = examined(here, 1, HEXAUTH_HOME=str(here.home / "file/home"))

    assert found["settings: config.toml"]["level"] == "problem"
    assert "~/file is no folder" in found["locks: folder"]["text"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_home_of_which_nothing_may_be_changed_is_a_problem(
    machine: Make, sandbox: Sandbox
) -> None:
    here = machine(sandbox)
    home = here.home / "hexauth"
    home.mkdir(mode=0o500)

    found = examined(here, 1)

    assert found["locks: folder"]["level"] == "problem"
    assert found["vault: tried"]["level"] == "problem"


def test_a_file_in_place_of_the_folder_of_locks_is_a_problem(
    machine: Make, sandbox: Sandbox
) -> None:
    here = machine(sandbox)
    (here.home / "hexauth").mkdir(mode=0o700)
    (here.home / "hexauth/state").touch(mode=0o600)

    found = examined(here, 1)

    assert found["locks: folder"]["text"] == "~/hexauth/state is no folder that you can write to."


def test_a_server_by_tls_is_told_with_its_certificate(
    serve: Serve, machine: Make, tmp_path: Path
) -> None:
    root = sign("Test Root", is_authority=True)
    (tmp_path / "root.pem").write_bytes(root.pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    signed = sign("server", root, hosts=["127.0.0.1"])
    context.load_cert_chain(signed.write(tmp_path / "server.pem"))
    here = machine(serve(tls=context))
    name = here.environ["HEX_API_URL"].split("/")[2]

    trusted = examined(here, 0, HEX_CACERTS_PATH=str(tmp_path / "root.pem"))
    strange = examined(here, 1)

    assert "It is from Test Root" in trusted[f"servers: certificate of {name}"]["text"]
    assert trusted[f"servers: certificate of {name}"]["level"] == "warning"  # it ends in an hour
    assert trusted[f"servers: trust in {name}"]["text"] == "It is trusted by $HEX_CACERTS_PATH."
    assert "certificate" in strange[f"servers: {name}"]["text"]


def test_git_that_setup_has_told_of_hexauth_is_fine(here: Machine, sandbox: Sandbox) -> None:
    assert here.hexauth("setup", "git").returncode == 0

    found = examined(here, 0)

    assert found[f"git: order for {sandbox.url}"]["text"] == "Hexauth is asked first."


def test_a_locked_keyring_is_told_and_nobody_is_asked(here: Machine, secret_service: Start) -> None:
    del here.environ["HEXAUTH_VAULT"]
    with secret_service("password") as (environ, _):
        here.environ[BUS] = environ[BUS]
        assert here.hexauth("login", "--no-browser", "--vault", "keyring").returncode == 0
        before = items(environ[BUS])
        open_ = examined(here, 0, "--vault", "keyring")
        assert items(environ[BUS]) == before
        lock(environ[BUS])
        with open_dbus_connection(environ[BUS]) as window:
            Proxy(message_bus, window).RequestName(PROMPTER)
            locked = examined(here, 0, "--vault", "keyring")
            calls = []
            try:
                while True:
                    calls.append(window.receive(timeout=0.1).header.message_type)
            except TimeoutError:
                pass

    assert open_["vault: tried"]["level"] == "ok"
    assert "it is locked" in locked["vault: tried"]["text"]
    assert [each["level"] for name, each in locked.items() if name.startswith("logins")] == [
        "warning"
    ]
    assert MessageType.method_call not in calls


def test_marks_are_colored_on_a_terminal_unless_that_is_not_wanted(here: Machine) -> None:
    def shown(**environ: str) -> str:
        words = ["doctor", "--offline"]
        child = pexpect.spawn(
            "hexauth", words, env={**here.environ, "TERM": "xterm", **environ}, encoding="utf-8"
        )
        return str(child.read())

    assert "\x1b[32m  ok" in shown()
    assert "\x1b" not in shown(NO_COLOR="1")


def test_what_acts_on_a_terminal_is_escaped(here: Machine) -> None:
    folder = here.home / "\x1b[2J"
    folder.mkdir()
    (folder / "config.json").write_text("no JSON")

    done = here.hexauth("doctor", "--offline", environ={"DOCKER_CONFIG": str(folder)})

    assert (b"\x1b" in done.stdout, b"\\x1b[2J/config.json" in done.stdout) == (False, True)


PLACES = {
    "hexauth/words": "{}\n",
    "hexauth/config.toml": "passphrase_command = '/bin/echo {}'\n",
    ".gitconfig": '[credential "https://me:{}@a.test"]\nhelper = "!echo password={}"\n'
    "[credential]\nhelper = store --file /{}\n",
    ".git-credentials": "https://me:{}@hex.pm\n",
    ".netrc": "machine 127.0.0.1 login me password {}\n",
    ".docker/config.json": '{{"auths": {{"r.test": {{"auth": "{}"}}}}}}',
    ".hex/hex.config": '{{<<"$read_key">>,<<"{}">>}}.\n{{<<"$oauth_token">>,<<"{}">>}}.\n',
    ".config/rebar3/hex.config": '#{{<<"hexpm">> => #{{read_key => <<"{}">>}}}}.\n',
    ".cache/gleam/hex/hexpm/credentials": "{}",
}
"""Where secrets may lie; the braces stand for one."""

SECRET = "5eC2e7" * 6


@pytest.mark.parametrize("words", [(), ("--json",), ("--verbose",)])
def test_no_secret_is_told_wherever_it_lies(here: Machine, words: tuple[str, ...]) -> None:
    for place, text in PLACES.items():
        (here.home / place).parent.mkdir(parents=True, exist_ok=True)
        (here.home / place).write_text(text.replace("{}", SECRET).format())
    given = {
        "HTTPS_PROXY": f"http://me:{SECRET}@127.0.0.1:1",
        **dict.fromkeys(("HEX_API_KEY", "HEX_REPOS_KEY", "HEX_OTP", "HEXAUTH_VUALT"), SECRET),
        "HEXAUTH_PASSPHRASE": SECRET,
    }

    done = here.hexauth("doctor", *words, environ=given)

    assert done.returncode == 0, done.stdout
    assert SECRET.encode() not in done.stdout + done.stderr
    for name in (b"netrc", b"mix", b"rebar3", b"r.test", b"a.test", b"HEXAUTH_VUALT", b"api_key"):
        assert name in done.stdout


def test_users_folder_is_not_named(here: Machine) -> None:
    done = here.hexauth("doctor")

    assert str(here.home) not in done.stdout.decode()
    assert re.search(r"~/hexauth/state is yours alone", done.stdout.decode())
