"""Measure everything in one run, and print it as tables in Markdown.

Run it with an interpreter that has hexauth's extra `dev`; `--scripts` names the folder of the
programs to measure, which want to be freshly installed and not editable.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench import crowds, figures, login
from bench.machine import facts
from bench.measure import Program, interleave, peak
from bench.programs import BARE, Home, programs
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.secret_service import running

RESULTS = Path(__file__).with_name("RESULTS.md")

LONG_NAME = "a" * 420
"""Makes a token of a thousand characters, as one has that says more than hexpm's; with more than
1,024 git's helper for libsecret fails."""

ALONE: Mapping[str, Callable[[Home, argparse.Namespace], float]] = {
    "wake-up": lambda home, options: crowds.wake_up(home.folder, options.wake_ups),
    "login, Secret Service": lambda home, options: _login(home, options, "keyring"),
    "login, file vault": lambda home, options: _login(home, options, "file"),
}
"""What is compared with no other program; each has its line in `figures.FIGURES`."""


def _login(home: Home, options: argparse.Namespace, vault: str) -> float:
    environ = {**home.environ, "HEXAUTH_VAULT": vault}
    return login.measure(home.scripts, {vault: environ}, max(options.rounds // 2, 1))[vault]


def one_at_a_time(home: Home, other: Home, rounds: int) -> Mapping[str, Program]:
    """Measure every program; return them by name."""
    found = list(programs(home, other))
    interleave(found, rounds)
    for program in found:
        program.memory = peak(program)
    return {program.name: program for program in found}


def programs_table(found: Mapping[str, Program]) -> Iterator[str]:
    """Yield the lines on programs measured one at a time."""
    yield "| program | wall, ms | CPU, ms | ratio, wall | ratio, CPU | memory, MiB |"
    yield "| --- | --- | --- | --- | --- | --- |"
    bare = found[BARE]
    for each in found.values():
        wall, cpu = statistics.median(each.wall), statistics.median(each.cpu)
        yield (
            f"| {each.name} | {wall:.2f} | {cpu:.2f} | {each.ratio(bare):.2f}"
            f" | {each.ratio(bare, 'cpu'):.2f} | {each.memory / 1024:.1f} |"
        )


def at_once(acts: Mapping[str, crowds.Act], size: int, times: int) -> Mapping[str, list[float]]:
    """Let crowds of one size do everything in turn, `times` times; return the milliseconds."""
    rounds = [{name: act(size) for name, act in acts.items()} for _ in range(times)]
    return {name: [each[name] for each in rounds] for name in acts}


def crowds_table(found: Mapping[int, Mapping[str, list[float]]]) -> Iterator[str]:
    """Yield the lines on crowds, by their sizes."""
    yield "| what | processes | ms | ratio |"
    yield "| --- | --- | --- | --- |"
    for size, by_name in found.items():
        for name, took in by_name.items():
            ratio = figures.over_bare(by_name, name)
            yield f"| {name} | {size} | {statistics.median(took):.0f} | {ratio:.2f} |"


def report(home: Home, other: Home, options: argparse.Namespace) -> Iterator[str]:
    """Measure, and yield the lines of the report."""
    yield from ["# What an answer costs", "", *facts(), ""]
    by_name = one_at_a_time(home, other, options.rounds)
    yield f"One program at a time, medians of {options.rounds} interleaved rounds; ratios are to"
    yield "`python -c pass` of the same environment, round by round. Every program hands out a"
    yield f"secret of {len(home.token)} characters."
    yield from ["", *programs_table(by_name), ""]
    first, *more = options.crowds
    acts = crowds.acts(home, other)
    few = {name: acts[name] for name in (BARE, crowds.HITS)}
    found = {first: at_once(acts, first, options.repetitions)}
    found |= {size: at_once(few, size, options.repetitions) for size in more}
    yield f"At once, medians of {options.repetitions}, until the last has ended; if a refresh met a"
    yield "503, from that answer on. Ratios are to as many `python -c pass` at once."
    yield from ["", *crowds_table(found), ""]
    alone = {name: measure(home, options) for name, measure in ALONE.items()}
    yield from figures.table(figures.Found(by_name, found[first], alone), first)


def main() -> None:
    """Run the benchmark that the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--scripts", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--crowds", type=int, nargs="+", default=[100, 200])
    parser.add_argument("--wake-ups", type=int, default=100)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name} too")
    options = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    server = Options(approve_after=0, interval=0.2, rate_limit=None, user=LONG_NAME)
    with (
        tempfile.TemporaryDirectory(prefix="hx-bench-") as folder,
        running("password") as (environ, _),
        Sandbox(server) as sandbox,
    ):
        scripts, place = options.scripts.absolute(), Path(folder)
        home = Home(scripts, place / "a", sandbox, environ)
        other = Home(scripts, place / "b", sandbox, environ, {"HEXAUTH_VAULT": "file"})
        lines = []
        try:
            for line in report(home, other, options):
                print(line, flush=True)  # noqa: T201  (it is what this program is for)
                lines.append(line)
        finally:
            for each in (home, other):
                each.forget()
            git = ["git", "credential-cache", "--socket", f"{home.folder}/socket/s", "exit"]
            subprocess.run(git, check=False, capture_output=True)
    if options.write:
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
