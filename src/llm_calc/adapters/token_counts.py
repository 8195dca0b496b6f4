"""Counts of tokens as people type them: ``64k``, ``128K``, ``1M``, ``32,768``.

Models name their contexts in powers of two ("128K" is 131,072), so k is 1,024 in either case and M is 1,048,576. vLLM's
own flags tell them apart (32k is 32,000, 32K is 32,768): where an option of an engine is set, a small k is refused.
Source: ``human_readable_int`` in vllm/utils/argparse_utils.py of vLLM 0.33.0; ``checked: 2026-11-30``.
"""

import re

_COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([km])", re.IGNORECASE)
_GROUPED = re.compile(r"\d{1,3}([,_ ]\d{3})+")
_STEPS = {"k": 1 << 10, "m": 1 << 20}
_VLLM = re.compile(r"(\d+(?:\.\d+)?)([kmgt])|(\d+)([KMGT])")
FIELDS = re.compile(r"tokens|ctx|len$|length|context|batch", re.IGNORECASE)
"""Names of fields and flags that count tokens."""


def read_tokens(text: str) -> int | None:
    """The number that such a text says; None where it is no such text.

    >>> read_tokens("64k"), read_tokens("128K"), read_tokens("1M"), read_tokens("32,768"), read_tokens("0.5k")
    (65536, 131072, 1048576, 32768, 512)
    >>> read_tokens("64kb"), read_tokens("1.3k"), read_tokens("65536")
    (None, None, None)
    """
    typed = text.strip()
    if _GROUPED.fullmatch(typed):
        return int(re.sub(r"\D", "", typed))
    found = _COUNT.fullmatch(typed)
    tokens = 0.5 if found is None else float(found[1]) * _STEPS[found[2].lower()]
    return int(tokens) if tokens.is_integer() else None


def read_as_vllm(text: str) -> int | None:
    """The number that vLLM reads in such a text: small letters are powers of 1,000, others of 1,024.

    >>> read_as_vllm("8k"), read_as_vllm("8K"), read_as_vllm("25.6k"), read_as_vllm("20G"), read_as_vllm("1.5K")
    (8000, 8192, 25600, 21474836480, None)
    """
    found = _VLLM.fullmatch(text.strip())
    if found is None:
        return None
    if found[2]:
        return int(float(found[1]) * 1000 ** (1 + "kmgt".index(found[2])))
    return int(found[3]) << 10 * (1 + "KMGT".index(found[4]))
