"""What real quantizers wrote, byte by byte; and nothing that their files say is dropped."""

import copy
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.formats import CheckpointFormat, format_tables, recipe_from_quantization_config
from llm_calc.adapters.formats.recipes import recipe_for
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.formats import WeightRecipe
from llm_calc.core.memory import weights_bytes
from llm_calc.core.model import Model

GOLDEN = json.loads(Path(__file__).parents[2].joinpath("golden/quantized_checkpoints.json").read_text())
ROWS: list[dict[str, Any]] = GOLDEN["rows"]
TOOLS = {
    "bitsandbytes": "bitsandbytes",
    "compressed-tensors": "compressed-tensors",
    "gptqmodel": "gptq",
    "llm-compressor": "compressed-tensors",
    "mlx-lm": "mlx",
    "nvidia-modelopt": "modelopt",
    "optimum-quanto": "quanto",
    "sinq": "sinq",
    "torchao": "torchao",
}
"""The reader that reads a tool's files, where files do not say it."""


def read(row: Mapping[str, Any], quantization: Mapping[str, Any]) -> tuple[Model, CheckpointFormat]:
    """The model and its formats."""
    reading = read_config({**GOLDEN["models"][row["model"]], "quantization_config": quantization})
    assert reading.quantization is not None
    return reading.model, recipe_from_quantization_config(reading.quantization, reading.model)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['tool']}-{row['scheme']}-{row['model']}")
def test_bytes_are_those_of_the_tensors_that_the_tool_wrote(row: dict[str, Any]) -> None:
    model, stored = read(row, row["quantization_config"])
    # Within 0.05 %: correction biases of routers and scales of caches are no parameters and are not counted.
    assert weights_bytes(model, stored.recipe) == pytest.approx(row["bytes"], rel=5e-4)
    # The same words stand for files with smoothing factors and for files without; "idle": names that transformers 5
    # takes for no module, which are told.
    assert (stored.guesses == ()) == (row["scheme"] != "INT8_SMOOTHQUANT_CFG" and "idle" not in row)
    assert all(any(repr(name) in guess for guess in stored.guesses) for name in row.get("idle", ()))


def kinds() -> Iterator[dict[str, Any]]:
    """One row of each tool and set of keys."""
    seen = set()
    for row in ROWS:
        key = (row["tool"], *sorted(_paths(row["quantization_config"])))
        if key not in seen and len(json.dumps(row)) < 4000:
            seen.add(key)
            yield row


def _paths(said: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in said.items():
        yield (*above, key)
        if isinstance(value, Mapping):
            yield from _paths(value, (*above, key))


def _strange(value: object) -> object:
    if isinstance(value, bool):
        return "zz-unknown"
    if isinstance(value, int | float):
        return 13
    if isinstance(value, list):
        return [*value, "zz-unknown"]
    return {"zz-unknown": 1} if isinstance(value, Mapping) else "zz-unknown"


def _changed(said: Mapping[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(dict(said))
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    return changed


@pytest.mark.parametrize(
    "row", list(kinds()), ids=lambda row: f"{row['tool']}-{row['scheme']}-{row['model']}"
)
def test_no_key_is_dropped_without_a_word(row: dict[str, Any]) -> None:
    said = row["quantization_config"]
    method = str(said.get("quant_method") or TOOLS[row["tool"].split()[0]])
    _, before = read(row, said)
    dropped = []
    leaves = (
        path for path in _paths(said) if not (isinstance(_value(said, path), Mapping) and _value(said, path))
    )
    for path in leaves:
        try:
            _, after = read(row, _changed(said, path, _strange(_value(said, path))))
        except InvalidInputError:
            continue
        holder = _value(said, path[:-1])
        unquantized = isinstance(holder, Mapping) and len(path) > 1 and holder.get("bits") == 16
        known = unquantized or format_tables().says_nothing(method, ".".join(path))
        if not known and after == before:
            dropped.append(".".join(path))
    assert dropped == []


def published() -> dict[str, tuple[dict[str, Any], Mapping[str, Any]]]:
    """Catalog models that say how they are quantized."""
    found = {}
    for entry in load_catalogs().models:
        reading = read_config(entry.config)
        if reading.quantization is not None:
            found[entry.name] = (dict(entry.config), reading.quantization)
    return found


@pytest.mark.parametrize("name", sorted(published()))
def test_no_key_of_a_catalog_model_is_dropped_without_a_word(name: str) -> None:
    config, said = published()[name]
    model = read_config(config).model
    before = recipe_from_quantization_config(said, model)
    for path in _paths(said):
        value = _value(said, path)
        if (isinstance(value, Mapping) and value) or format_tables().says_nothing(
            str(said["quant_method"]), ".".join(path)
        ):
            continue
        try:
            after = recipe_from_quantization_config(_changed(said, path, _strange(value)), model)
        except InvalidInputError:
            continue
        assert after != before or path in (("text_part_only",), ("written_by_transformers",)), path


def _value(said: Mapping[str, Any], path: tuple[str, ...]) -> object:
    value: Any = said
    for key in path:
        value = value[key]
    return value


@pytest.mark.parametrize(
    "row", list(kinds()), ids=lambda row: f"{row['tool']}-{row['scheme']}-{row['model']}"
)
def test_a_key_that_nobody_knows_is_named(row: dict[str, Any]) -> None:
    said = row["quantization_config"]
    method = str(said.get("quant_method") or TOOLS[row["tool"].split()[0]])
    holders = [(), *(path for path in _paths(said) if isinstance(_value(said, path), Mapping))]
    for holder in holders:
        path = (*holder, "zz_unknown_key")
        if format_tables().says_nothing(method, ".".join(path)):
            continue
        try:
            _, after = read(row, _changed(said, path, 7))
        except InvalidInputError as refused:
            assert "zz_unknown_key" in refused.message or holder  # noqa: PT017
        else:
            assert any("zz_unknown_key" in guess for guess in after.guesses), path


def test_keys_that_name_no_tool_are_taken_for_the_likeliest_ones_and_said_so() -> None:
    model = GOLDEN["models"]["llama_s"]

    def guesses(**config: object) -> tuple[str, ...]:
        reading = read_config({**model, **config})
        assert reading.quantization is not None
        return recipe_from_quantization_config(reading.quantization, reading.model).guesses

    bare = {"bits": 4, "group_size": 64}
    assert "names no quant_method" in guesses(quantization_config=bare)[0]
    assert guesses(quantization=bare) == ()
    assert guesses(quantization_config={**bare, "mode": "affine"}) == ()
    assert "('zz')" in guesses(quantization_config={"quant_method": "gptq", **bare, "new": "zz"})[0]


def test_experts_that_are_quantized_beside_fp8_are_read_as_listed() -> None:
    """DeepSeek-V4 as Model Optimizer wrote it: experts in NVFP4 (4.5 bits), everything else as it was."""
    entry = load_catalogs().model("nvidia/DeepSeek-V4-Flash-NVFP4")
    first = load_catalogs().model("deepseek-v4-flash")
    model = read_config(entry.config).model
    sizes = []
    for config in (first.config, entry.config):
        said = read_config(config).quantization
        assert said is not None
        stored = recipe_from_quantization_config(said, model)
        assert stored.guesses == ()
        sizes.append(weights_bytes(model, stored.recipe))
    experts = sum(
        each.weight.rows * each.weight.cols * each.weight.copies * each.stored
        for each in model.placed
        if each.weight.component == "experts"
    )
    assert sizes[1] - sizes[0] == pytest.approx(experts * (4.5 - 4.25) / 8, rel=1e-3)
    without = {**entry.config["quantization_config"], "moe_quant_algo": "ZZ4"}
    with pytest.raises(InvalidInputError, match="moe_quant_algo"):
        recipe_from_quantization_config(without, model)


LINEAR, HEAD = 3 * (512 * 512 * 2 + 512 * 128 * 2 + 3 * 512 * 1408), 8000 * 512
"""Numbers of the small Llama's linear layers, and of its head or embedding."""
ROWS_OF_ALL = 3 * (512 + 128 + 128 + 512 + 1408 + 1408 + 512)


def stored_bytes(**quantization: object) -> float:
    reading = read_config({**GOLDEN["models"]["llama_s"], "quantization_config": quantization})
    assert reading.quantization is not None
    stored = recipe_from_quantization_config(reading.quantization, reading.model)
    return float(weights_bytes(reading.model, stored.recipe))


def test_integers_that_transformers_stores_itself() -> None:
    """By hand from integrations/metal_quantization.py and gemma_quant.py of transformers 5.24.0, checked 2026-11-30."""
    whole = weights_bytes(read_config(GOLDEN["models"]["llama_s"]).model, recipe_for_bf16())
    rest = whole - 2 * LINEAR
    metal = {"quant_method": "metal", "bits": 4, "group_size": 64}
    assert stored_bytes(**metal) == pytest.approx(rest + LINEAR * (4 + 64 / 64) / 8, rel=1e-9)
    gemma = {"quant_method": "gemma", "num_bits": 4, "module_quant_configs": {"mlp": {"num_bits": 2}}}
    scales = 4 * ROWS_OF_ALL + 8 * 7 * 3
    mlp = 3 * 3 * 512 * 1408
    assert stored_bytes(**gemma) == pytest.approx(rest + (LINEAR - mlp) / 2 + mlp / 4 + scales, rel=1e-9)
    with_table = stored_bytes(**gemma, quantize_embeddings=True)
    assert with_table == pytest.approx(stored_bytes(**gemma) - HEAD * 1.5 + 4 * 8000 + 8, rel=1e-6)
    for wrong in ({**metal, "bits": 3}, {**metal, "group_size": 0}, {**gemma, "num_bits": 5}):
        with pytest.raises(InvalidInputError):
            stored_bytes(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"quant_method": "gptq", "bits": 4, "group_size": 0},
        {"quant_method": "gptq", "bits": 4, "group_size": 128, "dynamic": {"+:.*down.*": {"group_size": -5}}},
        {"quant_method": "awq", "bits": 4, "group_size": -2},
        {"quant_method": "mlx", "bits": 4, "group_size": 0},
        {"quant_method": "bitsandbytes", "load_in_4bit": True, "load_in_8bit": True},
    ],
)
def test_groups_of_nothing_and_two_widths_at_once_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match=r"group_size|load_in_4bit"):
        stored_bytes(**wrong)


def test_tables_that_are_converted_to_fp8_have_one_scale() -> None:
    """``FP8Embedding`` of transformers 5.24.0, checked 2026-11-30."""
    blocks = {"quant_method": "fp8", "weight_block_size": [128, 128]}
    saved = stored_bytes(**blocks) - stored_bytes(**blocks, modules_to_convert=["embed_tokens"])
    assert saved == HEAD - 4


@pytest.mark.parametrize(
    ("kind", "data", "bits"),
    [
        ("MXDynamicActivationMXWeightConfig", {"block_size": 32}, 8.25),
        ("MXDynamicActivationMXWeightConfig", {"weight_dtype": "float4_e2m1fn_x2"}, 4.25),
        ("NVFP4WeightOnlyConfig", {"use_dynamic_per_tensor_scale": True}, 4.5),
    ],
)
def test_scaled_formats_of_torchao(kind: str, data: dict[str, object], bits: float) -> None:
    """Tensors of torchao 0.18.0 on a small matrix: a scale of 8 bits a group, one of 32 a tensor in NVFP4."""
    found = stored_bytes(quant_method="torchao", quant_type={"default": {"_type": kind, "_data": data}})
    whole = weights_bytes(read_config(GOLDEN["models"]["llama_s"]).model, recipe_for_bf16())
    assert found == pytest.approx(whole - LINEAR * (16 - bits) / 8, rel=1e-4)


def recipe_for_bf16() -> WeightRecipe:
    return recipe_for("bf16", read_config(GOLDEN["models"]["llama_s"]).model)
