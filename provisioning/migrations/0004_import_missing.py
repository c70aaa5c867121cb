from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("provisioning", "0003_bulk_runs")]

    operations = [
        migrations.AddField("import", "missing", models.PositiveIntegerField(default=0)),
        migrations.AddField("import", "of_people", models.PositiveIntegerField(default=0)),
        migrations.AddField("import", "may_disable", models.PositiveIntegerField(null=True)),
        migrations.AddField("import", "disabled", models.PositiveIntegerField(default=0)),
    ]
