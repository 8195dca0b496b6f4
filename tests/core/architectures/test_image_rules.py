"""What families' rules make of published numbers, counted by hand: squares of patches, and what stands beside them."""

from typing import Any

import pytest

from llm_calc.core.architectures.image_rules import Described, rule_of
from llm_calc.core.workloads.images import (
    CanvasImage,
    FixedImage,
    ImageRule,
    MergedPatches,
    RowsOfPatches,
    TiledImage,
)

CLIP = {"model_type": "clip_vision_model", "image_size": 336, "patch_size": 14}
LLAVA = {"model_type": "llava", "vision_config": CLIP, "vision_feature_select_strategy": "default"}
INTERNVL = {
    "force_image_size": 448,
    "downsample_ratio": 0.5,
    "max_dynamic_patch": 12,
    "vision_config": {"image_size": 448, "patch_size": 14},
}


@pytest.mark.parametrize(
    ("name", "config", "processor", "limits", "rule"),
    [
        # 448 / 14 = 32 a side: 1024 patches and a mark; a quarter of them, 256, go into the text.
        (
            "tiles",
            INTERNVL,
            {},
            {"least_tiles": 1, "most_tiles": 6},
            TiledImage(tile=448, tile_tokens=256, tile_positions=1025, least_tiles=1, most_tiles=12),
        ),
        # A third as many a side: 1024 / 9 = 113.8.
        (
            "tiles",
            {**INTERNVL, "downsample_ratio": 1 / 3},
            {"crop_to_patches": False},
            {"least_tiles": 1, "most_tiles": 6},
            TiledImage(tile=448, tile_tokens=114, tile_positions=1025, least_tiles=1, most_tiles=1),
        ),
        # Llama 4: 336 / 14 = 24 a side, 576 patches and a mark, a quarter of them into the text.
        (
            "canvas",
            {"vision_config": {"image_size": 336, "patch_size": 14, "pixel_shuffle_ratio": 0.5}},
            {"max_patches": 16},
            {"most_tiles": 4},
            CanvasImage(tile=336, tile_tokens=144, tile_positions=577, most_tiles=16),
        ),
        # Gemma 3: 896 / 14 = 64 a side, 4096 patches; 256 go into the text, with two marks around them.
        (
            "fixed",
            {"vision_config": {"image_size": 896, "patch_size": 14}, "mm_tokens_per_image": 256},
            {},
            {"around": 2},
            FixedImage(embeddings=256, positions=4096, around=2),
        ),
        # LLaVA 1.5: 576 patches and a class token, which is left out unless all are selected.
        ("fixed", LLAVA, {}, {}, FixedImage(embeddings=576, positions=577)),
        (
            "fixed",
            {**LLAVA, "vision_feature_select_strategy": "full"},
            {},
            {},
            FixedImage(embeddings=577, positions=577),
        ),
        # Pixtral: rows of patches up to its longest edge.
        (
            "rows",
            {"vision_config": {"image_size": 1024, "patch_size": 16}},
            {},
            {},
            RowsOfPatches(patch=16, merge=1, longest_edge=1024, resized=True),
        ),
        # Qwen2-VL: pixels as its processor's file says them.
        (
            "merged",
            {"vision_config": {"patch_size": 14, "spatial_merge_size": 2}},
            {"min_pixels": 3136, "max_pixels": 12_845_056},
            {"least_pixels": 1, "most_pixels": 2},
            MergedPatches(
                patch=14,
                merge=2,
                least_pixels=3136,
                most_pixels=12_845_056,
                frames=1,
                grows_small=False,
                resized=True,
            ),
        ),
    ],
)
def test_rules_of_published_numbers(
    name: str, config: dict[str, Any], processor: dict[str, Any], limits: dict[str, Any], rule: ImageRule
) -> None:
    assert rule_of(name, Described(config=config, processor=processor, limits=limits)) == rule
