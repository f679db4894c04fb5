"""Starting short programs, many times, and counting what each of them costs."""

import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass
class Program:
    """A command, what it reads, and what its answer must hold; the samples gather here."""

    name: str
    words: list[str]
    environ: Mapping[str, str]
    given: bytes = b""
    expected: bytes = b""
    code: int = 0
    """The exit code that it must have; if that is not 0, its messages are part of its answer."""
    before: Callable[[], object] = lambda: None
    """What happens before each run, outside of what is measured."""
    wall: list[float] = field(default_factory=list)
    """Milliseconds from the start to the end of the process, one a round."""
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of the process and of the children that it waited for, one a round."""
    memory: int = 0
    """The peak of its resident memory, in KiB; see `peak`."""

    def start(self, out: int) -> int:
        """Start it, writing to the descriptor `out`; return its process id."""
        outs = (1,) if self.code == 0 else (1, 2)
        reading, writing = os.pipe()
        os.write(writing, self.given)
        os.close(writing)
        streams = [(os.POSIX_SPAWN_DUP2, reading, 0)]
        streams += [(os.POSIX_SPAWN_DUP2, out, each) for each in outs]
        pid = os.posix_spawn(self.words[0], self.words, self.environ, file_actions=streams)
        os.close(reading)
        return pid

    def check(self) -> None:
        """Raise SystemExit unless it answers as it should."""
        self.before()
        reading, writing = os.pipe()
        pid = self.start(writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as stream:
            answer = stream.read()
        self.ended(os.waitpid(pid, 0)[1])
        if self.expected not in answer:
            raise SystemExit(f"{self.name}: not the answer expected")

    def ended(self, *statuses: int) -> None:
        """Raise SystemExit unless every run, of which these are the statuses, ended as it must."""
        codes = Counter(map(os.waitstatus_to_exitcode, statuses))
        if set(codes) - {self.code}:
            raise SystemExit(f"{self.name}: exit codes {dict(codes)}, and not {self.code}")

    def sample(self, nowhere: int) -> None:
        """Run it once, and note what it took; raises SystemExit if it did not end as it must."""
        self.before()
        begin = time.perf_counter_ns()
        _, status, usage = os.wait4(self.start(nowhere), 0)
        self.wall.append((time.perf_counter_ns() - begin) / 1e6)
        self.cpu.append((usage.ru_utime + usage.ru_stime) * 1e3)
        self.ended(status)

    def ratio(self, base: "Program", what: str = "wall") -> float:
        """Return the median of the rounds' ratios to `base`."""
        mine, its = (each.wall if what == "wall" else each.cpu for each in (self, base))
        return statistics.median(one / other for one, other in zip(mine, its, strict=True))


def interleave(programs: Sequence[Program], rounds: int) -> None:
    """Run every program once a round, in a new order each time: drift hits all alike."""
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  (a descriptor is needed)
        for program in programs:
            program.check()
            program.sample(nowhere.fileno())  # to warm up
            program.wall.clear()
            program.cpu.clear()
        for _ in range(rounds):
            for program in random.sample(programs, len(programs)):
                program.sample(nowhere.fileno())


LAUNCHER = """
import os, sys
out = os.open(os.devnull, os.O_WRONLY)
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
print(os.wait4(pid, 0)[2].ru_maxrss)
"""


def peak(program: Program) -> int:
    """Return the peak of a program's resident memory, in KiB.

    A process starts with the peak of the one that started it (getrusage(2)), so a launcher that
    is small itself does; what is smaller than that is shown as large as that, some 8 MiB.
    """
    program.before()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *program.words],
        input=program.given,
        env=program.environ,
        capture_output=True,
        check=True,
    )
    return int(done.stdout)


def crowd(program: Program, size: int, since: Callable[[], object] | None = None) -> float:
    """Start `size` of them at once; return the milliseconds until the last has ended.

    They are counted from the start, or from the moment that `since`, called when all have been
    started, has waited for. Raises SystemExit unless every one ended as it must.
    """
    program.before()
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        begin = time.perf_counter_ns()
        running = [program.start(nowhere.fileno()) for _ in range(size)]
        if since is not None:
            since()
            begin = time.perf_counter_ns()
        statuses = [os.waitpid(pid, 0)[1] for pid in running]
        took = (time.perf_counter_ns() - begin) / 1e6
    program.ended(*statuses)
    return took
