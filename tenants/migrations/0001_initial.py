
import django.db.models.deletion
import isolation.scope
import tenants.fields
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Tenant',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(max_length=40, unique=True)),
                ('name', models.CharField(max_length=100)),
                ('short_name', models.CharField(blank=True, max_length=20)),
                ('country', models.CharField(max_length=2)),
                ('language', models.CharField(default='en', max_length=10)),
                ('time_zone', models.CharField(default='UTC', max_length=40)),
                ('enabled', models.BooleanField(default=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Branding',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('colour', models.CharField(blank=True, max_length=7)),
                ('logo', models.BinaryField(blank=True, default=b'')),
                ('names', models.JSONField(blank=True, default=dict)),
                ('help_texts', models.JSONField(blank=True, default=dict)),
                ('help_phone', models.CharField(blank=True, max_length=40)),
                ('help_url', models.CharField(blank=True, max_length=300)),
                ('portal_host', models.CharField(blank=True, max_length=253, null=True, unique=True)),
                ('edition', models.PositiveIntegerField(default=1)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id',), name='one_branding_per_tenant')],
            },
        ),
        migrations.CreateModel(
            name='CustomQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('texts', models.JSONField(default=dict)),
                ('enabled', models.BooleanField(db_default=True, default=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id'], name='questions_of_tenant')],
            },
        ),
        migrations.CreateModel(
            name='CustomText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('key', models.CharField(max_length=40)),
                ('language', models.CharField(max_length=10)),
                ('subject', models.CharField(max_length=120)),
                ('body', models.TextField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'key', 'language'), name='one_text_per_language')],
            },
        ),
        migrations.CreateModel(
            name='DisabledQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('question_id', models.CharField(max_length=20)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'question_id'), name='switched_off_once')],
            },
        ),
        migrations.CreateModel(
            name='Domain',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('name', models.CharField(max_length=253, unique=True)),
            ],
            options={
                'indexes': [models.Index(fields=['tenant_id', 'name'], name='domain_of_tenant')],
            },
        ),
        migrations.CreateModel(
            name='Group',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('name', models.CharField(max_length=100)),
                ('key', tenants.fields.FoldedField(editable=False, max_length=200, of=('name',))),
                ('directory_id', models.BigIntegerField(editable=False, null=True)),
                ('external_id', models.CharField(blank=True, db_default='', default='', editable=False, max_length=100)),
                ('digest', models.CharField(blank=True, db_default='', default='', editable=False, max_length=64)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'name'), name='group_name_in_tenant'), models.UniqueConstraint(fields=('tenant_id', 'key'), name='group_key_in_tenant'), models.UniqueConstraint(condition=models.Q(('directory_id__isnull', False)), fields=('tenant_id', 'directory_id', 'external_id'), name='group_of_a_directory_once')],
            },
        ),
        migrations.CreateModel(
            name='PolicyRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('values', models.JSONField(default=dict)),
                ('changed_at', models.DateTimeField(auto_now=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id',), name='one_policy_per_tenant')],
            },
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('digest', models.CharField(max_length=64)),
                ('values', models.JSONField()),
                ('written_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'digest'), name='one_row_per_policy')],
            },
        ),
        migrations.CreateModel(
            name='GroupNesting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tenant_id', models.BigIntegerField(default=isolation.scope.current_tenant_id, editable=False)),
                ('inner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='held_by', to='tenants.group')),
                ('outer', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='tenants.group')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tenant_id', 'outer', 'inner'), name='one_nesting_of_two_groups')],
            },
        ),
    ]
