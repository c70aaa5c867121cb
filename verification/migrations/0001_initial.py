
import django.db.models.deletion
import isolation.scope
import tenants.policy.methods
import tenants.roles
import uuid
import verification.models.temporary_access
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Challenge',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('user_id', models.BigIntegerField()),
                ('purpose', models.CharField(choices=[('reset', 'Reset'), ('register', 'Register'), ('sign_in', 'Sign In'), ('caller', 'Caller')], max_length=10)),
                ('context', models.UUIDField()),
                ('method', models.CharField(choices=tenants.policy.methods.method_choices, max_length=20)),
                ('destination', models.BinaryField(default=b'')),
                ('sms_capable', models.BooleanField(default=False)),
                ('outgoing_id', models.UUIDField(null=True)),
                ('code_mac', models.CharField(blank=True, max_length=64)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('older_codes', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('denied_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('spent_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', 'context', '-created_at'], name='challenge_newest'), models.Index(fields=['tenant_id', 'outgoing_id'], name='challenge_of_message')],
            },
        ),
        migrations.CreateModel(
            name='RegisteredMethod',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=tenants.policy.methods.factor_choices, max_length=20)),
                ('label', models.CharField(blank=True, max_length=60)),
                ('data', models.BinaryField(default=b'')),
                ('lookup', models.CharField(blank=True, max_length=64)),
                ('details', models.JSONField(default=dict)),
                ('sms_capable', models.BooleanField(default=False)),
                ('counter', models.BigIntegerField(default=-1)),
                ('drift', models.SmallIntegerField(default=0)),
                ('context', models.UUIDField(null=True)),
                ('created_at', models.DateTimeField()),
                ('verified_at', models.DateTimeField(null=True)),
                ('known_since', models.DateTimeField(null=True)),
                ('last_used_at', models.DateTimeField(null=True)),
                ('removed_at', models.DateTimeField(null=True)),
                ('temporary_access', models.BooleanField(db_default=False, default=verification.models.temporary_access.is_temporary_access)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='methods', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Answer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('question_id', models.CharField(max_length=20)),
                ('answer_hash', models.CharField(max_length=128)),
                ('method', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='verification.registeredmethod')),
            ],
        ),
        migrations.CreateModel(
            name='RememberedBrowser',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('token_mac', models.CharField(max_length=64)),
                ('session_epoch', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='SignInLockout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('who', models.CharField(max_length=64)),
                ('device', models.CharField(max_length=64)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('locks', models.PositiveSmallIntegerField(default=0)),
                ('recent', models.JSONField(default=list)),
                ('locked_until', models.DateTimeField(null=True)),
                ('last_at', models.DateTimeField(null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'who', 'device'), name='one_lockout_of_a_device')],
            },
        ),
        migrations.CreateModel(
            name='AccessPass',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('mac', models.CharField(max_length=64)),
                ('role', models.CharField(blank=True, choices=[(tenants.roles.Role['NONE'], tenants.roles.Role['NONE']), (tenants.roles.Role['OPERATOR'], tenants.roles.Role['OPERATOR']), (tenants.roles.Role['TENANT_ADMIN'], tenants.roles.Role['TENANT_ADMIN']), (tenants.roles.Role['HELPDESK'], tenants.roles.Role['HELPDESK']), (tenants.roles.Role['REPORTS_READER'], tenants.roles.Role['REPORTS_READER'])], max_length=20)),
                ('once', models.BooleanField(default=True)),
                ('letters', models.PositiveSmallIntegerField(db_default=8, default=8)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('stopped_at', models.DateTimeField(null=True)),
                ('issued_by', models.BigIntegerField()),
                ('ends_with_role', models.BooleanField(db_default=True, default=True)),
                ('issued_at', models.DateTimeField()),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(null=True)),
                ('revoked_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='access_passes', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('revoked_at', None)), fields=('tenant_id', 'user'), name='one_access_pass_of_a_user')],
            },
        ),
        migrations.CreateModel(
            name='CallerCheck',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('agent_id', models.BigIntegerField()),
                ('method', models.CharField(max_length=20)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('shown_at', models.DateTimeField(null=True)),
                ('tried_at', models.DateTimeField(null=True)),
                ('passed_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='caller_checks', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', 'user', 'agent_id'], name='caller_checks_of_user')],
            },
        ),
        migrations.CreateModel(
            name='ContactNotice',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('notice', models.CharField(default='contact_entered', max_length=30)),
                ('factors', models.JSONField(default=list)),
                ('before', models.BinaryField()),
                ('actor_id', models.BigIntegerField(null=True)),
                ('created_at', models.DateTimeField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', 'created_at'], name='contact_notices_due')],
            },
        ),
        migrations.CreateModel(
            name='ExpiryReminder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('expires_at', models.DateTimeField()),
                ('days', models.PositiveSmallIntegerField()),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'user', 'expires_at', 'days'), name='one_reminder_of_a_day')],
            },
        ),
        migrations.CreateModel(
            name='NoticeLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('mac', models.CharField(max_length=64, unique=True)),
                ('notice', models.CharField(max_length=30)),
                ('factors', models.JSONField(default=list)),
                ('added', models.UUIDField(null=True)),
                ('actor_id', models.BigIntegerField(null=True)),
                ('gathers', models.JSONField(null=True)),
                ('issued_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('disowned_at', models.DateTimeField(null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', 'user', 'expires_at'], name='notice_links_of_user')],
            },
        ),
        migrations.AddIndex(
            model_name='registeredmethod',
            index=models.Index(fields=['tenant_id', 'user'], name='methods_of_user'),
        ),
        migrations.AddConstraint(
            model_name='registeredmethod',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ['mobile_phone', 'alternate_phone', 'office_phone', 'email', 'questions'])), fields=('tenant_id', 'user', 'kind'), name='one_method_of_a_kind'),
        ),
        migrations.AddConstraint(
            model_name='registeredmethod',
            constraint=models.UniqueConstraint(condition=models.Q(('kind__in', ['passkey', 'oath_token']), ('removed_at', None)), fields=('tenant_id', 'lookup'), name='device_once'),
        ),
        migrations.AddConstraint(
            model_name='registeredmethod',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'recovery_code')), fields=('tenant_id', 'user', 'lookup'), name='one_recovery_code_per_mac'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.UniqueConstraint(fields=('tenant_id', 'method', 'question_id'), name='one_answer_to_a_question'),
        ),
        migrations.AddConstraint(
            model_name='rememberedbrowser',
            constraint=models.UniqueConstraint(fields=('tenant_id', 'user', 'token_mac'), name='browser_remembered_once'),
        ),
    ]
