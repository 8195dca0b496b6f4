"""The largest item of each family, and what is encoded of it when vLLM starts, by hand from published limits."""

import pytest

from llm_calc.adapters.catalog import load_catalogs
from llm_calc.adapters.largest_items import largest_item
from llm_calc.adapters.model_source import source_model
from llm_calc.adapters.wire.parts import ModelPart
from llm_calc.core.workloads.image_encoder import handed_on_bytes, pass_bytes
from llm_calc.core.workloads.images import (
    CanvasImage,
    FixedImage,
    ImageRule,
    MergedPatches,
    PaddedPatches,
    PooledPatches,
    RowsOfPatches,
    TiledImage,
)
from llm_calc.core.workloads.largest_images import LargestItem, largest_image, largest_sides

QWEN = MergedPatches(patch=14, merge=2, least_pixels=3136, most_pixels=12_845_056)


@pytest.mark.parametrize(
    ("rule", "tokens", "patches"),
    [
        (QWEN, 16384, 65536),  # vLLM's own start-up logs name 16384 tokens an image
        (MergedPatches(patch=16, merge=2, least_pixels=65536, most_pixels=2**24), 16384, 65536),
        (MergedPatches(patch=14, merge=2, least_pixels=12544, most_pixels=9_633_792, frames=2), 6144, 24576),
        (RowsOfPatches(patch=14, merge=2, longest_edge=1540), 55 * 55, 110 * 110),
        (FixedImage(embeddings=256, positions=4096), 256, 4096),
        (PooledPatches(patch=16, pool=3, most_tokens=280), 280, 2520),
        (PaddedPatches(patch=14, merge=2, most_patches=16384, most_a_side=512), 4096, 16384),
        (
            TiledImage(tile=448, tile_tokens=256, tile_positions=1025, least_tiles=1, most_tiles=12),
            3328,
            13325,
        ),
        (CanvasImage(tile=336, tile_tokens=144, tile_positions=577, most_tiles=16), 17 * 144, 17 * 577),
    ],
)
def test_an_image_of_the_most_tokens(rule: ImageRule, tokens: int, patches: int) -> None:
    cost = largest_image(rule)
    assert (cost.embeddings, cost.positions * cost.tiles) == (tokens, patches)


@pytest.mark.parametrize(
    ("context", "frames"), [(128_000, 7), (114_688, 7), (65_536, 4), (32_768, 2), (16_384, 1), (8192, 1)]
)
def test_a_video_has_the_frames_that_the_context_holds(context: int, frames: int) -> None:
    """Qwen2.5-VL: 14 frames are 7 patches in time of 16384 tokens, the 114688 that its start-up log names."""
    image = largest_image(QWEN)
    found = LargestItem(image=image, frame=image, frames=7).item(context)
    assert found == (image, frames, frames * 16384)


def test_the_smaller_of_both_is_left() -> None:
    small, large = (largest_image(FixedImage(embeddings=n, positions=n)) for n in (70, 280))
    assert LargestItem(image=large, frame=small, frames=3, around=8).item(4096) == (large, 1, 280)
    # Gemma 4: 32 frames of 70 tokens, two marks and a time stamp of 6
    assert LargestItem(image=large, frame=small, frames=32, around=8).item(4096) == (small, 32, 2496)


def test_the_pass_holds_the_stream_the_widest_block_and_the_pixels() -> None:
    """Gemma 3: 1152 wide, 4304 inside without a gate, 588 numbers a patch; half of what is inside on two GPUs."""
    model = source_model(ModelPart(name="gemma-3-12b"), load_catalogs()).model
    cost = largest_image(FixedImage(embeddings=256, positions=4096))
    assert pass_bytes(model, cost, 32, 2.0, 1) == 2 * 32 * 4096 * (4 * 1152 + 2 * 4304 + 588)
    assert pass_bytes(model, cost, 32, 2.0, 2) == 2 * 32 * 4096 * (4 * 1152 + 4304 + 588)
    assert handed_on_bytes(model, 8192, 2.0) == 8192 * 3840 * 2


def test_deeper_levels_are_handed_on_as_well() -> None:
    """Qwen3-VL: three levels beside the last."""
    model = source_model(ModelPart(name="qwen3-vl-8b"), load_catalogs()).model
    assert handed_on_bytes(model, 100, 2.0) == 100 * 4 * 4096 * 2


@pytest.mark.parametrize(
    ("name", "known"),
    [("qwen3-vl-8b", True), ("gemma-4-31b", True), ("glm-4.1v-9b", False), ("llama-3.1-8b", False)],
)
def test_models_whose_largest_item_is_known(name: str, known: bool) -> None:
    source = source_model(ModelPart(name=name), load_catalogs())
    assert (largest_item(source.config, source.model) is not None) == known
    assert largest_item(None, source.model) is None


@pytest.mark.parametrize(
    ("rule", "sides"),
    [
        (QWEN, (128 * 28, 128 * 28)),
        (MergedPatches(patch=14, merge=2, least_pixels=3136, most_pixels=1280 * 784), (40 * 28, 32 * 28)),
        # 1283 is a prime: 1282 = 2 x 641 is 320 to 1, and 1281 = 21 x 61
        (MergedPatches(patch=14, merge=2, least_pixels=3136, most_pixels=1283 * 784), (61 * 28, 21 * 28)),
        (RowsOfPatches(patch=14, merge=2, longest_edge=1540), (1540, 1540)),
        (PooledPatches(patch=16, pool=3, most_tokens=280), None),
    ],
)
def test_the_sides_of_the_largest_image(rule: ImageRule, sides: tuple[int, int] | None) -> None:
    assert largest_sides(rule) == sides
