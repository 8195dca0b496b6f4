"""Methods of speculative decoding that an engine's releases have."""

from typing import get_args

from llm_calc.adapters.runs_on import EngineRunsOn, load_runs_on
from llm_calc.adapters.runs_on_rows import release_of
from llm_calc.adapters.wire.speculative import Method
from llm_calc.core.errors import UnsupportedError

FIELD = "speculative.method"


def draft_methods(engine: str, version: str | None) -> tuple[Method, ...]:
    """What a release takes; an engine that is not in the table is none in particular and takes all."""
    rules = load_runs_on().get(engine)
    return get_args(Method) if rules is None else _taken(rules, version)


def check_draft(engine: str, version: str | None, method: Method) -> None:
    """Refuses a method that this release does not have.

    Raises:
        UnsupportedError: names those that it has, its releases that have this one, and engines that do.
    """
    rules = load_runs_on().get(engine)
    if rules is None or method in _taken(rules, version):
        return
    taken = _taken(rules, version)
    others = [name for name, other in load_runs_on().items() if method in _taken(other, None)]
    releases = "".join(_words(rules, method))
    msg = (
        f"{FIELD}: {engine} ({rules.title} {version or rules.newest_read}) has no speculation by {method}{releases}; "
        f"it takes {', '.join(taken) or 'none'}; {method} is run by {', '.join(others)}"
    )
    raise UnsupportedError(msg, field=FIELD, accepted=[*taken], engines=others)


def drafts_in_one_stage(engine: str, version: str | None = None) -> bool:
    """Whether a release starts with a draft only where a model has one pipeline stage."""
    rules, release = load_runs_on().get(engine), release_of(version)
    return rules is not None and any(row.one_stage and not row.missing(release) for row in rules.drafts)


def check_stages(engine: str, version: str | None, stages: int) -> None:
    """Refuses a draft beside pipeline stages where the release does not start with both.

    Raises:
        UnsupportedError: it does not; says what to give.
    """
    if stages == 1 or not drafts_in_one_stage(engine, version):
        return
    rules = load_runs_on()[engine]
    msg = (
        f"parallelism.pipeline: {engine} ({rules.title} {version or rules.newest_read}) does not start with "
        f"speculation and {stages} pipeline stages; give pipeline 1 (its GPUs as tensor), or leave speculative out"
    )
    raise UnsupportedError(msg, field="parallelism.pipeline", accepted=[1])


def check_vocabulary(engine: str, version: str | None, own: int, drafted: int, field: str) -> None:
    """Refuses a smaller model of another vocabulary where the release does.

    Raises:
        UnsupportedError: names both sizes.
    """
    rules, release = load_runs_on().get(engine), release_of(version)
    rows = () if rules is None else rules.drafts
    strict = any(row.same_vocabulary and not row.missing(release) for row in rows)
    if rules is None or own == drafted or not strict:
        return
    msg = (
        f"{field}: it has {drafted} tokens and the model {own}; {engine} ({rules.title} "
        f"{version or rules.newest_read}) refuses a draft model of another vocabulary; give one of {own}"
    )
    raise UnsupportedError(msg, field=field, accepted=[own])


def _taken(rules: EngineRunsOn, version: str | None) -> tuple[Method, ...]:
    release = release_of(version)
    return tuple(method for row in rules.drafts if not row.missing(release) for method in row.methods)


def _words(rules: EngineRunsOn, method: Method) -> list[str]:
    """What other releases have it."""
    rows = [row for row in rules.drafts if method in row.methods]
    after = [f"; releases after {row.missing_up_to} have it" for row in rows if row.missing_up_to]
    return after + [f"; releases before {row.missing_from} have it" for row in rows if row.missing_from]
