"""What the hot path understands; that it answers rightly is shown in tests/cli/test_cli_hot.py."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexauth import hot
from hexauth.machine.folders import places
from hexauth.protocols import shell
from hexauth.world.settings import SETTINGS

HOME = {"HOME": "/home/me"}


def test_every_setting_s_variable_is_accounted_for() -> None:
    """A new setting must say whether an answer depends on it."""
    known = {variable for setting in SETTINGS for variable in setting.variables}

    assert known <= {*hot.KEYS, *hot.TEXTS, "HEX_API_KEY", "HEX_REPOS_KEY"}


def test_no_secret_names_a_file() -> None:
    assert not {"HEX_API_KEY", "HEX_REPOS_KEY", "HEX_OTP", "HEXAUTH_PASSPHRASE"} & set(hot.KEYS)


def test_formats_are_git_s_and_those_that_do_not_show_the_path() -> None:
    assert set(hot.FORMS) == {"git", *shell.FORMATS} - {"json"}


@pytest.mark.parametrize(
    "environ", [HOME, {"HEXAUTH_HOME": "/srv/hexauth"}, {**HOME, "HEXAUTH_HOME": "/srv/hexauth"}]
)
def test_the_state_folder_is_the_one_that_the_rest_uses(environ: dict[str, str]) -> None:
    assert Path(hot.state_folder(environ)) == places(environ, "linux").state


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"HOME": "home"},
        {**HOME, "HEXAUTH_HOME": "relative"},
        {**HOME, "HEXAUTH_HOME": "~/hexauth"},
        {**HOME, "XDG_CONFIG_HOME": "config"},
        {**HOME, "HEX_API_KEY": "key"},
        {**HOME, "HEX_REPOS_KEY": "key"},
        {**HOME, "CI": "\x1b[2J"},
        {**HOME, "HEXAUTH_PASSPHRASE": "a\nb"},
    ],
)
def test_surroundings_that_take_more_to_understand_have_no_file(environ: dict[str, str]) -> None:
    assert hot.file_name(environ) is None


def test_an_empty_variable_counts_as_unset() -> None:
    assert hot.file_name({**HOME, "HEXAUTH_VAULT": ""}) == hot.file_name(HOME)


VALUES = st.dictionaries(st.sampled_from(hot.KEYS[3:]), st.text("a%2F/,C", min_size=1, max_size=4))


@given(VALUES, VALUES)
def test_other_values_are_another_file(one: dict[str, str], other: dict[str, str]) -> None:
    names = [hot.file_name({**HOME, **each}) for each in (one, other)]

    assert (names[0] == names[1]) == (one == other)
    assert not any("/" in str(name) for name in names)


def test_another_session_s_folder_comes_first() -> None:
    uid = os.getuid()
    usual = [f"/run/user/{uid}/hexauth", f"/dev/shm/hexauth-{uid}"]

    assert hot.folders({}) == usual
    assert hot.folders({"XDG_RUNTIME_DIR": f"/run/user/{uid}"}) == usual
    assert hot.folders({"XDG_RUNTIME_DIR": "/x"}) == ["/x/hexauth", *usual]
    assert hot.folders({"XDG_RUNTIME_DIR": "x"}) == usual


def test_a_file_s_stamp_changes_with_its_content(tmp_path: Path) -> None:
    path = tmp_path / "file"
    stamps = [hot.stamp(str(path))]
    for content in ("a", "ab"):
        path.write_text(content)
        stamps.append(hot.stamp(str(path)))

    assert (stamps[0], len(set(stamps))) == (b"-", 3)


def test_a_front_hands_its_mutex_over_once(tmp_path: Path) -> None:
    front = hot.Front()
    front.path, front.descriptor = "a", os.open(tmp_path, os.O_RDONLY)
    descriptor = front.descriptor

    taken = [front.take("b"), front.take("a"), front.take("a")]

    front.leave()  # there is nothing left to close
    os.close(descriptor)
    assert taken == [None, descriptor, None]


def test_other_platforms_have_nothing_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("sys.argv", ["hexauth", "get", "hexpm"])

    assert hot.answer("hexauth").plain is None


def test_long_address_of_a_vault_is_in_the_name_in_short_and_still_tells_it_from_others() -> None:
    """A file's name has 255 bytes at most."""
    home = {"HEXAUTH_HOME": "/home/alice.test/hexauth"}
    address = "postgresql://builders@db.example.com/hexauth?sslrootcert=/etc/ssl/fleet.pem"
    others = [f"{address}{end}" for end in ("", "2", "&sslmode=verify-full", "x" * 500)]

    names = {hot.file_name({**home, "HEXAUTH_VAULT": each}) for each in (*others, "file", "")}

    assert len(names) == len(others) + 2
    assert all(name is not None and len(name) < 150 for name in names)
