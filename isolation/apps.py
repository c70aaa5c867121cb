from django.apps import AppConfig
from django.core.checks import Tags, register


class IsolationConfig(AppConfig):
    name = "isolation"

    def ready(self) -> None:
        from isolation.checks import row_level_security  # noqa: PLC0415  # it needs the models

        register(row_level_security, Tags.database)
