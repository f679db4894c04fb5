"""Where secrets rest: the OS keyring or a file; which of them, and the index of what is in it."""
