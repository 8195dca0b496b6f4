"""One adapter as a request describes it: by rank and matrices, or by its adapter_config.json (peft)."""

from collections.abc import Iterator, Mapping

from llm_calc.adapters.wire.lora import LoraPart
from llm_calc.core.checkpoints.expression_syntax import SyntaxRefusedError
from llm_calc.core.engines.lora import Adapter, expression
from llm_calc.core.errors import InvalidInputError, UnsupportedError

FIELD = "lora"
CONFIG = f"{FIELD}.adapter_config"
USUAL_RANK = 16
COUNTED_OTHERWISE: Mapping[str, object] = {
    "bias": "none",
    "trainable_token_indices": None,
    "target_parameters": None,
    "loftq_config": None,
    "layer_replication": None,
    "eva_config": None,
    "lora_bias": False,
    "megatron_config": None,
    "use_qalora": False,
}
"""Keys that change what an adapter has, and what they say where they do not."""


def read_adapter(part: LoraPart) -> tuple[Adapter, tuple[str, ...]]:
    """The adapter of a request, and what is to be said of it.

    Raises:
        InvalidInputError: names the key that is missing or cannot be right.
        UnsupportedError: another kind than LoRA, or a pattern that cannot be taken.
    """
    config = part.adapter_config
    if config is None:
        chosen = part.target_modules or "all-linear"
        adapter = Adapter(
            rank=part.rank or USUAL_RANK, targets=chosen if isinstance(chosen, str) else tuple(chosen)
        )
        return adapter, tuple(_taken(part))
    kind = config.get("peft_type", "LORA")
    if kind != "LORA":
        raise UnsupportedError(
            f"{CONFIG}.peft_type: must be LORA; it is {kind!r}", field=f"{CONFIG}.peft_type"
        )
    adapter = Adapter(
        rank=_int(config, "r"),
        targets=_targets(config),
        ranks=tuple(_ranks(config).items()),
        saved=_names(config, "modules_to_save"),
        layers=_layers(config),
        excluded=_names(config, "exclude_modules"),
        magnitudes=config.get("use_dora") is True,
    )
    return adapter, tuple(_otherwise(config))


def _taken(part: LoraPart) -> Iterator[str]:
    if part.rank is None:
        yield f"{FIELD}.rank: {USUAL_RANK} is taken, since nothing says it"
    if part.target_modules is None:
        yield f"{FIELD}.target_modules: all-linear is taken, since nothing says it"


def _otherwise(config: Mapping[str, object]) -> Iterator[str]:
    """Keys that change what an adapter has and are not counted."""
    for key, plain in COUNTED_OTHERWISE.items():
        if config.get(key) not in (plain, None, {}, [], False):
            yield f"{CONFIG}.{key}: {config[key]!r} changes what the adapter has, which is not counted"


def _int(config: Mapping[str, object], key: str) -> int:
    value = config.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 4096:
        said = "is missing" if value is None else f"must be a whole number from 1 to 4096; it is {value!r}"
        raise InvalidInputError(f"{CONFIG}.{key}: {said}", field=f"{CONFIG}.{key}")
    return value


def _names(config: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = config.get(key)
    if value is None:
        return ()
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InvalidInputError(
            f"{CONFIG}.{key}: must be a list of names; it is {value!r}", field=f"{CONFIG}.{key}"
        )
    return tuple(names)


def _targets(config: Mapping[str, object]) -> tuple[str, ...] | str:
    value = config.get("target_modules")
    if isinstance(value, str):
        return _pattern(value, "target_modules")
    names = _names(config, "target_modules")
    if not names:
        msg = f"{CONFIG}.target_modules: names of matrices, a pattern or all-linear must be given"
        raise InvalidInputError(msg, field=f"{CONFIG}.target_modules")
    return names


def _pattern(value: str, key: str) -> str:
    try:
        if value != "all-linear":
            expression(value)
    except SyntaxRefusedError as error:
        msg = f"{CONFIG}.{key}: the pattern {value!r} cannot be taken: {error}"
        raise UnsupportedError(msg, field=f"{CONFIG}.{key}") from error
    return value


def _ranks(config: Mapping[str, object]) -> dict[str, int]:
    value = config.get("rank_pattern")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        msg = f"{CONFIG}.rank_pattern: must be ranks by names; it is {value!r}"
        raise InvalidInputError(msg, field=f"{CONFIG}.rank_pattern")
    return {_pattern(str(name), "rank_pattern"): _int(value, name) for name in value}


def _layers(config: Mapping[str, object]) -> tuple[int, ...] | None:
    value = config.get("layers_to_transform")
    if value is None:
        return None
    layers = value if isinstance(value, list) else [value]
    if not all(isinstance(layer, int) and not isinstance(layer, bool) for layer in layers):
        field = f"{CONFIG}.layers_to_transform"
        raise InvalidInputError(f"{field}: must be numbers of layers; it is {value!r}", field=field)
    return tuple(layers)
