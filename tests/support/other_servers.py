"""The API under servers that are not its own."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

import uvicorn
from support.until import until
from support.world import ApiAtHand, World
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.main import create_app


@contextlib.asynccontextmanager
async def plain_uvicorn(world: World) -> AsyncGenerator[ApiAtHand, None]:
    """The API as any ASGI server has it."""
    app = create_app(world.settings)
    config = uvicorn.Config(app, port=0, http=HttpToolsProtocol, ws="none", lifespan="on", log_config=None)
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        await until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield ApiAtHand(f"http://127.0.0.1:{port}", world.token(), app.state.services, app)
        finally:
            server.should_exit = True
