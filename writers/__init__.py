"""What writes the generated files: manual pages, completions, and the pictures of the house."""
