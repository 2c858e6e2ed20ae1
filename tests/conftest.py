from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.testbed.backends import Backend, Fresh, backend_name, backends
from tests.testbed.role import Roles, logs_of_running_roles, running_roles

# The machine is shared and noisy: how long an example takes is no test's business.
settings.register_profile("newsfeed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("newsfeed")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _sort_longest_files_first(items)
    if backend_name() == "kafka":
        pure = [item for item in items if not _touches_a_server(item)]
        config.hook.pytest_deselected(items=pure)  # they cannot turn out otherwise than in `make test`
        items[:] = [item for item in items if _touches_a_server(item)]
        return
    skip = pytest.mark.skip(reason="needs Apache Kafka and a Redis Cluster: make test-kafka")
    for item in items:
        if item.get_closest_marker("kafka"):
            item.add_marker(skip)


def _sort_longest_files_first(items: list[pytest.Item]) -> None:
    """Files with deaths in them, then those with servers or a time limit of their own, which says that they are long.

    Else the last worker is alone with one for minutes.
    """
    length: dict[Path, int] = {}
    for item in items:
        is_long = _touches_a_server(item) or item.get_closest_marker("timeout") is not None
        own = 2 if item.get_closest_marker("fault") else 1 if is_long else 0
        length[item.path] = max(own, length.get(item.path, 0))
    items.sort(key=lambda item: -length[item.path])


def _touches_a_server(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return bool({"fresh_backends", "servers"} & set(fixtures)) or item.get_closest_marker("kafka") is not None


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


@pytest.fixture
def roles(fresh_backend: Backend, tmp_path: Path) -> Iterator[Roles]:
    """Starts roles as processes on a backend of this test's own."""
    with running_roles(fresh_backend, tmp_path, warm=True) as roles:
        yield roles


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        report.sections += [(f"log of {name}", text) for name, text in logs_of_running_roles()]
    return report
