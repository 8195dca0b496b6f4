"""``read_values``: what a Hugging Face ``config.json`` holds as a ``Model``, with what was guessed on the way."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from types import MappingProxyType
from typing import Literal

from llm_calc.core.architectures.beside import EXPERT_DTYPE, with_keys_beside
from llm_calc.core.architectures.dispatch import TEXT_PARTS, read_model
from llm_calc.core.architectures.fields import QUANTIZATION_KEYS, ROOT, Fields
from llm_calc.core.architectures.neutral import KeyTables, class_defaults
from llm_calc.core.architectures.registry import find, known_types
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import Model
from llm_calc.core.names import counted

MOST_NAMED = 100
"""Keys that an answer names one by one; the rest is counted."""
BY_CLASS = frozenset(
    {("bailing_hybrid", "bailing_moe_v2_5"), ("internlm3", "llama"), ("iquestcoder", "llama")}
)
"""Types whose files name a class of another type, which their family knows."""
OWN_SPELLINGS = frozenset(
    {
        ("hunyuan_v1_dense", "hunyuandensev1"),
        ("hunyuan_v1_moe", "hunyuanmoev1"),
        ("inkling_mm_model", "inkling"),
        ("inkling_text", "inkling"),
        ("minimax_m3", "minimaxm3sparse"),
        ("minimax_m3_vl", "minimaxm3sparse"),
        ("xlm", "xlmwith"),
    }
)
"""Types whose usual class is spelt otherwise.

Source: transformers 5.24.0, ``models/auto/modeling_auto.py``, and published files; ``checked: 2026-11-30``, read.
"""
BARE_CLASSES: Mapping[str, str] = MappingProxyType({"ChatGLMModel": "chatglm", "MiniCPMV": "minicpmv"})
"""Generating classes whose authors gave them no usual ending, with their types."""
_CLASS_SUFFIXES = ("ForCausalLM", "ForConditionalGeneration", "LMHeadModel", "ForMultimodalLM", "LMModel")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A model as read from its configuration.

    ``confidence`` is ``exact`` where every key that changes sizes was understood by a known family; else
    ``approximate``, and ``assumptions`` say what was guessed. ``quantization`` is the file's own
    ``quantization_config``.
    """

    model: Model
    confidence: Literal["exact", "approximate"]
    assumptions: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    quantization: Mapping[str, object] | None = None


def read_values(values: Mapping[str, object], tables: KeyTables, *, name: str = "") -> Reading:
    """Reads a configuration as published; ``tables`` hold what is known of keys by their names.

    Raises:
        InvalidInputError: names the key under ``model.hf_config`` that is missing or cannot be right.
    """
    f = Fields(values, tables=tables)
    f.model_type = _model_type(f)
    model = read_model(f)
    quantization = _quantization(values, f)
    beside = () if quantization is None else (key for key in (EXPERT_DTYPE,) if key in quantization)
    stored = (*QUANTIZATION_KEYS, *beside)
    for fields in (f, *f.parts_among(TEXT_PARTS)):
        fields.take(*stored)
    _refuse_unread_sizes(f)
    _note_unread(f)
    return Reading(
        model=replace(model, name=name or model.name, vision_tower=_vision_tower(values)),
        confidence="approximate" if f.notes.guesses else "exact",
        assumptions=tuple(f.notes.guesses),
        warnings=tuple(f.notes.warnings),
        quantization=quantization,
    )


def _model_type(f: Fields) -> str:
    """The stated type, checked against ``architectures``; without a known one, the type of the class named there."""
    stated = f.text("model_type", "")
    classes = [name for name in f.items("architectures", ()) or () if isinstance(name, str)]
    if not stated or find(stated) is None:
        return _type_of_class(f, classes, stated) or stated
    wrapper = _wrapper_of_class(f, stated, classes)
    if wrapper:
        return wrapper
    for name in classes:
        base = _base(name)
        if base is None:
            f.assume(
                f"architectures names {name}; the sizes are those of the generating model of type {stated!r}"
            )
        elif not (_usual(f, base, stated) or _plain(_defaults_of(stated)) == base):
            f.assume(f"architectures names {name}, which is not the usual class of model_type {stated!r}")
    return stated


def _defaults_of(model_type: str) -> str:
    """The class that a type shares with others: files of its makers may name that one."""
    known = find(model_type)
    return "" if known is None else known.defaults


def _type_of_class(f: Fields, classes: list[str], stated: str) -> str:
    """The type of the class that is named, as engines choose it; nothing where none is known by that name."""
    bases = {_base(name) for name in classes}
    why = f"model_type {stated!r} is not known" if stated else "model_type is absent"
    for known in known_types():
        if _plain(known) in bases:
            f.assume(f"{why}; architectures names the class of type {known!r}")
            return known
    return ""


def _wrapper_of_class(f: Fields, stated: str, classes: list[str]) -> str:
    """The multimodal type whose class is named, where the stated type is its text part's (Ministral 3)."""
    bases = {_base(name) for name in classes}
    if class_defaults(f.tables, stated).parts or not any(f.values.get(key) for key in TEXT_PARTS):
        return ""
    return next(
        (
            known
            for known in known_types()
            if _plain(known) in bases and class_defaults(f.tables, known).parts
        ),
        "",
    )


def _base(class_name: str) -> str | None:
    if class_name in BARE_CLASSES:
        return BARE_CLASSES[class_name]
    for suffix in _CLASS_SUFFIXES:
        if class_name.endswith(suffix):
            return _plain(class_name.removesuffix(suffix))
    return _plain(class_name.removesuffix("Model")) if class_name.endswith("ChatModel") else None


_MARKS = str.maketrans("", "", "_-.")


def _plain(name: str) -> str:
    return name.translate(_MARKS).lower()


@cache
def _types_by_class() -> Mapping[str, str]:
    return {_plain(known): known for known in known_types()}


def _usual(f: Fields, base: str, stated: str) -> bool:
    """Whether a class may stand for a type: it is called as the type is, or is of a type that is read alike."""
    plain = _plain(stated)
    other = None if base == plain else _types_by_class().get(base)
    if other is None:
        return base == plain or (stated, base) in OWN_SPELLINGS
    families = find(other), find(stated)
    parts = (
        *class_defaults(f.tables, other).parts.values(),
        *class_defaults(f.tables, stated).parts.values(),
    )
    shared = families[0] is not None and families[1] is not None and families[0].read == families[1].read
    return shared or stated in parts or other in parts or (stated, other) in BY_CLASS


def _refuse_unread_sizes(f: Fields) -> None:
    """A count that leaves a width of the decoder out would be far off, and nothing would show by how much."""
    path = next(iter(f.unread_sizes(known=lambda kind: find(kind) is not None)), None)
    if path is not None:
        raise UnsupportedError(
            f"{path} is a width that is not read for model_type {f.model_type!r}: a count without it would be wrong",
            field=path,
        )


def _note_unread(f: Fields) -> None:
    paths = sorted(set(f.unread()))
    for path in paths[:MOST_NAMED]:
        f.assume(f"{path} is not understood and may change sizes; it was ignored")
    if len(paths) > MOST_NAMED:
        left = counted(len(paths) - MOST_NAMED, "more key")
        f.assume(f"not understood and ignored besides: {left}")


def _vision_tower(values: Mapping[str, object]) -> tuple[int, int] | None:
    """Layers and width of a vision tower under the names that engines ask for; the usual ones where it has others."""
    part = values.get("vision_config")
    if not isinstance(part, Mapping):
        return None
    layers = _first_whole(part, ("num_hidden_layers", "vt_num_hidden_layers"), 24)
    return layers, _first_whole(part, ("hidden_size", "vt_hidden_size"), 1024)


def _first_whole(part: Mapping[str, object], names: tuple[str, ...], usual: int) -> int:
    stated = (
        value for value in map(part.get, names) if isinstance(value, int) and not isinstance(value, bool)
    )
    return next(stated, usual)


def _quantization(values: Mapping[str, object], f: Fields) -> Mapping[str, object] | None:
    """What the file says of its number formats; the first of several, which are named where they differ."""
    stated = list(_stated_quantization(values))
    if not stated:
        return None
    holder, key, first = stated[0]
    for _, other, value in stated[1:]:
        if value != first:
            f.assume(f"{other} contradicts {key}, which was followed")
    return with_keys_beside(
        holder, first, of_text=holder is not values, release=values.get("transformers_version")
    )


def _stated_quantization(
    values: Mapping[str, object],
) -> Iterator[tuple[Mapping[str, object], str, Mapping[str, object]]]:
    parts = [values.get(key) for key in TEXT_PARTS]
    for holder in (values, *parts):
        if isinstance(holder, Mapping):
            stated = ((key, holder[key]) for key in QUANTIZATION_KEYS if holder.get(key) not in (None, {}))
            yield from ((holder, key, _object(key, value)) for key, value in stated)


def _object(key: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{ROOT}.{key} must be an object or null", field=f"{ROOT}.{key}")
    return MappingProxyType(dict(value))
