"""How many positions a model has, with the file's own scaling of its rotary embedding."""

from llm_calc.core.architectures.fields import Fields

UNSCALED = frozenset({"default", "llama3", "longrope", "su", "mrope", "proportional", "gptj", "axial"})
"""Kinds of scaling that the stated length already holds."""
SCALED = frozenset({"yarn", "deepseek_yarn", "linear", "dynamic", "ntk", "telechat3-yarn", "xdrope"})
"""Kinds that make it longer, by their factor."""


def context_limit(f: Fields, stated: int | None) -> int | None:
    """Longest context that engines take: the stated one, or what the file's scaling makes of it; None: the stated.

    YaRN scales the length that the model was trained with, linear and dynamic scaling the stated one.
    Source: vLLM 0.33.0 ``vllm/config/model.py``, ``_get_and_verify_max_len``; checked: 2026-11-29, read.
    """
    scaling = f.raw("rope_scaling", None) or f.raw("rope_parameters", None)
    if scaling is not None and not isinstance(scaling, dict):
        f.assume(
            f"the scaling of rotary positions {str(scaling)[:40]!r} is no object; the stated length was kept"
        )
    if stated is None or not isinstance(scaling, dict):
        return None
    kind = scaling.get("rope_type") or scaling.get("type") or "default"
    if not isinstance(kind, str) or kind not in UNSCALED | SCALED:
        f.assume(f"rope type {str(kind)[:40]!r} is not known: the stated length of the context was kept")
        return None
    if f.model_type.startswith("gemma3") or kind in UNSCALED:
        return None
    return _scaled(f, scaling, kind, stated)


def _scaled(f: Fields, scaling: dict[str, object], kind: str, stated: int) -> int | None:
    """The stated or trained length times the factor; a factor that is none is named."""
    factor, trained = scaling.get("factor"), scaling.get("original_max_position_embeddings")
    if isinstance(factor, bool) or not isinstance(factor, int | float) or factor <= 0:
        f.assume(
            f"the factor {str(factor)[:40]!r} of {kind} is no number above 0: the stated length was kept"
        )
        return None
    start = trained if kind == "yarn" and isinstance(trained, int) and trained > 0 else stated
    return max(stated, int(min(start * factor, 1e9))) if factor > 1 else None
