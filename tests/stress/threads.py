"""Threads of one process that all need a token at the same moment; prints what they got."""

import sys
import threading

from hexauth import library

size = int(sys.argv[1])
together = threading.Barrier(size)
got: list[str] = []


def work() -> None:
    """Get a token when everybody is there."""
    together.wait()
    got.append(library.get("hexpm", may_ask=True).secret)


threads = [threading.Thread(target=work) for _ in range(size)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
sys.stdout.write("".join(f"{each}\n" for each in got))
