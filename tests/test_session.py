"""Refreshing, saving, rejecting and ending a login, with a real vault and a real server."""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hexauth import session
from hexauth.attempt import arrive
from hexauth.errors import Unreachable
from hexauth.model import Kind, Token
from hexauth.mutex import Record, read_record, write_record
from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from hexauth.tokens import files, load, save
from hexauth.vault.logins import name, save_login
from hexauth.world import World
from tests import worlds
from tests.conftest import Serve
from tests.worlds import issue, log_in

Make = Callable[[Sandbox], World]


@pytest.fixture
def world(tmp_path: Path) -> Make:
    """Return a function that makes a world with a login at a sandbox."""

    def make(sandbox: Sandbox) -> World:
        found = worlds.world(tmp_path, {"HEX_API_URL": sandbox.api_url})
        log_in(found, sandbox)
        return found

    return make


def test_a_refreshed_token_is_on_file(serve: Serve, world: Make) -> None:
    here = world(serve())
    login = here.settings.login

    token = session.refreshed(here, login, arrive(here, login))

    assert token == load(here, login)
    assert read_record(files(here, login).token_record).state == "done"


def test_who_comes_late_takes_the_token_of_who_was_first(serve: Serve, world: Make) -> None:
    sandbox = serve()
    here = world(sandbox)
    login = here.settings.login
    late = arrive(here, login)

    first = session.refreshed(here, login, arrive(here, login))

    taken = session.refreshed(here, login, late)

    assert (taken and taken.access) == (first and first.access)
    assert sandbox.journal.counts()["refresh"] == 1


def test_who_waited_for_a_server_that_is_down_does_not_ask_it_again(
    serve: Serve, world: Make
) -> None:
    sandbox = serve()
    here = world(sandbox)
    login = here.settings.login
    late = arrive(here, login)
    sandbox.faults.add(parse("503@refresh"))

    for arrival in (arrive(here, login), late):
        with pytest.raises(Unreachable):
            session.refreshed(here, login, arrival)

    assert sandbox.journal.counts()["refresh"] == 1
    assert session.refreshed(here, login, arrive(here, login)) is not None


def test_a_refused_refresh_ends_the_login(serve: Serve, world: Make) -> None:
    sandbox = serve()
    here = world(sandbox)
    login = here.settings.login
    sandbox.hexpm.end_sessions()

    assert session.refreshed(here, login, arrive(here, login)) is None
    assert load(here, login) is None


def test_a_refused_refresh_spares_a_login_that_came_meanwhile(serve: Serve, world: Make) -> None:
    """Compare before drop: only the refresh token that was sent is dropped."""
    sandbox = serve()
    here = world(sandbox)
    login = here.settings.login
    arrival = arrive(here, login)
    sandbox.hexpm.end_sessions()
    other = issue(here, sandbox)
    sandbox.faults.add(parse("slow:1@refresh"))
    answers: list[Token | None] = []

    thread = threading.Thread(
        target=lambda: answers.append(session.refreshed(here, login, arrival))
    )
    thread.start()
    while sandbox.journal.counts()["refresh"] == 0:
        time.sleep(0.005)
    save_login(here.vault(name(login)), login, other)
    thread.join(60)

    assert (answers, load(here, login)) == ([other], other)


def test_a_lost_answer_costs_the_session_but_nothing_else(serve: Serve, world: Make) -> None:
    """The server has rotated, the answer never came: the next refresh finds out."""
    sandbox = serve()
    here = world(sandbox)
    login = here.settings.login
    sandbox.faults.add(parse("drop-after@refresh"))

    with pytest.raises(Unreachable):
        session.refreshed(here, login, arrive(here, login))

    assert session.refreshed(here, login, arrive(here, login)) is None


def test_threads_of_one_process_refresh_once(serve: Serve, world: Make) -> None:
    sandbox = serve()
    here = world(sandbox)
    login = here.settings.login
    arrivals = [arrive(here, login) for _ in range(10)]
    tokens: list[Token | None] = []

    threads = [
        threading.Thread(target=lambda a=a: tokens.append(session.refreshed(here, login, a)))
        for a in arrivals
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert (len(tokens), len({token.access for token in tokens if token})) == (10, 1)
    assert sandbox.journal.counts()["refresh"] == 1


def test_an_api_key_is_not_dropped_when_a_server_rejects_it(serve: Serve, world: Make) -> None:
    """It cannot be refreshed: dropping it would log the person out."""
    here = world(serve())
    login = here.settings.login
    key = Token("k" * 32, kind=Kind.KEY)
    save(here, login, key)

    session.reject(here, login, "k" * 32)

    assert load(here, login) == key


def test_an_old_session_that_cannot_be_ended_does_not_undo_the_new_login(
    serve: Serve, world: Make
) -> None:
    sandbox = serve()
    here = world(sandbox)
    login = here.settings.login
    new = issue(here, sandbox)
    sandbox.faults.add(parse("503@revoke_by_hash"))

    session.replace_login(here, login, new)

    assert load(here, login) == new


def test_logging_out_forgets_the_code_of_a_login_whose_process_died(
    serve: Serve, world: Make
) -> None:
    here = world(serve())
    login = here.settings.login
    record = files(here, login).login_record
    write_record(record, Record("waiting", 3, 1, device_code="d", deadline=here.now() + 60))

    session.log_out(here, login)

    assert read_record(record) == replace(Record(), attempt=2)
