"""What a request's target means: where it goes, and whose credential it gets."""

from pathlib import Path

import pytest

from hexauth.proxy.routes import Route, Routes, routes
from tests.homes import home

SECRET = "5" * 64
API, REPO = "https://hex.example/api", "https://repo.hex.example"
BASE = f"http://127.0.0.1:4000/{SECRET}"

ROUTES = Routes(SECRET, API, REPO)


@pytest.mark.parametrize(
    ("path", "url", "repository"),
    [
        ("/api/users/me", f"{API}/users/me", "hexpm"),
        ("/api/packages?page=2&search=a%20b", f"{API}/packages?page=2&search=a%20b", "hexpm"),
        (
            "/api/packages/ecto/releases/3.0.0-rc.1",
            f"{API}/packages/ecto/releases/3.0.0-rc.1",
            "hexpm",
        ),
        ("/api/repos/acme/packages/x", f"{API}/repos/acme/packages/x", "hexpm"),
        ("/api/", f"{API}/", "hexpm"),
        ("/api", f"{API}/", "hexpm"),
        ("/api/oauth/token", f"{API}/oauth/token", ""),
        ("/api/oauth", f"{API}/oauth", ""),
        ("/api/%6Fauth/token", f"{API}/%6Fauth/token", ""),
        ("/api/oauths", f"{API}/oauths", "hexpm"),
        ("/repo/names", f"{REPO}/names", ""),
        ("/repo/tarballs/ecto-3.0.0%2Bb.tar", f"{REPO}/tarballs/ecto-3.0.0%2Bb.tar", ""),
        ("/repo/", f"{REPO}/", ""),
        ("/repo?a=1", f"{REPO}/?a=1", ""),
        ("/repo/repos/acme/names", f"{REPO}/repos/acme/names", "hexpm:acme"),
        ("/repo/%72epos/%61cme/names", f"{REPO}/%72epos/%61cme/names", "hexpm:acme"),
        ("/repo/repos/acme/", f"{REPO}/repos/acme/", "hexpm:acme"),
        ("/repo/repos/acme", f"{REPO}/repos/acme", ""),
        ("/repo/repos/Acme-1/names", f"{REPO}/repos/Acme-1/names", ""),
        ("/repo/repos/%7e/names", f"{REPO}/repos/%7e/names", ""),
        ("/repo/x/repos/acme/names", f"{REPO}/x/repos/acme/names", ""),
    ],
)
def test_what_lies_behind_the_secret(path: str, url: str, repository: str) -> None:
    is_api = path.startswith("/api")

    assert ROUTES.find(f"/{SECRET}{path}") == Route(url, repository, is_api)


@pytest.mark.parametrize(
    "target",
    [
        "",
        "*",
        "/",
        "//",
        f"/{SECRET}",
        f"/{SECRET}/",
        f"{SECRET}/api/users/me",
        f"//{SECRET}/api/users/me",
        f"/{SECRET[:-1]}/api/users/me",
        f"/{SECRET}5/api/users/me",
        f"/{SECRET[:-1]}é/api/users/me",
        f"/%35{SECRET[1:]}/api/users/me",
        f"/x/{SECRET}/api/users/me",
        f"/{SECRET}/apis/users/me",
        f"/{SECRET}/API/users/me",
        f"/{SECRET}//api/users/me",
        f"/{SECRET}/api//users/me",
        f"/{SECRET}/api//oauth/token",
        f"/{SECRET}/repo//repos/acme/names",
        f"/{SECRET}/api/users//",
        f"/{SECRET}/api/../repo/names",
        f"/{SECRET}/api/.",
        f"/{SECRET}/api/..",
        f"/{SECRET}/api/%2e%2E/x",
        f"/{SECRET}/api/.%2e/x",
        f"/{SECRET}/api/a%2Fb",
        f"/{SECRET}/api/a%5cb",
        f"/{SECRET}/api/a\\b",
        f"/{SECRET}/api/a%00b",
        f"/{SECRET}/api/a%0d%0ab",
        f"/{SECRET}/api/a%7Fb",
        f"/{SECRET}/api/%252e%252e/x",
        f"/{SECRET}/api/%2",
        f"/{SECRET}/api/%zz",
        f"/{SECRET}/api/a b",
        f"/{SECRET}/api/a#b",
        f"/{SECRET}/api/a?b#c",
        f"/{SECRET}/api/a?b c",
        f"/{SECRET}/api/a?b%",
        f"/{SECRET}/api/é",
        f"/{SECRET}/api/{SECRET}",
        f"/{SECRET}/api/x?y={SECRET}",
        f"/{SECRET}/api/x?y=%35{SECRET[1:]}",
        f"http://127.0.0.1:4000/{SECRET}/api/users/me",
    ],
)
def test_what_is_nothing_of_ours(target: str) -> None:
    assert ROUTES.find(target) is None


@pytest.mark.parametrize(
    ("location", "there"),
    [
        (f"{API}/users/bob", f"{BASE}/api/users/bob"),
        (API, f"{BASE}/api"),
        (f"{API}?page=2", f"{BASE}/api?page=2"),
        (f"{REPO}/names#x", f"{BASE}/repo/names#x"),
        ("/api/users/bob?x", f"{BASE}/api/users/bob?x"),
        ("bob", f"{BASE}/api/users/bob"),
        ("../packages", f"{BASE}/api/packages"),
        ("/login", "https://hex.example/login"),
        ("//cdn.example/x", "https://cdn.example/x"),
        ("//repo.hex.example/x", f"{BASE}/repo/x"),
        (f"{API}s/x", f"{API}s/x"),
        ("http://hex.example/api/x", "http://hex.example/api/x"),
        ("https://hex.example.evil.example/api/x", "https://hex.example.evil.example/api/x"),
        ("https://hex.example:8443/api", "https://hex.example:8443/api"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://[/api", "https://[/api"),
    ],
)
def test_where_an_answer_leads(location: str, there: str) -> None:
    assert ROUTES.here(location, f"{API}/users/me", BASE) == there


@pytest.mark.parametrize(
    ("environ", "toml", "repo_url"),
    [
        ({}, "", "https://repo.hex.pm"),
        ({"HEX_API_URL": "https://hex.example/api"}, "", "https://hex.example"),
        ({"HEX_MIRROR_URL": "https://m.example"}, "", "https://m.example"),
        ({"HEX_TRUSTED_MIRROR_URL": "https://t.example"}, "", "https://t.example"),
        (
            {"HEX_MIRROR_URL": "https://m.example"},
            '[repositories.hexpm]\nurl = "https://own.example/"\n',
            "https://own.example",
        ),
    ],
)
def test_the_repository_is_where_its_credential_is_for(
    environ: dict[str, str], toml: str, repo_url: str, tmp_path: Path
) -> None:
    settings = home(tmp_path, environ, toml).settings

    assert routes(settings, SECRET) == Routes(SECRET, settings.api_url, repo_url)
