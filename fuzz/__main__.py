"""Runs targets for as long as one likes, and prints what came of it: `sh scripts/fuzz`."""

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import click

from fuzz.inputs import Target, inputs
from fuzz.machine import Machine, WithService, play
from fuzz.targets import TARGETS

MACHINES = {"machine": Machine, "machine-service": WithService}
"""The stateful tests, which are no targets like the others; the last one by its name alone."""

GRACE = 900
"""Seconds in which a run must have come to its end when its time is over, on a busy machine."""

SHOWN = 2000
"""The most characters of a traceback that are shown."""


def main() -> None:
    """Run the targets that are named, or all of them; the exit code is 1 if any has failed."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("words", nargs="*", metavar="SECONDS, TARGET", help="seconds for each (20)")
    parser.add_argument("--corpus", type=Path, help="a folder for inputs that are kept")
    parser.add_argument("--plain", action="store_true", help="do without atheris")
    chosen = parser.parse_intermixed_args()
    words = list(chosen.words)
    seconds = float(words.pop(0)) if words and re.fullmatch(r"[0-9.]+", words[0]) else 20.0
    names = words or [*TARGETS, "machine"]
    known = (*TARGETS, *MACHINES)
    for name in names:
        if name not in known:
            parser.error(f"there is no target {name}; known are {', '.join(known)}")
    is_guided = not chosen.plain and find_spec("atheris") is not None
    if not is_guided:
        click.echo("Without atheris, inputs are made by chance alone.")
    failed = False
    with nullcontext(chosen.corpus) if chosen.corpus else tempfile.TemporaryDirectory() as folder:
        for name in names:
            if name in MACHINES:
                tried, failure = play(MACHINES[name], seconds, random.randrange(10**9))
            elif is_guided:
                tried, failure = _guided(name, seconds, Path(folder) / name)
            else:
                tried, failure = plain(TARGETS[name], seconds)
            failed |= bool(failure)
            click.echo(f"| {name} | {tried} | {'FAILED' if failure else 'nothing found'} |")
            if failure:
                click.echo(failure)
    sys.exit(failed)


def plain(target: Target, seconds: float) -> tuple[int, str]:
    """Return how many inputs were tried, and how the last one has failed, if it has."""
    end, tried = time.monotonic() + seconds, 0
    for tried, data in enumerate(inputs(target, random.randrange(10**9)), 1):
        try:
            target.test(data)
        except Exception:
            return tried, f"{data!r}\n{traceback.format_exc()[-SHOWN:]}"
        if time.monotonic() > end:
            break
    return tried, ""


def _guided(name: str, seconds: float, folder: Path) -> tuple[int, str]:
    """Do as `_plain` does, with atheris, in a process of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, "-m", "fuzz.guided", name, str(int(seconds) or 1), str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, check=False, timeout=seconds + GRACE)
    except subprocess.TimeoutExpired:
        return 0, "It has not come to its end: an input takes for ever, or it had no time to run."
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    tried = re.search(r"number_of_executed_units: *(\d+)", said)
    if done.returncode == 0:
        return int(tried[1]) if tried else 0, ""
    broken = "\n".join(
        f"{path.name}: {path.read_bytes()!r}"
        for path in folder.iterdir()
        if path.name.startswith(("crash-", "timeout-", "oom-", "leak-"))
    )
    return int(tried[1]) if tried else 0, f"exit code {done.returncode}\n{said[-SHOWN:]}\n{broken}"


if __name__ == "__main__":
    main()
