
import directory.rules
import django.core.serializers.json
import django.db.models.deletion
import django.db.models.expressions
import isolation.scope
import tenants.fields
import tenants.roles
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('tenant_id', models.BigIntegerField(editable=False, null=True)),
                ('upn', models.CharField(max_length=254)),
                ('display_name', models.CharField(blank=True, max_length=200)),
                ('folded_name', tenants.fields.FoldedField(blank=True, editable=False, max_length=200, of=('display_name',))),
                ('given_name', models.CharField(blank=True, max_length=100)),
                ('surname', models.CharField(blank=True, max_length=100)),
                ('language', models.CharField(blank=True, max_length=10)),
                ('own_language', models.CharField(blank=True, db_default='', default='', max_length=10)),
                ('own_time_zone', models.CharField(blank=True, db_default='', default='', max_length=40)),
                ('role', models.CharField(blank=True, choices=[(tenants.roles.Role['NONE'], tenants.roles.Role['NONE']), (tenants.roles.Role['OPERATOR'], tenants.roles.Role['OPERATOR']), (tenants.roles.Role['TENANT_ADMIN'], tenants.roles.Role['TENANT_ADMIN']), (tenants.roles.Role['HELPDESK'], tenants.roles.Role['HELPDESK']), (tenants.roles.Role['REPORTS_READER'], tenants.roles.Role['REPORTS_READER'])], max_length=20)),
                ('connector', models.CharField(default='builtin', max_length=20)),
                ('writeback', models.BooleanField(db_default=False, default=False)),
                ('enabled', models.BooleanField(default=True)),
                ('locked_until', models.DateTimeField(blank=True, null=True)),
                ('session_epoch', models.PositiveIntegerField(default=0)),
                ('registered_at', models.DateTimeField(blank=True, null=True)),
                ('must_change_password', models.BooleanField(db_default=False, default=False)),
                ('temporary_since', models.DateTimeField(editable=False, null=True)),
                ('password_ends_with_role', models.BooleanField(db_default=False, default=False)),
                ('must_register_at', models.DateTimeField(blank=True, null=True)),
                ('frozen_at', models.DateTimeField(blank=True, null=True)),
                ('older_proof_lost_at', models.DateTimeField(blank=True, null=True)),
                ('default_sign_in_method', models.CharField(blank=True, max_length=20, null=True)),
                ('asked_to_register_at', models.DateTimeField(blank=True, null=True)),
                ('reconfirmed_at', models.DateTimeField(blank=True, null=True)),
                ('password_changed_at', models.DateTimeField(blank=True, null=True)),
                ('former_passwords', models.TextField(db_default='', default='', editable=False)),
                ('prefill', models.BinaryField(null=True)),
                ('prefilled_at', models.DateTimeField(null=True)),
                ('prefill_kinds', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('prefill_held_kinds', models.PositiveSmallIntegerField(db_default=0, default=0)),
                ('prefill_held_since', models.DateTimeField(null=True)),
                ('factors', models.PositiveIntegerField(db_default=0, default=0, editable=False)),
                ('factors_changed_at', models.DateTimeField(editable=False, null=True)),
                ('eligibility_key', models.GeneratedField(db_persist=True, expression=django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('factors'), '+', models.Case(models.When(enabled=False, then=models.Value(134217728)), default=models.Value(0), output_field=models.IntegerField())), '+', models.Case(models.When(frozen_at__isnull=False, then=models.Value(268435456)), default=models.Value(0), output_field=models.IntegerField())), '+', models.Case(models.When(connector='builtin', then=models.Value(0)), models.When(connector='directory', then=models.Value(0), writeback=True), default=models.Value(536870912), output_field=models.IntegerField())), '+', models.Case(models.When(role__in=['operator', 'tenant_admin', 'helpdesk'], then=models.Value(1073741824)), default=models.Value(0), output_field=models.IntegerField())), output_field=models.IntegerField())),
                ('mobile_phone_since', models.DateTimeField(editable=False, null=True)),
                ('alternate_phone_since', models.DateTimeField(editable=False, null=True)),
                ('office_phone_since', models.DateTimeField(editable=False, null=True)),
                ('email_since', models.DateTimeField(editable=False, null=True)),
                ('questions_since', models.DateTimeField(editable=False, null=True)),
                ('passkey_since', models.DateTimeField(editable=False, null=True)),
                ('authenticator_since', models.DateTimeField(editable=False, null=True)),
                ('oath_token_since', models.DateTimeField(editable=False, null=True)),
                ('recovery_code_since', models.DateTimeField(editable=False, null=True)),
            ],
        ),
        migrations.CreateModel(
            name='DeletedUser',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('user_id', models.BigIntegerField()),
                ('upn', models.CharField(max_length=254)),
                ('display_name', models.CharField(blank=True, max_length=200)),
                ('given_name', models.CharField(blank=True, max_length=100)),
                ('surname', models.CharField(blank=True, max_length=100)),
                ('language', models.CharField(blank=True, max_length=10)),
                ('enabled', models.BooleanField()),
                ('session_epoch', models.PositiveIntegerField()),
                ('groups', models.JSONField(default=list)),
                ('other_names', models.JSONField(default=list)),
                ('frozen_at', models.DateTimeField(null=True)),
                ('disowned', models.JSONField(default=list, encoder=django.core.serializers.json.DjangoJSONEncoder)),
                ('deleted_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'user_id'), name='deleted_user_once'), models.UniqueConstraint(fields=('tenant_id', 'upn'), name='deleted_user_id_once')],
            },
        ),
        migrations.CreateModel(
            name='DirectoryConnection',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('name', models.CharField(max_length=60)),
                ('kind', models.CharField(choices=[(directory.rules.DirectoryKind['LDAP'], directory.rules.DirectoryKind['LDAP']), (directory.rules.DirectoryKind['ACTIVE_DIRECTORY'], directory.rules.DirectoryKind['ACTIVE_DIRECTORY'])], max_length=20)),
                ('position', models.PositiveSmallIntegerField(default=0)),
                ('enabled', models.BooleanField(default=True)),
                ('writeback', models.BooleanField(default=False)),
                ('unlocks', models.BooleanField(default=False)),
                ('servers', models.TextField()),
                ('ca_certificates', models.TextField(blank=True)),
                ('base_dn', models.CharField(max_length=500)),
                ('bind_dn', models.CharField(max_length=500)),
                ('bind_password', models.BinaryField(default=b'')),
                ('people_filter', models.TextField(blank=True)),
                ('group_base_dn', models.CharField(blank=True, max_length=500)),
                ('group_filter', models.TextField(blank=True)),
                ('attributes', models.JSONField(default=dict)),
                ('sign_in_attributes', models.JSONField(default=list)),
                ('protected_groups', models.TextField(blank=True)),
                ('sync_every_hours', models.PositiveSmallIntegerField(default=0)),
                ('brake_percent', models.PositiveSmallIntegerField(default=10)),
                ('lockout_threshold', models.PositiveSmallIntegerField(editable=False, null=True)),
                ('lockout_window_minutes', models.PositiveIntegerField(editable=False, null=True)),
                ('last_success_at', models.DateTimeField(editable=False, null=True)),
                ('last_failure_at', models.DateTimeField(editable=False, null=True)),
                ('last_failure', models.CharField(blank=True, editable=False, max_length=40)),
                ('tested_at', models.DateTimeField(editable=False, null=True)),
                ('checked_at', models.DateTimeField(editable=False, null=True)),
                ('down_since', models.DateTimeField(editable=False, null=True)),
                ('down_notified_at', models.DateTimeField(editable=False, null=True)),
                ('service_expires_at', models.DateTimeField(editable=False, null=True)),
                ('expiry_notified_days', models.PositiveSmallIntegerField(editable=False, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'name'), name='directory_name_once')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to='tenants.group')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='user',
            name='groups',
            field=models.ManyToManyField(related_name='+', through='directory.Membership', to='tenants.group'),
        ),
        migrations.CreateModel(
            name='SignInName',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('name', models.CharField(max_length=254)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sign_in_names', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='UserIDChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('old', models.CharField(max_length=254)),
                ('new', models.CharField(max_length=254)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='DirectoryAccount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('external_id', models.CharField(max_length=100)),
                ('dn', models.CharField(max_length=1000)),
                ('manager_dn', models.CharField(blank=True, db_default='', default='', max_length=1000)),
                ('protected', models.BooleanField(default=False)),
                ('password_changed_at', models.DateTimeField(null=True)),
                ('password_expires_at', models.DateTimeField(null=True)),
                ('digest', models.CharField(blank=True, max_length=64)),
                ('seen_at', models.DateTimeField(null=True)),
                ('missing_since', models.DateTimeField(null=True)),
                ('enabled', models.BooleanField(db_default=True, default=True)),
                ('disabled_user', models.BooleanField(db_default=False, default=False)),
                ('manager', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='accounts', to=settings.AUTH_USER_MODEL)),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='accounts', to='directory.directoryconnection')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('password_expires_at__isnull', False)), fields=['tenant_id', 'password_expires_at'], name='account_password_expires')],
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'connection', 'external_id'), name='directory_account_once'), models.UniqueConstraint(fields=('tenant_id', 'user', 'connection'), name='one_account_in_a_directory')],
            },
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('tenant_id', 'user', 'group'), name='member_once'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['tenant_id', 'upn'], name='user_of_tenant'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(fields=['tenant_id', 'eligibility_key', 'id'], name='user_eligibility'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('factors_changed_at__isnull', False)), fields=['tenant_id', 'factors_changed_at'], name='user_new_factors'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('enabled', False)), fields=['tenant_id', 'upn'], name='user_disabled'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('frozen_at__isnull', False)), fields=['tenant_id', 'upn'], name='user_frozen'),
        ),
        migrations.AddIndex(
            model_name='user',
            index=models.Index(condition=models.Q(('role', tenants.roles.Role['NONE']), _negated=True), fields=['tenant_id', 'upn'], name='user_roles'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(fields=('upn',), name='upn_once'),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('role', tenants.roles.Role['OPERATOR']), ('tenant_id__isnull', True)), models.Q(('tenant_id__isnull', False), models.Q(('role', tenants.roles.Role['OPERATOR']), _negated=True)), _connector='OR'), name='operators_and_only_they_have_no_tenant'),
        ),
        migrations.AddConstraint(
            model_name='signinname',
            constraint=models.UniqueConstraint(fields=('tenant_id', 'name'), name='sign_in_name_once'),
        ),
    ]
