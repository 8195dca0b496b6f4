"""Request and answer of ``/api/memory_plan``."""

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from llm_calc.adapters.wire.apart import DisaggregatedPart
from llm_calc.adapters.wire.base import Answer
from llm_calc.adapters.wire.engines import EnginePart, EngineRelease, VllmEngine
from llm_calc.adapters.wire.homes import AtHome
from llm_calc.adapters.wire.images import ImagesAnswer
from llm_calc.adapters.wire.lora import LoraAnswer, LoraPart
from llm_calc.adapters.wire.machines import Machine
from llm_calc.adapters.wire.parts import ModelPart, ParallelismPart, PrecisionPart, WorkloadPart
from llm_calc.adapters.wire.speculative import SpeculativePart
from llm_calc.adapters.wire.workloads import KvTierPart

MEMORY_PLAN_EXAMPLES: list[JsonValue] = [
    {
        "model": {"name": "llama-3.1-70b"},
        "precision": {"weights": "fp8"},
        "hardware": {"gpu": "h100-80gb-sxm", "count": 2},
        "parallelism": {"tensor": 2},
        "engine": {"name": "vllm", "max_model_len": 16384},
        "workload": {"input_tokens": 2048, "output_tokens": 512, "concurrency": 32},
    }
]


class MemoryPlanRequest(AtHome):
    """A model on so many GPUs under one engine, and what it is asked to hold."""

    model_config = ConfigDict(json_schema_extra={"examples": MEMORY_PLAN_EXAMPLES})

    model: ModelPart = Field(description="The model")
    precision: PrecisionPart = Field(PrecisionPart(), description="Number formats")
    hardware: Machine = Field(description="The GPUs; a list where they are of several kinds")
    parallelism: ParallelismPart | None = Field(
        None, description="The layout; absent: tensor parallelism over all GPUs (llama.cpp: pipeline)"
    )
    engine: EnginePart = Field(VllmEngine(), description="The engine with its own options")
    speculative: SpeculativePart | None = Field(
        None, description="Speculative decoding, whose layers and caches take memory; absent: none"
    )
    lora: LoraPart | None = Field(None, description="Adapters beside the model; absent: none")
    disaggregated: DisaggregatedPart | None = Field(
        None,
        description="Prefill and decode apart, of which a decode replica is planned; absent: the same GPUs do both",
    )
    kv_tiers: Annotated[list[KvTierPart], Field(max_length=3)] = Field(
        [], description="Memories below the GPU's that keep contexts, the fastest first; none if absent"
    )
    workload: WorkloadPart | None = Field(
        None,
        description="What has to fit; absent: one request of the longest context the engine is started with",
    )


class PerGpu(Answer):
    """Where the memory of the fullest GPU goes.

    ``memory_bytes`` = weights + activation peak + CUDA graphs + framework + KV cache + unallocated.
    """

    memory_bytes: int = Field(description="Memory that a process finds on the idle GPU [bytes]")
    usable_bytes: int = Field(description="Share of it that the engine's option lets it plan with [bytes]")
    weights_bytes: int = Field(description="Weights on the device, as the engine stores them [bytes]")
    host_weights_bytes: int = Field(
        description="Weights that the host's memory holds; of a tied head both copies exist [bytes]"
    )
    activation_peak_bytes: int = Field(description="Most working memory of one step at once [bytes]")
    cuda_graphs_bytes: int = Field(description="Captured graphs [bytes]")
    framework_bytes: int = Field(description="Device context, libraries and communication buffers [bytes]")
    kv_cache_bytes: int = Field(description="KV cache and recurrent state that the engine allocates [bytes]")
    kv_cache_bytes_per_token: float = Field(
        description="KV cache of one token as the engine allocates it [bytes]"
    )
    unallocated_bytes: int = Field(description="What is left over; below zero: what is missing [bytes]")
    pipeline_stage: int = Field(description="Pipeline stage of this GPU, counted from 0 [index]")


class StageMemory(Answer):
    """Where the memory of one GPU of a pipeline stage goes."""

    gpu: str = Field(description="Id of the GPU")
    memory_bytes: int = Field(description="Memory that a process finds on the idle GPU [bytes]")
    weights_bytes: int = Field(description="Weights on the device [bytes]")
    kv_cache_bytes: int = Field(description="KV cache and recurrent state [bytes]")
    activation_peak_bytes: int = Field(description="Most working memory of one step at once [bytes]")
    unallocated_bytes: int = Field(description="What is left over; below zero: what is missing [bytes]")


class HostMemory(Answer):
    """What the engine keeps in the host's memory."""

    name: str = Field(description="The host, as stated or as taken")
    stated: bool = Field(description="Whether the request says what it is; else it is taken")
    memory_bytes: int = Field(description="Its memory [bytes]")
    weights_bytes: int = Field(description="Weights that lie with it, the input's tables among them [bytes]")
    kv_cache_bytes: int = Field(description="KV cache of layers that it computes [bytes]")
    compute_bytes: int = Field(description="Its own working memory [bytes]")
    fits: bool = Field(description="Whether its memory holds that")


class CacheGroup(Answer):
    """Layers that the engine keeps in blocks of one kind."""

    pool: str = Field(description="Pool that the blocks come from")
    kind: str = Field(description="full, sliding, chunked, latent, compressed or state")
    layers: int = Field(description="Layers on this GPU [layers]")
    block_tokens: int = Field(description="Tokens of a block; 0: one block a sequence [tokens]")
    block_bytes: int = Field(description="Bytes of a block over all its layers [bytes]")
    window_tokens: int | None = Field(description="Most tokens kept of a sequence [tokens]")


class CacheSize(Answer):
    """KV cache on the fullest GPU, for one sequence and for all."""

    bytes_per_token: float = Field(description="Of one more token [bytes]")
    bytes_per_sequence: int = Field(description="Of one sequence of max_model_len tokens [bytes]")
    bytes_in_all: int = Field(description="Of everything that was asked for [bytes]")


class KvCache(Answer):
    """The KV cache as the model needs it, and as the engine allocates it."""

    format: str = Field(description="Number format of keys and values")
    needed: CacheSize = Field(description="As the model needs it: windows cut off, nothing rounded")
    allocated: CacheSize = Field(description="As the engine allocates it: blocks, groups, padding")
    groups: list[CacheGroup] = Field(description="How the engine groups layers")


class TierMemory(Answer):
    """A memory below the GPU's: what it takes, what it holds, and whether it pays."""

    tier: str = Field(description="The memory: host, disk or store")
    memory_bytes: int = Field(description="What it takes, of all replicas together [bytes]")
    memory_bytes_per_host: int | None = Field(
        description="The same on each host [bytes]; null for a store, which is one for all"
    )
    capacity_tokens: int = Field(description="Context that it holds, of all replicas [tokens]")
    sequences: int = Field(description="Sequences of asked_context_tokens that it holds [sequences]")
    bandwidth_bytes_per_s: float = Field(description="What one replica reads from it [bytes/s]")
    read_s_per_token: float = Field(
        description="Time of reading a token back, at least; of a stated bandwidth as it says [s]"
    )
    compute_s_per_token_at_least: float | None = Field(
        description="Least time of computing it anew, at the peak of a replica's GPUs [s]; null: no peak is known"
    )
    pays: bool | None = Field(
        description="true: reading takes less than computing can, half of it where no bandwidth is stated; false: the "
        "plan or the tier holds nothing; null: /api/serving_estimate says it of sessions"
    )


class Change(Answer):
    """One change with which it fits and starts: ``field`` set to ``value``, and each of ``also`` with it."""

    field: str = Field(description="Field of the request to change")
    value: str | int | float = Field(description="The mildest value that makes it fit")
    change: str = Field(description="What it means")
    also: dict[str, str | int | float] = Field(
        default_factory=dict,
        description="Fields to set with it: the context that the engine is started with, the GPUs of a layout, the "
        "name of the engine whose flag it is; empty: none",
    )


class RecommendedGpu(Answer):
    """The smallest catalog GPU that holds the same."""

    gpu: str = Field(description="Its id")
    name: str = Field(description="Its name")
    count: int = Field(description="How many of them [GPUs]")
    memory_bytes: int = Field(description="Usable memory of each [bytes]")


class ContextRow(Answer):
    """What fits at one context length."""

    context_tokens: int = Field(description="Tokens of each sequence, prompt and answer [tokens]")
    max_concurrency: int = Field(description="Sequences at once in the whole deployment [sequences]")
    fits: list[bool] = Field(description="Whether each number of sequences in table_concurrency fits")


class MemoryPlanAnswer(Answer):
    """What the engine does with the GPU's memory, and what that holds."""

    engine: EngineRelease = Field(description="Engine and the release whose rules were used")
    weights_format: str = Field(description="Format of the weights")
    fits: bool = Field(description="Whether the engine starts and holds what was asked for")
    starts: bool = Field(description="Whether the engine starts at all; requests beyond what fits wait then")
    reason: str = Field(description="Why, with the numbers")
    headroom_bytes: int = Field(
        description="KV cache left on the fullest GPU after what was asked for; below zero: missing [bytes]"
    )
    asked_sequences: int = Field(description="Sequences that have to fit at once [sequences]")
    asked_context_tokens: int = Field(description="Tokens of each of them [tokens]")
    max_model_len_tokens: int = Field(description="Context that the engine is started with [tokens]")
    per_gpu: PerGpu = Field(description="The fullest GPU")
    stages: list[StageMemory] = Field(
        description="One GPU of each pipeline stage in its order; empty where there is one stage"
    )
    host: HostMemory | None = Field(
        description="What lies in the host's memory; null: an engine that leaves nothing there"
    )
    kv_cache: KvCache = Field(description="The KV cache, needed and allocated")
    kv_cache_tokens: int = Field(description="Tokens that the whole deployment holds [tokens]")
    max_concurrency: float = Field(
        description="Sequences of max_model_len tokens that memory holds at once [sequences]"
    )
    sequences_that_fit: int = Field(
        description="Sequences of asked_context_tokens that memory holds at once in the whole deployment [sequences]"
    )
    max_context_tokens: int = Field(
        description="Longest context of a single sequence, at most the model's own [tokens]"
    )
    scheduler_max_sequences: int = Field(
        description="Sequences at once that the scheduler allows in the whole deployment [sequences]"
    )
    changes_that_fit: list[Change] = Field(
        description="Changes that make it fit and start, each applied to this request; empty if it does both"
    )
    recommended_gpu: RecommendedGpu | None = Field(
        description="The smallest catalog GPU on which the same starts and fits; of a card for one's own machine "
        "another such or up to 4, before any for servers; no export version of another"
    )
    kv_tiers: list[TierMemory] = Field(description="Memories below the GPU's, as asked; empty: none")
    lora: LoraAnswer | None = Field(description="What adapters take; null without any")
    images: ImagesAnswer | None = Field(description="What images of a request cost; null without images")
    table_concurrency: list[int] = Field(description="Numbers of sequences of the table [sequences]")
    table: list[ContextRow] = Field(description="What fits, by context length")
    assumptions: list[str] = Field(description="What was taken for granted and changes the answer")
    warnings: list[str] = Field(description="What the caller should know")
