from pathlib import Path

import pytest

from hexauth.hex import CLIENT_ID
from hexauth.model import Login, Target
from hexauth.servers import accounts
from hexauth.servers.repositories import site
from tests.homes import home


@pytest.mark.parametrize(
    ("protocol", "host"),
    [
        ("https", "hex.pm"),
        ("https", "HEX.PM"),
        ("HTTPS", "hex.pm"),
        ("https", "hex.pm:443"),
        ("https", "repo.hex.pm"),
        ("https", "repo.hex.pm:443"),
    ],
)
def test_login_is_for_the_servers_own_origins(tmp_path: Path, protocol: str, host: str) -> None:
    assert accounts.login_for(home(tmp_path), Target(protocol, host)) == Login(
        "https://hex.pm/api", CLIENT_ID
    )


@pytest.mark.parametrize(
    ("protocol", "host"),
    [
        ("http", "hex.pm"),
        ("http", "hex.pm:443"),
        ("git", "hex.pm"),
        ("https", "hex.pm:80"),
        ("https", "hex.pm:8443"),
        ("https", "hex.pm:"),
        ("https", "hex.pm:0443"),
        ("https", "hex.pm."),
        ("https", ".hex.pm"),
        ("https", "evil.hex.pm"),
        ("https", "evilhex.pm"),
        ("https", "hex.pm.evil.test"),
        ("https", "hex.pm@evil.test"),
        ("https", "evil.test@hex.pm"),
        ("https", "me@hex.pm"),
        ("https", "hex.pm/"),
        ("https", "evil.test?.hex.pm"),
        ("https", "hex.pm#evil.test"),
        ("https", "hex.pm\x00"),
        ("https", "hex.pm "),
        ("https", "hex.pm\udcff"),
        ("https", "hex。pm"),
        ("https", "localhost"),
        (None, "hex.pm"),
        ("", "hex.pm"),
        ("https", None),
        ("https", ""),
        (None, None),
    ],
)
def test_login_is_for_no_other_origin(
    tmp_path: Path, protocol: str | None, host: str | None
) -> None:
    target, here = Target(protocol, host), home(tmp_path)

    found = accounts.login_for(here, target), site(target, here.settings).is_api

    assert found == (None, False)


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("hex.example.com:8443", True),
        ("hex.example.com", False),
        ("hex.example.com:443", False),
        ("hex.pm", False),
        ("repo.hex.pm", False),
    ],
)
def test_with_another_server_hex_pm_is_not_hex_any_more(
    tmp_path: Path, host: str, is_ours: bool
) -> None:
    other = home(tmp_path, {"HEX_API_URL": "https://hex.example.com:8443/api"})

    assert (accounts.login_for(other, Target("https", host)) is not None) is is_ours


def test_login_of_each_client_id_is_another(tmp_path: Path) -> None:
    given = home(tmp_path, {"HEXAUTH_CLIENT_ID": "mine"})

    assert accounts.login_for(given, Target("https", "hex.pm")) == Login(
        "https://hex.pm/api", "mine"
    )


@pytest.mark.parametrize(
    ("target", "api"),
    [
        (Target("https", "hex.pm"), True),
        (Target("https", "hex.pm:443", "api/packages"), True),
        (Target("https", "repo.hex.pm"), False),
        (Target("https", "git.test"), False),
    ],
)
def test_api_key_is_for_the_api_alone(tmp_path: Path, target: Target, api: bool) -> None:
    assert site(target, home(tmp_path).settings).is_api is api
