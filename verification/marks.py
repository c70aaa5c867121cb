"""What a view says about itself: who may open it when, and what it is opened for.

Middleware and sign-in read it, so that no module has a list of pages. Each mark is an attribute of
the view, as in Django's `login_not_required`, and decorators that use `functools.wraps` pass it on.
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Any, TypeVar

from django.urls import Resolver404, resolve

View = Callable[..., object]
_View = TypeVar("_View", bound=View)


class Stage(Enum):
    """What a user may have to do at sign-in, in this order: see `registration.stages`."""

    TEMPORARY_PASSWORD = auto()
    SECOND_FACTOR = auto()
    REGISTER = auto()
    RECONFIRM = auto()


def view_at(path: str) -> View | None:
    """The view at an address of ours, for what runs before Django looks it up. None has no mark."""
    try:
        return resolve(path).func
    except Resolver404:
        return None


def open_during(*stages: Stage, by_pass: bool = False) -> Callable[[_View], _View]:
    """Marks a view that stays open to a signed-in user who has something else to do first.

    Args:
        stages: while any of these is due. During others the view leads to the stage's page.
        by_pass: whether it is open in a session that a Temporary Access Pass opened. Other views
            take the user for signed out.
    """

    def mark(view: _View) -> _View:
        return _marked(view, open_during=frozenset(stages), is_open_by_pass=by_pass)

    return mark


def is_open_during(view: View | None, stage: Stage) -> bool:
    return stage in getattr(view, "open_during", ())


def is_open_by_pass(view: View | None) -> bool:
    return getattr(view, "is_open_by_pass", False)


def sign_in_leads_here(view: _View) -> _View:
    """Marks a page that a user may ask for before they sign in."""
    return _marked(view, sign_in_leads_here=True)


def page_of_the_admin(view: _View) -> _View:
    """Marks a page of the admin. It asks for a second factor itself."""
    return sign_in_leads_here(open_during(Stage.SECOND_FACTOR)(view))


def not_a_page(view: _View) -> _View:
    """Marks a view that only takes a form: sign-in never leads there.

    It stands above all other decorators.
    """
    return _marked(view, sign_in_leads_here=False)


def may_sign_in_lead_to(view: View | None) -> bool:
    return getattr(view, "sign_in_leads_here", False) and not is_for_a_script(view)


def takes_return_to(view: _View) -> _View:
    """Marks a page that other services link to with `?return_to=`: see `ReturnTo`."""
    return _marked(view, takes_return_to=True)


def does_take_return_to(view: View | None) -> bool:
    return getattr(view, "takes_return_to", False)


def takes_files(view: _View) -> _View:
    """Marks a view whose requests may be larger than what is kept in memory."""
    return _marked(view, takes_files=True)


def does_take_files(view: View | None) -> bool:
    return getattr(view, "takes_files", False)


def for_a_script(view: _View) -> _View:
    """Marks a view that the script of a page asks while its user goes on.

    Its answers change neither cookies nor the session: they can arrive after those of the next
    page.
    """
    return _marked(view, for_a_script=True)


def is_for_a_script(view: View | None) -> bool:
    return getattr(view, "for_a_script", False)


def _marked(view: _View, **marks: Any) -> _View:
    for name, value in marks.items():
        setattr(view, name, value)
    return view
