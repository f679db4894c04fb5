"""hexauth: one login for everything that talks to Hex."""

__version__ = "0.1.0"
