"""Readers of transformers' rarer quantizers, and of ExLlama's files: EETQ, BitNet, HIGGS, AQLM, EXL2, EXL3.

Source: transformers 5.24.0, integrations/{eetq,bitnet,higgs,aqlm}.py (which buffers a module holds); exllamav3,
conversion/compile.py (keys); checked: 2026-11-30, read.
"""

from collections.abc import Callable
from dataclasses import replace

from llm_calc.core.checkpoints.ledger import Said
from llm_calc.core.checkpoints.scheme import HEAD, LINEAR, Choice, Scheme, grouped, left_out
from llm_calc.core.checkpoints.transformers_lists import replaced
from llm_calc.core.formats import NumberFormat

_HALF = 16.0


def eetq(said: Said) -> Scheme:
    """EETQ: 8-bit integers with a scale of 16 bits a row."""
    said.word("weights", {"int8": "int8"}, "int8")
    return replaced(said, grouped("int8", 8, -1, _HALF), "EETQ")


_CLASSES = {each: each for each in ("bitlinear", "autobitlinear")}
_MODES = {each: each for each in ("offline", "online")}


def bitnet(said: Said) -> Scheme:
    """BitNet: ternary weights, four a byte, with one scale a matrix; in 16 bits where they are quantized when used."""
    kind = said.word("linear_class", _CLASSES, "bitlinear")
    mode = said.word("quantization_mode", _MODES, "offline")
    own = said.notes.own
    if said.flag("use_rms_norm"):
        said.assume("quantization_config.use_rms_norm: norms before every matrix were not counted")
    said.read("rms_norm_eps")
    if kind == "autobitlinear" and mode == "online":
        scheme = replaced(said, own, "BitNet, quantized when used")
        return replace(scheme, covers=frozenset(), dense=True)
    return replaced(said, replace(grouped("int2", 2, 0, own.element_bits), compute="int8"), "BitNet")


_HIGGS_GROUPS = (64, 128, 256)
"""Groups that ``HiggsConfig`` of transformers 5.24.0 takes."""


def higgs(said: Said) -> Scheme:
    """HIGGS: codes in groups with a scale, and two tables a module."""
    bits, size = said.bits("bits", 4, most=4), said.group("group_size", 256)
    if bits < 2:
        raise said.refusal("bits", "2, 3, 4")
    if size not in _HIGGS_GROUPS:
        raise said.refusal("group_size", ", ".join(map(str, _HIGGS_GROUPS)))
    wide = said.notes.own.element_bits
    tables = wide * (2**bits + 2 * 4**bits)
    return replaced(said, grouped(f"int{bits}", bits, size, wide, tensor=tables), "HIGGS")


def aqlm(said: Said) -> Scheme:
    """AQLM: codes of groups of inputs from codebooks that each matrix has, and a scale a row."""
    inputs, outputs = said.group("in_group_size", 8), said.group("out_group_size", 1)
    books, wide = said.bits("num_codebooks", 1), said.bits("nbits_per_codebook", 16)
    if inputs < 1 or outputs < 1:
        raise said.refusal("in_group_size", "a positive whole number")
    stored = 8 if wide <= 8 else 16
    bits = books * stored / (inputs * outputs)
    book = books * 2**wide * inputs * outputs * _HALF
    number = replace(grouped(f"aqlm-{books}x{wide}", bits, -1, _HALF / outputs), tensor_bits=book)
    scheme = replaced(said, number, "AQLM", "linear_weights_not_to_quantize")
    return replace(scheme, storage=f"int{max(1, round(bits))}")


def _exllama(release: str) -> Callable[[Said], Scheme]:
    def read(said: Said) -> Scheme:
        """ExLlama's files: a mean of bits for all matrices, the head's own, and factors of rows and columns."""
        number = _mean(said, "bits", 4.0, release)
        head = _mean(said, "head_bits", 6.0, release)
        said.assume(f"{release}: bits are the mean of a file; single matrices have more or fewer")
        return Scheme(
            storage=release,
            number=number,
            words=f"{number.element_bits:g} bits a weight on average ({release})",
            choices=(
                Choice(pattern="lm_head", number=head, role="listed", said="head_bits"),
                *left_out(said, "ignore"),
            ),
            covers=LINEAR | HEAD,
        )

    return read


def _mean(said: Said, key: str, usual: float, release: str) -> NumberFormat:
    bits = said.raw(key)
    bits = usual if bits is None else bits
    if not isinstance(bits, int | float) or isinstance(bits, bool) or not 1 <= bits <= 16:
        raise said.refusal(key, "1 to 16")
    number = NumberFormat(name=f"{release}-{bits:g}", element_bits=float(bits))
    return replace(number, row_bits=_HALF, column_bits=_HALF) if release == "exl3" else number


exl2, exl3 = _exllama("exl2"), _exllama("exl3")
