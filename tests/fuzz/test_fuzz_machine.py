"""Commands that are killed at any moment, beside a model: the short form of `scripts/fuzz`."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from fuzz.commands import KILLED, run
from fuzz.machine import HOSTS, ORGANIZATIONS, VAULTS, Machine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is Linux's")


@pytest.mark.parametrize("vault", VAULTS)
def test_each_secret_is_the_old_one_or_the_new_one(vault: str) -> None:
    class Here(Machine):
        vaults: tuple[str, ...] = (vault,)

    before = Machine.kills
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=3,
            stateful_step_count=25,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert Here.kills > before


HOST, ORGANIZATION = HOSTS[0], ORGANIZATIONS[0]

STEPS: Mapping[str, Callable[[Machine, int], object]] = {
    "store": lambda machine, kill: machine.store(HOST, "ann", kill),
    "erase": lambda machine, kill: machine.erase(HOST, "", kill),
    "login": lambda machine, kill: machine.log_in("alice", kill),
    "login-of-bob": lambda machine, kill: machine.log_in("bob", kill),
    "logout": lambda machine, kill: machine.log_out("alice", kill),
    "reject": lambda machine, kill: machine.reject("alice", kill),
    "get": lambda machine, kill: machine.get_token("alice", kill),
    "switch": lambda machine, kill: machine.switch("bob", kill),
    "add": lambda machine, kill: machine.add_key(ORGANIZATION, "auth_key", kill),
    "add-other": lambda machine, kill: machine.add_key(ORGANIZATION, "repo_key", kill),
    "remove": lambda machine, kill: machine.remove_keys(ORGANIZATION, kill),
    "get-by-key": lambda machine, kill: machine.get_by_key(ORGANIZATION, kill),
    "get-stored": lambda machine, kill: machine.get(HOST, "", kill),
    "get-chosen": lambda machine, kill: machine.get_chosen(),
}

CASES = (
    "store",
    "store store",
    "store erase",
    "login",
    "login login",
    "login reject login",
    "login login-of-bob",
    "login logout",
    "login reject",
    "login reject get",
    "login login-of-bob switch",
    "add",
    "add get-by-key add",
    "add get-by-key add-other",
    "add add-other get-by-key remove",
    "add get-by-key",
)
"""What happens one after the other; the last one is killed."""

STRIDE = int(os.environ.get("FUZZ_STRIDE", "7"))
"""Every which change is the one before which it is killed; 1 takes minutes."""

LOOKS = ("get-stored", "get", "get-by-key", "get-chosen")

MOST = 80
"""More changes than any command makes."""


@pytest.mark.parametrize("case", CASES)
def test_a_kill_before_any_change_leaves_the_old_or_the_new(case: str) -> None:
    """And once the command has been repeated, it is as if nothing had happened."""
    *before, last = case.split()
    for kill in range(1, MOST, STRIDE):
        kills = Machine.kills
        machine = Machine()
        try:
            machine.begin("plain")
            for step in before:
                STEPS[step](machine, 0)
            STEPS[last](machine, kill)
            is_over = Machine.kills == kills
            for step in (*LOOKS, last, *LOOKS):
                STEPS[step](machine, 0)
        finally:
            machine.teardown()
        if is_over:
            break

    assert 2 < kill < MOST - STRIDE


def test_a_command_is_killed_before_a_change(tmp_path: Path) -> None:
    """Here, before it has made any; without that it ends by itself."""
    environ = {"HEXAUTH_HOME": str(tmp_path / "home"), "HEXAUTH_VAULT": "file"}
    give = "protocol=https\nhost=x.test\nusername=a\npassword=b\n\n"

    killed = run(["store"], environ, give, 1)
    is_untouched = not (tmp_path / "home").exists()
    ended = run(["store"], environ, give)

    assert (killed.code, killed.err, is_untouched) == (KILLED, "", True)
    assert (ended.code, ended.err, (tmp_path / "home/vault/vault.json").exists()) == (0, "", True)


def test_a_fault_of_a_command_s_own_is_a_failure() -> None:
    with pytest.raises(AssertionError, match="Traceback"):
        run([], {})
