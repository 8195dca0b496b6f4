"""Parts of TensorRT-LLM's arguments that hold several options: its configurations of the cache and of graphs.

Read in TensorRT-LLM ``tensorrt_llm/llmapi/llm_args.py`` of 1.2 and of main at 0004396; checked: 2026-11-30.
"""

from collections.abc import Mapping
from typing import Any

from llm_calc.adapters.json_twice import json_once
from llm_calc.core.errors import InvalidInputError

CACHE, GRAPHS = "kv_cache_config", "cuda_graph_config"
RENAMED = {"dtype": "kv_cache_dtype"}
"""Keys of the cache's configuration whose option has another name here."""
ANYWAY: Mapping[str, object] = {
    "enable_partial_reuse": True,
    "copy_on_partial_reuse": True,
    "onboard_blocks": True,
    "use_uvm": False,
    "event_buffer_max_size": 0,
    "attention_dp_events_gather_period_ms": 5,
    "max_util_for_resume": 0.95,
}
"""What a configuration says by default, and is no news where it does."""


def apart(engine: Mapping[str, Any]) -> dict[str, Any]:
    """The engine's part with what its configurations hold as options of its own.

    ``cuda_graph_config`` of null switches graphs off, as the engine does; its sizes are left to be named.

    Raises:
        InvalidInputError: a configuration that is no object, or an option that is said twice and differs.
    """
    found = {key: value for key, value in engine.items() if key not in (CACHE, GRAPHS)}
    for key, value in (_object(engine.get(CACHE), CACHE) or {}).items():
        if value is not None:
            _add(found, RENAMED.get(key, key), value, f"{CACHE}.{key}")
    for key in [each for each in ANYWAY if each in found and found[each] == ANYWAY[each]]:
        del found[key]
    if GRAPHS in engine:
        graphs = _object(engine[GRAPHS], GRAPHS)
        _add(found, "cuda_graph", graphs is not None, GRAPHS)
        if graphs:
            found[GRAPHS] = graphs
    return found


def _object(value: object, name: str) -> dict[str, Any] | None:
    if isinstance(value, str):
        try:
            value = json_once(value, where=f"engine.{name}")
        except ValueError:
            value = ()
    if value is not None and not isinstance(value, dict):
        raise InvalidInputError(f"engine.{name}: must be a JSON object", field=f"engine.{name}")
    return value


def _add(found: dict[str, Any], option: str, value: object, said_as: str) -> None:
    if found.get(option, value) not in (value, None):
        msg = f"engine.{said_as}: says {value!r}, but engine.{option} says {found[option]!r}; they are one option"
        raise InvalidInputError(msg, field=f"engine.{said_as}")
    found[option] = value
