"""`hexauth config`: what is in force, and where it came from."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hexauth.errors import HexauthError
from hexauth.machine.terminal import shown
from hexauth.screen.layout import cells
from hexauth.world.settings import SETTINGS
from tests.conftest import Machine
from tests.stage import Stage, stage

SECRETS = ("HEX_API_KEY", "HEX_REPOS_KEY", "HEX_OTP", "HEXAUTH_PASSPHRASE", "HTTPS_PROXY")


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "https://hex.test/api")


def rows(here: Machine, **environ: str) -> dict[str, dict[str, Any]]:
    done = here.hexauth("config", "--json", environ=environ)
    assert (done.returncode, done.stderr) == (0, b"")
    return {row["name"]: row for row in json.loads(done.stdout)}


def test_every_setting_is_there(here: Machine) -> None:
    assert list(rows(here)) == [setting.name for setting in SETTINGS]


def test_each_value_comes_from_somewhere(here: Machine) -> None:
    folder = Path(here.environ["HEXAUTH_HOME"])
    folder.mkdir(mode=0o700)
    (folder / "config.toml").write_text("min_ttl = 60\n")

    found = rows(here)

    wanted = ("api_url", "min_ttl", "scope")
    assert [(found[name]["value"], found[name]["source"]) for name in wanted] == [
        ("https://hex.test/api", "$HEX_API_URL"),
        (60, "config.toml"),
        ("api repositories", "default"),
    ]


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_secrets_are_masked(here: Machine, words: tuple[str, ...]) -> None:
    environ = dict.fromkeys(SECRETS, "http://S3CRET")

    done = here.hexauth("config", *words, environ=environ)

    assert done.returncode == 0
    assert (b"S3CRET" in done.stdout, done.stdout.count(b"********")) == (False, len(SECRETS))


def test_the_text_can_be_read(here: Machine) -> None:
    lines = here.hexauth("config").stdout.decode().splitlines()

    assert lines[0].endswith("config.toml")
    assert 'api_url = "https://hex.test/api"  # $HEX_API_URL' in lines


def test_a_setting_that_makes_no_sense_is_named(here: Machine) -> None:
    done = here.hexauth("config", environ={"HEXAUTH_MIN_TTL": "soon"})

    assert (done.returncode, b"$HEXAUTH_MIN_TTL must be" in done.stderr) == (2, True)


@pytest.fixture
def inside() -> Iterator[Stage]:
    with stage() as made:
        yield made


def test_a_setting_is_set_got_and_unset(here: Machine) -> None:
    """By the command itself; what else there is to it, in this process."""
    done = [
        here.hexauth("config", "set", "min_ttl", "60"),
        here.hexauth("config", "get", "min_ttl"),
        here.hexauth("config", "unset", "min_ttl"),
        here.hexauth("config", "unset", "min_ttl"),
    ]

    path = here.environ["HEXAUTH_HOME"] + "/config.toml"
    assert [each.returncode for each in done] == [0, 0, 0, 1]
    assert [each.stdout for each in done] == [b"", b"60\n", b"", b""]
    assert done[0].stderr == done[2].stderr == f"Wrote {path}\n".encode()
    assert done[3].stderr.startswith(f"hexauth: {path} says nothing of min_ttl.\n".encode())


@pytest.mark.parametrize(
    ("name", "value", "printed"),
    [
        ("scope", "api:read  x", "api:read  x"),
        ("cache", "off", "false"),
        ("vault_timeout", "7", "7"),
        ("allow_http", "http://a.test,http://b.test", "http://a.test\nhttp://b.test"),
        ("accounts.https://a.test", "alice", "alice"),
        ("repositories.acme.url", "https://a.test", "https://a.test"),
        ("scope", "a" * 3000, "a" * 3000),
        ("passphrase_command", "echo S3CRET", "********"),
    ],
)
def test_a_value_is_printed_alone_and_whole(
    inside: Stage, name: str, value: str, printed: str
) -> None:
    assert inside.invoke("config", "set", name, value).output.startswith("Wrote ")

    assert inside.invoke("config", "get", name).output == f"{printed}\n"
    assert json.dumps(json.loads(inside.invoke("config", "get", name, "--json").output)) in (
        json.dumps(value), "false", "7", '["http://a.test", "http://b.test"]', '"********"',
    )  # fmt: skip


def test_a_table_is_printed_line_by_line(inside: Stage) -> None:
    inside.invoke("config", "set", "servers.https://a.test.scope", "x")
    inside.invoke("config", "set", "servers.https://a.test.client_id", "abc")

    lines = ['"https://a.test".scope = "x"', '"https://a.test".client_id = "abc"']
    assert inside.invoke("config", "get", "servers").output.splitlines() == lines
    assert f"\nservers.{lines[0]}  # config.toml\nservers.{lines[1]}" in inside.shown("config")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("get", "min_tl"), 2, "There is no setting 'min_tl'; did you mean min_ttl?"),
        (("get", "accounts.https://a.test"), 1, "Nothing is said of accounts.https://a.test."),
        (("set", "otp", "123456"), 2, "otp cannot be set in config.toml."),
        (("set", "min_ttl", "soon"), 2, "min_ttl must be a whole number of seconds."),
        (("unset", "otp"), 2, "otp cannot be set in config.toml."),
    ],
)
def test_what_is_wrong_is_said(
    inside: Stage, words: tuple[str, ...], code: int, message: str
) -> None:
    error = inside.invoke("config", *words).exception

    assert isinstance(error, HexauthError)
    assert (error.exit_code, str(error)) == (code, message)
    assert not (inside.home / "hexauth/config.toml").exists()


def test_json_is_wanted_of_what_is_done(inside: Stage) -> None:
    assert inside.invoke("config", "--json", "get", "min_ttl").exit_code == 2
    assert inside.said("config", "list") == inside.said("config")


def test_what_comes_before_config_toml_is_said(inside: Stage) -> None:
    inside.environ["HEXAUTH_MIN_TTL"] = "9"

    said = inside.invoke("config", "set", "min_ttl", "60").output
    told = inside.said("config", "unset", "min_ttl")

    path = f"{inside.home}/hexauth/config.toml"
    assert said == f"Wrote {path}\n$HEXAUTH_MIN_TTL comes before that, and is set.\n"
    assert told == {
        "name": "min_ttl", "file": path, "set": False, "hidden_by": "$HEXAUTH_MIN_TTL",
    }  # fmt: skip


def test_a_variable_that_makes_no_sense_is_in_nobody_s_way(inside: Stage) -> None:
    inside.environ["HEXAUTH_MIN_TTL"] = "soon"

    assert inside.invoke("config", "set", "min_ttl", "60").exit_code == 0
    assert inside.invoke("config", "set", "scope", "x").exit_code == 0


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_settings_are_laid_out_and_lose_nothing(inside: Stage, width: int) -> None:
    """A blank more in a value is written as an escape, where its line is wrapped."""
    long = "https://hex.example.com/" + "long/" * 30
    inside.invoke("config", "set", "scope", "one two  three   four " * 9)
    inside.invoke("config", "set", "repositories.acme.url", long)

    lines = inside.shown("config", "list", width=width).splitlines()

    assert [line for line in lines if cells(line) > width and " " in line[2:].strip("# ")] == []
    assert any(f'"{long[:-1]}"' in line for line in lines)
    text = " ".join(lines)
    start = text.index('scope = "')
    value = re.sub(" +", " ", text[start:].split('"')[1])
    assert json.loads(f'"{value}"') == "one two  three   four " * 9
    assert all(line == shown(line) for line in lines)
