"""Every operation but the documented calculation: one route each, all alike."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Response

from llm_calc.adapters.operations import CALCULATE, OPERATIONS, Operation
from llm_calc.api.deps import CatalogsDep
from llm_calc.api.json_body import new_router
from llm_calc.api.responses import json_response
from llm_calc.api.threads import run_in_thread

router = new_router("planning")


def _endpoint(operation: Operation[Any, Any]) -> Callable[..., Awaitable[Response]]:
    """A handler whose request has the type of the operation's."""
    run = operation.run

    async def at_once(request: Any, catalogs: CatalogsDep) -> Response:  # noqa: ANN401 - set below
        return json_response(run(request, catalogs))

    async def in_thread(request: Any, catalogs: CatalogsDep) -> Response:  # noqa: ANN401 - set below
        return json_response(await run_in_thread(lambda: run(request, catalogs)))

    handler = in_thread if operation.takes_long else at_once
    handler.__annotations__["request"] = operation.request
    return handler


for _operation in OPERATIONS:
    if _operation is not CALCULATE:
        router.add_api_route(
            _operation.path,
            _endpoint(_operation),
            methods=["POST"],
            operation_id=_operation.name,
            name=_operation.name,
            summary=_operation.name.replace("_", " ").capitalize(),
            description=_operation.description,
            response_model=_operation.answer,
        )
