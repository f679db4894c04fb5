from collections.abc import Mapping
from pathlib import Path

import pytest

from hexauth.errors import UsageError
from hexauth.machine.folders import Places, places


def found(config: str, vault: str, state: str, namespace: str = "hexauth") -> Places:
    return Places(Path(config), Path(vault), Path(state), namespace)


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        (
            {"HOME": "/home/me"},
            "linux",
            found(
                "/home/me/.config/hexauth/config.toml",
                "/home/me/.local/state/hexauth/vault",
                "/home/me/.local/state/hexauth",
            ),
        ),
        (
            {"HOME": "/home/me", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s"},
            "linux",
            found(
                "/c/hexauth/config.toml",
                "/home/me/.local/state/hexauth/vault",
                "/home/me/.local/state/hexauth",
            ),
        ),
        (
            {"HOME": "/Users/me", "XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d"},
            "darwin",
            found(
                "/Users/me/Library/Application Support/hexauth/config.toml",
                "/Users/me/Library/Application Support/hexauth/vault",
                "/Users/me/Library/Application Support/hexauth/state",
            ),
        ),
        (
            {"LOCALAPPDATA": "/Users/me/AppData/Local", "HOME": "/home/me"},
            "win32",
            found(
                "/Users/me/AppData/Local/hexauth/config.toml",
                "/Users/me/AppData/Local/hexauth/vault",
                "/Users/me/AppData/Local/hexauth/state",
            ),
        ),
        *(
            (
                {"HEXAUTH_HOME": "/h", "HOME": "/home/me", "XDG_CONFIG_HOME": "/c"},
                platform,
                found("/h/config.toml", "/h/vault", "/h/state", "hexauth@/h"),
            )
            for platform in ("linux", "darwin", "win32")
        ),
    ],
)
def test_places(environ: Mapping[str, str], platform: str, expected: Places) -> None:
    assert places(environ, platform) == expected


def test_home_that_is_relative_is_below_the_current_folder() -> None:
    assert places({"HEXAUTH_HOME": "h"}).state == Path.cwd() / "h" / "state"


def test_home_of_nobody_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match=r"\$HEXAUTH_HOME"):
        places({"HEXAUTH_HOME": "~nobody-of-that-name/h"})
