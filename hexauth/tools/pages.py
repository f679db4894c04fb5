"""The manual pages: they lie in the package, or beside it in a checkout."""

from collections.abc import Mapping
from pathlib import Path

ALIASES = {
    "config.toml": "hexauth-config.5",
    "settings": "hexauth-config.5",
    "diagnostics": "hexauth-diagnostics.7",
    "errors": "hexauth-diagnostics.7",
}
"""Topics that are no commands, and their pages."""


def pages() -> Mapping[str, Path]:
    """Return every page by its topic: a command without `hexauth`, or a program's name."""
    package = Path(__file__).parent.parent
    installed = package / "man"
    folder = installed if installed.is_dir() else package.parent / "man"
    files = {path.name: path for path in sorted(folder.glob("man[0-9]/*"))}
    topics = {
        path.stem.removeprefix("hexauth-").replace("-", " ")
        if name.startswith("h")
        else path.stem: path
        for name, path in files.items()
        if path.suffix == ".1"
    }
    return topics | {topic: files[name] for topic, name in ALIASES.items() if name in files}
