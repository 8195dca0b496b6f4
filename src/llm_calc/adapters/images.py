"""Images of a workload: longer prompts, and what the encoder takes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, Field, model_validator

from llm_calc.adapters.catalog import Catalogs
from llm_calc.adapters.catalog.files import STRICT, Many, catalog_folder, read_toml, refuse_twice
from llm_calc.adapters.model_source import source_model
from llm_calc.adapters.variants import published
from llm_calc.adapters.wire.images import ImagesAnswer, ImagesPart
from llm_calc.adapters.wire.inspect import InspectRequest
from llm_calc.adapters.wire.media_limits import items_of
from llm_calc.adapters.wire.memory import MemoryPlanRequest
from llm_calc.adapters.wire.parts import ModelPart, WorkloadPart
from llm_calc.adapters.wire.plans import DeploymentPlansRequest
from llm_calc.adapters.wire.serving import ServingEstimateRequest
from llm_calc.adapters.wire.vllm import VllmEngine
from llm_calc.core.architectures.image_rules import FIELD, Described, rule_of, unread_keys
from llm_calc.core.errors import InvalidInputError, UnsupportedError
from llm_calc.core.model import Model
from llm_calc.core.workloads.image_encoder import encoder_bytes, encoder_flops, has_encoder
from llm_calc.core.workloads.images import ImageCost

RequestT = TypeVar(
    "RequestT", InspectRequest, MemoryPlanRequest, ServingEstimateRequest, DeploymentPlansRequest
)
ENCODER_WIDTH_BYTES = 2.0


class Profiled(BaseModel):
    """The video that vLLM profiles an encoder with: ``frames`` (0: none, or one of fewer tokens than an image).

    Of ``frame_tokens`` each (0: of an image), ``merge`` x ``merge`` patches a token, ``around`` tokens of marks;
    ``pair`` frames of a video are one here.
    """

    model_config = STRICT

    frames: int = 0
    frame_tokens: int = 0
    merge: int = 1
    around: int = 0
    pair: int = 1
    source: str = Field(min_length=1)


LIMITS = {
    "merged": ("least_pixels", "most_pixels"),
    "frames": ("least_pixels", "most_pixels"),
    "pooled": ("most_tokens",),
    "padded": ("most_patches", "most_a_side"),
}
"""What the rules read that no config.json holds."""


class Family(BaseModel):
    """Model types whose processors follow one rule, with the limits that no config.json holds."""

    model_config = STRICT

    types: Many[str] = Field(min_length=1)
    rule: Literal["merged", "frames", "rows", "fixed", "pooled", "tiles", "canvas", "padded"]
    least_pixels: int = 0
    most_pixels: int = 0
    around: int = 0
    most_tokens: int = 0
    least_tiles: int = 1
    most_tiles: int = 1
    most_patches: int = 0
    most_a_side: int = 0
    source: str = Field(min_length=1)
    profiled: Profiled | None = None

    @model_validator(mode="after")
    def _says_its_limits(self) -> "Family":
        unsaid = [name for name in LIMITS.get(self.rule, ()) if not getattr(self, name)]
        if unsaid:
            raise ValueError(f"{', '.join(unsaid)}: the rule {self.rule!r} needs it")
        for least, most in (("least_pixels", "most_pixels"), ("least_tiles", "most_tiles")):
            if getattr(self, least) > getattr(self, most):
                raise ValueError(f"{least}: more than {most}")
        return self


class ImagesFile(BaseModel):
    """``catalogs/workloads/images.toml``."""

    model_config = STRICT

    checked: date
    families: Many[Family]

    @model_validator(mode="after")
    def _each_type_once(self) -> "ImagesFile":
        refuse_twice("families: types", (name for one in self.families for name in one.types))
        return self

    def of(self, model_type: str) -> Family | None:
        """The family of a model type."""
        return next((one for one in self.families if model_type in one.types), None)

    @property
    def known(self) -> str:
        """All types, in words."""
        return ", ".join(sorted(name for one in self.families for name in one.types))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Images of a request with the model that sees them; ``words``: what was taken for granted.

    ``limits``: of the processor's file, those that what vLLM profiles its encoder with follows from.
    """

    model: Model
    part: ImagesPart
    cost: ImageCost
    words: tuple[str, ...]
    limits: Mapping[str, object]

    @property
    def tokens(self) -> int:
        """Of all images of a request [tokens]."""
        return self.part.count * self.cost.tokens

    @property
    def flops(self) -> float:
        """Of the encoder for all images of a request [FLOP]."""
        return self.part.count * encoder_flops(self.model, self.cost)

    def answer(self, seconds: float | None) -> ImagesAnswer:
        """What an answer says of them."""
        return ImagesAnswer(
            tokens_per_image=self.cost.tokens,
            tokens=self.tokens,
            encoder_positions=self.cost.positions * self.cost.tiles,
            encoder_flops=self.flops,
            encoder_bytes=round(encoder_bytes(self.model, self.cost, ENCODER_WIDTH_BYTES)),
            encoder_s=seconds,
        )


@cache
def load_images(path: Path | None = None) -> ImagesFile:
    """The file, read once.

    Raises:
        CatalogError: the file is wrong; names the key.
    """
    return read_toml(ImagesFile, catalog_folder("workloads", path) / "images.toml")


def seen_images(workload: WorkloadPart | None, part: ModelPart, catalogs: Catalogs) -> Seen | None:
    """What the images of a workload cost this model; None where there are none.

    Raises:
        InvalidInputError: a processor's file that cannot be read, or an image that it refuses.
        UnsupportedError: a model that sees nothing, or of whose processor nothing is known.
    """
    images = None if workload is None else workload.images
    if images is None:
        return None
    source = source_model(part, catalogs)
    config = published(catalogs, part.name).entry.config if part.name is not None else part.hf_config
    if not has_encoder(source.model) or config is None:
        msg = f"{FIELD}: {source.name} sees no images; leave them out, or take a model with a vision tower"
        raise UnsupportedError(msg, field=FIELD)
    model_type = str(config.get("model_type", ""))
    family = load_images().of(model_type)
    if family is None:
        msg = (
            f"{FIELD}: how {source.name} ({model_type}) cuts images into tokens is not known; known are "
            f"{load_images().known}; add their tokens to input_tokens"
        )
        raise UnsupportedError(msg, field=FIELD)
    described = Described(config=config, processor=images.processor or {}, limits=family.model_dump())
    cost = rule_of(family.rule, described).cost(images.width, images.height)
    return Seen(
        model=source.model,
        part=images,
        cost=cost,
        words=(*_words(images, cost, family, described), *_turn_words(workload)),
        limits={} if family.profiled is None else described.used,
    )


def _words(images: ImagesPart, cost: ImageCost, family: Family, described: Described) -> Iterator[str]:
    size = f"{images.width} x {images.height} pixels"
    number = "an image" if images.count == 1 else f"{images.count} images, each"
    yield (
        f"{FIELD}: {number} of {size} takes {cost.tokens} tokens, which lengthen the prompt; every image is new to the "
        "encoder, whose time was never calibrated"
    )
    if images.processor is None:
        yield f"{FIELD}.processor: not given; limits of {family.source}"
    else:
        yield from unread_keys(described)


def _turn_words(workload: WorkloadPart | None) -> Iterator[str]:
    """Which turns of a session bring images."""
    part = None if workload is None else workload.sessions
    if part is None or part.turns == 1:
        return
    if part.growth_tokens is None:
        yield f"{FIELD}: every turn brings as many, since later turns add what the first prompt has"
    else:
        yield f"{FIELD}: first prompts of sessions have them; later turns add sessions.growth_tokens of text"


def with_images(request: RequestT, seen: Seen | None) -> RequestT:
    """The request with prompts as long as text and images together, and no images left to count.

    What their processor's file says of the largest image goes to vLLM, which reads the same file.
    """
    workload = request.workload
    if seen is None or workload is None:
        return request
    changed: dict[str, object] = {"workload": lengthened(workload, seen)}
    engine = getattr(request, "engine", None)
    if isinstance(engine, VllmEngine) and workload.images is not None:
        _refuse_beyond(engine, workload.images.count)
    if isinstance(engine, VllmEngine) and seen.limits:
        limits = {**seen.limits, **(engine.mm_processor_kwargs or {})}
        changed["engine"] = engine.model_copy(update={"mm_processor_kwargs": limits})
    return request.model_copy(update=changed)


def _refuse_beyond(engine: VllmEngine, images: int) -> None:
    """Refuses a prompt of more images than the engine is told to take, as it would."""
    limits = dict(items_of(engine.limit_mm_per_prompt or {}))
    most = 0 if engine.language_model_only else limits["image"].count if "image" in limits else images
    if images > most:
        option = "language_model_only" if engine.language_model_only else "limit_mm_per_prompt.image"
        msg = (
            f"workload.images.count: {images} is more than engine.{option} lets in, {most} images of a prompt"
        )
        raise InvalidInputError(msg, field="workload.images.count", accepted=[most])


def lengthened(workload: WorkloadPart, seen: Seen) -> WorkloadPart:
    """Text and images as one prompt."""
    return workload.model_copy(
        update={"input_tokens": workload.mean_input_tokens + seen.tokens, "images": None}
    )


def refuse_images(workload: WorkloadPart, where: str) -> None:
    """Names images where nothing would count them.

    Raises:
        UnsupportedError: the workload has images.
    """
    if workload.images is not None:
        msg = f"{FIELD}: {where} takes none, since the encoder's time is none of its factors; measure text"
        raise UnsupportedError(msg, field=FIELD)


def words_of(seen: Seen | None) -> tuple[str, ...]:
    """What was taken for granted of images, if there are any."""
    return () if seen is None else seen.words


def uncounted_words(seen: Seen | None) -> tuple[str, ...]:
    """The same of an answer whose FLOPs are those of the decoder."""
    if seen is None:
        return ()
    beside = f"{FIELD}: FLOPs hold the longer prompts; the encoder's {seen.flops:.4g} FLOPs a request come beside them"
    return (*seen.words, beside)


def untimed_words(seen: Seen | None) -> tuple[str, ...]:
    """The same of an answer that does not time them."""
    if seen is None:
        return ()
    return (*seen.words, f"{FIELD}: the time of the encoder is not part of this answer")
