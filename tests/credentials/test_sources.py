"""Which credential a request gets: the behaviours of hex_core's two resolvers, by their names."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hexauth.credentials import keys, sources
from hexauth.credentials.keys import KeyKind
from hexauth.credentials.request import Request
from hexauth.errors import Declined, LoginRequired, Unreachable
from hexauth.model import Kind, Target
from hexauth.sandbox.faults import parse
from hexauth.sandbox.serve import Sandbox
from hexauth.servers.repositories import find_repository
from hexauth.servers.targets import hex_target, parse_target
from hexauth.vault.home import Home
from tests.conftest import Serve
from tests.homes import home, log_in

Make = Callable[..., Home]

EXCHANGE_OFF = "[repositories.hexpm]\noauth_exchange = false\n"


@pytest.fixture
def sandbox(serve: Serve) -> Sandbox:
    return serve()


@pytest.fixture
def here(sandbox: Sandbox, tmp_path: Path) -> Make:
    def make(toml: str = "", **environ: str) -> Home:
        surroundings = {"HEX_API_URL": sandbox.api_url, "HEXAUTH_CACHE": "off", **environ}
        return home(tmp_path, surroundings, toml)

    return make


def api(of: Home, repository: str = "", given: str = "") -> Request:
    return Request(of, hex_target(of.settings), repository=repository, given=given)


def repo(of: Home, name: str = "hexpm", given: str = "") -> Request:
    url = find_repository(name, of.settings).url
    return Request(of, parse_target(f"{url}/names", of.settings), given=given)


def keep(of: Home, kind: KeyKind, key: str, name: str = "hexpm") -> None:
    keys.add(of, find_repository(name, of.settings), kind, key)


def answer(request: Request) -> tuple[str, str]:
    credential = sources.get(request)
    return credential.authorization, credential.source


# An API call


def test_api_config_passthrough(here: Make) -> None:
    assert answer(api(here(HEX_API_KEY="other"), given="key")) == ("key", "given")


def test_api_key_of_the_environment(here: Make) -> None:
    assert answer(api(here(HEX_API_KEY="key"))) == ("key", "HEX_API_KEY")


def test_api_per_repository_key(here: Make) -> None:
    of = here()
    keep(of, KeyKind.API, "key")

    assert answer(api(of)) == ("key", "key")


def test_api_parent_repository_key(here: Make) -> None:
    of = here()
    keep(of, KeyKind.API, "key")

    assert answer(api(of, "hexpm:acme")) == ("key", "key")


def test_api_own_key_comes_before_the_parent_s(here: Make) -> None:
    of = here()
    keep(of, KeyKind.API, "parent")
    keep(of, KeyKind.API, "own", "hexpm:acme")

    assert answer(api(of, "hexpm:acme")) == ("own", "key")


def test_api_oauth(here: Make, sandbox: Sandbox) -> None:
    of = here()
    token = log_in(of, sandbox)

    assert answer(api(of)) == (f"Bearer {token.access}", "vault")


def test_api_oauth_expired_is_refreshed(here: Make, sandbox: Sandbox) -> None:
    of = here()
    now = int(of.now())
    old = log_in(of, sandbox, issued_at=now - 1700, expires_at=now + 100)

    secret, source = answer(api(of))

    assert (secret != f"Bearer {old.access}", source) == (True, "refresh")
    assert sandbox.hexpm.authenticate(secret) is not None


def test_api_oauth_without_a_refresh_token(here: Make, sandbox: Sandbox) -> None:
    of = here()
    token = log_in(of, sandbox, refresh=None)

    assert answer(api(of)) == (f"Bearer {token.access}", "vault")


def test_api_without_credentials(here: Make) -> None:
    with pytest.raises(LoginRequired):
        sources.get(api(here()))


# A repository call


def test_repository_config_passthrough(here: Make) -> None:
    of = here(HEX_MIRROR_URL="https://mirror.test")

    assert answer(repo(of, given="key")) == ("key", "given")


def test_repository_key_passthrough(here: Make) -> None:
    of = here()
    keep(of, KeyKind.REPO, "key")
    keep(of, KeyKind.AUTH, "other")

    assert answer(repo(of)) == ("key", "key")


def test_trusted_repository_gets_its_auth_key(here: Make) -> None:
    of = here(EXCHANGE_OFF)
    keep(of, KeyKind.AUTH, "key")

    assert answer(repo(of)) == ("key", "key")


def test_untrusted_repository_does_not_get_its_auth_key(here: Make, sandbox: Sandbox) -> None:
    of = here(HEX_MIRROR_URL="https://mirror.test")
    log_in(of, sandbox)
    keep(of, KeyKind.AUTH, "key")

    assert sources.find(repo(of)) is None


def test_untrusted_repository_gets_its_repo_key(here: Make) -> None:
    of = here(HEX_MIRROR_URL="https://mirror.test")
    keep(of, KeyKind.REPO, "key")

    assert answer(repo(of)) == ("key", "key")


def test_untrusted_mirror_does_not_get_hex_repos_key(here: Make) -> None:
    assert (
        sources.find(repo(here(HEX_MIRROR_URL="https://mirror.test", HEX_REPOS_KEY="key"))) is None
    )


def test_trusted_mirror_gets_what_the_repository_gets(here: Make, sandbox: Sandbox) -> None:
    of = here(HEX_TRUSTED_MIRROR_URL="https://mirror.test")
    token = log_in(of, sandbox)

    assert answer(repo(of, "hexpm:acme")) == (f"Bearer {token.access}", "vault")


@pytest.mark.parametrize("name", ["hexpm", "hexpm:acme"])
def test_repository_falls_back_to_oauth(here: Make, sandbox: Sandbox, name: str) -> None:
    of = here()
    token = log_in(of, sandbox)

    assert answer(repo(of, name)) == (f"Bearer {token.access}", "vault")


def test_custom_repository_gets_no_oauth(here: Make, sandbox: Sandbox) -> None:
    """A Hex token was once sent to any repository (hexpm/hex#1216)."""
    of = here('[repositories.mine]\nurl = "https://mine.test/repo"\n')
    log_in(of, sandbox)

    assert sources.find(repo(of, "mine")) is None


def test_custom_repository_gets_its_key_unchanged(here: Make) -> None:
    of = here('[repositories.mine]\nurl = "https://mine.test/repo"\n')
    keep(of, KeyKind.AUTH, "key", "mine")

    assert answer(repo(of, "mine")) == ("key", "key")
    assert sources.find(Request(of, Target("https", "mine.test", "other"))) is None


def test_repository_without_credentials(here: Make) -> None:
    with pytest.raises(LoginRequired):
        sources.get(repo(here()))


def test_exchange_gets_a_new_token(here: Make, sandbox: Sandbox) -> None:
    of = here()
    keep(of, KeyKind.AUTH, sandbox.hexpm.add_key("repositories"))

    credential = sources.get(repo(of))

    assert (credential.kind, credential.scope, credential.source) == (
        Kind.BEARER,
        "repositories",
        "exchange",
    )
    assert sandbox.hexpm.authenticate(credential.authorization) is not None


def test_exchanged_token_that_is_valid_is_used_again(here: Make, sandbox: Sandbox) -> None:
    of = here()
    keep(of, KeyKind.AUTH, sandbox.hexpm.add_key("repositories"))

    first, second = answer(repo(of)), answer(repo(of))

    assert (first, sandbox.journal.counts()["client_credentials"]) == (second, 1)


def test_exchanged_token_that_has_expired_is_exchanged_anew(
    here: Make, serve: Serve, tmp_path: Path
) -> None:
    sandbox = serve(token_ttl=1)
    of = home(tmp_path, {"HEX_API_URL": sandbox.api_url})
    keep(of, KeyKind.AUTH, sandbox.hexpm.add_key("repositories"))
    first = answer(repo(of))
    later = Home(of.environ, of.settings, of.places, of.screen, now=lambda: of.now() + 2)

    assert answer(repo(later)) != first
    counts = sandbox.journal.counts()
    assert (counts["client_credentials"], counts["refresh"]) == (2, 0)


def test_exchanged_token_is_answered_while_it_lives_if_the_server_is_down(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    of = home(tmp_path, {"HEX_API_URL": sandbox.api_url})
    keep(of, KeyKind.AUTH, sandbox.hexpm.add_key("repositories"))
    first = answer(repo(of))
    sandbox.faults.add(parse("503@client_credentials=2"))
    ends = [answer_later(of, 1700) == first]
    with pytest.raises(Unreachable):
        answer_later(of, 1900)

    assert ends == [True]


def answer_later(of: Home, seconds: float) -> tuple[str, str]:
    later = Home(of.environ, of.settings, of.places, of.screen, now=lambda: of.now() + seconds)
    return answer(repo(later))


def test_parent_s_auth_key_is_exchanged_once_for_all(here: Make, sandbox: Sandbox) -> None:
    of = here()
    keep(of, KeyKind.AUTH, sandbox.hexpm.add_key("repositories"))

    answers = {answer(repo(of, name)) for name in ("hexpm:acme", "hexpm", "hexpm:other")}

    assert (len(answers), sandbox.journal.counts()["client_credentials"]) == (1, 1)


def test_parent_s_auth_key_is_used_as_it_is(here: Make) -> None:
    of = here(EXCHANGE_OFF)
    keep(of, KeyKind.AUTH, "key")

    assert answer(repo(of, "hexpm:acme")) == ("key", "key")


def test_api_key_is_exchanged_if_that_is_wanted(here: Make, sandbox: Sandbox) -> None:
    of = here("[repositories.hexpm]\noauth_exchange_api = true\n")
    keep(of, KeyKind.API, sandbox.hexpm.add_key("api"))

    credential = sources.get(api(of))

    assert (credential.kind, credential.scope) == (Kind.BEARER, "api:read api:write")


def test_another_api_may_do_the_exchange(here: Make, serve: Serve) -> None:
    other = serve()
    of = here(f'[repositories.hexpm]\noauth_exchange_url = "{other.api_url}"\n')
    keep(of, KeyKind.AUTH, other.hexpm.add_key("repositories"))

    assert other.hexpm.authenticate(answer(repo(of))[0]) is not None


def test_wrong_key_is_named_and_nothing_else_is_tried(here: Make, sandbox: Sandbox) -> None:
    of = here()
    log_in(of, sandbox)
    keep(of, KeyKind.AUTH, "0" * 32)

    with pytest.raises(Declined, match="invalid_client"):
        sources.get(repo(of))


# The environment


def test_hex_repos_key_is_exchanged(here: Make, sandbox: Sandbox) -> None:
    of = here(HEX_REPOS_KEY=sandbox.hexpm.add_key("repositories"))

    secret, source = answer(repo(of, "hexpm:acme"))

    assert (secret[:7], source) == ("Bearer ", "exchange")


def test_another_hex_repos_key_is_another_token(here: Make, sandbox: Sandbox) -> None:
    one, other = (sandbox.hexpm.add_key("repositories") for _ in range(2))

    assert answer(repo(here(HEX_REPOS_KEY=one))) != answer(repo(here(HEX_REPOS_KEY=other)))


def test_tokens_of_keys_that_are_not_given_any_more_are_forgotten(
    serve: Serve, tmp_path: Path
) -> None:
    """Once they have ended; a build machine may see many keys."""
    sandbox = serve(token_ttl=60)

    def exchange(later: float) -> list[str]:
        key = sandbox.hexpm.add_key("repositories")
        of = home(tmp_path, {"HEX_API_URL": sandbox.api_url, "HEX_REPOS_KEY": key})
        late = Home(of.environ, of.settings, of.places, of.screen, now=lambda: of.now() + later)
        sources.get(repo(late))
        return [facts["exchange"] for facts in of.vaults.entries().values() if "exchange" in facts]

    seen = [exchange(later) for later in (0, 0, 100)]

    assert [len(each) for each in seen] == [1, 2, 1]
    assert seen[2][0] not in seen[1]


def test_keys_of_the_environment_are_for_their_hosts_alone(here: Make) -> None:
    of = here(
        '[repositories.mine]\nurl = "https://mine.test"\n', HEX_API_KEY="a", HEX_REPOS_KEY="r"
    )

    assert sources.find(repo(of, "mine")) is None
    assert sources.find(Request(of, Target("https", "git.test"))) is None
    assert answer(api(of)) == ("a", "HEX_API_KEY")


# Keys in the vault


def test_a_key_that_was_replaced_is_not_answered_any_more(sandbox: Sandbox, tmp_path: Path) -> None:
    of = home(tmp_path, {"HEX_API_URL": sandbox.api_url})
    log_in(of, sandbox)
    tokens = [sources.get(repo(of)).secret]
    for _ in range(2):
        keep(of, KeyKind.AUTH, sandbox.hexpm.add_key("repositories"))
        tokens.append(sources.get(repo(of)).secret)
    keys.remove(of, find_repository("hexpm", of.settings))
    tokens.append(sources.get(repo(of)).secret)

    assert (len(set(tokens)), tokens[0]) == (3, tokens[-1])


def test_what_was_asked_is_explained_without_secrets(here: Make) -> None:
    of = here(HEX_API_KEY="S3CRET")
    heard: list[tuple[str, str]] = []

    sources.get(api(of), lambda source, why: heard.append((source, why)))

    assert heard == [
        ("given in the call", "nothing was given"),
        ("HEX_API_KEY", "taken, a key"),
    ]
