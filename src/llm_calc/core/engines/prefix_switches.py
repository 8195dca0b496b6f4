"""Flags that switch the cache of equal prompt beginnings off."""

from collections.abc import Mapping
from typing import Any

from llm_calc.core.errors import InvalidInputError

PREFIX_SWITCHES = {
    "vllm": ("enable_prefix_caching", False),
    "sglang": ("disable_radix_cache", True),
    "trtllm": ("enable_block_reuse", False),
}
"""The flag of each engine that switches the cache of equal prompt beginnings off, and the value that does."""


def check_prefix(workload: Mapping[str, Any], engine: Mapping[str, Any], name: str) -> None:
    """Refuses a share of prompts that is found in a cache that is off.

    Raises:
        InvalidInputError: names both.
    """
    hit = workload.get("prefix_cache_hit_fraction")
    flag, off = PREFIX_SWITCHES.get(name, ("", None))
    if flag and engine.get(flag) is off and isinstance(hit, (int, float)) and hit > 0:
        msg = (
            f"workload.prefix_cache_hit_fraction: {hit:g} of the prompts cannot be found where engine.{flag} is "
            f"{str(off).lower()}; they must agree"
        )
        raise InvalidInputError(msg, field="workload.prefix_cache_hit_fraction")
