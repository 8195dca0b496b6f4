"""What files of a hub's repository are called where it is named with a kind."""

HUB_KINDS = {"bf16-gguf": "bf16", "mxfp4_moe": "mxfp4"}
"""Kinds that files on hubs are called otherwise than here."""


def hub_file(files: str, kind: str) -> str:
    """The repository and the kind of a file in it, as llama.cpp and Ollama take them.

    >>> hub_file("unsloth/Qwen3-8B-GGUF", "q4_k_m")
    'unsloth/Qwen3-8B-GGUF:Q4_K_M'
    """
    return f"{files}:{HUB_KINDS.get(kind, kind).upper()}"
