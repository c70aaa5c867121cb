"""Moves the bits of the account's status up, so that new factors find free bits below them."""

from django.db import migrations, models
from django.db.models import Case, F, IntegerField, Value, When


def bit(number: int, **condition: object) -> Case:
    bit, none = Value(1 << number), Value(0)
    return Case(When(**condition, then=bit), default=none, output_field=IntegerField())


class Migration(migrations.Migration):
    dependencies = [('directory', '0002_directory_lockout')]

    operations = [
        migrations.RemoveIndex('user', 'user_eligibility'),
        migrations.RemoveField('user', 'eligibility_key'),
        migrations.AddField(
            'user',
            'eligibility_key',
            models.GeneratedField(
                expression=F('factors')
                + bit(27, enabled=False)
                + bit(28, frozen_at__isnull=False)
                + Case(
                    When(connector='builtin', then=Value(0)),
                    When(connector='directory', writeback=True, then=Value(0)),
                    default=Value(1 << 29),
                    output_field=IntegerField(),
                )
                + bit(30, role__in=['operator', 'tenant_admin', 'helpdesk']),
                output_field=IntegerField(),
                db_persist=True,
            ),
        ),
        migrations.AddIndex(
            'user',
            models.Index(fields=['tenant_id', 'eligibility_key', 'id'], name='user_eligibility'),
        ),
    ]
