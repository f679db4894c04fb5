"""What is kept in memory: answers for `hot`, and tokens that are still to be saved."""
