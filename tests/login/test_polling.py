from collections.abc import Callable, Iterator

import pytest

from hexauth.errors import Declined, Expired, Garbled, HexauthError, Refused, Unreachable
from hexauth.login import polling as device
from hexauth.model import Token

NEW = Token("ACCESS", refresh="REFRESH")

LIFE = 600


class FakeClock:
    """Starts at 0, and moves when somebody sleeps."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self) -> float:
        return sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def answers(*given: str | Exception | Token) -> Callable[[], Token]:
    """Return a poll that gives these answers, one after another; a text is an OAuth error."""
    rest: Iterator[str | Exception | Token] = iter(given)

    def poll() -> Token:
        answer = next(rest)
        if isinstance(answer, str):
            raise Refused(answer, f"The server refused with {answer}.")
        if isinstance(answer, Exception):
            raise answer
        return answer

    return poll


def ending(poll: Callable[[], Token], life: float = LIFE) -> HexauthError:
    clock = FakeClock()
    with pytest.raises(HexauthError) as caught:
        device.wait(poll, 5, life, sleep=clock.sleep, monotonic=clock)
    return caught.value


PENDING = "authorization_pending"
DOWN = Unreachable("The server cannot be reached.")


@pytest.mark.parametrize(
    ("given", "slept"),
    [
        ([], [5]),
        ([PENDING, PENDING], [5, 5, 5]),
        (["slow_down", PENDING], [5, 10, 10]),
        (["slow_down", "slow_down", PENDING], [5, 10, 15, 15]),
        ([DOWN, DOWN, DOWN, DOWN, DOWN], [5, 10, 20, 40, 60, 60]),
        ([DOWN, DOWN, PENDING, PENDING], [5, 10, 20, 5, 5]),
        (["slow_down", DOWN, PENDING], [5, 10, 20, 10]),
    ],
    ids=[
        "approved",
        "pending",
        "slow_down lengthens every later wait",
        "each slow_down counts",
        "a server that is down is asked less and less often",
        "a server that recovers is asked as before",
        "a server that recovers is still asked slowly",
    ],
)
def test_waits_between_polls(given: list[str | Exception], slept: list[float]) -> None:
    clock = FakeClock()

    token = device.wait(answers(*given, NEW), 5, LIFE, sleep=clock.sleep, monotonic=clock)

    assert (token, clock.slept) == (NEW, slept)


def test_server_that_is_down_is_never_asked_more_often_than_it_wants() -> None:
    clock = FakeClock()

    device.wait(answers(DOWN, NEW), 90, LIFE, sleep=clock.sleep, monotonic=clock)

    assert clock.slept == [90, 90]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("access_denied", Declined),
        ("expired_token", Expired),
        ("invalid_grant", Expired),
        ("invalid_client", Refused),
        ("made_up", Refused),
    ],
)
def test_answer_that_ends_the_wait(code: str, error: type[HexauthError]) -> None:
    assert type(ending(answers(PENDING, code))) is error


def test_refusal_that_nobody_expects_keeps_its_code() -> None:
    assert vars(ending(answers("invalid_client")))["code"] == "invalid_client"


def test_yes_that_makes_no_sense_ends_the_wait_at_once() -> None:
    """The code is spent on it: whoever polled on would wait until it expires."""
    ended = ending(answers(PENDING, Garbled("The server answered nonsense: no token."), NEW))

    assert (type(ended), ended.exit_code) == (Garbled, 6)
    assert str(ended) == f"The server answered nonsense: no token. {device.SPENT}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], []),
        ([PENDING, "slow_down", PENDING], []),
        ([DOWN], [(DOWN, 595)]),
        ([PENDING, DOWN, DOWN, PENDING], [(DOWN, 590), (None, 560)]),
        ([DOWN, PENDING, Unreachable("status 503"), PENDING], [(DOWN, 595), (None, 585)]),
    ],
    ids=["well", "nobody has approved", "down", "down, and up", "down, up, and down again"],
)
def test_trouble_is_told_once_with_the_time_that_is_left(
    given: list[str | Exception], told: list[tuple[Exception | None, float]]
) -> None:
    heard: list[tuple[Exception | None, float]] = []
    clock = FakeClock()

    token = device.wait(
        answers(*given, NEW),
        5,
        600,
        sleep=clock.sleep,
        monotonic=clock,
        troubled=lambda error, left: heard.append((error, left)),
    )

    assert (token, heard) == (NEW, told)


@pytest.mark.parametrize("answer", [PENDING, "slow_down", DOWN])
def test_code_that_nobody_approves_expires(answer: str | Exception) -> None:
    assert type(ending(answers(*[answer] * LIFE))) is Expired


def test_last_wait_ends_with_the_code() -> None:
    clock = FakeClock()

    with pytest.raises(Expired):
        device.wait(answers(PENDING, PENDING), 5, 7, sleep=clock.sleep, monotonic=clock)

    assert clock.slept == [5, 2]


def test_lengthened_interval_is_told_to_whoever_may_carry_on() -> None:
    heard: list[float] = []
    clock = FakeClock()

    device.wait(
        answers("slow_down", PENDING, "slow_down", NEW),
        5,
        LIFE,
        sleep=clock.sleep,
        monotonic=clock,
        slowed=heard.append,
    )

    assert heard == [10, 15]


def test_server_says_whether_a_suspended_machine_has_overslept() -> None:
    """Its monotonic clock has stood still; the one who knows is asked as soon as it is awake."""
    assert type(ending(answers(PENDING, "expired_token"))) is Expired


def test_code_that_has_expired_already_is_not_polled() -> None:
    assert type(ending(answers(), life=0)) is Expired
