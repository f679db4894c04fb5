"""What other programs have kept so far, and whether hexauth can keep it instead."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hexauth.errors import HexauthError, MalformedRequest
from hexauth.machine.folders import base_folder, home_folder
from hexauth.machine.rewriting import read
from hexauth.model import Target
from hexauth.protocols import erlang, git


@dataclass(frozen=True)
class Secret:
    """A secret in another program's file, or a note of one that has to stay there."""

    program: str
    path: Path
    what: str
    """What it is, without the secret."""
    target: Target | None = None
    """Where a password is for; an API key has none, and is for Hex."""
    username: str | None = None
    secret: str = field(default="", repr=False)
    """Empty for one that has to stay."""
    start: int = 0
    """Where its text begins and ends in the file's bytes; both 0 if it cannot be cut out."""
    end: int = 0
    repository: str = ""
    """The repository whose key it is; empty for the API's."""
    kind: str = ""
    """The kind of a repository's key, by hex_core's name."""


def find(environ: Mapping[str, str]) -> list[Secret]:
    """Return what there is, in the order of the programs; files that make no sense are noted."""
    home, config = home_folder(environ), base_folder(environ, "XDG_CONFIG_HOME")
    cache = base_folder(environ, "XDG_CACHE_HOME")
    places = [
        ("git", home / ".git-credentials", _git),
        ("git", config / "git/credentials", _git),
        *(("mix", folder / "hex.config", _mix) for folder in _hex_homes(environ, home, config)),
        ("rebar3", config / "rebar3/hex.config", _rebar3),
        ("gleam", cache / "gleam/hex/hexpm/credentials", _gleam),
    ]
    found = []
    for program, path, look in places:
        try:
            content = read(path)
            if content is not None:
                found += list(look(path, content))
        except (OSError, HexauthError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            found.append(Secret(program, path, f"cannot be read: {why}"))
    return found


def _hex_homes(environ: Mapping[str, str], home: Path, config: Path) -> list[Path]:
    """Return the folders in which mix looks for its configuration."""
    named = [Path(environ["HEX_HOME"])] if environ.get("HEX_HOME") else []
    return list(dict.fromkeys([*named, config / "hex", home / ".hex"]))


def _git(path: Path, content: bytes) -> Iterator[Secret]:
    """Yield the passwords of git-credential-store(1): one URL a line."""
    for line in re.finditer(rb"[^\n]+\n?", content):
        url = line[0].removesuffix(b"\n")
        try:
            given = git.parse(b"url=" + url + b"\n")
        except MalformedRequest:
            given = None
        if given and given.password is not None and given.target.host and given.target.protocol:
            user, where = given.target.username, given.target
            what = f"the password of {user} for {where}"
            yield Secret("git", path, what, where, user, given.password, *line.span())
        elif url.strip():
            yield Secret("git", path, "a line that git-credential-store would not understand")


def _mix(path: Path, content: bytes) -> Iterator[Secret]:
    """Yield what Hex.Config of the Mix client keeps, a pair of name and value for each."""
    text = content.decode("utf-8", "surrogateescape")
    for term in erlang.parse(text):
        if not isinstance(term.value, tuple) or len(term.value) != 2:
            continue
        name, value = term.value
        start, end = (
            len(text[:place].encode("utf-8", "surrogateescape")) for place in (term.start, term.end)
        )
        end += content[end : end + 1] == b"\n"
        if name == "$read_key" and _is_key(value):
            yield Secret("mix", path, "an API key", secret=value, start=start, end=end)
        elif name == "$repos" and isinstance(value, Mapping):
            yield from _repositories("mix", path, value)
        elif name in KEPT:
            yield Secret("mix", path, KEPT[name])


KEPT = {
    "$oauth_token": "an OAuth login, which is bound to the program that made it",
    "$write_key": "an API key, encrypted with a password of its own",
    "$encrypted_key": "an API key, encrypted with a password of its own",
}


def _repositories(program: str, path: Path, repositories: Mapping[Any, Any]) -> Iterator[Secret]:
    for name, facts in repositories.items():
        if not isinstance(facts, Mapping):
            continue
        for kind in ("auth_key", "repo_key"):
            if facts.get(kind) not in (None, "", "nil", "undefined"):  # as Elixir and Erlang say
                secret = facts[kind] if _is_key(facts[kind]) and isinstance(name, str) else ""
                what = f"the {kind} of the repository {name}"
                yield Secret(program, path, what, secret=secret, repository=str(name), kind=kind)


def _rebar3(path: Path, content: bytes) -> Iterator[Secret]:
    """Yield what rebar3_hex keeps: a map of repositories, each with keys."""
    for term in erlang.parse(content.decode("utf-8", "surrogateescape")):
        if not isinstance(term.value, Mapping):
            continue
        for name, facts in term.value.items():
            if not isinstance(facts, Mapping):
                continue
            key = facts.get("read_key")
            if name == "hexpm" and _is_key(key):
                yield Secret("rebar3", path, "an API key", secret=str(key))
            if facts.get("write_key"):
                yield Secret("rebar3", path, KEPT["$write_key"])
        yield from _repositories("rebar3", path, term.value)


def _gleam(path: Path, content: bytes) -> Iterator[Secret]:
    """Yield gleam's one key."""
    if content.strip():
        yield Secret("gleam", path, KEPT["$write_key"])


def _is_key(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isalnum() and len(value) >= 16
