"""Every operation but the documented calculation: one route each, all alike."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response

from llm_calc.adapters.operations import CALCULATE, OPERATIONS, Operation
from llm_calc.api.deps import CatalogsDep, beside_of, pool_of
from llm_calc.api.json_body import new_router
from llm_calc.api.pools import while_wanted
from llm_calc.api.responses import JSON, json_response
from llm_calc.api.tasks import Answer

router = new_router("planning")


def _endpoint(operation: Operation[Any, Any]) -> Callable[..., Awaitable[Response]]:
    """A handler whose body has the type of the operation's request; a thread of its pool waits for the work."""

    async def light(body: Any, request: Request, catalogs: CatalogsDep) -> Response:  # noqa: ANN401 - set below
        def answer() -> Response:
            return json_response(operation.run(body, catalogs))

        return await while_wanted(request, pool_of(request, "light").run(answer))

    async def heavy(body: Any, request: Request, catalogs: CatalogsDep) -> Response:  # noqa: ANN401 - set below
        def answer() -> Response:
            (content,) = beside_of(request).pieces(Answer(operation.name, body), catalogs)
            return Response(content, media_type=JSON)

        return await while_wanted(request, pool_of(request, "heavy").run(answer))

    handler = heavy if operation.takes_long else light
    handler.__annotations__["body"] = operation.request
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
