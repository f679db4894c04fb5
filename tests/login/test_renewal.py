"""Refreshing, saving, rejecting and ending a login, with a real vault and a real server."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hexauth.errors import Unreachable
from hexauth.login.attempts import arrive
from hexauth.login.ending import log_out, reject, replace_login
from hexauth.login.record import Record, read_record, write_record
from hexauth.login.renewal import refreshed
from hexauth.login.tokens import Tokens
from hexauth.model import Kind, Token
from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from hexauth.vault.home import Home
from hexauth.vault.logins import save_login
from tests import homes
from tests.conftest import Serve
from tests.homes import issue, log_in

Make = Callable[[Sandbox], Home]


@pytest.fixture
def home(tmp_path: Path) -> Make:
    """Return a function that makes a home with a login at a sandbox."""

    def make(sandbox: Sandbox) -> Home:
        found = homes.home(tmp_path, {"HEX_API_URL": sandbox.api_url})
        log_in(found, sandbox)
        return found

    return make


def test_a_refreshed_token_is_on_file(serve: Serve, home: Make) -> None:
    here = home(serve())
    tokens = Tokens(here, here.settings.login)

    token = refreshed(tokens, arrive(tokens))

    assert token == tokens.load()
    assert read_record(tokens.files.token_record).state == "done"


def test_who_comes_late_takes_the_token_of_who_was_first(serve: Serve, home: Make) -> None:
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    late = arrive(tokens)

    first = refreshed(tokens, arrive(tokens))

    taken = refreshed(tokens, late)

    assert (taken and taken.access) == (first and first.access)
    assert sandbox.journal.counts()["refresh"] == 1


def test_who_waited_for_a_server_that_is_down_does_not_ask_it_again(
    serve: Serve, home: Make
) -> None:
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    late = arrive(tokens)
    sandbox.faults.add(parse("503@refresh"))

    for arrival in (arrive(tokens), late):
        with pytest.raises(Unreachable):
            refreshed(tokens, arrival)

    assert sandbox.journal.counts()["refresh"] == 1
    assert refreshed(tokens, arrive(tokens)) is not None


def test_a_refused_refresh_ends_the_login(serve: Serve, home: Make) -> None:
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    sandbox.hexpm.end_sessions()

    assert refreshed(tokens, arrive(tokens)) is None
    assert tokens.load() is None


def test_a_refused_refresh_spares_a_login_that_came_meanwhile(serve: Serve, home: Make) -> None:
    """Compare before drop: only the refresh token that was sent is dropped."""
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    arrival = arrive(tokens)
    sandbox.hexpm.end_sessions()
    other = issue(here, sandbox)
    sandbox.faults.add(parse("slow:1@refresh"))
    answers: list[Token | None] = []

    thread = threading.Thread(target=lambda: answers.append(refreshed(tokens, arrival)))
    thread.start()
    while sandbox.journal.counts()["refresh"] == 0:
        time.sleep(0.005)
    save_login(tokens.vault, tokens.login, other)
    thread.join(60)

    assert (answers, tokens.load()) == ([other], other)


def test_a_lost_answer_costs_the_session_but_nothing_else(serve: Serve, home: Make) -> None:
    """The server has rotated, the answer never came: the next refresh finds out."""
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    sandbox.faults.add(parse("drop-after@refresh"))

    with pytest.raises(Unreachable):
        refreshed(tokens, arrive(tokens))

    assert refreshed(tokens, arrive(tokens)) is None


def test_threads_of_one_process_refresh_once(serve: Serve, home: Make) -> None:
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    arrivals = [arrive(tokens) for _ in range(10)]
    got: list[Token | None] = []

    threads = [
        threading.Thread(target=lambda a=a: got.append(refreshed(tokens, a))) for a in arrivals
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert (len(got), len({token.access for token in got if token})) == (10, 1)
    assert sandbox.journal.counts()["refresh"] == 1


def test_an_api_key_is_not_dropped_when_a_server_rejects_it(serve: Serve, home: Make) -> None:
    """It cannot be refreshed: dropping it would log the person out."""
    here = home(serve())
    tokens = Tokens(here, here.settings.login)
    key = Token("k" * 32, kind=Kind.KEY)
    tokens.save(key)

    reject(tokens, "k" * 32)

    assert tokens.load() == key


def test_an_old_session_that_cannot_be_ended_does_not_undo_the_new_login(
    serve: Serve, home: Make
) -> None:
    sandbox = serve()
    here = home(sandbox)
    tokens = Tokens(here, here.settings.login)
    new = issue(here, sandbox)
    sandbox.faults.add(parse("503@revoke_by_hash"))

    replace_login(tokens, new)

    assert tokens.load() == new


def test_logging_out_forgets_the_code_of_a_login_whose_process_died(
    serve: Serve, home: Make
) -> None:
    here = home(serve())
    tokens = Tokens(here, here.settings.login)
    record = tokens.files.login_record
    write_record(record, Record("waiting", 3, 1, device_code="d", deadline=here.now() + 60))

    log_out(tokens)

    assert read_record(record) == replace(Record(), attempt=2)
