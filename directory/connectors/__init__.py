from directory.connectors.base import Connector
from directory.connectors.builtin import Builtin
from directory.connectors.elsewhere import Elsewhere
from directory.models import User


def connector_of(user: User) -> Connector:
    """The code that talks to the directory which keeps this user's password."""
    return Builtin() if user.connector == "builtin" else Elsewhere()
