"""What can be named on this machine, for the completion of a shell: known without asking anybody.

It goes by variables, config.toml and the index, and imports next to nothing, as somebody waits
for it with a finger on Tab. `hexauth complete KIND` prints it. What makes no sense is passed over:
the command itself will say so.
"""

import os
import sys

from hexauth import hot

TYPE_CHECKING = False  # as in `typing`, whose import takes as long as a bare interpreter
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Tables = Mapping[str, Mapping[str, object]]

MOST_WORDS, MOST_BYTES = 1000, 1 << 20
"""The most words that are offered, and the longest file that is read for them."""

MARKS = frozenset("._:/@+-")
"""What words may hold besides letters and digits: nothing that acts on bash, zsh or fish."""

NAMING = (b"repositories", b"servers", b"account", b"_url")
"""What is in a config.toml that has names in it."""

HEXPM = "hexpm"
"""The repository that there always is; `hex` takes longer to import than all of this."""


class Names:
    """What the surroundings `environ` know; a part of them that cannot be read knows nothing."""

    def __init__(self, environ: "os._Environ[str] | dict[str, str]") -> None:
        config, state = files(environ)
        self._environ = environ
        self._config = _toml(read(config))
        self._facts = list(_index(read(f"{state}/index.json")).values())

    def targets(self) -> "Iterator[object]":
        """Yield what a credential can be asked for."""
        yield from self.repositories()
        yield from self._urls()

    def repositories(self) -> "Iterator[object]":
        """Yield the repositories: those of config.toml, and those with keys."""
        yield HEXPM
        yield from self._table("repositories")
        yield from self.keys()

    def keys(self) -> "Iterator[object]":
        """Yield the repositories with keys."""
        yield from (facts["repository"] for facts in self._facts if facts.get("kinds"))

    def servers(self) -> "Iterator[object]":
        """Yield where somebody can log in."""
        yield HEXPM
        yield from self._said("api_url", "HEX_API_URL", "HEX_API")
        yield from self._table("servers")
        yield from (each["server"] for each in self._logins())

    def accounts(self) -> "Iterator[object]":
        """Yield the names of accounts, at whichever server."""
        yield from self._said("account", "HEXAUTH_ACCOUNT")
        yield from self._table("accounts").values()
        for each in self._logins():
            yield each.get("account") or each.get("user")

    def hosts(self) -> "Iterator[object]":
        """Yield the hosts that something is known of, with their ports."""
        yield from (url.partition("://")[2].partition("/")[0] for url in words(self._urls()))

    def _urls(self) -> "Iterator[object]":
        yield from (each for each in self.servers() if each != HEXPM)
        yield from self._said("mirror_url", "HEX_MIRROR_URL", "HEX_MIRROR")
        yield from self._said("trusted_mirror_url", "HEX_TRUSTED_MIRROR_URL", "HEX_TRUSTED_MIRROR")
        for table in self._table("repositories").values():
            if isinstance(table, dict):
                yield from (table[key] for key in ("url", "api_url") if key in table)
        for facts in self._facts:
            if "host" in facts and "protocol" in facts:
                yield f"{facts['protocol']}://{facts['host']}"

    def _logins(self) -> "Iterator[Mapping[str, str]]":
        for facts in self._facts:
            if "server" in facts and "client_id" in facts and not facts.get("exchange"):
                yield facts

    def _said(self, name: str, *variables: str) -> "Iterator[object]":
        """Yield the value of a setting, and nothing if it has none."""
        given = next((self._environ[each] for each in variables if self._environ.get(each)), None)
        yield given or self._config.get(name)

    def _table(self, name: str) -> "Mapping[str, object]":
        found = self._config.get(name)
        return found if isinstance(found, dict) else {}


KINDS: "Mapping[str, Callable[[Names], Iterator[object]]]" = {
    "targets": Names.targets,
    "repositories": Names.repositories,
    "keys": Names.keys,
    "servers": Names.servers,
    "accounts": Names.accounts,
    "hosts": Names.hosts,
}
"""What can be asked for."""


def complete(kind: str) -> None:
    """Print the words of `kind`, one a line, and end the process; whatever is wrong, say nothing.

    A shell that is completing has no place for messages: they would land amid what is typed.
    """
    try:
        found = words(KINDS[kind](Names(os.environ)))
        os.write(1, "".join(f"{each}\n" for each in found).encode())
    except (Exception, KeyboardInterrupt):  # noqa: S110  (said above)
        pass
    os._exit(0)


def words(found: "Iterator[object]") -> "list[str]":
    """Return those of `found` that a shell takes as they are: once each, in their order."""
    plain = (each for each in found if isinstance(each, str) and is_word(each))
    return list(dict.fromkeys(plain))[:MOST_WORDS]


def is_word(text: str) -> bool:
    """Tell whether every shell reads `text` as one word, and no command as an option.

    What stands before the @ of an address may be a password, which nobody is to see.
    """
    is_short = 0 < len(text) < 256 and text[0] != "-" and not ("://" in text and "@" in text)
    return is_short and all(each.isalnum() or each in MARKS for each in text)


def files(environ: "os._Environ[str] | dict[str, str]") -> tuple[str, str]:
    """Return config.toml and the state folder, as `machine.folders.places` does. Raises OSError."""
    home, user = environ.get("HEXAUTH_HOME"), environ.get("HOME")
    if sys.platform == "linux" and (home or user) and (home or "/")[0] == "/":
        config = home or f"{environ.get('XDG_CONFIG_HOME') or f'{user}/.config'}/hexauth"
        return f"{config}/config.toml", hot.state_folder(environ)
    from hexauth.machine.folders import places  # 15 ms

    found = places(environ)
    return str(found.config), str(found.state)


def read(path: str) -> bytes:
    """Return what the file at `path` holds; nothing if others could have written it, or it is none.

    Root may have.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):  # a NUL in it
        return b""
    try:
        found = os.fstat(descriptor)
        is_plain = found.st_mode & 0o170000 == 0o100000 and found.st_size < MOST_BYTES
        is_ours = os.name != "posix" or (
            found.st_uid in (os.getuid(), 0) and not found.st_mode & 0o022
        )
        return os.read(descriptor, MOST_BYTES) if is_plain and is_ours else b""
    finally:
        os.close(descriptor)


def _toml(content: bytes) -> "Mapping[str, object]":
    if not any(each in content for each in NAMING):
        return {}
    import tomllib  # it takes as long as a bare interpreter

    try:
        return tomllib.loads(content.decode())
    except (ValueError, RecursionError):
        return {}


def _index(content: bytes) -> "Mapping[str, Mapping[str, str]]":
    if not content:
        return {}
    from hexauth.vault.quick import entries

    return entries(content)
