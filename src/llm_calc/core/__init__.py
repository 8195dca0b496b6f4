"""Numbers in, numbers out: pure functions over frozen dataclasses."""
