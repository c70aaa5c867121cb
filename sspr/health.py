"""Health checks of this node."""

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from audit.services.sealing import overdue
from isolation.scope import StatementLimits, limited_to
from tenants.queries import tenant_ids
from verification.marks import Stage, open_during

_AUDIT_S = 60
"""How long the state of the chains is cached, since anyone may request it."""
_LOOK_UP = StatementLimits(statement_s=2, lock_s=2)
_log = structlog.get_logger(__name__)


@open_during(Stage.REGISTER)
@require_safe
def alive(_request: HttpRequest) -> JsonResponse:
    return JsonResponse({"alive": True})


@open_during(Stage.REGISTER)
@require_safe
def ready(_request: HttpRequest) -> JsonResponse:
    """503 while the database or the broker can't be reached.

    `audit` is false if audit events aren't sealed, or if that can't be read in time. That is an
    alarm but no reason to take a node out of service, so it doesn't change the status.
    """
    state = {"database": _database(), "broker": _broker()}
    works = all(state.values())
    if state["database"]:
        state["audit"] = bool(cache.get_or_set("audit_is_sealed", _audit, _AUDIT_S))
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


def _broker() -> bool:
    try:
        with current_app.connection_for_write() as broker:
            broker.ensure_connection(max_retries=1, timeout=2)
    except (OperationalError, OSError):
        return False
    return True
