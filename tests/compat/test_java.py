"""Java's own HTTP client with its defaults, which ask for HTTP/2 by an upgrade: Spring's RestClient and Ktor build on it."""

import asyncio
import json
from pathlib import Path

import pytest
from support.foreign import program
from support.world import World

from bench.system import CREATE

SOURCE = Path(__file__).parent / "PostWithDefaults.java"


@pytest.mark.timeout(300)
async def test_java_posts_with_its_defaults(world: World) -> None:
    """A query, a mutation and REST, twice each over the connections that the client keeps."""
    java = program("java", package="default-jdk-headless")
    world.write_insurers("sever")
    api = await world.api()
    mutation = json.dumps({"query": CREATE, "variables": {"input": world.new_request()}})
    process = await asyncio.create_subprocess_exec(
        *(java, str(SOURCE), api.token, api.url),
        *("/graphql", '{"query": "{ insurers { id } }"}'),
        *("/graphql", mutation),
        *("/osago/quotes", json.dumps(world.new_request())),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    if b"release version" in errors or b"compiler" in errors.lower():
        pytest.skip(f"a JDK is needed, not a JRE alone: {errors.decode()[:200]}")
    assert process.returncode == 0, errors.decode()
    lines = out.decode().splitlines()
    assert len(lines) == 6
    for line, expected in zip(lines, ["sever"] * 2 + ["QuoteRequestAccepted"] * 2 + ["watchToken"] * 2, strict=True):
        status, version, body = line.split(" ", 2)
        assert (status[0], version) == ("2", "HTTP_1_1"), body
        assert expected in body
