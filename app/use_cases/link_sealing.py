"""Purchase links that have to be sealed: stored in the clear by the release before this one, or sealed with another key."""

from typing import Final

import structlog

from app.postgres.database import Pool, transaction
from app.postgres.link_cipher import LinkCipher
from app.postgres.stored_links import BEGINNING, links_in_clear, links_sealed_otherwise, replace_links

log: Final = structlog.get_logger(__name__)

BATCH_MAX: Final = 500


class LinkSealing:
    """Seals stored links in small batches, beside the work that goes on."""

    def __init__(self, pool: Pool, links: LinkCipher) -> None:
        self._pool = pool
        self._links = links

    async def seal_all(self) -> int:
        """Seals every link that is stored in the clear, destroys those of purged requests; returns how many there were.

        Runs in every process, for as long as workers of an older release may write such rows.

        Raises:
            Unavailable: PostgreSQL is not there; call again, and it goes on.
        """
        # From page to page and not from the beginning: what was sealed leaves dead entries in the index until a vacuum.
        after, sealed, batch = BEGINNING, 0, BATCH_MAX
        while batch == BATCH_MAX:
            async with transaction(self._pool) as connection:
                stored = await links_in_clear(connection, after=after, most=BATCH_MAX)
                batch = len(stored)
                if batch:
                    links = [None if one.is_purged else self._links.seal(one.key[0], one.text) for one in stored]
                    await replace_links(connection, [one.key for one in stored], links)
                    after = stored[-1].key
            sealed += batch
        if sealed:
            log.info("links.sealed", links=sealed)
        return sealed

    async def rotate(self) -> tuple[int, int]:
        """Seals links of other keys with the first key; returns how many, and how many no known key opens.

        Raises:
            Unavailable: PostgreSQL is not there; call again, and it goes on.
        """
        after, resealed, unreadable = BEGINNING, 0, 0
        while True:
            async with transaction(self._pool) as connection:
                page = await links_sealed_otherwise(connection, self._links.key_id, after=after, most=BATCH_MAX)
                if not page:
                    return resealed, unreadable
                opened = [(one.key, url) for one in page if (url := self._links.open(one.key[0], one.text))]
                keys = [key for key, _ in opened]
                await replace_links(connection, keys, [self._links.seal(id_, url) for (id_, _), url in opened])
            resealed += len(opened)
            unreadable += len(page) - len(opened)
            after = page[-1].key
