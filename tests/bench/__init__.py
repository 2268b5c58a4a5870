"""`make bench`: every figure that an issue or the README claims."""
