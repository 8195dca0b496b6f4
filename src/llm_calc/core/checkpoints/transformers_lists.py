"""Lists of modules that transformers leaves as they are: what a name in them stands for.

Release 5 takes a name for a module from the start of its whole name up to a dot, for a regular expression of the same
kind, or for the end of a whole name: ``mlp`` is in no name, ``q_proj`` in every one that ends so. Release 4 took
parts of names.

Source: transformers 5.24.0, ``should_convert_module`` of quantizers/quantizers_utils.py; checked: 2026-11-30, run.
"""

from dataclasses import replace

from llm_calc.core.architectures.beside import RELEASE, first_number
from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    HEAD,
    LINEAR,
    NO_EXPERTS,
    TOWERS,
    Choice,
    Coverage,
    Scheme,
    left_out,
    names_head,
    number_words,
    storage_of,
)
from llm_calc.core.formats import NumberFormat

USUAL_LIST = "modules_to_not_convert"
_FIRST_OF_5 = 5
_FROM_THE_START = ("model.", "lm_head", "transformer.", "backbone.", "language_model.", "gpt_neox.")
_SPECIAL = "*+?[](){}|^$\\"


def kept_modules(said: Said, *keys: str, parameters: bool = False) -> tuple[Choice, ...]:
    """Choices for modules that are left as they are; ``parameters``: names are compared with those of parameters."""
    release = first_number(said.values.get(RELEASE))
    return tuple(
        _choice(pattern, key, release, parameters=parameters) for pattern, key in said.strings(*keys)
    )


def fp8_list(said: Said) -> tuple[tuple[Choice, ...], Coverage]:
    """What an fp8 file leaves as it is, and what is quantized beside that.

    A file of release 5 is read as that release reads it: a list of its own takes the place of the usual one, which
    keeps the head. Expressions after ``re:`` are another tool's and experts are one module: both stay as written.
    """
    release = first_number(said.values.get(RELEASE))
    skips = left_out(said, USUAL_LIST)
    if release is None or release < _FIRST_OF_5:
        return skips, LINEAR
    kept = tuple(
        each if each.pattern.startswith("re:") or "experts" in each.pattern else five
        for each, five in zip(skips, kept_modules(said, USUAL_LIST), strict=True)
    )
    return kept, LINEAR | HEAD if is_stated(said, USUAL_LIST) and not names_head(kept) else LINEAR


def is_stated(said: Said, *keys: str) -> bool:
    """Whether any list is stated, be it empty: it takes the place of the usual one, which keeps the head."""
    return any(said.values.get(key) is not None for key in keys)


def replaced(said: Said, number: NumberFormat, words: str, key: str = USUAL_LIST) -> Scheme:
    """Linear modules of text and towers, each replaced by one of a tool's; routed experts are no modules."""
    kept = kept_modules(said, key)
    covers: Coverage = NO_EXPERTS | TOWERS
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} ({words})",
        choices=kept,
        covers=covers | HEAD if is_stated(said, key) and not names_head(kept) else covers,
        gates=True,
        own_modules=True,
    )


def _choice(pattern: str, key: str, release: int | None, *, parameters: bool) -> Choice:
    plain = Choice(pattern=pattern, number=None, role="left out", said=key)
    if pattern.startswith(_FROM_THE_START) and not any(mark in pattern for mark in _SPECIAL):
        return plain
    as_five = _in_release_5(pattern, parameters=parameters)
    if release is None:
        return replace(plain, otherwise=as_five)
    return plain if release < _FIRST_OF_5 else replace(plain, pattern=as_five, written=pattern)


def _in_release_5(pattern: str, *, parameters: bool) -> str:
    """The pattern in the words of this package: an expression from the start, or the end of a name."""
    if any(mark in pattern for mark in _SPECIAL):
        return rf"re:(?:{pattern})(?:\.|$)"
    if parameters:
        return f"end:{pattern.removesuffix('.weight')}" if pattern.endswith(".weight") else "end:."
    return f"end:{pattern}"
