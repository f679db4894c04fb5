"""Refreshing and saving a login, with a real vault and a real server."""

import threading
import time
from functools import partial

import pytest

from hexauth.errors import Unreachable
from hexauth.login.attempts import arrive
from hexauth.login.record import read_record
from hexauth.login.renewal import refreshed
from hexauth.login.tokens import Tokens
from hexauth.model import Token
from hexauth.sandbox.faults import parse
from hexauth.vault.logins import save_login
from tests.conftest import Serve
from tests.homes import issue
from tests.login.conftest import Make
from tests.waiting import at_once


def test_a_refreshed_token_is_on_file(serve: Serve, home: Make) -> None:
    here = home(serve())
    tokens = Tokens(here, here.settings.login)

    token = refreshed(tokens, arrive(tokens))

    assert token == tokens.load()
    assert read_record(tokens.token_turn).state == "done"


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

    got = at_once([partial(refreshed, tokens, each) for each in arrivals])

    assert (len(got), len({token.access for token in got if token})) == (10, 1)
    assert sandbox.journal.counts()["refresh"] == 1
