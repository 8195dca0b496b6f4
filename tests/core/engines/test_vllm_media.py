"""What vLLM loads and profiles of a model that sees: towers that are left out, items that are profiled."""

from dataclasses import replace

import pytest

from llm_calc.core.engines.base import Limits
from llm_calc.core.engines.vllm_budget import encoder_peak_bytes, profiled_items, weight_rules
from llm_calc.core.engines.vllm_media import UNLIMITED, MediaWishes, wishes_of, with_media
from llm_calc.core.engines.weights import device_weights_bytes
from llm_calc.core.model import Model
from llm_calc.core.parallelism import Layout
from llm_calc.core.weights import Weight
from llm_calc.core.workloads.images import ImageCost, ImageRule, MergedPatches, RowsOfPatches
from llm_calc.core.workloads.largest_images import ItemLimit, LargestItem, largest_image
from tests.core.engines.setups import llama_3_8b, setup

TOWER = Weight(
    name="tower.layers.gate_proj", component="vision", rows=100, cols=400, used=0, units=4, place="patches"
)
EARS = Weight(name="tower.layers.gate_proj", component="vision", rows=10, cols=40, used=0, place="sound")
STEP = Limits(max_sequences=4, max_batched_tokens=8192)


def seeing(model_type: str = "qwen2_5_vl", *weights: Weight) -> Model:
    model = llama_3_8b()
    return replace(
        model, model_type=model_type, outside=(*model.outside, TOWER, *weights), vision_tower=(1, 100)
    )


def left(model: Model, wishes: MediaWishes) -> set[str]:
    return {
        weight.place
        for weight in with_media(setup(model), wishes).model.outside
        if weight.component == "vision"
    }


# --limit-mm-per-prompt of zero for all of a tower's modalities leaves it out (interfaces.py, _mark_tower_model)
@pytest.mark.parametrize(
    ("model_type", "limits", "places"),
    [
        ("qwen2_5_vl", MediaWishes(), {"patches", "sound"}),
        ("qwen2_5_vl", MediaWishes(images=0), {"patches", "sound"}),
        ("qwen2_5_vl", MediaWishes(images=0, videos=0), {"sound"}),
        ("qwen2_5_vl", MediaWishes(sounds=0), {"patches"}),
        ("gemma3", MediaWishes(images=0), {"sound"}),
        ("gemma3", MediaWishes(images=0, videos=0, sounds=0), set()),
    ],
)
def test_a_tower_is_left_out_where_nothing_that_it_takes_may_come(
    model_type: str, limits: MediaWishes, places: set[str]
) -> None:
    assert left(seeing(model_type, EARS), limits) == places


def test_text_alone_takes_nothing() -> None:
    three = (("image", ItemLimit(count=3)),)
    nothing = wishes_of(text_only=True, limits=three, profiled=True, mode="weights")
    assert (nothing.images, nothing.videos, nothing.sounds) == (0, 0, 0)
    assert wishes_of(text_only=False, limits=three, profiled=True, mode="data").images == 3
    assert MediaWishes().videos == UNLIMITED


IMAGE = ImageCost(tokens=1000, embeddings=1000, positions=4000)
FRAME = ImageCost(tokens=500, embeddings=500, positions=2000)


@pytest.mark.parametrize(
    ("wishes", "context", "items", "frames", "tokens"),
    [
        (MediaWishes(), 32_768, 2, 7, 3500),  # 8192 // 3500
        (MediaWishes(videos=0), 32_768, 8, 1, 1000),
        (MediaWishes(images=0), 32_768, 2, 7, 3500),
        (MediaWishes(images=1, videos=0), 32_768, 4, 1, 1000),  # one in each of four sequences
        (MediaWishes(videos=0), 1500, 4, 1, 1000),  # a context holds one
    ],
)
def test_items_that_are_profiled(
    wishes: MediaWishes, context: int, items: int, frames: int, tokens: int
) -> None:
    largest = LargestItem(image=IMAGE, frame=FRAME, frames=7)
    found = profiled_items(replace(setup(seeing()), largest_item=largest), STEP, context, wishes)
    assert found is not None
    assert (found.items, found.frames, found.tokens) == (items, frames, tokens)


QWEN = MergedPatches(patch=14, merge=2, least_pixels=3136, most_pixels=12_845_056)
ROWS = RowsOfPatches(patch=14, merge=2, longest_edge=1540)


# vLLM 0.33.0 multimodal/processing/dummy_inputs.py: the smaller of each side; Qwen's items are counted as the largest
@pytest.mark.parametrize(
    ("rule", "wishes", "items", "tokens", "largest"),
    [
        (QWEN, MediaWishes(videos=0, image=ItemLimit(count=9, width=512, height=512)), 1, 18 * 18, False),
        (QWEN, MediaWishes(videos=0, image=ItemLimit(count=9, width=560)), 1, 20 * 128, False),
        (QWEN, MediaWishes(videos=0, image=ItemLimit(count=9, width=99_999)), 1, 128 * 128, True),
        (ROWS, MediaWishes(image=ItemLimit(count=9, width=512, height=512)), 16_384 // 361, 19 * 19, False),
        (ROWS, MediaWishes(), 16_384 // 3025, 55 * 55, True),
    ],
)
def test_sides_that_a_limit_states(
    rule: ImageRule, wishes: MediaWishes, items: int, tokens: int, largest: bool
) -> None:
    step = Limits(max_sequences=1024, max_batched_tokens=16_384)
    asked = replace(setup(seeing()), largest_item=LargestItem(image=largest_image(rule), rule=rule))
    found = profiled_items(asked, step, 32_768, wishes)
    assert found is not None
    assert (found.items, found.tokens, found.largest) == (items, tokens, largest)


@pytest.mark.parametrize(
    ("video", "frames", "tokens"),
    [
        (ItemLimit(count=9), 7, 114_688),
        (ItemLimit(count=9, num_frames=5), 3, 3 * 16_384),  # of 14; two are patches together
        (ItemLimit(count=9, num_frames=99), 7, 114_688),
        (ItemLimit(count=9, width=512, height=512), 7, 7 * 324),
    ],
)
def test_frames_that_a_limit_states(video: ItemLimit, frames: int, tokens: int) -> None:
    image = largest_image(QWEN)
    largest = LargestItem(image=image, frame=image, frames=7, rule=QWEN, pair=2)
    found = profiled_items(
        replace(setup(seeing()), largest_item=largest), STEP, 128_000, MediaWishes(video=video)
    )
    assert found is not None
    assert (found.items, found.frames, found.tokens) == (1, frames, tokens)


def test_nothing_is_profiled_where_it_is_switched_off_or_nothing_comes() -> None:
    asked = replace(setup(seeing()), largest_item=LargestItem(image=IMAGE))
    assert profiled_items(asked, STEP, 4096, MediaWishes(profiled=False)) is None
    assert profiled_items(asked, STEP, 4096, MediaWishes(images=0, videos=0)) is None
    assert encoder_peak_bytes(asked, STEP, 4096, MediaWishes(profiled=False)) == (0.0, 0.0)


def test_items_that_are_dealt_meet_whole_towers() -> None:
    """4 GPUs: 8 items by a quarter of the tower's width, or 2 by all of it: 8 x 400 / 4 = 2 x 400 a patch."""
    layout = Layout(tensor=4)
    asked = replace(setup(seeing()), largest_item=LargestItem(image=IMAGE), layout=layout)
    dealt = MediaWishes(dealt=True)
    cut, kept = encoder_peak_bytes(asked, STEP, 32_768)
    whole, also_kept = encoder_peak_bytes(asked, STEP, 32_768, dealt)
    assert kept == also_kept
    assert cut - kept == whole - kept == 8 * 4000 * 100 * 2
    sizes = [
        device_weights_bytes(asked.model, asked.numbers.recipe, layout, 0, weight_rules(asked, wishes))
        for wishes in (MediaWishes(), dealt)
    ]
    assert sizes[1] - sizes[0] == 40_000 * 2 * 3 / 4


def test_a_family_whose_encoder_deals_nothing_falls_back_to_pieces() -> None:
    assert not MediaWishes(dealt=True).deals(seeing("gemma3"))
