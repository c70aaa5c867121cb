"""All addresses of the service."""

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from sspr import brand, health, pages

handler404 = pages.not_found
handler500 = pages.failed
urlpatterns: list[URLPattern | URLResolver] = [
    # First, since patterns are tried in order.
    path("", include("reset.urls")),
    path("", pages.home, name="home"),
    path("help", pages.answers, name="help"),
    path("help/<slug:article>", pages.answers, name="article"),
    path(
        ".well-known/change-password",
        RedirectView.as_view(pattern_name="account:change-password"),
    ),
    path("brand/<uuid:public_id>/<int:edition>.css", brand.stylesheet, name="brand-css"),
    path("brand/<uuid:public_id>/<int:edition>.png", brand.logo, name="brand-logo"),
    path("healthz", health.alive, name="alive"),
    path("readyz", health.ready, name="ready"),
    path("", include("delivery.urls")),
    path("", include("verification.urls")),
    path("", include("registration.urls")),
    path("", include("account.urls")),
    path("", include("console.urls")),
]
if settings.DEMO:
    urlpatterns.append(path("demo/", include("sspr.demo.urls")))
