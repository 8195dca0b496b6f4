"""What vLLM loads and profiles of a model that sees or hears, by what a prompt may bring.

Read from vLLM 0.33.0 (``vllm/config/multimodal.py``, ``vllm/multimodal/encoder_budget.py``,
``vllm/model_executor/models/interfaces.py``).
"""

from dataclasses import dataclass, replace
from functools import lru_cache

from llm_calc.core.engines.setup import Setup
from llm_calc.core.model import Model
from llm_calc.core.weights import Weight
from llm_calc.core.workloads.largest_images import NO_LIMIT, ItemLimit

UNLIMITED = NO_LIMIT.count
"""Items of a kind that nothing is said of: ``MultiModalConfig.get_limit_per_prompt``."""
IMAGES_ALONE = frozenset(
    {
        "aria", "blip-2", "cohere2_vision", "deepseek_vl_v2", "gemma3", "gemma3n", "idefics3", "kimi_vl", "lfm2_vl",
        "llama4", "llava", "llava_next", "mistral3", "molmo", "paddleocr_vl", "paligemma", "phi3_v", "pixtral",
        "smolvlm",
    }
)  # fmt: skip
"""Model types whose tower sees images and no videos: it is left out where images are. ``_mark_tower_model``."""
TAKES_SHARES = frozenset(
    {
        "dots_ocr", "glm4v", "glm4v_moe", "glm46v", "internvl", "internvl_chat", "kimi_k25", "kimi_vl", "llama4",
        "minicpmv", "qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "step3_vl",
    }
)  # fmt: skip
"""Model types whose encoder can deal items over a tensor group; others fall back to cut matrices
(``supports_encoder_tp_data``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaWishes:
    """What is said of images, videos and sounds: most of each in a prompt, whether the encoder is profiled or dealt.

    ``image``, ``video``: sides and frames of the item that is profiled.
    """

    images: int = UNLIMITED
    videos: int = UNLIMITED
    sounds: int = UNLIMITED
    profiled: bool = True
    dealt: bool = False
    image: ItemLimit = NO_LIMIT
    video: ItemLimit = NO_LIMIT

    def deals(self, model: Model) -> bool:
        """Whether every GPU of a tensor group keeps the tower and encodes its share of items."""
        return self.dealt and model.model_type in TAKES_SHARES


def wishes_of(
    *, text_only: bool, limits: tuple[tuple[str, ItemLimit], ...], profiled: bool, mode: str
) -> MediaWishes:
    """The options as wishes: nothing at all is taken where text alone is served.

    Definition: ``MultiModalConfig.get_limit_per_prompt``.
    """
    nothing = dict.fromkeys(("image", "video", "audio"), ItemLimit(count=0))
    said = nothing if text_only else dict(limits)
    image, video = said.get("image", NO_LIMIT), said.get("video", NO_LIMIT)
    return MediaWishes(
        images=image.count,
        videos=video.count,
        sounds=said.get("audio", NO_LIMIT).count,
        profiled=profiled,
        dealt=mode == "data",
        image=image,
        video=video,
    )


def with_media(setup: Setup, wishes: MediaWishes) -> Setup:
    """What is loaded: a tower is left out where a prompt may bring nothing of what it sees [items].

    ``images = 0 and (videos = 0 or the tower sees none)``; the tower for sounds likewise.
    Source: vLLM 0.33.0 ``vllm/model_executor/models/interfaces.py``, ``_mark_tower_model``; checked: 2026-11-30, read.
    Leaves out: models that vLLM builds whole whatever their limits say.
    """
    model = setup.model
    blind = not wishes.images and (not wishes.videos or model.model_type in IMAGES_ALONE)
    found = without_towers(model, seeing=blind, hearing=not wishes.sounds)
    if found is model:
        return setup
    return replace(setup, model=found, largest_item=None if blind else setup.largest_item)


@lru_cache(maxsize=256)
def without_towers(model: Model, *, seeing: bool, hearing: bool) -> Model:
    """The model without its towers for images and videos, or for sounds; itself where it has none of them."""
    kept = tuple(weight for weight in model.outside if not _gone(weight, seeing=seeing, hearing=hearing))
    if len(kept) == len(model.outside):
        return model
    return replace(model, outside=kept, vision_tower=None if seeing else model.vision_tower)


def _gone(weight: Weight, *, seeing: bool, hearing: bool) -> bool:
    return weight.component == "vision" and (hearing if weight.place == "sound" else seeing)
