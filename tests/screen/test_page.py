from pathlib import Path

import pytest

from hexauth.screen.layout import cells
from hexauth.screen.page import plain, rendered

MAN = Path(__file__).parent.parent.parent / "man"
PAGES = sorted(MAN.rglob("*.[0-9]"))

SOURCE = r""".TH "SING" 1 2026-01-02 "choir 1.0" "a manual"
.nh
.ad l
.SH NAME
sing \- make a sound
.SH SYNOPSIS
.B sing
[OPTIONS] SONG
.SH OPTIONS
.TP
\fB\-v\fR
Loudly.
.TP
\fB\-\-verse NUMBER\fR
Begin at this one, which may be any that the song has, and go on to its end.
.br
Default: 1.
.RS
.TP
\fBlast\fR
The last one.
.RE
.SH EXAMPLES
Softly:
.PP
.RS 4
.nf
\fBsing \(dq\(tiO\(dq  \(ga\(ha\(ga\fR

\fBrest\fR
.fi
.RE
.SS More
\&.hidden is \e and \(aq.
"""

WIDE = """\
SING(1)  choir 1.0  2026-01-02

NAME
       sing - make a sound

SYNOPSIS
       sing [OPTIONS] SONG

OPTIONS
       -v     Loudly.

       --verse NUMBER
              Begin at this one, which may be any that the song has, and go on
              to its end.
              Default: 1.

              last   The last one.

EXAMPLES
       Softly:

           sing "~O"  `^`

           rest

   More
       .hidden is \\ and '.
"""

NARROW = """\
OPTIONS
   -v
      Loudly.

   --verse NUMBER
      Begin at this one, which may
      be any that the song has, and
      go on to its end.
      Default: 1.

      last
         The last one.
"""


def test_page_is_laid_out_as_man_does_it() -> None:
    assert "\n".join(rendered(SOURCE, 80)) + "\n" == WIDE


def test_narrow_page_is_indented_less() -> None:
    assert NARROW in "\n".join(rendered(SOURCE, 36)) + "\n"


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_of_the_manual_is_too_long_but_for_a_command(width: int) -> None:
    lines = [line for path in PAGES for line in rendered(path.read_text("utf-8"), width)]

    too_long = [line for line in lines if cells(line) > min(width, 100) and len(line.split()) > 1]
    source = "\n".join(path.read_text("utf-8") for path in PAGES)
    typed = {plain(line) for line in source.splitlines() if line.startswith("\\fB")}
    assert [line for line in too_long if line.strip() not in typed] == []


def test_nothing_of_the_language_is_left_over() -> None:
    """What the renderer does not know would be seen, or be missing."""
    lines = [line for path in PAGES for line in rendered(path.read_text("utf-8"), 80)]

    assert [line for line in lines if "\\f" in line or "\\(" in line or line.startswith(".")] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_word_of_a_page_is_shown(path: Path) -> None:
    source = path.read_text("utf-8")
    words = [
        word for line in source.splitlines() if line[:1] != "." for word in plain(line).split()
    ]

    shown = " ".join(rendered(source, 80)).split()
    assert set(words) - set(shown) == set()
