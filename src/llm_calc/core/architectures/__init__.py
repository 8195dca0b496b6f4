"""Hugging Face configurations as models: ``read_values`` and the table of families behind it."""
