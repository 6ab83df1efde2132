"""`Query` as it is served: with the two fields that a gateway of Apollo Federation asks."""

from typing import cast

import strawberry

from app.api.schema.federation.entities import Entity, Representation, find_entities
from app.api.schema.federation.subgraph_sdl import subgraph_sdl
from app.api.schema.queries import Query
from app.api.schema.types import ContextInfo


@strawberry.type(name="_Service")
class ServiceType:
    sdl: str = strawberry.field(description="The schema with its entities' keys, as composition reads it.")


@strawberry.type(name="Query")
class SubgraphQuery(Query):
    @strawberry.field(name="_service", description="For composition: the subgraph's own schema.")
    def service(self, info: ContextInfo) -> ServiceType:
        return ServiceType(sdl=subgraph_sdl(info.schema))

    @strawberry.field(
        name="_entities",
        description="For gateways: the entities that these representations name, in their order; null for each that "
        "is not there, or that the caller may not see.",
    )
    async def entities(self, info: ContextInfo, representations: list[Representation]) -> list[Entity | None]:
        return cast("list[Entity | None]", await find_entities(info.context, representations))
