"""The objects of a plan, for a cluster."""

import sys

from llm_calc.adapters.wire.plans import DeploymentPlansAnswer
from llm_calc.cli.yaml_text import yaml_documents


def print_manifest(answer: DeploymentPlansAnswer, kind: str) -> bool:
    """The first plan that has such objects, as YAML to standard output; False and the reasons if none has."""
    for plan in answer.plans:
        objects = (plan.manifests or {}).get(kind)
        if objects:
            text = f"plan {plan.rank} by {answer.objective}: {plan.launch_command}"
            sys.stdout.write(yaml_documents(objects, [text, *plan.notes, *answer.warnings]))
            return True
    reasons = dict.fromkeys(note for plan in answer.plans for note in plan.notes if kind in note)
    sys.stderr.write("".join(f"{reason}\n" for reason in reasons or answer.warnings))
    return False
