from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("tenants", "0008_disabled_question")]
    operations = [migrations.RenameModel("Decisions", "PolicyRecord")]
