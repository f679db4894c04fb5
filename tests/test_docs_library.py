"""The examples of docs/library.md are run as they stand there, one after the other."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

Make = Callable[[Sandbox], Machine]

PAGE = (Path(__file__).parent.parent / "docs/library.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def run(here: Machine, sandbox: Sandbox, example: str) -> str:
    """Run `example` against the sandbox in place of Hex; return what it prints."""
    program = example.replace("https://hex.pm/api", sandbox.api_url)
    program = program.replace("https://repo.hex.pm", sandbox.url)
    done = here.run(sys.executable, "-W", "error::ResourceWarning", "-c", program)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_works(serve: Serve, logged_in: Make, example: str) -> None:
    sandbox = serve(approve_after=0, otp="123456")

    run(logged_in(sandbox), sandbox, example)


def test_the_first_example_prints_who_is_logged_in(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)

    assert run(logged_in(sandbox), sandbox, EXAMPLES[0]) == "alice\n"


def test_the_last_example_says_what_to_do(serve: Serve, machine: Make) -> None:
    sandbox = serve()

    printed = run(machine(sandbox), sandbox, EXAMPLES[-1])

    assert "un `hexauth login` in a terminal." in printed
