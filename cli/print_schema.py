"""`osago schema`: the GraphQL schema, and what is derived from it."""

import json


def printed(of: str) -> str:
    """The text."""
    if of == "openapi":
        from app.api.rest.openapi import openapi

        return json.dumps(openapi(), ensure_ascii=False, indent=2) + "\n"
    if of == "asyncapi":
        from cli.asyncapi.asyncapi_document import asyncapi

        return json.dumps(asyncapi(), ensure_ascii=False, indent=2) + "\n"
    if of == "typescript":
        from app.api.schema.typescript import typescript

        return typescript()
    if of == "federation":
        from app.api.schema.build import federation_sdl

        return federation_sdl()
    from app.api.schema.build import sdl

    return sdl()
