"""A family's rule for images with the numbers of a model's own files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

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
    UncroppedImage,
)

FIELD = "workload.images"
NESTED = ("media_proc_cfg", "size", "crop_size", "image_processor")
"""Parts of a processor's file that hold limits."""
GEMMA3_TOKENS = 256
"""``Gemma3Processor`` of transformers 5.24.0; checked: 2026-11-30, read."""
LLAMA4_TILE, LLAMA4_PATCH = 336, 14
"""``Llama4ImageProcessor`` of transformers 5.24.0, and the tower's ``config.json``; checked: 2026-11-30, read."""
IDLE = frozenset(
    {
        "image_mean", "image_std", "do_rescale", "rescale_factor", "do_normalize", "do_convert_rgb", "resample",
        "image_processor_type", "processor_class", "temporal_patch_size", "data_format", "auto_map",
        "input_data_format", "device", "return_tensors", "disable_grouping", "feature_extractor_type",
        "default_to_square", "num_channels", "transformers_version",
    }
)  # fmt: skip
"""Keys that change pixels and not their number."""
USUAL = {"do_resize": True, "do_center_crop": False, "do_pan_and_scan": False}
"""Switches that change nothing as they stand here."""
PAN_AND_SCAN = "pan_and_scan_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What is known of a processor: the model's configuration, its processor's own file, the family's limits.

    ``read``: keys of the file that a rule has asked for. ``where``: the field that holds the file.
    """

    config: Mapping[str, object]
    processor: Mapping[str, object]
    limits: Mapping[str, object]
    read: set[str] = field(default_factory=set)
    where: str = f"{FIELD}.processor"

    @property
    def used(self) -> dict[str, object]:
        """What the rule asked the file for and found in it."""
        return {key: value for key, value in _flat(self.processor).items() if key in self.read}

    def said(self, *names: str) -> object:
        """The first of these keys that the processor's file says; all of them count as read."""
        flat = _flat(self.processor)
        self.read.update(names)
        self.read.update(
            other for name, other in PAIRS.items() if name in names and _alike(flat, name, other)
        )
        return next((flat[name] for name in names if flat.get(name) is not None), None)

    def number(
        self, *names: str, tower: tuple[str, ...] = (), otherwise: object = None, least: int = 1
    ) -> int:
        """The first of the processor's keys that says it, else the tower's, else what is known besides.

        Raises:
            InvalidInputError: no whole number of ``least`` or more, or none at all.
        """
        found = self.said(*names)
        name = f"{self.where}.{names[0]}" if names else "model.hf_config.vision_config"
        if found is None:
            found = next(
                (value for value in (self.tower(name) for name in tower) if value is not None), otherwise
            )
            name = name if not tower else f"model.hf_config.vision_config.{tower[0]}"
        found = _single(found)
        if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= 1 << 40:
            wanted = f"must be a whole number of {least} or more; it is {found!r}"
            raise InvalidInputError(f"{name}: {'is missing' if found is None else wanted}", field=name)
        return found

    def tower(self, name: str) -> object:
        """A key of the vision tower, else of the whole."""
        part = self.config.get("vision_config")
        value = part.get(name) if isinstance(part, Mapping) else None
        return self.config.get(name) if value is None else value

    def switch(self, name: str, *, otherwise: bool) -> bool:
        """A switch of the processor's file.

        Raises:
            InvalidInputError: it is neither true nor false.
        """
        value = self.said(name)
        if value is not None and not isinstance(value, bool):
            where = f"{self.where}.{name}"
            raise InvalidInputError(f"{where}: must be true or false; it is {value!r}", field=where)
        return otherwise if value is None else value


PAIRS = {"height": "width", "max_height": "max_width"}
"""Of two sides the first is read, and the second with it where it is as long."""


def _alike(flat: Mapping[str, object], first: str, second: str) -> bool:
    return flat.get(first) == flat.get(second)


def _single(value: object) -> object:
    """One number for both sides: as it stands, or as a list or an object of two that are equal."""
    several = list(value.values()) if isinstance(value, Mapping) else value
    if isinstance(several, list) and several and all(each == several[0] for each in several):
        return several[0]
    return value


def _flat(processor: Mapping[str, object]) -> dict[str, object]:
    flat = dict(processor)
    for name in NESTED:
        part = flat.get(name)
        if isinstance(part, Mapping):
            flat = {**_flat(part), **{key: value for key, value in flat.items() if key != name}}
    return flat


def unread_names(described: Described) -> Iterator[str]:
    """Keys of a processor's file that the rule of its family did not ask for, but for those that change nothing."""
    flat = _flat(described.processor)
    for key in sorted(set(flat) - described.read - IDLE):
        scans = key.startswith(PAN_AND_SCAN) and not flat.get("do_pan_and_scan")
        if flat[key] is None or scans or (key in USUAL and flat[key] is USUAL[key]):
            continue
        yield key


def unread_keys(described: Described) -> Iterator[str]:
    """The same in words."""
    for key in unread_names(described):
        yield f"{described.where}.{key}: nothing of an image's tokens is known to follow from it; it is not used"


def rule_of(name: str, described: Described) -> ImageRule:
    """The rule with its numbers.

    Raises:
        InvalidInputError: a number that is missing or none.
    """
    return RULES[name](described)


def _framed(d: Described) -> ImageRule:
    return _merged(d, d.number("temporal_patch_size", tower=("temporal_patch_size",), otherwise=2))


def _merged(d: Described, frames: int = 1) -> ImageRule:
    return MergedPatches(
        patch=d.number("patch_size", tower=("patch_size",), otherwise=14),
        merge=d.number("merge_size", tower=("spatial_merge_size",), otherwise=2),
        least_pixels=d.number("min_pixels", "shortest_edge", otherwise=d.limits["least_pixels"]),
        most_pixels=d.number("max_pixels", "longest_edge", otherwise=d.limits["most_pixels"]),
        frames=frames,
        grows_small=frames > 1,
        resized=d.switch("do_resize", otherwise=True),
    )


def _rows(d: Described) -> ImageRule:
    return RowsOfPatches(
        patch=d.number("patch_size", tower=("patch_size",)),
        merge=d.number("spatial_merge_size", tower=("spatial_merge_size",), otherwise=1),
        longest_edge=d.number("longest_edge", "height", tower=("image_size",)),
        resized=d.switch("do_resize", otherwise=True),
    )


def _fixed(d: Described) -> ImageRule:
    return _llava(d) if d.config.get("model_type") == "llava" else _gemma3(d)


def _gemma3(d: Described) -> ImageRule:
    side = d.number("height", tower=("image_size",)) // d.number(tower=("patch_size",))
    own = d.number("image_seq_length", tower=("mm_tokens_per_image",), otherwise=GEMMA3_TOKENS)
    around = d.limits["around"]
    return FixedImage(embeddings=own, positions=side**2, around=around if isinstance(around, int) else 0)


def _llava(d: Described) -> ImageRule:
    """One square, or where it is not cut out of the image sides in the image's own ratio."""
    patch = d.number("patch_size", tower=("patch_size",))
    first = int(d.tower("model_type") == "clip_vision_model")
    strategy = d.said("vision_feature_select_strategy") or d.config.get("vision_feature_select_strategy")
    more = d.number("num_additional_image_tokens", otherwise=first, least=0) - (strategy != "full")
    edges, resized = d.said("shortest_edge"), d.switch("do_resize", otherwise=True)
    if not d.switch("do_center_crop", otherwise=True) and not (resized and edges is None):
        d.read.update(("height", "width"))
        edge = d.number("shortest_edge") if resized else None
        return UncroppedImage(patch=patch, shortest_edge=edge, more=more, first=first)
    side = d.number("height", "shortest_edge", tower=("image_size",)) // patch
    return FixedImage(embeddings=side**2 + more, positions=side**2 + first)


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
    shrunk = float(ratio) if isinstance(ratio, (int, float)) else 0.5
    most = d.number("max_patches", tower=("max_dynamic_patch",), otherwise=d.limits["most_tiles"])
    return TiledImage(
        tile=tile,
        tile_tokens=d.number("image_seq_length", otherwise=round(side**2 * shrunk**2)),
        tile_positions=side**2 + 1,
        least_tiles=d.number("min_patches", tower=("min_dynamic_patch",), otherwise=d.limits["least_tiles"]),
        most_tiles=most if d.switch("crop_to_patches", otherwise=True) else 1,
    )


def _canvas(d: Described) -> ImageRule:
    tile = d.number("height", tower=("image_size",), otherwise=LLAMA4_TILE)
    side = tile // d.number("patch_size", tower=("patch_size",), otherwise=LLAMA4_PATCH)
    if not d.switch("do_resize", otherwise=True):
        where = f"{FIELD}.processor.do_resize"
        raise InvalidInputError(
            f"{where}: must be true; Llama 4's processor refuses to leave sizes", field=where
        )
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
        merge=d.number("merge_size", "merge_kernel_size", tower=("merge_kernel_size",), otherwise=2),
        most_patches=d.number("in_patch_limit", "max_patches", otherwise=d.limits["most_patches"]),
        most_a_side=d.number("patch_limit_on_one_side", "max_height", otherwise=d.limits["most_a_side"]),
        resized=d.switch("do_resize", otherwise=True),
    )


RULES: Mapping[str, Callable[[Described], ImageRule]] = {
    "merged": _merged,
    "frames": _framed,
    "rows": _rows,
    "fixed": _fixed,
    "pooled": _pooled,
    "tiles": _tiles,
    "canvas": _canvas,
    "padded": _padded,
}
