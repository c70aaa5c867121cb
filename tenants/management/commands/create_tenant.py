from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_slug
from django.db import IntegrityError

from tenants.queries import portals_in, taken_domains, tenant_by_slug
from tenants.rules import NotADomain, domain_name, is_country, is_time_zone, time_zones
from tenants.services import NewTenant, create_tenant

_LONGEST = {"--name": 100, "--short-name": 20, "--slug": 40}


class Command(BaseCommand):
    help = (
        "Create an organisation. Its users can't reset passwords yet: "
        "set_policy --tenant SLUG self_service=all lets them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True, help="what people call it")
        parser.add_argument("--slug", required=True, help="its name in commands, like contoso")
        parser.add_argument(
            "--domain",
            required=True,
            action="append",
            dest="domains",
            help="that its user principal names end in; may be given several times",
        )
        parser.add_argument("--country", required=True, help="ISO 3166 code, like KR")
        parser.add_argument("--language", required=True, help=f"one of {_languages()}")
        parser.add_argument(
            "--time-zone", help="like Asia/Seoul; needed for a country with several"
        )
        parser.add_argument("--short-name", default="", help="that fits into a text message")

    def handle(self, **options: Any) -> None:
        new_tenant = _checked(options)
        try:
            create_tenant(new_tenant)
        except IntegrityError:
            raise CommandError("--slug, --domain: another process just took it") from None
        self.stdout.write(f"Created {new_tenant.slug} with {', '.join(new_tenant.domains)}.")


def _checked(options: dict[str, Any]) -> NewTenant:
    if not options["name"].strip():
        raise CommandError("--name: may not be empty")
    country = options["country"].upper()
    if not is_country(country):
        raise CommandError(f"--country: {country} is no ISO 3166 code; give one like KR")
    if options["language"] not in dict(settings.LANGUAGES):
        raise CommandError(f"--language: {options['language']} isn't one of {_languages()}")
    time_zone = options["time_zone"] or _only_time_zone(country)
    if not is_time_zone(time_zone):
        raise CommandError(f"--time-zone: {time_zone} is unknown; give one like Asia/Seoul")
    return NewTenant(
        name=_fitting("--name", options["name"]),
        slug=_free_slug(options["slug"]),
        domains=_free_domains(options["domains"]),
        country=country,
        language=options["language"],
        time_zone=time_zone,
        short_name=_fitting("--short-name", options["short_name"]),
    )


def _only_time_zone(country: str) -> str:
    zones = time_zones(country)
    if len(zones) != 1:
        some = f" ({', '.join(zones)})" if zones else ""
        raise CommandError(f"--time-zone: needed, {country} has several or none{some}")
    return zones[0]


def _fitting(option: str, text: str) -> str:
    text, longest = text.strip(), _LONGEST[option]
    if len(text) > longest or not text.isprintable():
        raise CommandError(f"{option}: at most {longest} printable characters")
    return text


def _free_slug(text: str) -> str:
    slug = _fitting("--slug", text)
    try:
        validate_slug(slug)
    except ValidationError:
        raise CommandError("--slug: letters without accents, digits, - and _ only") from None
    if tenant_by_slug(slug):
        raise CommandError(f"--slug: {slug} is taken")
    return slug


def _free_domains(texts: list[str]) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for text in texts:
        try:
            names[domain_name(text)] = None
        except NotADomain:
            raise CommandError(f"--domain: {text} isn't a domain like contoso.com") from None
    if taken := taken_domains(names.keys()):
        raise CommandError(f"--domain: {', '.join(taken)} belongs to an organisation already")
    if portals := [host for name in names for host in portals_in(name)]:
        raise CommandError(
            f"--domain: {', '.join(portals)} is the portal of another organisation;"
            " it must give that host name up first"
        )
    return tuple(names)


def _languages() -> str:
    return ", ".join(code for code, _ in settings.LANGUAGES)
