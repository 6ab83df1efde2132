"""The view under any ASGI server."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.graphql_errors import BadHttpRequest
from app.api.http.request_head import read_body
from app.api.http.view import GraphQLView
from app.runtime.shielded_tasks import ShieldedTasks
from app.server.direct_application import Head


async def answer(request: Request, view: GraphQLView, finishing: ShieldedTasks) -> Response:
    """The view's reply, which is finished even if its caller has gone."""
    try:
        body = await read_body(request)
    except BadHttpRequest as error:  # the caller has hung up
        return Response(status_code=error.status)
    head = Head(request.method, request.scope["headers"], request.scope["query_string"])
    reply = await finishing.finish(view.handle(head, body))
    response = Response(reply.body, reply.status)
    response.raw_headers = list(reply.headers)
    return response
