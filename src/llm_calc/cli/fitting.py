"""Commands for a machine of one's own: which quantization fits, and which models run there."""

from dataclasses import dataclass
from typing import Annotated

from llm_calc.cli.answers import answer_and_present, end
from llm_calc.cli.completion import format_names
from llm_calc.cli.options import (
    FORMATS,
    LIMITS,
    LOAD,
    TOKENS,
    Concurrency,
    FieldOptions,
    Machine,
    N,
    RequestOptions,
    option,
)

Context = Annotated[
    int | None,
    option("--context", panel=LOAD, of=TOKENS, what="Tokens of each sequence.", default="8192"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions(RequestOptions):
    """A model and a machine."""

    hardware: Machine = None
    context_tokens: Context = None
    concurrency: Concurrency = None
    formats: Annotated[
        list[str] | None,
        option(
            "--weights",
            "-w",
            panel=FORMATS,
            of="FORMAT",
            what="GGUF kind to consider; may be repeated.",
            default="the usual ones",
            complete=format_names,
        ),
    ] = None
    cache_types: Annotated[
        list[str] | None,
        option(
            "--kv-cache",
            panel=FORMATS,
            of="FORMAT",
            what="Format of the KV cache to consider; may be repeated.",
            default="f16 and q8_0",
            complete=format_names,
        ),
    ] = None
    least_tokens_per_s: Annotated[
        float | None,
        option("--least", panel=LIMITS, of=N, what="Slowest answer of use, tokens/s.", default="5"),
    ] = None


FIT_PATHS = {
    name: name
    for name in ("hardware", "context_tokens", "concurrency", "formats", "cache_types", "least_tokens_per_s")
}


def fit(options: FitOptions) -> None:
    """Which quantization fits, with which cache, and how fast. Exit code 3 if none does."""
    from llm_calc.adapters.operations import FIT
    from llm_calc.cli.views.fitting import show_fit

    found = answer_and_present(FIT, options, FIT_PATHS, show_fit)
    end(yes=found.best is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsForOptions(FieldOptions):
    """A machine, a context and a speed."""

    hardware: Machine = None
    context_tokens: Context = None
    weights: Annotated[
        str | None,
        option(
            "--weights",
            "-w",
            panel=FORMATS,
            of="FORMAT",
            what="GGUF kind.",
            default="the most bits of q8_0, q6_k and q4_k_m that fit",
            complete=format_names,
        ),
    ] = None
    least_tokens_per_s: Annotated[
        float | None,
        option("--least", panel=LIMITS, of=N, what="Slowest answer of use, tokens/s.", default="10"),
    ] = None
    family: Annotated[
        str | None, option("--family", panel=LIMITS, of="FAMILY", what="Only models of this family.")
    ] = None
    max_models: Annotated[
        int | None, option("--max-models", panel=LIMITS, of=N, what="Models in the answer.", default="20")
    ] = None


MODELS_FOR_PATHS = {
    name: name
    for name in ("hardware", "context_tokens", "weights", "least_tokens_per_s", "family", "max_models")
}


def models_for(options: ModelsForOptions) -> None:
    """Which models of the catalog run on a machine, the largest first. Exit code 3 if none does."""
    from llm_calc.adapters.operations import MODELS_FOR
    from llm_calc.cli.views.fitting import show_models_for

    found = answer_and_present(MODELS_FOR, options, MODELS_FOR_PATHS, show_models_for)
    end(yes=bool(found.models))
