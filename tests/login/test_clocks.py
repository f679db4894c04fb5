"""The clock is set while a login is under way, refreshed, or waited for."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from hexauth.errors import Expired
from hexauth.login.asking import Question, log_in
from hexauth.login.attempts import Arrival, arrive
from hexauth.login.record import WAITING, Record, write_record
from hexauth.login.renewal import refreshed
from hexauth.login.tokens import Tokens
from hexauth.login.watch import GRACE_SECONDS, UNSEEN_SECONDS, Watch
from hexauth.model import Token
from hexauth.servers.directory import remember
from hexauth.vault.home import Home
from tests import homes
from tests.conftest import Serve
from tests.login.conftest import Make
from tests.waiting import at_once

DAY = 86400
QUESTION = Question("api", "vm")
DAYS = pytest.mark.parametrize("set_by", [DAY, -DAY], ids=["a day ahead", "a day back"])


def setting(home: Home, by: float, when: Callable[[], object]) -> Tokens:
    """Return the login at a home whose clock is set by these seconds from `when` on."""
    here = replace(home, now=lambda: time.time() + (by if when() else 0))
    return Tokens(here, here.settings.login)


def life(tokens: Tokens, token: Token | None) -> float:
    """Return how long `token` still lives by the clock that `tokens` go by."""
    assert token is not None
    return token.life_left(tokens.home.now())


@DAYS
def test_clock_that_is_set_during_a_refresh_costs_no_more_than_another(
    serve: Serve, home: Make, set_by: float
) -> None:
    """Those who have waited take what has come of it, whatever their clock says."""
    sandbox = serve()
    tokens = setting(home(sandbox), set_by, lambda: sandbox.journal.counts()["refresh"])
    arrivals = [arrive(tokens) for _ in range(5)]

    found = [refreshed(tokens, arrival) for arrival in arrivals]
    count = sandbox.journal.counts()["refresh"]
    again = refreshed(tokens, arrive(tokens))

    assert (len({token.access for token in found if token}), count) == (1, 1)
    assert life(tokens, again) > 1700
    assert life(tokens, found[0]) > 1700 or set_by > 0


@DAYS
def test_clock_that_is_set_during_a_login_does_not_end_it(
    serve: Serve, tmp_path: Path, set_by: float
) -> None:
    """The code is good for ten minutes, and the server says whether it still is."""
    sandbox = serve(approve_after=0.5)
    home = homes.home(tmp_path, {"HEX_API_URL": sandbox.api_url})
    tokens = setting(home, set_by, lambda: sandbox.journal.counts()["poll"])

    token = log_in(tokens, arrive(tokens), QUESTION)

    assert life(tokens, token) > 1700 or set_by > 0
    assert tokens.load() == token


@pytest.mark.parametrize(
    ("ends_in", "ahead", "is_over"),
    [
        (600, 600 + GRACE_SECONDS + 1, True),
        (600, 600 + GRACE_SECONDS - 1, False),
        (60, 60 + GRACE_SECONDS + 1, True),
        (DAY, 600 + GRACE_SECONDS + 1, True),
        (-DAY, 600 + GRACE_SECONDS - 1, False),
        (-DAY, 600 + GRACE_SECONDS + 1, True),
    ],
    ids=["its life", "less", "the rest of it", "set back", "set ahead: less", "set ahead"],
)
def test_nobody_waits_longer_than_a_code_lives_whatever_the_clock_says(
    tmp_path: Path, ends_in: float, ahead: float, is_over: bool
) -> None:
    moved = 0.0
    here = replace(homes.home(tmp_path), monotonic=lambda: 1000 + moved, now=lambda: 10.0**9)
    tokens = Tokens(here, here.settings.login)
    record = Record(WAITING, 1, 1, user_code="C", lifetime=600, deadline=10**9 + ends_in)
    write_record(tokens.login_turn, record)
    watch = Watch(tokens)
    watch.look()

    moved = ahead
    ended = False
    with suppress(Expired):
        watch.look()
        ended = True

    assert ended is not is_over
    assert UNSEEN_SECONDS < 600


@pytest.mark.parametrize(
    ("deadline", "left"),
    [(1600, 600), (1100, 100), (1000, 0), (900, 0), (1650, 600), (1661, 0), (1000 + DAY, 0)],
)
def test_code_is_good_for_its_life_at_most(deadline: float, left: float) -> None:
    assert Record(lifetime=600, deadline=deadline).left(1000) == left


@pytest.mark.parametrize("is_over", [False, True], ids=["it is not", "it is"])
def test_session_that_seems_to_be_over_is_replaced_if_its_server_says_so(
    serve: Serve, home: Make, is_over: bool
) -> None:
    """The clock is 40 days ahead, or alice has not been here for so long; now a friend logs in."""
    sandbox = serve(approve_after=0)
    here = replace(home(sandbox), now=lambda: time.time() + 40 * DAY)
    tokens = Tokens(here, here.settings.login)
    remember(here, tokens.login, "alice", "api")
    if is_over:
        sandbox.hexpm.end_sessions()
    sandbox.hexpm.options = replace(sandbox.hexpm.options, user="bob")
    log_in(tokens, Arrival(tokens.load(), 0, 0), QUESTION)

    assert len(sandbox.hexpm.sessions()) == (1 if is_over else 2)


def test_threads_that_wait_for_one_refresh_take_it_while_the_clock_is_set(
    serve: Serve, home: Make
) -> None:
    sandbox = serve()
    tokens = setting(home(sandbox), DAY, lambda: sandbox.journal.counts()["refresh"])
    arrivals = [arrive(tokens) for _ in range(8)]

    got = at_once([partial(refreshed, tokens, each) for each in arrivals])

    assert (len(got), len({token.access for token in got if token})) == (8, 1)
    assert sandbox.journal.counts()["refresh"] == 1
