"""A QR code in a terminal (ISO/IEC 18004): two modules a cell, one above the other."""

BORDER = 2
"""Modules of quiet zone on each side; the standard has four, and phones do with two."""

BLOCKS = {(1, 1): "█", (1, 0): "▀", (0, 1): "▄", (0, 0): " "}
"""What a cell shows of its upper and its lower module, of which 1 is a light one.

Light ones are drawn: a terminal is dark, mostly, and phones read the other way round, too.
"""

COLORS = "\x1b[97;40m"
"""White on black, whatever the terminal's own colors are."""


def qr_lines(text: str) -> list[str]:
    """Return the lines of a QR code that holds `text`, all of the same width."""
    import segno

    code = segno.make(text, error="l", micro=False, boost_error=False)
    rows = [[1 - module for module in row] for row in code.matrix_iter(border=BORDER)]
    if len(rows) % 2:
        rows.append([1] * len(rows[0]))
    return [
        "".join(BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    ]


def painted(lines: list[str]) -> list[str]:
    """Return the lines of a QR code in its colors."""
    return [f"{COLORS}{line}\x1b[0m" for line in lines]


def can_show(encoding: str) -> bool:
    """Tell whether a terminal of that `encoding` has the characters."""
    try:
        "█▀▄".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
