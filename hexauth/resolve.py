"""Which credential a target gets: the sources, in order."""

from collections.abc import Callable
from hashlib import sha256

from hexauth import hex as hexpm
from hexauth import keys, stored
from hexauth.errors import LoginRequired, Unreachable
from hexauth.keys import KeyKind
from hexauth.login import Question, log_in
from hexauth.model import Credential, Kind
from hexauth.repositories import Repository
from hexauth.search import Search, device_name, scope_for
from hexauth.session import exchanged, refreshed
from hexauth.targets import known_targets
from hexauth.tokens import cache

Answer = Credential | str
"""What a source has: a credential, or the reason why it has none."""


def from_caller(search: Search) -> Answer:
    """Answer with what the caller has brought along."""
    return search.as_it_is(search.given, "given") if search.given else "nothing was given"


def from_api_key(search: Search) -> Answer:
    """Answer with `HEX_API_KEY`, for the Hex API alone."""
    repository = search.site.repository
    if repository is None or not search.site.is_api or not repository.is_hexpm:
        return "it is for the Hex API alone"
    key = search.world.settings.api_key
    if not key:
        return "it is not set"
    if search.login is None:
        return "another user is asked for"
    return search.as_it_is(key, "HEX_API_KEY")


def from_repos_key(search: Search) -> Answer:
    """Answer with `HEX_REPOS_KEY`, for the repositories of the Hex server alone."""
    repository = search.site.repository
    if repository is None or search.site.is_api or not repository.is_hexpm:
        return "it is for Hex's repositories alone"
    key = search.world.settings.repos_key
    if not key:
        return "it is not set"
    if not repository.trusted:
        return f"{repository.url} is an untrusted mirror"
    *_, root = search.family  # whose key it is
    if not root.oauth_exchange or hexpm.authorization(key)[0] is Kind.BEARER:
        return search.as_it_is(key, "HEX_REPOS_KEY")
    fingerprint = sha256(key.encode()).hexdigest()[:12]
    return _exchanged(search, root, KeyKind.AUTH, lambda: key, fingerprint)


def from_own_key(search: Search) -> Answer:
    """Answer with the key that is kept for the repository itself."""
    repository = next(search.family, None)
    return "it is no repository" if repository is None else _from_keys(search, repository)


def from_parent_key(search: Search) -> Answer:
    """Answer with the key that is kept for the repository's parent."""
    repository = next((each for each in search.family if each != search.site.repository), None)
    return "it has no parent" if repository is None else _from_keys(search, repository)


def _from_keys(search: Search, repository: Repository) -> Answer:
    here = search.site.repository
    assert here is not None  # noqa: S101  (every caller has asked)
    wanted = [KeyKind.API] if search.site.is_api else [KeyKind.REPO]
    wanted += [KeyKind.AUTH] if here.trusted and not search.site.is_api else []
    kept = keys.kinds(search.world, repository)
    kind = next((each for each in wanted if each in kept), None)
    if kind is None:
        untrusted = kept and not search.site.is_api and not here.trusted
        why = f"{here.url} is not trusted with those" if untrusted else "none is for this"
        return f"{why}, of {repository.name}" if kept else f"no key of {repository.name} is kept"

    def key() -> str:
        return keys.key(search.world, repository, kind)

    exchanges = {
        KeyKind.AUTH: repository.oauth_exchange,
        KeyKind.API: repository.oauth_exchange_api,
    }
    if exchanges.get(kind):
        return _exchanged(search, repository, kind, key)
    return search.as_it_is(key(), "key")


def _exchanged(
    search: Search,
    repository: Repository,
    kind: KeyKind,
    key: Callable[[], str],
    fingerprint: str = "",
) -> Credential:
    """Return the token that the key of `repository` is exchanged for.

    It goes by the repository whose key it is, so all its organizations share it.
    """
    world, login = search.world, keys.exchanged(repository, kind, fingerprint)
    world.front.leave()  # it may hold the mutex of a login that is not needed
    token = cache(world, login).read(world.now())
    if token is None:
        token = exchanged(world, login, key, keys.SCOPES[kind])
    return search.credential(token, "exchange", login)


def from_cache(search: Search) -> Answer:
    """Answer with the vault's token from memory, for a caller that `hot` has not served."""
    if search.login is None:
        return NO_LOGIN
    token = search.in_memory
    return "it is not in memory" if token is None else search.credential(token, "vault")


def from_vault(search: Search) -> Answer:
    """Answer with the stored token, if it has life enough."""
    if search.login is None:
        return NO_LOGIN
    token = search.arrival.token
    if token is None:
        return "nobody is logged in"
    if not token.is_fresh(search.world.now(), search.world.settings.min_ttl):
        return "the access token is used up"
    return search.credential(token, "vault")


def from_refresh(search: Search) -> Answer:
    """Answer with a refreshed token; with the old one while it lives, if the server is down."""
    if search.login is None:
        return NO_LOGIN
    old = search.arrival.token
    if old is None:
        return "nobody is logged in"
    try:
        token = refreshed(search.world, search.login, search.arrival)
    except Unreachable:
        if old.life_left(search.world.now()) <= 0:
            raise
        return search.credential(old, "vault")
    return "the login has ended" if token is None else search.credential(token, "refresh")


def from_store(search: Search) -> Answer:
    """Answer with what a tool stored for this protocol and host."""
    found = stored.find(search.world, search.target, authtype=search.authtype)
    return "no tool has stored anything for it" if found is None else found


def from_login(search: Search) -> Answer:
    """Answer with a login that the person makes now, or that another process has under way."""
    if search.login is None:
        return NO_LOGIN
    token = log_in(
        search.world,
        search.login,
        search.arrival,
        Question(scope_for(search), device_name()),
        may_ask=search.may_ask,
    )
    return search.credential(token, "login")


NO_LOGIN = "no login is for this target"

SOURCES: tuple[tuple[str, Callable[[Search], Answer]], ...] = (
    ("given in the call", from_caller),
    ("HEX_API_KEY", from_api_key),
    ("HEX_REPOS_KEY", from_repos_key),
    ("the repository's key", from_own_key),
    ("its parent's key", from_parent_key),
    ("the login, in memory", from_cache),
    ("the login, in the vault", from_vault),
    ("the login, refreshed", from_refresh),
    ("stored by a tool", from_store),
    ("a new login", from_login),
)
"""Where credentials come from, the best first, each with what `--explain` calls it."""


def resolve(
    search: Search, explain: Callable[[str, str], object] = lambda source, why: None
) -> Credential | None:
    """Return the first source's answer, or None if the target is no server hexauth logs in to.

    `explain` hears of each source that was asked, and why it was or was not taken. Raises
    `LoginRequired`, `Declined`, `Expired`, `Unreachable`, `VaultError` or `Interrupted`.
    """
    for name, source in SOURCES:
        try:
            answer = source(search)
        except BaseException as error:
            explain(name, f"{error}")
            raise
        if isinstance(answer, Credential):
            explain(name, f"taken, a {answer.kind}")
            return answer
        explain(name, answer)
    return None


def found(
    search: Search, explain: Callable[[str, str], object] = lambda source, why: None
) -> Credential:
    """Return the credential; raises what `resolve` does, and `LoginRequired` if there is none."""
    credential = resolve(search, explain)
    if credential is None:
        known = ", ".join(known_targets(search.world.settings))
        raise LoginRequired(
            f"Nothing is stored for {search.target}, and hexauth has no login for it.",
            hint=f"Known are {known}, and whatever a tool has stored.",
        )
    return credential
