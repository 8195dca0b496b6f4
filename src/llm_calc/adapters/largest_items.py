"""The largest image or video that an engine's start encodes, by the limits of the model's processor."""

from collections.abc import Mapping

from llm_calc.adapters.images import load_images
from llm_calc.core.architectures.image_rules import Described, rule_of, unread_names
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.model import Model
from llm_calc.core.workloads.image_encoder import has_encoder
from llm_calc.core.workloads.images import ImageCost
from llm_calc.core.workloads.largest_images import LargestItem, largest_image

OPTION = "engine.mm_processor_kwargs"


def largest_item(
    config: Mapping[str, object] | None, model: Model, processor: Mapping[str, object] | None = None
) -> LargestItem | None:
    """What the largest item of a model costs; None where it sees nothing, or its processor or engine was not read.

    ``processor``: limits that its file or the engine's options give it; absent: those of the family.
    """
    if config is None or not has_encoder(model):
        return None
    family = load_images().of(str(config.get("model_type", "")))
    if family is None or family.profiled is None:
        return None
    limits = family.model_dump()
    described = Described(config=config, processor=processor or {}, limits=limits, where=OPTION)
    try:
        rule = rule_of(family.rule, described)
        image = largest_image(rule)
    except InvalidInputError as error:  # a tower that does not say what the rule needs
        if OPTION in str(error):
            raise
        return None
    video = family.profiled
    if not video.frames:
        return LargestItem(image=image, rule=rule)
    own = ImageCost(
        tokens=video.frame_tokens,
        embeddings=video.frame_tokens,
        positions=video.frame_tokens * video.merge**2,
    )
    frame = own if video.frame_tokens else image
    return LargestItem(
        image=image,
        frame=frame,
        frames=video.frames,
        around=video.around,
        rule=rule,
        pair=video.pair,
        own_frame=bool(video.frame_tokens),
    )


def unused_limits(
    config: Mapping[str, object] | None, model: Model, processor: Mapping[str, object] | None
) -> list[str]:
    """Keys of a processor's options that nothing of what is profiled follows from, in words."""
    if not processor:
        return []
    family = None if config is None else load_images().of(str(config.get("model_type", "")))
    if config is None or family is None or family.profiled is None or not has_encoder(model):
        return [
            f"{OPTION}: the processor of this model was not read; what is profiled does not follow from it"
        ]
    described = Described(config=config, processor=processor, limits=family.model_dump(), where=OPTION)
    try:
        rule_of(family.rule, described)
    except InvalidInputError:  # named where it is read
        return []
    words = "nothing of what the encoder is profiled with is known to follow from it; it is not used"
    return [f"{OPTION}.{key}: {words}" for key in unread_names(described)]
