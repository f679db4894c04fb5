"""What a check finds: a line, whether all is well, and what to do if it is not."""

from dataclasses import dataclass

OK, WARNING, PROBLEM = "ok", "warning", "problem"


@dataclass(frozen=True)
class Finding:
    """One line of the report, without any secret: it is made to be passed on."""

    name: str
    """What was looked at, in a word or two."""
    level: str
    """`ok`, `warning` for what works and may not be meant so, or `problem`."""
    text: str
    advice: str = ""
    """What to do; empty only if all is well."""


def ok(name: str, text: str) -> Finding:
    """Return the finding that all is well."""
    return Finding(name, OK, text)


def warning(name: str, text: str, advice: str) -> Finding:
    """Return the finding that something works, and may not be meant so."""
    return Finding(name, WARNING, text, advice)


def problem(name: str, text: str, advice: str) -> Finding:
    """Return the finding that something does not work."""
    return Finding(name, PROBLEM, text, advice)
