"""Which page of a login a browser may be led to without asking: its own server's, and no other.

The address comes from the server, in `verification_uri` (RFC 8628 section 3.2): a person may be
led to a page that looks like another one (section 5.4), and a browser sends its cookies there.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from hexauth.model import Login
from hexauth.world.settings import Settings
from hexauth.world.urls import is_loopback, is_web_url


@dataclass(frozen=True)
class Page:
    """The page at which a login is approved, and what a person should know of it."""

    address: str
    host: str = ""
    """Without its port, as DNS knows it."""
    doubt: str = ""
    """Why it is not opened by itself; empty if it may be."""
    may_ask: bool = False
    """Whether it is opened in spite of the doubt, if the person says so."""


def page(address: str, login: Login, settings: Settings) -> Page:
    """Return what is to be said of `address`, where `login` is to be approved."""
    if not is_web_url(address) or not address.isascii():
        return Page(address, doubt="That is no address of the web: it is not opened.")
    parts = urlsplit(address)
    host = parts.hostname or ""
    if "@" in parts.netloc:
        doubt = f"The host is {host}: what stands before the @ is none. It is not opened."
        return Page(address, host, doubt)
    if parts.scheme != "https" and not is_loopback(parts.netloc):
        doubt = f"It is not https: others can read and change what {host} shows. It is not opened."
        return Page(address, host, doubt)
    own = own_hosts(login, settings)
    if host in own:
        return Page(address, host)
    doubt = f"That page is at the host {host}, and you are logging in at {own[0]}."
    return Page(address, host, doubt, may_ask=True)


def own_hosts(login: Login, settings: Settings) -> list[str]:
    """Return the hosts of a login: its server's, and those that the settings name for that."""
    table = settings.servers.get(login.server, {})
    named = [url for key, url in table.items() if key == "issuer" or key.endswith("_endpoint")]
    return [urlsplit(url).hostname or "" for url in (login.server, *named)]
