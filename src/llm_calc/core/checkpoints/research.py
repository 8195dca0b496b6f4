"""Readers of formats that come with one paper each: SpQR, VPTQ, FP-Quant, Four Over Six.

Source: spqr_quant 0.2.0, inference.py; vptq 0.0.5.post1, layers/vqlinear.py; fp_quant 0.3.2, module/linear.py;
fouroversix at dadfad6, model/modules/linear.py: which tensors a module holds; checked: 2026-11-30, read.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import ceil, log2

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
    for key in shapes:
        module, _, part = key.removesuffix(".shape").rpartition(".")
        if part != "dense_weights":
            continue
        dense = _length(said, shapes, key)
        if dense < 1:
            raise InvalidInputError(
                f"{said.path}.shapes.{key}: must be positive", field=f"{said.path}.shapes"
            )
        stored = dense * _WORD + sum(
            bits * _length(said, shapes, f"{module}.{other}.shape") for other, bits in _SPQR_PARTS.items()
        )
        number = NumberFormat(name="spqr", element_bits=stored / (dense * _PER_WORD))
        yield Choice(pattern=f"whole:{module}", number=number, role="target", said="shapes", written=module)


def _length(said: Said, shapes: Mapping[str, object], key: str) -> int:
    """A tensor's length, as a number or a list of one."""
    value = shapes.get(key)
    value = value[0] if isinstance(value, list) and len(value) == 1 else value
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 40:
        raise InvalidInputError(f"{said.path}.shapes.{key}: must be a length", field=f"{said.path}.shapes")
    return value


@dataclass(frozen=True, slots=True)
class _Vectors:
    """One module of VPTQ: its shape, and what its codebooks are."""

    inputs: int
    outputs: int
    bits: float

    @property
    def number(self) -> NumberFormat:
        """All that is stored, counted a weight."""
        return NumberFormat(name="vptq", element_bits=self.bits / (self.inputs * self.outputs))


def vptq(said: Said) -> Scheme:
    """VPTQ: for each listed module, packed codes of vectors of outputs, their codebooks, an order and norms of columns.

    Raises:
        InvalidInputError: no module is listed, or one of them is not understood.
    """
    modules = {name: _vectors(part) for name, part in said.parts("config_for_layers").items()}
    if not modules:
        raise said.refusal("config_for_layers", "an object of modules, each with its codebooks")
    if said.raw("shared_layer_config"):
        said.assume(
            "quantization_config.shared_layer_config was ignored: modules of config_for_layers alone were taken"
        )
    listed = tuple(
        Choice(
            pattern=f"whole:{name}",
            number=module.number,
            role="target",
            said="config_for_layers",
            written=name,
        )
        for name, module in modules.items()
    )
    stored = sum(module.bits for module in modules.values())
    mean = stored / sum(module.inputs * module.outputs for module in modules.values())
    scheme = replaced(said, NumberFormat(name="vptq", element_bits=mean), "VPTQ")
    words = f"{mean:.2f} bits a weight on average (VPTQ)"
    return replace(
        scheme,
        storage=f"int{max(1, round(mean))}",
        words=words,
        choices=(*scheme.choices, *listed),
        covers=frozenset(),
    )


def _vectors(said: Said) -> _Vectors:
    inputs, outputs = (said.group(key, -1) for key in ("in_features", "out_features"))
    if inputs < 1 or outputs < 1:
        raise said.refusal("in_features", "the module's shape, with out_features")
    outlier, length = _pair(said, "vector_lens")
    books, main = _pair(said, "num_centroids")
    _, residual = _pair(said, "num_res_centroids")
    groups, size = said.group("group_num", 1), said.group("group_size", inputs)
    beside = said.integer("outlier_size", 0)
    said.flag("indices_as_float")
    if min(length, main, groups, size) < 1 or residual == 0:
        raise said.refusal("vector_lens", "lengths of vectors, with centroids for each group")
    codes = log2(main) + (log2(residual) if residual > 0 else 0)
    stored = groups * ceil(outputs / length) * ceil(size * codes / _INT) * _INT
    stored += groups * (main + max(residual, 0)) * length * _HALF
    if outlier > 1 and books > 0:
        stored += books * outlier * _HALF + ceil(outputs / outlier) * max(beside, 0) * _HALF
    columns = _HALF * said.flag("enable_perm", default=True) + 2 * _HALF * said.flag(
        "enable_norm", default=True
    )
    said.read("is_indice_packed")
    return _Vectors(inputs, outputs, stored + columns * inputs)


def _pair(said: Said, key: str) -> tuple[int, int]:
    """What outliers and all others have."""
    value = said.raw(key)
    sides = [-1, -1] if value is None else value if isinstance(value, list) else []
    if len(sides) != 2 or not all(type(each) is int and -1 <= each <= 1 << 24 for each in sides):
        raise said.refusal(key, "two whole numbers, for outliers and for all others")
    return int(sides[0]), int(sides[1])


_FP4 = {"nvfp4": 16, "mxfp4": 32}
"""Kinds of numbers with the size of their groups."""


def fp_quant(said: Said) -> Scheme:
    """FP-Quant: FP4 with a scale a group, and in every module two scales and two matrices of a transform.

    Names in the list are ends of whole names. Pseudo-quantized and master weights are stored in 16 bits.
    """
    kind = said.word("forward_dtype", {each: each for each in _FP4}, "nvfp4")
    side = said.group("hadamard_group_size", _FP4[kind])
    if side < 1:
        raise said.refusal("hadamard_group_size", "16, 32, 64, 128")
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
    kind = said.word("weight_dtype", {"": said.word("dtype", kinds, "nvfp4"), **kinds}, "")
    if said.flag("keep_master_weights"):
        return said.notes.own
    return grouped(kind, 4, _FP4[kind], 8, tensor=_FOUR_OR_SIX_NOTES, compute="fp4")
