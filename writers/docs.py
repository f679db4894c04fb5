"""What `sh scripts/docs` runs: it builds the site, or lists the addresses that it links to."""

import sys
from pathlib import Path

from writers.links import external
from writers.site import START, build

ROOT = Path(__file__).resolve().parent.parent


def main(words: list[str]) -> int:
    """Build the site into the folder in `words`, or list addresses; return the exit code."""
    if words == ["--links"]:
        for address, pages in external(ROOT).items():
            sys.stdout.write(f"{address}  {', '.join(sorted(set(pages)))}\n")
        return 0
    output = Path(words[0])
    code = build(ROOT, output)
    if code == 0:
        sys.stdout.write(f"The site is in {output}: open {output / START}.html.\n")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
