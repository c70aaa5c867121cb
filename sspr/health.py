"""Health checks of this node."""

from typing import Any

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from audit.services.sealing import overdue
from console.queries.step_up import has_second_factor
from directory.connectors.health import is_down
from directory.models import DirectoryConnection, User
from directory.services.health import enabled_directories
from isolation.scope import StatementLimits, limited_to
from tenants.queries import tenant_ids
from tenants.roles import Role
from verification.marks import Stage, open_during
from verification.session import Session

_CACHED_S = 60
"""How long what takes a look at rows is cached, since anyone may request it."""
_LOOK_UP = StatementLimits(statement_s=2, lock_s=2)
_log = structlog.get_logger(__name__)


@open_during(Stage.REGISTER)
@require_safe
def alive(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"alive": True})


@open_during(Stage.REGISTER)
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 while the database or the broker can't be reached.

    `audit` is false if audit events aren't sealed, or if that can't be read in time. That is an
    alarm but no reason to take a node out of service, so it doesn't change the status. Nor does
    `directories`, which is false if one of any organisation has been down for some minutes. Which
    ones there are, and how they are, is for operators who are signed in to the admin.
    """
    state: dict[str, Any] = {"database": _database(), "broker": _broker()}
    works = all(state.values())
    if state["database"]:
        state["audit"] = bool(cache.get_or_set("audit_is_sealed", _audit, _CACHED_S))
        works_all = cache.get_or_set("directories_work", _directories, _CACHED_S)
        state["directories"] = bool(works_all)
        if _is_operator(request):
            state["each_directory"] = [_described(row) for row in enabled_directories()]
    return JsonResponse(state, status=200 if works else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _audit() -> bool:
    """Whether all events are sealed; also false if that couldn't be read in time."""
    try:
        with limited_to(_LOOK_UP), transaction.atomic():
            return not overdue(tenant_ids())
    except DatabaseError:
        _log.exception("audit_look_up_failed")
        return False


def _directories() -> bool:
    return not any(map(is_down, enabled_directories()))


def _is_operator(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or not user.is_active or user.role != Role.OPERATOR:
        return False
    return has_second_factor(Session(request.session), user)


def _described(row: DirectoryConnection) -> dict[str, Any]:
    return {
        "organisation": row.tenant_id,
        "directory": row.name,
        "works": row.down_since is None,
        "down_since": row.down_since,
        "last_success_at": row.last_success_at,
        "last_failure_at": row.last_failure_at,
        "last_failure": row.last_failure,
    }


def _broker() -> bool:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return False
    return True
