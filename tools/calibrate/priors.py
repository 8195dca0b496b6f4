"""What is known of every efficiency before a fit: a plausible value, how sure it is, and what it may depend on.

``depends`` gives, for each kind of key, how far (in natural logarithms, one standard deviation) one key may differ
from the base. Sources of the plausible values: kernel timings of ai-dynamo/aiconfigurator, MAMF tables of
stas00/ml-engineering, and published launch and all-reduce latencies; see docs/performance.md.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tools.calibrate.expert_kernels import kernel_centres
from tools.calibrate.in_process import ported_centres
from tools.calibrate.matrix_kernels import format_centres, shortest_centres

US = 1e-6
BALANCED_STEPS = 60.0
"""``timeout_iters`` of ``attention_dp_config``, with ``enable_balance``, in the scripts of the public benchmark whose
runs are measured (SemiAnalysis InferenceX, ``dsr1_fp8`` for TensorRT-LLM); its default is 50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """Base with its standard deviation in log, bounds, and standard deviations of deviations by kind of key.

    ``centres``: where the prior of a key's deviation stands, if not at zero.
    """

    base: float
    sd: float
    low: float
    high: float
    depends: Mapping[str, float]
    centres: Mapping[str, float] = field(default_factory=dict)


def prior(base: float, sd: float, low: float, high: float, **depends: float) -> Prior:
    """Shorthand for tables."""
    return Prior(base=base, sd=sd, low=low, high=high, depends=depends)


def timed(known: Prior, column: str) -> Prior:
    """The same with deviations of kernels centred near their timings."""
    return replace(known, centres=kernel_centres(column, known.base))


def spaced(known: Prior, column: str) -> Prior:
    """The same with deviations of formats as far apart as those of single matrix products."""
    return replace(known, centres=format_centres(column))


def ported(known: Prior, name: str) -> Prior:
    """The same with deviations of other vendors' chips centred where engines in process have efficiency ``name``."""
    return replace(known, centres={**known.centres, **ported_centres(name)})


FIXED = 1e-6
"""Standard deviation of what is not fitted."""

NARROW = 0.6
"""Of servers, deviations by key are expected to be so much narrower than the table says: what a stack and its layout
have of their own is told by their offsets. Kernels keep their width."""


def narrowed(known: Prior) -> Prior:
    """The same with narrower deviations."""
    return replace(
        known,
        depends={kind: sd * (1.0 if kind == "kernel" else NARROW) for kind, sd in known.depends.items()},
    )


_SERVERS: Mapping[str, Prior] = {
    "dense_bandwidth_fraction": spaced(
        prior(0.80, 0.12, 0.3, 0.97, engine=0.1, maker=0.1, generation=0.1, format=0.2),
        "bandwidth_fraction",
    ),
    "expert_bandwidth_fraction": prior(
        0.80, 0.1, 0.2, 0.97, engine=0.1, maker=0.15, generation=0.1, format=0.15
    ),
    "dense_compute_fraction": spaced(
        prior(0.45, 0.3, 0.05, 0.85, engine=0.1, maker=0.3, generation=0.1, format=0.15),
        "compute_fraction",
    ),
    "expert_compute_fraction": prior(
        0.2, 0.4, 0.02, 0.7, engine=0.3, maker=0.3, generation=0.2, format=0.3, kernel=0.2
    ),
    "vector_compute_fraction": prior(0.4, FIXED, 0.01, 1.0),
    "activation_bandwidth_fraction": prior(0.3, 0.5, 0.05, 0.9),
    "kv_bandwidth_fraction": prior(0.80, 0.15, 0.2, 0.97, engine=0.1, maker=0.15, generation=0.05),
    "state_bandwidth_fraction": prior(0.4, 0.4, 0.1, 0.9),
    "decode_attention_compute_fraction": prior(0.5, 0.3, 0.1, 0.8, maker=0.3),
    "prefill_attention_compute_fraction": prior(0.35, 0.3, 0.05, 0.75, engine=0.1, maker=0.3, generation=0.1),
    "link_fraction": prior(0.45, 0.4, 0.1, 0.9, engine=0.2, maker=0.3, generation=0.1),
    "collective_s": prior(6 * US, 0.4, 1 * US, 60 * US, engine=0.3, maker=0.4, generation=0.3),
    "collective_doubling": prior(0.35, 0.3, 0.05, 1.0),
    "layer_s": prior(25 * US, 0.5, 2 * US, 200 * US, engine=0.5, maker=0.4, generation=0.2),
    "expert_layer_s": timed(
        prior(35 * US, 0.1, 0.5 * US, 300 * US, engine=0.2, maker=0.4, generation=0.1, kernel=0.5),
        "fixed_s",
    ),
    "latent_layer_s": prior(25 * US, 0.5, 1 * US, 200 * US, engine=0.3),
    "sparse_layer_s": prior(40 * US, 0.5, 1 * US, 300 * US),
    "recurrent_layer_s": prior(40 * US, 0.5, 1 * US, 200 * US),
    "prefill_layer_s": prior(150 * US, 0.5, 5 * US, 1500 * US, engine=0.4, maker=0.3),
    "prefill_more_s": prior(100 * US, 0.7, 1 * US, 800 * US, engine=0.3),
    "step_s": prior(400 * US, 0.7, 10 * US, 10_000 * US, engine=0.6, maker=0.4),
    "sequence_s": prior(8 * US, 0.6, 0.3 * US, 60 * US, engine=0.4),
    "routing_exponent": prior(0.93, 0.05, 0.6, 1.0),
    "saturation_tokens": prior(1e-9, FIXED, 0.0, 1.0),
    "expert_pad_rows": timed(prior(25.0, 0.2, 0.5, 250.0, engine=0.1, kernel=0.3), "pad_rows"),
    "stage_loss_fraction": prior(0.3, 0.3, 0.0, 1.0),
    "overlap_loss_fraction": prior(1.0, FIXED, 0.0, 1.0),
    "matrix_s": replace(
        prior(2 * US, 0.3, 0.01 * US, 30 * US, format=0.2, generation=0.1), centres=shortest_centres()
    ),
    "gather_steps": replace(
        prior(1.0, 1.0, 1e-3, 100.0, engine=1.0), centres={"engine:trtllm": math.log(BALANCED_STEPS)}
    ),
    "power_exponent": prior(1e-9, FIXED, 0.0, 1.0),
}
IN_PROCESS: Mapping[str, str] = {
    "dense_bandwidth_fraction": "dense_bandwidth_fraction",
    "expert_bandwidth_fraction": "dense_bandwidth_fraction",
    "dense_compute_fraction": "dense_compute_fraction",
    "expert_compute_fraction": "dense_compute_fraction",
    "kv_bandwidth_fraction": "kv_bandwidth_fraction",
    "prefill_attention_compute_fraction": "prefill_attention_compute_fraction",
    "link_fraction": "link_fraction",
}
"""Efficiencies of servers on other vendors' chips that start from those in process; no model with experts ran on such
chips in process, so that experts start as dense matrices do."""

SERVED: Mapping[str, Prior] = {
    name: ported(narrowed(each), IN_PROCESS[name]) if name in IN_PROCESS else narrowed(each)
    for name, each in _SERVERS.items()
}
"""Engines that serve: closed loops through their HTTP interface."""

BATCH: Mapping[str, Prior] = {
    **_SERVERS,
    "dense_bandwidth_fraction": prior(
        0.80, 0.12, 0.3, 0.97, engine=0.1, maker=0.1, generation=0.1, format=0.2
    ),
    "dense_compute_fraction": prior(
        0.45, 0.3, 0.05, 0.85, engine=0.25, maker=0.3, generation=0.2, format=0.3
    ),
    "kv_bandwidth_fraction": prior(0.80, 0.15, 0.2, 0.97, engine=0.15, maker=0.15, generation=0.1),
    "prefill_attention_compute_fraction": prior(
        0.35, 0.3, 0.05, 0.75, engine=0.2, maker=0.3, generation=0.25
    ),
    "link_fraction": prior(0.45, 0.4, 0.1, 0.9, engine=0.2, maker=0.3, generation=0.2),
    "gather_steps": prior(1e-9, FIXED, 0.0, 1.0),
    "expert_compute_fraction": prior(0.35, 0.4, 0.02, 0.7, engine=0.3, generation=0.2, format=0.3),
    "prefill_layer_s": prior(150 * US, 0.5, 1 * US, 1500 * US, engine=1.0, generation=0.3),
    "routing_exponent": prior(0.97, 0.03, 0.6, 1.0),
}
"""The same engines and others without a client: single streams, static batches, offline runs."""

LLAMA_CPP: Mapping[str, Prior] = {
    "dense_bandwidth_fraction": prior(
        0.80, 0.12, 0.3, 0.98, vendor=0.12, generation=0.15, format=0.15, engine=0.1
    ),
    "expert_bandwidth_fraction": prior(0.70, 0.15, 0.2, 0.98, generation=0.1, format=0.15, engine=0.1),
    "dense_compute_fraction": prior(
        0.40, 0.3, 0.05, 0.85, vendor=0.3, generation=0.15, format=0.2, engine=0.2, chip_format=0.3
    ),
    "expert_compute_fraction": prior(
        0.2, 0.4, 0.02, 0.7, vendor=0.3, generation=0.15, format=0.2, engine=0.3, chip_format=0.3
    ),
    "vector_compute_fraction": prior(
        0.35, 0.4, 0.03, 1.0, vendor=0.4, generation=0.3, format=0.25, engine=0.3, chip_format=0.6
    ),
    "activation_bandwidth_fraction": prior(0.6, 0.5, 0.05, 0.9),
    "kv_bandwidth_fraction": prior(0.5, 0.3, 0.1, 0.97, vendor=0.2, generation=0.15, engine=0.2),
    "state_bandwidth_fraction": prior(0.4, 0.4, 0.1, 0.9),
    "decode_attention_compute_fraction": prior(0.4, 0.3, 0.1, 0.8),
    "prefill_attention_compute_fraction": prior(0.2, 0.4, 0.02, 0.75, vendor=0.4, generation=0.3, engine=0.3),
    "link_fraction": prior(0.5, FIXED, 0.1, 0.9),
    "collective_s": prior(10 * US, FIXED, 1 * US, 60 * US),
    "collective_doubling": prior(0.35, FIXED, 0.05, 1.0),
    "layer_s": prior(60 * US, 0.4, 2 * US, 300 * US, vendor=0.4, generation=0.3, engine=0.5),
    "expert_layer_s": prior(25 * US, 0.5, 1 * US, 300 * US, vendor=0.3, generation=0.2, engine=0.4),
    "latent_layer_s": prior(25 * US, FIXED, 1 * US, 200 * US),
    "sparse_layer_s": prior(40 * US, FIXED, 1 * US, 200 * US),
    "recurrent_layer_s": prior(25 * US, 0.5, 1 * US, 200 * US),
    "prefill_layer_s": prior(1 * US, FIXED, 0.1 * US, 500 * US),
    "step_s": prior(200 * US, 0.7, 10 * US, 10_000 * US, vendor=0.4, engine=0.3),
    "sequence_s": prior(1 * US, FIXED, 0.3 * US, 60 * US),
    "routing_exponent": prior(0.7, 0.1, 0.4, 1.0),
    "saturation_tokens": prior(50.0, 0.4, 5.0, 200.0),
    "expert_pad_rows": prior(1e-9, FIXED, 0.0, 1.0),
    "stage_loss_fraction": prior(0.016, 0.5, 0.001, 0.1),
    "overlap_loss_fraction": prior(0.2, 0.5, 0.01, 0.9),
    "prefill_more_s": prior(1e-9, FIXED, 0.0, 1.0),
    "matrix_s": prior(1e-9, FIXED, 0.0, 1.0),
    "gather_steps": prior(1e-9, FIXED, 0.0, 1.0),
    "power_exponent": prior(0.6, 0.3, 0.05, 1.5),
}
"""llama.cpp on every backend, and MLX."""

HOST: Mapping[str, Prior] = {
    "request_s": prior(0.03, 1.0, 1e-4, 0.5, engine=0.7, generation=0.3, pair=0.4),
    "prompt_token_s": prior(1e-5, 1.0, 1e-7, 1e-4, engine=0.7, pair=0.3),
    "arrival_s": prior(3e-3, 1.0, 1e-5, 0.2, engine=0.8, generation=0.3, pair=0.5),
    "stream_tokens": prior(3.0, 1.0, 0.01, 40.0, engine=0.8, generation=0.3, pair=0.5),
    "replica_steps": prior(1.0, 1.0, 0.001, 100.0, engine=1.5),
}
"""What servers add to a first token."""

MEANINGS: Mapping[str, str] = {
    "dense_bandwidth_fraction": "part of the memory bandwidth while weights of dense matrices are read",
    "expert_bandwidth_fraction": "part of the memory bandwidth while weights of routed experts are read",
    "dense_compute_fraction": "part of the peak of the number type while dense matrices multiply",
    "expert_compute_fraction": "part of the peak of the number type while routed experts multiply",
    "vector_compute_fraction": "part of the fp32 rate in matrix-vector kernels, dequantizing included",
    "activation_bandwidth_fraction": "part of the memory bandwidth for activations between kernels",
    "kv_bandwidth_fraction": "part of the memory bandwidth while decode attention reads the cache",
    "state_bandwidth_fraction": "part of the memory bandwidth for recurrent state",
    "decode_attention_compute_fraction": "part of the 16-bit peak in decode attention (latent caches)",
    "prefill_attention_compute_fraction": "part of the 16-bit peak in prefill attention, causal half counted",
    "link_fraction": "part of the link's rate in collectives of long messages",
    "collective_s": "latency of a collective of two GPUs [s]",
    "collective_doubling": "what each doubling of the GPUs adds to that latency, as a part of it",
    "layer_s": "what a layer takes beside its operators: launches and small kernels [s]",
    "expert_layer_s": "what routing and grouping of experts add to a layer [s]",
    "latent_layer_s": "what latent attention adds to a layer [s]",
    "sparse_layer_s": "what a sparse indexer adds to a layer [s]",
    "recurrent_layer_s": "what a recurrent mixer adds to a layer [s]",
    "prefill_layer_s": "least time of a layer in a step with prompt tokens, run without captured graphs [s]",
    "prefill_more_s": "the same for what experts, latent, sparse and recurrent mixers add to a layer [s]",
    "matrix_s": "what a dense matrix product takes beside its roofs, the quantizing of activations included [s]",
    "gather_steps": "steps that prompts wait for those of other replicas of attention, to start together",
    "step_s": "what a step takes beside its layers: scheduler, sampling [s]",
    "sequence_s": "what each sequence adds to a step [s]",
    "routing_exponent": "tokens ** this choose experts independently",
    "saturation_tokens": "tokens that a matrix product costs beside its own",
    "expert_pad_rows": "rows that grouped matrices cost beside their own, for each expert touched",
    "stage_loss_fraction": "what each further pipeline stage adds to a step",
    "overlap_loss_fraction": "part of the overlap of pipeline stages that is lost",
    "power_exponent": "how a part with less power per FLOP/s than sustained work needs slows down",
    "request_s": "what a server adds to the first token of every request [s]",
    "prompt_token_s": "the same for every token of its prompt [s]",
    "arrival_s": "the same for each of the requests that happen to come together [s]",
    "stream_tokens": "tokens that a server gathers before it sends the first",
    "replica_steps": "steps that a prompt waits where attention is dealt over replicas, until they are balanced",
}
