import pytest

from hexauth.screen.times import clock, countdown, day, iso, left, span, until

NOON = 1_796_040_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0 seconds"),
        (0.9, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (7200, "2 hours"),
        (86400 * 30, "30 days"),
    ],
)
def test_spans_are_told_in_the_largest_unit(seconds: float, words: str) -> None:
    assert span(seconds) == words


def test_moments_are_told_to_the_minute_and_to_programs_as_iso_8601() -> None:
    assert clock(NOON) == "2026-11-30 12:00 UTC"
    assert iso(NOON + 0.7) == "2026-11-30T12:00:00Z"
    assert iso(None) is None
    assert until(NOON, NOON - 90) == "until 2026-11-30 12:00 UTC, 1 minute from now"
    assert until(NOON, NOON) == "ended at 2026-11-30 12:00 UTC"


def test_ends_are_told_to_the_day_and_on_the_last_day_to_the_minute() -> None:
    assert day(NOON) == "2026-11-30"
    assert left(NOON, NOON - 86400) == "2026-11-30 (1 day from now)"
    assert left(NOON, NOON - 86399) == "2026-11-30 12:00 UTC (23 hours from now)"


@pytest.mark.parametrize(("seconds", "shown"), [(600, "10:00"), (61.9, "1:01"), (-1, "0:00")])
def test_countdown_is_a_clock(seconds: float, shown: str) -> None:
    assert countdown(seconds) == shown
