"""Contexts beyond the positions that a model has: what engines make of them.

vLLM and SGLang do not start (SGLang unless ``SGLANG_ALLOW_OVERWRITE_LONGER_CONTEXT_LEN`` is set), TensorRT-LLM takes
the model's own length in place of a longer one. Read in vLLM 0.33.0 ``vllm/config/model.py``, SGLang 0.5.23
``srt/configs/model_config.py`` (``_derive_context_length``) and TensorRT-LLM ``_torch/pyexecutor/model_engine.py``
(``_init_max_seq_len``); checked: 2026-11-30.
"""

from collections.abc import Iterator

from llm_calc.core.errors import UnsupportedError
from llm_calc.core.model import Model


def positions_of(model: Model) -> int | None:
    """Longest context that a model has positions for [tokens]; None where its description does not say.

    Definition: the stated length, or what the file's scaling of rotary positions makes of it.
    """
    return model.context_limit_tokens or model.context_length_tokens


def beyond_positions(model: Model, context_tokens: int, option: str) -> Iterator[str]:
    """Why an engine does not start with a context; nothing where the model has positions for it."""
    own = positions_of(model)
    if own and context_tokens > own:
        yield _above(f"engine.{option}", context_tokens, own)


def check_positions(model: Model, context_tokens: int, field: str) -> None:
    """Refuses a context that no engine serves.

    Raises:
        UnsupportedError: it is above what the model has positions for.
    """
    own = positions_of(model)
    if own and context_tokens > own:
        raise UnsupportedError(_above(field, context_tokens, own), field=field, accepted=[own])


def _above(field: str, context_tokens: int, own: int) -> str:
    return f"{field}: {context_tokens} is above the {own} tokens that the model has positions for"


def lowered(model: Model, context_tokens: int, option: str) -> tuple[int, tuple[str, ...]]:
    """The context that an engine takes which lowers it to the model's positions [tokens], and that it did.

    Source: TensorRT-LLM ``_torch/pyexecutor/model_engine.py``, ``_init_max_seq_len``; checked: 2026-11-30, read.
    Leaves out: ``TLLM_ALLOW_LONG_MAX_MODEL_LEN``, with which later releases keep the longer one.
    """
    own = positions_of(model)
    if own is None or context_tokens <= own:
        return context_tokens, ()
    return own, (
        f"engine.{option}: the engine lowers {context_tokens} to the {own} tokens that the model has positions for",
    )
