
import django.db.models.deletion
import isolation.scope
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('directory', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BulkRun',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('actor_id', models.BigIntegerField()),
                ('actor_epoch', models.PositiveIntegerField(default=0)),
                ('action', models.CharField(max_length=30)),
                ('options', models.JSONField(default=dict)),
                ('note', models.CharField(max_length=200)),
                ('people', models.JSONField()),
                ('state', models.CharField(choices=[('running', 'Running'), ('done', 'Done'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='running', max_length=10)),
                ('position', models.PositiveIntegerField(default=0)),
                ('done', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0)),
                ('turn', models.PositiveIntegerField(default=0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', '-created_at'], name='bulk_newest'), models.Index(fields=['tenant_id', 'due_at'], name='bulk_due')],
            },
        ),
        migrations.CreateModel(
            name='BulkPass',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('data', models.BinaryField(default=b'')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='passes', to='provisioning.bulkrun')),
            ],
            options={
                'abstract': False,
            },
        ),
        migrations.CreateModel(
            name='Import',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('actor_id', models.BigIntegerField()),
                ('file_name', models.CharField(max_length=200)),
                ('size', models.BigIntegerField()),
                ('encoding', models.CharField(max_length=20)),
                ('layout', models.JSONField(default=dict)),
                ('learned', models.JSONField(default=dict)),
                ('state', models.CharField(choices=[('uploading', 'Uploading'), ('loaded', 'Loaded'), ('checking', 'Checking'), ('checked', 'Checked'), ('running', 'Running'), ('done', 'Done'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='uploading', max_length=10)),
                ('lines', models.PositiveIntegerField(default=0)),
                ('rows', models.PositiveIntegerField(default=0)),
                ('line', models.PositiveIntegerField(default=0)),
                ('read', models.PositiveIntegerField(default=0)),
                ('created', models.PositiveIntegerField(default=0)),
                ('updated', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
                ('missing', models.PositiveIntegerField(default=0)),
                ('of_people', models.PositiveIntegerField(default=0)),
                ('may_disable', models.PositiveIntegerField(null=True)),
                ('disabled', models.PositiveIntegerField(default=0)),
                ('reported', models.PositiveIntegerField(default=0)),
                ('resumed_at_line', models.PositiveIntegerField(null=True)),
                ('turn', models.PositiveIntegerField(default=0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', '-created_at'], name='import_newest'), models.Index(fields=['tenant_id', 'due_at'], name='import_due')],
            },
        ),
        migrations.CreateModel(
            name='SyncRun',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('actor_id', models.BigIntegerField()),
                ('is_dry_run', models.BooleanField(default=False)),
                ('is_full', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('running', 'Running'), ('held', 'Held'), ('done', 'Done'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='running', max_length=10)),
                ('step', models.CharField(choices=[('people', 'People'), ('missing', 'Missing'), ('groups', 'Groups')], default='people', max_length=10)),
                ('failure', models.CharField(blank=True, max_length=40)),
                ('settings_digest', models.CharField(blank=True, max_length=64)),
                ('changed_until', models.CharField(blank=True, max_length=100)),
                ('read', models.PositiveIntegerField(default=0)),
                ('created', models.PositiveIntegerField(default=0)),
                ('linked', models.PositiveIntegerField(default=0)),
                ('changed', models.PositiveIntegerField(default=0)),
                ('disabled', models.PositiveIntegerField(default=0)),
                ('restored', models.PositiveIntegerField(default=0)),
                ('groups', models.PositiveIntegerField(default=0)),
                ('problems', models.PositiveIntegerField(default=0)),
                ('unlinked', models.PositiveIntegerField(default=0)),
                ('would_disable', models.PositiveIntegerField(default=0)),
                ('of_people', models.PositiveIntegerField(default=0)),
                ('may_disable', models.PositiveIntegerField(default=0)),
                ('turn', models.PositiveIntegerField(default=0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('lease_until', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('connection', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='directory.directoryconnection')),
            ],
        ),
        migrations.CreateModel(
            name='SyncProblem',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=100)),
                ('key', models.CharField(max_length=64)),
                ('data', models.BinaryField()),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='provisioning.syncrun')),
            ],
        ),
        migrations.CreateModel(
            name='ImportPart',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('file', 'File'), ('report', 'Report')], max_length=6)),
                ('number', models.PositiveIntegerField()),
                ('data', models.BinaryField()),
                ('whole', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='provisioning.import')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'whole', 'kind', 'number'), name='one_part_of_a_number')],
            },
        ),
        migrations.CreateModel(
            name='SignInClaim',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('name', models.CharField(max_length=254)),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='claims', to='directory.directoryaccount')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'name', 'account'), name='sign_in_claim_once')],
            },
        ),
        migrations.AddIndex(
            model_name='syncrun',
            index=models.Index(fields=['tenant_id', 'connection', '-created_at'], name='sync_newest'),
        ),
        migrations.AddIndex(
            model_name='syncrun',
            index=models.Index(fields=['tenant_id', 'due_at'], name='sync_due'),
        ),
        migrations.AddConstraint(
            model_name='syncrun',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'running')), fields=('tenant_id', 'connection'), name='one_run_of_a_directory'),
        ),
        migrations.AddConstraint(
            model_name='syncproblem',
            constraint=models.UniqueConstraint(fields=('tenant_id', 'run', 'external_id', 'key'), name='sync_problem_once'),
        ),
    ]
