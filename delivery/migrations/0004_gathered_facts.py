from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0003_counted_messages"),
    ]

    operations = [
        migrations.AddField(
            model_name="outgoing", name="about", field=models.JSONField(null=True)
        ),
    ]
