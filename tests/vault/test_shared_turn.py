"""The turns of hosts: a lock of the database that ends with its connection, and the record."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from hexauth.errors import Expired
from hexauth.vault.turns import Lost, Turn
from tests.fleet import Fleet, terminate
from tests.waiting import until

HELD = "select count(*) from pg_locks where locktype = 'advisory' and granted"


def turn(fleet: Fleet, name: str, what: str = "token") -> Turn:
    """Return a turn as a new process of the host `name` has it."""
    return fleet.host(name).turn(f"login/x/{what}", fleet.local(name, what))


@contextmanager
def waiting(fleet: Fleet, name: str, work: Callable[[Turn], None]) -> Iterator[threading.Thread]:
    """Run `work` with the turn of a host in another thread, with a connection of its own."""

    def run() -> None:
        vault = fleet.host(name)
        try:
            work(vault.turn("login/x/token", fleet.local(name)))
        finally:
            vault.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield thread
    thread.join(30)
    assert not thread.is_alive()


def test_one_host_has_the_turn_at_a_time(fleet: Fleet) -> None:
    with turn(fleet, "one").held(5):
        assert turn(fleet, "two").is_held()
        with pytest.raises(Expired, match="Another host was busy"), turn(fleet, "two").held(0):
            pass

    assert not turn(fleet, "two").is_held()
    with turn(fleet, "two").held(0):
        pass


def test_turns_with_other_names_are_had_at_the_same_time(fleet: Fleet) -> None:
    with turn(fleet, "one").held(5), turn(fleet, "two", "login").held(0):
        assert fleet.sql(HELD) == [(2,)]


def test_processes_of_one_host_wait_for_its_mutex_and_not_at_the_database(fleet: Fleet) -> None:
    first = turn(fleet, "one")
    with first.held(5):
        second = turn(fleet, "one")
        with pytest.raises(Expired), second.held(0.2):
            pass
        assert fleet.connections() == 1


def test_who_waits_is_woken_when_the_holder_leaves(fleet: Fleet) -> None:
    heard: list[int] = []
    had = threading.Event()

    def wait(theirs: Turn) -> None:
        with theirs.held(20, when_woken=lambda: heard.append(fleet.connections())):
            had.set()

    one = turn(fleet, "one")
    with ExitStack() as stack:
        with one.held(5):
            stack.enter_context(waiting(fleet, "two", wait))
            until(lambda: len(heard) == 1)  # it listens by now
            assert not had.is_set()
        assert had.wait(20)

    assert heard[0] == 2


def test_who_waits_hears_of_the_record(fleet: Fleet) -> None:
    seen: list[bytes] = []

    def wait(theirs: Turn) -> None:
        def look() -> None:
            seen.append(theirs.read())

        with theirs.held(20, when_woken=look):
            seen.append(theirs.read())

    def is_seen(record: bytes) -> bool:
        return seen[-1] == record

    one = turn(fleet, "one")
    with ExitStack() as stack, one.held(5):
        stack.enter_context(waiting(fleet, "two", wait))
        until(lambda: len(seen) > 0)
        for record in (b'{"state": "renewing"}', b'{"state": "done"}'):
            one.write(record)
            until(partial(is_seen, record))


def test_lock_ends_with_its_connection(fleet: Fleet) -> None:
    with turn(fleet, "one").held(5):
        terminate(fleet.server, fleet.database)
        with turn(fleet, "two").held(5):
            pass


def test_lock_whose_connection_was_lost_is_had_again_if_nobody_else_has_it(fleet: Fleet) -> None:
    one = turn(fleet, "one")
    with one.held(5):
        terminate(fleet.server, fleet.database)
        one.keep()

        assert turn(fleet, "two").is_held()
        one.write(b"{}")


def test_lock_whose_connection_was_lost_is_lost_if_another_host_has_it(fleet: Fleet) -> None:
    one, two = turn(fleet, "one"), turn(fleet, "two")
    with one.held(5):
        terminate(fleet.server, fleet.database)
        with two.held(5):
            with pytest.raises(Lost, match="another host has the turn"):
                one.keep()
            with pytest.raises(Lost):
                one.write(b"{}")
            two.write(b"{}")


def test_record_that_another_host_has_changed_is_not_overwritten(fleet: Fleet) -> None:
    """It has had the turn, and left it again, while this one's connection was lost."""
    one, two = turn(fleet, "one"), turn(fleet, "two")
    with one.held(5):
        one.write(b'{"attempt": 1}')
        terminate(fleet.server, fleet.database)
        with two.held(5):
            two.read()
            two.write(b'{"attempt": 2}')
        with pytest.raises(Lost, match="Another host has had the turn"):
            one.write(b'{"attempt": 1, "state": "done"}')

    assert turn(fleet, "two").read() in (b"", b'{"attempt": 2}')
    with two.held(5):
        assert two.read() == b'{"attempt": 2}'


def test_keep_costs_nothing_while_all_is_well(fleet: Fleet) -> None:
    one = turn(fleet, "one")
    with one.held(5):
        for _ in range(3):
            one.keep()
        assert fleet.connections() == 1
    assert fleet.sql(HELD) == [(0,)]
