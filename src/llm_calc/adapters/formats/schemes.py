"""``read_scheme``: the reader of each tool that writes a ``quantization_config``."""

from collections.abc import Callable, Mapping

from llm_calc.adapters.formats.scheme import FIELD, Config, Scheme
from llm_calc.adapters.formats.scheme_groups import compressed_tensors, modelopt
from llm_calc.adapters.formats.scheme_readers import bitsandbytes, fbgemm_fp8, fp8, grouped, mlx, mxfp4, quark
from llm_calc.core.errors import InvalidInputError

_READERS: dict[str, Callable[[Config], Scheme]] = {
    "fp8": fp8,
    "fbgemm_fp8": fbgemm_fp8,
    "gptq": grouped,
    "awq": grouped,
    "auto-round": grouped,
    "intel/auto-round": grouped,
    "bitsandbytes": bitsandbytes,
    "mlx": mlx,
    "mxfp4": mxfp4,
    "compressed-tensors": compressed_tensors,
    "modelopt": modelopt,
    "modelopt_fp4": modelopt,
    "modelopt_mixed": modelopt,
    "quark": quark,
}


def read_scheme(config: Config) -> Scheme:
    """The scheme of a ``quantization_config``.

    Raises:
        InvalidInputError: an unknown method, or numbers that cannot be; names the key.
    """
    inner = config.get("quantization")
    flat = {**config, **inner} if isinstance(inner, Mapping) else dict(config)
    method = str(flat.get("quant_method") or _unnamed_method(flat)).lower()
    reader = _READERS.get(method)
    if reader is None:
        known = ", ".join(sorted(_READERS))
        msg = f"{FIELD}.quant_method: {method!r} is not one of {known}; or give precision.weights"
        raise InvalidInputError(msg, field=f"{FIELD}.quant_method")
    return reader(flat)


def _unnamed_method(config: Config) -> str:
    """The tool that leaves its name out and writes these keys."""
    if "quant_algo" in config:
        return "modelopt"
    return "mlx" if "bits" in config and "group_size" in config else ""
