import subprocess
import sys

BEGUN = "from hexauth.machine import trace; trace.begin(); "


def said(code: str) -> list[str]:
    """Return the lines that a Python program says on standard error."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b""
    return done.stderr.decode().splitlines()


def test_nothing_is_told_before_somebody_listens() -> None:
    assert said("from hexauth.machine import trace; trace.tell('hello'); print(end='')") == []


def test_a_line_names_the_process_and_the_time_and_acts_on_no_terminal() -> None:
    first, line = said(BEGUN + r"trace.tell('a\x1b[2J b\u202e')")

    assert first.startswith("hexauth[")
    assert first.endswith(f"on Python {sys.version.split()[0]}, {sys.platform}")
    name, seconds, text = line.split(" ", 2)
    assert name[:8] + name[-1] == "hexauth[]"
    assert float(seconds) >= 0
    assert text == r"a\x1b[2J b\u202e"


def test_beginning_twice_tells_the_same_once() -> None:
    assert len(said(BEGUN + "trace.begin()")) == 1


def test_nobody_has_to_listen() -> None:
    assert len(said(BEGUN + "import os; os.close(2); trace.tell('hello')")) == 1


def test_a_stopwatch_tells_seconds() -> None:
    _, line = said(BEGUN + "trace.tell(trace.stopwatch()())")

    assert line.endswith(" 0.000 s")
