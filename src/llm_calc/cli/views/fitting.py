"""What fits on a machine of one's own, and what runs there."""

from rich.console import Console

from llm_calc.adapters.wire.fitting import FitAnswer, FitRow, ModelsForAnswer
from llm_calc.cli.tables import facts, heading, listing, notes
from llm_calc.cli.text import counted, memory, number, seconds


def show_fit(console: Console, answer: FitAnswer) -> None:
    """Every quantization in a row, then how to run the best."""
    holding = [row for row in answer.rows if row.fits]
    heading(
        console,
        f"{answer.model} at {answer.context_tokens} tokens",
        f"{len(holding)} of {len(answer.rows)} fit",
    )
    columns = ("", " format", " cache", "file", " where", "longest on GPU", "tokens/s", "likely", "TTFT")
    listing(console, columns, [_fit_row(row) for row in answer.rows])
    best = None if answer.best is None else answer.rows[answer.best]
    if best is not None and best.run_with is not None:
        run = best.run_with
        named = (("llama.cpp", run.llama_cpp), ("ollama", run.ollama), ("LM Studio", run.lm_studio))
        further = (("MLX", run.mlx), ("vLLM", run.vllm))
        facts(console, [(name, text) for name, text in (*named, *further) if text], "The best of them")
    notes(console, answer.warnings, answer.assumptions)


def _fit_row(row: FitRow) -> tuple[str, ...]:
    likely = row.likely_tokens_per_s
    return (
        "best" if row.best else "",
        row.weights,
        row.kv_cache,
        memory(row.file_bytes),
        row.where if row.where in ("gpu", "nowhere") else f"{row.where}, {_layers(row)}",
        number(row.longest_context_tokens) if row.longest_context_tokens else "—",
        "—" if row.tokens_per_s is None else number(row.tokens_per_s),
        "—" if likely is None else f"{number(likely.low)}–{number(likely.high)}",
        "—" if row.ttft_s is None else seconds(row.ttft_s),
    )


def _layers(row: FitRow) -> str:
    """Which layers lie on the GPU, and of how many of them the experts do not."""
    if row.gpu_layers == row.layers and row.split_layers:
        return f"experts of {row.split_layers} of {row.layers - 1} layers on the host"
    split = f", {row.split_layers} without experts" if row.split_layers else ""
    return f"{row.gpu_layers} of {row.layers} layers{split}"


def show_models_for(console: Console, answer: ModelsForAnswer) -> None:
    """The models in a row each, largest first."""
    more = "and smaller ones (--max-models)" if answer.more else ""
    heading(console, f"{counted(len(answer.models), 'model')} at {answer.context_tokens} tokens", more)
    rows = [
        (
            each.model,
            f"{number(each.parameters_billions)}B",
            each.weights,
            memory(each.file_bytes),
            memory(each.headroom_bytes),
            number(each.tokens_per_s),
            seconds(each.ttft_s),
        )
        for each in answer.models
    ]
    if rows:
        columns = (" model", "size", " format", "file", "left free", "tokens/s", "TTFT")
        listing(console, columns, rows)
    if answer.too_slow:
        facts(console, [("slower than asked", ", ".join(answer.too_slow))])
    notes(console, (), answer.assumptions)
