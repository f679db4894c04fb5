"""`hexauth setup`: into each tool and out again, and the tools find it there."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, need
from tests.stage import stage

Make = Callable[[Sandbox], Machine]

SHELLS = ("bash", "zsh", "fish")
TOOLS = ("git", "docker", "bazel", "mix", "rebar3", "gleam", "curl", "shell")

FILES = {
    ".gitconfig": "# mine\n[user]\n\tname = A\n[alias]\n\tst = status ; a comment",
    ".docker/config.json": '{"auths":{"r.test":{"auth":"c2VjcmV0"}},   "psFormat": "x"}',
    ".bazelrc": "build --jobs=4\n",
    ".bashrc": "# mine\nalias ll='ls -l'",
    ".zshrc": "alias ll='ls -l'\n",
    ".config/fish/conf.d/hexauth.fish": "# somebody's\n",
}

EXTRA = {"docker": ["--host", "r.test:5000"]}


@pytest.fixture
def here(serve: Serve, machine: Make) -> Machine:
    found = machine(serve(approve_after=0))
    found.environ["SHELL"] = "/bin/bash"
    return found


def put_files(here: Machine) -> None:
    for name, text in FILES.items():
        (here.home / name).parent.mkdir(parents=True, exist_ok=True)
        (here.home / name).write_text(text)
        (here.home / name).chmod(0o640)


def tree(here: Machine) -> dict[str, tuple[bytes, int]]:
    """Return every file of the home folder with its mode, but hexauth's own."""
    return {
        str(path.relative_to(here.home)): (path.read_bytes(), stat.S_IMODE(path.stat().st_mode))
        for path in here.home.rglob("*")
        if path.is_file() and not path.is_relative_to(here.home / "hexauth")
    }


def setup(here: Machine, *words: str) -> str:
    """Run `hexauth setup`; it must work."""
    done = here.hexauth("setup", *words)
    assert done.returncode == 0, done.stderr
    return (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("with_files", [False, True], ids=["new files", "files there"])
def test_every_file_is_as_it_was_when_hexauth_is_taken_out(
    here: Machine, tool: str, shell: str, with_files: bool
) -> None:
    """Byte for byte, and mode for mode; setting up twice is the same as once."""
    if with_files:
        put_files(here)
    before = tree(here)
    words = [tool, "--shell", shell, *EXTRA.get(tool, [])]

    dry = setup(here, *words, "--dry-run")
    assert tree(here) == before
    setup(here, *words)
    after = tree(here)
    again = setup(here, *words)

    assert dry.count("\n+") > 1
    assert "c2VjcmV0" not in dry
    assert after != before
    assert {name: after[name][1] for name in before} == {name: before[name][1] for name in before}
    assert again == "Nothing is to be changed: hexauth is there already.\n"
    assert tree(here) == after
    setup(here, tool, "--undo", "--shell", shell)
    assert tree(here) == before
    assert "not there" in setup(here, tool, "--undo", "--shell", shell)


def test_without_a_tool_undo_takes_hexauth_out_of_every_one(here: Machine) -> None:
    """For every shell, shims too; what was there before is as it was, and what is left is named."""
    put_files(here)
    before = tree(here)
    for words in (["git"], ["docker", *EXTRA["docker"]], ["mix"], ["mix", "--shim"], ["curl"]):
        setup(here, *words)
    setup(here, "mix", "--shell", "zsh")
    setup(here, "shell", "--shell", "fish")
    after = tree(here)

    dry = setup(here, "--undo", "--dry-run")
    assert tree(here) == after
    said = setup(here, "--undo")

    assert tree(here) == before
    assert dry.count("\n-[credential ") == dry.count('-[credential "')
    assert sorted(Path(line.split()[1]).name for line in said.splitlines()[:-1]) == sorted(
        [".gitconfig", "config.json", ".bashrc", ".bashrc", ".zshrc", "mix", "hexauth.fish"]
    )
    left = "Logins and keys stay: `hexauth logout` and `hexauth key remove` take them out."
    assert said.splitlines()[-1] == left
    assert setup(here, "--undo").splitlines() == [
        "Nothing is to be changed: hexauth is not there.",
        left,
    ]


def test_the_list_says_what_is_configured(here: Machine) -> None:
    before = setup(here)
    setup(here, "git")
    setup(here, "mix")
    setup(here, "docker", "--all-hosts")

    here.environ["COLUMNS"] = "200"
    lines = setup(here).splitlines()

    assert before.count("not configured") == len(TOOLS)
    states = {line.split()[0]: "not configured" not in line for line in lines[1:]}
    assert states == {tool: tool in ("git", "mix", "docker") for tool in TOOLS}


def test_programs_are_told_which_tools_there_are_and_what_was_done() -> None:
    with stage() as here:
        here.put(".gitconfig", "[alias]\n")
        dry, done, again = (here.said("setup", "git", *words) for words in (["--dry-run"], [], []))
        made = here.said("setup", "mix", "--shim")
        tools = here.said("setup")
        undone = here.said("setup", "mix", "--shim", "--undo")

    git, shim = f"{here.home}/.gitconfig", f"{here.home}/.local/share/hexauth/shims/mix"
    assert dry == {
        "tool": "git", "undo": False, "dry_run": True,
        "changes": [{"path": git, "change": "changed"}], "advice": [],
    }  # fmt: skip
    assert done == {**dry, "dry_run": False}
    assert again["changes"] == []
    assert made["changes"] == [{"path": shim, "change": "created"}]
    assert made["advice"][-1] == f"export PATH={Path(shim).parent}:$PATH"
    assert undone["changes"] == [{"path": shim, "change": "removed"}]
    assert [each["tool"] for each in tools] == list(TOOLS)
    assert [each["tool"] for each in tools if each["configured"]] == ["git", "mix"]
    assert (tools[0]["installed"], tools[0]["places"]) == (False, [git])


def test_git_asks_hexauth_for_hex_and_nobody_else_for_others(here: Machine) -> None:
    need("git", "git")
    setup(here, "git")
    here.hexauth("login", "--no-browser")
    place = here.environ["HEX_API_URL"].removeprefix("http://").removesuffix("/api")
    environ = {"GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_ASKPASS": "/bin/false"}

    def fill(protocol: str, host: str) -> "subprocess.CompletedProcess[bytes]":
        request = f"protocol={protocol}\nhost={host}\n\n".encode()
        return here.run("git", "credential", "fill", give=request, environ=environ)

    assert f"password={here.token()}\n".encode() in fill("http", place).stdout
    assert fill("https", "git.test").returncode != 0
    here.hexauth("store", give=b"protocol=https\nhost=git.test\nusername=u\npassword=stored\n")
    setup(here, "git", "--all-hosts")
    assert b"password=stored\n" in fill("https", "git.test").stdout


def test_git_finds_a_helper_whose_folder_has_a_space(here: Machine, tmp_path: Path) -> None:
    need("git", "git")
    folder = tmp_path / "with space's"
    folder.mkdir()
    for name in ("hexauth", "git-credential-hexauth"):
        shutil.copy(Path(sys.executable).parent / name, folder)
    here.hexauth("login", "--no-browser")
    done = here.run(str(folder / "hexauth"), "setup", "git")
    assert done.returncode == 0, done.stderr
    place = here.environ["HEX_API_URL"].removeprefix("http://").removesuffix("/api")

    filled = here.run("git", "credential", "fill", give=f"protocol=http\nhost={place}\n\n".encode())

    assert "with space" in (here.home / ".gitconfig").read_text()
    assert f"password={here.token()}\n".encode() in filled.stdout


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    need(request.param, request.param)
    return str(request.param)


def interactive(here: Machine, shell: str, command: str, path: Path) -> str:
    """Run `command` in a shell that has read its startup files; return what it prints."""
    flags = {"bash": ["--rcfile", str(here.home / ".bashrc"), "-i"], "zsh": ["-i"], "fish": ["-i"]}
    environ = {
        "PATH": f"{path}{os.pathsep}{here.environ['PATH']}",
        "TERM": "dumb",
        "XDG_CONFIG_HOME": str(here.home / ".config"),
    }
    done = here.run(shell, *flags[shell], "-c", command, environ=environ)
    return done.stdout.decode()


def stand_in(path: Path, script: str) -> Path:
    """Write a program that stands in for another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


ASK = 'curl -sS -H "Authorization: $HEX_API_KEY" "$HEX_API_URL/users/me"; echo " for $*"'
"""What a client does that goes through the proxy."""

SHOW = 'echo "$*: ${HEX_API_KEY-nothing}"'
"""What a client does that shows what it was given."""


@pytest.mark.parametrize("tool", ["mix", "rebar3"])
def test_all_that_a_client_does_goes_through_a_proxy(
    here: Machine, shell: str, tool: str, tmp_path: Path
) -> None:
    """Fetching, too; the credential itself is not in its environment."""
    need("curl", "curl")
    folder = stand_in(tmp_path / "bin" / tool, f"{ASK}; {SHOW}").parent
    here.hexauth("login", "--no-browser")
    setup(here, tool, "--shell", shell)

    said = interactive(here, shell, f"{tool} deps.get --only 'a b'", folder)

    assert '"alice"' in said
    assert " for deps.get --only a b\n" in said
    assert here.token() not in said


def test_gleam_gets_a_token_for_the_tasks_that_need_one(
    here: Machine, shell: str, tmp_path: Path
) -> None:
    """It cannot be told of a proxy."""
    folder = stand_in(tmp_path / "bin/gleam", SHOW).parent
    here.hexauth("login", "--no-browser")
    setup(here, "gleam", "--shell", shell)

    said = interactive(here, shell, "gleam publish; gleam build", folder)

    assert f"publish: Bearer {here.token()}\n" in said
    assert "build: nothing\n" in said


def test_rebar3_gets_a_token_where_it_cannot_be_told_of_a_proxy(
    here: Machine, shell: str, tmp_path: Path
) -> None:
    """The API's address is fixed in its plugin."""
    folder = stand_in(tmp_path / "bin/rebar3", SHOW).parent
    here.hexauth("login", "--no-browser")
    setup(here, "rebar3", "--shell", shell)
    setup(here, "rebar3", "--shim")
    shim = here.home / ".local/share/hexauth/shims/rebar3"

    said = interactive(here, shell, f"rebar3 hex publish; {shim} hex user; rebar3 tree", folder)

    token = here.token()
    assert f"hex publish: Bearer {token}\n" in said
    assert f"hex user: Bearer {token}\n" in said
    assert "tree: Bearer" not in said


def test_the_function_of_an_older_version_gives_way(here: Machine) -> None:
    """It has the block's name, and lets all go that is around it."""
    setup(here, "mix")
    new = (here.home / ".bashrc").read_text()
    begin, *_, end = new.splitlines()
    old = ["mix() {", '    case "${1-}" in hex.publish) x "$@" ;; esac', "}"]
    (here.home / ".bashrc").write_text("\n".join(["# mine", begin, *old, end, "# mine, too", ""]))

    setup(here, "mix")

    assert (here.home / ".bashrc").read_text() == f"# mine\n{new}# mine, too\n"
    assert "mix() {" in new
    assert "case" not in new


def test_curl_sends_the_token(here: Machine, shell: str, tmp_path: Path) -> None:
    need("curl", "curl")
    here.hexauth("login", "--no-browser")
    setup(here, "curl", "--shell", shell)

    said = interactive(here, shell, f"hexcurl -sS {here.environ['HEX_API_URL']}/users/me", tmp_path)

    assert '"username"' in said


COMPLETED = {
    "bash": "COMP_LINE='hexauth get http' COMP_POINT=16; _hexauth; echo \"${COMPREPLY[@]}\"",
    "zsh": "echo ${_comps[hexauth]}",
    "fish": "complete --do-complete 'hexauth get http'",
}


def test_shell_completes_hexauth_s_commands(here: Machine, shell: str) -> None:
    """With what is known here; zsh has no way to ask that but a terminal."""
    setup(here, "shell", "--shell", shell)

    said = interactive(here, shell, COMPLETED[shell], here.home).splitlines()[-1]

    assert said == ("_hexauth" if shell == "zsh" else here.environ["HEX_API_URL"])
    setup(here, "shell", "--shell", shell, "--undo")
    assert said not in interactive(here, shell, COMPLETED[shell], here.home)


def test_bazel_is_told_of_every_host(here: Machine) -> None:
    here.environ["HEX_API_URL"] = "https://hex.pm/api"
    setup(here, "bazel", "--host", "git.test:8443")

    lines = (here.home / ".bazelrc").read_text().splitlines()[1:-1]

    program = Path(sys.executable).parent / "hexauth-bazel"
    hosts = ["hex.pm", "repo.hex.pm", "git.test", "*.hex.pm"]
    assert lines == [f"common --credential_helper={host}={program}" for host in hosts]


def test_a_link_stays_a_link(here: Machine) -> None:
    """People keep such files in a repository of their own."""
    (here.home / "dotfiles").mkdir()
    (here.home / "dotfiles/gitconfig").write_text("[user]\n\tname = A\n")
    (here.home / ".gitconfig").symlink_to("dotfiles/gitconfig")

    setup(here, "git")

    assert (here.home / ".gitconfig").is_symlink()
    assert "hexauth" in (here.home / "dotfiles/gitconfig").read_text()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (".gitconfig", "[user\n", ["git"]),
        (".docker/config.json", "{", ["docker", "--host", "r.test"]),
        (
            ".docker/config.json",
            '{"credHelpers":{"r.test":"pass"}}',
            ["docker", "--host", "r.test"],
        ),
        (".docker/config.json", '{"credsStore":"pass"}', ["docker", "--all-hosts"]),
        (".bashrc", "# >>> hexauth mix >>>\n", ["mix"]),
        (".local/share/bash-completion/completions/hexauth", "other", ["shell"]),
    ],
)
def test_a_file_that_makes_no_sense_is_left_alone(
    here: Machine, name: str, text: str, words: list[str]
) -> None:
    (here.home / name).parent.mkdir(parents=True, exist_ok=True)
    (here.home / name).write_text(text)
    before = tree(here)

    done = here.hexauth("setup", *words)

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2), done
    assert tree(here) == before


@pytest.mark.parametrize(
    "words",
    [
        ["setup", "emacs"],
        ["setup", "--undo", "--shim"],
        ["setup", "--dry-run"],
        ["setup", "docker"],
        ["setup", "git", "--host", "a b"],
        ["setup", "mix", "--shell", "tcsh"],
    ],
)
def test_what_is_wrong_is_said_in_two_lines(here: Machine, words: list[str]) -> None:
    done = here.hexauth(*words)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 2)


def test_a_shell_that_is_not_known_has_to_be_named(here: Machine) -> None:
    here.environ["SHELL"] = "/bin/tcsh"

    assert here.hexauth("setup", "mix").returncode == 2
    assert here.hexauth("setup", "mix", "--shell", "zsh").returncode == 0


def test_docker_is_given_what_it_reads(here: Machine) -> None:
    setup(here, "docker", "--host", "r.test:5000", "--all-hosts")

    found = json.loads((here.home / ".docker/config.json").read_text())

    assert found == {"credsStore": "hexauth", "credHelpers": {"r.test:5000": "hexauth"}}
