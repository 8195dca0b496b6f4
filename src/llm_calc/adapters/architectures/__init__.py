"""Hugging Face configurations as models: ``read_config`` and the table of families behind it."""

from llm_calc.adapters.architectures.reading import Reading, read_config

__all__ = ["Reading", "read_config"]
