"""What the pages of long work share: progress that updates itself, cancelling, and a report."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse

from provisioning.models import BulkRun, Import, SyncRun

_REFRESH_S = 10
"""Seconds, where scripts are off. Not more often: the user has to find the buttons again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What `console/work.html` shows of a piece of work.

    Args:
        done: of `total`, which is 0 if it isn't known.
        refresh_s: after how long the page loads itself again without scripts; None if it doesn't.
        page: where it is shown.
        cancel: what cancels it; empty once nothing can be cancelled.
        report: the file; empty without one.
        report_limit: the lines after which the report ends; 0 if it has all of them.
    """

    state: str
    is_at_work: bool
    done: int
    total: int
    refresh_s: int | None
    page: str
    cancel: str
    report: str
    report_limit: int


def shown_work(  # noqa: PLR0913  # all named
    request: HttpRequest,
    job: Import | SyncRun | BulkRun,
    *,
    page: str,
    may_cancel: bool,
    reported: int,
    most_reported: int,
    done: int = 0,
    total: int = 0,
) -> Work:
    """As the job is now.

    Args:
        page: the name of its address; `-cancel` and `-report` are appended to it.
        most_reported: lines in a report.
    """
    return Work(
        state=job.state,
        is_at_work=job.is_at_work,
        done=done,
        total=total,
        # The page loads itself again until the worker is done or the user stops that.
        refresh_s=_REFRESH_S if job.is_at_work and "still" not in request.GET else None,
        page=reverse(page, args=[job.pk]),
        cancel=reverse(f"{page}-cancel", args=[job.pk]) if may_cancel else "",
        report=reverse(f"{page}-report", args=[job.pk]) if reported else "",
        report_limit=most_reported if reported >= most_reported else 0,
    )
