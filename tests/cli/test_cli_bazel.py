"""`hexauth-bazel` as Bazel runs it."""

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.conftest import SECONDS, Machine, Serve
from tests.secret_service import Start

Make = Callable[[Sandbox], Machine]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

REQUEST = {
    "$schema": DIALECT,
    "type": "object",
    "properties": {"uri": {"type": "string", "format": "uri", "minLength": 1}},
    "required": ["uri"],
    "additionalProperties": True,
}
"""What a helper is sent, by the text of credential-helper-spec: further properties may come."""

ANSWER = {
    "$schema": DIALECT,
    "type": "object",
    "properties": {
        "expires": {
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        },
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
    "required": ["headers"],
    "additionalProperties": False,
}
"""What a helper answers, by the same text; `expires` is RFC 3339, in UTC."""


def ask(machine: Machine, uri: str, **environ: str) -> Any:
    """Return the answer for `uri`; there must be one."""
    request = {"uri": uri, "more": [1]}
    jsonschema.validate(request, REQUEST)
    done = machine.run("hexauth-bazel", "get", give=json.dumps(request).encode(), environ=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, ANSWER)
    return answer


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

    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, b"", 1)


@pytest.mark.parametrize(("size", "more"), [(200, {}), (50, {"more": 1})], ids=["usual", "odd"])
def test_a_crowd_refreshes_once_and_leaves_the_keyring_alone(
    serve: Serve, machine: Make, secret_service: Start, size: int, more: dict[str, int]
) -> None:
    """As many as Bazel starts at a time; a keyring that they all ask has been seen to die."""
    sandbox = serve(approve_after=0)
    here = machine(sandbox)
    with secret_service("password") as (found, daemon):
        here.environ |= {**found, "HOME": str(here.home), "PATH": here.environ["PATH"]}
        here.environ["HEXAUTH_VAULT"] = "keyring"
        assert here.hexauth("login", "--no-browser").returncode == 0
        here.reject_token(sandbox)
        sandbox.faults.add(parse("slow:0.5@refresh"))
        request = here.home / "request.json"
        request.write_text(json.dumps({"uri": f"{sandbox.api_url}/packages/a", **more}))

        crowd = []
        for _ in range(size):
            with request.open("rb") as given:
                crowd.append(here.start("hexauth-bazel", "get", stdin=given))
        answers = [process.communicate(timeout=SECONDS) for process in crowd]
        lives = daemon.poll() is None

    assert {err for _, err in answers} == {b""}
    assert [each.returncode for each in crowd] == [0] * size
    assert len({out for out, _ in answers}) == 1
    jsonschema.validate(json.loads(answers[0][0]), ANSWER)
    assert (lives, sandbox.journal.counts()["refresh"]) == (True, 1)
