"""Sweeps: a grid over the fields of a request, evaluated in batches of rows with arrays in place of numbers."""
