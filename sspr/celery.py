"""The workers."""

import os

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sspr.settings")

TRANSPORT_ALIASES["files"] = "sspr.files:Transport"

app = Celery("sspr")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
