"""``--link``: a link of the page in place of a request."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from llm_calc.cli.bodies import DEFAULT_ENGINE, STDIN, Body, body_of, put
from llm_calc.cli.options import PATHS, LinkedOptions
from llm_calc.core.engines.context_flags import CONTEXT_FLAGS
from llm_calc.core.errors import CalcError, InvalidInputError

if TYPE_CHECKING:
    from llm_calc.adapters.links import Link

LEAST_COMPARED = 2
UNSAID_FORMAT = "link: w is not said, which is {} to the page; w= is the published format"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The request for one deployment; ``usd_per_gpu_hour``: the price that a link says [USD/h]."""

    body: Body
    is_linked: bool
    usd_per_gpu_hour: float | None


def asked_deployment(options: LinkedOptions, to: str = "estimate") -> Asked:
    """The request that options describe: over a scenario of ``--link``, over a file, or alone.

    ``to``: which request, estimate or memory.

    Raises:
        InvalidInputError: no link of the page, no such scenario, or an option that has no place.
    """
    if options.link is None:
        if options.scenario is not None:
            raise InvalidInputError("--scenario: needs --link")
        return Asked(
            body=_with_context(body_of(options, PATHS), options, to), is_linked=False, usd_per_gpu_hour=None
        )
    scenario = _read(options.link).scenario(options.scenario or "A")
    if scenario.for_plans:
        print(
            f"Warning: link: what plans alone read changes nothing here: {', '.join(scenario.for_plans)}",
            file=sys.stderr,
        )
    if scenario.unsaid_format and options.weights is None:
        print(f"Warning: {UNSAID_FORMAT.format(scenario.state['w'])}", file=sys.stderr)
    body = _with_context(body_of(options, PATHS, start=scenario.deployment(to=to)), options, to)
    return Asked(body=body, is_linked=True, usd_per_gpu_hour=scenario.usd_per_gpu_hour)


def _with_context(body: Body, options: LinkedOptions, to: str) -> Body:
    """The request with ``--context`` as the engine's own flag."""
    if options.context is not None:
        engine = body.get("engine") or body.setdefault("engine", {"name": _unnamed(body, to)})
        name = str(engine.get("name")) if isinstance(engine, dict) else DEFAULT_ENGINE
        put(body, f"engine.{CONTEXT_FLAGS.get(name, CONTEXT_FLAGS[DEFAULT_ENGINE])}", options.context)
    return body


def _unnamed(body: Body, to: str) -> str:
    """The engine that answers a request which names none: a GGUF file's name keeps llama.cpp."""
    from llm_calc.adapters.all_catalogs import chosen_catalogs
    from llm_calc.adapters.operations import MEMORY_PLAN, SERVING_ESTIMATE, validated
    from llm_calc.adapters.unnamed_engine import with_an_engine_that_runs

    operation = MEMORY_PLAN if to == "memory" else SERVING_ESTIMATE
    try:
        request: Any = validated(operation.request, operation.body(body))
        return str(with_an_engine_that_runs(request, chosen_catalogs()).engine.name)
    except CalcError:
        return DEFAULT_ENGINE


def linked_scenarios(options: Any) -> Body:  # noqa: ANN401 - the options of compare
    """All scenarios of ``--link`` as a request to compare them.

    Raises:
        InvalidInputError: no link of the page, a single scenario, or options that have no place beside it.
    """
    if options.gpus:
        raise InvalidInputError("--link, --gpu: only one of them can name the scenarios")
    scenarios = _read(options.link).scenarios
    if len(scenarios) < LEAST_COMPARED:
        raise InvalidInputError("--link: has one scenario; comparing takes two. Use estimate --link for one")
    return {
        "scenarios": [
            {**body_of(options, PATHS, start=each.serving_estimate), "label": each.letter}
            for each in scenarios
        ]
    }


def as_the_page_asks(body: Body) -> Body:
    """The request for the memory of a scenario: where the cache is open, in the format that the estimate took."""
    from llm_calc.adapters.operations import SERVING_ESTIMATE
    from llm_calc.cli.answers import answer

    precision = body.get("precision")
    if not isinstance(precision, dict) or precision.get("kv_cache") != "auto":
        return body
    try:
        kept = answer(SERVING_ESTIMATE, body).resolved.kv_cache
    except CalcError:
        return body
    return {**body, "precision": {**precision, "kv_cache": kept}}


def _read(text: str | None) -> "Link":
    """The link, with what is not known of it said on standard error."""
    from llm_calc.adapters.links import read_link

    link = read_link(sys.stdin.read() if text == STDIN else text or "")
    for each in link.replaced:
        print(f"Warning: link: {each}", file=sys.stderr)
    if link.unknown:
        print(f"Warning: link: not known here, ignored: {', '.join(link.unknown)}", file=sys.stderr)
    return link
