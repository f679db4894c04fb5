"""The finished completion scripts: they lie in the package, or beside it in a checkout."""

from pathlib import Path

NAMES = {"bash": "hexauth.bash", "zsh": "_hexauth", "fish": "hexauth.fish"}
"""What the file with the script for each shell is called."""


def completion(shell: str) -> str:
    """Return the completion script for `shell`. Raises OSError if the installation lacks it."""
    package = Path(__file__).parent.parent
    installed = package / "completions"
    folder = installed if installed.is_dir() else package.parent / "completions"
    return (folder / NAMES[shell]).read_text("utf-8")
