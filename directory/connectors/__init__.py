from directory.connectors.accounts import Accounts
from directory.connectors.base import Connector
from directory.connectors.builtin import Builtin
from directory.connectors.elsewhere import Elsewhere
from directory.factors import BUILTIN, DIRECTORY
from directory.models import User

_CONNECTORS: dict[str, Connector] = {BUILTIN: Builtin(), DIRECTORY: Accounts()}
"""By the values of `User.connector`."""
_ELSEWHERE = Elsewhere()


def connector_of(user: User) -> Connector:
    """The code that talks to the directory of this user."""
    return _CONNECTORS.get(user.connector, _ELSEWHERE)
