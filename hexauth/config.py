"""Settings: one table of them, read from flags, the environment and config.toml.

Nothing is read from the current folder, because a cloned repository is not its user.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hexauth import hex as hexpm
from hexauth.errors import UsageError
from hexauth.model import Login
from hexauth.urls import is_loopback, is_web_url, origin, split_url


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError("a text without control characters")
    return value


def _url(value: object) -> str:
    text = _text(value).rstrip("/")
    if not is_web_url(text) or "@" in urlsplit(text).netloc:
        raise ValueError("an http(s) URL without user name and password")
    return text


def _seconds(value: object) -> int:
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)):
        raise ValueError("a whole number of seconds")
    return int(str(value))


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    return _text(value).lower() not in ("", "0", "false", "no", "off")


def _vault(value: object) -> str:
    if value not in ("auto", "keyring", "file"):
        raise ValueError("auto, keyring or file")
    return str(value)


def _origins(value: object) -> tuple[str, ...]:
    items = value.split() if isinstance(value, str) else value
    if not isinstance(items, list):
        raise TypeError("a list of http URLs")
    return tuple(origin(*split_url(_url(item))) for item in items)


@dataclass(frozen=True)
class Setting:
    """One thing that can be set, and where: flag over environment over file."""

    name: str
    """Its name in `Settings` and its key in config.toml."""
    variables: tuple[str, ...]
    default: Any
    parse: Callable[[object], Any]
    meaning: str
    flag: str = ""
    in_file: bool = True
    """False for what only a run can say, and for secrets."""


SETTINGS = (
    Setting("vault", ("HEXAUTH_VAULT",), "auto", _vault,
            "Where secrets rest: auto, keyring (the operating system's) or file.", "--vault"),
    Setting("vault_timeout", ("HEXAUTH_VAULT_TIMEOUT",), 20, _seconds,
            "Seconds that one call to the OS keyring may take."),
    Setting("passphrase", ("HEXAUTH_PASSPHRASE",), "", _text,
            "Encrypts the file vault.", in_file=False),
    Setting("passphrase_file", ("HEXAUTH_PASSPHRASE_FILE",), "", _text,
            "A file whose first line is that passphrase."),
    Setting("passphrase_command", ("HEXAUTH_PASSPHRASE_COMMAND",), "", _text,
            "A command that prints that passphrase."),
    Setting("min_ttl", ("HEXAUTH_MIN_TTL",), 300, _seconds,
            "Seconds that a token must still live to be handed out without a refresh.",
            "--min-ttl"),
    Setting("cache", ("HEXAUTH_CACHE",), True, _switch,
            "Keep the access token in memory too, so that the next `get` is answered at once."),
    Setting("no_login", ("HEXAUTH_NO_LOGIN",), False, _switch,
            "Never ask anybody to log in.", "--no-login"),
    Setting("ci", ("CI",), False, _switch,
            "This is a build machine: nobody is there to be asked.", in_file=False),
    Setting("api_url", ("HEX_API_URL", "HEX_API"), hexpm.API_URL, _url,
            "The Hex server that the name hexpm stands for."),
    Setting("api_key", ("HEX_API_KEY",), "", _text,
            "An API key, or `Bearer TOKEN`, for that server's API alone.", in_file=False),
    Setting("client_id", ("HEXAUTH_CLIENT_ID",), hexpm.CLIENT_ID, _text,
            "The OAuth client to log in as."),
    Setting("scope", ("HEXAUTH_SCOPE",), hexpm.SCOPE, _text,
            "The scopes to ask for at login.", "--scope"),
    Setting("username", ("HEXAUTH_USERNAME",), "oauth2", _text,
            "The user name that git and others are given with a login's token."),
    Setting("allow_http", ("HEXAUTH_ALLOW_HTTP",), (), _origins,
            "Servers that may be spoken to without TLS; loopback always may."),
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The settings in force; see `SETTINGS` for what each means."""

    vault: str
    vault_timeout: int
    passphrase: str = field(repr=False)
    passphrase_file: str
    passphrase_command: str
    min_ttl: int
    cache: bool
    no_login: bool
    ci: bool
    api_url: str
    api_key: str = field(repr=False)
    client_id: str
    scope: str
    username: str
    allow_http: tuple[str, ...]
    sources: Mapping[str, str]
    """For each setting, where its value came from: `--flag`, `$VARIABLE`, `config.toml`, or ``."""

    @property
    def login(self) -> Login:
        """The login that `hexpm` and its organizations share."""
        return Login(self.api_url, self.client_id)


def load(
    environ: Mapping[str, str], file: Path, flags: Mapping[str, object] | None = None
) -> Settings:
    """Return the settings in force; `flags` maps names to values, None meaning not given.

    An empty variable counts as unset. Raises `UsageError` for a value that makes no sense, a file
    that cannot be read, and a key that nobody knows.
    """
    written = _read(file)
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        value, source = _find(setting, environ, written, flags or {})
        try:
            values[setting.name] = setting.default if source == "" else setting.parse(value)
        except (ValueError, TypeError) as error:
            where = f"{setting.name} in {file}" if source == "config.toml" else source
            raise UsageError(f"{where} must be {error}.", hint=setting.meaning) from None
        sources[setting.name] = source
    settings = Settings(**values, sources=sources)
    require_https(settings.api_url, settings)
    return settings


def _find(
    setting: Setting,
    environ: Mapping[str, str],
    written: Mapping[str, object],
    flags: Mapping[str, object],
) -> tuple[object, str]:
    if flags.get(setting.name) is not None:
        return flags[setting.name], setting.flag
    for variable in setting.variables:
        if environ.get(variable):
            return environ[variable], f"${variable}"
    if setting.name in written:
        return written[setting.name], "config.toml"
    return None, ""


def _read(file: Path) -> Mapping[str, object]:
    try:
        text = file.read_text("utf-8")
        import tomllib

        found = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else f"it is no TOML ({error})"
        raise UsageError(
            f"{file} cannot be read: {why}.", hint="Mend the file or remove it."
        ) from None
    known = {setting.name for setting in SETTINGS if setting.in_file}
    for key in found:
        if key not in known:
            raise UsageError(
                f"{file} has a key that hexauth does not know: {key}.",
                hint=f"Known keys are {', '.join(sorted(known))}.",
            )
    return found


def require_https(url: str, settings: Settings) -> None:
    """Raise `UsageError` unless `url` is https, on loopback, or named by `allow_http`."""
    scheme, host = split_url(url)
    if scheme == "https" or is_loopback(host) or origin(scheme, host) in settings.allow_http:
        return
    raise UsageError(
        f"{origin(scheme, host)} is not encrypted, so a token sent there could be read by others.",
        hint="Use https, or name the server in the setting allow_http.",
    )
