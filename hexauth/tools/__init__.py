"""Other programs: what they have kept so far, and where they are told of hexauth."""
