from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("verification", "0019_pass_ends_with_role")]
    operations = [
        migrations.RenameField("authenticationmethod", "textable", "sms_capable"),
        migrations.RenameField("challenge", "textable", "sms_capable"),
    ]
