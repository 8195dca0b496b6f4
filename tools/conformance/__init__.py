"""Engines' own planning code, run without a GPU in an environment of its own, against the product's plans."""
