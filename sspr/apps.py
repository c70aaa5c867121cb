from django.apps import AppConfig
from django.core.checks import Tags, register

from sspr.checks import unsafe_settings


class SsprConfig(AppConfig):
    name = "sspr"

    def ready(self) -> None:
        register(unsafe_settings, Tags.security)
