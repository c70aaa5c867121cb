"""How an organisation looks, and the words of its notices."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import IO

from django.db import transaction
from PIL import Image, UnidentifiedImageError

from audit.activities import Activity
from audit.services import record
from isolation.scope import evict
from tenants.models import Branding, CustomText
from tenants.queries import BRANDING, belongs_to_another_tenant

MAX_LOGO_BYTES = 1 << 20
_MAX_PIXELS, _FORMATS, _LOGO_SIZE = 4_000, ("PNG", "JPEG", "WEBP", "GIF"), (600, 200)


class NotAPicture(ValueError):
    """The file is in no format that is accepted, damaged, or too large."""


class HostTaken(Exception):
    """The host name belongs to another organisation, or lies in its domain."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What administrators set of their branding, validated. `logo` None keeps the logo."""

    colour: str
    names: Mapping[str, str]
    help_texts: Mapping[str, str]
    help_phone: str
    help_url: str
    portal_host: str | None
    logo: bytes | None = None


def redraw_logo(file: IO[bytes]) -> bytes:
    """The picture as a small PNG of our own drawing: nothing else in the file survives.

    Raises:
        NotAPicture: see there.

    Source: OWASP ASVS 5.0 5.2.1 to 5.2.3 (size, type and decoded size checked before use).
    """
    data = file.read(MAX_LOGO_BYTES + 1)
    if len(data) > MAX_LOGO_BYTES:
        raise NotAPicture
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
            # The size is in the head of the file: nothing was decoded yet.
            if max(picture.size) > _MAX_PIXELS:
                raise NotAPicture
            drawn = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise NotAPicture from None
    drawn.thumbnail(_LOGO_SIZE)
    out = io.BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue()


@transaction.atomic
def change_branding(look: Look, *, actor_id: int) -> None:
    """Saves a new edition, so that browsers fetch stylesheet and logo again.

    Raises:
        HostTaken: nothing was changed.
        IntegrityError: the host name is another organisation's portal. Nothing was changed.
    """
    row = Branding.objects.first() or Branding()
    # A host name that was allowed when it was chosen doesn't stop the rest from being saved.
    if look.portal_host != row.portal_host and belongs_to_another_tenant(look.portal_host or ""):
        raise HostTaken
    if look.logo is None or bytes(row.logo) == look.logo:
        look = replace(look, logo=bytes(row.logo))
    values = {field.name: getattr(look, field.name) for field in fields(look)}
    changed = [name for name, value in values.items() if value != getattr(row, name)]
    if not changed:
        return
    for name in changed:
        setattr(row, name, values[name])
    row.edition += 1 if row.pk else 0
    row.save()
    evict(BRANDING)
    record(Activity.BRANDING_CHANGED, actor_id=actor_id, settings=",".join(changed))


@transaction.atomic
def change_text(key: str, language: str, *, subject: str, body: str, actor_id: int) -> None:
    """Gives a notice the organisation's own words."""
    CustomText.objects.update_or_create(
        key=key, language=language, defaults={"subject": subject, "body": body}
    )
    record(Activity.TEXT_CHANGED, actor_id=actor_id, text=key, language=language)


@transaction.atomic
def restore_text(key: str, language: str, *, actor_id: int) -> None:
    """Gives a notice the words of the service again."""
    if CustomText.objects.filter(key=key, language=language).delete()[0]:
        record(Activity.TEXT_CHANGED, actor_id=actor_id, text=key, language=language, restored=True)
