"""Servers that are not Hex: found, logged in to, refreshed, and asked for once."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from hexauth.credentials.http_auth import HexAuth
from tests.conftest import SECONDS, Machine, Serve
from tests.homes import home
from tests.oauth_server import CLIENT_ID, OAuthServer, Oddities
from tests.waiting import until

Forge = Callable[..., OAuthServer]
LOGIN = ("--no-browser", "--client-id", CLIENT_ID)


@pytest.fixture
def forge() -> Iterator[Forge]:
    with ExitStack() as stack:
        yield lambda **odd: stack.enter_context(OAuthServer(Oddities(**odd)))


@pytest.fixture
def here(tmp_path: Path) -> Machine:
    """Make a machine whose `hexpm` is nowhere."""
    return Machine(tmp_path, "http://127.0.0.1:9/api")


def token(here: Machine, url: str, *words: str) -> str:
    done = here.hexauth("get", url, "--format", "token", "--no-login", *words)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode().strip()


def log_in(here: Machine, url: str, *words: str) -> None:
    done = here.hexauth("login", url, *LOGIN, *words)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"metadata": "openid"},
        {"metadata": "openid", "path": "/realms/x"},
        {"path": "/realms/x"},
        {"omit": ("interval",)},
        {"omit": ("verification_uri_complete",)},
        {"omit": ("scope",)},
        {"omit": ("expires_in",)},
        {"omit": ("userinfo_endpoint", "revocation_endpoint")},
        {"numbers_as_text": True},
        {"form_answers": True},
        {"errors_with_200": True},
    ],
    ids=str,
)
def test_a_server_is_logged_in_to(forge: Forge, here: Machine, odd: dict[str, Any]) -> None:
    server = forge(**odd)

    log_in(here, server.issuer)

    assert token(here, f"{server.url}/any/path") in server.access
    assert server.counts["device"] == 1


@pytest.mark.parametrize("rotates", [True, False])
def test_its_token_is_refreshed(forge: Forge, here: Machine, rotates: bool) -> None:
    server = forge(rotates=rotates, token_ttl=1)
    log_in(here, server.url)
    here.environ["HEXAUTH_MIN_TTL"] = "0"
    first = token(here, server.url)
    until_it_ends(here)

    second = token(here, server.url)

    assert (first == second, second in server.access, server.counts["device"]) == (False, True, 1)


def until_it_ends(here: Machine) -> None:

    until(lambda: here.status()["logins"][-1]["state"] == "refreshable")


def test_without_a_refresh_token_another_login_is_needed(forge: Forge, here: Machine) -> None:
    server = forge(omit=("refresh_token",), token_ttl=1)
    log_in(here, server.url)

    until(lambda: here.status()["logins"][-1]["state"] == "ended")
    done = here.hexauth("get", server.url, "--no-login")

    assert done.returncode == 3


def test_without_a_scope_it_is_the_one_that_was_asked_for(forge: Forge, here: Machine) -> None:
    server = forge(omit=("scope",))

    log_in(here, server.url, "--scope", "read write")

    assert here.status()["logins"][-1]["scopes"] == ["read", "write"]


def test_the_account_has_the_user_s_name(forge: Forge, here: Machine) -> None:
    server = forge()

    log_in(here, server.url)

    assert here.status()["logins"][-1]["account"] == "alice"


def test_a_code_that_no_address_knows_is_to_be_entered(forge: Forge, here: Machine) -> None:
    server = forge(omit=("verification_uri_complete",))

    done = here.hexauth("login", server.url, *LOGIN)

    assert b"and enter the code WDJB-MJHT" in done.stderr


def test_metadata_of_another_issuer_are_refused(forge: Forge, here: Machine) -> None:
    server = forge(issuer="https://evil.test")

    done = here.hexauth("login", server.url, *LOGIN)

    assert (done.returncode, server.counts["device"]) == (2, 0)
    assert b"are those of another issuer" in done.stderr


def test_endpoints_may_stand_in_config_toml(forge: Forge, here: Machine) -> None:
    server = forge(metadata="")
    write_config(
        here,
        f"""
        [servers."{server.url}"]
        client_id = "{CLIENT_ID}"
        device_authorization_endpoint = "{server.url}/device/code"
        token_endpoint = "{server.url}/token"
        """,
    )

    done = here.hexauth("login", server.url, "--no-browser")

    assert (done.returncode, token(here, server.url) in server.access) == (0, True)


def write_config(here: Machine, text: str) -> None:
    folder = Path(here.environ["HEXAUTH_HOME"])
    folder.mkdir(exist_ok=True, mode=0o700)
    (folder / "config.toml").write_text("\n".join(line.strip() for line in text.splitlines()))


def test_the_issuer_may_be_elsewhere(forge: Forge, here: Machine) -> None:
    server, git = forge(path="/realms/x"), "http://127.0.0.1:8"
    write_config(
        here,
        f"""
        [servers."{git}"]
        client_id = "{CLIENT_ID}"
        issuer = "{server.issuer}"
        username = "me"
        """,
    )

    assert here.hexauth("login", git, "--no-browser").returncode == 0
    assert b"username=me\n" in here.hexauth("get", f"{git}/a.git").stdout
    assert here.hexauth("get", server.url, "--no-login").returncode == 3


@pytest.mark.parametrize(
    "names", [("DeviceAuthURL", "TokenURL"), ("DeviceEndpoint", "TokenEndpoint")]
)
def test_endpoints_may_stand_in_git_s_configuration(
    forge: Forge, here: Machine, names: tuple[str, str]
) -> None:
    """As git-credential-oauth has them, and as Git Credential Manager has."""
    server = forge(metadata="")
    for key, value in (
        ("ClientId", CLIENT_ID),
        ("Scopes", "read"),
        (names[0], "/device/code"),
        (names[1], f"{server.url}/token"),
    ):
        here.run("git", "config", "--global", f"credential.{server.url}.oauth{key}", value)

    done = here.hexauth("get", "--login", give=f"protocol=http\nhost={server.url[7:]}\n\n".encode())

    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().partition("password=")[2].splitlines()[0] in server.access


@pytest.mark.parametrize("address", ["//[", "https://[]/x", "ftp://git.test/x"])
def test_an_endpoint_in_git_s_configuration_that_is_no_address_is_named(
    here: Machine, address: str
) -> None:
    for key, value in (("ClientId", "x"), ("DeviceAuthURL", address), ("TokenURL", "/token")):
        here.run("git", "config", "--global", f"credential.https://git.test.oauth{key}", value)

    done = here.hexauth("get", "https://git.test/a", "--no-login")

    assert done.returncode == 2
    assert b"an endpoint of https://git.test that is no address" in done.stderr


def test_the_current_repository_s_configuration_is_not_read(forge: Forge, here: Machine) -> None:
    server = forge()
    here.run("git", "init", "-q", ".")
    here.run("git", "config", f"credential.{server.url}.oauthClientId", CLIENT_ID)

    done = here.hexauth("get", server.url, "--login")

    assert (done.returncode, server.counts["device"]) == (3, 0)


def test_a_server_without_client_id_is_explained(here: Machine) -> None:
    done = here.hexauth("login", "https://git.test")

    assert (done.returncode, b"Add --client-id ID" in done.stderr) == (2, True)


def test_a_server_that_publishes_nothing_is_explained(forge: Forge, here: Machine) -> None:
    done = here.hexauth("login", forge(metadata="").url, *LOGIN)

    assert (done.returncode, b"token_endpoint in config.toml" in done.stderr) == (2, True)


def test_another_hex_server_needs_no_client_id(serve: Serve, here: Machine) -> None:
    sandbox = serve(approve_after=0)

    assert here.hexauth("login", sandbox.api_url, "--no-browser").returncode == 0
    assert sandbox.hexpm.authenticate(f"Bearer {token(here, sandbox.url)}") is not None
    here.hexauth("logout", sandbox.api_url)
    assert sandbox.hexpm.sessions() == []


def test_logout_revokes(forge: Forge, here: Machine) -> None:
    server = forge()
    log_in(here, server.url)

    done = here.hexauth("logout", server.url)

    assert (done.returncode, server.counts["revoke"], server.refresh) == (0, 1, {})


def test_a_crowd_is_asked_once(forge: Forge, here: Machine) -> None:
    """Also while the server says that nobody has approved yet."""
    server = forge(approves=False)
    write_config(here, f'[servers."{server.url}"]\nclient_id = "{CLIENT_ID}"')
    words = ("hexauth", "get", server.url, "--format", "token", "--login")
    with ExitStack() as stack:
        crowd = [stack.enter_context(here.start(*words)) for _ in range(20)]

        until(lambda: server.counts["poll"] > 0)
        server.approved = True
        answers = {process.communicate(timeout=SECONDS)[0] for process in crowd}

    assert (len(answers), server.counts["device"]) == (1, 1)


def test_a_crowd_refreshes_once(forge: Forge, here: Machine) -> None:
    server = forge()
    log_in(here, server.url)
    old = token(here, server.url)
    host = server.url.removeprefix("http://")
    here.hexauth("erase", give=f"protocol=http\nhost={host}\npassword={old}\n\n".encode())
    with ExitStack() as stack:
        words = ("hexauth", "get", server.url, "--format", "token", "--no-login")
        crowd = [stack.enter_context(here.start(*words)) for _ in range(20)]
        answers = {process.communicate(timeout=SECONDS)[0] for process in crowd}

    assert (len(answers), old.encode() in answers, server.counts["refresh"]) == (1, False, 1)


def test_a_warm_get_is_answered_from_memory(forge: Forge, here: Machine) -> None:
    server = forge()
    log_in(here, server.url)
    first = token(here, server.url)
    Path(here.environ["HEXAUTH_HOME"], "vault", "vault.json").write_text("spoiled")

    assert token(here, server.url) == first


def test_its_token_goes_nowhere_else(forge: Forge, here: Machine) -> None:
    server, other = forge(), forge()
    log_in(here, server.url)

    assert here.hexauth("get", other.url, "--no-login").returncode == 3
    assert here.hexauth("get", "hexpm", "--no-login").returncode == 3


def test_a_request_refreshes_its_token(forge: Forge, here: Machine) -> None:
    server = forge()
    log_in(here, server.url)
    server.access.clear()
    auth = HexAuth(server.url, home=home(here.home / "hexauth"))

    answer = requests.get(f"{server.url}/resource", auth=auth, timeout=30)

    assert (answer.json(), server.counts["resource"], server.counts["refresh"]) == (
        {"user": "alice"},
        2,
        1,
    )


def test_a_dead_process_s_code_is_carried_on_with(forge: Forge, here: Machine) -> None:
    server = forge(approves=False)
    write_config(here, f'[servers."{server.url}"]\nclient_id = "{CLIENT_ID}"')
    words = ("hexauth", "get", server.url, "--format", "token", "--login")
    with here.start(*words) as first:
        until(lambda: server.counts["poll"] > 0)
        with here.start(*words) as second:
            first.kill()
            first.wait()
            polled = server.counts["poll"]
            until(lambda: server.counts["poll"] > polled)
            server.approved = True
            out, _ = second.communicate(timeout=SECONDS)

    assert (out.decode().strip() in server.access, server.counts["device"]) == (True, 1)


def test_another_server_in_git_s_configuration_is_no_hindrance(forge: Forge, here: Machine) -> None:
    """It is not even encrypted."""
    here.run("git", "config", "--global", "credential.http://old.test.oauthClientId", "x")
    server = forge()

    assert here.hexauth("get", server.url, "--no-login").returncode == 3
    log_in(here, server.url)
    assert token(here, server.url) in server.access
