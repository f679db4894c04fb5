"""A database that is older than what a host has seen is noticed, and put right."""

from tests.fleet import Fleet


def test_row_that_the_database_has_lost_is_put_back_by_who_has_seen_it(fleet: Fleet) -> None:
    """After a failover to a replica that missed the last commit, say."""
    one = fleet.host("one")
    one.write("entry", "old")
    before = fleet.row("entry")
    one.write("entry", "new")
    fleet.set("entry", *before)

    assert fleet.host("one").read("entry") == "new"
    assert fleet.host("two").read("entry") == "new"
    assert fleet.row("entry")[0] == 2


def test_row_that_is_gone_is_put_back_by_who_has_seen_it(fleet: Fleet) -> None:
    fleet.host("one").write("entry", "new")
    fleet.sql("delete from hexauth.entry where name = 'entry'")

    assert fleet.host("one").read("entry") == "new"


def test_entry_that_was_removed_does_not_come_back_with_an_older_database(fleet: Fleet) -> None:
    """Who has logged out stays logged out."""
    one = fleet.host("one")
    one.write("entry", "value")
    before = fleet.row("entry")
    one.delete("entry")
    fleet.set("entry", *before)

    assert fleet.host("one").read("entry") is None
    assert fleet.host("two").read("entry") is None


def test_newer_row_is_not_overwritten_by_one_that_is_put_back(fleet: Fleet) -> None:
    """Two hosts have seen it; the second of them has gone on from there."""
    one, two = fleet.host("one"), fleet.host("two")
    one.write("entry", "1")
    before = fleet.row("entry")
    one.write("entry", "2")
    two.read("entry")
    fleet.set("entry", *before)
    two.read("entry")
    two.write("entry", "3")

    assert fleet.host("one").read("entry") == "3"
    assert fleet.row("entry")[0] == 3


def test_host_that_has_seen_nothing_reads_what_there_is(fleet: Fleet) -> None:
    """It cannot know; that is what docs/fleet.md says of a database that is older."""
    one = fleet.host("one")
    one.write("entry", "old")
    before = fleet.row("entry")
    one.write("entry", "new")
    fleet.set("entry", *before)

    assert fleet.host("new").read("entry") == "old"


def test_value_that_was_lost_and_then_given_up_is_put_again_by_who_has_saved_it(
    fleet: Fleet,
) -> None:
    """A host that has seen the older one alone comes first, after a failover."""
    one, two = fleet.host("one"), fleet.host("two")
    one.write("entry", "old")
    before = fleet.row("entry")
    one.write("entry", "new")
    fleet.set("entry", *before)
    two.read("entry")
    two.delete("entry")

    assert fleet.row("entry") == (2, None)
    assert fleet.host("one").read("entry") == "new"
    assert fleet.host("two").read("entry") == "new"
    assert fleet.row("entry")[0] == 3


def test_value_that_was_lost_gives_way_to_another_one_that_was_written_since(fleet: Fleet) -> None:
    """A person may have logged in anew."""
    one, two = fleet.host("one"), fleet.host("two")
    one.write("entry", "old")
    before = fleet.row("entry")
    one.write("entry", "new")
    fleet.set("entry", *before)
    two.read("entry")
    two.write("entry", "another")

    assert fleet.host("one").read("entry") == "another"
    assert fleet.row("entry")[0] == 2
