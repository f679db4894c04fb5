"""Generated files, by their paths from the project's root, and their texts."""

from collections.abc import Mapping
from pathlib import Path


def differing(root: Path, texts: Mapping[str, str]) -> list[str]:
    """Return the names of those that are missing below `root`, or old."""
    return [
        name
        for name, text in texts.items()
        if not (root / name).is_file() or (root / name).read_text("utf-8") != text
    ]


def write(root: Path, texts: Mapping[str, str]) -> None:
    """Write them all."""
    for name, text in texts.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
