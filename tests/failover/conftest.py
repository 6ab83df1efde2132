"""A migrated cluster, made once; each test has copies of it."""

from collections.abc import Generator

import pytest
from support.postgresql_cluster import ClusterTemplate


@pytest.fixture(scope="session")
def cluster_template() -> Generator[ClusterTemplate, None, None]:
    made = ClusterTemplate()
    yield made
    made.remove()
