from django.contrib import admin
from django.urls import include, path

from console.views import (
    administrators,
    csv_files,
    door,
    imports,
    operator,
    overview,
    people,
    person,
    policy,
)

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
    path("administrators/", administrators.administrators, name="administrators"),
    path("administrators/appoint/", administrators.appoint, name="appoint"),
    path("administrators/<int:person_id>/role/", administrators.role, name="role"),
    path(
        "administrators/<int:person_id>/second-factor/",
        administrators.second_factor,
        name="remove-second-factor",
    ),
    path("imports/", imports.imports, name="imports"),
    path("imports/example.csv", csv_files.example, name="import-example"),
    path("imports/upload/", imports.upload, name="import-upload"),
    path("imports/<uuid:import_id>/", imports.one, name="import"),
    path("imports/<uuid:import_id>/encoding/", imports.encoding, name="import-encoding"),
    path("imports/<uuid:import_id>/check/", imports.check, name="import-check"),
    path("imports/<uuid:import_id>/start/", imports.start, name="import-start"),
    path("imports/<uuid:import_id>/cancel/", imports.cancel, name="import-cancel"),
    path("imports/<uuid:import_id>/report.csv", csv_files.report_file, name="import-report"),
    path("people/export/", csv_files.export, name="people-export"),
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
