import pytest

from tests.support.leaks import nothing_more


@pytest.fixture(autouse=True)
async def nothing_is_left_behind():
    """Every fault ends with the tasks, files and sockets that there were before it."""
    async with nothing_more():
        yield
