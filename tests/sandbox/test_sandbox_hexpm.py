import threading
from collections import Counter
from collections.abc import Callable

import pytest
from joserfc import jwt

from hexauth.hex import CLIENT_ID, SESSION_SECONDS
from hexauth.sandbox import scopes
from hexauth.sandbox.hexpm import Hexpm
from hexauth.sandbox.options import Options
from hexauth.sandbox.records import Grant, Issued, Refused, State
from hexauth.sandbox.tokens import digest

OTHER_CLIENT_ID = "00000000-0000-4000-8000-000000000000"


class Clock:
    """A clock that moves when it is told to, and by `step` seconds each time it is looked at."""

    def __init__(self, step: float = 0) -> None:
        self.time = 1_000_000.0
        self.step = step

    def __call__(self) -> float:
        self.time += self.step
        return self.time


def lasts(hexpm: Hexpm, token: str) -> int:
    """Return how long a token says that it is good for, in seconds."""
    claims = jwt.decode(token, hexpm.mint.key).claims
    return int(claims["exp"] - claims["iat"])


def log_in(hexpm: Hexpm, name: str = "vm") -> tuple[Grant, Issued]:
    """Return an approved grant and its first tokens."""
    grant = hexpm.device_authorization(CLIENT_ID, "api repositories", name)
    hexpm.answer(grant, approve=True)
    return grant, hexpm.poll(CLIENT_ID, grant.device_code)


def refreshed(hexpm: Hexpm, issued: Issued, client_id: str = CLIENT_ID) -> Issued:
    """Return what a refresh token is exchanged for."""
    return hexpm.refresh(client_id, issued.refresh or "")


def outcome(action: Callable[[], object]) -> tuple[int, str]:
    """Return the status and error of a refused request; 200 for one that is not."""
    try:
        action()
    except Refused as error:
        return error.status, error.error
    return 200, ""


def works(hexpm: Hexpm, issued: Issued) -> bool:
    """Tell whether an access token is good for anything."""
    return hexpm.authenticate(f"Bearer {issued.access}") is not None


def test_a_grant_waits_for_the_person() -> None:
    """Nothing is issued before somebody has answered."""
    hexpm = Hexpm(Options())
    grant = hexpm.device_authorization(CLIENT_ID, "api", "vm")

    assert outcome(lambda: hexpm.poll(CLIENT_ID, grant.device_code)) == (
        400,
        "authorization_pending",
    )


def test_a_denied_grant_stays_denied() -> None:
    """Also after its time is over."""
    clock = Clock()
    hexpm = Hexpm(Options(), now=clock)
    grant = hexpm.device_authorization(CLIENT_ID, "api", "vm")
    hexpm.answer(grant, approve=False)
    clock.time += 601

    assert outcome(lambda: hexpm.poll(CLIENT_ID, grant.device_code)) == (403, "access_denied")


@pytest.mark.parametrize("approved", [False, True])
def test_a_grant_runs_out_after_ten_minutes(approved: bool) -> None:
    """Approved or not, the device code is good for nothing then."""
    clock = Clock()
    hexpm = Hexpm(Options(), now=clock)
    grant = hexpm.device_authorization(CLIENT_ID, "api", "vm")
    if approved:
        hexpm.answer(grant, approve=True)
    clock.time += 600

    assert outcome(lambda: hexpm.poll(CLIENT_ID, grant.device_code)) == (400, "expired_token")


def test_a_grant_that_ran_out_cannot_be_approved() -> None:
    """The page may have been open for long."""
    clock = Clock()
    hexpm = Hexpm(Options(), now=clock)
    grant = hexpm.device_authorization(CLIENT_ID, "api", "vm")
    clock.time += 600

    assert (hexpm.answer(grant, approve=True), grant.state) == (False, State.EXPIRED)


def test_a_device_code_belongs_to_its_client() -> None:
    """Another client that knows it gets nothing."""
    hexpm = Hexpm(Options(clients=(CLIENT_ID, OTHER_CLIENT_ID)))
    grant, _ = log_in(hexpm)

    assert outcome(lambda: hexpm.poll(OTHER_CLIENT_ID, grant.device_code)) == (
        400,
        "invalid_grant",
    )


def test_a_device_code_can_be_polled_again() -> None:
    """A login whose process died is carried on: same session, fresh pair, the old one dead."""
    hexpm = Hexpm(Options())
    grant, first = log_in(hexpm)
    second = hexpm.poll(CLIENT_ID, grant.device_code)

    assert (
        works(hexpm, first),
        outcome(lambda: refreshed(hexpm, first)),
        works(hexpm, second),
        len(hexpm.sessions()),
    ) == (False, (400, "invalid_grant"), True, 1)


def test_a_device_code_does_not_revive_a_session_that_was_ended() -> None:
    """Logged out is logged out."""
    hexpm = Hexpm(Options())
    grant, issued = log_in(hexpm)
    hexpm.revoke_by_hash(digest(issued.refresh or ""))

    assert outcome(lambda: hexpm.poll(CLIENT_ID, grant.device_code)) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (Options(approve_after=3), (200, "")),
        (Options(deny_after=3), (403, "access_denied")),
        (Options(approve_after=3, deny_after=2), (403, "access_denied")),
        (Options(approve_after=3, expires_in=2), (400, "expired_token")),
        (Options(approve_after=4), (400, "authorization_pending")),
    ],
)
def test_a_grant_can_answer_itself(options: Options, expected: tuple[int, str]) -> None:
    """So many seconds after it was made, whoever comes first."""
    clock = Clock()
    hexpm = Hexpm(options, now=clock)
    grant = hexpm.device_authorization(CLIENT_ID, "api", "vm")
    clock.time += 3

    assert outcome(lambda: hexpm.poll(CLIENT_ID, grant.device_code)) == expected


@pytest.mark.parametrize(
    "typed",
    ["{0}{1}", "{0}-{1}", " {0} {1} ", "{0}\u2013{1}"],
    ids=["plain", "dash", "space", "en dash"],
)
def test_a_code_is_found_however_it_is_typed(typed: str) -> None:
    """Case, dashes and spaces do not count."""
    hexpm = Hexpm(Options())
    grant = hexpm.device_authorization(CLIENT_ID, "api", "vm")
    code = grant.user_code.lower()

    assert hexpm.find(typed.format(code[:4], code[4:])) is grant


def test_the_person_may_keep_some_scopes_back() -> None:
    """The answer's scope is the truth; what was not asked for cannot be added."""
    hexpm = Hexpm(Options())
    grant = hexpm.device_authorization(CLIENT_ID, "api:read repositories", "vm")
    hexpm.answer(grant, approve=True, scope=["api:read", "api:write"])

    assert hexpm.poll(CLIENT_ID, grant.device_code).scope == "api:read"


def test_no_two_tokens_are_equal() -> None:
    """Not even those that are issued within the same second."""
    clock = Clock()
    hexpm = Hexpm(Options(), now=clock)
    _, issued = log_in(hexpm)
    tokens = []
    for _ in range(20):
        tokens += [issued.access, issued.refresh]
        issued = refreshed(hexpm, issued)

    assert max(Counter(tokens).values()) == 1


def test_a_refresh_token_is_bound_to_its_client() -> None:
    """Another client cannot use it, and does not spoil it either."""
    hexpm = Hexpm(Options(clients=(CLIENT_ID, OTHER_CLIENT_ID)))
    _, issued = log_in(hexpm)

    assert (
        outcome(lambda: refreshed(hexpm, issued, OTHER_CLIENT_ID)),
        outcome(lambda: refreshed(hexpm, issued)),
    ) == ((400, "invalid_grant"), (200, ""))


def test_a_refresh_may_narrow_the_scope_and_not_widen_it() -> None:
    """RFC 6749 section 6."""
    hexpm = Hexpm(Options())
    _, issued = log_in(hexpm)
    narrow = hexpm.refresh(CLIENT_ID, issued.refresh or "", "api:read")

    assert (
        narrow.scope,
        outcome(lambda: hexpm.refresh(CLIENT_ID, narrow.refresh or "", "api")),
    ) == ("api:read", (400, "invalid_scope"))


def test_a_hundred_refreshes_at_once_have_one_winner() -> None:
    """The row is revoked and issued under one lock."""
    hexpm = Hexpm(Options())
    _, issued = log_in(hexpm)
    outcomes: list[tuple[int, str]] = []
    threads = [
        threading.Thread(target=lambda: outcomes.append(outcome(lambda: refreshed(hexpm, issued))))
        for _ in range(100)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert Counter(outcomes) == {(200, ""): 1, (400, "invalid_grant"): 99}


def test_an_access_token_works_for_half_an_hour() -> None:
    """And not a second longer."""
    clock = Clock()
    hexpm = Hexpm(Options(), now=clock)
    _, issued = log_in(hexpm)
    clock.time += 1799
    before = works(hexpm, issued)
    clock.time += 1

    assert (before, works(hexpm, issued)) == (True, False)


def test_refreshing_does_not_extend_a_session() -> None:
    """It ends 30 days after the login; the last access token ends with it."""
    clock = Clock()
    hexpm = Hexpm(Options(), now=clock)
    _, issued = log_in(hexpm)
    clock.time += SESSION_SECONDS - 60
    last = refreshed(hexpm, issued)
    clock.time += 60

    assert (last.expires_in, works(hexpm, last), outcome(lambda: refreshed(hexpm, last))) == (
        60,
        False,
        (400, "invalid_grant"),
    )


def test_a_sixth_session_evicts_the_one_that_was_not_used_for_longest() -> None:
    """Using a token counts as use."""
    counts: Counter[str] = Counter()
    hexpm = Hexpm(Options(), count=lambda kind: counts.update([kind]))
    issued = [log_in(hexpm, str(number))[1] for number in range(5)]
    works(hexpm, issued[0])
    log_in(hexpm, "5")

    assert ([session.name for session in hexpm.sessions()], works(hexpm, issued[1]), counts) == (
        ["2", "3", "4", "0", "5"],
        False,
        Counter(prompts=6, approvals=6, sessions=6, evictions=1),
    )


def test_an_evicted_session_cannot_refresh() -> None:
    """Its login is gone for good."""
    hexpm = Hexpm(Options())
    _, first = log_in(hexpm)
    for _ in range(5):
        log_in(hexpm)

    assert outcome(lambda: refreshed(hexpm, first)) == (400, "invalid_grant")


def test_a_hash_of_a_spent_refresh_token_ends_nothing() -> None:
    """Only the token that still works stands for its session."""
    hexpm = Hexpm(Options())
    _, old = log_in(hexpm)
    new = refreshed(hexpm, old)
    hexpm.revoke_by_hash(digest(old.refresh or ""))

    assert works(hexpm, new) is True


def test_a_token_is_revoked_by_its_own_client_only() -> None:
    """RFC 7009 section 2.1."""
    hexpm = Hexpm(Options(clients=(CLIENT_ID, OTHER_CLIENT_ID)))
    _, issued = log_in(hexpm)
    hexpm.revoke(OTHER_CLIENT_ID, issued.access)
    before = works(hexpm, issued)
    hexpm.revoke(CLIENT_ID, issued.access)

    assert (before, works(hexpm, issued)) == (True, False)


def test_rejected_access_tokens_leave_the_refresh_token_alone() -> None:
    """A client gets a 401, refreshes, and goes on."""
    hexpm = Hexpm(Options())
    _, issued = log_in(hexpm)
    hexpm.reject_access_tokens()

    assert (works(hexpm, issued), works(hexpm, refreshed(hexpm, issued))) == (False, True)


@pytest.mark.parametrize(("polls", "hasty"), [([5, 5], 0), ([1], 0), ([5, 4], 1), ([5, 0, 0], 2)])
def test_polls_that_come_too_soon_are_counted(polls: list[int], hasty: int) -> None:
    """They are answered all the same, as hexpm does."""
    clock, counts = Clock(), Counter[str]()
    hexpm = Hexpm(Options(), now=clock, count=lambda kind: counts.update([kind]))
    grant = hexpm.device_authorization(CLIENT_ID, "api", "vm")
    for seconds in polls:
        clock.time += seconds
        outcome(lambda: hexpm.poll(CLIENT_ID, grant.device_code))

    assert counts["hasty_polls"] == hasty


def test_a_token_is_good_for_as_long_as_its_answer_says() -> None:
    """Also if a second begins while it is made."""
    hexpm = Hexpm(Options(), now=Clock(step=1))
    _, first = log_in(hexpm)
    later = refreshed(hexpm, first)
    exchanged = hexpm.exchange(CLIENT_ID, hexpm.add_key(), "")

    assert [lasts(hexpm, each.access) for each in (first, later, exchanged)] == [1800] * 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("api", ("api:read", "api:write")),
        ("api repositories api:read", ("api:read", "api:write", "repositories")),
        ("repository:acme package:hexpm/jason", ("repository:acme", "package:hexpm/jason")),
        ("", ()),
        ("repository:", None),
        ("everything", None),
    ],
)
def test_short_scopes_are_expanded(text: str, expected: tuple[str, ...] | None) -> None:
    """Each scope comes once, in order; a scope that does not exist is none."""
    assert scopes.expand(text) == expected


@pytest.mark.parametrize(
    ("wanted", "owned", "expected"),
    [
        (["repository:acme"], ["repositories"], True),
        (["repository:acme"], ["repository:other"], False),
        (["repositories"], ["repository:acme"], False),
        (["api:write"], ["api:read"], False),
    ],
)
def test_all_repositories_include_each(wanted: list[str], owned: list[str], expected: bool) -> None:
    """But not the other way round."""
    assert scopes.within(wanted, owned) is expected
