"""The clipboard of whoever looks at the terminal, on this machine or far away (OSC 52).

https://invisible-island.net/xterm/ctlseqs/ctlseqs.html, "Operating System Commands".
"""

from base64 import b64encode
from collections.abc import Mapping


def copy(text: str, environ: Mapping[str, str]) -> str:
    """Return what asks a terminal to put `text` into its clipboard.

    GNU screen hands it on if it is wrapped (DCS); tmux does by itself, where its set-clipboard is
    on.
    """
    asked = f"\x1b]52;c;{b64encode(text.encode()).decode('ascii')}\x07"
    return f"\x1bP{asked}\x1b\\" if environ.get("STY") and not environ.get("TMUX") else asked
