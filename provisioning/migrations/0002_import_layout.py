from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0001_initial")]

    operations = [
        migrations.AddField("import", "layout", models.JSONField(default=dict)),
        migrations.AddField("import", "learned", models.JSONField(default=dict)),
    ]
