"""The objects of a plan or a recommended deployment, for a cluster."""

import sys
from collections.abc import Iterable, Iterator

from llm_calc.adapters.wire.plan_parts import ClusterObject
from llm_calc.adapters.wire.plans import DeploymentPlansAnswer
from llm_calc.adapters.wire.recommend import RecommendGpusAnswer
from llm_calc.cli.yaml_text import yaml_documents

Made = tuple[dict[str, list[ClusterObject]] | None, str, list[str]]
"""Objects by kind, what they are of in words, and notes."""


def print_manifest(answer: DeploymentPlansAnswer, kind: str) -> bool:
    """The first plan that has such objects, as YAML to standard output; False and the reasons if none has."""
    made = (
        (plan.manifests, f"plan {plan.rank} by {answer.objective}: {plan.launch_command}", plan.notes)
        for plan in answer.plans
    )
    return _print(made, kind, answer.warnings)


def print_recommended(answer: RecommendGpusAnswer, kind: str) -> bool:
    """The same of the first recommended deployment that has such objects."""
    return _print(_recommended(answer), kind, answer.warnings)


def _recommended(answer: RecommendGpusAnswer) -> Iterator[Made]:
    for each in answer.recommendations:
        words = f"recommendation {each.rank} by {answer.objective}: {each.count} x {each.name}"
        yield each.manifests, words, each.notes


def _print(made: Iterable[Made], kind: str, warnings: list[str]) -> bool:
    reasons: list[str] = []
    for manifests, words, notes in made:
        if objects := (manifests or {}).get(kind):
            sys.stdout.write(yaml_documents(objects, [words, *notes, *warnings]))
            return True
        reasons += [note for note in notes if kind in note]
    sys.stderr.write("".join(f"{reason}\n" for reason in dict.fromkeys(reasons or warnings)))
    return False
