"""Headers of full size against the models of the catalog whose tensors they list: their sizes and caches."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.formats.gguf_rows import tensor_names
from llm_calc.adapters.gguf_header import GgufFile, gguf_file
from llm_calc.adapters.gguf_reader import read_gguf_header
from llm_calc.adapters.model_source import source_model
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.checkpoints.gguf.files import file_tensors
from llm_calc.core.memory import kv_cache_bytes_per_token, layer_caches, total_parameters, weights_bytes
from llm_calc.core.model import Model
from tests.adapters.gguf_bytes import Tensor, Value, header, keys_of

VECTORS = {
    "norm": "attn_norm",
    "attention_vectors": "attn_q_norm",
    "ssm_vectors": "ssm_norm",
    "conv1d": "ssm_conv1d",
}

FILES = json.loads((Path(__file__).parents[1] / "golden" / "gguf_headers.json").read_text())["files"]


@cache
def catalog_model(name: str) -> Model:
    return source_model(ModelPart(name=name), load_catalogs()).model


def tensors_of(model: Model) -> list[Tensor]:
    """The model's tensors by the names of its file; vectors under one of the names that they go by."""
    sizes = {
        (p.weight.component, p.weight.name, i): p.weight for p in model.placed for i in p.indices or (None,)
    }
    found: dict[str, Tensor] = {}
    for each in file_tensors(model, tensor_names()):
        weight = sizes[each.component, each.weight, each.layer]
        elements = round(weight.matrix_params * each.fraction)
        prefix = "" if each.layer is None else f"blk.{each.layer}."
        copies = (weight.copies,) if weight.copies > 1 else ()
        name = f"{prefix}{each.name}.weight"
        before = found[name][1][1] if name in found else 0
        cols = elements // each.row // max(1, weight.copies)
        found[name] = (name, (each.row, cols + before, *copies), "f16")
    return [*found.values(), *_vectors(model)]


def _vectors(model: Model) -> list[Tensor]:
    """All one-dimensional parameters and biases; a convolution counts with its bias."""
    found: list[Tensor] = []
    for number, placed in enumerate(model.placed):
        weight = placed.weight
        vector = weight.kind == "vector" and weight.rows == 1
        elements = weight.params if vector or weight.cols == 1 else weight.copies * weight.bias
        if not elements or not placed.stored or weight.component == "vision":
            continue
        stem = VECTORS.get(weight.name, "attn_norm") if placed.indices else "output_norm"
        for layer in placed.indices or (None,):
            prefix = "" if layer is None else f"blk.{layer}."
            found.append((f"{prefix}{stem}.{number}.weight", (elements,), "f32"))
    return found


def file_of(architecture: str, model: Model, keys: dict[str, Value]) -> GgufFile:
    sizes: dict[str, Value] = {"block_count": model.num_layers, "embedding_length": model.hidden}
    return gguf_file(read_gguf_header(header(keys_of(architecture, {**sizes, **keys}), tensors_of(model))))


def states(model: Model) -> int:
    return sum(
        count * (cache.state_elements - cache.spare_state_elements) for cache, count in layer_caches(model)
    )


@pytest.mark.parametrize("row", FILES, ids=[each["model"] for each in FILES])
def test_a_header_says_what_the_configuration_says(row: dict[str, Any]) -> None:
    model = catalog_model(row["model"])
    file = file_of(row["architecture"], model, row["keys"])
    towers = sum(weight.params for weight in model.outside if weight.component == "vision")
    assert total_parameters(file.model) == total_parameters(model) - towers
    assert kv_cache_bytes_per_token(file.model) == kv_cache_bytes_per_token(model)
    assert kv_cache_bytes_per_token(file.model, beyond_windows=True) == kv_cache_bytes_per_token(
        model, beyond_windows=True
    )
    assert states(file.model) == states(model)
    assert file.recipe is not None
    listed = sum(elements(shape) * (4 if kind == "f32" else 2) for _, shape, kind in tensors_of(model))
    assert weights_bytes(file.model, file.recipe) == listed
    assert file.doubts == ()


def elements(shape: tuple[int, ...]) -> int:
    total = 1
    for each in shape:
        total *= each
    return total
