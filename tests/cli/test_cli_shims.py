"""`hexauth setup --shim`: programs that come first in PATH, where no shell's functions are read."""

import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.cli.test_cli_setup import ASK, SHELLS, SHOW, setup, stand_in, tree
from tests.conftest import SECONDS, Machine, Serve, need

Make = Callable[[Sandbox], Machine]

MANAGER = 'PATH=${PATH#"${0%/*}:"}; exec mix "$@"'
"""What asdf and mise do for a version of the system's: they look on behind their own folder."""


@pytest.fixture
def here(serve: Serve, logged_in: Make) -> Machine:
    return logged_in(serve(approve_after=0))


def shims(here: Machine) -> Path:
    return here.home / ".local/share/hexauth/shims"


def path(here: Machine, *folders: str | Path) -> dict[str, str]:
    """Return a PATH with the shims first, then `folders`, then what a machine has."""
    parts = map(str, (shims(here), *folders, here.environ["PATH"]))
    return {"PATH": os.pathsep.join(parts)}


def said(here: Machine, words: list[str], environ: dict[str, str], give: bytes = b"") -> str:
    """Return what a command prints; it must work, and complain of nothing."""
    done = here.run("env", *words, give=give, environ=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("tool", ["mix", "rebar3", "gleam"])
def test_a_shim_goes_as_it_came(here: Machine, tool: str) -> None:
    before = tree(here)

    dry = setup(here, tool, "--shim", "--dry-run")
    assert tree(here) == before
    setup(here, tool, "--shim")
    after = tree(here)
    again = setup(here, tool, "--shim")

    added = {name: mode for name, (_, mode) in after.items() if name not in before}
    assert added == {f".local/share/hexauth/shims/{tool}": 0o755}
    assert "+#!/bin/sh\n" in dry
    assert again.startswith("Nothing is to be changed: hexauth is there already.\n")
    assert tree(here) == after
    assert "Removed" in setup(here, tool, "--shim", "--undo")
    assert tree(here) == before
    assert not shims(here).parent.exists()
    assert "not there" in setup(here, tool, "--shim", "--undo")


def test_a_folder_with_something_in_it_stays(here: Machine) -> None:
    setup(here, "mix", "--shim")
    setup(here, "rebar3", "--shim")

    setup(here, "mix", "--shim", "--undo")

    assert [each.name for each in shims(here).iterdir()] == ["rebar3"]


def test_an_older_shim_is_replaced_and_keeps_its_mode(here: Machine) -> None:
    setup(here, "mix", "--shim")
    shim = shims(here) / "mix"
    new = shim.read_text()
    shim.write_text("".join(new.splitlines(keepends=True)[:2]))
    shim.chmod(0o700)

    assert "Changed" in setup(here, "mix", "--shim")

    assert (shim.read_text(), stat.S_IMODE(shim.stat().st_mode)) == (new, 0o700)


def test_a_program_that_is_somebody_else_s_is_left_alone(here: Machine) -> None:
    other = stand_in(shims(here) / "mix", "echo mine")
    before = tree(here)

    done = here.hexauth("setup", "mix", "--shim")

    assert (done.returncode, len(done.stderr.splitlines())) == (2, 2)
    assert "not there" in setup(here, "mix", "--shim", "--undo")
    assert (tree(here), other.exists()) == (before, True)


@pytest.mark.parametrize("words", [["git", "--shim"], ["--shim"], ["shell", "--shim", "--undo"]])
def test_what_is_wrong_is_said_in_two_lines(here: Machine, words: list[str]) -> None:
    done = here.hexauth("setup", *words)

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 2)


def test_the_list_knows_of_a_shim(here: Machine) -> None:
    setup(here, "mix", "--shim")

    states = {line.split()[0]: line for line in setup(here, "--shell", "bash").splitlines()}

    assert " not configured " not in states["mix"]
    assert " not configured " in states["rebar3"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_line_that_is_printed_puts_the_folder_first(here: Machine, shell: str) -> None:
    need(shell, shell)
    here.environ["XDG_DATA_HOME"] = str(here.home / "with space's")
    shim = here.home / "with space's/hexauth/shims/mix"
    line = setup(here, "mix", "--shim", "--shell", shell).splitlines()[-1]
    ask = f"{line}\ncommand -v mix; hexauth setup mix --shim 2>&1"

    found, *_, last = said(here, [shell, "-c", ask], {}).splitlines()

    assert (found, last) == (str(shim), "It is the first mix in PATH already.")


@pytest.mark.parametrize("tool", ["mix", "rebar3"])
def test_what_a_shim_runs_goes_through_a_proxy(here: Machine, tool: str, tmp_path: Path) -> None:
    need("curl", "curl")
    folder = stand_in(tmp_path / "bin" / tool, f"cat; {ASK}; {SHOW}").parent
    setup(here, tool, "--shim")

    text = said(here, [tool, "do", "a  b", ""], path(here, folder), give=b"input\n")

    assert text.startswith("input\n")
    assert '"alice"' in text
    assert " for do a  b \n" in text
    assert here.token() not in text


def test_a_shim_has_the_place_of_what_it_runs(here: Machine, tmp_path: Path) -> None:
    """Its process id, and thereby its signals and exit code."""
    folder = stand_in(tmp_path / "bin/mix", "echo $$; read x; exit 42").parent
    setup(here, "mix", "--shim")
    shim, environ = str(shims(here) / "mix"), path(here, folder)

    with here.start(shim, environ=environ) as process:
        assert process.stdout
        assert int(process.stdout.readline()) == process.pid
        process.communicate(b"\n", timeout=SECONDS)
    assert process.returncode == 42

    with here.start(shim, environ=environ) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == -signal.SIGTERM


def test_a_version_manager_s_shim_is_run_and_finds_the_program(
    here: Machine, tmp_path: Path
) -> None:
    """It looks in PATH in turn, and must not find ours."""
    manager = stand_in(tmp_path / "manager/mix", f"echo manager; {MANAGER}").parent
    folder = stand_in(tmp_path / "bin/mix", 'echo "mix $*"').parent
    setup(here, "mix", "--shim")

    text = said(here, ["mix", "test"], path(here, manager, folder))

    assert text == "manager\nmix test\n"


@pytest.mark.parametrize("spelling", ["{}", "{}/", "{}/../shims", "{0}:{0}"])
def test_a_shim_takes_its_own_folder_out_of_path_and_nothing_else(
    here: Machine, spelling: str, tmp_path: Path
) -> None:
    """A program in an empty or relative part is not found, as everywhere in hexauth."""
    stand_in(here.home / "relative/mix", "echo wrong")
    stand_in(here.home / "mix", "echo wrong")
    folder = stand_in(tmp_path / "bin/mix", 'echo "$PATH"').parent
    setup(here, "mix", "--shim")
    rest = f":relative:{folder}:/usr/bin:/bin:"

    text = said(here, ["mix"], {"PATH": f"{spelling.format(shims(here))}:{rest}"})

    assert text == f"{rest}\n"


def test_a_run_within_a_run_has_the_same_proxy(here: Machine, tmp_path: Path) -> None:
    """Whether it has the PATH that it was given, or one that a startup file has made anew."""
    script = 'echo "$HEX_API_URL"; [ "$1" ] || { mix inner; PATH="$AGAIN" mix inner; }'
    folder = stand_in(tmp_path / "bin/mix", script).parent
    setup(here, "mix", "--shim")
    environ = path(here, folder)

    urls = said(here, ["mix"], {**environ, "AGAIN": environ["PATH"]}).splitlines()

    assert (len(urls), len(set(urls))) == (3, 1)
    assert urls[0] != here.environ["HEX_API_URL"]


@pytest.mark.parametrize("tool", ["mix", "gleam"])
def test_without_the_program_a_shim_says_what_a_shell_would(here: Machine, tool: str) -> None:
    setup(here, tool, "--shim")

    done = here.run(str(shims(here) / tool), environ={"PATH": str(shims(here))})

    expected = (127, b"", f"{tool}: command not found\n".encode())
    assert (done.returncode, done.stdout, done.stderr) == expected


def test_gleam_gets_a_token_for_the_tasks_that_need_one(here: Machine, tmp_path: Path) -> None:
    folder = stand_in(tmp_path / "bin/gleam", SHOW).parent
    setup(here, "gleam", "--shim")

    text = said(here, ["sh", "-c", "gleam publish; gleam build"], path(here, folder))

    assert text == f"publish: Bearer {here.token()}\nbuild: nothing\n"


def test_gleam_gets_no_secret_of_a_proxy(here: Machine, tmp_path: Path) -> None:
    """It would send that to Hex."""
    folder = stand_in(tmp_path / "bin/gleam", SHOW).parent
    setup(here, "gleam", "--shim")
    token, url = here.token(), here.environ["HEX_API_URL"]
    (here.home / "hexauth/config.toml").write_text(f'api_url = "{url}"\n')

    text = said(here, ["hexauth", "exec", "--", "gleam", "publish"], path(here, folder))

    assert text == f"publish: Bearer {token}\n"


@pytest.mark.parametrize("words", [["mix"], ["elixir", "-S", "mix"]])
def test_mix_itself_is_run_and_reads_the_shim_as_its_own(here: Machine, words: list[str]) -> None:
    """Elixir's -S, as in `iex -S mix`, looks in PATH for a program in Elixir."""
    need("mix", "elixir")
    setup(here, "mix", "--shim")

    text = said(here, [*words, "--version"], path(here))

    assert "\nMix 1." in text
