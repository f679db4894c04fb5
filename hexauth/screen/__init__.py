"""How what is said looks at a terminal: laid out for its width, in words, in few colors."""
