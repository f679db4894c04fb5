"""The recipes of docs/tools.md are typed as they stand there."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.sandbox.serve import Sandbox
from hexauth.tools.catalog import TOOLS
from tests.conftest import Machine, Serve, need

Make = Callable[[Sandbox], Machine]

PAGE = (Path(__file__).parent.parent / "docs/tools.md").read_text("utf-8")

LINES = [
    line.partition("  #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
]

RUN = [line for line in LINES if not line.startswith("docker ")]
"""Docker itself needs a daemon; its helper is tested with skopeo."""


def test_every_tool_has_a_recipe() -> None:
    named = set(re.findall(r"hexauth setup `?([a-z0-9]+)", PAGE))
    named |= set(re.findall(r"`(rebar3|gleam)`", PAGE))

    assert set(TOOLS) <= named


@pytest.mark.parametrize("line", RUN)
def test_recipe_works(serve: Serve, logged_in: Make, line: str, tmp_path: Path) -> None:
    """Clients are stand-ins that want a token; the server is a sandbox."""
    need("bash", "bash")
    here = logged_in(serve(approve_after=0))
    for name in ("mix", "rebar3", "gleam", "some-program"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text('#!/bin/sh\ntest -n "$HEX_API_KEY$TOKEN"\n')
        program.chmod(0o755)
    here.environ["PATH"] = f"{tmp_path / 'bin'}:{here.environ['PATH']}"
    here.environ["SHELL"] = "/bin/bash"
    here.hexauth("store", give=b"protocol=https\nhost=git.example.com\nusername=u\npassword=p\n")
    command = line.replace("https://hex.pm/api", here.environ["HEX_API_URL"])
    command = command.replace("--otp ", "--otp=123456 ")

    done = here.run("bash", "-euo", "pipefail", "-c", command)

    assert done.returncode == 0, done
