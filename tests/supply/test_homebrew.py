"""The formula for Homebrew says what requirements/runtime.txt says."""

import re
from pathlib import Path

import pytest

from supply.homebrew import FORMULA, OF_HOMEBREW, ROOT, resources, wanted

REQUIREMENTS = Path(ROOT, "requirements/runtime.txt").read_text()

BLOCK = re.compile(r'resource "(.+)" do\n\s+url ".*/(.+)\.tar\.gz"\n\s+sha256 "(.+)"\n')


def test_the_formula_is_not_out_of_date() -> None:
    """`sh scripts/homebrew` writes it anew."""
    found = BLOCK.findall(FORMULA.read_text())

    versions = {name: file.rpartition("-")[2] for name, file, _ in found}
    assert versions == {name: version for name, (version, _) in wanted(REQUIREMENTS).items()}
    assert [hash_ for *_, hash_ in found if f"sha256:{hash_}" not in REQUIREMENTS] == []
    for name in OF_HOMEBREW:
        assert f"\n{name}==" in REQUIREMENTS


def test_an_archive_that_nobody_has_looked_at_is_not_named() -> None:
    requirements = f"one==1.0 \\\n    --hash=sha256:{'a' * 64}\n"
    source = {"url": "https://x.test/one-1.0.tar.gz", "hashes": {"sha256": "b" * 64}}
    locked = {"packages": [{"name": "one", "version": "1.0", "sdist": source}]}

    with pytest.raises(ValueError, match=r"one 1\.0 is not what"):
        list(resources(requirements, locked))
