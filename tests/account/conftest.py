import pytest

from tests.builders import make_email


@pytest.fixture
def user(user):
    """With an address, by which a reset can be proved."""
    make_email(user)
    return user
