"""Neither variables nor files that somebody else has written lead a credential elsewhere."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import SECONDS, need
from tests.homes import home
from tests.isolation.places import DOORS, MARKS, Run, furnish, keep_key, run
from tests.oauth_server import CLIENT_ID, OAuthServer
from tests.proxy.parts import Origin, proxying

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="runs share a process of POSIX")

BIN = Path(sys.executable).parent

EVIL = "https://evil.test"
ENV = {"HEX_API_KEY": MARKS["env"]}

VARIABLES: list[tuple[dict[str, str], str, str]] = [
    ({"HEX_API_URL": f"{EVIL}/api"}, "hexpm", ""),
    ({"HEX_API_URL": f"{EVIL}/api"}, f"{EVIL}/api", ""),
    ({"HEX_API_URL": f"{EVIL}/api"}, "https://hex.pm/", "api"),
    ({"HEX_API_URL": f"{EVIL}/api", **ENV}, f"{EVIL}/api", "env"),
    ({"HEX_API_URL": f"{EVIL}/api", **ENV}, "https://hex.pm/", "api"),
    ({"HEX_API": f"{EVIL}/api"}, "hexpm", ""),
    ({"HEX_API": f"{EVIL}/api", "HEX_API_URL": "https://hex.pm/api"}, f"{EVIL}/api", ""),
    ({"HEX_API_URL": "https://hex.pm:8443/api"}, "hexpm", ""),
    ({"HEX_API_URL": "https://hex.pm./api"}, "hexpm", ""),
    ({"HEX_API_URL": "https://\uff48ex.pm/api"}, "hexpm", ""),
    ({"HEX_API_URL": "https://hex.pm.evil.test/api"}, "hexpm", ""),
    *(
        ({"HEX_API_URL": url}, target, "")
        for target in ("hexpm", "https://hex.pm/", EVIL)
        for url in (
            "https://hex.pm@evil.test/api", "https://evil.test\\@hex.pm/api", "http://hex.pm/api",
            "https://hex.pm:0/api", "https:hex.pm/api", "//hex.pm/api", "file:///hex.pm/api",
            "https://hex.pm\u2028/api",
        )
    ),
    *(({name: EVIL, **ENV}, EVIL, "") for name in ("HEX_MIRROR_URL", "HEX_MIRROR", "HEX_CDN")),
    *(({name: EVIL}, f"{EVIL}/names", "") for name in ("HEX_MIRROR_URL", "HEX_MIRROR", "HEX_CDN")),
    ({"HEX_MIRROR_URL": EVIL}, f"{EVIL}/repos/acme/names", "acme"),  # a `repo_key` is for it
    ({"HEX_MIRROR_URL": EVIL}, f"{EVIL}/repos/other/names", ""),
    ({"HEX_MIRROR_URL": EVIL}, "https://repo.hex.pm/names", "api"),
    ({"HEX_TRUSTED_MIRROR_URL": "https://m.test:8443"}, "https://M.test:8443/names", "api"),
    ({"HEX_TRUSTED_MIRROR": "https://m.test:8443"}, "https://m.test:8443/names", "api"),
    *(
        ({"HEX_TRUSTED_MIRROR_URL": "https://m.test:8443"}, url, "")
        for url in (
            "https://m.test/names", "https://m.test:443/names", "http://m.test:8443/names",
            "https://m.test:8443@evil.test/", "https://m.test.evil.test:8443/", "https://x.m.test:8443/",
        )
    ),
    ({"HEXAUTH_ALLOW_HTTP": "http://hex.pm http://git.test"}, "http://hex.pm/", ""),
    ({"HEXAUTH_ALLOW_HTTP": "http://hex.pm http://git.test"}, "http://git.test/", ""),
    ({"HEXAUTH_CLIENT_ID": "evil"}, "hexpm", ""),
    ({"HEXAUTH_ACCOUNT": "evil"}, "hexpm", ""),
    ({"NETRC": "/nonexistent", "CURL_HOME": "/nonexistent"}, EVIL, ""),
    (ENV, EVIL, ""),
    (ENV, "https://repo.hex.pm/names", "api"),
    (ENV, "https://git.test/", "git"),
    (ENV, "hexpm", "env"),
    (ENV, "hexpm:acme", "acme"),
    (ENV, "mine", ""),
    (ENV, "https://mine.test/repo", ""),
    (ENV, "https://forge.test:8443/", "forge"),
]  # fmt: skip
"""Variables, what is asked for, and the secret that is answered."""

FILES: list[tuple[str, str, str]] = [
    (f'[repositories.hexpm]\nurl = "{EVIL}"\ntrusted = false\n', f"{EVIL}/names", ""),
    (f'[repositories.hexpm]\nurl = "{EVIL}"\ntrusted = false\n', "hexpm", "api"),
    (f'[repositories."hexpm:acme"]\nurl = "{EVIL}"\n', "https://repo.hex.pm/repos/acme", "api"),
    (f'[repositories.mine]\nurl = "{EVIL}"\napi_url = "{EVIL}/api"\n', f"{EVIL}/api", ""),
    ('[repositories.mine]\nurl = "https://hex.pm/evil"\n', "https://hex.pm/evil", ""),
    (f'[servers."{EVIL}"]\nissuer = "https://hex.pm/api"\nclient_id = "x"\n', EVIL, ""),
    (f'[accounts]\n"{EVIL}" = "me"\n', EVIL, ""),
]


@pytest.fixture
def environ(memory: str) -> dict[str, str]:
    return furnish(Path(memory) / "h", memory)


def test_variables_lead_no_secret_elsewhere(environ: dict[str, str]) -> None:
    keep_key(environ)

    said = run(
        environ,
        [Run(("hexauth", "get", target), environ=more) for more, target, _ in VARIABLES],
    )

    pairs = zip(VARIABLES, said, strict=True)
    wrong = [(row, each) for row, each in pairs if each.secrets != ({row[2]} if row[2] else set())]
    assert wrong == []


def test_files_lead_no_secret_elsewhere(environ: dict[str, str]) -> None:
    config = Path(environ["HEXAUTH_HOME"]) / "config.toml"
    wrong = []

    for text, target, secret in FILES:
        config.write_text(text)
        (said,) = run(environ, [Run(("hexauth", "get", target))])
        wrong += [(text, said)] if said.secrets != ({secret} if secret else set()) else []

    assert wrong == []


# The current folder

SHADOW = "print('EVIL')\nraise SystemExit('EVIL')\n"

SHADOWS = ("requests", "click", "json", "keyring", "tomllib", "idna", "sitecustomize", "hexauth")


@pytest.fixture
def checkout(tmp_path: Path, environ: dict[str, str]) -> Path:
    """Return a cloned folder: everything in it was written by somebody else."""
    need("git", "git")
    folder = tmp_path / "checkout"
    subprocess.run(["git", "init", "-q", folder], check=True)
    for key, value in (
        (f"credential.{EVIL}.oauthClientId", "evil"),
        (f"credential.{EVIL}.oauthDeviceAuthURL", "https://hex.pm/api/oauth/device_authorization"),
        (f"credential.{EVIL}.oauthTokenURL", f"{EVIL}/token"),
        ("credential.https://hex.pm.oauthClientId", "evil"),
        ("credential.https://hex.pm.oauthTokenURL", f"{EVIL}/token"),
        (f"url.{EVIL}/.insteadOf", "https://hex.pm/"),
    ):
        subprocess.run(["git", "-C", folder, "config", key, value], check=True)
    toml = f'api_url = "{EVIL}/api"\ntrusted_mirror_url = "{EVIL}"\n'
    for name, text in {
        ".netrc": "default login EVIL password EVIL\n",
        "config.toml": toml,
        "hexauth.toml": toml,
        "hexauth/config.toml": toml,
        "hex.config": f'{{<<"$repos">>, #{{<<"hexpm">> => #{{url => <<"{EVIL}">>}}}}}}.\n',
        "rebar.config": f'{{hex, [{{repos, [#{{name => <<"hexpm">>, url => <<"{EVIL}">>}}]}}]}}.',
        "mix.exs": f'[hex: [api_url: "{EVIL}"]]\n',
        ".env": f"HEX_API_URL={EVIL}/api\n",
        "keyringrc.cfg": "[backend]\ndefault-keyring=evil.Keyring\n",
        **{f"{name}.py": SHADOW for name in SHADOWS},
        "hexauth/__init__.py": SHADOW,
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for name in ("git", "env", "hexauth", "git-credential-hexauth", "xdg-open"):
        program = folder / name if name != "hexauth" else folder / "hexauth.sh"
        program.write_text("#!/bin/sh\necho EVIL\n")
        program.chmod(0o755)
    return folder


@pytest.mark.parametrize("path", ["{usual}", ".:{usual}", ":{usual}", "{usual}:."])
def test_a_checkout_is_not_its_user(checkout: Path, environ: dict[str, str], path: str) -> None:
    usual = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    surroundings = {**environ, "PATH": path.format(usual=usual)}
    asked = [(door, url) for door in DOORS for url in ("https://hex.pm/", f"{EVIL}/a.git")]

    found = {}
    for door, url in asked:
        program, *words = map(os.fsdecode, DOORS[door].ask(url).words)
        done = subprocess.run(
            [BIN / program, *words],
            input=DOORS[door].ask(url).give,
            capture_output=True,
            env=surroundings,
            cwd=checkout,
            timeout=SECONDS,
            check=False,
        )
        said = done.stdout + done.stderr
        found[door, url] = (MARKS["api"].encode() in said, b"EVIL" in said)

    assert found == {(door, url): (url == "https://hex.pm/", False) for door, url in asked}


# What servers say of themselves


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Liar(OAuthServer):
    """A server whose metadata, grants and tokens are partly another's."""

    def __init__(self, metadata: dict[str, str], answers: dict[str, Any]) -> None:
        super().__init__()
        self.lies, self.answers = metadata, answers

    def metadata(self) -> dict[str, Any]:
        return {**super().metadata(), **self.lies}

    def device(self) -> dict[str, Any]:
        return {**super().device(), **{k: v for k, v in self.answers.items() if "uri" in k}}

    def issue(self, user: str, refresh: str | None = None) -> dict[str, Any]:
        return {**super().issue(user, refresh), **self.answers}


ENDPOINTS = ("device_authorization", "token", "revocation", "userinfo")


@pytest.mark.parametrize(
    "name", ["issuer", *(f"{each}_endpoint" for each in ENDPOINTS), "all of them"]
)
def test_a_server_that_leads_to_another_one_is_not_logged_in_to(
    servers: ExitStack, tmp_path: Path, name: str
) -> None:
    """A person would say yes at the other one, whose token would then go to the first."""
    honest = servers.enter_context(OAuthServer())
    other = honest.metadata()
    names = [f"{each}_endpoint" for each in ENDPOINTS] if name == "all of them" else [name]
    liar = servers.enter_context(Liar({each: other[each] for each in names}, {}))

    (said,) = run(
        surroundings(tmp_path),
        [Run(("hexauth", "login", liar.url, "--no-browser", "--client-id", CLIENT_ID))],
    )

    assert (said.code, honest.counts, liar.counts) == (2, {}, {"metadata": 1})


def surroundings(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "HEXAUTH_HOME": str(folder / "h"),
        "HEXAUTH_VAULT": "file",
        "HEXAUTH_CACHE": "off",
        "HEX_API_URL": "http://127.0.0.1:9/api",
        "NO_PROXY": "*",
        "PATH": str(BIN),
    }


def test_endpoints_elsewhere_are_for_a_person_to_allow(servers: ExitStack, tmp_path: Path) -> None:
    server = servers.enter_context(OAuthServer())
    name = server.url.replace("127.0.0.1", "localhost")
    environ = surroundings(tmp_path)
    home(Path(environ["HEXAUTH_HOME"]), environ)
    Path(environ["HEXAUTH_HOME"]).mkdir(mode=0o700)
    (Path(environ["HEXAUTH_HOME"]) / "config.toml").write_text(
        f'[servers."{name}"]\nclient_id = "{CLIENT_ID}"\n'
        f'device_authorization_endpoint = "{server.url}/device/code"\n'
        f'token_endpoint = "{server.url}/token"\n'
    )

    said = run(
        environ,
        [
            Run(("hexauth", "login", name, "--no-browser")),
            Run(("hexauth", "get", name, "--no-login")),
            Run(("hexauth", "get", server.url, "--no-login")),
        ],
    )

    assert [each.code for each in said] == [0, 0, 3]


def test_other_servers_that_an_answer_names_are_sent_nothing(
    servers: ExitStack, tmp_path: Path
) -> None:
    """The page for the code may be anywhere: it is shown, and nobody but a browser goes there."""
    other = servers.enter_context(Origin())
    lies = dict.fromkeys(
        ("issuer", "iss", "server", "token_endpoint", "resource", "aud", "api_url", "url"),
        other.url,
    )
    pages = dict.fromkeys(
        ("verification_uri", "verification_uri_complete"), f"{other.url}/activate"
    )
    liar = servers.enter_context(Liar({}, {**lies, **pages}))
    here = surroundings(tmp_path)

    said = run(
        here,
        [
            Run(("hexauth", "login", liar.url, "--no-browser", "--client-id", CLIENT_ID)),
            Run(("hexauth", "get", other.url, "--no-login")),
            Run(("hexauth", "get", f"{liar.url}/a", "--no-login")),
            Run(("hexauth", "logout", liar.url)),
        ],
    )

    assert [each.code for each in said] == [0, 3, 0, 0]
    assert f"{other.url}/activate".encode() in said[0].err
    assert other.asked == []


# Mirrors, and failures


def test_a_mirror_that_is_not_trusted_gets_nothing_from_the_proxy(
    servers: ExitStack, tmp_path: Path
) -> None:
    own, mirror = (servers.enter_context(Origin()) for _ in range(2))
    environ = {"HEX_API_URL": f"{own.url}/api", "HEX_API_KEY": MARKS["env"]}

    with proxying(tmp_path, {**environ, "HEX_MIRROR_URL": mirror.url}) as proxy:
        paths = ("/repo/names", "/repo/repos/acme/names", "/api/users/me")
        statuses = [proxy.get(path).status for path in paths]

    assert statuses == [200, 200, 200]
    assert [each.all("authorization") for each in mirror.asked] == [[], []]
    assert [each.all("authorization") for each in own.asked] == [[MARKS["env"]]]


@pytest.mark.parametrize("door", DOORS)
def test_a_failure_never_falls_through_to_another_secret(
    door: str, environ: dict[str, str]
) -> None:
    """The token for the very server does not work any more, and the server cannot be reached."""
    url = "https://kids.test/"
    rejected = f"url={url}\nusername=oauth2\npassword={MARKS['plain']}\n".encode()
    vault = Path(environ["HEXAUTH_HOME"]) / "vault" / "vault.json"

    old, _, broken = run(
        environ, [DOORS[door].ask(url), Run(("hexauth", "erase"), rejected), DOORS[door].ask(url)]
    )
    vault.write_text("{")
    (damaged,) = run(environ, [DOORS[door].ask(url)])

    assert old.secrets == {"plain"}
    assert [(each.code > 0, each.secrets) for each in (broken, damaged)] == [(True, set())] * 2


def test_a_caller_s_key_goes_to_no_mirror_that_is_not_trusted(tmp_path: Path) -> None:
    import requests

    from hexauth.credentials.http_auth import HexAuth

    here = home(tmp_path, {"HEX_MIRROR_URL": "https://m.test"})
    auth = HexAuth(key=MARKS["env"], ask=False, home=here)

    def sent(url: str) -> object:
        try:
            return requests.Request("GET", url, auth=auth).prepare().headers.get("Authorization")
        except Exception as failure:
            return type(failure).__name__

    assert sent("https://hex.pm/api/users/me") == MARKS["env"]
    assert sent("https://m.test/names") == "LoginRequired"
