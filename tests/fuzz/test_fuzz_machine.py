"""Commands that are killed at any moment, beside a model: the short form of `scripts/fuzz`."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from fuzz.commands import KILLED, run
from fuzz.machine import VAULTS, Machine

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
