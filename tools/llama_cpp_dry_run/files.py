"""GGUF files of keys and tensor names alone: what the library asks for is found out by asking it."""

import json
import re
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Tensors = dict[str, tuple[tuple[int, ...], int]]
"""Name: shape, and the number of its type (0: f32, 1: f16)."""
TYPES = {bool: 7, int: 4, float: 6, str: 8}
ARRAY, ALIGNMENT = 9, 32
FIRST_LAYERS, PERIOD = 8, 4
_MISSING = re.compile(r"tensor '([^']+)' not found")
_SHAPE = re.compile(r"tensor '([^']+)' has wrong shape; expected ([\d, ]+), got")
_LAYER = re.compile(r"blk\.(\d+)\.(.*)")


class Probe:
    """The built probe as a process that answers one line for one file and its options."""

    def __init__(self, program: Path, library: Path) -> None:
        environment = {"GGML_DIR": str(library), "LD_LIBRARY_PATH": str(library)}
        self._process = subprocess.Popen(
            [program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def __call__(self, file: Path, **options: object) -> dict[str, Any]:
        """Bytes of weights, cache and compute by device, or an error."""
        pipe, answers = self._process.stdin, self._process.stdout
        assert pipe is not None
        assert answers is not None
        pipe.write(" ".join([f"file={file}", *(f"{name}={value}" for name, value in options.items())]) + "\n")
        pipe.flush()
        found: dict[str, Any] = json.loads(answers.readline())
        return found


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _plain(value: object) -> bytes:
    match value:
        case bool():
            return struct.pack("<?", value)
        case int():
            return struct.pack("<I", value)
        case float():
            return struct.pack("<f", value)
        case _:
            return _text(str(value))


def _value(value: object) -> bytes:
    if isinstance(value, list):
        kind = TYPES[type(value[0])]
        return struct.pack("<IIQ", ARRAY, kind, len(value)) + b"".join(map(_plain, value))
    return struct.pack("<I", TYPES[type(value)]) + _plain(value)


def write(file: Path, architecture: str, keys: Mapping[str, object], tensors: Tensors) -> None:
    """A file with these keys and tensors; its data is a hole."""
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(keys) + 2)
    head += _text("general.architecture") + _value(architecture)
    head += _text("tokenizer.ggml.model") + _value("no_vocab")
    for name, value in keys.items():
        head += _text(f"{architecture}.{name}") + _value(value)
    offset = 0
    for name, (shape, kind) in tensors.items():
        head += _text(name) + struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        head += struct.pack("<IQ", kind, offset)
        elements = 1
        for side in shape:
            elements *= side
        offset += -(-elements * (4 - 2 * kind) // ALIGNMENT) * ALIGNMENT
    pad = -len(head) % ALIGNMENT
    with file.open("wb") as out:
        out.write(head + b"\0" * pad)
        out.truncate(len(head) + pad + offset)


def discovered(
    probe: Probe, file: Path, architecture: str, keys: Mapping[str, object], further: Sequence[str]
) -> Tensors:
    """Every tensor that the library asks for, with the shape that it expects."""
    tensors: Tensors = dict.fromkeys(further, ((1,), 0))
    while True:
        write(file, architecture, keys, tensors)
        error = probe(file).get("error", "")
        missing, shape = _MISSING.search(error), _SHAPE.search(error)
        if missing:
            tensors[missing[1]] = ((1,), 0)
        elif shape:
            sides = [int(side) for side in shape[2].split(",")]
            while len(sides) > 1 and sides[-1] == 1:
                sides.pop()
            tensors[shape[1]] = (tuple(sides), int(len(sides) > 1))
        elif error:
            raise RuntimeError(error)
        else:
            return tensors


def whole(
    probe: Probe, file: Path, architecture: str, keys: Mapping[str, Any], further: Sequence[str]
) -> None:
    """The file of all layers, from the first few: later ones repeat those four before them."""
    layers = keys["block_count"]
    few = min(layers, FIRST_LAYERS)
    found = discovered(probe, file, architecture, {**keys, "block_count": few}, further)
    tensors = {name: entry for name, entry in found.items() if not _LAYER.match(name)}
    for layer in range(layers):
        like = layer if layer < few else PERIOD + layer % PERIOD
        for name, entry in found.items():
            match = _LAYER.match(name)
            if match and int(match[1]) == like:
                tensors[f"blk.{layer}.{match[2]}"] = entry
    write(file, architecture, keys, tensors)
    error = probe(file).get("error")
    if error:
        raise RuntimeError(error)
