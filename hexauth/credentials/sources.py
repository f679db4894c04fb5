"""Which credential a request gets: the sources, in order."""

from collections.abc import Callable
from functools import wraps
from hashlib import sha256

from hexauth import hex as hexpm
from hexauth.credentials import keys
from hexauth.credentials.keys import KeyKind
from hexauth.credentials.request import Request
from hexauth.errors import HexauthError, LoginRequired, Unreachable, VaultError
from hexauth.login.asking import log_in
from hexauth.login.renewal import exchanged, refreshed
from hexauth.login.tokens import Tokens
from hexauth.machine import trace
from hexauth.model import Credential, Kind, Token
from hexauth.servers.directory import known_server
from hexauth.servers.repositories import Repository
from hexauth.servers.targets import known_targets

Answer = Credential | str
"""What a source has: a credential, or the reason why it has none."""

Source = Callable[[Request], Answer]

Found = tuple[Token, str] | str
"""What a source of the login's own has: a token and where it was, or why it has none."""

Explain = Callable[[str, str], object]
"""Hears of each source that was asked, and why it was or was not taken."""


def from_caller(request: Request) -> Answer:
    """Answer with what the caller has brought along."""
    return request.as_it_is(request.given, "given") if request.given else "nothing was given"


def from_api_key(request: Request) -> Answer:
    """Answer with `HEX_API_KEY`, for the Hex API alone."""
    repository = request.site.repository
    if repository is None or not request.site.is_api or not repository.is_hexpm:
        return "it is for the Hex API alone"
    key = request.home.settings.api_key
    if not key:
        return "it is not set"
    if request.tokens is None:
        return "another user is asked for"
    return request.as_it_is(key, "HEX_API_KEY")


def from_repos_key(request: Request) -> Answer:
    """Answer with `HEX_REPOS_KEY`, for the repositories of the Hex server alone."""
    repository = request.site.repository
    if repository is None or request.site.is_api or not repository.is_hexpm:
        return "it is for Hex's repositories alone"
    key = request.home.settings.repos_key
    if not key:
        return "it is not set"
    if not repository.trusted:
        return f"{repository.url} is an untrusted mirror"
    *_, root = request.family  # whose key it is
    if not root.oauth_exchange or hexpm.authorization(key)[0] is Kind.BEARER:
        return request.as_it_is(key, "HEX_REPOS_KEY")
    fingerprint = sha256(key.encode()).hexdigest()[:12]
    return _exchanged(request, root, KeyKind.AUTH, lambda: key, fingerprint)


def from_own_key(request: Request) -> Answer:
    """Answer with the key that is kept for the repository itself."""
    repository = next(request.family, None)
    return "it is no repository" if repository is None else _from_keys(request, repository)


def from_parent_key(request: Request) -> Answer:
    """Answer with the key that is kept for the repository's parent."""
    parents = (each for each in request.family if each != request.site.repository)
    repository = next(parents, None)
    return "it has no parent" if repository is None else _from_keys(request, repository)


def _from_keys(request: Request, repository: Repository) -> Answer:
    """Answer with a key of `repository`; where it is not trusted, with a `repo_key` alone."""
    here, home = request.site.repository, request.home
    assert here is not None  # noqa: S101  (every caller has asked)
    if request.site.is_api:
        wanted = [KeyKind.API]
    else:
        wanted = [KeyKind.REPO, KeyKind.AUTH] if here.trusted else [KeyKind.REPO]
    kept = keys.kinds(home, repository)
    kind = next((each for each in wanted if each in kept), None)
    if kind is None:
        untrusted = kept and not request.site.is_api and not here.trusted
        why = f"{here.url} is not trusted with those" if untrusted else "none is for this"
        return f"{why}, of {repository.name}" if kept else f"no key of {repository.name} is kept"

    def key() -> str:
        return keys.key(home, repository, kind)

    exchanges = {
        KeyKind.AUTH: repository.oauth_exchange,
        KeyKind.API: repository.oauth_exchange_api,
    }
    if exchanges.get(kind):
        return _exchanged(request, repository, kind, key)
    return request.as_it_is(key(), "key")


def _exchanged(
    request: Request,
    repository: Repository,
    kind: KeyKind,
    key: Callable[[], str],
    fingerprint: str = "",
) -> Credential:
    """Return the token that the key of `repository` is exchanged for.

    It goes by the repository whose key it is, so all its organizations share it.
    """
    home = request.home
    home.front.leave()  # it may hold the mutex of a login that is not needed
    tokens = Tokens(home, keys.exchanged(repository, kind, fingerprint))
    token = tokens.answers.read() or exchanged(tokens, key, keys.SCOPES[kind])
    return request.credential(token, "exchange", tokens.login)


def _of_login(source: Callable[[Request, Tokens], Found]) -> Source:
    """Return a source that has something only where a login is for the target."""

    @wraps(source)
    def answer(request: Request) -> Answer:
        tokens = request.tokens
        if tokens is None:
            return "no login is for this target"
        found = source(request, tokens)
        return found if isinstance(found, str) else request.credential(*found, tokens.login)

    return answer


@_of_login
def from_memory(request: Request, tokens: Tokens) -> Found:
    """Answer with the vault's token from memory, for a caller that `hot` has not served."""
    token = tokens.answers.read()
    return "it is not in memory" if token is None else (token, "vault")


@_of_login
def from_vault(request: Request, tokens: Tokens) -> Found:
    """Answer with the stored token, if it has life enough."""
    token = request.arrival.token
    if token is None:
        return "nobody is logged in"
    is_fresh = token.is_fresh(request.home.now(), request.home.settings.min_ttl)
    return (token, "vault") if is_fresh else "the access token is used up"


@_of_login
def from_refresh(request: Request, tokens: Tokens) -> Found:
    """Answer with a refreshed token; with the old one while it lives, if the server is down."""
    old = request.arrival.token
    if old is None:
        return "nobody is logged in"
    try:
        token = refreshed(tokens, request.arrival)
    except (Unreachable, VaultError) as error:
        is_away = isinstance(error, Unreachable) or tokens.is_shared
        if not is_away or old.life_left(request.home.now()) <= 0:
            raise
        return old, "vault"
    return "the login has ended" if token is None else (token, "refresh")


def from_store(request: Request) -> Answer:
    """Answer with what a tool stored for this protocol and host."""
    return request.stored or "no tool has stored anything for it"


def from_store_alone(request: Request) -> Answer:
    """Answer with what a tool stored where hexauth knows of no login, without asking git for one.

    It is what `short` answers, too.
    """
    if known_server(request.home, request.target) is not None:
        return "a login comes first"
    return from_store(request)


@_of_login
def from_login(request: Request, tokens: Tokens) -> Found:
    """Answer with a login that the person makes now, or that another process has under way."""
    token = log_in(tokens, request.arrival, request.question, request.why_not)
    return token, "login"


SOURCES: tuple[tuple[str, Source], ...] = (
    ("given in the call", from_caller),
    ("HEX_API_KEY", from_api_key),
    ("HEX_REPOS_KEY", from_repos_key),
    ("the repository's key", from_own_key),
    ("its parent's key", from_parent_key),
    ("stored where no login is known", from_store_alone),
    ("the login, in memory", from_memory),
    ("the login, in the vault", from_vault),
    ("the login, refreshed", from_refresh),
    ("stored by a tool", from_store),
    ("a new login", from_login),
)
"""Where credentials come from, the best first, each with what `--explain` calls it."""


def explain_nothing(source: str, why: str) -> None:
    """Keep to itself which sources were asked."""


def _told(explain: Explain) -> Explain:
    """Return what explains to whoever traces this run, too."""

    def tell(source: str, why: str) -> None:
        trace.tell(f"{source}: {why}")
        explain(source, why)

    return tell


def find(request: Request, explain: Explain = explain_nothing) -> Credential | None:
    """Return the first source's answer, or None if the target is no server hexauth logs in to.

    Raises `LoginRequired`, `Declined`, `Expired`, `Unreachable`, `VaultError` or `Interrupted`.
    """
    explain = _told(explain)
    trace.tell(f"a credential for {request.target if request.target.host else 'no host'}")
    for name, source in SOURCES:
        try:
            answer = source(request)
        except BaseException as error:
            # What others raise may hold a secret.
            explain(name, f"{error}" if isinstance(error, HexauthError) else type(error).__name__)
            raise
        if isinstance(answer, Credential):
            explain(name, f"taken, a {answer.kind}")
            return answer
        explain(name, answer)
    return None


def get(request: Request, explain: Explain = explain_nothing) -> Credential:
    """Return the credential; raises what `find` does, and `LoginRequired` if there is none."""
    credential = find(request, explain)
    if credential is None:
        known = ", ".join(known_targets(request.home.settings))
        raise LoginRequired(
            f"Nothing is stored for {request.target}, and hexauth has no login for it.",
            hint=f"Log in with `hexauth login URL`, or store a password; logins are for {known}.",
        )
    return credential
