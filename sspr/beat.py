"""The clock, by `python -m sspr.beat`: publishes jobs by name, and loads none of their code."""

from celery import Celery
from django.conf import settings
from django.utils.log import configure_logging


def main() -> None:
    configure_logging(settings.LOGGING_CONFIG, settings.LOGGING)
    app = Celery("sspr", fixups=[])
    app.config_from_object("django.conf:settings", namespace="CELERY")
    app.Beat(quiet=True).run()


if __name__ == "__main__":
    main()
