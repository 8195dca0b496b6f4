"""One adapter as a request describes it: by rank and matrices, or by its adapter_config.json (peft)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from llm_calc.core.checkpoints.expression_syntax import SyntaxRefusedError
from llm_calc.core.checkpoints.lora_keys import key_words
from llm_calc.core.engines.lora import Adapter, expression
from llm_calc.core.errors import InvalidInputError, UnsupportedError

FIELD = "lora"
CONFIG = f"{FIELD}.adapter_config"
USUAL_RANK = 16
ALL = "all-linear"


class SaidAdapter(Protocol):
    """What is said of an adapter: its configuration as published, or rank and matrices."""

    @property
    def adapter_config(self) -> Mapping[str, object] | None:
        """Its ``adapter_config.json``."""

    @property
    def rank(self) -> int | None:
        """Its rank."""

    @property
    def target_modules(self) -> Sequence[str] | str | None:
        """Ends of the names of the matrices that it changes, or ``all-linear``."""


def read_adapter(part: SaidAdapter) -> tuple[Adapter, tuple[str, ...]]:
    """The adapter of a request, and what is to be said of it.

    Raises:
        InvalidInputError: names the key that is missing or cannot be right.
        UnsupportedError: another kind than LoRA, or a pattern that cannot be taken.
    """
    config = part.adapter_config
    if config is None:
        chosen = part.target_modules or ALL
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
        stacks=_stacks(config),
        excluded=_excluded(config),
        parameters=_names(config, "target_parameters"),
        magnitudes=config.get("use_dora") is True,
    )
    _only_for_names(config, adapter)
    return adapter, tuple(key_words(config, CONFIG))


def _only_for_names(config: Mapping[str, object], adapter: Adapter) -> None:
    """Refuse what peft refuses: layers beside a pattern, and their pattern without layers."""
    for key in ("layers_to_transform", "layers_pattern"):
        if config.get(key) is not None and isinstance(adapter.targets, str):
            msg = f"{CONFIG}.{key}: peft takes it with a list of target_modules alone, not with {adapter.targets!r}"
            raise InvalidInputError(msg, field=f"{CONFIG}.{key}")
    if adapter.stacks and config.get("layers_to_transform") is None:
        msg = f"{CONFIG}.layers_pattern: peft takes it with layers_to_transform alone"
        raise InvalidInputError(msg, field=f"{CONFIG}.layers_pattern")


def _taken(part: SaidAdapter) -> Iterator[str]:
    if part.rank is None:
        yield f"{FIELD}.rank: {USUAL_RANK} is taken, since nothing says it"
    if part.target_modules is None:
        yield f"{FIELD}.target_modules: all-linear is taken, since nothing says it"


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
    if not names and not config.get("target_parameters"):
        msg = f"{CONFIG}.target_modules: names of matrices, a pattern or all-linear must be given"
        raise InvalidInputError(msg, field=f"{CONFIG}.target_modules")
    return names


def _excluded(config: Mapping[str, object]) -> tuple[str, ...] | str:
    """Ends of names, or a pattern for whole names where it is a string."""
    value = config.get("exclude_modules")
    return _pattern(value, "exclude_modules") if isinstance(value, str) else _names(config, "exclude_modules")


def _stacks(config: Mapping[str, object]) -> tuple[str, ...]:
    return tuple(_pattern(each, "layers_pattern") for each in _names(config, "layers_pattern"))


def _pattern(value: str, key: str) -> str:
    if key == "target_modules" and value.lower() == ALL:
        return ALL
    try:
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
    return tuple(layers) or None
