from hexauth.machine.clock import Deadline


class Clock:
    """Shows what it is set to."""

    def __init__(self, shown: float) -> None:
        self.shown = shown

    def __call__(self) -> float:
        return self.shown


def after(wall: float, monotonic: float) -> float:
    """Return what is left of ten seconds when both clocks have moved by these."""
    clocks = Clock(1000), Clock(1)
    deadline = Deadline(10, *clocks)
    clocks[0].shown += wall
    clocks[1].shown += monotonic
    assert deadline.is_over() == (deadline.left() == 0)
    return deadline.left()


def test_both_clocks_agree_on_an_ordinary_day() -> None:
    assert after(wall=4, monotonic=4) == 6


def test_laptop_that_was_suspended_has_used_up_its_time() -> None:
    assert after(wall=3600, monotonic=1) == 0


def test_clock_that_is_set_back_wins_no_time() -> None:
    assert after(wall=-3600, monotonic=4) == 6


def test_clock_that_is_set_back_delays_no_end() -> None:
    assert after(wall=-3600, monotonic=11) == 0
