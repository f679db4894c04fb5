"""The manual's pages as Markdown: all that they use is rendered, and nothing else is let pass."""

from pathlib import Path

import pytest

from hexauth.world.settings import SETTINGS
from tests.docs_pages import ROOT
from writers.diagnostics import ALL
from writers.links import links
from writers.man_markdown import markdown, sections
from writers.site import source

PAGE = r"""
.TH "HEXAUTH-X" 1 2026-11-29 "hexauth" "hexauth"
.nh
.ad l
.SH NAME
hexauth\-x \- does *this*, see hexauth\-get(1) and git(1)
.SH SYNOPSIS
.B hexauth x
[OPTIONS]
.SH OPTIONS
.TP
\fB\-v, \-\-verbose\fR
Tell more:
\&.dotted and <angled>, of \fB\(tix\fR.
.br
Default:
hexauth\-config(5).
.RS
.TP
\fBurl\fR
One.
.RE
.RS
.TP
\fBother\fR
Two.
.RE
.SS Some more
.PP
.RS 4
.nf
\fBx \-\-y\fR

\fBz\fR
.fi
.RE
"""

MARKDOWN = r"""# hexauth-x(1)

## Name

hexauth-x - does \*this\*, see [hexauth-get(1)](/man/man1/hexauth-get.1) and git(1)

## Synopsis

```text
hexauth x [OPTIONS]
```

## Options


`-v, --verbose`
: Tell more: .dotted and \<angled\>, of `~x`.\
  Default: [hexauth-config(5)](/docs/settings.md).

  - `url`: One.
  - `other`: Two.

### Some more


```text
x --y

z
```
"""


def test_a_page_is_rendered() -> None:
    assert markdown(PAGE.lstrip("\n")) == MARKDOWN


def test_sections_go_by_their_headings() -> None:
    found = sections(PAGE.lstrip("\n"))

    assert list(found) == ["Name", "Synopsis", "Options"]
    assert found["Synopsis"] == "```text\nhexauth x [OPTIONS]\n```"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (".SH X\n.IP x 4\n", r"\.IP x 4"),
        (".TP\nx\ny\n.RS\n.TP\na\nb\n.PP\nc\n.RE\n", "the list of x"),
        (".RS 4\n.nf\nx\n.fi\n.PP\n", "goes on"),
    ],
    ids=["a request", "a list", "an indentation"],
)
def test_what_cannot_be_rendered_is_an_error(lines: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        markdown(lines)


@pytest.mark.parametrize("path", sorted(ROOT.glob("man/*/*")), ids=lambda path: path.name)
def test_every_page_is_rendered(path: Path) -> None:
    rendered = markdown(path.read_text("utf-8"))

    assert not any(each in rendered for each in (r"\f", r"\(", r"\-"))
    assert [
        each for each in links(rendered) if each[0] == "/" and not (ROOT / each[1:]).is_file()
    ] == []


def test_the_settings_page_has_every_setting_and_variable() -> None:
    made = source("docs/settings", "<!-- made of the program: settings -->").replace("\\_", "_")

    assert [each.name for each in SETTINGS if f"`{each.name}`\n: " not in made] == []
    assert [name for each in SETTINGS for name in each.variables if name not in made] == []


def test_the_troubleshooting_page_has_every_message() -> None:
    made = source("docs/x", "<!-- made of the program: messages -->")

    assert len(ALL) > 100
    assert [each.message for each in ALL if each.message not in made] == []


def test_a_page_that_wants_what_is_not_made_is_an_error() -> None:
    with pytest.raises(ValueError, match="tea"):
        source("docs/x", "<!-- made of the program: tea -->")
