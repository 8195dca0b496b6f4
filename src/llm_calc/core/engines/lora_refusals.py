"""Which adapters engines do not take."""

from collections.abc import Iterator, Mapping

from llm_calc.core.checkpoints.lora_config import CONFIG, SaidAdapter
from llm_calc.core.errors import UnsupportedError

REFUSED: Mapping[str, tuple[str, ...]] = {
    "vllm": ("use_dora", "modules_to_save", "bias"),
    "sglang": ("use_dora",),
}
"""Keys with which an engine does not load an adapter.

Source: vLLM ``lora/peft_helper.py``, ``validate_legal``, in a copy of 2026; SGLang ``srt/lora/lora_manager.py``,
``validate_new_adapter``, in a copy of 2026; checked: 2026-11-30, read.
"""
SEEN = ("use_dora", "modules_to_save")
"""Keys that not every engine takes."""
NOTHING: tuple[object, ...] = (None, False, [], {}, "none", "")


def taken_words(part: SaidAdapter, engine: str) -> Iterator[str]:
    """What an engine may not take of an adapter.

    Raises:
        UnsupportedError: what it is known not to take; names the key.
    """
    config = part.adapter_config or {}
    refused = REFUSED.get(engine, ())
    for key in refused:
        if config.get(key) not in NOTHING:
            field = f"{CONFIG}.{key}"
            said = f"{engine} loads no adapter with {config[key]!r}"
            msg = f"{field}: {said}; take one without, or merge it into the model"
            raise UnsupportedError(msg, field=field)
    for key in SEEN:
        if key not in refused and config.get(key) not in NOTHING:
            yield f"{CONFIG}.{key}: whether {engine} takes an adapter with it is not known"


def check_beside_draft(engine: str, method: str) -> None:
    """Refuses adapters beside a draft that the engine does not serve them with.

    Source: SGLang 0.5.23 ``srt/arg_groups/lora_hook.py``, ``check_lora_speculative_compatibility``, which takes them
    with n-grams and heads; 0.5.12 ``srt/server_args.py`` with n-grams alone; checked: 2026-11-30, read.

    Raises:
        UnsupportedError: SGLang with a smaller model.
    """
    if engine == "sglang" and method == "draft_model":
        msg = "lora: SGLang serves no adapters beside a smaller draft model; take mtp, eagle, eagle3 or ngram"
        raise UnsupportedError(msg, field="lora")
