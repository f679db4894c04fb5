"""Settings: one table of them, read from flags, the environment and config.toml.

Nothing is read from the current folder, because a cloned repository is not its user.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hexauth import hex as hexpm
from hexauth.errors import UsageError, did_you_mean
from hexauth.machine.private import read_regular, who_else
from hexauth.model import Login
from hexauth.world import values
from hexauth.world.urls import is_loopback, origin, split_url
from hexauth.world.values import Tables


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
    secret: bool = False
    """True for what is never shown."""


def _set(*facts: object, **more: bool) -> Any:  # noqa: ANN401  (a field of any type)
    """Return a field of `Settings`, described as `Setting` is; a secret shows in no repr."""
    return field(repr=not more.get("secret"), metadata={"facts": facts, "more": more})


@dataclass(frozen=True)
class Settings:
    """The settings in force: what each is, where it is said, and what it means."""

    sources: Mapping[str, str]
    """For each setting, where its value came from: `--flag`, `$VARIABLE`, `config.toml`, or ``."""
    # fmt: off
    vault: str = _set(("HEXAUTH_VAULT",), "auto", values.vault,
        "Where secrets rest: auto, keyring (the operating system's), file, or a database that "
        "hosts share: postgresql://...", "--vault")
    vault_timeout: int = _set(("HEXAUTH_VAULT_TIMEOUT",), 20, values.seconds,
        "Seconds that one call to the OS keyring, or to a database, may take.")
    passphrase: str = _set(("HEXAUTH_PASSPHRASE",), "", values.text,
        "Encrypts the file vault, and what is in a database.", in_file=False, secret=True)
    passphrase_file: str = _set(("HEXAUTH_PASSPHRASE_FILE",), "", values.text,
        "A file whose first line is that passphrase.")
    passphrase_command: str = _set(("HEXAUTH_PASSPHRASE_COMMAND",), "", values.text,
        "A command that prints that passphrase.", secret=True)
    min_ttl: int = _set(("HEXAUTH_MIN_TTL",), 300, values.seconds,
        "Seconds that a token must still live to be handed out without a refresh.",
        "--min-ttl")
    cache: bool = _set(("HEXAUTH_CACHE",), True, values.switch,
        "Keep the access token in memory too, so that the next `get` is answered at once.")
    cache_stored: int = _set(("HEXAUTH_CACHE_STORED",), 0, values.seconds,
        "Seconds for which a password that a tool has stored is kept in memory; 0 for none.")
    no_login: bool = _set(("HEXAUTH_NO_LOGIN",), False, values.switch,
        "Never ask anybody to log in.", "--no-login")
    screen: str = _set(("HEXAUTH_SCREEN",), "auto", values.face,
        "How a login looks at a terminal: auto, or plain, in lines that stay as they are.")
    browser: str = _set(("HEXAUTH_BROWSER",), "now", values.opening,
        "When the browser is opened: now, enter (when that key is pressed) or never.",
        "--no-browser")
    qr: str = _set(("HEXAUTH_QR",), "auto", values.occasion,
        "When the address is shown as a QR code, too: auto (there is no browser here), always "
        "or never.", "--qr")
    notify: bool = _set(("HEXAUTH_NOTIFY",), True, values.switch,
        "Tell of a login by a desktop notification too, where nobody sees a terminal.")
    ci: bool = _set(("CI",), False, values.switch,
        "This is a build machine: nobody is there to be asked.", in_file=False)
    api_url: str = _set(("HEX_API_URL", "HEX_API"), hexpm.API_URL, values.url,
        "The Hex server that the name hexpm stands for.")
    api_key: str = _set(("HEX_API_KEY",), "", values.key,
        "An API key, or `Bearer TOKEN`, for that server's API alone.",
        in_file=False, secret=True)
    repos_key: str = _set(("HEX_REPOS_KEY",), "", values.key,
        "An API key for that server's repositories alone.", in_file=False, secret=True)
    otp: str = _set(("HEX_OTP",), "", values.text,
        "The one-time password that a request is repeated with if its server wants one.",
        in_file=False, secret=True)
    mirror_url: str = _set(("HEX_MIRROR_URL", "HEX_MIRROR"), "", values.url,
        "A mirror of the repository; it is given no credential but a `repo_key` of its own.")
    trusted_mirror_url: str = _set(("HEX_TRUSTED_MIRROR_URL", "HEX_TRUSTED_MIRROR"), "", values.url,
        "A mirror of the repository that is given what the repository itself is given.")
    account: str = _set(("HEXAUTH_ACCOUNT",), "", values.text,
        "The account to use, where there are several at one server.", "--account")
    accounts: Mapping[str, str] = _set((), {}, values.accounts,
        "For a server's address, the account that is used if none is named.")
    servers: Tables = _set((), {}, values.servers,  # noqa: RUF009  (it makes a field)
        "For an address, the OAuth server that issues its tokens.")
    repositories: Tables = _set((), {}, values.repositories,  # noqa: RUF009  (the same)
        "For a repository's name, where it is and whether it is trusted.")
    client_id: str = _set(("HEXAUTH_CLIENT_ID",), hexpm.CLIENT_ID, values.text,
        "The OAuth client to log in as.")
    scope: str = _set(("HEXAUTH_SCOPE",), hexpm.SCOPE, values.text,
        "The scopes to ask for at login.", "--scope")
    username: str = _set(("HEXAUTH_USERNAME",), "oauth2", values.text,
        "The user name that git and others are given with a login's token.")
    allow_http: tuple[str, ...] = _set(("HEXAUTH_ALLOW_HTTP",), (), values.origins,
        "Servers that may be spoken to without TLS; loopback always may.")
    http_timeout: int = _set(("HEX_HTTP_TIMEOUT",), 30, values.seconds,
        "Seconds to wait for a server to go on with its answer.")
    offline: bool = _set(("HEX_OFFLINE",), False, values.switch,
        "Send nothing to any server.", "--offline")
    cacerts_path: str = _set(("HEX_CACERTS_PATH",), "", values.text,
        "Authorities to trust besides the system's: a file of certificates (PEM), or a folder.")
    cert_file: str = _set(("SSL_CERT_FILE",), "", values.text,
        "Authorities to trust as well, as OpenSSL's programs are told: a file of certificates.",
        in_file=False)
    cert_dir: str = _set(("SSL_CERT_DIR",), "", values.text,
        "The same in folders, separated as in PATH; those that are not there are passed over.",
        in_file=False)
    ca_bundle: str = _set(("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), "", values.text,
        "Authorities to trust as well, as requests and curl are told: a file, or a folder.",
        in_file=False)
    unsafe_https: bool = _set(("HEX_UNSAFE_HTTPS",), False, values.switch,
        "Trust any certificate, so that anybody in between can read everything.",
        in_file=False)
    https_proxy: str = _set(("HTTPS_PROXY", "https_proxy"), "", values.text,
        "The proxy to send requests through.", in_file=False, secret=True)
    no_proxy: str = _set(("NO_PROXY", "no_proxy"), "", values.text,
        "Hosts that no proxy is used for, separated by commas.", in_file=False)
    verbose: bool = _set(("HEXAUTH_VERBOSE",), False, values.switch,
        "Tell on standard error what is done, and how long it takes.", "--verbose",
        in_file=False)
    hex_home: str = _set(("HEX_HOME",), "", values.text,
        "The folder in which mix keeps its `hex.config`, for `hexauth import`.",
        in_file=False)
    # fmt: on

    @property
    def flagged(self) -> set[str]:
        """The settings that this run was given as options; what it finds is for no other run.

        How it looked is no part of that.
        """
        given = {name for name, source in self.sources.items() if source.startswith("-")}
        return given - {"browser", "qr"}

    @property
    def login(self) -> Login:
        """The login that `hexpm` and its organizations share."""
        return Login(self.api_url, self.client_id)


SETTINGS = tuple(
    Setting(each.name, *each.metadata["facts"], **each.metadata["more"])
    for each in fields(Settings)
    if each.metadata
)


def load(
    environ: Mapping[str, str],
    file: Path,
    flags: Mapping[str, object] | None = None,
    *,
    content: bytes | None = None,
) -> Settings:
    """Return the settings in force; `flags` maps names to values, None meaning not given.

    An empty variable counts as unset. `content` is what `file` is about to hold, if that is the
    question. Raises `UsageError` for a value that makes no sense, a file that cannot be read, and
    a key that nobody knows.
    """
    written = _parse(file, read(file) if content is None else content)
    found: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for setting in SETTINGS:
        value, source = _find(setting, environ, written, flags or {})
        try:
            found[setting.name] = setting.default if source == "" else setting.parse(value)
        except (ValueError, TypeError) as error:
            where = f"{setting.name} in {file}" if source == "config.toml" else source
            likely = error.likely if isinstance(error, values.NoneOf) else ""
            raise UsageError(
                f"{where} must be {error}.",
                hint=f"{likely}Correct it, or leave it out. {setting.meaning}",
            ) from None
        sources[setting.name] = source
    settings = Settings(**found, sources=sources)
    for url in (settings.api_url, settings.mirror_url, settings.trusted_mirror_url):
        if url:
            require_https(url, settings)
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


def read(file: Path) -> bytes:
    """Return what `file`, a config.toml, holds; nothing if it is not there.

    Raises `UsageError` if it cannot be read, or others can write to it.
    """
    try:
        content, facts = read_regular(file)
    except FileNotFoundError as error:
        if not file.is_symlink():
            return b""
        raise UsageError(
            f"{file} is a link to nothing.", hint="Mend the link or remove it."
        ) from error
    except OSError as error:
        raise _unreadable(file, str(error.strerror)) from None
    if others := who_else(facts):  # it names commands, and servers
        raise UsageError(
            f"{file} is not trusted: {others}.", hint=f"Make it yours: `chmod go-w {file}`."
        )
    return content


def _unreadable(file: Path, why: str) -> UsageError:
    return UsageError(f"{file} cannot be read: {why}.", hint="Mend the file or remove it.")


def _parse(file: Path, content: bytes) -> Mapping[str, object]:
    """Return what `content`, which is or will be that of `file`, says."""
    if not content:
        return {}
    import tomllib

    try:
        found = tomllib.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(file, f"it is no TOML ({error})") from None
    known = {setting.name for setting in SETTINGS if setting.in_file}
    for key in found:
        if key not in known:
            raise UsageError(
                f"{file} has a key that hexauth does not know: {key}.",
                hint=f"{did_you_mean(key, known)}Known keys are {', '.join(sorted(known))}.",
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
