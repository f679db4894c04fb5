"""Measures hexauth beside bare interpreters and its peers: `sh scripts/bench`."""
