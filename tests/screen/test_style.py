import pytest

from hexauth.screen.style import Style, is_colored


@pytest.mark.parametrize(
    ("visible", "environ", "colored"),
    [
        (True, {"TERM": "xterm"}, True),
        (True, {"TERM": "xterm", "NO_COLOR": ""}, True),
        (True, {"TERM": "xterm", "NO_COLOR": "0"}, False),
        (True, {"TERM": "dumb"}, False),
        (True, {}, False),
        (False, {"TERM": "xterm"}, False),
    ],
)
def test_color_is_for_terminals_that_can_and_may(
    visible: bool, environ: dict[str, str], colored: bool
) -> None:
    assert is_colored(visible, environ) == colored


def test_looks_end_where_their_text_ends() -> None:
    assert Style(True)("now", "bold", "green") == "\x1b[1;32mnow\x1b[0m"
    assert Style(True)("", "bold") == ""
    assert Style(False)("now", "bold", "green") == "now"
