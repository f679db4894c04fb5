import pytest
import segno

from hexauth.screen.qr import BLOCKS, BORDER, COLORS, can_show, painted, qr_lines

ADDRESS = "https://hex.pm/oauth/device?user_code=BCDFGHJK"


def test_lines_hold_every_module_of_the_code() -> None:
    pairs = {block: pair for pair, block in BLOCKS.items()}
    rows: list[list[int]] = []
    for line in qr_lines(ADDRESS):
        upper, lower = zip(*(pairs[each] for each in line), strict=True)
        rows += [list(upper), list(lower)]
    size = len(rows[0]) - 2 * BORDER

    inside = [row[BORDER : BORDER + size] for row in rows[BORDER : BORDER + size]]
    code = segno.make(ADDRESS, error="l", micro=False, boost_error=False)
    assert [[1 - each for each in row] for row in inside] == [list(row) for row in code.matrix]
    assert {each for row in rows[:BORDER] + rows[BORDER + size :] for each in row} == {1}


def test_colors_are_black_and_white_whatever_the_terminal_s_are() -> None:
    lines = painted(qr_lines(ADDRESS))

    assert all(line.startswith(COLORS) and line.endswith("\x1b[0m") for line in lines)


@pytest.mark.parametrize(
    ("encoding", "can"), [("utf-8", True), ("cp437", True), ("ascii", False), ("nonsense", False)]
)
def test_blocks_are_shown_where_the_encoding_has_them(encoding: str, can: bool) -> None:
    assert can_show(encoding) == can
