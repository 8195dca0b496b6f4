"""The engine part of a request for MLX."""

from typing import Annotated, Literal

from pydantic import Field

from llm_calc.adapters.wire.engine_base import EngineBase, Length, Size


class MlxEngine(EngineBase):
    """MLX: mlx-lm's server and its options, on Apple parts; those left out take its own defaults."""

    name: Literal["mlx"] = Field("mlx", description="MLX (mlx-lm, LM Studio's MLX)")
    max_kv_size: Length | None = Field(
        None,
        description="Tokens that each cache keeps, the first 4 and the last (of mlx_lm.generate and LM Studio; the "
        "server has none); models that make their own caches are not told. Absent: all [tokens]",
    )
    kv_bits: Annotated[int, Field(ge=2, le=8)] | None = Field(
        None, description="Bits of a quantized cache, which ends batching; absent: 16 [bits]"
    )
    kv_group_size: Annotated[int, Field(ge=32, le=128)] | None = Field(
        None,
        description="Numbers of a quantized cache that share a scale and an offset: 32, 64 or 128 [numbers]",
    )
    quantized_kv_start: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = Field(
        None, description="Length up to which a quantized cache stays in 16 bits [tokens]"
    )
    decode_concurrency: Size | None = Field(None, description="Answers computed together [sequences]")
    prompt_concurrency: Size | None = Field(None, description="Prompts read together [sequences]")
    prefill_step_size: Length | None = Field(
        None, description="Tokens of each prompt that are computed at once [tokens]"
    )
    prompt_cache_size: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        None, description="Finished prompts whose caches are kept for reuse [prompts]"
    )
    prompt_cache_bytes: Annotated[int, Field(ge=0, le=10**15)] | None = Field(
        None, description="Memory that such caches may take; absent: unbounded [bytes]"
    )
