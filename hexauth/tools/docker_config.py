"""The helpers in docker's config.json: as little of its text as possible is changed.

Docker writes it with tabs; what is put in is written as docker would, so it can be found again.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from hexauth.errors import UsageError

HELPER = "hexauth"
"""What docker calls `docker-credential-hexauth`."""

MADE = "{}\n\n"
"""What a file that is made begins as: nobody else ends one like this."""

KEY, STORE = "credHelpers", "credsStore"


def put(before: bytes | None, hosts: tuple[str, ...], *, everywhere: bool) -> bytes:
    """Return config.json with hexauth for `hosts`, or `everywhere` else too.

    Raises `UsageError` if the file is not JSON as docker reads it, or names another helper there.
    """
    found = load(before)
    helpers: Mapping[str, object] = found.get(KEY, {})
    for host in hosts:
        _check(host, helpers.get(host))
    if everywhere:
        _check("every server", found.get(STORE))
    new = [host for host in hosts if host not in helpers]
    text = MADE if before is None else before.decode()
    if new and helpers:
        text = _insert(text, f"{_lines(new)},", KEY)
    elif new and KEY in found:
        text = _insert(text, _inline(new), KEY)
    elif new:
        text = _insert_key(text, _object(new), is_first=not found)
    if everywhere and STORE not in found:
        text = _insert_key(text, f'\n\t"{STORE}": "{HELPER}"', is_first=not (found or new))
    wanted: dict[str, Any] = {**found}
    if hosts:
        wanted[KEY] = {**helpers, **dict.fromkeys(hosts, HELPER)}
    if everywhere:
        wanted[STORE] = HELPER
    return _checked(text, wanted)


def take(before: bytes | None) -> bytes | None:
    """Return config.json without hexauth; None if nothing is left of a file that it has made.

    Raises `UsageError` if the file is not JSON as docker reads it.
    """
    found = load(before)
    if before is None or not has(before):
        return before
    ours = [host for host, value in found.get(KEY, {}).items() if value == HELPER]
    wanted: dict[str, Any] = {**found, KEY: {**found.get(KEY, {})}}
    for host in ours:
        del wanted[KEY][host]
    if wanted.get(STORE) == HELPER:
        del wanted[STORE]
    text = before.decode()
    if found.get(STORE) == HELPER:
        text = _without(text, f'\n\t"{STORE}": "{HELPER}"')
    text = _without(text, _object(ours))
    for host in ours:
        text = text.replace(f"{_lines([host])},", "", 1)
    text = text.replace(_inline(ours), "", 1)
    if not wanted[KEY] and KEY not in (_said(text) or {}):
        del wanted[KEY]
    if text == MADE and not wanted:
        return None
    return _checked(text, wanted)


def has(content: bytes | None) -> bool:
    """Tell whether config.json names hexauth. Raises `UsageError` as `take` does."""
    found = load(content)
    return HELPER in (found.get(STORE), *found.get(KEY, {}).values())


def load(content: bytes | None) -> dict[str, Any]:
    """Return what config.json says. Raises `UsageError` if it is not as docker writes it."""
    if content is None:
        return {}
    try:
        found = json.loads(content.decode())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get(KEY, {}), dict):
        raise UsageError(
            "Docker's config.json is not as docker writes it.",
            hint="Put it in order first; nothing was changed.",
        )
    return found


def _check(place: str, value: object) -> None:
    if value not in (None, HELPER):
        raise UsageError(
            f"Docker already uses the helper {value!r} for {place}.",
            hint="Take that out of its config.json first; nothing was changed.",
        )


def _lines(hosts: list[str]) -> str:
    return ",".join(f"\n\t\t{json.dumps(host)}: {json.dumps(HELPER)}" for host in hosts)


def _inline(hosts: list[str]) -> str:
    return ", ".join(f"{json.dumps(host)}: {json.dumps(HELPER)}" for host in hosts)


def _object(hosts: list[str]) -> str:
    return f'\n\t"{KEY}": {{{_lines(hosts)}\n\t}}'


def _insert(text: str, piece: str, key: str) -> str:
    """Put `piece` first into the object called `key`."""
    found = re.search(rf'"{key}"\s*:\s*\{{', text)
    place = found.end() if found else len(text)
    return text[:place] + piece + text[place:]


def _insert_key(text: str, piece: str, *, is_first: bool) -> str:
    """Put `piece` first into the outermost object."""
    place = text.index("{") + 1
    return text[:place] + piece + ("\n" if is_first else ",") + text[place:]


def _without(text: str, piece: str) -> str:
    """Take out what `_insert_key` has put in."""
    for each in (f"{piece},", f"{piece}\n"):
        if each in text:
            return text.replace(each, "", 1)
    return text


def _checked(text: str, wanted: dict[str, Any]) -> bytes:
    """Return `text` if it says what is wanted, else the plain JSON of that."""
    return (text if _said(text) == wanted else json.dumps(wanted, indent="\t") + "\n").encode()


def _said(text: str) -> Any:  # noqa: ANN401  (JSON)
    """Return what `text` says; None if what was taken out of it has left no JSON."""
    try:
        return json.loads(text)
    except ValueError:
        return None
