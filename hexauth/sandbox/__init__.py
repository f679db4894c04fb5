"""A Hex server on loopback, in memory, for trying and testing."""
