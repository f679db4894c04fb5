"""All checks, in the order of the report, and what becomes of one that fails itself."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from hexauth.doctor import (
    docker,
    git,
    leftovers,
    locks,
    logins,
    memory,
    programs,
    servers,
    settings,
    vault,
    versions,
)
from hexauth.doctor.case import Case
from hexauth.doctor.finding import Finding, problem
from hexauth.errors import HexauthError
from hexauth.machine.folders import home_folder


@dataclass(frozen=True)
class Check:
    """What is looked at under one heading."""

    heading: str
    look: Callable[[Case], Iterable[Finding]]
    needs_settings: bool = False
    """Whether it says nothing while the settings make no sense."""


CHECKS = (
    Check("versions", versions.look),
    Check("programs", programs.look),
    Check("settings", settings.look),
    Check("vault", vault.look, needs_settings=True),
    Check("locks", locks.look),
    Check("memory", memory.look, needs_settings=True),
    Check("servers", servers.look, needs_settings=True),
    Check("logins", logins.look, needs_settings=True),
    Check("git", git.look),
    Check("docker", docker.look),
    Check("kept by other programs", leftovers.look),
)


@dataclass(frozen=True)
class Section:
    """A heading, and what was found."""

    heading: str
    findings: tuple[Finding, ...]


def examine(case: Case, checks: Iterable[Check] = CHECKS) -> list[Section]:
    """Return what the checks find; one that raises is a problem, and stops no other."""
    wanted = [each for each in checks if case.fault is None or not each.needs_settings]
    return [Section(each.heading, tuple(_findings(each, case))) for each in wanted]


def _findings(check: Check, case: Case) -> Iterable[Finding]:
    try:
        for found in check.look(case):
            yield _homely(found, case)
    except HexauthError as error:
        yield _homely(problem(check.heading, str(error), error.hint), case)
    except Exception as error:  # what it says may hold a secret
        what = f"This could not be looked at ({type(error).__name__})."
        yield problem(check.heading, what, "Please report it, with this whole report.")


def _homely(found: Finding, case: Case) -> Finding:
    """Write `~` for the user's own folder, whose name is nobody else's business."""
    home = str(home_folder(case.environ)).rstrip("/")
    if not home:
        return found
    pattern = re.compile(rf"{re.escape(home)}(?![\w-])")
    return replace(found, **{name: pattern.sub("~", text) for name, text in vars(found).items()})
