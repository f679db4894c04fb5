"""Processes that start the same moment: each a fork of one that has made their imports.

Standard input holds its end back; the argument is JSON, with `imports`, `prepare` and `works`.
"""

import json
import os
import sys
from typing import Any


def main(job: dict[str, Any]) -> None:
    """Run the works at once, each in a process, and print the list of how they have ended."""
    names = dict[str, Any]()
    exec(job["imports"], names)  # noqa: S102  (it is a test's)
    children = []
    for work in job["works"]:
        if (child := os.fork()) == 0:
            try:
                exec(job["prepare"], names)  # noqa: S102
            finally:  # if that has failed, nobody is to wait for it
                os.write(1, b"ready\n")  # in one piece, whatever the buffering
            sys.stdin.read()
            exec(work, names)  # noqa: S102
            os._exit(0)  # without taking all down that the imports have made
        children.append(child)
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    print(json.dumps(ends))  # noqa: T201


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
