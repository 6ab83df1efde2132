"""The view under any ASGI server, and the answers that last, which need one."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.graphql_errors import BadHttpRequest
from app.api.http.request_head import id_of, read_body
from app.api.http.subscription_answer import lasting_answer
from app.api.http.view import GraphQLView, to_response
from app.api.services import Services
from app.server.direct_application import Head


async def answer(request: Request, view: GraphQLView, services: Services) -> Response:
    """A stream where the caller wants one, else the view's reply, which is finished even if its caller has gone."""
    try:
        body = await read_body(request)
    except BadHttpRequest as error:  # the caller has hung up
        return Response(status_code=error.status)
    if lasting := await lasting_answer(request, body, services):
        lasting.headers["X-Request-Id"] = id_of(request)
        return lasting
    head = Head(request.method, request.scope["headers"], request.scope["query_string"])
    return to_response(await services.finishing.finish(view.handle(head, body)))
