"""What the places in which hexauth is named depend on, and the kinds of them."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hexauth.errors import UsageError
from hexauth.machine.folders import base_folder, home_folder
from hexauth.tools import blocks
from hexauth.tools.edits import Content, Place

SHELLS = ("bash", "zsh", "fish")


@dataclass(frozen=True)
class Surroundings:
    """What the places depend on."""

    environ: Mapping[str, str]
    programs: Path
    """The folder of hexauth's own programs."""
    origins: tuple[str, ...]
    """Where hexauth logs in: `https://hex.pm` and the like."""
    shell: str = ""
    """The shell to change; empty for the user's own."""
    hosts: tuple[str, ...] = ()
    """Servers to answer for besides."""
    everywhere: bool = False

    @property
    def home(self) -> Path:
        """The user's folder."""
        return home_folder(self.environ)

    def folder(self, variable: str) -> Path:
        """Return one of the XDG base directories."""
        return base_folder(self.environ, variable)

    def program(self, name: str) -> str:
        """Return the absolute path of one of hexauth's programs."""
        return str(self.programs / name)


def own_programs() -> Path:
    """Return the folder that this program was started from, as it was written: links may move."""
    here = Path(os.path.abspath(sys.argv[0])).parent  # noqa: PTH100  (resolve follows links)
    return here if (here / "git-credential-hexauth").exists() else Path(sys.executable).parent


def shell_of(here: Surroundings) -> str:
    """Return the shell to change. Raises `UsageError` if it is not one of `SHELLS`."""
    name = here.shell or Path(here.environ.get("SHELL", "")).name
    if name not in SHELLS:
        raise UsageError(
            f"There are no functions for the shell {name or 'that you use'}.",
            hint=f"Name one with --shell: {', '.join(SHELLS)}.",
        )
    return name


def startup(here: Surroundings, name: str) -> Path:
    """Return the file that an interactive shell reads."""
    if name == "fish":
        return here.folder("XDG_CONFIG_HOME") / "fish/conf.d/hexauth.fish"
    if name == "zsh":
        return Path(here.environ.get("ZDOTDIR") or here.home) / ".zshrc"
    return here.home / ".bashrc"


def function(here: Surroundings, name: str, posix: list[str], fish: list[str]) -> Place:
    """Return the place of a function: lines of the block `name` in the file that a shell reads."""
    kind = shell_of(here)
    return block(startup(here, kind), name, fish if kind == "fish" else posix)


def block(
    path: Path,
    name: str,
    lines: list[str],
    check: Callable[[bytes], None] = lambda content: None,
) -> Place:
    """Return the place that is a block of lines, called `name`, in a file of somebody else's."""
    return Place(
        path,
        lambda before: blocks.put(before, name, lines),
        lambda before: blocks.take(before, name),
        lambda content: blocks.has(content, name),
        check,
    )


def own_file(path: Path, text: str, mark: str, *, is_program: bool = False) -> Place:
    """Return the place that is a whole file of ours; an older version of it is ours, too.

    It is known by `mark`, which is among its first 200 bytes.
    """
    content = text.encode("utf-8", "surrogateescape")

    def is_ours(found: Content) -> bool:
        return found is not None and mark.encode() in found[:200]

    def put(before: Content) -> Content:
        if before is not None and not is_ours(before):
            raise UsageError(
                f"{path} is there already, and is not hexauth's.",
                hint="Move it away first, then run this again; nothing was changed.",
            )
        return content

    def take(before: Content) -> Content:
        return None if is_ours(before) else before

    return Place(path, put, take, is_ours, is_program=is_program)
