"""Flags that switch the cache of equal prompt beginnings off."""

from collections.abc import Mapping
from typing import Any

from llm_calc.core.engines import traits_of
from llm_calc.core.errors import InvalidInputError


def check_prefix(workload: Mapping[str, Any], engine: Mapping[str, Any], name: str) -> None:
    """Refuses a share of prompts that is found in a cache that is off.

    Raises:
        InvalidInputError: names both.
    """
    hit = workload.get("prefix_cache_hit_fraction")
    flag, off = traits_of(name).options.prefix_switch or ("", None)
    if flag and engine.get(flag) is off and isinstance(hit, (int, float)) and hit > 0:
        msg = (
            f"workload.prefix_cache_hit_fraction: {hit:g} of the prompts cannot be found where engine.{flag} is "
            f"{str(off).lower()}; they must agree"
        )
        raise InvalidInputError(msg, field="workload.prefix_cache_hit_fraction")
