"""What CI and releases do, as far as that can be told without running them."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))

MAY_SIGN = {("release.yml", "publish"), ("docs.yml", "publish")}
"""The jobs that may say who they are (OIDC): they run nothing of the project's."""


def jobs(path: Path) -> dict[str, Any]:
    return dict(yaml.safe_load(path.read_text())["jobs"])


def scripts() -> list[tuple[str, str, str]]:
    """Return every script: its workflow, its job, and what it says."""
    return [
        (path.name, name, step["run"])
        for path in WORKFLOWS
        for name, job in jobs(path).items()
        for step in job["steps"]
        if "run" in step
    ]


def test_every_action_is_named_by_its_commit_and_version() -> None:
    uses = [
        line
        for path in WORKFLOWS
        for line in path.read_text().splitlines()
        if re.match(r" *(- )?uses:", line)
    ]

    named = re.compile(r" *(?:- )?uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
    assert [line for line in uses if not named.fullmatch(line)] == []
    assert len(uses) >= 10


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_is_allowed_but_what_a_job_asks_for(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {}
    for name, job in jobs(path).items():
        may_sign = "id-token" in job["permissions"]
        assert may_sign is ((path.name, name) in MAY_SIGN)
        assert not (may_sign and any("checkout" in step.get("uses", "") for step in job["steps"]))


def test_no_script_holds_what_others_can_write() -> None:
    """An expression becomes a part of the script; `env` hands a text over as one."""
    assert [script for _, _, script in scripts() if "${{" in script] == []


def test_every_script_can_be_read_by_the_shell() -> None:
    for shell in ("bash", "sh"):
        for workflow, job, script in scripts():
            done = subprocess.run(
                [shell, "-n"], input=script.encode(), capture_output=True, check=False
            )
            assert (workflow, job, done.returncode, done.stderr) == (workflow, job, 0, b"")


def test_what_scripts_name_is_there() -> None:
    named = {
        word
        for _, _, script in scripts()
        for word in re.findall(r"(?:\.ci|packaging|scripts|requirements)/[\w.-]+", script)
    }

    assert len(named) >= 5
    assert [each for each in sorted(named) if not (ROOT / each).exists()] in ([], ["scripts/docs"])
    for each in (ROOT / "packaging/pure-tests").read_text().split():
        assert (ROOT / each).exists()
