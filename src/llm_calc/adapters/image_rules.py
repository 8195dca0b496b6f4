"""A family's rule for images with the numbers of a model's own files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from llm_calc.core.errors import InvalidInputError
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

FIELD = "workload.images"
NESTED = ("media_proc_cfg", "size", "crop_size", "image_processor")
"""Parts of a processor's file that hold limits."""
LLAMA4_TILE, LLAMA4_PATCH = 336, 14
"""``Llama4ImageProcessor`` of transformers 5.24.0, and the tower's ``config.json``; checked: 2026-11-30, read."""
READ = frozenset(
    {
        "min_pixels", "max_pixels", "shortest_edge", "longest_edge", "height", "width", "max_height", "max_width",
        "patch_size", "merge_size", "crop_to_patches", "min_patches", "max_patches", "max_soft_tokens",
        "pooling_kernel_size", "in_patch_limit", "patch_limit_on_one_side", "resize_to_max_canvas", *NESTED,
    }
)  # fmt: skip
IDLE = frozenset(
    {
        "image_mean", "image_std", "do_rescale", "rescale_factor", "do_normalize", "do_convert_rgb", "resample",
        "image_processor_type", "processor_class", "temporal_patch_size", "do_resize", "data_format", "auto_map",
        "input_data_format", "device", "return_tensors", "disable_grouping", "do_center_crop", "feature_extractor_type",
        "default_to_square", "image_seq_length", "num_channels", "merge_kernel_size", "transformers_version",
    }
)  # fmt: skip
"""Keys that change pixels and not their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is known of a processor: the model's configuration, its processor's own file, the family's limits."""

    config: Mapping[str, object]
    processor: Mapping[str, object]
    limits: Mapping[str, object]

    def number(self, *names: str, tower: tuple[str, ...] = (), otherwise: object = None) -> int:
        """The first of the processor's keys that says it, else the tower's, else what is known besides.

        Raises:
            InvalidInputError: no whole number of 1 or more, or none at all.
        """
        flat = _flat(self.processor)
        found = next((flat[name] for name in names if flat.get(name) is not None), None)
        field = f"{FIELD}.processor.{names[0]}" if names else "model.hf_config.vision_config"
        if found is None:
            found = next(
                (value for value in (self.tower(name) for name in tower) if value is not None), otherwise
            )
            field = field if not tower else f"model.hf_config.vision_config.{tower[0]}"
        if isinstance(found, list) and found:
            found = found[0]
        if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= 1 << 40:
            said = "is missing" if found is None else f"must be a whole number of 1 or more; it is {found!r}"
            raise InvalidInputError(f"{field}: {said}", field=field)
        return found

    def tower(self, name: str) -> object:
        """A key of the vision tower, else of the whole."""
        part = self.config.get("vision_config")
        value = part.get(name) if isinstance(part, Mapping) else None
        return self.config.get(name) if value is None else value

    def switch(self, name: str, *, otherwise: bool) -> bool:
        """A switch of the processor's file."""
        value = _flat(self.processor).get(name)
        return value if isinstance(value, bool) else otherwise


def _flat(processor: Mapping[str, object]) -> dict[str, object]:
    flat = dict(processor)
    for name in NESTED:
        part = flat.get(name)
        if isinstance(part, Mapping):
            flat = {**_flat(part), **flat}
    return flat


def unread_keys(processor: Mapping[str, object]) -> Iterator[str]:
    """Keys of a processor's file that nothing here reads."""
    for key in sorted(set(_flat(processor)) - READ - IDLE):
        yield f"{FIELD}.processor.{key}: nothing of an image's tokens is known to follow from it; it is not used"


def rule_of(name: str, described: Described) -> ImageRule:
    """The rule with its numbers.

    Raises:
        InvalidInputError: a number that is missing or none.
    """
    return RULES[name](described)


def _merged(d: Described, frames: int = 1) -> ImageRule:
    return MergedPatches(
        patch=d.number("patch_size", tower=("patch_size",), otherwise=14),
        merge=d.number("merge_size", tower=("spatial_merge_size",), otherwise=2),
        least_pixels=d.number("min_pixels", "shortest_edge", otherwise=d.limits["least_pixels"]),
        most_pixels=d.number("max_pixels", "longest_edge", otherwise=d.limits["most_pixels"]),
        frames=frames,
        grows_small=frames > 1,
    )


def _rows(d: Described) -> ImageRule:
    return RowsOfPatches(
        patch=d.number("patch_size", tower=("patch_size",)),
        merge=d.number(tower=("spatial_merge_size",), otherwise=1),
        longest_edge=d.number("longest_edge", tower=("image_size",)),
    )


def _fixed(d: Described) -> ImageRule:
    side = d.number("height", "shortest_edge", tower=("image_size",)) // d.number(tower=("patch_size",))
    kind, whole = d.tower("model_type"), d.config.get("vision_feature_select_strategy") == "full"
    first = int(kind == "clip_vision_model")
    own = d.config.get("mm_tokens_per_image")
    embeddings = own if isinstance(own, int) else side**2 + (first if whole else 0)
    around = d.limits["around"]
    return FixedImage(
        embeddings=embeddings,
        positions=side**2 + first,
        around=around if isinstance(around, int) else 0,
    )


def _pooled(d: Described) -> ImageRule:
    return PooledPatches(
        patch=d.number("patch_size", tower=("patch_size",)),
        pool=d.number("pooling_kernel_size", tower=("pooling_kernel_size",), otherwise=3),
        most_tokens=d.number(
            "max_soft_tokens", tower=("vision_soft_tokens_per_image",), otherwise=d.limits["most_tokens"]
        ),
    )


def _tiles(d: Described) -> ImageRule:
    tile = d.number("height", tower=("force_image_size", "image_size"))
    side = tile // d.number(tower=("patch_size",))
    ratio = d.config.get("downsample_ratio", 0.5)
    most = d.number("max_patches", tower=("max_dynamic_patch",), otherwise=d.limits["most_tiles"])
    return TiledImage(
        tile=tile,
        tile_tokens=round(side**2 * (float(ratio) if isinstance(ratio, (int, float)) else 0.5) ** 2),
        tile_positions=side**2 + 1,
        least_tiles=d.number("min_patches", tower=("min_dynamic_patch",), otherwise=d.limits["least_tiles"]),
        most_tiles=most if d.switch("crop_to_patches", otherwise=True) else 1,
    )


def _canvas(d: Described) -> ImageRule:
    tile = d.number("height", tower=("image_size",), otherwise=LLAMA4_TILE)
    side = tile // d.number(tower=("patch_size",), otherwise=LLAMA4_PATCH)
    ratio = d.tower("pixel_shuffle_ratio")
    shrunk = float(ratio) if isinstance(ratio, (int, float)) else 0.5
    return CanvasImage(
        tile=tile,
        tile_tokens=side**2 // round(1 / shrunk**2),
        tile_positions=side**2 + 1,
        most_tiles=d.number("max_patches", otherwise=d.limits["most_tiles"]),
        largest_canvas=d.switch("resize_to_max_canvas", otherwise=False),
    )


def _padded(d: Described) -> ImageRule:
    return PaddedPatches(
        patch=d.number("patch_size", tower=("patch_size",)),
        merge=d.number("merge_size", tower=("merge_kernel_size",), otherwise=2),
        most_patches=d.number("in_patch_limit", "max_patches", otherwise=d.limits["most_patches"]),
        most_a_side=d.number("patch_limit_on_one_side", "max_height", otherwise=d.limits["most_a_side"]),
    )


RULES: Mapping[str, Callable[[Described], ImageRule]] = {
    "merged": _merged,
    "frames": lambda d: _merged(d, frames=2),
    "rows": _rows,
    "fixed": _fixed,
    "pooled": _pooled,
    "tiles": _tiles,
    "canvas": _canvas,
    "padded": _padded,
}
