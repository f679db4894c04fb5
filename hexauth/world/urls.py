"""URLs as everybody must read them alike: what an origin is, and what is this machine.

`urllib.parse` and `re` take 13 ms to import; `origin` does without.
"""


def is_web_url(url: str) -> bool:
    """Tell whether `url` is an http(s) URL with a host, and with nothing readers disagree about.

    Browsers take a backslash for a slash, so that it may end the host for them alone.
    """
    import re
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    plain = url.isprintable() and not re.search(r"[\s\\]", url)
    return parts.scheme in ("https", "http") and has_place and plain


def in_ascii(url: str) -> str:
    """Return `url` with the host as DNS knows it, so that letters that look alike do not.

    RFC 5890 section 2.3.2.1, as Python's codec `idna` does it. Raises ValueError.
    """
    from urllib.parse import urlsplit

    place = urlsplit(url).netloc
    if place.isascii():
        return url
    user, at, server = place.rpartition("@")
    host, colon, port = server.partition(":")
    named = f"{user}{at}{host.encode('idna').decode('ascii')}{colon}{port}"
    return url.replace(place, named, 1)


def split_url(url: str) -> tuple[str, str]:
    """Return the scheme of `url` and its host, with the port if it names one."""
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def origin(protocol: str, host: str) -> str:
    """Return `protocol://host:port` in its one spelling: lower case, without the usual port.

    RFC 6454 section 4. Two URLs share credentials only if their origins are equal. An address of
    IPv6 is compressed, and a name that is not ASCII has the spelling of DNS (RFC 5890, A-label).
    Nothing else is: not every program takes other letters for those that they resemble.
    """
    host = host.lower() if host.isascii() else _unmapped(host)
    usual = {"https": ":443", "http": ":80"}.get(protocol.lower())
    host = host.removesuffix(usual) if usual else host
    return f"{protocol.lower()}://{_compressed(host) if host.startswith('[') else host}"


def _unmapped(host: str) -> str:
    """Return `host` with each of its labels in ASCII, and different from every other one."""
    name, colon, port = "".join(c.lower() if c.isascii() else c for c in host).partition(":")
    labels = (
        each if each.isascii() else f"xn--{each.encode('punycode').decode('ascii')}"
        for each in name.split(".")
    )
    return ".".join(labels) + colon + port


def _compressed(host: str) -> str:
    """Return `host`, an address in brackets, in its shortest spelling, unless it has a zone."""
    from ipaddress import IPv6Address  # 1 ms, for such an address alone

    address, bracket, rest = host.removeprefix("[").partition("]")
    try:
        return host if "%" in address else f"[{IPv6Address(address).compressed}{bracket}{rest}"
    except ValueError:
        return host


def is_loopback(host: str) -> bool:
    """Tell whether `host`, with or without a port, is this machine (RFC 6761 section 6.3)."""
    import ipaddress  # 1 ms, for http alone
    from urllib.parse import urlsplit

    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
