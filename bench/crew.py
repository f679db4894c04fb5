"""Starts programs on a host, as many as it is told, and tells what has become of them.

It runs there, so that nobody has to enter the host for each of them. Each line on standard input is
JSON: the `words`, how many (`size`), and where they write what is not their answer (`errors`).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.host import Host

READY = b"ready\n"


@dataclass(frozen=True)
class Ended:
    """What has become of a crew: exit codes, answers, and when each one had ended."""

    codes: Sequence[int]
    answers: Sequence[str]
    ends: Sequence[float]
    """Unix seconds."""

    @property
    def last(self) -> float:
        """When the last one had ended, in unix seconds."""
        return max(self.ends)

    def checked(self) -> "Ended":
        """Return this; raises SystemExit unless every one ended well."""
        if set(self.codes) != {0}:
            raise SystemExit(f"exit codes {sorted(self.codes)}")
        return self


class Crews:
    """A crew on each of some hosts, which can be told to start programs, all at once."""

    def __init__(self, running: "Sequence[subprocess.Popen[bytes]]") -> None:
        self._running = running

    def tell(self, *words: str, size: int = 1, errors: Sequence[Path] | None = None) -> float:
        """Let each crew start `size` programs; return when they were told, in unix seconds."""
        lines = []
        for number in range(len(self._running)):
            path = str(errors[number]) if errors else os.devnull
            lines.append(json.dumps({"words": words, "size": size, "errors": path}) + "\n")
        begin = time.time()
        for each, line in zip(self._running, lines, strict=True):
            assert each.stdin is not None  # noqa: S101  (for types: both are pipes)
            each.stdin.write(line.encode())
            each.stdin.flush()
        return begin

    def ended(self) -> Ended:
        """Wait until all programs have ended."""
        found = [self.one(number) for number in range(len(self._running))]
        return Ended(
            [code for each in found for code in each.codes],
            [answer for each in found for answer in each.answers],
            [end for each in found for end in each.ends],
        )

    def one(self, number: int) -> Ended:
        """Wait until the programs of one crew have ended."""
        stream = self._running[number].stdout
        assert stream is not None  # noqa: S101
        return Ended(**json.loads(stream.readline()))

    def run(self, *words: str, size: int = 1) -> tuple[float, Ended]:
        """Let each crew run programs; return how many seconds that took, and what they said."""
        begin = self.tell(*words, size=size)
        ended = self.ended().checked()
        return ended.last - begin, ended


@contextmanager
def crews(hosts: "Iterable[Host]") -> "Iterator[Crews]":
    """Hand out a crew on each of `hosts`, ready to start."""
    words = [sys.executable, __file__]
    with ExitStack() as stack:
        running: list[subprocess.Popen[Any]] = []
        for host in hosts:
            pipe = subprocess.PIPE
            process = stack.enter_context(host.start(words, stdin=pipe, stdout=pipe))
            assert process.stdin is not None  # noqa: S101  (for types: both are pipes)
            stack.callback(process.stdin.close)
            running.append(process)
        for process in running:
            assert process.stdout is not None  # noqa: S101
            if process.stdout.readline() != READY:
                raise SystemExit("a crew does not start")
        yield Crews(running)


def start(order: Mapping[str, Any]) -> "dict[int, int]":
    """Start what was ordered; return where each one's answer can be read, by process id."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    running = {}
    for _ in range(order["size"]):
        reader, writer = os.pipe()
        streams = enumerate((nothing, writer, errors))
        actions = [(os.POSIX_SPAWN_DUP2, stream, number) for number, stream in streams]
        pid = os.posix_spawn(order["words"][0], order["words"], os.environ, file_actions=actions)
        os.close(writer)
        running[pid] = reader
    os.close(nothing)
    os.close(errors)
    return running


def wait(running: "dict[int, int]") -> Mapping[str, Any]:
    """Wait for all of them, as they end."""
    codes, answers, ends = [], [], []
    while running:
        pid, status = os.wait()
        ends.append(time.time())
        with os.fdopen(running.pop(pid), encoding="utf-8") as answer:
            answers.append(answer.read().strip())
        codes.append(os.waitstatus_to_exitcode(status))
    return {"codes": codes, "answers": answers, "ends": ends}


def main() -> None:
    """Do what each line asks for, and answer with a line."""
    for line in sys.stdin:
        sys.stdout.write(json.dumps(wait(start(json.loads(line)))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.stdout.write(READY.decode())
    sys.stdout.flush()
    main()
