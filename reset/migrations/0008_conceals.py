import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("reset", "0007_evidence_of_temporary_access"),
    ]

    operations = [
        migrations.RemoveField(model_name="resetattempt", name="policy"),
        migrations.AddField(
            model_name="resetattempt",
            name="conceals",
            field=models.BooleanField(default=False),
            preserve_default=False,
        ),
        migrations.AlterField(
            model_name="resetattempt",
            name="policy_version",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="attempts",
                to="tenants.policyversion",
            ),
        ),
    ]
