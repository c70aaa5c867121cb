FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SSPR_VAR=/srv/var SSPR_STATIC_ROOT=/srv/static
WORKDIR /srv/sspr

COPY requirements.lock .
RUN pip install --no-cache-dir --require-hashes --requirement requirements.lock

COPY . .
# The keys here only let the settings load; nothing is stored with them. Files have the modes of the
# checkout, which its owner alone may be able to read.
RUN for po in locale/*/LC_MESSAGES/django.po; do \
        pybabel compile --input-file "$po" --output-file "${po%.po}.mo" || exit 1; \
    done \
    && SSPR_SECRET_KEY=build SSPR_ENCRYPTION_KEYS=build python manage.py collectstatic --noinput \
    && chmod -R a+rX /srv/sspr /srv/static \
    && useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin sspr \
    && install --directory --owner sspr --group sspr --mode 700 /srv/var

USER 10001:10001
EXPOSE 8000
CMD ["granian", "--interface", "rsgi", "--no-ws", "--http", "1", "--http1-header-read-timeout", "10000", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "sspr.rsgi:gateway"]
