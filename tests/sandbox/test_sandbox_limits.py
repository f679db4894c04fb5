from hexauth.sandbox.limits import Limit, Standing


def test_a_new_window_begins_when_the_old_one_has_ended() -> None:
    """`reset` says when."""
    times = [100.0]
    limit = Limit(1, 60, now=lambda: times[-1])
    standings = []
    for time in (100, 159, 160):
        times.append(time)
        standings.append(limit.use("alice"))

    assert standings == [
        Standing(1, 0, 160, exceeded=False),
        Standing(1, 0, 160, exceeded=True),
        Standing(1, 0, 220, exceeded=False),
    ]


def test_everybody_has_a_limit_of_their_own() -> None:
    """One user's requests do not count for another."""
    limit = Limit(1, 60, now=lambda: 0)

    assert [limit.use("alice").exceeded, limit.use("bob").exceeded] == [False, False]
