"""Runs one target guided by coverage, with atheris: `python -m fuzz.guided TARGET SECONDS FOLDER`.

What it has found interesting stays in FOLDER/corpus, and inputs that fail in FOLDER.
"""

import sys
from pathlib import Path

import atheris

from fuzz.inputs import LONGEST, PIECES


def main() -> None:
    """Run until the time is over, or an input fails."""
    name, seconds, where = sys.argv[1:]
    with atheris.instrument_imports(include=["hexauth"]):
        from fuzz.targets import TARGETS
    target, folder = TARGETS[name], Path(where)
    corpus, seeds = folder / "corpus", folder / "seeds"
    for each in (corpus, seeds):
        each.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(target.seeds):
        (seeds / str(number)).write_bytes(data)
    words = folder / "dictionary"
    lines = ("".join(f"\\x{byte:02x}" for byte in each) for each in PIECES if len(each) <= 64)
    words.write_text("".join(f'"{line}"\n' for line in lines), "ascii")
    options = {
        "max_total_time": seconds,
        "max_len": str(LONGEST),
        "timeout": "60",
        "rss_limit_mb": "4096",
        "dict": str(words),
        "artifact_prefix": f"{folder}/",
        "print_final_stats": "1",
        "verbosity": "0",
    }
    flags = [f"-{option}={value}" for option, value in options.items()]
    atheris.Setup([sys.argv[0], *flags, str(corpus), str(seeds)], target.test)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
