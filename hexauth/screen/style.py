"""The few colors there are: those of the terminal's own palette, which its owner can read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
"""Select Graphic Rendition (ECMA-48 section 8.3.117); 16 colors, no background but the terminal's.
"""

Look = Literal["bold", "dim", "red", "green", "yellow", "cyan"]


def is_colored(visible: bool, environ: Mapping[str, str]) -> bool:
    """Tell whether a terminal is written to in color: none that cannot, or is told not to.

    https://no-color.org: any value of NO_COLOR counts but the empty one.
    """
    return visible and not environ.get("NO_COLOR") and environ.get("TERM", "dumb") != "dumb"


@dataclass(frozen=True)
class Style:
    """How words look; where there is no color, as they are."""

    on: bool

    def __call__(self, text: str, *looks: Look) -> str:
        """Return `text`, which is escaped already, in these looks."""
        codes = ";".join(CODES[look] for look in looks)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.on and codes and text else text
