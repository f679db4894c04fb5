"""hexauth-config(5): every setting, and what config.toml looks like."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from hexauth.world import values
from hexauth.world.settings import SETTINGS, Setting
from writers import roff


def _one_of(names: Iterable[str]) -> str:
    return "one of " + ", ".join(f'"{each}"' for each in names)


TYPES: Mapping[Callable[[object], object], str] = {
    values.text: "a text without control characters",
    values.key: "a text of printable ASCII characters",
    values.url: "an http(s) URL, without user name and password",
    values.seconds: "a whole number of seconds",
    values.switch: "true or false; in a variable, `0`, `false`, `no` and `off` are false",
    values.vault: _one_of(values.VAULTS),
    values.face: _one_of(values.FACES),
    values.opening: _one_of(values.OPENINGS),
    values.occasion: _one_of(values.OCCASIONS),
    values.origins: "a list of http URLs; in a variable, separated by spaces or commas",
    values.accounts: "a table: for a server's URL, the name of an account",
    values.servers: "a table for each URL, with the keys below",
    values.repositories: "a table for each name, with the keys below",
}
"""What a value looks like, by what reads it."""

KEYS = {
    "repositories": {
        "url": "Where the repository is.",
        "api_url": "Where its API is.",
        "trusted": "Whether it is given an `auth_key` or a token; true unless it is a mirror.",
        "oauth_exchange": "Whether its `auth_key` is exchanged for a token that ends by itself.",
        "oauth_exchange_api": "Whether its `api_key` is exchanged, too.",
        "oauth_exchange_url": "The API at which that is done.",
    },
    "servers": {
        "client_id": "The OAuth client to log in as.",
        "scope": "The scopes to ask for.",
        "username": "The user name that is handed out with a token.",
        "issuer": "Who its metadata say that it is (RFC 8414), if not the URL itself.",
        "device_authorization_endpoint": "Where a login begins (RFC 8628).",
        "token_endpoint": "Where tokens come from (RFC 6749).",
        "revocation_endpoint": "Where a session is ended (RFC 7009).",
        "userinfo_endpoint": "Where the user's name is asked for (OpenID Connect).",
    },
}
"""What the tables hold."""

EXAMPLE = """\
# Secrets rest in a file, encrypted with what this command prints.
vault = "file"
passphrase_command = "pass show hexauth"

# Hand out no token that ends within ten minutes.
min_ttl = 600

# Who is meant at a server where several are logged in.
[accounts]
"https://hex.pm/api" = "work"

# A repository of the company's own.
[repositories.mine]
url = "https://hex.example.com/repo"
api_url = "https://hex.example.com/api"

# A server that does not publish where it can be logged in to.
[servers."https://git.example.com"]
client_id = "0123456789"
device_authorization_endpoint = "https://git.example.com/login/device/code"
token_endpoint = "https://git.example.com/login/oauth/access_token"
"""


def body() -> Iterator[str]:
    """Yield the lines of the page, but for its first and its last ones."""
    yield from (
        ".SH NAME",
        "hexauth\\-config \\- the settings of hexauth, and its file config.toml",
    )
    yield from (".SH SYNOPSIS", "\\(ti/.config/hexauth/config.toml")
    yield ".SH DESCRIPTION"
    yield from roff.paragraphs(
        "A setting comes from an option of the command, from a variable of the environment, from "
        "config.toml, or is as usual, in this order. `hexauth config` shows each, and where it "
        "comes from.\n\n"
        "config.toml is a file in TOML (https://toml.io). It lies in `$XDG_CONFIG_HOME/hexauth`, "
        "which is ~/.config/hexauth by default; on macOS in ~/Library/Application "
        "Support/hexauth, on Windows in %LOCALAPPDATA%\\hexauth; with HEXAUTH_HOME, in the folder "
        "that it names. A key that is no setting is an error, and so is a file that others can "
        "write to, as it names commands and servers. Nothing is read from the current folder.\n\n"
        "A variable that is empty counts as not set. Values of variables are written without "
        "quotes."
    )
    yield ".SH SETTINGS"
    for setting in sorted(SETTINGS, key=lambda each: each.name):
        if setting.in_file:
            yield from _setting(setting)
    yield ".SH SETTINGS OF A RUN"
    yield from roff.paragraphs("These are secrets, or what only a run can say: not in config.toml.")
    for setting in sorted(SETTINGS, key=lambda each: each.name):
        if not setting.in_file:
            yield from _setting(setting)
    yield ".SH EXAMPLES"
    yield from roff.example("A config.toml that says many things:", EXAMPLE.splitlines())
    yield ".SH FILES"
    yield from roff.tagged("~/.config/hexauth/config.toml", "The file, on Linux.")
    yield ".SH DIAGNOSTICS"
    yield from roff.paragraphs(
        "What is wrong with a setting ends a run with exit code 2, and is said in two lines; see "
        "hexauth-diagnostics(7). `hexauth doctor` warns of variables that begin with HEXAUTH_ or "
        "HEX_ and are known to nobody."
    )


def _setting(setting: Setting) -> Iterator[str]:
    yield from roff.tagged(setting.name, setting.meaning)
    facts = [f"Value: {TYPES.get(setting.parse, 'a text')}."]
    facts.append(f"Default: {default(setting)}.")
    if setting.variables:
        facts.append(f"Variable: {', '.join(setting.variables)}.")
    if setting.flag:
        facts.append(f"Option: {setting.flag}.")
    for fact in facts:
        yield from (".br", roff.text(fact))
    for key, meaning in KEYS.get(setting.name, {}).items():
        yield from (".RS", *roff.tagged(key, meaning), ".RE")


def default(setting: Setting) -> str:
    """Return what a setting is if nobody says it, as TOML has it."""
    value = setting.default
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if value or isinstance(value, int) else "none"
