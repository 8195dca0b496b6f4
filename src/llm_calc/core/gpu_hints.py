"""What to give instead of names that no GPU of the catalog has: a processor alone, cards before its first."""

import re
from typing import Any

from llm_calc.core.names import NameIndex, normal_name

_PROCESSOR = re.compile(
    r"(cpu|none|no-gpu|ryzen-\d.*|core-i\d.*|i[3579]-.*|epyc.*|xeon.*|threadripper.*)(-only)?"
)
_EARLIER = re.compile(r"(nvidia-|amd-|radeon-)?(gtx|tesla|titan|p[14]0|p100|m40|k80|rx-?(4|5)\d\d|vega).*")

ALONE = (
    "for a processor alone name any card with engine llama.cpp, n_gpu_layers 0 and op_offload false, and the machine "
    "in hardware.host"
)
CUSTOM = (
    "give a card that is not in the catalog as custom, with hardware.memory_bytes, "
    "hardware.memory_bandwidth_bytes_per_s and hardware.like, the catalog's nearest"
)


def gpu_hint(name: str, index: NameIndex[Any]) -> tuple[str, str | None]:  # noqa: ARG001 - a Hint
    """In words, and no id: which one a card resembles is the caller's to say.

    >>> gpu_hint("GTX 1080 Ti", NameIndex("gpu", "gpu"))[0][:36]
    'give a card that is not in the catal'
    """
    plain = normal_name(name)
    if _PROCESSOR.fullmatch(plain):
        return ALONE, None
    return (CUSTOM, None) if _EARLIER.fullmatch(plain) else ("", None)
