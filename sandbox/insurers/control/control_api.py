"""The control API: the sandbox's handle over HTTP, for other processes. Its page is at `/control/docs`."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Path, Query, Request, status
from fastapi.responses import JSONResponse
from pydantic import Field

from sandbox.insurers.control.docs_page import add_page
from sandbox.insurers.control.page_examples import MODES, SCRIPTS, SETTINGS
from sandbox.insurers.control.same_origin import SameOriginOnly
from sandbox.insurers.model.catalogue import INSURERS
from sandbox.insurers.model.handle import Sandbox, UnknownInsurer
from sandbox.insurers.model.magic_values import MAGIC, PREFIX
from sandbox.insurers.model.views import InsurerSeen, KeySeen, Settings, SettingsChange
from sandbox.insurers.script.behaviours import Behaviour
from sandbox.insurers.script.script import BEHAVIOURS_MAX, ScriptTooLong

_DESCRIPTION: Final = """
Twelve invented insurers, each at `/{insurer}/…` in every dialect of the adapters. This API scripts their
behaviour and lists the calls that they received.

A call gets the first behaviour that applies to it: the insurer's **script** (a queue, used up call by
call), its **mode** (for as long as it is set), a **magic value** of the application, chance (the shares of faults, unless `calm`). Behaviours can be meant
for one step (`create`, `poll`, `token`, `callback`) and for some idempotency keys (`keyPrefix`, e.g. a request id).

A create that hangs, breaks, is garbled or gets a 5xx **has** taken the application in: the caller cannot know, and has to
ask again with the same `Idempotency-Key`.

Magic values: one of these models of the vehicle forces the outcome of an application.
`sandbox:hang@sever,decline@volga` is for these insurers alone.

"""
_MAGIC: Final = "| model | what comes of it |\n|---|---|\n" + "".join(
    f"| `{PREFIX}{name}` | {magic.about} |\n" for name, magic in MAGIC.items()
)
_TAGS: Final = [
    {"name": "script", "description": "What an insurer does with its next calls."},
    {"name": "mode", "description": "What an insurer does with every call without a step in its script."},
    {"name": "seen", "description": "What the insurers were asked. Bounded: the oldest is forgotten first."},
    {"name": "settings", "description": "Seed, time scale, calm; and back to the start."},
]

AnyBehaviour = Annotated[Behaviour, Field(discriminator="kind")]
Behaviours = Annotated[
    list[AnyBehaviour], Field(max_length=BEHAVIOURS_MAX), Body(openapi_examples=SCRIPTS, description="In order.")
]
InsurerId = Annotated[str, Path(description="An insurer's id", json_schema_extra={"enum": list(INSURERS)})]


def _sandbox(request: Request) -> Sandbox:
    return request.app.state.sandbox


Handle = Annotated[Sandbox, Depends(_sandbox)]

_ERRORS: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "No such insurer, or nothing seen under this key"},
    409: {"description": f"More than {BEHAVIOURS_MAX} behaviours are waiting"},
}
_router: Final = APIRouter(responses={404: _ERRORS[404]})


def control_app(sandbox: Sandbox) -> FastAPI:
    """To be mounted; its paths begin behind the mount's."""
    app = FastAPI(
        title="Sandbox insurers", description=_DESCRIPTION + _MAGIC, openapi_tags=_TAGS, docs_url=None, redoc_url=None
    )
    app.state.sandbox = sandbox
    app.include_router(_router)
    app.add_exception_handler(UnknownInsurer, _unknown_insurer)
    app.add_exception_handler(ScriptTooLong, _script_too_long)
    add_page(app)
    app.add_middleware(SameOriginOnly)
    return app


@_router.get("/settings", tags=["settings"])
async def read_settings(sandbox: Handle) -> Settings:
    """The settings as they are."""
    return sandbox.settings


@_router.patch("/settings", tags=["settings"])
async def change_settings(
    change: Annotated[SettingsChange, Body(openapi_examples=SETTINGS)], sandbox: Handle
) -> Settings:
    """Changes some settings, for applications that come from now on."""
    return sandbox.change(change)


@_router.post("/reset", tags=["settings"], status_code=status.HTTP_204_NO_CONTENT)
async def reset(sandbox: Handle) -> None:
    """As if just started: applications, scripts, modes, statistics, settings; calls that hang are broken off."""
    sandbox.reset()


@_router.get("/seen", tags=["seen"])
async def read_keys_seen(
    sandbox: Handle,
    prefix: Annotated[str, Query(description="What the keys begin with, e.g. a request id", max_length=255)] = "",
    most: Annotated[int, Query(ge=1, le=10_000)] = 1000,
) -> list[KeySeen]:
    """What came under the idempotency keys that begin so, the oldest first."""
    return sandbox.seen_beginning_with(prefix, most)


@_router.get("/seen/{idempotency_key:path}", tags=["seen"])
async def read_key_seen(idempotency_key: str, sandbox: Handle) -> KeySeen:
    """What came under this idempotency key."""
    seen = sandbox.seen(idempotency_key)
    if seen is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, "nothing was seen under this key")
    return seen


@_router.get("/{insurer}/seen", tags=["seen"])
async def read_insurer_seen(insurer: InsurerId, sandbox: Handle) -> InsurerSeen:
    """What came to this insurer: calls by status, how many at once, how many in each second."""
    return sandbox.seen_by(insurer)


@_router.get("/{insurer}/script", tags=["script"])
async def read_script(insurer: InsurerId, sandbox: Handle) -> list[AnyBehaviour]:
    """What is left of the script, in order."""
    return sandbox.scripted(insurer)


@_router.put("/{insurer}/script", tags=["script"], responses={409: _ERRORS[409]})
async def write_script(insurer: InsurerId, behaviours: Behaviours, sandbox: Handle) -> list[AnyBehaviour]:
    """Writes the script anew; what was left of it is gone."""
    sandbox.rewrite(insurer, *behaviours)
    return sandbox.scripted(insurer)


@_router.post("/{insurer}/script", tags=["script"], responses={409: _ERRORS[409]})
async def append_to_script(insurer: InsurerId, behaviours: Behaviours, sandbox: Handle) -> list[AnyBehaviour]:
    """Appends to what is left of the script."""
    sandbox.script(insurer, *behaviours)
    return sandbox.scripted(insurer)


@_router.delete("/{insurer}/script", tags=["script"], status_code=status.HTTP_204_NO_CONTENT)
async def clear_script(insurer: InsurerId, sandbox: Handle) -> None:
    """The insurer is back to its mode, or to normal."""
    sandbox.rewrite(insurer)


@_router.get("/{insurer}/mode", tags=["mode"])
async def read_mode(insurer: InsurerId, sandbox: Handle) -> AnyBehaviour | None:
    """The mode, null where there is none."""
    return sandbox.mode(insurer)


@_router.put("/{insurer}/mode", tags=["mode"])
async def set_mode(
    insurer: InsurerId, behaviour: Annotated[AnyBehaviour, Body(openapi_examples=MODES)], sandbox: Handle
) -> AnyBehaviour | None:
    """From now on the insurer treats every call so; `times` does not count."""
    sandbox.set_mode(insurer, behaviour)
    return sandbox.mode(insurer)


@_router.delete("/{insurer}/mode", tags=["mode"], status_code=status.HTTP_204_NO_CONTENT)
async def clear_mode(insurer: InsurerId, sandbox: Handle) -> None:
    """Back to normal."""
    sandbox.set_mode(insurer, None)


async def _unknown_insurer(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": f"no insurer {error}"}, status.HTTP_404_NOT_FOUND)


async def _script_too_long(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status.HTTP_409_CONFLICT)
