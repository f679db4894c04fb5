"""Whom is trusted: the system's authorities, and those that the settings name besides.

macOS and Windows are asked by truststore. Elsewhere the system's store is files, which are read
once: truststore would read them again for each connection (20 ms where they are one file), and let
one connection at a time shake hands, so that a server that stalls would hold up all others.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hexauth.errors import UsageError
from hexauth.world.settings import Settings

if TYPE_CHECKING:
    import ssl

    from requests import PreparedRequest
    from requests.adapters import HTTPAdapter

SYSTEM, FALLBACK = "system", "certifi"

KEEPERS = ("darwin", "win32")
"""Platforms that keep their store themselves, and are asked by truststore."""

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",  # older ones of these
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD
)
"""Where the system's store may be, if Python's own OpenSSL was built to look elsewhere."""

ADDED = ("cacerts_path", "cert_file", "cert_dir", "ca_bundle")
"""The settings that name further authorities."""

HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")
"""How a file is named that OpenSSL finds in a folder by itself (openssl-rehash(1))."""

CERTIFICATES = (".pem", ".crt", ".cer")


@dataclass(frozen=True)
class Store:
    """Authorities that are trusted."""

    source: str
    """Who says so: `system`, `certifi` where it has none, a `$VARIABLE`, or `config.toml`."""
    places: tuple[Path, ...]
    """The files and folders they are in; none where only the system itself knows."""


class Trust:
    """Whom a run trusts; certificates are read when the first connection wants them, and once."""

    def __init__(
        self,
        settings: Settings,
        stores: tuple[Store, ...] | None = None,
        platform: str = sys.platform,
    ) -> None:
        self._settings, self._given, self._platform = settings, stores, platform

    @cached_property
    def stores(self) -> tuple[Store, ...]:
        """The stores, of which any will do; none if no certificate is checked.

        Raises `UsageError` if one that was named is not there.
        """
        if self._given is not None or self._settings.unsafe_https:
            return self._given or ()
        return (_system(self._platform), *_added(self._settings))

    def check(self) -> None:
        """Raise `UsageError` if a store that was named is not there, whatever is to be sent."""
        _ = self.stores

    @cached_property
    def context(self) -> "ssl.SSLContext":
        """What TLS connections are made with. Raises `UsageError` as `stores` does."""
        import ssl

        from urllib3.util.ssl_ import create_urllib3_context

        if not self.stores:
            return create_urllib3_context(cert_reqs=ssl.CERT_NONE)
        if self._platform in KEEPERS:
            import truststore

            context: ssl.SSLContext = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        else:
            context = create_urllib3_context()
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as all Pythons do from 3.13 on
        read: set[Path] = set()  # several variables often name one file
        for store in self.stores:
            for place in store.places:
                if place.resolve() not in read:
                    _load(context, place, store.source, self._platform)
                read.add(place.resolve())
        return context

    def adapter(self, connections: int) -> "HTTPAdapter":
        """Return requests' way to a server or its proxy, which keeps so many connections open.

        Whom it trusts is said here alone: neither by `verify` nor by requests' own variables.
        """
        from requests.adapters import HTTPAdapter

        trust = self

        class Adapter(HTTPAdapter):
            def build_connection_pool_key_attributes(
                self,
                request: "PreparedRequest",
                verify: "bool | str | None",
                cert: "str | tuple[str, str] | None" = None,
            ) -> Any:  # noqa: ANN401  (for urllib3)
                host, _ = super().build_connection_pool_key_attributes(request, True)
                return host, {"ssl_context": trust.context} if host["scheme"] == "https" else {}

            def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401  (urllib3's)
                if proxy.lower().startswith("https:"):
                    options["proxy_ssl_context"] = trust.context
                return super().proxy_manager_for(proxy, **options)

            def cert_verify(self, *words: object) -> None:
                """Leave the context as it is: requests would add certifi's certificates to it."""

        return Adapter(pool_maxsize=connections)


def _system(platform: str) -> Store:
    """Return the system's store, or certifi's, as in a container that has none."""
    if platform in KEEPERS:
        return Store(SYSTEM, ())
    import ssl

    built_in = ssl.get_default_verify_paths()  # not what variables say: they are added later
    own = [Path(each) for each in (built_in.openssl_cafile, built_in.openssl_capath)]
    found = [each for each in own if _is_store(each)]
    found = found or [each for each in map(Path, BUNDLES) if _is_store(each)][:1]
    if found:
        return Store(SYSTEM, tuple(found))
    import certifi

    return Store(FALLBACK, (Path(certifi.where()),))


def _is_store(place: Path) -> bool:
    """Tell whether OpenSSL finds certificates in a file or a folder."""
    try:
        return _is_hashed(place) if place.is_dir() else place.stat().st_size > 0
    except OSError:
        return False


def _is_hashed(folder: Path) -> bool:
    return any(HASHED.fullmatch(each.name) for each in folder.iterdir())


def _added(settings: Settings) -> Iterator[Store]:
    """Yield what the settings add; as OpenSSL does, pass over folders of a list that are not there.

    Raises `UsageError` for anything else that is not there.
    """
    for name in ADDED:
        value, source = getattr(settings, name), settings.sources[name]
        places = tuple(map(Path, value.split(os.pathsep) if name == "cert_dir" else [value]))
        if name == "cert_dir":
            places = tuple(each for each in places if each.is_dir() and any(each.iterdir()))
        elif value and not places[0].exists():
            raise _missing(places[0], source)
        if value and places:
            yield Store(source, places)


def _load(context: "ssl.SSLContext", place: Path, source: str, platform: str) -> None:
    """Add the certificates in a file, or in the files of a folder. Raises `UsageError`."""
    try:
        if place.is_dir() and platform not in KEEPERS and _is_hashed(place):
            context.load_verify_locations(capath=place)  # each is read when it is wanted
            return
        files = [place]
        if place.is_dir():
            files = sorted(each for each in place.iterdir() if each.suffix in CERTIFICATES)
        for each in files:
            context.load_verify_locations(each)
    except OSError:
        files = []
    if not files:
        raise _missing(place, source)


def _missing(place: Path, source: str) -> UsageError:
    return UsageError(
        f"There are no certificates at {place}.",
        hint=f"Correct {source}, which names a file of them (PEM) or a folder, or unset it.",
    )
