from django.contrib import admin
from django.urls import include, path

from console.views import door, operator, overview, people, person, policy

pages = [
    path("", overview.overview, name="overview"),
    path("people/", people.people, name="people"),
    path("people/<int:person_id>/", person.person, name="person"),
    path("people/<int:person_id>/timeline/", person.timeline, name="person-timeline"),
    path("people/<int:person_id>/contact/", person.contact, name="person-contact"),
    path("people/<int:person_id>/reveal/<slug:proof>/", person.reveal, name="person-reveal"),
    path("people/<int:person_id>/do/<slug:action>/", person.act, name="person-act"),
    path("find/", people.find, name="find"),
    path("policy/", policy.policy, name="policy"),
    path("policy/impact/", policy.impact, name="policy-impact"),
    path("policy/impact.csv", policy.impact_list, name="policy-impact-list"),
    path("second-factor/", door.second_factor, name="second-factor"),
    path("second-factor/set-up/", door.second_factor_setup, name="second-factor-setup"),
    path("organisations/", operator.organisations, name="organisations"),
    path("organisations/<int:tenant_id>/enter/", operator.enter, name="organisation-enter"),
    path("organisations/leave/", operator.leave, name="organisation-leave"),
]

urlpatterns = [
    path("admin/", include((pages, "console"))),
    path("admin/", admin.site.urls),
]
