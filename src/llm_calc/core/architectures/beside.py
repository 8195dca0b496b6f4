"""Keys beside a ``quantization_config`` that say how a part of the weights is stored."""

from collections.abc import Mapping
from types import MappingProxyType

EXPERT_DTYPE = "expert_dtype"
ROUTER_DTYPE = "router_dtype"
TEXT_ONLY = "text_part_only"
WRITTEN_BY_MLX = "written_by_mlx"
RELEASE = "written_by_transformers"
"""The release of transformers that wrote the file, as it says."""
_MLX_KEY = "quantization"
"""Where MLX says its formats, whatever else a file holds."""
FP4_EXPERTS = "fp4"
_FP4_TYPES = ("deepseek_v4",)
"""Types whose experts are fp4 where nothing else is said (vLLM 0.33.0, its quantization of DeepSeek V4)."""
_FP8 = ("fp8", "deepseek_v4_fp8")
_ELSEWHERE = ("compressed-tensors", "gptq", "awq", "fp8", "mxfp4", "quark")
"""Tools that write the router in the model's own type, or whose files stem from older classes."""
WIDE_ROUTERS = frozenset(
    (
        *("axk1", "axk2", "beam", "deepseek_v2", "deepseek_v3", "deepseek_v32", "dots1", "ernie4_5_moe"),
        *("exaone_moe", "flint", "glm4_moe", "glm4_moe_lite", "glm_moe_dsa", "hy_v3", "kimi_linear"),
        *("mimo_v2_flash", "mistral_large4", "nemotron_h", "solar_open"),
    )
)
"""Types whose router transformers 5.24.0 keeps in 32 bits (``_keep_in_fp32_modules_strict`` of their classes)."""
_WRITTEN_BY_5 = "rope_parameters"
_FIVE = 5
_OWN_TOOLS = (
    "bitsandbytes",
    "fp8",
    "torchao",
    "quanto",
    "hqq",
    "eetq",
    "metal",
    "gemma",
    "higgs",
    "sinq",
    "bitnet",
    "nvfp4",
)
"""Tools whose modules transformers replaces itself, by lists that its releases read in different ways."""


def with_keys_beside(
    values: Mapping[str, object],
    stated: Mapping[str, object],
    *,
    of_text: bool = False,
    release: object = None,
) -> Mapping[str, object]:
    """The stated quantization, with the types of experts and router where the configuration tells of their own.

    ``of_text``: it stands in the text part, and says nothing of towers. ``release``: of transformers, as the file says.
    """
    part: dict[str, object] = {TEXT_ONLY: True} if of_text else {}
    if isinstance(values.get(_MLX_KEY), Mapping):
        part[WRITTEN_BY_MLX] = True
    if isinstance(release, str) and stated.get("quant_method") in _OWN_TOOLS:
        part[RELEASE] = release
    return MappingProxyType(
        {**stated, **part, **_experts(values, stated), **_router(values, release, stated)}
    )


def _experts(values: Mapping[str, object], stated: Mapping[str, object]) -> dict[str, object]:
    if stated.get("quant_method") not in _FP8:
        return {}
    kind = values.get(EXPERT_DTYPE)
    if kind is None and values.get("model_type") in _FP4_TYPES:
        kind = FP4_EXPERTS
    return {} if kind is None else {EXPERT_DTYPE: kind}


def first_number(release: object) -> int | None:
    """The first number of the release of transformers that wrote a file, if it says so."""
    first = str(release).partition(".")[0]
    return int(first) if first.isdecimal() else None


def _router(values: Mapping[str, object], release: object, stated: Mapping[str, object]) -> dict[str, object]:
    """Files that transformers 5 wrote hold these types' routers in 32 bits."""
    by_five = _WRITTEN_BY_5 in values or (first_number(release) or 0) >= _FIVE
    wide = by_five and values.get("model_type") in WIDE_ROUTERS
    return {ROUTER_DTYPE: "float32"} if wide and stated.get("quant_method") not in _ELSEWHERE else {}
