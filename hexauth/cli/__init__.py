"""The commands: one module each; they parse, and call the rest."""
