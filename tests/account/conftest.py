import pytest

from tests.builders import make_email, make_user


@pytest.fixture
def user(contoso):
    """With an address of their own, by which a reset can be proved."""
    made = make_user()
    make_email(made)
    return made
