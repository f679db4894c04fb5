"""`hexauth doctor`: what may be wrong here, and what to do about it."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from hexauth.cli.options import Flags, vault_option
from hexauth.cli.streams import style, width, write_json, write_laid_out
from hexauth.screen.layout import wrapped
from hexauth.screen.style import Look, Style
from hexauth.tools.places import own_programs

if TYPE_CHECKING:
    from hexauth.doctor.examination import Section

COLORS: dict[str, Look] = {"ok": "green", "warning": "yellow", "problem": "red"}

MARGIN = 2 + max(map(len, COLORS)) + 2
"""Where the text of a line begins, below which it wraps."""


@click.command(short_help="Tell what may be wrong here, and what to do about it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--offline", is_flag=True, help="Send nothing to any server.")
@vault_option()
@click.pass_context
def doctor(context: click.Context, as_json: bool, offline: bool) -> None:
    """Look at everything hexauth depends on, and tell what is wrong and what to do.

    Versions, settings, the vault, locks, memory, servers and their clocks, logins, git, docker, and
    logins that other programs keep in plain text. The vault is written to and read back; servers
    are asked without any credential. Nothing is changed, and nobody is asked anything.

    There is no secret in what is printed: it can be put into a bug report. The exit code is 1 if
    there is a problem; warnings are no problem.
    """
    from hexauth.doctor.case import Case
    from hexauth.doctor.examination import examine

    flags = context.ensure_object(Flags)
    told = {**flags.settings, "offline": offline or None}
    case = Case.admit(own_programs(), flags.front, told)
    try:
        sections = examine(case)
    finally:
        case.close()
    counts = Counter(each.level for section in sections for each in section.findings)
    problems, warnings = counts["problem"], counts["warning"]
    if as_json:
        write_json(_facts(sections, problems, warnings))
    else:
        write_laid_out([*_lines(sections, style(), width()), _sum(problems, warnings)])
    context.exit(1 if problems else 0)


def _facts(sections: "list[Section]", problems: int, warnings: int) -> object:
    return {
        "problems": problems,
        "warnings": warnings,
        "findings": [
            {"section": section.heading, **vars(finding)}
            for section in sections
            for finding in section.findings
        ],
    }


def _lines(sections: "list[Section]", look: Style, size: int) -> Iterator[str]:
    """Yield the report for people; what acts on a terminal is escaped, but for the marks' color."""
    for section in sections:
        yield section.heading
        for finding in section.findings:
            mark = look(f"  {finding.level}".ljust(MARGIN), COLORS[finding.level])
            texts = [f"{finding.name}: {finding.text}", *filter(None, [finding.advice])]
            rows = [row for text in texts for row in wrapped(text, size - MARGIN)]
            yield f"{mark}{rows[0]}"
            yield from (f"{'':{MARGIN}}{row}" for row in rows[1:])
        yield ""


def _sum(problems: int, warnings: int) -> str:
    counts = {"problem": problems, "warning": warnings}
    return ", ".join(f"{n} {what}{'s' * (n != 1)}" for what, n in counts.items()) + "."
