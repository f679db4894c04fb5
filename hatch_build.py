"""How the wheels get their programs: as scripts of our own on POSIX, as .exe files on Windows.

The script that pip before 26 writes for an entry point imports `re`, which takes as long as the
rest of an answer. A script inside the wheel is installed as it is, but for its first line. Windows
cannot run one without an .exe beside it, and pip makes that for entry points alone; so Windows has
wheels of its own, which pip prefers to the one for any platform.
"""

import os
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

DOORS = {
    "hexauth": "main",
    "git-credential-hexauth": "git",
    "docker-credential-hexauth": "docker",
    "hexauth-bazel": "bazel",
}
"""Each program, and the function of `hexauth.__main__` that it runs."""

PLATFORM = os.environ.get("HEXAUTH_WHEEL") or sysconfig.get_platform()
"""What to build for: `HEXAUTH_WHEEL=win-amd64` makes the one for Windows anywhere.

`entry-points` makes one for any platform that has them: installers know how to write those for a
folder whose path holds a space, which the first line of a script cannot express.
"""

IS_WINDOWS = PLATFORM.startswith("win")
HAS_ENTRY_POINTS = IS_WINDOWS or PLATFORM == "entry-points"


class Programs(MetadataHookInterface):
    """Names the entry points, where there are to be some."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `project.scripts`."""
        doors = DOORS if HAS_ENTRY_POINTS else {}
        metadata["scripts"] = {name: f"hexauth.__main__:{door}" for name, door in doors.items()}


class Scripts(BuildHookInterface[Any]):
    """Adds the scripts in `bin`, where they work, and what `setup shell` and `help` read."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Set what the wheel's builder reads; an editable install finds that beside it."""
        if version != "editable":
            build_data["force_include"]["completions"] = "hexauth/completions"
            build_data["force_include"]["man"] = "hexauth/man"
        if IS_WINDOWS:
            build_data["tag"] = f"py3-none-{PLATFORM.replace('-', '_')}"
        elif not HAS_ENTRY_POINTS:
            build_data["shared_scripts"] = {str(Path("bin", name)): name for name in DOORS}
