"""Which adapters engines do not take."""

from collections.abc import Iterator

from llm_calc.core.checkpoints.lora_config import CONFIG, SaidAdapter
from llm_calc.core.engines import traits_of
from llm_calc.core.errors import UnsupportedError

SEEN = ("use_dora", "modules_to_save")
"""Keys that not every engine takes."""
NOTHING: tuple[object, ...] = (None, False, [], {}, "none", "")


def taken_words(part: SaidAdapter, engine: str) -> Iterator[str]:
    """What an engine may not take of an adapter.

    Raises:
        UnsupportedError: what it is known not to take; names the key.
    """
    config = part.adapter_config or {}
    refused = traits_of(engine).lora.refused
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

    Raises:
        UnsupportedError: an engine and a kind of draft that do not go together.
    """
    if method in traits_of(engine).lora.not_beside:
        msg = f"lora: {engine} serves no adapters beside a smaller draft model; take mtp, eagle, eagle3 or ngram"
        raise UnsupportedError(msg, field="lora")
