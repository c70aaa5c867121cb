
import django.db.models.deletion
import isolation.scope
import reset.refusals
import reset.rules
import tenants.policy.methods
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ResetAttempt',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('writing_since', models.DateTimeField(null=True)),
                ('checked_at', models.DateTimeField(null=True)),
                ('directories', models.JSONField(default=list)),
                ('new_hash', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('browser', models.CharField(max_length=64, unique=True)),
                ('support_code', models.CharField(max_length=8, unique=True)),
                ('user_id', models.BigIntegerField(null=True)),
                ('username', models.BinaryField(default=b'')),
                ('session_epoch', models.PositiveIntegerField(default=0)),
                ('conceals', models.BooleanField()),
                ('goal', models.CharField(blank=True, choices=[(reset.rules.Goal['FORGOT'], reset.rules.Goal['FORGOT']), (reset.rules.Goal['UNLOCK'], reset.rules.Goal['UNLOCK'])], max_length=10)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(null=True)),
                ('refused', models.CharField(blank=True, choices=[(reset.refusals.Refusal['MANAGED_ELSEWHERE'], reset.refusals.Refusal['MANAGED_ELSEWHERE']), (reset.refusals.Refusal['NOT_ENABLED'], reset.refusals.Refusal['NOT_ENABLED']), (reset.refusals.Refusal['NOT_VERIFIABLE'], reset.refusals.Refusal['NOT_VERIFIABLE']), (reset.refusals.Refusal['TOO_MANY'], reset.refusals.Refusal['TOO_MANY']), (reset.refusals.Refusal['DIRECTORY_UNREACHABLE'], reset.refusals.Refusal['DIRECTORY_UNREACHABLE']), (reset.refusals.Refusal['PASSWORD_REJECTED'], reset.refusals.Refusal['PASSWORD_REJECTED']), (reset.refusals.Refusal['SESSION_ENDED'], reset.refusals.Refusal['SESSION_ENDED'])], max_length=3)),
                ('concealed', models.CharField(blank=True, db_default='', default='', max_length=3)),
                ('blocked_until', models.DateTimeField(null=True)),
                ('by_network', models.BooleanField(default=False)),
                ('from_known_browser', models.BooleanField(db_default=False, default=False)),
                ('guesses_lately', models.CharField(blank=True, default='', max_length=64)),
                ('guesses_in_a_row', models.CharField(blank=True, default='', max_length=64)),
                ('outcome', models.CharField(choices=[('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('blocked', 'Blocked'), ('contacted_admin', 'Contacted Admin')], default='running', max_length=20)),
                ('notified', models.JSONField(default=list)),
                ('policy_version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='tenants.policyversion')),
            ],
        ),
        migrations.CreateModel(
            name='PassedGate',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('user_id', models.BigIntegerField()),
                ('method', models.CharField(choices=tenants.policy.methods.method_choices, max_length=20)),
                ('factor', models.CharField(choices=tenants.policy.methods.factor_choices, max_length=20)),
                ('challenge_id', models.UUIDField(unique=True)),
                ('passed_at', models.DateTimeField()),
                ('temporary_access', models.BooleanField(db_default=False, default=False)),
                ('attempt', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passed_gates', to='reset.resetattempt')),
            ],
        ),
        migrations.CreateModel(
            name='PendingWrite',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('writing_since', models.DateTimeField(null=True)),
                ('checked_at', models.DateTimeField(null=True)),
                ('directories', models.JSONField(default=list)),
                ('new_hash', models.CharField(blank=True, db_default='', default='', max_length=200)),
                ('actor_id', models.BigIntegerField()),
                ('notice', models.CharField(max_length=30)),
                ('note', models.TextField(blank=True)),
                ('role', models.CharField(blank=True, max_length=20)),
                ('ends_with_role', models.BooleanField(default=False)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', 'writing_since'], name='pending_write_since')],
            },
        ),
        migrations.AddIndex(
            model_name='resetattempt',
            index=models.Index(fields=['tenant_id', '-started_at'], name='attempt_newest'),
        ),
        migrations.AddIndex(
            model_name='resetattempt',
            index=models.Index(fields=['tenant_id', 'user_id', '-started_at'], name='attempt_of_user'),
        ),
        migrations.AddIndex(
            model_name='resetattempt',
            index=models.Index(condition=models.Q(('writing_since__isnull', False)), fields=['tenant_id', 'writing_since'], name='attempt_writing'),
        ),
        migrations.AddConstraint(
            model_name='passedgate',
            constraint=models.UniqueConstraint(fields=('tenant_id', 'attempt', 'factor'), name='one_gate_per_factor'),
        ),
    ]
