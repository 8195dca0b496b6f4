"""The parts that requests are made of: model, precision, hardware, parallelism, workload.

Each is one type, used by every endpoint that takes it; the engine's part stands in ``engines``.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from llm_calc.adapters.wire.base import LEAST_PER_S, StrictRequest, exactly_one
from llm_calc.adapters.wire.documented_requests import Dimension, FurtherDimensions
from llm_calc.adapters.wire.gpu_names import NamesCount
from llm_calc.adapters.wire.hosts import HostPart
from llm_calc.adapters.wire.images import ImagesPart
from llm_calc.adapters.wire.lengths import TargetsPart
from llm_calc.adapters.wire.partition import StageLayers, Ways
from llm_calc.adapters.wire.traces import TracePart
from llm_calc.adapters.wire.users import USERS, as_stated, check_users
from llm_calc.adapters.wire.workload_rules import (
    AbsentStaysAbsent,
    Classes,
    PlainLength,
    check_alike,
    check_classes,
    check_images,
    check_sessions,
    check_trace,
    given_of,
    longest_session,
    mean_tokens,
    most_tokens,
    varies,
    without_null_lengths,
)
from llm_calc.adapters.wire.workloads import SessionsPart
from llm_calc.adapters.workload_catalog import LOADS

GpuCount = Annotated[int, Field(ge=1, le=100_000)]
TokenCount = Annotated[int, Field(ge=1, le=100_000_000)]
Requests = Annotated[int, Field(ge=1, le=10_000_000)]
HeaderText = Annotated[str, Field(min_length=1)]
FormatName = Annotated[str, Field(min_length=1, max_length=60)]
NumberType = Annotated[str, Field(min_length=1, max_length=20)]

MODEL_SOURCES = ("name", "hf_config", "custom", "gguf_base64")


class CustomDimensions(FurtherDimensions):
    """A model by its dimensions: Llama-2 style unless further fields say otherwise."""

    model_config = ConfigDict(extra="forbid")

    hidden_dim: Dimension = Field(description="Width of the residual stream [elements]")
    ff_dim: Dimension = Field(description="Width of the feed-forward layer [elements]")
    num_layers: Annotated[int, Field(ge=1, le=1000)] = Field(description="Transformer layers [layers]")
    vocab_size: Dimension = Field(description="Tokens of the vocabulary [tokens]")


class ModelPart(StrictRequest):
    """A model, by exactly one of a catalog name, a config.json, dimensions, or the head of a GGUF file."""

    model_config = ConfigDict(json_schema_extra=exactly_one(MODEL_SOURCES))

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="Name, alias or Hugging Face id of a catalog model, in any case"
    )
    hf_config: dict[str, Any] | None = Field(
        None, description="A whole Hugging Face config.json, as published"
    )
    custom: CustomDimensions | None = Field(None, description="Dimensions of a model of your own")
    gguf_base64: (
        HeaderText
        | Annotated[tuple[HeaderText, ...], Field(min_length=1, max_length=1024, strict=False)]
        | None
    ) = Field(
        None,
        description="The first bytes of a GGUF file in base64, up to the end of its list of tensors; of a file in "
        "several parts a list, one text a part",
    )
    safetensors_index: dict[str, Any] | None = Field(
        None,
        description="model.safetensors.index.json beside any of the above: its total_size is checked against",
    )
    quantization_files: dict[str, dict[str, Any]] | None = Field(
        None,
        description="Files beside config.json that say how weights are stored, by name: hf_quant_config.json, "
        "quantize_config.json, quant_config.json, quantization_config.json",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "ModelPart":
        given = [name for name in MODEL_SOURCES if getattr(self, name) is not None]
        if len(given) != 1:
            found = f"found {' and '.join(given)}" if given else "found none"
            raise ValueError(f"exactly one of {', '.join(MODEL_SOURCES)} must be given; {found}")
        return self


class PrecisionPart(StrictRequest):
    """Number formats, by their catalog names."""

    weights: FormatName | None = Field(
        None,
        description="Format of the weights (bf16, fp8, int4-awq, q4_k_m, …); the checkpoint's own if absent",
    )
    kv_cache: FormatName = Field(
        "auto", description="Format of the KV cache; auto: what the engine does by default"
    )
    activations: FormatName = Field(
        "auto", description="Format of activations; auto: what the engine does by default"
    )


class HardwarePart(NamesCount):
    """So many GPUs of one kind; of a GPU that is not in the catalog its own figures, and one that it is like."""

    gpu: Annotated[str, Field(min_length=1, max_length=100)] = Field(
        description="Id or alias of a GPU, 8x h200 too, or custom: then memory_bytes, "
        "memory_bandwidth_bytes_per_s and like"
    )
    count: GpuCount = Field(1, description="GPUs in all [GPUs]")
    gpus_per_node: Annotated[int, Field(ge=1, le=4096)] = Field(8, description="GPUs in one host [GPUs]")
    gpu_memory_bytes: Annotated[int, Field(gt=0, le=1 << 50)] | None = Field(
        None,
        description="Memory of each GPU [bytes], in place of the catalog's (partitioned card); of a machine whose GPU "
        "shares its memory: the machine's, of which the GPU has what the system leaves it",
    )
    memory_bytes: Annotated[int, Field(ge=1 << 20, le=1 << 50)] | None = Field(
        None, description="Of a custom GPU: what a process finds on the idle device [bytes]"
    )
    memory_bandwidth_bytes_per_s: Annotated[float, Field(ge=1e6, le=1e16)] | None = Field(
        None, description="Of a custom GPU: bandwidth of its memory [bytes/s]"
    )
    peak_flops_per_s: (
        Annotated[
            dict[NumberType, Annotated[float, Field(ge=1e6, le=1e20)]], Field(min_length=1, max_length=20)
        ]
        | None
    ) = Field(None, description="Of a custom GPU: dense peaks by number type [FLOP/s]; absent: those of like")
    like: Annotated[str, Field(min_length=1, max_length=100)] | None = Field(
        None, description="Of a custom GPU: id of the catalog GPU whose links and efficiencies it has"
    )
    host: HostPart | None = Field(
        None, description="The machine around the GPUs, where llama.cpp may leave part of a model"
    )


class ParallelismPart(StrictRequest):
    """How the model is laid over the GPUs; GPUs = tensor x pipeline x data."""

    tensor: Ways = Field(1, description="Tensor-parallel GPUs of a layer [GPUs]")
    pipeline: Ways = Field(1, description="Pipeline stages [stages]")
    data: Ways = Field(
        1,
        description="Attention data parallelism of a mixture of experts; replicas of a dense model [groups]",
    )
    expert: Ways = Field(1, description="GPUs over which experts are dealt [GPUs]")
    stage_layers: StageLayers | None = Field(
        None, description="Layers of each stage (vLLM, SGLang); absent: dealt equally [layers]"
    )

    @property
    def gpus(self) -> int:
        """GPUs that the layout takes."""
        return self.tensor * self.pipeline * self.data


class WorkloadPart(AbsentStaysAbsent):
    """Lengths of a request and one kind of load; without any: one request in flight.

    ``preset`` names a load of the catalog for what is left out; ``sessions`` makes requests turns of conversations.
    """

    preset: Annotated[str, Field(min_length=1, max_length=60)] | None = Field(
        None,
        description="Catalog load for what is left out: chat, rag, coding_agent, voice, batch",
    )
    input_tokens: PlainLength = Field(
        1024,
        description="Prompt tokens of a request, a number or a distribution; of sessions of the first turn [tokens]",
    )
    output_tokens: PlainLength = Field(
        1024, description="Generated tokens of a request, a number or a distribution [tokens]"
    )
    classes: Classes | None = Field(
        None,
        description="Several classes of requests, or of sessions, in place of input_tokens and output_tokens",
    )
    targets: TargetsPart | None = Field(
        None, description="What a request is to keep, of classes without targets of their own"
    )
    concurrency: Requests | None = Field(
        None,
        description="Closed loop: requests in flight, or sessions alive, all the time [requests]; 1 if none is given",
    )
    request_rate: Annotated[float, Field(ge=LEAST_PER_S, le=1e9)] | None = Field(
        None, description="Poisson arrivals [requests/s]"
    )
    users: Annotated[float, Field(gt=0, le=1e9)] | None = Field(
        None, description="People who send requests_per_user_per_minute each, which makes a rate [users]"
    )
    requests_per_user_per_minute: Annotated[float, Field(gt=0, le=1e6)] | None = Field(
        None, description="Requests that each of them sends a minute [requests/min]"
    )
    session_rate: Annotated[float, Field(ge=LEAST_PER_S, le=1e9)] | None = Field(
        None, description="Sessions that begin, with sessions [sessions/s]"
    )
    batch: Requests | None = Field(None, description="One static batch, prefilled together [requests]")
    offline: Literal[True] | None = Field(None, description="A long queue: the most tokens a second that fit")
    prefix_cache_hit_fraction: Annotated[float, Field(ge=0, lt=1)] | None = Field(
        None,
        description="Share of prompt tokens already in the KV cache [-]; absent: 0, with sessions what is found",
    )
    trace: TracePart | None = Field(None, description="Recorded requests in place of lengths and load")
    images: ImagesPart | None = Field(
        None, description="Images of each prompt beside input_tokens of text; absent: none"
    )
    sessions: SessionsPart | None = Field(
        None, description="Requests as turns of sessions that grow; absent: requests by themselves"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: object) -> object:
        stated = without_null_lengths(data) if isinstance(data, dict) else data
        return (
            as_stated(cls, stated) if isinstance(stated, dict) and {"users", "preset"} & {*stated} else stated
        )

    @model_validator(mode="after")
    def _at_most_one_load(self) -> "WorkloadPart":
        given = [name for name in LOADS if getattr(self, name) is not None]
        if len(given) > 1:
            msg = f"one kind of load may be given, of {', '.join(LOADS)}; found {' and '.join(given)}"
            raise ValueError(msg)
        check_trace(self.trace, given_of(self))
        check_sessions(self.sessions, self, given)
        if given_of(self) & USERS:
            check_users(self)
        check_images(self, has_images=self.images is not None)
        if self.classes is not None:
            check_classes(self.classes, given_of(self))
        check_alike(self, self.load)
        return self

    @property
    def load(self) -> Literal["concurrency", "request_rate", "batch", "offline"]:
        """Which kind of load it is; sessions that begin, and traces, are arrivals."""
        if any(each is not None for each in (self.request_rate, self.session_rate, self.trace)):
            return "request_rate"
        if self.batch is not None:
            return "batch"
        return "offline" if self.offline else "concurrency"

    @property
    def requests_in_flight(self) -> int:
        """Concurrency or batch; 1 where the load names neither."""
        return self.concurrency or self.batch or 1

    @property
    def mean_input_tokens(self) -> int:
        """Prompt tokens, the mean where they vary [tokens]."""
        return mean_tokens(self, "input_tokens")

    @property
    def mean_output_tokens(self) -> int:
        """Generated tokens, the mean where they vary [tokens]."""
        return mean_tokens(self, "output_tokens")

    @property
    def varies(self) -> bool:
        """Whether requests are not alike."""
        return varies(self)

    @property
    def is_stream(self) -> bool:
        """Whether its requests are told apart: turns of sessions, or such that vary."""
        return self.grows or self.varies

    @property
    def growth_tokens(self) -> int:
        """What each later turn of a session adds [tokens]."""
        if self.sessions is None:
            return 0
        return self.sessions.growth_tokens or self.mean_input_tokens - self.sessions.shared_prefix_tokens

    @property
    def longest_tokens(self) -> int:
        """Prompt and answer of the longest request; of sessions those of the last turn, at mean growth [tokens]."""
        return most_tokens(self) if self.sessions is None else longest_session(self, self.sessions)

    @property
    def reuses(self) -> bool:
        """Whether it is known which prompts begin alike."""
        return self.grows or (self.trace is not None and bool(self.trace.trace.blocks))

    @property
    def grows(self) -> bool:
        """Whether its requests are more than single ones: turns, or beginnings that they share."""
        return self.sessions is not None and (self.sessions.grows or self.session_rate is not None)
