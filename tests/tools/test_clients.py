"""What calls hexauth when it is there calls the tool alone when it is not: nobody's work stops."""

import os
import subprocess
from pathlib import Path

import pytest

from hexauth.tools.catalog import TOOLS
from hexauth.tools.places import SHELLS, Surroundings
from tests.conftest import need


def surroundings(home: Path, shell: str = "bash") -> Surroundings:
    """Return those of a home folder, on a machine that hexauth has been removed from."""
    environ = {"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)}
    return Surroundings(environ, home / "gone with pip's", ("https://hex.pm",), shell)


def stand_in(folder: Path, name: str) -> Path:
    """Write a program that shows its arguments; return its folder."""
    path = folder / name
    path.parent.mkdir()
    path.write_text('#!/bin/sh\nprintf "<%s>" "$@"; exit 3\n')
    path.chmod(0o755)
    return folder


def outcome(words: list[str], folder: Path, *, home: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        words,
        env={"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def said(tool: str, err: str) -> bool:
    """Tell whether a line, and no other, says what is wrong and what to do."""
    begin = f"hexauth: it is gone, so {tool} runs without a login; "
    return err.startswith(begin) and err.endswith(" or install hexauth.\n") and err.count("\n") == 1


@pytest.mark.parametrize("tool", ["mix", "rebar3", "gleam"])
@pytest.mark.parametrize("shell", SHELLS)
def test_a_function_runs_its_tool_where_hexauth_is_gone(
    tmp_path: Path, shell: str, tool: str
) -> None:
    program = need(shell, shell)
    (place,) = TOOLS[tool].places(surroundings(tmp_path, shell))
    text = (place.put(None) or b"").decode()
    folder = stand_in(tmp_path / "bin", tool)

    code, out, err = outcome([program, "-c", f"{text}\n{tool} a 'b c'"], folder, home=tmp_path)

    assert (code, out, said(tool, err)) == (3, "<a><b c>", True), err


@pytest.mark.parametrize("tool", ["mix", "rebar3", "gleam"])
def test_a_shim_runs_its_tool_where_hexauth_is_gone(tmp_path: Path, tool: str) -> None:
    way = TOOLS[tool].shim
    assert way is not None
    (place,) = way(surroundings(tmp_path))
    place.path.parent.mkdir(parents=True)
    place.path.write_bytes(place.put(None) or b"")
    place.path.chmod(0o755)
    folder = stand_in(tmp_path / "bin", tool)

    code, out, err = outcome([str(place.path), "a", "b c"], folder, home=tmp_path)

    assert (code, out, said(tool, err), str(place.path) in err) == (3, "<a><b c>", True, True), err
