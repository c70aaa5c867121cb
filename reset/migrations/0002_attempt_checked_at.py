from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ('reset', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='resetattempt',
            name='checked_at',
            field=models.DateTimeField(null=True),
        ),
    ]
