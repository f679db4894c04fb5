"""`hexauth-bazel` as Bazel runs it."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

Make = Callable[[Sandbox], Machine]


def ask(machine: Machine, uri: str, **environ: str) -> Any:
    """Return the answer for `uri`; there must be one."""
    request = json.dumps({"uri": uri, "more": [1]}).encode()
    done = machine.run("hexauth-bazel", "get", give=request, environ=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def test_the_token_is_a_header_with_an_end(serve: Serve, logged_in: Make) -> None:
    sandbox = serve(approve_after=0)
    machine = logged_in(sandbox)

    answer = ask(machine, f"{sandbox.api_url}/packages/a")

    assert answer["headers"] == {"Authorization": [f"Bearer {machine.token()}"]}
    assert answer["expires"].endswith("Z")


@pytest.mark.parametrize(
    "uri", ["https://else.test/x", "http://else.test/", "grpcs://else.test", "nonsense"]
)
def test_an_uri_that_is_none_of_ours_gets_no_headers(serve: Serve, machine: Make, uri: str) -> None:
    assert ask(machine(serve()), uri) == {"headers": {}}


def test_what_a_tool_stored_is_answered(serve: Serve, machine: Make) -> None:
    here = machine(serve())
    here.hexauth("store", give=b"protocol=https\nhost=else.test\nusername=me\npassword=p\n\n")

    assert ask(here, "https://else.test/x") == {"headers": {"Authorization": ["Basic bWU6cA=="]}}


def test_without_a_login_it_fails_in_one_line_and_asks_nobody(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    request = json.dumps({"uri": f"{sandbox.api_url}/x"}).encode()

    done = machine(sandbox).run(
        "hexauth-bazel", "get", give=request, environ={"DISPLAY": ":9", "BROWSER": "true"}
    )

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (3, b"", 1)
    assert b"Run `hexauth login` in a terminal." in done.stderr
    assert sandbox.journal.counts()["device_authorization"] == 0


@pytest.mark.parametrize("words", [(), ("set",), ("get", "more")])
def test_another_word_fails_in_one_line(
    serve: Serve, machine: Make, words: tuple[str, ...]
) -> None:
    done = machine(serve()).run("hexauth-bazel", *words)

    assert (done.stdout, len(done.stderr.splitlines())) == (b"", 1)
    assert done.returncode != 0


def test_a_request_that_makes_no_sense_fails_in_one_line(serve: Serve, machine: Make) -> None:
    done = machine(serve()).run("hexauth-bazel", "get", give=b"nonsense")

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, b"", 1)
