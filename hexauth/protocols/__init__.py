"""What tools send and expect: each module parses and renders bytes, and does no I/O."""
