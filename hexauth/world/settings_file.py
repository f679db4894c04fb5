"""config.toml, changed by the names of settings; what hexauth would refuse is never written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hexauth import hot
from hexauth.errors import NotFound, UsageError, closest
from hexauth.machine.folders import Places
from hexauth.machine.mutex import Mutex
from hexauth.machine.rewriting import rewrite
from hexauth.world import settings as table
from hexauth.world import toml_edit, values
from hexauth.world.settings import SETTINGS, Setting, Settings

CHANGE_SECONDS = 10
"""The longest wait for another process that changes the file."""

YES = ("1", "true", "yes", "on")
"""How a person says that something is so; in a file, anything else than `hot.NO` does."""


@dataclass(frozen=True)
class Name:
    """What a person calls a setting, or what is in a table of them, or one thing said of that."""

    setting: Setting
    entry: str = ""
    """The server or the repository, where the setting is a table."""
    key: str = ""

    @property
    def path(self) -> tuple[str, ...]:
        """The keys that lead to it in config.toml."""
        return tuple(filter(None, (self.setting.name, self.entry, self.key)))

    def __str__(self) -> str:
        return ".".join(self.path)

    def value(self, settings: Settings) -> Any:  # noqa: ANN401  (each has its own type)
        """Return its value. Raises `NotFound` if nothing is said of it."""
        found = getattr(settings, self.setting.name)
        for name in self.path[1:]:
            if name not in found:
                raise NotFound(f"Nothing is said of {self}.", hint="See `hexauth config`.")
            found = found[name]
        return found

    def parsed(self, text: str) -> object:
        """Return what `text` means, as TOML has it. Raises `UsageError` if it means nothing."""
        parse = self._parser()
        if parse is values.switch and text.lower() not in (*hot.NO, *YES):
            raise UsageError(f"{self} must be true or false.", hint=self.setting.meaning)
        try:
            found = parse(text)
        except (ValueError, TypeError) as error:
            raise UsageError(f"{self} must be {error}.", hint=self.setting.meaning) from None
        return list(found) if isinstance(found, tuple) else found

    def _parser(self) -> Callable[[object], Any]:
        """Return how it is read. Raises `UsageError` for what has no value that is one word."""
        name = self.setting.name
        if name not in values.TABLES:
            return self.setting.parse
        _, keys = values.TABLES[name]
        if self.entry and not keys:
            return values.text
        if self.key:
            return keys[self.key]
        stem, _, last = self.entry.rpartition(".")
        close = closest(last, keys) if stem else ""
        example = f"{name}.{self.entry or ENTRIES[name]}{'.KEY' if keys else ''}"
        raise UsageError(
            _perhaps(f"{self} is a table", close and f"{name}.{stem}.{close}"),
            hint=f"Write {example}"
            + (f", with one of the keys {', '.join(keys)}." if keys else ", and the value."),
        )


ENTRIES = {"accounts": "SERVER", "servers": "SERVER", "repositories": "NAME"}
"""What stands for a name in a table, in messages."""


def _perhaps(problem: str, likely: str) -> str:
    """Return what is wrong, and what may have been meant."""
    return f"{problem}; did you mean {likely}?" if likely else f"{problem}."


def find(text: str) -> Name:
    """Return what a person has named, such as `min_ttl` or `repositories.acme.url`.

    Shells take quotes away, so that what is between the first dot and the last key is one name with
    them or without: `servers."https://a.test".scope`. Raises `UsageError` if there is no such
    setting.
    """
    head, dot, rest = text.partition(".")
    setting = next((each for each in SETTINGS if each.name == head), None)
    if setting is None:
        names = [each.name for each in SETTINGS]
        close = closest(head.replace("-", "_"), names)
        raise UsageError(
            _perhaps(f"There is no setting {head!r}", close),
            hint="`hexauth config` lists them.",
        )
    if not dot:
        return Name(setting)
    if head not in values.TABLES:
        raise UsageError(f"{head} is no table.", hint=f"Name it alone: {head}")
    read, keys = values.TABLES[head]
    entry, _, key = rest.rpartition(".")
    if not entry or _bare(key) not in keys:
        entry, key = rest, ""
    try:
        return Name(setting, read(_bare(entry)), _bare(key))
    except ValueError as error:
        raise UsageError(f"{entry} must be {error}.", hint=setting.meaning) from None


def _bare(name: str) -> str:
    """Return a key of TOML without the quotes around it."""
    is_quoted = len(name) > 1 and name[0] == name[-1] and name[0] in "'\""
    return name[1:-1] if is_quoted else name


def put(here: Places, name: Name, value: object) -> Settings:
    """Write `value`, which was parsed, into config.toml; return what the file alone says then.

    Raises `UsageError` if that makes no sense, or the file may not be trusted; `HexauthError` if
    somebody else changes it just now; OSError.
    """
    _demand_in_file(name)

    def change(text: str) -> str:
        return toml_edit.put(text, _written(text, name), value)

    return _change(here, name, change)


def take(here: Places, name: Name) -> Settings:
    """Take a setting out of config.toml; return what the file alone says then.

    Raises `NotFound` if it is not there, and what `put` does.
    """
    _demand_in_file(name)

    def change(text: str) -> str:
        try:
            return toml_edit.take(text, _written(text, name))
        except KeyError:
            raise NotFound(
                f"{here.config} says nothing of {name}.",
                hint="`hexauth config` tells where each value comes from.",
            ) from None

    return _change(here, name, change)


def _demand_in_file(name: Name) -> None:
    """Raise `UsageError` for what only a run can say."""
    setting = name.setting
    if not setting.in_file:
        raise UsageError(
            f"{setting.name} cannot be set in config.toml.",
            hint=f"Set the variable {setting.variables[0]} instead.",
        )


def _written(text: str, name: Name) -> tuple[str, ...]:
    """Return the keys that lead to a name in the document `text`, where it may be spelled else."""
    if not name.entry:
        return name.path
    import tomllib

    found = tomllib.loads(text).get(name.setting.name)
    read, _ = values.TABLES[name.setting.name]
    for entry in found if isinstance(found, Mapping) else ():
        try:
            if read(entry) == name.entry:
                return (name.setting.name, entry, *name.path[2:])
        except ValueError:
            continue
    return name.path


def _change(here: Places, name: Name, change: Callable[[str], str]) -> Settings:
    """Let `change` make another text of config.toml, one process at a time."""
    file = here.config
    with Mutex(here.state / "config.lock").held(CHANGE_SECONDS):
        before = table.read(file)
        try:
            after = change(before.decode("utf-8")).encode()
        except (ValueError, RecursionError) as failure:
            table.load({}, file, content=before)  # it says why, if it is no TOML
            raise UsageError(
                f"{name} cannot be changed in {file}: {failure}.", hint="Change it there by hand."
            ) from None
        found = table.load({}, file, content=after)
        if after != before:
            rewrite(file, before if file.exists() else None, after)
        return found
