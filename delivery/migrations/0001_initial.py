
import isolation.scope
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='DemoMessage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('kind', models.CharField(choices=[('email', 'Email'), ('text', 'Text'), ('call', 'Call')], max_length=5)),
                ('destination', models.CharField(max_length=40)),
                ('text', models.TextField(blank=True)),
                ('voice_url', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', '-created_at'], name='demo_newest')],
            },
        ),
        migrations.CreateModel(
            name='Outgoing',
            fields=[
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('email', 'Email'), ('text', 'Text'), ('call', 'Call')], max_length=5)),
                ('destination', models.BinaryField()),
                ('content', models.BinaryField(default=b'')),
                ('language', models.CharField(max_length=10)),
                ('job', models.CharField(max_length=40)),
                ('queue', models.CharField(max_length=10)),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('held', 'Held'), ('sending', 'Sending'), ('sent', 'Sent'), ('delivered', 'Delivered'), ('failed', 'Failed'), ('expired', 'Expired'), ('gathered', 'Gathered'), ('unknown', 'Unknown')], default='queued', max_length=10)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField()),
                ('due_at', models.DateTimeField()),
                ('lease_until', models.DateTimeField(null=True)),
                ('sent_at', models.DateTimeField(null=True)),
                ('provider_id', models.CharField(blank=True, max_length=64)),
                ('provider_status', models.CharField(blank=True, max_length=20)),
                ('failure', models.CharField(blank=True, max_length=60)),
                ('share', models.CharField(blank=True, db_default='', default='', max_length=20)),
                ('person_id', models.BigIntegerField(null=True)),
                ('notice', models.CharField(blank=True, db_default='', default='', max_length=30)),
                ('vital', models.BooleanField(db_default=False, default=False)),
                ('counted_at', models.DateTimeField(null=True)),
                ('gathered', models.PositiveIntegerField(db_default=1, default=1)),
                ('about', models.JSONField(null=True)),
                ('digest', models.CharField(blank=True, db_default='', default='', max_length=64)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', '-created_at'], name='outgoing_of_tenant'), models.Index(condition=models.Q(('state__in', ['queued', 'held', 'sending'])), fields=['due_at'], name='outgoing_due'), models.Index(condition=models.Q(('state', 'held')), fields=['tenant_id', 'digest'], name='outgoing_held')],
            },
        ),
    ]
