"""Towers and projectors against counts on the real classes."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llm_calc.adapters.config_file import read_config
from llm_calc.adapters.key_tables import key_tables
from llm_calc.core.architectures.fields import Fields
from llm_calc.core.architectures.neutral import class_defaults
from llm_calc.core.architectures.towers.parts import Encoder, pair, patch_grid
from llm_calc.core.architectures.towers.table import TOWERS, read_tower
from llm_calc.core.errors import CalcError, InvalidInputError
from llm_calc.core.memory import total_parameters
from tests.core.architectures.multimodal import BY_NAME, COUNTED, ROWS, read, vision_parameters
from tests.core.architectures.test_every_type import BY_HAND

SMALL_TEXT = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 256, "num_attention_heads": 4}


@pytest.mark.parametrize("row", [pytest.param(row, id=row["name"]) for row in ROWS])
def test_parameters_are_those_of_the_class(row: dict[str, Any]) -> None:
    model = read_config(row["config"]).model
    assert vision_parameters(model) == row["vision"]
    assert total_parameters(model) == row["parameters"]


@pytest.mark.parametrize(
    "row", [pytest.param(row, id=row["name"]) for row in ROWS if "absent" not in row["name"]]
)
def test_files_with_their_parts_are_read_exactly(row: dict[str, Any]) -> None:
    reading = read_config(row["config"])
    assert reading.assumptions == ()
    assert reading.confidence == "exact"


def test_an_unknown_tower_is_counted_as_a_plain_one_and_said_so() -> None:
    tower = {"model_type": "new_tower", "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    tower |= {"num_attention_heads": 4, "num_channels": 3, "patch_size": 4, "image_size": 16}
    reading = read_config({"model_type": "llava", "text_config": SMALL_TEXT, "vision_config": tower})
    assert reading.confidence == "approximate"
    assert any("new_tower" in sentence for sentence in reading.assumptions)
    # patches, positions, two layers of attention, feed-forward and norms, a last norm; the projector
    layer = 4 * (64 * 64 + 64) + 64 * 128 + 128 + 128 * 64 + 64 + 4 * 64
    projector = 64 * 256 + 256 + 256 * 256 + 256
    assert vision_parameters(reading.model) == 48 * 64 + 64 + 16 * 64 + 2 * layer + 2 * 64 + projector


def test_a_tower_without_sizes_is_left_out_and_said_so() -> None:
    f = Fields({"model_type": "new_tower"}, model_type="new_tower", tables=key_tables())
    assert read_tower(f, "") is None
    assert any("not counted" in sentence for sentence in f.notes.guesses)


def test_a_key_of_a_tower_that_nobody_understands_is_named() -> None:
    config = deepcopy(BY_NAME["llava, class defaults"]["config"])
    config["vision_config"]["extra_blocks"] = 3
    reading = read_config(config)
    assert reading.confidence == "approximate"
    assert any("vision_config.extra_blocks" in sentence for sentence in reading.assumptions)


def test_a_wrong_size_of_a_tower_is_refused_by_name() -> None:
    config = deepcopy(BY_NAME["llava, class defaults"]["config"])
    config["vision_config"]["hidden_size"] = -1
    with pytest.raises(InvalidInputError, match=r"vision_config\.hidden_size"):
        read_config(config)


def test_published_spellings_of_kimi_are_read() -> None:
    row = BY_NAME["kimi_k25, class defaults"]
    published: dict[str, object] = {
        "vt_hidden_size": 1152,
        "vt_num_hidden_layers": 27,
        "vt_intermediate_size": 4304,
    }
    published |= {"vt_num_attention_heads": 16, "init_pos_emb_height": 64, "init_pos_emb_width": 64}
    published |= {"mm_hidden_size": 1152, "patch_size": 14, "merge_kernel_size": [2, 2]}
    assert vision_parameters(read(row["config"], vision_config=published).model) == row["vision"]
    fewer = published | {"vt_num_hidden_layers": 26}
    assert vision_parameters(read(row["config"], vision_config=fewer).model) < row["vision"]


def test_every_kind_of_tower_is_counted_somewhere() -> None:
    seen: set[str] = set()
    for row in (*ROWS, *COUNTED, *(row for row in BY_HAND if "vision" in row["terms"])):
        config, parts = row["config"], class_defaults(key_tables(), row["config"]["model_type"]).parts
        seen |= {
            part["model_type"] for part in config.values() if isinstance(part, dict) and "model_type" in part
        }
        seen |= {kind for key, kind in parts.items() if key in config}
    by_hand = {"dots_vit", "moonvit"}
    assert set(TOWERS) <= seen | by_hand | {"intern_vit_6b", "qwen4_exp_vision"}


@given(
    layers=st.integers(0, 40),
    heads=st.integers(1, 16),
    head_dim=st.integers(1, 64),
    intermediate=st.integers(1, 512),
    gated=st.booleans(),
    biased=st.booleans(),
)
def test_an_encoder_is_so_many_equal_layers(
    *, layers: int, heads: int, head_dim: int, intermediate: int, gated: bool, biased: bool
) -> None:
    encoder = Encoder(
        layers=layers,
        hidden=heads * head_dim,
        intermediate=intermediate,
        heads=heads,
        gated=gated,
        biases="qkvogud" if biased else "",
    )
    hidden = heads * head_dim
    matrices = 4 * hidden**2 + (3 if gated else 2) * hidden * intermediate
    biases = 5 * hidden + (2 if gated else 1) * intermediate if biased else 0
    assert sum(weight.params for weight in encoder.weights()) == layers * (matrices + biases + 4 * hidden)
    assert all(weight.component == "vision" and not weight.flops_per_token for weight in encoder.weights())


def test_sizes_of_images_may_be_pairs() -> None:
    f = Fields({"image_size": [448, 224], "patch_size": 14})
    assert patch_grid(f) == 32 * 16
    with pytest.raises(InvalidInputError, match="image_size"):
        pair(Fields({"image_size": [448, 224, 3]}), "image_size")


@pytest.mark.parametrize(
    ("changes", "parameters"),
    [
        ({}, 453_650_672),
        (
            {
                "depth": 3,
                "hidden_size": 768,
                "num_heads": 12,
                "intermediate_size": 2000,
                "out_hidden_size": 1024,
                "num_position_embeddings": 1000,
                "patch_size": 14,
            },
            30_581_104,
        ),
    ],
)
def test_the_tower_of_qwen4_is_that_of_the_class(changes: dict[str, object], parameters: int) -> None:
    """Counted alone: the class of the whole model needs sizes of its text part."""
    tower = read_tower(Fields(changes, tables=key_tables()), "qwen4_exp_vision")
    assert tower is not None
    assert sum(weight.params for weight in tower.weights) == parameters


WRONG: tuple[object, ...] = ("x", -1, 0, None, 2**50, [], {}, True, 0.5, [1], [[1, 2]], float("inf"))


@given(data=st.data())
def test_wrong_values_of_nested_keys_are_refused_and_never_crash(data: st.DataObject) -> None:
    row = data.draw(st.sampled_from([row for row in ROWS if "changed" in row["name"]]))
    config = deepcopy(row["config"])
    parts = sorted(key for key, value in config.items() if isinstance(value, dict) and value)
    if not parts:
        return
    part = config[data.draw(st.sampled_from(parts))]
    part[data.draw(st.sampled_from(sorted(part)))] = data.draw(st.sampled_from(WRONG))
    with suppress(CalcError):
        assert all(placed.weight.params >= 0 for placed in read_config(config).model.placed)
