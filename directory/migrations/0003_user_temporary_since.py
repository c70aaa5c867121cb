from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('directory', '0002_lockout_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='user',
            name='temporary_since',
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
