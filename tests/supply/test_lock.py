"""requirements/ holds, with hashes, what pyproject.toml asks for."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

GROUPS = {
    "runtime": PROJECT["dependencies"],
    "dev": [
        *PROJECT["dependencies"],
        *PROJECT["optional-dependencies"]["sandbox"],
        *(each for each in PROJECT["optional-dependencies"]["dev"] if "hexauth[" not in each),
    ],
    "release": PROJECT["optional-dependencies"]["release"],
}


def locked(group: str) -> dict[str, tuple[Requirement, int]]:
    """Return each package that is locked for a group, and how many files it may be."""
    text = (ROOT / "requirements" / f"{group}.txt").read_text()
    found: dict[str, tuple[Requirement, int]] = {}
    for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        if entry.startswith("#"):
            continue
        line = entry.split(" --hash")[0].split("    #")[0].strip()
        requirement = Requirement(line)
        found[canonicalize_name(requirement.name)] = (
            requirement,
            len(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", entry)),
        )
    return found


@pytest.mark.parametrize("group", GROUPS)
def test_each_group_has_what_the_project_asks_for(group: str) -> None:
    have = locked(group)

    for text in GROUPS[group]:
        wanted = Requirement(text)
        requirement, _ = have[canonicalize_name(wanted.name)]
        (version,) = requirement.specifier
        assert version.operator == "=="
        assert wanted.specifier.contains(version.version), f"run scripts/lock: {text}"


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_is_installed_without_a_hash(group: str) -> None:
    assert all(count > 0 for _, count in locked(group).values())


@pytest.mark.parametrize("group", ["runtime", "release"])
def test_groups_agree_with_the_one_that_was_tested(group: str) -> None:
    tested, have = locked("dev"), locked(group)

    assert {name: str(have[name][0].specifier) for name in have if name in tested} == {
        name: str(tested[name][0].specifier) for name in have if name in tested
    }
