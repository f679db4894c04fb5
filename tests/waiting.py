"""Waiting for what another process brings about."""

import time
from collections.abc import Callable


def until(condition: Callable[[], bool], seconds: float = 60, *, pause: float = 0.005) -> None:
    """Wait for `condition`, looking every `pause` seconds, and fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for has not come"
        time.sleep(pause)
