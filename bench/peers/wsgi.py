"""For granian, with `DJANGO_SETTINGS_MODULE` in the environment."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
