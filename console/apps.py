from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin, with our own sign-in and step-up."""

    default_site = "console.site.Console"
