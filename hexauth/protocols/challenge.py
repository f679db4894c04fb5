"""The field `WWW-Authenticate`: RFC 9110 sections 11.6.1 and 5.6, and what Hex says in it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

OTP_REQUIRED, OTP_INVALID = "totp_required", "invalid_totp"
"""The errors with which a Hex server asks for a one-time password."""

REJECTED = ("token_expired", "invalid_token")
"""The errors that mean that a token does not work any more: hex_core's, and RFC 6750's."""

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
TOKEN68 = re.compile(r"[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
EQUALS = re.compile(r"[ \t]*=[ \t]*")
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
SPACES, SEPARATORS = re.compile(r"[ \t]+"), re.compile(r"[ \t,]*")
END = re.compile(r"[ \t]*(?:,|$)")


@dataclass(frozen=True)
class Challenge:
    """One challenge; `scheme` and the names of parameters are in lower case."""

    scheme: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    token68: str = ""


def parse(text: str) -> list[Challenge]:
    """Return the challenges in a field; what makes no sense ends the list at that place."""
    found: list[Challenge] = []
    place = _after(SEPARATORS, text, 0)
    while place < len(text):
        scheme = TOKEN.match(text, place)
        if scheme is None:
            break
        place = scheme.end()
        parameters: dict[str, str] = {}
        token68 = ""
        gap = SPACES.match(text, place)
        if gap is None and not END.match(text, place):
            break
        blob = TOKEN68.match(text, gap.end()) if gap else None
        if blob is not None and "," not in blob[0]:
            token68, place = blob[0], blob.end()
        elif gap is not None:
            place = _parameters(text, gap.end(), parameters)
        found.append(Challenge(scheme[0].lower(), parameters, token68))
        if not END.match(text, place):
            break
        place = _after(SEPARATORS, text, place)
    return found


def _after(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return place if match is None else match.end()


def _parameters(text: str, place: int, found: dict[str, str]) -> int:
    """Read `name=value` pairs into `found`, the first of each name; return where they end.

    A name without a value is the scheme of the next challenge.
    """
    end = place
    while (name := TOKEN.match(text, place)) and (sign := EQUALS.match(text, name.end())):
        quoted = QUOTED.match(text, sign.end())
        bare = TOKEN.match(text, sign.end())
        if quoted is not None:
            end, value = quoted.end(), re.sub(r"\\(.)", r"\1", quoted[1], flags=re.DOTALL)
        elif bare is not None:
            end, value = bare.end(), bare[0]
        else:
            return sign.end()
        found.setdefault(name[0].lower(), value)
        if not END.match(text, end):
            return end
        place = _after(SEPARATORS, text, end)
    return end


def wants_password(challenges: Iterable[Challenge]) -> str | None:
    """Return the error that asks for a one-time password, if one of them does."""
    errors = (each.parameters.get("error") for each in challenges if each.scheme == "bearer")
    return next((error for error in errors if error in (OTP_REQUIRED, OTP_INVALID)), None)


def rejects_token(challenges: Iterable[Challenge]) -> bool:
    """Tell whether they mean that the token does not work; hexpm's own words are Basic's."""
    return any(
        (each.scheme == "bearer" and each.parameters.get("error") in REJECTED)
        or (each.scheme == "basic" and each.parameters.get("realm") == "hex")
        for each in challenges
    )
