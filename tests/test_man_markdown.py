"""The manual's pages as Markdown: all that they use is rendered, and nothing else is let pass."""

import pytest

from tests.docs_pages import ROOT
from writers.man_markdown import markdown

PAGE = r"""
.TH "HEXAUTH-X" 1 "" "hexauth" "hexauth"
.SH NAME
hexauth\-x \- does *this*, see hexauth\-get(1) and git(1)
.SH SYNOPSIS
.B hexauth x
[OPTIONS]
.SH OPTIONS
.TP
\fB\-v, \-\-verbose\fR
Tell more:
\&.dotted and <angled>.
.nf
x \-\-y
.PP
.B git\-credential\-hexauth
get
.fi
"""

MARKDOWN = r"""# hexauth-x

## Name

hexauth-x - does \*this\*, see [hexauth-get(1)](hexauth-get.1) and git(1)

## Synopsis

```text
hexauth x [OPTIONS]
```

## Options


`-v, --verbose`
: Tell more: .dotted and \<angled\>.
```text
x --y

git-credential-hexauth get
```
"""


def test_a_page_is_rendered() -> None:
    assert markdown(PAGE.lstrip("\n")) == MARKDOWN


def test_what_cannot_be_rendered_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"\.RS 4"):
        markdown(".SH X\n.RS 4\n")


@pytest.mark.parametrize("path", sorted((ROOT / "man").glob("*.1")), ids=lambda path: path.stem)
def test_every_page_can_be_rendered(path: str) -> None:
    assert r"\f" not in markdown((ROOT / path).read_text("utf-8"))
