"""No core dump: it would write to a disk what this process holds in memory."""

import sys

PR_SET_DUMPABLE = 4
"""prctl(2); another program that takes the place of this process can be dumped again."""

_before: tuple[int, int] | None = None
"""The limits of a core dump's size, core(5), as they were."""


def forbid(platform: str = sys.platform) -> None:
    """Let this process leave no core dump, and let no other of its user look into its memory.

    A tracer that is root, or has started it, still can (ptrace(2)). Where something is not to be
    had, the rest is done.
    """
    global _before  # noqa: PLW0603  (the limits are the process's, too)
    if platform == "win32" or _before is not None:
        return
    import resource

    _before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, _before[1]))
    if platform == "linux":
        _set_dumpable(0)


def allow() -> None:
    """Take the limit back, for the program that takes the place of this process."""
    global _before  # noqa: PLW0603
    if _before is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, _before)
        _before = None


def _set_dumpable(value: int) -> None:
    """Call prctl(2); one that is not there is no reason to fail."""
    try:
        import _ctypes  # ctypes takes 2 ms more

        itself = _ctypes.dlopen(None, 0)  # type: ignore[arg-type]  # None is this program
        prctl = _ctypes.dlsym(itself, "prctl")
        _ctypes.call_function(prctl, (PR_SET_DUMPABLE, value, 0, 0, 0))
    except (ImportError, AttributeError, OSError):
        pass
