"""The settings in force, which of them are dangerous, and variables that nobody knows."""

import os
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, ok, problem, warning
from hexauth.hex import OTHER_VARIABLES
from hexauth.machine.private import who_else
from hexauth.world.settings import SETTINGS, Setting
from hexauth.world.told import masked

DANGERS = {
    "unsafe_https": (True, "No certificate is checked: anybody in between can read everything."),
    "offline": (True, "Nothing is sent to any server, so no token is refreshed."),
    "cache": (False, "No token is kept in memory, so that every `get` reads the vault."),
}
"""Settings that are not meant to stay, the values that they have then, and what follows."""

LIKENESS = 0.8
"""How alike, from 0 to 1, a name has to be to one that is known to be taken for it."""


def look(case: Case) -> Iterator[Finding]:
    """Yield what is said of config.toml, of each setting that is not as usual, and of variables."""
    yield _file(case)
    if case.fault is not None:
        text = f"{case.fault} What depends on the settings was not looked at."
        yield problem("settings", text, case.fault.hint)
    for setting in SETTINGS:
        if case.fault is None and (source := case.settings.sources[setting.name]):
            yield _setting(case, setting, source)
        elif case.fault is not None:
            names = [name for name in setting.variables if case.environ.get(name)]
            yield from (ok(name, "It is set.") for name in names)
    yield from _unknown(case.environ)


def _file(case: Case) -> Finding:
    path = case.places.config
    try:
        found = path.stat()
    except FileNotFoundError:
        return ok("config.toml", f"There is none at {path}.")
    except OSError as error:
        return problem("config.toml", f"{path}: {error.strerror}.", "Make it readable for you.")
    if not os.access(path, os.R_OK):
        return problem("config.toml", f"{path} cannot be read.", f"Run `chmod u+r {path}`.")
    if others := who_else(found):
        text = f"{path} is not trusted: {others}."
        return problem("config.toml", text, f"Make it yours: `chmod go-w {path}`.")
    return ok("config.toml", str(path))


def _setting(case: Case, setting: Setting, source: str) -> Finding:
    value = getattr(case.settings, setting.name)
    words = f"{_shown(setting, value)} ({source})"
    undo = "Leave it out" if source.startswith("-") else f"Unset {source.lstrip('$')}"
    if source == "config.toml":
        undo = f"Take {setting.name} out of config.toml"
    bad, consequence = DANGERS.get(setting.name, (None, ""))
    if consequence and value is bad and not source.startswith("-"):
        return warning(setting.name, f"{words}. {consequence}", f"{undo}, unless it is meant so.")
    if setting.name == "allow_http" and value:
        consequence = "What is sent there can be read on the way."
        return warning(setting.name, f"{words}. {consequence}", f"{undo}, and use https.")
    if setting.name == "api_key" and _is_logged_in(case):
        consequence = "It is used instead of the login at its server."
        return warning(setting.name, f"{words}. {consequence}", f"{undo} to use the login.")
    return ok(setting.name, words)


def _is_logged_in(case: Case) -> bool:
    return any(login.server == case.settings.api_url for login in case.logins)


def _shown(setting: Setting, value: object) -> str:
    """Return a value in words: none of a secret's, and of a table the names that it has."""
    if setting.secret:
        return "set"
    if isinstance(value, Mapping):
        return ", ".join(masked(name) for name in value)
    if isinstance(value, bool):
        return "on" if value else "off"
    items = value if isinstance(value, tuple) else [value]
    return " ".join(masked(str(each)) if "://" in str(each) else str(each) for each in items)


def _unknown(environ: Mapping[str, str]) -> Iterator[Finding]:
    known = {"HEXAUTH_HOME", *OTHER_VARIABLES}
    known.update(name for setting in SETTINGS for name in setting.variables)
    for name in sorted(environ):
        if name.startswith(("HEXAUTH_", "HEX_")) and name not in known:
            likely = get_close_matches(name, sorted(known), 1, LIKENESS)
            advice = f"Did you mean {likely[0]}?" if likely else "Correct its name, or unset it."
            yield warning(name, "Neither hexauth nor mix knows this variable.", advice)
