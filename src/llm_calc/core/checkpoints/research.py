"""Readers of formats that come with one paper each: SpQR, FP-Quant, Four Over Six.

Source: spqr_quant 0.2.0, inference.py; fp_quant 0.3.2, module/linear.py and utils/config.py;
fouroversix at dadfad6, model/modules/linear.py: which tensors a module holds; checked: 2026-11-30, read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from math import ceil

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import (
    HEAD,
    NO_EXPERTS,
    TOWERS,
    Choice,
    Scheme,
    grouped,
    names_head,
    number_words,
    storage_of,
)
from llm_calc.core.checkpoints.transformers_lists import USUAL_LIST, replaced
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat

_WORD, _INT, _HALF = 64.0, 32.0, 16.0
_PER_WORD = 16
"""Weights of a row tile of SpQR in one word of 64 bits, with their scale and offset."""
_SPQR_PARTS = {"row_offsets": _INT, "col_vals": _INT, "in_perm": _INT}


def spqr(said: Said) -> Scheme:
    """SpQR: sixteen 3-bit weights with scale and offset in 64 bits, and outliers whose number ``shapes`` tells."""
    for key, only in (("bits", 3), ("beta1", 16), ("beta2", 16)):
        if said.integer(key, only) != only:
            raise said.refusal(key, str(only))
    shapes = said.raw("shapes") or {}
    if not isinstance(shapes, Mapping):
        raise said.refusal("shapes", "an object of numbers by tensor")
    number = replace(grouped("spqr-4", _WORD / _PER_WORD, -1, _INT), column_bits=_HALF)
    scheme = replaced(said, number, "SpQR")
    scheme = replace(scheme, storage="int4", words="3-bit weights in words of 64 bits for sixteen (SpQR)")
    if not shapes:
        said.assume(
            f"{said.path.removeprefix('model.hf_config.')}.shapes is absent: outliers were not counted"
        )
        return scheme
    listed = tuple(_spqr_modules(said, shapes))
    return replace(scheme, choices=(*scheme.choices, *listed), covers=frozenset())


def _spqr_modules(said: Said, shapes: Mapping[str, object]) -> Iterator[Choice]:
    modules = _spqr_parts(said, shapes)
    for module, key in modules.items():
        dense = _length(said, shapes, key)
        if dense < 1:
            raise InvalidInputError(
                f"{said.path}.shapes.{key}: must be positive", field=f"{said.path}.shapes"
            )
        stored = dense * _WORD + sum(
            bits * _length(said, shapes, f"{module}.{other}.shape") for other, bits in _SPQR_PARTS.items()
        )
        number = NumberFormat(name="spqr", element_bits=stored / (dense * _PER_WORD))
        yield Choice(
            pattern=f"whole:{module}",
            number=number,
            role="target",
            said="shapes",
            written=f"{module}.dense_weights.shape",
            holds=partial(_is_whole, dense),
        )


def _is_whole(words: int, inputs: int, outputs: int) -> bool:
    """Whether so many words hold a matrix: whole tiles of sixteen by sixteen, a word for each of a tile's rows."""
    return words == ceil(outputs / _PER_WORD) * ceil(inputs / _PER_WORD) * _PER_WORD


def _spqr_parts(said: Said, shapes: Mapping[str, object]) -> dict[str, str]:
    """Modules with the key of their weights; names keys of no such module, and modules without the other keys."""
    cut = {key: key.removesuffix(".shape").rpartition(".") for key in shapes}
    modules = {module: key for key, (module, _, part) in cut.items() if part == "dense_weights"}
    where = f"{said.path.removeprefix('model.hf_config.')}.shapes"
    known = ("dense_weights", *_SPQR_PARTS)
    strange = [key for key, (module, _, part) in cut.items() if part not in known or module not in modules]
    said.notes.add_all(strange, f"{where}.{{}} is not understood; it was ignored")
    for part in _SPQR_PARTS:
        lost = [module for module in modules if _is_lost(shapes, f"{module}.{part}.shape", part)]
        said.notes.add_all(lost, f"{where}.{{}}.{part}.shape is absent; nothing was counted for it")
    return modules


def _is_lost(shapes: Mapping[str, object], key: str, part: str) -> bool:
    """Whether a length is missing; a null says that there is no order of columns."""
    return key not in shapes or (shapes[key] is None and part != "in_perm")


def _length(said: Said, shapes: Mapping[str, object], key: str) -> int:
    """A tensor's length, as a number or a list of one."""
    value = shapes.get(key)
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 40:
        raise InvalidInputError(f"{said.path}.shapes.{key}: must be a length", field=f"{said.path}.shapes")
    return value


_FP4 = {"nvfp4": 16, "mxfp4": 32}
"""Kinds of numbers with the size of their groups."""


def fp_quant(said: Said) -> Scheme:
    """FP-Quant: FP4 with a scale a group, and in every module two scales and two matrices of a transform.

    Names in the list are ends of whole names. Pseudo-quantized and master weights are stored in 16 bits.
    """
    kind = said.word("forward_dtype", {each: each for each in _FP4}, "nvfp4")
    side = said.group("hadamard_group_size", _FP4[kind])
    sides = [each for each in (16, 32, 64, 128) if each >= _FP4[kind]]
    if side not in sides:
        raise said.refusal("hadamard_group_size", ", ".join(map(str, sides)))
    wide = said.notes.own.element_bits
    whole = said.flag("pseudoquantization") | said.flag("store_master_weights")
    beside = 2 * wide * (1 + side * side)
    number = grouped(kind, 4, _FP4[kind], 8, tensor=beside, compute="fp4")
    if whole:
        number = grouped(said.notes.own.name, wide, 0, 0, tensor=beside)
    return _ended(said, number, "FP-Quant")


def _ended(said: Said, number: NumberFormat, words: str) -> Scheme:
    """Linear modules but those whose names end so; the head where no list is stated."""
    kept = tuple(
        Choice(pattern=f"end:{name}", number=None, role="left out", said=key, written=name)
        for name, key in said.strings(USUAL_LIST)
    )
    stated = said.values.get(USUAL_LIST) is not None
    covers = NO_EXPERTS | TOWERS
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} ({words})",
        choices=kept,
        covers=covers | HEAD if stated and not names_head(kept) else covers,
        gates=True,
        activations=number.compute,
    )


_FOUR_OR_SIX_NOTES = 32.0 + 6 * 64.0
"""A matrix's largest number, and a note of its shape and layout [bits]."""


def fouroversix(said: Said) -> Scheme:
    """Four Over Six: NVFP4 or MXFP4 with other choices of scales; single modules may be of the other kind."""
    number = _four_or_six(said)
    kept = tuple(
        Choice(pattern=f"whole:{name}", number=None, role="left out", said=key, written=name)
        for name, key in said.strings(USUAL_LIST)
    )
    listed = tuple(
        Choice(
            pattern=f"whole:{name}",
            number=_four_or_six(part),
            role="target",
            said="module_config_overrides",
            written=name,
        )
        for name, part in said.parts("module_config_overrides").items()
    )
    said.assume("fouroversix: linear modules were taken, and rows and columns without padding")
    covers = NO_EXPERTS | TOWERS
    return Scheme(
        storage=storage_of(number),
        number=number,
        words=f"{number_words(number)} (Four Over Six)",
        choices=(*kept, *listed),
        covers=covers | HEAD if said.values.get(USUAL_LIST) is not None and not names_head(kept) else covers,
        gates=True,
        activations=number.compute,
    )


def _four_or_six(said: Said) -> NumberFormat:
    """The numbers of the model, or of a module, which takes what it leaves out from the tool and not from the model."""
    kinds = {each: each for each in _FP4}
    whole = said.word("dtype", kinds, "nvfp4")
    kind = said.word("weight_dtype", {"": whole, **kinds}, "")
    if said.raw("dtype") is not None and kind != whole:
        said.assume(f"{said.path}: weight_dtype {kind} was taken, and not dtype {whole}")
    if said.flag("keep_master_weights"):
        return said.notes.own
    return grouped(kind, 4, _FP4[kind], 8, tensor=_FOUR_OR_SIX_NOTES, compute="fp4")
