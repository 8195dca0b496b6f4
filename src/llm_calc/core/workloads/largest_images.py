"""The largest item that a processor hands to the encoder: an image of the most tokens, or a video of such frames."""

from dataclasses import dataclass, replace
from math import isqrt

from llm_calc.core.errors import InvalidInputError
from llm_calc.core.workloads.images import (
    CanvasImage,
    ImageCost,
    ImageRule,
    MergedPatches,
    PaddedPatches,
    PooledPatches,
    RowsOfPatches,
    TiledImage,
)

ANY_SIDE = 1000
LIMITS = "engine.limit_mm_per_prompt"

MOST_ASPECT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemLimit:
    """Most items of a kind in a prompt, and the sides and frames of the one that an encoder is profiled with.

    None: the model's own. ``length``: samples of a sound.
    """

    count: int
    width: int | None = None
    height: int | None = None
    num_frames: int | None = None
    length: int | None = None

    @property
    def sides(self) -> str:
        """The sides that are stated, in words."""
        said = {"width": self.width, "height": self.height}
        return ", ".join(f"{name} {side}" for name, side in said.items() if side is not None)

    def without(self, size: str) -> "ItemLimit":
        """The same with one of the sizes left to the model."""
        kept = {
            name: getattr(self, name) for name in ("width", "height", "num_frames", "length") if name != size
        }
        return ItemLimit(count=self.count, **kept)


NO_LIMIT = ItemLimit(count=999)


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestItem:
    """What the largest item of a model costs: ``image``, and of a video as many ``frames`` of ``frame`` at most.

    ``around``: tokens of marks and time stamps that an item has beside those of each frame. ``rule``: how an image of
    other sides is cut; None: not known. ``pair``: frames of a video that are one here. ``own_frame``: a frame has
    tokens of its own, whatever its sides.
    """

    image: ImageCost
    frame: ImageCost | None = None
    frames: int = 1
    around: int = 0
    rule: ImageRule | None = None
    pair: int = 1
    own_frame: bool = False

    @property
    def counted_whole(self) -> bool:
        """Whether items of stated sides are counted as if they were the largest.

        Source: vLLM 0.33.0 ``model_executor/models/qwen2_vl.py``, ``get_mm_max_tokens_per_item``, which other families
        with sides that matter do not have; checked: 2026-11-30, read.
        """
        return isinstance(self.rule, MergedPatches)

    def of_sides(self, image: ItemLimit, video: ItemLimit) -> "LargestItem":
        """The item that is encoded where its sides or frames are stated: never more than the largest [pixels, frames].

        ``min(side, stated)`` of both sides, ``ceil(min(frames, stated) / pair)`` frames.
        Source: vLLM 0.33.0 ``vllm/multimodal/processing/dummy_inputs.py``, ``_get_dummy_images`` and
        ``_get_dummy_videos``; checked: 2026-11-30, read.
        Leaves out: processors that scale every image to one number of patches, which sides leave as it is.

        Raises:
            InvalidInputError: sides that the processor refuses; names the limit that says them.
        """
        most = self.frames * self.pair
        frames = -(-min(most, video.num_frames or most) // self.pair)
        frame = (
            self.frame if self.frame is None or self.own_frame else self._sized(self.frame, video, "video")
        )
        return replace(self, image=self._sized(self.image, image, "image"), frame=frame, frames=frames)

    def _sized(self, cost: ImageCost, limit: ItemLimit, kind: str) -> ImageCost:
        if self.rule is None or not (limit.width or limit.height):
            return cost
        sides = largest_sides(self.rule)
        if sides is None:
            return cost
        width, height = min(sides[0], limit.width or sides[0]), min(sides[1], limit.height or sides[1])
        if (width, height) == sides:
            return cost
        try:
            return self.rule.cost(width, height)
        except InvalidInputError as error:
            reason = error.message.removeprefix(f"{error.field}: ")
            msg = f"{LIMITS}.{kind}: {limit.sides} of at most {sides[0]} x {sides[1]} pixels: {reason}"
            raise InvalidInputError(msg, field=f"{LIMITS}.{kind}") from error

    def item(
        self, context_tokens: int, *, images: bool = True, videos: bool = True
    ) -> tuple[ImageCost, int, int] | None:
        """The item that is profiled, how often it is encoded, and its tokens; None: nothing is taken [tokens].

        A video of ``min(frames, context // tokens of a frame)`` frames, at least one, where that is no less than the
        image; else the image. Of what is taken, ``images`` and ``videos``.
        Source: vLLM 0.33.0 ``vllm/multimodal/encoder_budget.py``, ``get_modality_with_max_tokens``, and
        ``model_executor/models/qwen2_vl.py``, ``get_num_frames_with_most_features``; checked: 2026-11-30, read.
        Leaves out: audio; the video of fewer tokens than an image where images are not taken.
        """
        if self.frame is not None and videos:
            each = self.frame.embeddings + self.around
            frames = max(1, min(self.frames, context_tokens // each))
            if frames * each >= self.image.embeddings or not images:
                return self.frame, frames, frames * each
        if not images and not videos:
            return None
        return self.image, 1, self.image.embeddings


def largest_image(rule: ImageRule) -> ImageCost:
    """An image of the most tokens that a rule gives [tokens].

    ``most pixels // (frames x (patch x merge)^2)`` tokens of merged patches; both sides the longest edge; as many
    tiles, and the whole image, as there may be; as many patches, ``merge x merge`` of them a token.
    Source: vLLM 0.33.0 ``vllm/model_executor/models/qwen2_vl.py``, ``get_image_size_with_most_features``; checked:
    2026-11-30, read; the other rules' limits as their processors have them (:mod:`.images`).
    Leaves out: aspect ratios that a number of tokens without factors would need.
    """
    match rule:
        case MergedPatches(patch=patch, merge=merge):
            return _square(rule.most_pixels // (rule.frames * (patch * merge) ** 2), merge)
        case RowsOfPatches():
            return rule.cost(rule.longest_edge, rule.longest_edge)
        case PooledPatches():
            return _square(rule.most_tokens, rule.pool)
        case PaddedPatches():
            return _square(rule.most_patches // rule.merge**2, rule.merge)
        case TiledImage() | CanvasImage():
            tiles = rule.most_tiles + (rule.most_tiles > 1)
            own = tiles * rule.tile_tokens
            return ImageCost(tokens=own, embeddings=own, positions=rule.tile_positions, tiles=tiles)
        case _:
            return rule.cost(ANY_SIDE, ANY_SIDE)


def _square(tokens: int, merge: int) -> ImageCost:
    return ImageCost(tokens=tokens, embeddings=tokens, positions=tokens * merge**2)


def largest_sides(rule: ImageRule) -> tuple[int, int] | None:
    """Width and height of the image of the most tokens; None where sides change nothing [1].

    Of merged patches the two factors of the most tokens that are nearest to each other, with fewer tokens where one is
    more than 200 times the other; of rows of patches both are the longest edge.
    Source: vLLM 0.33.0 ``model_executor/models/qwen2_vl.py``, ``get_image_size_with_most_features``, and
    ``mistral3.py``; checked: 2026-11-30, read.
    Leaves out: families whose processors cut tiles, which are not profiled here.
    """
    if isinstance(rule, RowsOfPatches):
        return rule.longest_edge, rule.longest_edge
    if not isinstance(rule, MergedPatches):
        return None
    unit = rule.patch * rule.merge
    most = max(1, rule.most_pixels // (rule.frames * unit**2))
    pairs = (_nearest_factors(tokens) for tokens in range(most, 0, -1))
    low, high = next((pair for pair in pairs if pair[1] <= MOST_ASPECT * pair[0]), (1, most))
    return unit * high, unit * low


def _nearest_factors(number: int) -> tuple[int, int]:
    low = next(each for each in range(isqrt(number), 0, -1) if number % each == 0)
    return low, number // low
