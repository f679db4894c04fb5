"""Processes that are killed at any moment of a login: one code, one token, nothing torn.

Run as a program, it repeats that: `sh scripts/stress kills 1000`.
"""

import json
import random
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import click

from hexauth.sandbox.options import Options
from hexauth.sandbox.serve import Sandbox
from tests.conftest import Machine
from tests.stress.cases import HEARD, SECONDS, Crowd
from tests.waiting import until

SIZE = 5
VICTIMS = 3
FLOW_SECONDS = 1.5
"""About how long a login takes here, from the first process to the last."""


def survive(seed: int, folder: Path) -> list[str]:
    """Kill some of a crowd at moments that `seed` gives; return what is wrong afterwards."""
    chance = random.Random(seed)
    with Sandbox(Options(interval=0.1, rate_limit=None)) as sandbox:
        machine = Machine(folder, sandbox.api_url)
        with Crowd(machine, sandbox, folder, SIZE) as crowd:
            _live_through(crowd, chance)
            return _faults(crowd)


def _live_through(crowd: Crowd, chance: random.Random) -> None:
    events = [(chance.uniform(0, FLOW_SECONDS), "kill") for _ in range(VICTIMS)]
    for moment, event in sorted([*events, (chance.uniform(0, FLOW_SECONDS), "approve")]):
        time.sleep(max(0.0, crowd.start + moment - time.monotonic()))
        if event == "kill":
            _kill_one(crowd, chance)
        else:
            until(lambda: bool(crowd.sandbox.hexpm.grants()), SECONDS)
            _approve_all(crowd)


def _approve_all(crowd: Crowd) -> None:
    for grant in crowd.sandbox.hexpm.grants():
        crowd.sandbox.hexpm.answer(grant, approve=True)


def _kill_one(crowd: Crowd, chance: random.Random) -> None:
    """Kill the one that asks, if there is one, or any other."""
    alive = [member for member in crowd.members if member.poll() is None]
    try:
        victim = crowd.winner()
    except StopIteration:
        if not alive:
            return
        victim = chance.choice(alive)
    victim.send_signal(signal.SIGKILL)


def _faults(crowd: Crowd) -> list[str]:
    """Approve whatever has been asked for, wait for the end, and look at what is left."""
    end = time.monotonic() + SECONDS
    while any(member.poll() is None for member in crowd.members) and time.monotonic() < end:
        _approve_all(crowd)
        time.sleep(0.02)
    codes = {code for text in crowd.said("err") for code in re.findall(rf"{HEARD}(\S+)\.", text)}
    tokens = {text for text in crowd.said("out") if text}
    ends = {member.returncode for member in crowd.members}
    found = []
    if len(codes) > 1:
        found.append(f"{len(codes)} codes were shown")
    if not ends <= {0, -signal.SIGKILL}:
        found.append(f"exit codes {ends}")
    after = crowd.machine.hexauth("get", "hexpm", "--format", "token", "--no-login")
    if tokens and (after.returncode != 0 or {after.stdout.decode()} != tokens):
        found.append(f"tokens differ, or the saved one is lost: {after.stderr.decode()}")
    if after.returncode not in (0, 3):
        found.append(f"the vault or a mutex is broken: {after.stderr.decode()}")
    vault = crowd.machine.home / "hexauth/vault/vault.json"
    if vault.exists():
        json.loads(vault.read_bytes())
    return found


def main(rounds: int, seed: int) -> None:
    """Print how many of `rounds` went well, and the seed of each that did not."""
    wrong = 0
    for number in range(seed, seed + rounds):
        with tempfile.TemporaryDirectory() as folder:
            found = survive(number, Path(folder))
        if found:
            wrong += 1
            click.echo(f"seed {number}: {'; '.join(found)}")
    click.echo(f"{rounds} rounds from seed {seed}, up to {VICTIMS} kills each: {wrong} went wrong.")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6))
