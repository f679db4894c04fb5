"""`hexauth vault`: a shared vault is made, and given another passphrase with no host stopping."""

import json
from pathlib import Path

from tests.cli.conftest import MakeYard
from tests.fleet import PASSPHRASE

NEW = "a better passphrase"


def test_passphrase_is_changed_while_hosts_go_on(yard: MakeYard, tmp_path: Path) -> None:
    """One host has the new one at once, the other one later; between, both serve."""
    here = yard()
    one, two = here.host("one", is_logged_in=True), here.host("two")
    file = tmp_path / "new"
    file.write_text(f"{NEW}\n")
    file.chmod(0o600)
    tokens = [two.token()]

    done = one.hexauth("vault", "rekey", "--new-passphrase-file", str(file))
    one.environ["HEXAUTH_PASSPHRASE"] = NEW
    tokens += [two.newest(), here.host("three").token()]
    late = here.host("four")
    late.environ["HEXAUTH_PASSPHRASE"] = NEW
    tokens.append(late.token())
    two.environ["HEXAUTH_PASSPHRASE"] = NEW
    ended = json.loads(one.hexauth("vault", "rekey", "--finish", "--json").stdout)
    old, new = here.host("five"), here.host("six")
    new.environ["HEXAUTH_PASSPHRASE"] = NEW

    assert b"and so does the old one" in done.stderr
    assert (ended["finished"], ended["slots_removed"]) == (True, 2)
    assert tokens[1:] == [tokens[1]] * 3
    assert two.newest() == new.token() != tokens[1]
    refused = old.get()
    assert (refused.returncode, refused.stdout) == (7, b"")
    assert b"Give this host the one that the others have" in refused.stderr
    assert here.count("device_authorization") == 1
    assert here.count("refresh") == 2


def test_passphrase_that_opens_the_vault_already_gets_no_second_slot(
    yard: MakeYard, tmp_path: Path
) -> None:
    here = yard()
    one = here.host("one", is_logged_in=True)
    file = tmp_path / "same"
    file.write_text(f"{PASSPHRASE}\n")
    file.chmod(0o600)
    slots = "select count(*) from hexauth.entry where name like 'slot/%'"
    before = here.sql(slots)

    one.look("vault", "rekey", "--new-passphrase-file", str(file))

    assert here.sql(slots) == before == [(1,)]


def test_nobody_is_asked_for_a_passphrase_where_nobody_is(yard: MakeYard) -> None:
    done = yard().host("one").look("vault", "rekey")

    assert done.returncode == 2
    assert b"Nobody can be asked for the new passphrase." in done.stderr
    assert b"--new-passphrase-file FILE" in done.stderr


def test_file_vault_is_no_vault_that_hosts_share(yard: MakeYard) -> None:
    done = yard().host("one").look("vault", "init", "--vault", "file")

    assert done.returncode == 2
    assert b"No database is named." in done.stderr


def test_status_says_which_host_asked_refreshed_and_saved_last_and_by_which_role(
    yard: MakeYard,
) -> None:
    here = yard()
    one = here.host("one", is_logged_in=True)
    one.newest()

    [login] = json.loads(one.look("status", "--json").stdout)["logins"]

    assert {what: each["role"] for what, each in login["hosts"].items()} == {
        "asked": "postgres",
        "refreshed": "postgres",
        "saved": "postgres",
    }
    assert all(each["host"] for each in login["hosts"].values())
    assert login["hosts"]["refreshed"]["outcome"] == "done"
