"""Answers as tables for people; numbers as the page shows them, a missing one as a dash."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

GIB, DASH = 2**30, "—"
Answer = Mapping[str, Any]
Show = Callable[[Any], str]


def gib(size_bytes: float) -> str:
    """Bytes as GiB."""
    return f"{size_bytes / GIB:,.2f} GiB"


def seconds(value_s: float) -> str:
    """Seconds, below 0.1 s as milliseconds."""
    return f"{value_s:.3g} s" if value_s >= 0.1 else f"{1000 * value_s:.3g} ms"


def number(value: float) -> str:
    """A count, or three significant digits."""
    return (
        f"{value:,}" if isinstance(value, int) else f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    )


def usd(value: float) -> str:
    """Dollars."""
    return f"${value:,.2f}" if value >= 0.1 else f"${value:.4f}"


def percent(fraction: float) -> str:
    """A fraction as per cent."""
    return f"{fraction:.1%}"


def yes_no(value: object) -> str:
    """A verdict in a word."""
    return "yes" if value else "no"


Row = tuple[str, str, Show]

ROWS: dict[str, tuple[Row, ...]] = {
    "inspect_model": (
        ("Model", "architecture", str),
        ("Confidence", "confidence", str),
        ("Parameters", "parameters.total", number),
        ("Active parameters", "parameters.active", number),
        ("Formats", "quantization", str),
        ("Weights", "weights_bytes", gib),
        ("KV cache a token", "kv_cache.bytes_per_token", lambda value: f"{value:,.0f} bytes"),
        ("State a sequence", "kv_cache.state_bytes_per_sequence", lambda value: f"{value:,.0f} bytes"),
        ("Prefill", "flops.prefill.total", lambda value: f"{value:.3g} FLOPs"),
        ("Decode step", "flops.decode.total", lambda value: f"{value:.3g} FLOPs"),
    ),
    "memory_plan": (
        ("Engine", "engine", str),
        ("Fits", "fits", yes_no),
        ("Why", "reason", str),
        ("Weights per GPU", "per_gpu.weights_bytes", gib),
        ("Activation peak", "per_gpu.activation_peak_bytes", gib),
        ("CUDA graphs", "per_gpu.cuda_graphs_bytes", gib),
        ("Framework", "per_gpu.framework_bytes", gib),
        ("KV cache per GPU", "per_gpu.kv_cache_bytes", gib),
        ("Tokens in the cache", "kv_cache_tokens", number),
        ("Requests at the longest context", "max_concurrency", number),
        ("Longest context", "max_context_tokens", number),
    ),
    "serving_estimate": (
        ("Time to first token", "ttft_s", seconds),
        ("Time per further token", "tpot_s", seconds),
        ("Request", "request_latency_s", seconds),
        ("Output", "output_tokens_per_s", lambda value: f"{number(value)} tokens/s"),
        ("Output per GPU", "output_tokens_per_s_per_gpu", lambda value: f"{number(value)} tokens/s"),
        ("Requests", "requests_per_s", lambda value: f"{number(value)} a second"),
        ("Basis", "basis.kind", str),
        ("Weights", "resolved.weights", str),
        ("KV cache", "resolved.kv_cache", str),
    ),
    "calculate": (
        ("Model", "model_name", str),
        ("Parameters", "parameters_billions", lambda value: f"{value:,.3f} billion"),
        ("Weights", "vram.model_base", lambda value: f"{value:,.2f} GiB"),
        ("KV cache", "vram.kv_cache_base", lambda value: f"{value:,.2f} GiB"),
        ("Activations", "vram.activations_base", lambda value: f"{value:,.2f} GiB"),
        ("Total with overheads", "vram.total_system_wide", lambda value: f"{value:,.2f} GiB"),
        ("GPUs", "parallelism.num_gpus", number),
        ("Prefill", "performance.prefill_latency", seconds),
        ("Bound", "performance.bound", str),
    ),
}
RANGES = {"ttft_s": seconds, "tpot_s": seconds, "output_tokens_per_s": number}


def at(answer: Answer, path: str) -> Any:  # noqa: ANN401 - a value of JSON
    """The value at a dotted path; None where it is missing."""
    value: Any = answer
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def figure(answer: Answer, path: str, show: Show) -> str:
    """A value as people read it, with its interval if it has one."""
    value = at(answer, path)
    if value is None:
        return DASH
    interval = at(answer, f"interval.{path}")
    if not isinstance(interval, Mapping) or path not in RANGES:
        return show(value)
    return f"{show(value)}  (likely {RANGES[path](interval['low'])} to {RANGES[path](interval['high'])})"


def facts(operation: str, answer: Answer) -> Table:
    """The main figures of an answer, one a line."""
    table = Table(show_header=False, box=None, pad_edge=False)
    rows = ROWS[operation]
    if operation == "calculate" and at(answer, "performance.bound") != "compute_only":
        rows = (*rows, ("Decode", "performance.tokens_per_second", lambda value: f"{number(value)} tokens/s"))
    for label, path, show in rows:
        table.add_row(label, figure(answer, path, show))
    return table


def listing(rows: Iterable[Answer], columns: tuple[Row, ...]) -> Table:
    """Rows of a list, one column a figure."""
    table = Table(box=None, pad_edge=False)
    for label, _, show in columns:
        table.add_column(label, justify="left" if show is str else "right", overflow="fold")
    for row in rows:
        values = ((at(row, path), show) for _, path, show in columns)
        table.add_row(*(DASH if value is None else show(value) for value, show in values))
    return table


def remarks(console: Console, answer: Answer) -> None:
    """Warnings and assumptions, below the figures."""
    for kind in ("warnings", "assumptions"):
        for sentence in answer.get(kind) or ():
            console.print(f"[dim]{kind.removesuffix('s')}:[/dim] {sentence}", highlight=False)
