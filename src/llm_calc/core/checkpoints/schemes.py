"""``read_scheme``: the reader of each tool that writes a ``quantization_config``."""

from collections.abc import Callable, Mapping

from llm_calc.core.architectures.beside import RELEASE, ROUTER_DTYPE, TEXT_ONLY, WRITTEN_BY_MLX
from llm_calc.core.checkpoints.affine import hqq, quanto, sinq
from llm_calc.core.checkpoints.auto_round import auto_round
from llm_calc.core.checkpoints.codebooks import aqlm, bitnet, eetq, exl2, exl3, higgs
from llm_calc.core.checkpoints.compressed_tensors import compressed_tensors
from llm_calc.core.checkpoints.files import CONTRADICTIONS, SAID_IN
from llm_calc.core.checkpoints.integers import awq, gptq
from llm_calc.core.checkpoints.ledger import Notes, Said
from llm_calc.core.checkpoints.modelopt import modelopt
from llm_calc.core.checkpoints.quark import quark
from llm_calc.core.checkpoints.research import fouroversix, fp_quant, spqr
from llm_calc.core.checkpoints.scheme import FIELD, Scheme
from llm_calc.core.checkpoints.sglang import blockwise_int8, w4afp8, w8a8_fp8, w8a8_int8
from llm_calc.core.checkpoints.tables import FormatTables
from llm_calc.core.checkpoints.torchao import torchao
from llm_calc.core.checkpoints.transformers_own import gemma, metal
from llm_calc.core.checkpoints.vptq import vptq
from llm_calc.core.checkpoints.whole_models import (
    bitsandbytes,
    fbgemm_fp8,
    fp8,
    mlx,
    mxfp4,
    mxfp8,
)
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import NumberFormat

METHOD = "quant_method"
_READERS: dict[str, Callable[[Said], Scheme]] = {
    "fp8": fp8,
    "fbgemm_fp8": fbgemm_fp8,
    "gptq": gptq,
    "awq": awq,
    "auto-round": auto_round,
    "bitsandbytes": bitsandbytes,
    "mlx": mlx,
    "mxfp4": mxfp4,
    "compressed-tensors": compressed_tensors,
    "modelopt": modelopt,
    "quark": quark,
    "torchao": torchao,
    "hqq": hqq,
    "quanto": quanto,
    "metal": metal,
    "gemma": gemma,
    "mxfp8": mxfp8,
    "eetq": eetq,
    "bitnet": bitnet,
    "higgs": higgs,
    "aqlm": aqlm,
    "exl2": exl2,
    "exl3": exl3,
    "sinq": sinq,
    "spqr": spqr,
    "vptq": vptq,
    "fp_quant": fp_quant,
    "fouroversix": fouroversix,
    "blockwise_int8": blockwise_int8,
    "w8a8_int8": w8a8_int8,
    "w8a8_fp8": w8a8_fp8,
    "w4afp8": w4afp8,
}
_SPELLINGS = {
    "intel/auto-round": "auto-round",
    "auto_round": "auto-round",
    "modelopt_fp4": "modelopt",
    "modelopt_mixed": "modelopt",
    "modelopt_mxfp8": "modelopt",
    "compressed_tensors": "compressed-tensors",
    "bnb": "bitsandbytes",
    "gptqmodel": "gptq",
    "gptq_marlin": "gptq",
    "awq_marlin": "awq",
    "deepseek_v4_fp8": "fp8",
    "auto_gptq": "gptq",
    "auto_awq": "awq",
    "autoawq": "awq",
    "inc": "auto-round",
    "gpt_oss_mxfp4": "mxfp4",
    "modelopt_fp8": "modelopt",
    "quark_mxfp4": "quark",
    "fp-quant": "fp_quant",
}
"""Names that stand for the same tool."""
_ELSEWHERE = {
    "gguf": "the weights are in the GGUF file; give its first bytes as model.gguf_base64",
    "nvfp4": "transformers makes these numbers when it loads 16-bit weights, and no file holds them",
}
"""Methods whose sizes no configuration tells."""


def known_methods() -> tuple[str, ...]:
    """Names of the tools that are read."""
    return tuple(_READERS)


def read_scheme(
    config: Mapping[str, object], sixteen: NumberFormat, tables: FormatTables, path: str = FIELD
) -> tuple[Scheme, Said]:
    """The scheme of a ``quantization_config``, with the record of what was read; ``sixteen``: the model's own type.

    Raises:
        InvalidInputError: an unknown method, or what is not understood and selects a format; names the key.
    """
    said = _flat(config, path, Notes(sixteen, tables))
    stated = said.raw(METHOD)
    method = str(stated or _unnamed_method(said.values)).lower()
    method = _SPELLINGS.get(method, method)
    reader = _READERS.get(method)
    if reader is None and method in _ELSEWHERE:
        where = f"{path}.{METHOD}"
        raise InvalidInputError(
            f"{where}: {method!r}: {_ELSEWHERE[method]}; or give precision.weights", field=where
        )
    if reader is None:
        known = ", ".join(sorted(_READERS))
        msg = f"{path}.{METHOD}: {method!r} is not one of {known}; or give precision.weights"
        raise InvalidInputError(msg, field=f"{path}.{METHOD}")
    said.notes.tool = method
    if not stated and method in _WEAK_SIGNS and not any(key in said.values for key in _WEAK_SIGNS[method]):
        where = path.removeprefix("model.hf_config.")
        said.assume(f"{where} names no {METHOD}: its keys were taken for those of {method}")
    said.read(RELEASE, ROUTER_DTYPE, TEXT_ONLY, WRITTEN_BY_MLX, SAID_IN, CONTRADICTIONS)
    against = said.values.get(CONTRADICTIONS)
    said.notes.add_all(
        [str(each) for each in against] if isinstance(against, list) else [],
        "{} contradicts the quantization_config of config.json, which was followed",
    )
    scheme = reader(said)
    said.name_unread()
    return scheme, said


def _flat(config: Mapping[str, object], path: str, notes: Notes) -> Said:
    """An object with what its ``quantization`` holds at its own level, as Model Optimizer's file has it."""
    inner = config.get("quantization")
    if not isinstance(inner, Mapping):
        return Said(dict(config), path, notes)
    outer = {key: value for key, value in config.items() if key != "quantization"}
    return Said({**outer, **inner}, path, notes)


def _unnamed_method(config: Mapping[str, object]) -> str:
    """The tool that leaves its name out and writes these keys."""
    for method, keys in _SIGNS.items():
        if all(key in config for key in keys):
            return method
    return ""


_WEAK_SIGNS: Mapping[str, tuple[str, ...]] = {
    "mlx": ("mode", WRITTEN_BY_MLX),
    "gptq": ("sym", "true_sequential"),
}
"""Tools whose usual keys others might write too, with keys that only they do."""
_SIGNS: Mapping[str, tuple[str, ...]] = {
    "modelopt": ("quant_algo",),
    "awq": ("w_bit",),
    "gptq": ("bits", "desc_act"),
    "mlx": ("bits", "group_size"),
    "compressed-tensors": ("config_groups",),
    "torchao": ("quant_type",),
}
