"""Speculative decoding of a request."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from llm_calc.adapters.wire.base import StrictRequest
from llm_calc.adapters.wire.engine_names import typed_word
from llm_calc.adapters.wire.parts import ModelPart

Method = Literal["mtp", "eagle", "eagle3", "ngram", "draft_model"]


class SpeculativePart(StrictRequest):
    """Speculative decoding: a draft proposes tokens, the model checks them in one step."""

    method: Annotated[Method, BeforeValidator(typed_word)] | None = Field(
        None,
        description="mtp: layers of the model's own; eagle, eagle3: a head trained for it; ngram: what the prompt "
        "repeats; draft_model: a smaller model",
    )
    draft: ModelPart | None = Field(
        None,
        description="The smaller model, or a head's config.json (hf_config), whose weights and cache memory holds; "
        "absent: the head that was published for the model or one of its dimensions; no smaller model",
    )
    draft_tokens: Annotated[int, Field(ge=1, le=64)] = Field(3, description="Tokens proposed a step [tokens]")
    acceptance_fraction: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Share of proposals accepted, if those before were, 0 to 1 [-]"
    )
    acceptance_length: Annotated[float, Field(ge=1, le=65)] | None = Field(
        None,
        description="Mean tokens gained a step, the model's own included, in place of a share; absent both: as "
        "measured for this model, method and draft_tokens, else a share of 0.7, of ngram 0.4 [tokens]",
    )
    reasoning: Literal["on", "off"] = Field(
        "on", description="Whether the model thinks, of which measured acceptances depend"
    )
    draft_cost_fraction: Annotated[float, Field(ge=0, le=10)] | None = Field(
        None,
        description="Time of proposing one token over that of one step of the model; absent: of a known draft the "
        "bytes that it reads over the model's, mtp a layer and the head, ngram none, else 0.05 [-]",
    )

    @model_validator(mode="after")
    def _sound(self) -> "SpeculativePart":
        if self.acceptance_fraction is not None and self.acceptance_length is not None:
            raise ValueError("acceptance_fraction and acceptance_length exclude each other")
        if self.acceptance_length is not None and self.acceptance_length > self.draft_tokens + 1:
            raise ValueError("acceptance_length must be at most draft_tokens + 1")
        return self
