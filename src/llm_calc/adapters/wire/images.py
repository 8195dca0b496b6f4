"""Images of a request's prompt, and what an answer says of them."""

from typing import Annotated, Any

from pydantic import Field

from llm_calc.adapters.wire.base import Answer, StrictRequest

Pixels = Annotated[int, Field(ge=1, le=100_000)]


class ImagesPart(StrictRequest):
    """So many images of one size in each prompt, the first of a session, beside input_tokens of text."""

    count: Annotated[int, Field(ge=1, le=10_000)] = Field(1, description="Images of a request [images]")
    width: Pixels = Field(description="Width of each before the processor scales it [pixels]")
    height: Pixels = Field(description="Height of each before the processor scales it [pixels]")
    processor: dict[str, Any] | None = Field(
        None,
        description="The model's preprocessor_config.json; absent: the limits that are known of its family",
    )


class ImagesAnswer(Answer):
    """What the images of one request cost."""

    tokens_per_image: int = Field(
        description="Tokens of the prompt, those around it and between its rows and tiles among them [tokens]"
    )
    tokens: int = Field(description="Of all images of a request, part of its prompt [tokens]")
    encoder_positions: int = Field(description="Patches of an image that the encoder computes [patches]")
    encoder_flops: float = Field(description="Work of the encoder for all images of a request [FLOPs]")
    encoder_bytes: int = Field(
        description="Working memory of the encoder for one image at once, not part of the plan [bytes]"
    )
    encoder_s: float | None = Field(
        description="Time of the encoder for all images of a request, part of the first token's [s]; null: nothing is "
        "timed"
    )
