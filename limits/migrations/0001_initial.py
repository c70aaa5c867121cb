
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='Counter',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('count', models.PositiveIntegerField()),
                ('ends_at', models.BigIntegerField()),
                ('paused_until', models.BigIntegerField(default=0)),
                ('bursts', models.JSONField(null=True)),
            ],
            options={
                'indexes': [models.Index(fields=['ends_at'], name='counter_purge')],
            },
        ),
    ]
