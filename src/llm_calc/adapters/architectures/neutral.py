"""Keys of a configuration file that change no size, each with the reason.

``neutral_keys.json`` is the table: ``groups`` of keys, and patterns of keys, under one reason; keys that change
none where they are ``switched_off``; and, for whoever reads or checks it, keys that act only ``in_company`` of others.
``family_keys.json`` holds those that change none in some types alone: reason, types, keys.
A key that is neither read by its family nor listed may change sizes: the reading is then approximate and names it
(see ``reading``). So does a word for the function between two matrices that is not known to be without weights.
"""

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

PUBLISHED_AS = frozenset({("clip_vision_model", "minimax_m3_vl_vision")})
"""Types of parts as published files write them, where they mean another one that the outer class always builds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neutral:
    """Keys that change no size, and why."""

    reason: str
    keys: frozenset[str]
    pattern: re.Pattern[str]

    def holds(self, key: str) -> bool:
        """Whether the key is one of them."""
        return key in self.keys or self.pattern.fullmatch(key) is not None


@cache
def _table() -> dict[str, Any]:
    text = files(__package__).joinpath("neutral_keys.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@cache
def functions() -> frozenset[str]:
    """Functions between two matrices without weights; of those that programs know ``prelu`` and ``xielu`` have some."""
    return frozenset(_table()["functions"])


@cache
def neutral_groups() -> tuple[Neutral, ...]:
    """The table of keys."""
    return tuple(
        Neutral(
            reason=group["reason"],
            keys=frozenset(group["keys"]),
            pattern=re.compile("|".join(group["patterns"]) or "(?!)"),
        )
        for group in _table()["groups"]
    )


@cache
def _switches() -> frozenset[str]:
    return frozenset(key for group in _table()["switched_off"] for key in group["keys"])


@cache
def keys_in_company() -> frozenset[str]:
    """Keys, by the end of their path, that are read and may still change nothing."""
    return frozenset(key for group in _table()["in_company"] for key in group["keys"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Keys that change no size in some model types, and why."""

    reason: str
    types: frozenset[str]
    keys: frozenset[str]


@cache
def passed_groups() -> tuple[Passed, ...]:
    """The table of keys by model type; ``multimodal`` stands for every wrapper of towers."""
    text = files(__package__).joinpath("family_keys.json").read_text(encoding="utf-8")
    return tuple(
        Passed(reason=group["reason"], types=frozenset(types.split()), keys=frozenset(keys.split()))
        for group in json.loads(text)["groups"]
        for types, keys in group["keys"].items()
    )


@cache
def passed_by(model_type: str) -> frozenset[str]:
    """Keys that change no size in a model type."""
    return frozenset(key for group in passed_groups() if model_type in group.types for key in group.keys)


@cache
def reason_of(key: str) -> str:
    """Why a key changes no size in any family; empty for one that may."""
    return next((group.reason for group in neutral_groups() if group.holds(key)), "")


def is_neutral(key: str) -> bool:
    """Whether a key is known not to change parameter counts, caches or FLOPs in any family."""
    return bool(reason_of(key))


def is_understood(key: str, value: object) -> bool:
    """Whether a key changes no size with this value: a function has to be one without weights."""
    if key in _switches() and (value is None or value in (False, 0, "", [], {})):
        return True
    if not is_neutral(key):
        return False
    if not _names_function(key) or value is None:
        return True
    return isinstance(value, str) and value.lower() in functions()


@cache
def _names_function(key: str) -> bool:
    return re.fullmatch(r"(.*_)?(act|activation|activation_function|activation_fn)", key) is not None


_WIDTH = re.compile(
    r"(?!.*(vision|audio|image|visual|projector|mm_|text_))(.*_)?"
    r"(hidden|intermediate|latent|expert|experts|ffn|inner|embed|embedding|lora|head|state)_(size|dim|width|rank)"
)
_INNER_WIDTH = re.compile(r"(?!.*(vision|audio|image))(.*_)?(latent|experts?)_(.*_)?(size|dim|width|rank)")
_TOWER = re.compile("vision|audio|tower|visual|image|talker|token2wav|code2wav")


@cache
def names_width(key: str, *, inner: bool) -> bool:
    """Whether a key names a width of a decoder; ``inner``: one of experts or latents alone."""
    return (_INNER_WIDTH if inner else _WIDTH).fullmatch(key) is not None


@cache
def names_tower(key: str) -> bool:
    """Whether a nested configuration is that of a tower or of what speaks."""
    return _TOWER.search(key) is not None
