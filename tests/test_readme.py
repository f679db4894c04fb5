"""What the readme and its neighbors say beside commands is so."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from hexauth.errors import exit_codes
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")

Make = Callable[[Sandbox], Machine]


def test_the_python_program_prints_a_token(serve: Serve, logged_in: Make) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    done = logged_in(serve(approve_after=0)).run(sys.executable, "-c", *blocks)

    assert (done.stdout[:10], done.stderr) == (b"Bearer eyJ", b"")


def test_the_exit_codes_are_the_program_s() -> None:
    page = (ROOT / "docs/scripts.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)

    assert [int(row) for row in rows] == list(exit_codes())


def test_the_demo_shows_the_main_job(serve: Serve, machine: Make) -> None:
    here = machine(serve())
    sandbox = ("hexauth", "sandbox", "--approve-after", "0", "--interval", "0.2", "--")

    done = here.run(*sandbox, "sh", str(ROOT / "scripts/demo"), "steps")

    assert done.returncode == 0, done.stderr
    assert b"29 days from now" in done.stdout
    assert b'"username"' in done.stdout


def test_the_system_packages_are_those_the_tests_ask_for() -> None:
    listed = {
        line
        for line in (ROOT / "scripts/system-packages").read_text().splitlines()
        if not line.startswith("#")
    }
    sources = [path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")]
    asked = {name for text in sources for name in re.findall(r'need\("[^"]+", "([^"]+)"\)', text)}

    assert asked <= listed
