"""Keys of a configuration file that change no size, each with the reason, and what classes assume of absent ones.

A key that is neither read by its family nor listed may change sizes: the reading is then approximate and names it
(see ``reading``). So does a word for the function between two matrices that is not known to be without weights.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from llm_calc.core.architectures.defaults import NO_DEFAULTS, ClassDefaults, defaults_of

MOST_KEPT = 8192
"""Keys and types whose answer is kept: more than all published ones, whatever is sent."""
PUBLISHED_AS = frozenset(
    {
        ("clip_vision_model", "minimax_m3_vl_vision"),
        ("DFNRope_vision_transformer", "ernie4_5_vl_moe_vision"),
        ("exaone4_5_text", "exaone4"),
    }
)
"""Types of parts as published files write them, where they mean another one that the outer class builds for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neutral:
    """Keys that change no size, and why."""

    reason: str
    keys: frozenset[str]
    pattern: re.Pattern[str]

    def holds(self, key: str) -> bool:
        """Whether the key is one of them."""
        return key in self.keys or self.pattern.fullmatch(key) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Keys that change no size in some model types, and why."""

    reason: str
    types: frozenset[str]
    keys: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KeyTables:
    """What is known of keys by their names alone; the empty one knows none, so that every unread key is named.

    ``class_rows``: a row of defaults by model type (see ``defaults_of``); ``groups``: keys that change no size in any
    family; ``passed``: those that change none in some types (``multimodal`` stands for every wrapper of towers);
    ``functions``: words for functions between two matrices without weights (of those that programs know ``prelu`` and
    ``xielu`` have some); ``switches``: keys that change none where they are off; ``in_company``: keys, by the end of
    their path, that are read and act only beside others.
    """

    class_rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: tuple[Neutral, ...] = ()
    passed: tuple[Passed, ...] = ()
    functions: frozenset[str] = frozenset()
    switches: frozenset[str] = frozenset()
    in_company: frozenset[str] = frozenset()


NO_TABLES = KeyTables()


@lru_cache(maxsize=MOST_KEPT)
def class_defaults(tables: KeyTables, model_type: str) -> ClassDefaults:
    """Defaults of a model type; none for types that the table does not hold."""
    row = tables.class_rows.get(model_type)
    return NO_DEFAULTS if row is None else defaults_of(row)


@lru_cache(maxsize=MOST_KEPT)
def passed_by(tables: KeyTables, model_type: str) -> frozenset[str]:
    """Keys that change no size in a model type."""
    return frozenset(key for group in tables.passed if model_type in group.types for key in group.keys)


@lru_cache(maxsize=MOST_KEPT)
def reason_of(tables: KeyTables, key: str) -> str:
    """Why a key changes no size in any family; empty for one that may."""
    return next((group.reason for group in tables.groups if group.holds(key)), "")


def is_neutral(tables: KeyTables, key: str) -> bool:
    """Whether a key is known not to change parameter counts, caches or FLOPs in any family."""
    return bool(reason_of(tables, key))


def is_understood(tables: KeyTables, key: str, value: object) -> bool:
    """Whether a key changes no size with this value: a function has to be one without weights."""
    if key in tables.switches and (value is None or value in (False, 0, "", [], {})):
        return True
    if not is_neutral(tables, key):
        return False
    if not _names_function(key) or value is None:
        return True
    return isinstance(value, str) and value.lower() in tables.functions


@lru_cache(maxsize=MOST_KEPT)
def _names_function(key: str) -> bool:
    return re.fullmatch(r"(.*_)?(act|activation|activation_function|activation_fn)", key) is not None


_WIDTH = re.compile(
    r"(?!.*(vision|audio|image|visual|projector|mm_|text_))(.*_)?"
    r"(hidden|intermediate|latent|expert|experts|ffn|inner|embed|embedding|lora|head|state)_(size|dim|width|rank)"
)
_INNER_WIDTH = re.compile(r"(?!.*(vision|audio|image))(.*_)?(latent|experts?)_(.*_)?(size|dim|width|rank)")
_TOWER = re.compile("vision|audio|tower|visual|image|talker|token2wav|code2wav")


@lru_cache(maxsize=MOST_KEPT)
def names_width(key: str, *, inner: bool) -> bool:
    """Whether a key names a width of a decoder; ``inner``: one of experts or latents alone."""
    return (_INNER_WIDTH if inner else _WIDTH).fullmatch(key) is not None


@lru_cache(maxsize=MOST_KEPT)
def names_tower(key: str) -> bool:
    """Whether a nested configuration is that of a tower or of what speaks."""
    return _TOWER.search(key) is not None
