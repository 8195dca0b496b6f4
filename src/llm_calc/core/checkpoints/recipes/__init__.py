"""Formats of whole checkpoints and files by name: rules of the catalog, and what they make of a model."""
