"""``/llms.txt``: what the service is and how it is asked, for language models that read it."""

from llm_calc.adapters.operations import OPERATIONS

HEAD = """# llm-calc

> Inference calculator for large language models: exact parameters and memory, calibrated speed, cost, deployments.

All questions are POST requests with JSON bodies; figures named `_bytes` are bytes, `_s` seconds, `_fraction` 0 to 1.
Every error is `{"error": sentence}`, which names the field and what is accepted. Say what `warnings`, `assumptions` and
intervals of an answer say when you pass its figures on.

## Questions

"""
TAIL = """
## Lists

- [/api/available_models](/api/available_models): the models that are known by name
- [/api/available_gpus](/api/available_gpus): the GPUs, with peaks, memory and typical prices
- [/api/engines](/api/engines), [/api/formats](/api/formats), [/api/prices](/api/prices), [/api/links](/api/links)

## More

- [/openapi.json](/openapi.json): the whole description, with examples of requests and answers
- [/docs](/docs): the same to read and try out
- [/mcp](/mcp): the same questions as tools, over the Model Context Protocol (streamable HTTP)
- [/](/): the calculator as a page
"""


def llms_text() -> str:
    """The text, one line a question."""
    lines = [
        f"- [{each.path}](/docs): {each.description.partition(chr(10))[0]}"
        for each in sorted(OPERATIONS, key=lambda each: each.name)
    ]
    lines.append(
        "- [/api/sweep](/docs): A grid over any fields of a request, one row for each combination, streamed"
    )
    return HEAD + "\n".join(lines) + "\n" + TAIL
