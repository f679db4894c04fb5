"""How far a token reaches: for which origins it is the answer, so that `hot` may give it."""

from hexauth import hex as hexpm
from hexauth.errors import UsageError
from hexauth.memory.answers import Reach
from hexauth.model import Login
from hexauth.servers.accounts import account_name, login_at
from hexauth.servers.directory import Server
from hexauth.servers.targets import hex_origins
from hexauth.vault.home import Home
from hexauth.world.urls import origin, split_url


def reach(home: Home, login: Login) -> Reach:
    """Return what the answers of `login` are for, which are kept in memory."""
    if login.exchange:
        return Reach(login.name)
    settings = home.settings
    account = settings.account if settings.sources["account"].startswith("-") else ""
    if not account:
        try:
            usual = login_at(home, Server(login.server, login.client_id))
        except UsageError:
            usual = None
        account = "" if login == usual else account_name(home, login)
        if login != usual and not account:
            return Reach(None)
    if login.server != settings.api_url:
        here = origin(*split_url(login.server))
        own = settings.servers.get(login.server, {}).get("username")
        return Reach(here, account, (here,), own or settings.username)
    return Reach("", account, _plain_origins(home), settings.username)


def _plain_origins(home: Home) -> tuple[str, ...] | None:
    """Return the origins of `hexpm` where the login is for all, as no key is and no mirror.

    None if the API has a key of its own.
    """
    settings = home.settings
    entries = home.vaults.entries().values()
    keyed = [facts for facts in entries if facts.get("at") == settings.api_url]
    of_hexpm = [facts for facts in keyed if facts.get("repository") == hexpm.REPOSITORY]
    if any("api_key" in facts.get("kinds", "") for facts in of_hexpm):
        return None
    api, *others = hex_origins(settings)
    others = [] if keyed or settings.mirror_url else others
    is_shared = api == origin(*split_url(hexpm.repo_url(settings.api_url)))
    plain = [*([] if is_shared and (keyed or settings.mirror_url) else [api]), *others]
    taken = {origin(*split_url(t["url"])) for t in settings.repositories.values() if "url" in t}
    return tuple(each for each in plain if each not in taken)
