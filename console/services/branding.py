"""How an organisation looks, and what its mails say."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import translation
from PIL import Image, UnidentifiedImageError

from audit.activities import Activity
from audit.services import record
from delivery import services as outbox
from delivery.models import Kind
from delivery.rules.mailboxes import mailbox
from directory.models import User
from isolation.scope import current_tenant_id, evict
from limits import services as limits
from limits.rules import Limit
from tenants.models import Branding, CustomText
from tenants.queries import BRANDING, belongs_to_another_tenant
from verification.services import notices
from verification.services.notice_words import Notice

MOST_BYTES, MOST_PIXELS, _KINDS = 1 << 20, 4_000, ("PNG", "JPEG", "WEBP", "GIF")
_FITS = (600, 200)
_LIFETIME = timedelta(hours=1)


class NotAPicture(ValueError):
    """Not one of the kinds of pictures that are taken, damaged, or too large."""


class HostTaken(Exception):
    """The host name is, or could become, another organisation's."""


class TooManyTests(Exception):
    """Enough test messages were sent for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What the page sets; everything checked. `logo` None leaves the one there is."""

    colour: str
    names: Mapping[str, str]
    help_texts: Mapping[str, str]
    help_phone: str
    help_url: str
    portal_host: str
    logo: bytes | None = None


def redrawn(file: BinaryIO) -> bytes:
    """The picture drawn anew as a small PNG: whatever else was in the file is gone.

    Raises:
        NotAPicture: see there.

    Source: OWASP ASVS 5.0 5.2.1 to 5.2.3 (size, type and decoded size checked before use).
    """
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise NotAPicture
    try:
        with Image.open(io.BytesIO(data), formats=_KINDS) as picture:
            # The size stands in the head of the file: nothing was decoded yet.
            if max(picture.size) > MOST_PIXELS:
                raise NotAPicture
            drawn = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise NotAPicture from None
    drawn.thumbnail(_FITS)
    out = io.BytesIO()
    drawn.save(out, "PNG", optimize=True)
    return out.getvalue()


@transaction.atomic
def change_look(admin: User, look: Look) -> None:
    """Another edition: browsers fetch stylesheet and logo anew.

    Raises:
        HostTaken: it lies in a domain of another organisation. Nothing was changed.
        IntegrityError: it is another organisation's portal. Nothing was changed.
    """
    row = Branding.objects.first() or Branding()
    # One that became forbidden since it was chosen keeps nobody from saving the rest.
    if look.portal_host != (row.portal_host or "") and belongs_to_another_tenant(look.portal_host):
        raise HostTaken
    values: dict[str, Any] = {
        "colour": look.colour,
        "names": dict(look.names),
        "help_texts": dict(look.help_texts),
        "help_phone": look.help_phone,
        "help_url": look.help_url,
        "portal_host": look.portal_host or None,
    }
    if look.logo is not None:
        values["logo"] = look.logo
    changed = [name for name, value in values.items() if _differs(getattr(row, name), value)]
    if not changed:
        return
    for name, value in values.items():
        setattr(row, name, value)
    row.edition += 1 if row.pk else 0
    row.save()
    evict(BRANDING)
    record(Activity.BRANDING_CHANGED, actor_id=admin.pk, settings=",".join(changed))


@transaction.atomic
def change_text(admin: User, key: str, language: str, *, subject: str, body: str) -> None:
    CustomText.objects.update_or_create(
        key=key, language=language, defaults={"subject": subject, "body": body}
    )
    record(Activity.TEXT_CHANGED, actor_id=admin.pk, text=key, language=language)


@transaction.atomic
def restore_text(admin: User, key: str, language: str) -> None:
    """Our own words again."""
    if CustomText.objects.filter(key=key, language=language).delete()[0]:
        record(Activity.TEXT_CHANGED, actor_id=admin.pk, text=key, language=language, restored=True)


def send_test(admin: User, key: str, language: str) -> None:
    """The mail as people get it, to the administrator's own mailbox and nowhere else.

    Raises:
        TooManyTests: nothing was sent.
        delivery.rules.mailboxes.NotAMailbox: the user principal name is no mailbox.
    """
    address, tenant = mailbox(admin.upn), str(current_tenant_id())
    if not limits.hit(Limit.TEST_MESSAGES_OF_A_TENANT, tenant).allowed:
        raise TooManyTests
    with transaction.atomic(), translation.override(language):
        content = notices.sample(admin, Notice(key))
        outbox.post_to_each(
            Kind.EMAIL,
            [address],
            share=outbox.Share.STAFF,
            language=language,
            lifetime=_LIFETIME,
            content=content,
        )
        record(Activity.TEST_SENT, actor_id=admin.pk, text=key, language=language)


def _differs(old: Any, new: Any) -> bool:
    return bool(bytes(old) != new) if isinstance(new, bytes) else bool(old != new)
