from django.apps import AppConfig
from django.core.checks import Tags, register


class IsolationConfig(AppConfig):
    name = "isolation"

    def ready(self) -> None:
        from isolation.checks import second_wall  # noqa: PLC0415  # it needs the models

        register(second_wall, Tags.database)
