"""What differs between releases of vLLM, as switches; the catalog says it of each release."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class VllmRules:
    """Switches of one release.

    ``very_large_card_tokens``: tokens of a step on cards of 160 GiB and more, 0: none of their own. ``small_gb10``:
    GB10 counts as a small card in spite of its memory. ``whole_items``: a step is no smaller than the
    largest item of a model that reads images whole. ``coarse_graph_sizes``: captured sizes are 16 apart above
    256, else 8. ``blackwell_largest_graph``: largest captured size on data-centre Blackwell, tokens.
    ``exact_graph``: a batch of exactly ``max_num_seqs`` is captured besides. ``decode_graphs``: graphs for pure
    decoding are captured besides those in pieces. ``graphs_in_share``: what graphs are estimated to take comes off
    the cache. ``nearly_equal``: below so many times the layers of the rarest kind, groups take the commonest's
    size. ``steps_in_flight``: windows keep the tokens of every step in flight, else of one.
    ``hybrid_prefix_caching``: prefix caching is on by default for models with recurrent states.
    ``prefill_checkpoints``: kinds of their layers that also keep a checkpoint of a prefill
    (kimi_delta, mamba2, gated_delta).
    ``every_state``: a cached prefix of Mamba layers keeps the state of every block where no mode is said.
    ``mamba_cache_modes``: the modes that keep states for prefix caching. ``null_block``: one block is held back
    from requests. ``tokens_by_concurrency``: the cache's tokens are reported as concurrency x max_model_len, else
    as blocks of a group x block size. ``kernel_blocks``: an unset block size follows the kernels. ``sparse_rows``:
    caches of sparse latent attention in 8 bits are rows of 656 bytes. ``block_sizes``: all that ``block_size`` may
    be, empty: any multiple of what the kernels take. ``fits_context``: ``max_model_len`` may be left to what memory
    holds. ``profiles_encoder``: the dummy pass of an encoder is that of its largest image or of two frames.
    """

    very_large_card_tokens: int
    small_gb10: bool
    whole_items: bool
    coarse_graph_sizes: bool
    blackwell_largest_graph: int
    exact_graph: bool
    decode_graphs: bool
    graphs_in_share: bool
    nearly_equal: float
    steps_in_flight: bool
    hybrid_prefix_caching: bool
    prefill_checkpoints: tuple[str, ...]
    every_state: bool
    mamba_cache_modes: tuple[str, ...]
    null_block: bool
    tokens_by_concurrency: bool
    kernel_blocks: bool
    sparse_rows: bool
    block_sizes: tuple[int, ...]
    fits_context: bool
    profiles_encoder: bool
