"""The benchmark runs, and everything that it measures answers as it should."""

import re
import subprocess
import sys
from pathlib import Path

from tests.as_postgres import binaries
from tests.conftest import need

ROOT = Path(__file__).parent.parent


def test_benchmark_measures_what_it_names() -> None:
    need("gnome-keyring-daemon", "gnome-keyring")
    options = ["--rounds", "1", "--repetitions", "1", "--crowds", "3", "--wake-ups", "3"]

    done = subprocess.run(
        [sys.executable, "-m", "bench", *options], cwd=ROOT, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
    figures = re.findall(r"^[|] (.+?) [|] ([0-9.]+) [|] [≤≥]", done.stdout.decode(), re.MULTILINE)
    assert "hit / python -c pass, wall" in dict(figures)
    assert "stored token, cache empty, Secret Service / keyring get" in dict(figures)
    assert "stored password, Secret Service / python -c pass" in dict(figures)
    assert "stored password, file vault / python -c pass" in dict(figures)
    assert "token, memory empty, Secret Service / python -c pass" in dict(figures)
    assert sum("to the code" in figure for figure in dict(figures)) == 2
    for who in ("waiters of a refresh that met a 503", "callers, nobody logged in, may not ask"):
        for vault in ("Secret Service", "file vault"):
            assert f"3 {who}, {vault} / 3 x python -c pass" in dict(figures)


def test_benchmark_fetches_through_the_proxy_and_straight() -> None:
    need("curl", "curl")
    sizes = ["--files", "20", "--megabytes", "5", "--packages", "2"]

    done = subprocess.run(
        [sys.executable, "-m", "bench.fetch", "--rounds", "1", *sizes],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    figures = re.findall(r"^[|] (.+?) [|] ([0-9.]+) [|] [≤≥]", done.stdout.decode(), re.MULTILINE)
    assert {"20 files, through / straight", "the proxy's memory, MiB"} <= {*dict(figures)}


def test_benchmark_measures_a_fleet() -> None:
    """Counts are as they must be; how long it takes on a busy machine is not for here."""
    need("postgres", "postgresql", path=binaries())
    options = ["--hosts", "2", "--processes", "2", "--repetitions", "1", "--rounds", "1"]

    done = subprocess.run(
        [sys.executable, "-m", "bench.fleet", *options, "--stop", "0"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")
    rows = re.findall(r"^[|] (.+?) [|] ([0-9]+) [|] (= |≤ )", done.stdout.decode(), re.MULTILINE)
    crowd = "2 hosts x 2 processes, token rejected"
    nobody = "2 hosts, nobody logged in, the person approves on one"
    assert {what: int(found) for what, found, sign in rows if sign == "= "} == {
        f"{crowd}: refreshes at the server": 1,
        f"{crowd}: answers with the same new token": 4,
        f"{nobody}: codes": 1,
        f"{nobody}: answers": 2,
        "connections at the database, a second after": 0,
    }
    assert all(int(found) <= 2 for _, found, sign in rows if sign == "≤ ")
