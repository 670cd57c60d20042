"""Paper A: diagonal Elman networks with a smooth activation."""
