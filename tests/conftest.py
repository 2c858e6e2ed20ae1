from collections.abc import Iterator

import pytest

from tests.testbed.backends import Backend, Fresh, backend_name, backends


@pytest.fixture(scope="session")
def fresh_backends() -> Iterator[Fresh]:
    with backends(backend_name()) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def backend(fresh_backends: Fresh) -> Backend:
    """Kafka with empty topics and an empty Redis, for the tests of one file."""
    return fresh_backends()


@pytest.fixture
def fresh_backend(fresh_backends: Fresh) -> Backend:
    """The same for one test."""
    return fresh_backends()
