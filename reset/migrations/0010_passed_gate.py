from django.db import migrations, models
from django.db.models.deletion import CASCADE


class Migration(migrations.Migration):
    dependencies = [("reset", "0009_counters_of_guesses")]
    operations = [
        migrations.RenameModel("Evidence", "PassedGate"),
        migrations.AlterField(
            "passedgate",
            "attempt",
            models.ForeignKey(
                on_delete=CASCADE, related_name="passed_gates", to="reset.resetattempt"
            ),
        ),
    ]
