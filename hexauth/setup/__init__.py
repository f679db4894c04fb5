"""Putting hexauth into the configuration of other tools, and taking it out again."""
