"""The composition root and the ways to run it."""
