
import django.db.models.deletion
import isolation.scope
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Import',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('actor_id', models.BigIntegerField()),
                ('file_name', models.CharField(max_length=200)),
                ('size', models.BigIntegerField()),
                ('encoding', models.CharField(max_length=20)),
                ('state', models.CharField(choices=[('uploading', 'Uploading'), ('loaded', 'Loaded'), ('checking', 'Checking'), ('checked', 'Checked'), ('running', 'Running'), ('done', 'Done'), ('cancelled', 'Cancelled'), ('failed', 'Failed')], default='uploading', max_length=10)),
                ('lines', models.PositiveIntegerField(default=0)),
                ('rows', models.PositiveIntegerField(default=0)),
                ('line', models.PositiveIntegerField(default=0)),
                ('read', models.PositiveIntegerField(default=0)),
                ('created', models.PositiveIntegerField(default=0)),
                ('updated', models.PositiveIntegerField(default=0)),
                ('unchanged', models.PositiveIntegerField(default=0)),
                ('refused', models.PositiveIntegerField(default=0)),
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
    ]
