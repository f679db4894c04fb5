"""What may be wrong here: each part of a machine is looked at, and left as it was."""
