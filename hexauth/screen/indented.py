"""JSON as people read it: each item on a line of its own, and every token of it as it came."""

import json
import re

TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[][{},:]|[^][{},:"\s]+')
"""The tokens of JSON (RFC 8259 section 2): texts, signs, and all else."""

STEP, DEEPEST = 2, 40
"""Blanks for each level, and the last level that has more than the one above it."""


def indented(text: str) -> str | None:
    """Return the JSON document `text` with line breaks and blanks of our own; None if it is none.

    Nothing is parsed and written anew: numbers keep their digits, and names that come twice do.
    """
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    parts: list[str] = []
    level, tokens = 0, TOKENS.findall(text)
    for word, following in zip(tokens, [*tokens[1:], ""], strict=True):
        is_empty = word + following in ("[]", "{}")
        if word in ("]", "}"):
            level -= 1
            if parts[-1] not in ("[", "{"):
                parts.append(_line(level))
            parts.append(word)
            continue
        parts.append(": " if word == ":" else word)
        if word in ("[", "{"):
            level += 1
        if word in ("[", "{", ",") and not is_empty:
            parts.append(_line(level))
    return "".join(parts)


def _line(level: int) -> str:
    return "\n" + " " * (STEP * min(level, DEEPEST))
