"""The largest image or video that an engine's start encodes, by the limits of the model's processor."""

from collections.abc import Mapping

from llm_calc.adapters.image_rules import Described, rule_of
from llm_calc.adapters.images import load_images
from llm_calc.core.errors import InvalidInputError
from llm_calc.core.model import Model
from llm_calc.core.workloads.image_encoder import has_encoder
from llm_calc.core.workloads.images import ImageCost
from llm_calc.core.workloads.largest_images import LargestItem, largest_image


def largest_item(config: Mapping[str, object] | None, model: Model) -> LargestItem | None:
    """What the largest item of a model costs; None where it sees nothing, or its processor or engine was not read."""
    if config is None or not has_encoder(model):
        return None
    family = load_images().of(str(config.get("model_type", "")))
    if family is None or family.profiled is None:
        return None
    described = Described(config=config, processor={}, limits=family.model_dump())
    try:
        image = largest_image(rule_of(family.rule, described))
    except InvalidInputError:  # a tower that does not say what the rule needs
        return None
    video = family.profiled
    if not video.frames:
        return LargestItem(image=image)
    own = ImageCost(
        tokens=video.frame_tokens,
        embeddings=video.frame_tokens,
        positions=video.frame_tokens * video.merge**2,
    )
    frame = own if video.frame_tokens else image
    return LargestItem(image=image, frame=frame, frames=video.frames, around=video.around)
