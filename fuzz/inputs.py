"""What a target is, and inputs made of its seeds: guided by nothing, and the same for a number."""

import random
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

SECRET = "hx5ecret0fuzz"
"""A secret that many seeds hold, and no error may quote."""

LONGEST = 4096

PIECES = (
    *(b"\0", b"\n", b"\r", b"\r\n", b"\n\n", b" ", b"\t", b"=", b":", b",", b";", b"/", b"//"),
    *(b'"', b'\\"', b"\\", b"\\u0000", b"\\ud800", b"{", b"}", b"[", b"]", b"[[[[", b"{}", b"[]"),
    *(
        b"null",
        b"true",
        b"false",
        b"NaN",
        b"-1",
        b"0",
        b"1e999",
        b"9" * 30,
        b"9" * 400,
        b"1" * 5000,
    ),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"%", b"%00", b"%2e%2e"),
    *(b"@", b"?", b"#", b"..", b"://", b"http://[", b"[::1]", b":443", b"*", b"hexpm", b"[" * 3000),
)
"""What readers disagree about, or stumble over."""


@dataclass(frozen=True)
class Target:
    """One reader of what others have written, or two that have to agree."""

    name: str
    test: Callable[[bytes], None]
    """Raises for an input that is not dealt with as documented."""
    seeds: tuple[bytes, ...]
    """Inputs that make sense."""


def outcome(work: Callable[[], T], *kinds: type[Exception]) -> T | None:
    """Return what `work` returns; None if it raises one of its documented `kinds` of error.

    Such an error must quote no secret, in itself or in what a traceback of it would show.
    """
    try:
        return work()
    except kinds as error:
        said = "".join(traceback.format_exception_only(error)) + str(getattr(error, "hint", ""))
        assert SECRET not in said, "an error quotes a secret"
        return None


def inputs(target: Target, seed: int) -> Iterator[bytes]:
    """Yield the seeds of `target`, and then what becomes of them by chance, without end."""
    yield from target.seeds
    chance = random.Random(f"{target.name} {seed}")
    while True:
        data = chance.choice(target.seeds)
        for _ in range(chance.choice((1, 1, 1, 2, 3, 5, 8))):
            data = _changed(data, target.seeds, chance)
        yield data[:LONGEST]


def _changed(data: bytes, seeds: tuple[bytes, ...], chance: random.Random) -> bytes:
    """Return `data` with one change."""
    start = chance.randint(0, len(data))
    end = min(len(data), start + chance.choice((0, 0, 1, 1, 2, 4, 16, 64)))
    other = chance.choice(seeds)
    place = chance.randint(0, len(other))
    new = chance.choice(
        (
            b"",
            chance.randbytes(1),
            chance.randbytes(4),
            chance.choice(PIECES),
            data[start:end] * chance.choice((2, 3, 100)),
            other[place : place + chance.randint(1, 40)],
        )
    )
    return data[:start] + new + data[end:]
