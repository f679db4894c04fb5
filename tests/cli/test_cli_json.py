"""What commands that change something tell programs, by `--json`."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine, Serve

Make = Callable[[Sandbox], Machine]


def told(here: Machine, *words: str, give: str = "", code: int = 0) -> Any:
    """Return what a command tells programs; there is no secret in it."""
    done = here.hexauth(*words, "--json", give=give.encode())
    assert (done.returncode, b"Traceback" in done.stderr) == (code, False), done.stderr
    assert not any(each in done.stdout for each in (b"eyJ", b"0123456789abcdef"))
    return json.loads(done.stdout)


def test_logins_come_and_go(serve: Serve, machine: Make) -> None:
    sandbox = serve(approve_after=0)
    here = machine(sandbox)

    alice = told(here, "login", "--no-browser")
    again = told(here, "login", "--no-browser")
    sandbox.hexpm.options = replace(sandbox.hexpm.options, user="bob")
    bob = told(here, "login", "--no-browser", "--force")
    seen = here.status()["logins"]
    switched = told(here, "switch", "bob")
    gone = told(here, "logout", "--account", "bob")
    nothing = told(here, "logout", "--account", "bob")
    sandbox.faults.add(parse("503@revoke_by_hash"))
    left = told(here, "logout", "--account", "alice", code=6)

    assert (alice, bob) == tuple(seen)
    assert again == alice
    assert (alice["user"], bob["user"], bob["state"]) == ("alice", "bob", "ok")
    assert switched == {"server": sandbox.api_url, "account": "bob", "hidden_by": None}
    where = {"server": sandbox.api_url, "client_id": alice["client_id"]}
    assert gone == {**where, "account": "bob", "was_logged_in": True, "ended_at_server": True}
    assert nothing == {**where, "account": "bob", "was_logged_in": False, "ended_at_server": False}
    assert left == {**where, "account": "alice", "was_logged_in": True, "ended_at_server": False}


def test_keys_come_and_go(serve: Serve, machine: Make) -> None:
    sandbox = serve()
    here = machine(sandbox)
    key = sandbox.hexpm.add_key("repositories")

    added = told(here, "key", "add", "hexpm:acme", give=key)
    listed = told(here, "key", "list")
    removed = told(here, "key", "remove", "hexpm:acme")

    facts = {"repository": "hexpm:acme", "kind": "auth_key", "server": sandbox.api_url}
    assert added == {**facts, "vault": "file", "verified": True}
    assert listed == [{**facts, "vault": "file"}]
    assert removed == {**facts, "kind": None}


def test_a_key_in_place_of_a_login_has_an_owner(serve: Serve, machine: Make) -> None:
    sandbox = serve()

    kept = told(machine(sandbox), "login", "--with-token", give=sandbox.hexpm.add_key("api"))

    assert (kept["kind"], kept["user"], kept["access_token_expires_at"]) == ("key", "alice", None)
