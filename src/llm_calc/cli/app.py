"""The commands."""

from typing import Annotated, Any

import typer

from llm_calc import library, scenario
from llm_calc.cli import columns, grids, options, tables
from llm_calc.cli.running import REFUSED, console, engine_flags, tell, told_errors
from llm_calc.cli.sources import read_json, read_model

app = typer.Typer(
    name="llm-calc",
    help="Inference calculator for large language models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("sweep")(grids.sweep)


def _options(context: typer.Context) -> dict[str, Any]:
    """What was given to a command, under the names of the API."""
    given = {name: value for name, value in context.params.items() if value is not None}
    return {**given, "engine_options": engine_flags(given.get("engine_option"))}


@app.command("calculate")
def calculate(
    context: typer.Context,
    model: options.Model,
    gpu: Annotated[str | None, typer.Option(help="Id or alias of a catalog GPU")] = None,
    gpu_tflops: Annotated[float | None, typer.Option(help="Dense peak [TFLOP/s], without --gpu")] = None,
    precision: Annotated[str, typer.Option(help="fp32, fp16, bf16, fp8, int8 or int4")] = "fp16",
    seq_length: Annotated[int, typer.Option(help="Sequence length [tokens]")] = 2048,
    batch_size: Annotated[int, typer.Option(help="Sequences at once")] = 1,
    efficiency_factor: Annotated[float, typer.Option(help="Fraction of the peak compute")] = 0.3,
    as_json: options.Json = False,
) -> None:
    """The documented calculation: memory, FLOPs and flat-roofline timing."""
    with told_errors():
        read = read_model(model)
        fields = {name: value for name, value in context.params.items() if name not in ("model", "as_json")}
        given = {name: value for name, value in fields.items() if value is not None}
        subject = {"model_name": read} if isinstance(read, str) else {"hf_config": read}
        tell("calculate", {**subject, **given}, as_json=as_json)


@app.command("inspect")
def inspect(
    context: typer.Context,
    model: options.Model,
    weights: options.Weights = None,
    kv_cache: options.KvCache = None,
    context_tokens: Annotated[list[int] | None, typer.Option(help="Lengths to size the cache at")] = None,
    as_json: options.Json = False,
) -> None:
    """What a model is: parameters, bytes, cache, FLOPs."""
    with told_errors():
        body = scenario.inspection_body(read_model(model), context.params, context_tokens or None)
        tell("inspect_model", body, as_json=as_json)


@app.command("memory")
def memory(
    context: typer.Context,
    model: options.Model,
    gpu: options.Gpu,
    count: options.Count = None,
    gpus_per_node: options.GpusPerNode = None,
    weights: options.Weights = None,
    kv_cache: options.KvCache = None,
    activations: options.Activations = None,
    tensor: options.Tensor = None,
    pipeline: options.Pipeline = None,
    data: options.Data = None,
    expert: options.Expert = None,
    engine: options.EngineName = options.Engine.VLLM,
    engine_option: options.Flags = None,
    input_tokens: options.InputTokens = None,
    output_tokens: options.OutputTokens = None,
    concurrency: options.Concurrency = None,
    as_json: options.Json = False,
) -> None:
    """What an engine does with the memory of each GPU; exit code 3 if it does not fit."""
    with told_errors():
        body = scenario.memory_body(read_model(model), gpu, _options(context))
        if not tell("memory_plan", body, as_json=as_json)["fits"]:
            raise typer.Exit(REFUSED)


@app.command("estimate")
def estimate(
    context: typer.Context,
    model: options.Model,
    gpu: options.Gpu,
    count: options.Count = None,
    gpus_per_node: options.GpusPerNode = None,
    weights: options.Weights = None,
    kv_cache: options.KvCache = None,
    activations: options.Activations = None,
    tensor: options.Tensor = None,
    pipeline: options.Pipeline = None,
    data: options.Data = None,
    expert: options.Expert = None,
    engine: options.EngineName = options.Engine.VLLM,
    engine_option: options.Flags = None,
    input_tokens: options.InputTokens = None,
    output_tokens: options.OutputTokens = None,
    concurrency: options.Concurrency = None,
    request_rate: options.RequestRate = None,
    batch: options.Batch = None,
    offline: options.Offline = None,
    as_json: options.Json = False,
) -> None:
    """What users wait for and what the deployment delivers."""
    with told_errors():
        body = scenario.deployment_body(read_model(model), gpu, _options(context))
        tell("serving_estimate", body, as_json=as_json)


@app.command("plan")
def plan(
    context: typer.Context,
    model: options.Model,
    input_tokens: options.InputTokens = None,
    output_tokens: options.OutputTokens = None,
    concurrency: options.Concurrency = None,
    request_rate: options.RequestRate = None,
    ttft_s: options.Ttft = None,
    tpot_s: options.Tpot = None,
    request_latency_s: options.Latency = None,
    max_gpus: options.MaxGpus = None,
    usd_per_hour: options.Budget = None,
    gpus: options.OnlyGpus = None,
    objective: Annotated[
        str, typer.Option(help="cost, budget, throughput, latency, ttft, tpot, energy or gpus")
    ] = "cost",
    as_json: options.Json = False,
) -> None:
    """Deployments for a workload under limits, best first; exit code 3 if none holds them."""
    with told_errors():
        given = context.params
        names = ("ttft_s", "tpot_s", "request_latency_s", "max_gpus", "usd_per_hour")
        further = {"gpus": gpus or None, "objective": objective, **scenario.workload_part(given)}
        limits: Any = scenario.chosen(given, names)
        body = scenario.plans_body(read_model(model), limits, further)
        found = tell(
            "deployment_plans",
            body,
            as_json=as_json,
            table=lambda each: tables.listing(each["plans"], columns.PLAN_COLUMNS),
        )
        if not found["plans"]:
            raise typer.Exit(REFUSED)
        if not as_json:
            console.print(
                f"\n{found['plans'][0]['launch_command']}", highlight=False, soft_wrap=True, markup=False
            )


@app.command("recommend")
def recommend(
    context: typer.Context,
    model: options.Model,
    weights: options.Weights = None,
    kv_cache: options.KvCache = None,
    context_tokens: options.ContextTokens = None,
    concurrency: options.Concurrency = None,
    max_gpus: options.MaxGpus = None,
    gpus: options.OnlyGpus = None,
    as_json: options.Json = False,
) -> None:
    """GPUs that hold a model at a context, best first; exit code 3 if none does."""
    with told_errors():
        names = ("weights", "kv_cache", "context_tokens", "concurrency", "max_gpus", "gpus")
        given = {name: value for name, value in scenario.chosen(context.params, names).items() if value != []}
        body = scenario.recommendation_body(read_model(model), given)
        found = tell(
            "recommend_gpus",
            body,
            as_json=as_json,
            table=lambda each: tables.listing(each["recommendations"], columns.RECOMMENDED_COLUMNS),
        )
        if not found["recommendations"]:
            raise typer.Exit(REFUSED)


@app.command("compare")
def compare(
    file: Annotated[
        str, typer.Argument(help="JSON list of 2 to 8 requests of serving_estimate, or - for stdin")
    ],
    as_json: options.Json = False,
) -> None:
    """Scenarios side by side."""
    with told_errors():
        tell(
            "compare",
            {"scenarios": read_json(file)},
            as_json=as_json,
            table=lambda each: tables.listing(each["scenarios"], columns.COMPARED_COLUMNS),
        )


@app.command("calibrate")
def calibrate(
    file: Annotated[str, typer.Argument(help="JSON list of measurements, or - for standard input")],
    as_json: options.Json = False,
) -> None:
    """A calibration from measurements of your own."""
    with told_errors():
        tell(
            "calibrate",
            {"measurements": read_json(file)},
            as_json=as_json,
            table=lambda each: tables.listing(each["errors"], columns.FITTED_COLUMNS),
        )


@app.command("models")
def models(
    search: Annotated[str, typer.Argument(help="Part of a name or family")] = "",
    as_json: options.Json = False,
) -> None:
    """Models of the catalog."""
    _list(
        [row.model_dump(mode="json") for row in library.models()],
        search,
        columns.MODEL_COLUMNS,
        as_json=as_json,
    )


@app.command("gpus")
def gpus(
    search: Annotated[str, typer.Argument(help="Part of an id, name or vendor")] = "",
    as_json: options.Json = False,
) -> None:
    """GPUs of the catalog."""
    _list(
        [row.model_dump(mode="json") for row in library.gpus()], search, columns.GPU_COLUMNS, as_json=as_json
    )


def _list(rows: list[dict[str, Any]], search: str, shown: tuple[tables.Row, ...], *, as_json: bool) -> None:
    words = search.lower()
    found = [row for row in rows if any(words in str(value).lower() for value in row.values())]
    if as_json:
        console.print_json(data=found)
    else:
        console.print(tables.listing(found, shown))


@app.command("serve")
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; 127.0.0.1")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 8000")] = None,
) -> None:
    """Answer requests over HTTP."""
    from llm_calc.starting import start_service

    start_service(host=host, port=port)


@app.command("mcp")
def mcp() -> None:
    """Offer the operations as tools to language models, over standard input and output."""
    try:
        from llm_calc.mcp_server import run
    except ModuleNotFoundError as error:
        typer.echo(f"error: {error.name} is not installed; the extra llm-calc[mcp] holds it", err=True)
        raise typer.Exit(1) from None
    run()
