"""The computer itself: folders, terminal, browser, programs, signals, and locks on files."""
