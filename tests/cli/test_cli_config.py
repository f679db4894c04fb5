"""`hexauth config`: what is in force, and where it came from."""

import json
from pathlib import Path
from typing import Any

import pytest

from hexauth.world.settings import SETTINGS
from tests.conftest import Machine

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
