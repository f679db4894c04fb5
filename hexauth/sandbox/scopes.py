"""Scopes: which there are, what the short ones stand for, and what each allows."""

from collections.abc import Iterable

SHORT = {"api": ("api:read", "api:write")}
"""What a server answers in place of a short scope."""

MEANINGS = {
    "api:read": "Read your account, your packages and your organizations",
    "api:write": "Publish packages and change your account",
    "repositories": "Fetch packages from all your organizations",
}
"""What the approval page says that a scope allows."""


def expand(scope: str) -> tuple[str, ...] | None:
    """Return the scopes in a space-separated list, short ones expanded, each once, in order.

    None if one of them does not exist (RFC 6749 section 3.3).
    """
    names = [name for word in scope.split() for name in SHORT.get(word, (word,))]
    if not all(_exists(name) for name in names):
        return None
    return tuple(dict.fromkeys(names))


def _exists(name: str) -> bool:
    word, _, rest = name.partition(":")
    return name in MEANINGS or (word in ("repository", "package") and bool(rest))


def within(wanted: Iterable[str], owned: Iterable[str]) -> bool:
    """Tell whether `owned` allows everything in `wanted`."""
    held = set(owned)
    return all(
        name in held or (name.startswith("repository:") and "repositories" in held)
        for name in wanted
    )


def meaning(name: str) -> str:
    """Say in plain words what a scope allows."""
    word, _, rest = name.partition(":")
    if word == "repository":
        return f"Fetch packages from the organization {rest}"
    return MEANINGS.get(name, f"Work on the package {rest}")
