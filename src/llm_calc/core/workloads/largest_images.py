"""The largest item that a processor hands to the encoder: an image of the most tokens, or a video of such frames."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestItem:
    """What the largest item of a model costs: ``image``, and of a video as many ``frames`` of ``frame`` at most.

    ``around``: tokens of marks and time stamps that an item has beside those of each frame.
    """

    image: ImageCost
    frame: ImageCost | None = None
    frames: int = 1
    around: int = 0

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
