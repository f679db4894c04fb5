"""What a reader of the results must know of the machine."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path


def facts() -> Iterator[str]:
    """Yield lines that name this machine and what is installed on it."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    system = platform.freedesktop_os_release().get("PRETTY_NAME", "?")
    yield f"- {os.cpu_count()} x {model}, {system}, Linux {platform.release()}"
    packages = ", ".join(f"{name} {version(name)}" for name in ("hexauth", "keyring", "click"))
    yield f"- Python {platform.python_version()}, {packages}"
    for words in (["git", "--version"], ["gnome-keyring-daemon", "--version"]):
        if shutil.which(words[0]):
            said = subprocess.run(words, capture_output=True, check=False, text=True).stdout
            yield f"- {said.splitlines()[0]}"
