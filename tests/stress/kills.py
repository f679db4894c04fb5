"""Processes that are killed at any moment of a login or a refresh: one code, nothing torn or lost.

Run as a program, it repeats that: `sh scripts/stress kills 1000`.
"""

import argparse
import json
import random
import re
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import click

from hexauth.machine.mutex import Mutex
from hexauth.sandbox.faults import parse
from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine
from tests.stress.cases import HEARD, SECONDS, Crowd, rejected_token
from tests.waiting import until

SIZE = 5
VICTIMS = 3
FLOW_SECONDS = 1.5
"""About how long a login takes here, from the first process to the last."""
REFRESH_SECONDS = 0.3


@dataclass
class Round:
    """What was done to a crowd, and what is wrong afterwards."""

    flow: str
    kills: int = 0
    winners: int = 0
    """How many of the killed were asking the person, or refreshing, at that moment."""
    wrong: list[str] = field(default_factory=list)


def survive(seed: int, folder: Path) -> Round:
    """Kill some of a crowd at moments that `seed` gives, and look at what is left."""
    chance = random.Random(seed)
    seen = Round(chance.choice(["login", "refresh"]))
    with Sandbox(Options(interval=0.1, rate_limit=None)) as sandbox:
        machine = Machine(folder, sandbox.api_url)
        if seen.flow == "refresh":
            rejected_token(machine, sandbox)
            sandbox.faults.add(parse(f"slow:{REFRESH_SECONDS}@refresh=9"))
        with Crowd(machine, sandbox, folder, SIZE) as crowd:
            _live_through(crowd, chance, seen)
            _inspect(crowd, seen)
    return seen


def _live_through(crowd: Crowd, chance: random.Random, seen: Round) -> None:
    length = FLOW_SECONDS if seen.flow == "login" else 2 * REFRESH_SECONDS
    events = [(chance.uniform(0, length), "kill") for _ in range(VICTIMS)]
    for moment, event in sorted([*events, (chance.uniform(0, length), "approve")]):
        time.sleep(max(0.0, crowd.start + moment - time.monotonic()))
        if event == "kill":
            _kill_one(crowd, chance, seen)
        elif seen.flow == "login":
            until(lambda: bool(crowd.sandbox.hexpm.grants()), SECONDS)
            _approve_all(crowd)


def _approve_all(crowd: Crowd) -> None:
    for grant in crowd.sandbox.hexpm.grants():
        crowd.sandbox.hexpm.answer(grant, approve=True)


def _kill_one(crowd: Crowd, chance: random.Random, seen: Round) -> None:
    """Kill the one that holds a mutex, if there is one, or any other."""
    alive = [member for member in crowd.members if member.poll() is None]
    if not alive:
        return
    holders = _holders(crowd.machine)
    winners = [member for member in alive if member.pid in holders]
    victim = chance.choice(winners or alive)
    victim.send_signal(signal.SIGKILL)
    seen.kills += 1
    seen.winners += victim in winners


def _holders(machine: Machine) -> set[int]:
    """Return the ids of the processes that hold one of the machine's mutexes; see proc(5)."""
    paths = (machine.home / "hexauth/state").glob("*.lock")
    marks = {str(path.stat().st_ino) for path in paths}
    lines = [line.split() for line in Path("/proc/locks").read_text("ascii").splitlines()]
    held = [line for line in lines if line[1] == "FLOCK" and line[5].split(":")[2] in marks]
    return {int(line[4]) for line in held}


def _inspect(crowd: Crowd, seen: Round) -> None:
    """Approve whatever has been asked for, wait for the end, and note what is wrong."""
    end = time.monotonic() + SECONDS
    while any(member.poll() is None for member in crowd.members) and time.monotonic() < end:
        _approve_all(crowd)
        time.sleep(0.02)
    codes = {code for text in crowd.said("err") for code in re.findall(rf"{HEARD}(\S+)\.", text)}
    tokens = {text for text in crowd.said("out") if text}
    ends = {member.returncode for member in crowd.members}
    if len(codes) > 1:
        seen.wrong.append(f"{len(codes)} codes were shown")
    if not ends <= {0, -signal.SIGKILL}:
        seen.wrong.append(f"exit codes {ends}")
    after = crowd.machine.hexauth("get", "hexpm", "--format", "token", "--no-login")
    if tokens and (after.returncode != 0 or {after.stdout.decode()} != tokens):
        seen.wrong.append(f"tokens differ, or the saved one is lost: {after.stderr.decode()}")
    if after.returncode not in (0, 3):
        seen.wrong.append(f"the vault or a mutex is broken: {after.stderr.decode()}")
    for path in (crowd.machine.home / "hexauth/state").glob("*.lock"):
        if Mutex(path).is_held():
            seen.wrong.append(f"{path.name} is still locked")
    vault = crowd.machine.home / "hexauth/vault/vault.json"
    if vault.exists():
        json.loads(vault.read_bytes())


def main() -> None:
    """Kill until enough holders of a mutex have died; print the seed of each round gone wrong."""
    parser = argparse.ArgumentParser(prog="scripts/stress kills", description=__doc__)
    parser.add_argument("winners", type=int, help="how many to kill while they hold a mutex")
    parser.add_argument("seed", type=int, nargs="?", default=random.randrange(10**6))
    parser.add_argument("--rounds", type=int, default=10**6, help="stop after so many")
    chosen = parser.parse_args()
    rounds: list[Round] = []
    while sum(each.winners for each in rounds) < chosen.winners and len(rounds) < chosen.rounds:
        seed = chosen.seed + len(rounds)
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(survive(seed, Path(folder)))
        if rounds[-1].wrong:
            click.echo(f"seed {seed}, {rounds[-1].flow}: {'; '.join(rounds[-1].wrong)}")
    wrong = sum(bool(each.wrong) for each in rounds)
    for flow in ("login", "refresh"):
        those = [each for each in rounds if each.flow == flow]
        click.echo(
            f"{flow}: {len(those)} rounds, {sum(each.kills for each in those)} kills,"
            f" {sum(each.winners for each in those)} of them of a mutex's holder"
        )
    click.echo(f"{len(rounds)} rounds from seed {chosen.seed}: {wrong} went wrong.")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
