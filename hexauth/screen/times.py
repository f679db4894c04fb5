"""Times in words for people, and as ISO 8601 for programs."""

from datetime import UTC, datetime

MINUTE, HOUR, DAY = 60, 3600, 86400


def clock(moment: float) -> str:
    """Return `moment`, in unix seconds, as a person reads it: to the minute, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")


def day(moment: float) -> str:
    """Return the day of `moment`, in unix seconds, as a person reads it, in UTC."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def iso(moment: float | None) -> str | None:
    """Return `moment`, in unix seconds, as ISO 8601 has it; None stays."""
    if moment is None:
        return None
    return datetime.fromtimestamp(int(moment), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def span(seconds: float) -> str:
    """Return a span of time in words, in the largest unit that there is one of, rounded down."""
    left = max(0, int(seconds))
    for size, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (1, "second")):
        if left >= size:
            count = left // size
            return f"{count} {name}{'s' * (count != 1)}"
    return "0 seconds"


def until(moment: float, now: float) -> str:
    """Return in words until when something goes on, or that it has ended; in unix seconds."""
    if moment <= now:
        return f"ended at {clock(moment)}"
    return f"until {clock(moment)}, {span(moment - now)} from now"


def countdown(seconds: float) -> str:
    """Return the time that is left as a clock that counts down: minutes and seconds."""
    left = max(0, int(seconds))
    return f"{left // MINUTE}:{left % MINUTE:02}"


def left(moment: float, now: float) -> str:
    """Return in words when something ends that has not ended yet: to the day, on its last a clock.

    Both are in unix seconds.
    """
    when = day(moment) if moment - now >= DAY else clock(moment)
    return f"{when} ({span(moment - now)} from now)"
