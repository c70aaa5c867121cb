import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import isolation.scope
import tenants.policy
import verification.models.temporary_access

_SINGLE_KINDS = ["mobile_phone", "alternate_phone", "office_phone", "email", "questions"]


def _tenant_id() -> "models.BigIntegerField[int, int]":
    return models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)


class Migration(migrations.Migration):
    dependencies = [
        ("verification", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.DeleteModel("Answer"),
        migrations.DeleteModel("AuthenticationMethod"),
        migrations.DeleteModel("Authenticator"),
        migrations.DeleteModel("Passkey"),
        migrations.DeleteModel("RecoveryCode"),
        migrations.CreateModel(
            name="RegisteredMethod",
            fields=[
                ("tenant_id", _tenant_id()),
                (
                    "id",
                    models.UUIDField(
                        default=uuid.uuid4, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(choices=tenants.policy.factor_choices, max_length=20),
                ),
                ("label", models.CharField(blank=True, max_length=60)),
                ("data", models.BinaryField(default=b"")),
                ("lookup", models.CharField(blank=True, max_length=64)),
                ("details", models.JSONField(default=dict)),
                ("sms_capable", models.BooleanField(default=False)),
                ("counter", models.BigIntegerField(default=-1)),
                ("drift", models.SmallIntegerField(default=0)),
                ("context", models.UUIDField(null=True)),
                ("created_at", models.DateTimeField()),
                ("verified_at", models.DateTimeField(null=True)),
                ("known_since", models.DateTimeField(null=True)),
                ("last_used_at", models.DateTimeField(null=True)),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "temporary_access",
                    models.BooleanField(
                        db_default=False,
                        default=verification.models.temporary_access.is_temporary_access,
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="methods",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["tenant_id", "user"], name="methods_of_user")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("kind__in", _SINGLE_KINDS)),
                        fields=("tenant_id", "user", "kind"),
                        name="one_method_of_a_kind",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "passkey"), ("removed_at", None)),
                        fields=("tenant_id", "lookup"),
                        name="passkey_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "recovery_code")),
                        fields=("tenant_id", "user", "lookup"),
                        name="one_recovery_code_per_mac",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Answer",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("tenant_id", _tenant_id()),
                ("question_id", models.CharField(max_length=20)),
                ("answer_hash", models.CharField(max_length=128)),
                (
                    "method",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="verification.registeredmethod",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant_id", "method", "question_id"),
                        name="one_answer_to_a_question",
                    )
                ],
            },
        ),
    ]
