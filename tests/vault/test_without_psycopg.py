"""A vault in PostgreSQL without what speaks to it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs_pages import ROOT

WITHOUT = """
import sys
sys.modules["psycopg"] = None
from hexauth.__main__ import main
main()
"""


@pytest.mark.parametrize("words", [["get", "hexpm"], ["status"], ["vault", "init"]])
def test_host_without_psycopg_is_told_how_to_get_it(words: list[str], tmp_path: Path) -> None:
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "HEXAUTH_HOME": str(tmp_path / "hexauth"),
        "HEXAUTH_VAULT": f"postgresql:///hexauth?host={tmp_path}",
        "HEXAUTH_PASSPHRASE": "open sesame",
        "HEX_API_URL": "http://127.0.0.1:1/api",
        "CI": "1",
    }

    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "nobody expected" not in done.stderr
    assert "pip install 'hexauth[postgres]'" in done.stdout + done.stderr
