import pytest

from hexauth.screen.clipboard import copy

ASKED = "\x1b]52;c;QkNERi1HSEpL\x07"


@pytest.mark.parametrize(
    ("environ", "sent"),
    [
        ({}, ASKED),
        ({"TMUX": "/tmp/x"}, ASKED),
        ({"STY": "1.pts"}, f"\x1bP{ASKED}\x1b\\"),
        ({"STY": "1.pts", "TMUX": "/tmp/x"}, ASKED),
    ],
)
def test_terminal_is_asked_to_copy(environ: dict[str, str], sent: str) -> None:
    assert copy("BCDF-GHJK", environ) == sent
