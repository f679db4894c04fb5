from pathlib import Path

import pytest

from hexauth.errors import HexauthError, UnknownTarget, UsageError
from hexauth.model import Target
from hexauth.servers.targets import hex_origins, parse_target
from hexauth.world.settings import Settings, load


def settings(**environ: str) -> Settings:
    return load(environ, Path("/nonexistent/config.toml"))


HEX = settings()
OTHER = settings(HEX_API_URL="https://hex.example.com:8443/api")


def refused(text: str, given: Settings = HEX) -> HexauthError:
    with pytest.raises(UsageError) as caught:
        parse_target(text, given)
    return caught.value


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("hexpm", Target("https", "hex.pm")),
        ("hexpm:acme", Target("https", "repo.hex.pm", "repos/acme")),
        ("https://hex.pm", Target("https", "hex.pm")),
        ("https://hex.pm/", Target("https", "hex.pm")),
        ("HTTPS://git.test:8443/a/b.git", Target("https", "git.test:8443", "a/b.git")),
        ("https://git.test//a/b/", Target("https", "git.test", "a/b")),
        ("https://git.test/a%20b%ff", Target("https", "git.test", "a b\udcff")),
        ("https://me@git.test/a", Target("https", "git.test", "a", "me")),
        ("https://me%40work@git.test", Target("https", "git.test", None, "me@work")),
        ("https://git.test/a?b=c#d", Target("https", "git.test", "a")),
        ("http://127.0.0.1:4000/api", Target("http", "127.0.0.1:4000", "api")),
        ("https://[::1]:4000/", Target("https", "[::1]:4000")),
    ],
)
def test_target_that_a_person_names(text: str, target: Target) -> None:
    assert parse_target(text, HEX) == target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("hexpm", Target("https", "hex.example.com:8443")),
        ("hexpm:acme", Target("https", "hex.example.com:8443", "repos/acme")),
    ],
)
def test_hexpm_stands_for_the_server_that_is_set(text: str, target: Target) -> None:
    assert parse_target(text, OTHER) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hex",
        "hexpm:",
        "hexpm:../x",
        "hexpm:a:b",
        "Hexpm",
        "hex.pm",
        "hex.pm/api",
        "ftp://hex.pm/",
        "https://",
        "https:///x",
        "https://[::1",
        "https://hex.pm:0/",
        "https://hex.pm:99999/",
        "https://hex.pm:x/",
        "https://hex.pm/\n",
        "https://hex.pm/\u202e",
        "https://evil.test\\@hex.pm/",
        "https://evil.test @hex.pm/",
        "https://\u2100.test/",
    ],
)
def test_target_that_nobody_knows_is_told_what_is_known(text: str) -> None:
    failure = refused(text)

    assert (type(failure), failure.exit_code, "hexpm:ORGANIZATION" in failure.hint) == (
        UnknownTarget,
        2,
        True,
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://me:S3CRET@git.test/a",
        "https://:S3CRET@git.test/a",
        "ftp://me:S3CRET@git.test/",
        "https://me:S3CRET@git.test:x/",
        "https://me:S3CRET@[git.test/",
        "me:S3CRET@git.test",
    ],
)
def test_password_in_an_url_is_refused_and_not_shown(text: str) -> None:
    failure = refused(text)

    assert "S3CRET" not in f"{failure} {failure.hint}"


def test_url_without_encryption_is_refused() -> None:
    assert "is not encrypted" in str(refused("http://git.test/a"))


def test_allowed_server_without_encryption_is_allowed_to_every_user() -> None:
    given = settings(HEXAUTH_ALLOW_HTTP="http://git.test")

    assert parse_target("http://me@git.test/a", given) == Target("http", "git.test", "a", "me")


def test_loopback_in_the_place_of_the_user_does_not_excuse_plain_http() -> None:
    assert "git.test is not encrypted" in str(refused("http://127.0.0.1@git.test/"))


def test_api_comes_before_its_repository() -> None:
    assert hex_origins(HEX) == ("https://hex.pm", "https://repo.hex.pm")
