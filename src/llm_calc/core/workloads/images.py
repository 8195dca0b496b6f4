"""What an image costs: tokens in the prompt, positions in the encoder, by how each family cuts images into patches.

Read in the image processors and processors of transformers 5.24.0 (``models/*/image_processing*.py``,
``processing_*.py``); checked: 2026-11-30, and their answers for many sizes are kept in ``tests/golden/images.json``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, floor, sqrt
from typing import Protocol

import numpy as np

from llm_calc.core.errors import InvalidInputError

MOST_ASPECT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageCost:
    """One image: ``tokens`` of the prompt, those between rows and tiles among them; ``embeddings``: its own alone.

    ``positions`` of the encoder in each of ``tiles`` that it computes apart.
    """

    tokens: int
    embeddings: int
    positions: int
    tiles: int = 1


class ImageRule(Protocol):
    """How a family turns an image into tokens."""

    def cost(self, width: int, height: int) -> ImageCost:
        """An image of so many pixels [tokens].

        Definition: each family's own processor.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedPatches:
    """Patches of an image at about its own size, ``merge`` x ``merge`` of them a token: Qwen-VL and GLM-V.

    The sides are rounded to whole tokens; an image with fewer or more pixels than it may have is scaled. ``frames``:
    GLM-V counts an image as so many frames of a video against its limits.
    """

    patch: int
    merge: int
    least_pixels: int
    most_pixels: int
    frames: int = 1
    grows_small: bool = False
    resized: bool = True

    def cost(self, width: int, height: int) -> ImageCost:
        """Whole tokens of both sides [tokens].

        ``round(side / f) x f`` with ``f = patch x merge``; above the most pixels ``floor(side / b / f) x f`` with ``b =
        sqrt(frames x pixels / most)``, below the least ``ceil(side x b / f) x f``. Not resized: ``side / f``.
        Source: transformers 5.24.0 ``models/qwen2_vl/image_processing_qwen2_vl.py`` and
        ``glm4v/image_processing_glm4v.py``, ``smart_resize``; checked: 2026-11-30, read and run. Exact; halves are
        rounded to even.
        """
        unit, sides = self.patch * self.merge, (height, width)
        if not self.resized:
            return _unresized(sides, unit, self.merge)
        if self.grows_small and min(sides) < unit:
            scale = unit / min(sides)
            sides = (int(height * scale), int(width * scale))
        if max(sides) / min(sides) > MOST_ASPECT:
            msg = f"workload.images: {width} x {height} pixels are longer than 200 to 1; the processor refuses them"
            raise InvalidInputError(msg, field="workload.images")
        rows, columns = (self._whole(side, unit, sides) for side in sides)
        tokens = rows * columns
        return ImageCost(tokens=tokens, embeddings=tokens, positions=tokens * self.merge**2)

    def _whole(self, side: int, unit: int, sides: tuple[int, int]) -> int:
        pixels = self.frames * sides[0] * sides[1]
        rounded = self.frames * unit**2 * round(sides[0] / unit) * round(sides[1] / unit)
        if rounded > self.most_pixels:
            return max(1, floor(side / sqrt(pixels / self.most_pixels) / unit))
        if rounded < self.least_pixels:
            return ceil(side * sqrt(self.least_pixels / pixels) / unit)
        return round(side / unit)


def _unresized(sides: tuple[int, int], unit: int, merge: int) -> ImageCost:
    """An image that is cut as it comes."""
    if any(side % unit for side in sides):
        msg = f"workload.images: not resized (processor.do_resize), both sides must be multiples of {unit}"
        raise InvalidInputError(msg, field="workload.images")
    tokens = sides[0] // unit * (sides[1] // unit)
    return ImageCost(tokens=tokens, embeddings=tokens, positions=tokens * merge**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOfPatches:
    """Patches of an image that is only ever made smaller, a token behind each row of them: Pixtral, Mistral 3."""

    patch: int
    merge: int
    longest_edge: int
    resized: bool = True

    def cost(self, width: int, height: int) -> ImageCost:
        """``(columns + 1) x rows`` [tokens].

        ``ceil(floor(side / max(1, longest side / edge)) / (patch x merge))`` tokens a side; not resized: ``floor(side /
        (patch x merge))``.
        Source: transformers 5.24.0 ``models/pixtral/image_processing_pixtral.py``, ``get_resize_output_image_size``,
        and ``processing_pixtral.py``; checked: 2026-11-30, read and run. Exact.
        """
        unit, ratio = self.patch * self.merge, max(width, height) / self.longest_edge
        sides = [floor(side / ratio) if ratio > 1 else side for side in (width, height)]
        columns, rows = ((side - 1) // unit + 1 for side in sides)
        if not self.resized:
            columns, rows = max(1, width // unit), max(1, height // unit)
        own = columns * rows
        return ImageCost(tokens=own + rows, embeddings=own, positions=own * self.merge**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedImage:
    """Every image has one size, whatever it was: Llava, Gemma 3. ``around``: tokens before and behind it."""

    embeddings: int
    positions: int
    around: int = 0

    def cost(self, width: int, height: int) -> ImageCost:  # noqa: ARG002
        """The same for every image [tokens].

        ``embeddings + around``.
        Source: transformers 5.24.0 ``models/llava/processing_llava.py``, ``gemma3/processing_gemma3.py``; checked:
        2026-11-30, read and run. Exact without pan and scan.
        """
        return ImageCost(
            tokens=self.embeddings + self.around, embeddings=self.embeddings, positions=self.positions
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UncroppedImage:
    """Nothing is cut off (Llava): ``more`` tokens beside those of patches, ``first`` class tokens of the encoder."""

    patch: int
    shortest_edge: int | None
    more: int
    first: int

    def cost(self, width: int, height: int) -> ImageCost:
        """``floor(height / patch) x floor(width / patch) + more`` [tokens].

        The shorter side is ``edge`` (None: as it is), the longer ``floor(edge x longer / shorter)``.
        Source: transformers 5.24.0 ``models/llava/processing_llava.py`` and ``image_transforms.py``; checked:
        2026-11-30, read. Exact for the processor; a tower of fixed positions then refuses what is not its square.
        """
        edge, short = self.shortest_edge, min(width, height)
        sides = (width, height) if edge is None else [edge * side // short for side in (width, height)]
        patches = sides[0] // self.patch * (sides[1] // self.patch)
        own = patches + self.more
        return ImageCost(tokens=own, embeddings=own, positions=patches + self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class PooledPatches:
    """As many patches as the image may have, ``pool`` x ``pool`` of them a token: Gemma 4."""

    patch: int
    pool: int
    most_tokens: int

    def cost(self, width: int, height: int) -> ImageCost:
        """Sides scaled up or down to the most patches, and two tokens around [tokens].

        ``floor(side x sqrt(most x (pool x patch)^2 / pixels) / (pool x patch))`` a side; a side of none takes one, and
        the other the whole number of times that it is longer.
        Source: transformers 5.24.0 ``models/gemma4/image_processing_gemma4.py``, ``get_aspect_ratio_preserving_size``;
        checked: 2026-11-30, read and run. Exact.
        """
        unit = self.pool * self.patch
        factor = sqrt(self.most_tokens * self.pool**2 * self.patch**2 / (height * width))
        rows, columns = (floor(factor * side / unit) for side in (height, width))
        if not rows:
            rows, columns = 1, min(width // height, self.most_tokens)
        elif not columns:
            rows, columns = min(height // width, self.most_tokens), 1
        own = rows * columns
        return ImageCost(tokens=own + 2, embeddings=own, positions=own * self.pool**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class TiledImage:
    """Tiles of one size in the arrangement nearest to the image's sides, and the whole image as one more: InternVL."""

    tile: int
    tile_tokens: int
    tile_positions: int
    least_tiles: int
    most_tiles: int

    def cost(self, width: int, height: int) -> ImageCost:
        """``tiles x tokens of a tile``, and a token before and behind [tokens].

        The arrangement of the nearest ratio of sides; of equal ones that with more tiles while the image has more than
        half of their pixels.
        Source: transformers 5.24.0 ``models/got_ocr2/image_processing_got_ocr2.py``, ``get_optimal_tiled_canvas``, and
        ``internvl/processing_internvl.py``; checked: 2026-11-30, read and run. Exact.
        """
        best, nearest = (1, 1), float("inf")
        for columns, rows in _arrangements(self.least_tiles, self.most_tiles):
            gap = abs(width / height - columns / rows)
            more = gap == nearest and width * height > 0.5 * self.tile**2 * columns * rows
            if gap < nearest or more:
                best, nearest = (columns, rows), gap
        tiles = best[0] * best[1]
        tiles += tiles > 1
        own = tiles * self.tile_tokens
        return ImageCost(tokens=own + 2, embeddings=own, positions=self.tile_positions, tiles=tiles)


@lru_cache(maxsize=64)
def _arrangements(least: int, most: int) -> tuple[tuple[int, int], ...]:
    sides = range(1, most + 1)
    pairs = [(a, b) for a in sides for b in sides if least <= a * b <= most]
    return tuple(sorted(pairs, key=lambda pair: pair[0] * pair[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class CanvasImage:
    """Tiles of the canvas that takes the image with least scaling, and the whole image: Llama 4."""

    tile: int
    tile_tokens: int
    tile_positions: int
    most_tiles: int
    largest_canvas: bool = False

    def cost(self, width: int, height: int) -> ImageCost:
        """Tiles with a token between and one behind each row of them, the whole image, and three around [tokens].

        The canvas of the least scale of 1 or more (``min(canvas / image)`` of both sides), else of the largest below;
        of equal scales that of least area.
        Source: transformers 5.24.0 ``models/llama4/image_processing_llama4.py``, ``get_best_fit``, and
        ``processing_llama4.py``, ``_prompt_split_image``; checked: 2026-11-30, read and run. Exact; scales are compared
        in 32 bits.
        """
        rows, columns = self._canvas(width, height)
        several = rows * columns > 1
        tiles = rows * columns + several
        own = tiles * self.tile_tokens
        between = rows * (columns - 1) + rows if several else 0
        return ImageCost(tokens=own + between + 3, embeddings=own, positions=self.tile_positions, tiles=tiles)

    def _canvas(self, width: int, height: int) -> tuple[int, int]:
        pairs = [pair for count in range(self.most_tiles, 0, -1) for pair in _pairs(count)]
        sides = np.array(pairs, dtype=np.float32) * np.float32(self.tile)
        scales = np.minimum(sides[:, 0] / np.float32(height), sides[:, 1] / np.float32(width))
        up = scales[scales >= 1]
        chosen = (up.max() if self.largest_canvas else up.min()) if len(up) else scales.max()
        fitting = [pair for pair, scale in zip(pairs, scales, strict=True) if scale == chosen]
        return min(fitting, key=lambda pair: pair[0] * pair[1])


def _pairs(count: int) -> Iterator[tuple[int, int]]:
    return ((rows, count // rows) for rows in range(1, count + 1) if count % rows == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class PaddedPatches:
    """Patches of an image that is only ever made smaller and then padded to whole tokens: Kimi."""

    patch: int
    merge: int
    most_patches: int
    most_a_side: int
    resized: bool = True

    def cost(self, width: int, height: int) -> ImageCost:
        """``ceil(int(side x scale) / (patch x merge))`` tokens a side [tokens].

        ``scale = min(1, sqrt(most patches / patches), most a side x patch / side)``. Not resized: ``side / (patch x
        merge)``.
        Source: transformers 5.24.0 ``models/kimi_k25/image_processing_kimi_k25.py``, ``navit_resize``; checked:
        2026-11-30, read and run. Exact.
        """
        if not self.resized:
            return _unresized((height, width), self.patch * self.merge, self.merge)
        patches = max(1.0, height // self.patch) * max(1.0, width // self.patch)
        longest = self.most_a_side * self.patch
        scale = min(1.0, sqrt(self.most_patches / patches), longest / height, longest / width)
        unit = self.patch * self.merge
        sides = [min(max(1, int(side * scale)), longest) for side in (height, width)]
        tokens = -(-sides[0] // unit) * -(-sides[1] // unit)
        return ImageCost(tokens=tokens, embeddings=tokens, positions=tokens * self.merge**2)
