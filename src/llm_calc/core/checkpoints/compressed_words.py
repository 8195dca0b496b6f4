"""Words of compressed-tensors: formats, scales, strategies, and the schemes that a group may name.

Source: compressed-tensors 0.20.1, ``quantization/quant_args.py`` and ``quant_scheme.py``; checked: 2026-11-30, read.
"""

from collections.abc import Mapping

SCALE_BITS: Mapping[str, float] = {
    "": 0.0,
    "uint8": 8.0,
    "float8_e4m3fn": 8.0,
    "float8_e8m0fnu": 8.0,
    "bfloat16": 16.0,
    "float16": 16.0,
    "float32": 32.0,
}
SHAPE_BITS = 128.0
"""A packed tensor is followed by its shape, two 64-bit integers [bits]."""
FORMATS: Mapping[str, str] = {
    "": "",
    "dense": "dense",
    "pack-quantized": "packed",
    "int-quantized": "byte",
    "float-quantized": "byte",
    "naive-quantized": "byte",
    "mxfp8-quantized": "byte",
    "mxfp6-pack-quantized": "packed6",
    "nvfp4-pack-quantized": "fp4",
    "mxfp4-pack-quantized": "fp4",
    "mixed-precision": "",
}
"""How a format stores an element: packed bits, a byte, two fp4 numbers a byte; dense: as before."""
STRATEGIES = {each: each for each in ("", "tensor", "channel", "group", "block", "tensor_group")}
LINEAR_CLASS = "Linear"
MX_GROUP = 32
"""Numbers that share a scale in OCP's formats."""
_INT4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128, "symmetric": True}
_INT8 = {"num_bits": 8, "type": "int", "strategy": "channel", "symmetric": True}
_FP8 = {"num_bits": 8, "type": "float", "strategy": "channel"}
_ACTIVE = {"num_bits": 8}
PRESETS: Mapping[str, dict[str, object]] = {
    "w4a16": {"weights": _INT4},
    "w4a16_asym": {"weights": {**_INT4, "symmetric": False}},
    "w8a16": {"weights": _INT8},
    "w8a8": {"weights": _INT8, "input_activations": _ACTIVE},
    "int8": {"weights": _INT8, "input_activations": _ACTIVE},
    "fp8": {
        "weights": {**_FP8, "strategy": "tensor"},
        "input_activations": {"num_bits": 8, "strategy": "tensor", "dynamic": False},
    },
    "fp8_dynamic": {"weights": _FP8, "input_activations": {"num_bits": 8, "dynamic": True}},
    "nvfp4": {
        "weights": {"num_bits": 4, "type": "float", "group_size": 16},
        "input_activations": {"num_bits": 4, "dynamic": "local"},
    },
    "nvfp4a16": {"weights": {"num_bits": 4, "type": "float", "group_size": 16}},
}
"""Schemes that a group may name instead of writing them out."""
ORDERS: Mapping[str, float] = {
    "": 0.0,
    "false": 0.0,
    "weight": 0.0,
    "static": 0.0,
    "group": 32.0,
    "dynamic": 32.0,
    "true": 32.0,
}
"""Bits a column of the order of groups: only where a group's members are scattered is it stored."""
