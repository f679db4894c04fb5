import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from supply.audit import advisories, holes, installed, main


def advisory(**affected: Any) -> Mapping[str, Any]:
    package = {"ecosystem": "PyPI", "name": "Some_Package"}
    return {"id": "TEST-1", "summary": "A hole.", "affected": [{"package": package, **affected}]}


def events(*each: tuple[str, str]) -> Mapping[str, Any]:
    steps = [{kind: version} for kind, version in each]
    return advisory(ranges=[{"type": "ECOSYSTEM", "events": steps}])


@pytest.mark.parametrize(
    ("one", "version", "is_affected"),
    [
        (advisory(versions=["1.0", "1.1"]), "1.1", True),
        (advisory(versions=["1.0", "1.1"]), "1.2", False),
        (events(("introduced", "0"), ("fixed", "2.0")), "1.9", True),
        (events(("introduced", "0"), ("fixed", "2.0")), "2.0", False),
        (events(("introduced", "0"), ("fixed", "2.0")), "10.0", False),
        (events(("introduced", "1.5")), "1.10", True),
        (events(("introduced", "1.5")), "1.4", False),
        (events(("introduced", "1"), ("last_affected", "2")), "2", True),
        (events(("introduced", "1"), ("last_affected", "2")), "2.1", False),
        (events(("introduced", "3"), ("introduced", "0"), ("fixed", "2")), "2.5", False),
        (events(("introduced", "3"), ("introduced", "0"), ("fixed", "2")), "3.5", True),
        ({**advisory(versions=["1"]), "withdrawn": "2026-01-01T00:00:00Z"}, "1", False),
    ],
)
def test_a_version_is_affected_as_the_format_says(
    one: Mapping[str, Any], version: str, is_affected: bool
) -> None:
    found = list(holes([one], {"some-package": version}))

    assert found == ([f"some-package {version}: TEST-1 A hole."] if is_affected else [])


def test_another_ecosystem_s_package_is_another_package() -> None:
    package = {"ecosystem": "npm", "name": "some-package"}
    other = {"id": "TEST-1", "affected": [{"package": package, "versions": ["1"]}]}

    assert list(holes([other], {"some-package": "1"})) == []


def test_advisories_are_read_from_a_folder_and_from_a_zip_file(tmp_path: Path) -> None:
    text = json.dumps(advisory(versions=["1"]))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "TEST-1.json").write_text(text)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("TEST-1.json", text)

    assert list(advisories(tmp_path / "folder")) == list(advisories(tmp_path / "all.zip"))


def test_what_is_installed_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = {"ecosystem": "PyPI", "name": "pytest"}
    hole = {"id": "TEST-2", "affected": [{"package": package, "versions": [pytest.__version__]}]}
    (tmp_path / "TEST-2.json").write_text(json.dumps(hole))

    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == f"pytest {pytest.__version__}: TEST-2\n"
    (tmp_path / "TEST-2.json").unlink()
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith(f" in {len(installed())} packages.\n")
    assert main([]) == 2
