from dataclasses import replace
from pathlib import Path

import pytest

from hexauth.login.pages import page
from hexauth.model import Login
from hexauth.world.settings import load

HEX = Login("https://hex.pm/api", "client")
FORGE = Login("https://forge.example", "client")
LOCAL = Login("http://127.0.0.1:4000/api", "client")
SETTINGS = replace(
    load({}, Path("/nonexistent")),
    servers={
        "https://forge.example": {
            "issuer": "https://login.forge.example/realm",
            "token_endpoint": "https://[2001:db8::1]/token",
            "client_id": "https://client.example/",
        }
    },
)


@pytest.mark.parametrize(
    ("login", "address"),
    [
        (HEX, "https://hex.pm/oauth/device?user_code=BCDFGHJK"),
        (HEX, "https://HEX.pm:443/oauth/device"),
        (LOCAL, "http://127.0.0.1:4000/oauth/device"),
        (FORGE, "https://forge.example/device"),
        (FORGE, "https://login.forge.example/device"),
        (FORGE, "https://[2001:db8::1]/device"),
        (Login("http://[::1]:4000/api", "client"), "http://[::1]:4000/oauth/device"),
        (Login("http://localhost:4000/api", "client"), "http://localhost:4000/oauth/device"),
    ],
)
def test_page_of_the_logins_own_server_is_beyond_doubt(login: Login, address: str) -> None:
    assert page(address, login, SETTINGS).doubt == ""


@pytest.mark.parametrize(
    ("login", "address", "host"),
    [
        (HEX, "https://evil.example/oauth/device", "evil.example"),
        (HEX, "https://www.hex.pm/oauth/device", "www.hex.pm"),
        (HEX, "https://hex.pm.evil.example/", "hex.pm.evil.example"),
        (HEX, "https://hex.pm./oauth/device", "hex.pm."),
        (HEX, "https://xn--hx-nlc.pm/oauth/device", "xn--hx-nlc.pm"),
        (HEX, "http://127.0.0.1:631/", "127.0.0.1"),
        (HEX, "http://[::1]:631/", "::1"),
        (FORGE, "https://client.example/", "client.example"),
        (FORGE, "https://hex.pm/oauth/device", "hex.pm"),
        (LOCAL, "http://127.0.0.2:4000/", "127.0.0.2"),
        (LOCAL, "http://localhost:4000/", "localhost"),
    ],
)
def test_page_of_another_host_is_opened_if_the_person_agrees(
    login: Login, address: str, host: str
) -> None:
    found = page(address, login, SETTINGS)

    assert (found.host, found.may_ask) == (host, True)
    assert host in found.doubt


@pytest.mark.parametrize(
    "address",
    [
        "http://hex.pm/oauth/device",
        "http://127.0.0.1.evil.example/",
        "http://127.1/",
        "https://hex.pm@evil.example/",
        "https://hex.pm:pass@hex.pm/",
        "https://@hex.pm/",
        "https://hex.pm\\@evil.example/",
        "https://hex.pm /",
        "https://h\u0435x.pm/",
        "https://[",
        "file:///etc/passwd",
        "-new-window",
        "",
    ],
)
def test_page_that_is_not_what_it_seems_is_never_opened(address: str) -> None:
    found = page(address, HEX, SETTINGS)

    assert found.doubt.endswith("not opened.")
    assert not found.may_ask
