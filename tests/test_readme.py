"""What the readme tells people to type does what it says, and its tables are the program's."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

from hexauth.errors import exit_codes
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve, need

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")

Make = Callable[[Sandbox], Machine]


def test_every_command_works_as_shown(serve: Serve, machine: Make, tmp_path: Path) -> None:
    """The blocks marked `bash`, one after the other; mix stands in for itself with curl."""
    need("curl", "curl")
    need("bash", "bash")
    sandbox = serve(approve_after=0)
    here = machine(sandbox)
    mix = tmp_path / "bin/mix"
    mix.parent.mkdir()
    mix.write_text('#!/bin/sh\ncurl -fsS -H "Authorization: $HEX_API_KEY" $HEX_API_URL/users/me\n')
    mix.chmod(0o755)
    environ = {
        "PATH": f"{mix.parent}:{here.environ['PATH']}",
        "CI_HEX_KEY": sandbox.hexpm.add_key("api repositories"),
        "ORGANIZATION_KEY": sandbox.hexpm.add_key("repositories"),
    }
    blocks = re.findall(r"```bash\n(.*?)```", README, re.DOTALL)

    done = [here.run("bash", "-euc", block, environ=environ) for block in blocks]

    assert [each.returncode for each in done] == [0] * len(blocks), done
    assert b'"username"' in done[1].stdout
    assert b'"username"' in done[2].stdout
    assert b'"username"' in done[3].stdout


def test_the_python_program_prints_a_token(serve: Serve, logged_in: Make) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)

    done = logged_in(serve(approve_after=0)).run(sys.executable, "-c", *blocks)

    assert (done.stdout[:10], done.stderr) == (b"Bearer eyJ", b"")


def test_the_exit_codes_are_the_program_s() -> None:
    rows = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)

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
