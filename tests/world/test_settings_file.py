import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from hexauth.errors import NotFound, UsageError
from hexauth.machine.folders import Places, places
from hexauth.world.settings import load
from hexauth.world.settings_file import find, put, take
from tests.waiting import at_once


@pytest.fixture
def here(tmp_path: Path) -> Places:
    return places({"HEXAUTH_HOME": str(tmp_path / "new/home")})


def set_(here: Places, name: str, value: str) -> None:
    put(here, find(name), find(name).parsed(value))


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ("min_ttl", ("min_ttl",)),
        ("accounts", ("accounts",)),
        ("accounts.https://hex.pm/api", ("accounts", "https://hex.pm/api")),
        ('accounts."https://hex.pm/api/"', ("accounts", "https://hex.pm/api")),
        ("servers.https://a.test", ("servers", "https://a.test")),
        ("servers.https://a.test.scope", ("servers", "https://a.test", "scope")),
        ("servers.'https://a.test:1/x'.scope", ("servers", "https://a.test:1/x", "scope")),
        ('servers."https://a.test"."scope"', ("servers", "https://a.test", "scope")),
        ("repositories.acme.url", ("repositories", "acme", "url")),
        ("repositories.a.b.url", ("repositories", "a.b", "url")),
        ("repositories.hexpm:acme.trusted", ("repositories", "hexpm:acme", "trusted")),
    ],
)
def test_names_lead_to_keys(said: str, path: tuple[str, ...]) -> None:
    """With quotes, as TOML has them, or without, as a shell leaves them."""
    assert find(said).path == path


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("min_tl", "There is no setting 'min_tl'; did you mean min_ttl?"),
        ("Min-TTL", "There is no setting 'Min-TTL'; did you mean min_ttl?"),
        ("xyz", "There is no setting 'xyz'."),
        ("", "There is no setting ''."),
        ("min_ttl.x", "min_ttl is no table."),
        ("accounts.", " must be an http(s) URL without user name and password."),
        ("servers.a.test", "a.test must be an http(s) URL without user name and password."),
    ],
)
def test_names_that_lead_nowhere(said: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        find(said)

    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("min_ttl", "60", 60),
        ("cache", "No", False),
        ("cache", "on", True),
        ("scope", "api:read x", "api:read x"),
        ("api_url", "https://a.test/api/", "https://a.test/api"),
        ("allow_http", "http://a.test/x, http://b.test:1", ["http://a.test", "http://b.test:1"]),
        ("allow_http", "", []),
        ("accounts.https://a.test", "alice", "alice"),
        ("repositories.a.trusted", "false", False),
        ("servers.https://a.test.issuer", "https://b.test", "https://b.test"),
    ],
)
def test_values_are_what_the_settings_make_of_them(
    here: Places, name: str, text: str, value: object
) -> None:
    set_(here, name, text)

    found = find(name).value(load({}, here.config))
    assert (list(found) if isinstance(found, tuple) else found) == value
    take(here, find(name))
    assert here.config.read_text() == ""


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("min_ttl", "soon", "min_ttl must be a whole number of seconds."),
        ("cache", "fasle", "cache must be true or false."),
        ("vault", "flie", "vault must be auto, keyring, file or postgresql://HOST/DATABASE."),
        ("repositories.a.trusted", "x", "repositories.a.trusted must be true or false."),
        ("accounts", "alice", "accounts is a table."),
        ("repositories.a", "x", "repositories.a is a table."),
        ("repositories.a.ulr", "x", "repositories.a.ulr is a table; did you mean "
         "repositories.a.url?"),
        ("api_key", "x", "api_key cannot be set in config.toml."),
        ("api_url", "http://a.test", "http://a.test is not encrypted, so a token sent there could "
         "be read by others."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_not_written(
    here: Places, name: str, text: str, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        set_(here, name, text)

    assert str(raised.value) == message
    assert not here.config.exists()


def test_a_file_that_would_be_refused_stays_as_it_is(here: Places) -> None:
    """Even if what is refused is not what was set; but that can be mended by name."""
    set_(here, "min_ttl", "60")
    here.config.write_text("min_ttl = 'soon'\n")

    with pytest.raises(UsageError, match=r"min_ttl in .* must be a whole number"):
        set_(here, "vault", "file")
    assert here.config.read_text() == "min_ttl = 'soon'\n"
    set_(here, "min_ttl", "5")
    assert here.config.read_text() == "min_ttl = 5\n"


def test_an_entry_is_found_however_it_is_spelled(here: Places) -> None:
    set_(here, "min_ttl", "60")
    here.config.write_text("[accounts]\n'https://a.test/' = 'alice' # me\n")

    set_(here, "accounts.https://a.test", "bob")
    assert here.config.read_text() == "[accounts]\n'https://a.test/' = \"bob\" # me\n"
    take(here, find("accounts.https://a.test"))
    assert here.config.read_text() == ""


def test_what_is_not_in_the_file_cannot_be_taken_out(here: Places) -> None:
    for name in ("min_ttl", "accounts.https://a.test", "repositories.a.url"):
        with pytest.raises(NotFound):
            take(here, find(name))

    assert not here.config.exists()


def test_folders_and_the_file_are_the_user_s_and_a_mode_stays(here: Places) -> None:
    set_(here, "min_ttl", "60")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (here.config.parent, here.config)]
    here.config.chmod(0o644)

    set_(here, "min_ttl", "61")

    assert (modes, stat.S_IMODE(here.config.stat().st_mode)) == ([0o700, 0o600], 0o644)


def test_a_link_stays_a_link(here: Places, tmp_path: Path) -> None:
    own = tmp_path / "dotfiles.toml"
    own.write_text("# mine\n")
    here.config.parent.mkdir(parents=True, mode=0o700)
    here.config.symlink_to(own)

    set_(here, "min_ttl", "60")

    assert (here.config.is_symlink(), own.read_text()) == (True, "# mine\nmin_ttl = 60\n")


def _open_to_others(here: Places) -> None:
    here.config.write_text("# mine\n")
    here.config.chmod(0o666)


def _no_toml(here: Places) -> None:
    here.config.write_text("no TOML")


def _no_text(here: Places) -> None:
    here.config.write_bytes(b"\xff")


def _leads_nowhere(here: Places) -> None:
    here.config.symlink_to("nowhere")


@pytest.mark.parametrize("spoil", [_open_to_others, _no_toml, _no_text, _leads_nowhere])
def test_a_file_that_cannot_be_trusted_or_read_is_left_alone(
    here: Places, spoil: Callable[[Places], None]
) -> None:
    here.config.parent.mkdir(parents=True, mode=0o700)
    spoil(here)
    before = here.config.read_bytes() if here.config.exists() else None

    with pytest.raises(UsageError, match=str(here.config)):
        set_(here, "min_ttl", "60")

    assert (here.config.read_bytes() if here.config.exists() else None) == before


def test_nobody_s_change_is_lost_in_a_crowd(here: Places) -> None:
    names = [f"repositories.r{number}.url" for number in range(20)]

    at_once([partial(set_, here, name, "https://a.test") for name in names])

    assert set(load({}, here.config).repositories) == {f"r{number}" for number in range(20)}
