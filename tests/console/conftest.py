import pytest

from tenants.models import Group
from tenants.roles import Role
from tests.builders import make_user
from tests.console.people import behind_both, make_admin


@pytest.fixture
def admin(contoso):
    """The browser of a tenant admin, who may do everything in this organisation."""
    return behind_both(make_admin())


@pytest.fixture
def helpdesk(contoso):
    """The browser of a helpdesk agent."""
    return behind_both(make_admin("help@contoso.example", role=Role.HELPDESK))


@pytest.fixture
def boss(contoso):
    """A second administrator, for what administrators may not do to themselves."""
    return make_admin("boss@contoso.example")


@pytest.fixture
def staff(contoso):
    return Group.objects.create(name="Staff")


@pytest.fixture
def person(contoso):
    """The user whom administrators act on."""
    return make_user()
