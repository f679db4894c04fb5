"""What can be wrong with a database, in words for people; and what its address has to say."""

import os
import re
from collections.abc import Mapping
from typing import Any

from hexauth.errors import Away, UsageError, VaultError

RESTARTING = ("57P01", "57P02", "57P03")
"""SQLSTATE of a server that is going down, or coming up (PostgreSQL, appendix A)."""


MISSING = "pip install 'hexauth[postgres]'"

MEANINGS = {
    "28": ("does not let this role in", "Have the role, its password and pg_hba.conf checked."),
    "3D000": ("is not there", "Check its name in the address of the vault."),
    "42501": (
        "does not let this role do that",
        "Have it made a member of hexauth_host, which `hexauth vault init --print` shows.",
    ),
    "3F000": ("has no vault in it", "Make it with `hexauth vault init`."),
    "42P01": ("has no vault in it", "Make it with `hexauth vault init`."),
    "25006": (
        "can only be read: it is a replica, or was set so",
        "Name the primary, or all of them and target_session_attrs=read-write.",
    ),
    "53100": ("is full", "Have room made on its disk; nothing was overwritten."),
    "53": ("has not enough of what it needs", "Try again; have its limits looked at."),
    "57014": ("did not answer in time", "Try again; HEXAUTH_VAULT_TIMEOUT sets for how long."),
    "55P03": ("did not answer in time", "Try again; HEXAUTH_VAULT_TIMEOUT sets for how long."),
    "57": ("is being restarted", "Try again in a moment."),
    "58": ("has trouble with its disk", "Have its log looked at."),
    "XX": ("is damaged", "Have its log looked at."),
}
"""What an SQLSTATE means, by how it begins, and what to do; the first that fits counts."""

PHRASES = {
    "starting up": "57P03",
    "shutting down": "57P03",
    "recovery mode": "57P03",
    "not permitted to log in": "28000",
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "pg_hba.conf": "28000",
    "authentication failed": "28000",
    "too many": "53300",
    "remaining connection slots": "53300",
    "session is read-only": "25006",
    "is not in hot standby": "25006",
}
"""What libpq says of a connection that the server has refused, which carries no SQLSTATE."""

LOOPBACK = re.compile(r"127(\.[0-9]{1,3}){3}")
"""An address of this machine's; a name that only begins so may be anybody's."""

AWAY = "Try again in a moment; what is in memory goes on being handed out while it lives."

REASONS = (
    ("certificate", "its certificate is not trusted", "Name its authority with sslrootcert."),
    ("root.crt", "no authority is named", "Name one with sslrootcert=FILE, or sslrootcert=system."),
    ("does not support SSL", "it does not speak TLS", "Have TLS switched on (ssl = on)."),
    ("server name", "its name is not that of its certificate", "Name it as the certificate does."),
    ("translate host name", "its name is not known here", AWAY),
    ("timeout", "it did not answer in time", AWAY),
    ("refused", "nobody answers there", AWAY),
    ("No such file", "nobody answers there", AWAY),
    ("", "the connection broke", AWAY),
)
"""Why a database could not be reached, by what libpq says; the last one is for the rest."""

FINAL = 4
"""So many of the reasons do not pass by themselves."""


def driver() -> Any:  # noqa: ANN401  (a module)
    """Return the module psycopg, which takes as long as 15 starts of an interpreter."""
    try:
        import psycopg
    except ImportError as error:
        why = "is not there" if error.name == "psycopg" else "has no libpq"
        raise VaultError(
            f"The vault is in PostgreSQL, and psycopg, which speaks to it, {why}.",
            hint=f"Install it beside hexauth: {MISSING}.",
        ) from None
    return psycopg


def where(url: str) -> str:
    """Return the place that `url` names, without anything else that it may say."""
    from urllib.parse import parse_qs, unquote

    scheme, _, rest = url.partition("://")
    place, _, query = rest.partition("?")
    host, slash, database = place.rpartition("@")[2].partition("/")
    said = {name: values[-1] for name, values in parse_qs(query).items()}
    named = host or said.get("host", "")
    name = database or said.get("dbname", "") or said.get("service", "")
    return f"{scheme}://{unquote(named)}{slash or '/'}{unquote(name)}"


def explain(error: Exception, place: str) -> VaultError:
    """Return what `error`, of psycopg's, means, without any of its own words."""
    said = str(error)
    state = getattr(error, "sqlstate", None) or next(
        (state for phrase, state in PHRASES.items() if phrase in said), ""
    )
    if not state and 'database "' in said and "does not exist" in said:
        state = "3D000"
    if not state and 'role "' in said and "does not exist" in said:
        state = "28000"
    for begin, (what, hint) in MEANINGS.items():
        if state.startswith(begin) and not state.startswith("08"):
            if state.startswith(("57P", "53300")):
                return Away(f"The database {place} {what}.", hint=hint)
            return VaultError(f"The database {place} {what}.", hint=hint)
    if state and not state.startswith("08"):
        return VaultError(
            f"The database {place} failed: SQLSTATE {state}.", hint="Have its log looked at."
        )
    for number, (phrase, why, hint) in enumerate(REASONS):
        if phrase in said:
            if number < FINAL:
                return VaultError(f"The database {place} cannot be reached: {why}.", hint=hint)
            return Away(f"The database {place} cannot be reached: {why}.", hint=hint)
    raise AssertionError


def demanded(url: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return what a connection to `url` is given besides: TLS with names checked, off loopback.

    Raises `UsageError` if the address holds a password, or asks for less than that.
    """
    psycopg = driver()
    try:
        said = psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error:
        raise UsageError(
            "The address of the vault is none that libpq understands.",
            hint="Write it as postgresql://USER@HOST/DATABASE?sslmode=verify-full.",
        ) from None
    known = {**_defaults(psycopg, said.get("service") or environ.get("PGSERVICE")), **said}
    hosts = [
        each
        for name in ("host", "hostaddr")
        for each in str(known.get(name) or "").split(",")
        if each
    ]
    if all(map(is_here, hosts)):
        return {}
    mode = known.get("sslmode")
    if mode in (None, "", "prefer"):  # libpq's own default counts as nothing said
        mode = "verify-full"
    if mode != "verify-full":
        raise UsageError(
            f"The vault's database is elsewhere, and would be spoken to with sslmode={mode}.",
            hint="Say sslmode=verify-full, and name its authority with sslrootcert=FILE.",
        )
    return {"sslmode": mode}


def _defaults(psycopg: Any, service: object) -> dict[str, str]:  # noqa: ANN401  (a module)
    """Return what libpq takes from the environment, and from the file of services."""
    before = os.environ.get("PGSERVICE")
    try:
        if service:
            os.environ["PGSERVICE"] = str(service)
        found = psycopg.pq.Conninfo.get_defaults()
    except psycopg.Error:
        return {}
    finally:
        if service and before is None:
            del os.environ["PGSERVICE"]
        elif service:
            os.environ["PGSERVICE"] = str(before)
    return {each.keyword.decode(): each.val.decode() for each in found if each.val}


def is_here(host: str) -> bool:
    """Tell whether `host`, of a database, is this machine: a socket's folder, or loopback."""
    if host.startswith(("/", "@")):
        return True
    return host in ("localhost", "::1") or LOOPBACK.fullmatch(host) is not None
