from pathlib import Path
from typing import Any

import pytest

from hexauth.errors import HexauthError, Unreachable, UsageError
from hexauth.model import Endpoints
from hexauth.servers.discovery import addresses, discover
from tests.homes import home
from tests.oauth_server import OAuthServer, Oddities


@pytest.mark.parametrize(
    ("issuer", "found"),
    [
        (
            "https://a.test",
            (
                "https://a.test/.well-known/oauth-authorization-server",
                "https://a.test/.well-known/openid-configuration",
            ),
        ),
        (
            "https://a.test:8443/realms/x/",
            (
                "https://a.test:8443/.well-known/oauth-authorization-server/realms/x",
                "https://a.test:8443/realms/x/.well-known/openid-configuration",
            ),
        ),
    ],
)
def test_metadata_are_where_their_specifications_say(issuer: str, found: tuple[str, str]) -> None:
    assert addresses(issuer) == found


def looked_up(folder: Path, server: OAuthServer, issuer: str = "") -> Endpoints | None:
    here = home(folder)
    try:
        return discover(here.http, issuer or server.issuer, here.settings)
    finally:
        here.close()


def test_endpoints_are_found(tmp_path: Path) -> None:
    with OAuthServer() as server:
        found = looked_up(tmp_path, server)

    assert found == Endpoints(
        f"{server.url}/device/code",
        f"{server.url}/token",
        f"{server.url}/revoke",
        userinfo=f"{server.url}/userinfo",
    )


def test_a_slash_more_or_less_is_no_other_issuer(tmp_path: Path) -> None:
    with OAuthServer() as server:
        assert looked_up(tmp_path, server, f"{server.url}/") is not None


def test_a_server_that_publishes_nothing_has_none(tmp_path: Path) -> None:
    with OAuthServer(Oddities(metadata="")) as server:
        assert looked_up(tmp_path, server) is None


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"issuer": "https://evil.test"}, UsageError),
        ({"issuer": None}, UsageError),
        ({"token_endpoint": None}, UsageError),
        ({"token_endpoint": "http://evil.test/token"}, UsageError),
        ({"token_endpoint": "javascript:alert(1)"}, Unreachable),
        ({"revocation_endpoint": ["x"]}, Unreachable),
    ],
)
def test_metadata_that_make_no_sense_are_refused(
    tmp_path: Path, metadata: dict[str, Any], error: type[HexauthError]
) -> None:
    class Odd(OAuthServer):
        def metadata(self) -> dict[str, Any]:
            return {**super().metadata(), **metadata}

    with Odd() as server, pytest.raises(error):
        looked_up(tmp_path, server)
