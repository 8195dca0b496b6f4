"""Answers that are already right: serialised once, not validated again."""

from starlette.responses import Response

from llm_calc.adapters.json_text import json_bytes

JSON = "application/json"


def json_response(answer: object) -> Response:
    """Serialise a wire model, or plain containers, to JSON without validating it a second time.

    The route still documents its type with ``response_model``; tests hold answers against that schema.
    """
    return Response(json_bytes(answer), media_type=JSON)
