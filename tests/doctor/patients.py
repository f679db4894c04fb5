"""Machines to be examined, in this process."""

import io
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding
from hexauth.machine.folders import places
from hexauth.machine.terminal import Screen
from hexauth.world.settings import load

Look = Callable[[Case], Iterable[Finding]]


def patient(
    folder: Path, environ: Mapping[str, str] | None = None, toml: str = "", **changes: Any
) -> Case:
    """Return the case of a user whose folder is `folder`, with `toml` as config.toml."""
    surroundings = {
        "HOME": str(folder),
        "PATH": os.environ.get("PATH", os.defpath),
        "HEXAUTH_VAULT": "file",
        **(environ or {}),
    }
    here = places(surroundings)
    if toml:
        here.config.parent.mkdir(parents=True)
        here.config.write_text(toml, "utf-8")
    settings = load(surroundings, here.config)
    programs = Path(sys.executable).parent
    screen = Screen(io.StringIO().write, visible=False)
    return Case(surroundings, settings, here, screen, **{"programs": programs, **changes})


def levels(look: Look, case: Case) -> dict[str, str]:
    """Return how bad each thing is."""
    return {found.name: found.level for found in _found(look, case)}


def texts(look: Look, case: Case) -> dict[str, str]:
    """Return what is said of each thing, and what is to be done."""
    return {found.name: f"{found.text} {found.advice}".rstrip() for found in _found(look, case)}


def _found(look: Look, case: Case) -> list[Finding]:
    try:
        return list(look(case))
    finally:
        case.close()
