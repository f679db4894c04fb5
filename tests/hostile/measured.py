"""Runs a command, and writes its exit code, its seconds and the KiB it took into a file.

It is small itself, because Linux counts among a process's memory that of the one it was forked of.
"""

import os
import sys
import time

began = time.monotonic()
child = os.fork()
if not child:
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606  (it is no shell's)
_, status, usage = os.wait4(child, 0)
took = time.monotonic() - began
with open(sys.argv[1], "w") as file:  # noqa: PTH123  (pathlib would be most of its memory)
    file.write(f"{os.waitstatus_to_exitcode(status)} {took} {usage.ru_maxrss}")
