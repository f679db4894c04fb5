"""`sh scripts/fleet` shows hosts that share one login, and leaves nothing behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.as_postgres import binaries
from tests.conftest import need

ROOT = Path(__file__).parent.parent

SHOW = (sys.executable, "-m", "bench.show")

SECONDS = 300


def shown(*words: str, environ: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*SHOW, *words],
        cwd=ROOT,
        env={**os.environ, **(environ or {})},
        capture_output=True,
        check=False,
        text=True,
        timeout=SECONDS,
    )


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return what a short run prints, which has left nothing behind."""
    need("postgres", "postgresql", path=binaries())
    folder = tmp_path_factory.mktemp("fleet")
    done = shown("--hosts", "3", "--approve-after", "0.5", environ={"TMPDIR": str(folder)})
    assert (done.returncode, done.stderr) == (0, "")
    assert [*folder.iterdir()] == []
    return done.stdout.splitlines()


def test_script_shows_one_code_for_all_hosts_and_an_answer_for_each(lines: list[str]) -> None:
    assert "3 hosts want a token, and nobody is logged in." in lines
    assert any(re.fullmatch(r"1 code, 3 answers, .* after the approval\.", line) for line in lines)


def test_script_shows_one_refresh_for_all_hosts(lines: list[str]) -> None:
    assert any(re.match("1 refresh, 3 times the same new token", line) for line in lines)
    assert lines[-1].startswith("  hosts: 0 waiting, 3 answered of 3; at the server: codes 1, ref")


def test_script_says_in_one_line_that_postgresql_is_missing(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import tests.as_postgres as it\nit.binaries = lambda: '/nowhere'\n"
    )
    done = shown(environ={"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})

    assert done.returncode == 1
    assert done.stderr == "postgres is missing: install the package `postgresql`.\n"


def test_script_runs_what_is_tested_here() -> None:
    assert 'exec python -m bench.show "$@"' in (ROOT / "scripts/fleet").read_text("utf-8")
