"""All settings, read once from the environment (README: Environment)."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from celery.schedules import crontab
from csp.constants import NONE, SELF

from sspr.allocator import use_one_arena
from sspr.environment import base_url, is_loopback, own_folder, shut, shut_unless_shared, variables

env = variables()
BASE_DIR = Path(__file__).resolve().parent.parent
VAR = Path(env("SSPR_VAR", default=str(BASE_DIR / "var")))
# Only the service's own user may read its data and keys.
os.umask(0o077)
use_one_arena()
if VAR.exists():
    shut_unless_shared(VAR)

DEMO = env.bool("SSPR_DEMO", default=False)
DEMO_DIRECTORY = env("SSPR_DEMO_DIRECTORY", default="")
_port = env.int("PORT", default=8000)
BASE_URL = base_url(env("SSPR_BASE_URL", default=f"http://localhost:{_port}"))
_base = urlsplit(BASE_URL)
SECURE = _base.scheme == "https"
LOOPBACK = is_loopback(_base.hostname)

SECRET_KEY = env("SSPR_SECRET_KEY")
ENCRYPTION_KEYS = env.list("SSPR_ENCRYPTION_KEYS")
TRUSTED_PROXIES = env.int("SSPR_TRUSTED_PROXIES", default=0)
# Each holds a connection to the database.
WEB_THREADS = env.int("SSPR_WEB_THREADS", default=8)
# Databases, brokers and mail servers in a private network.
PRIVATE_HOSTS = env.list("SSPR_PRIVATE_HOSTS", default=[])
# Directories of organisations on this computer, at its link or at its metadata service.
LOCAL_DIRECTORIES = env.bool("SSPR_LOCAL_DIRECTORIES", default=DEMO)
# Hosts with private addresses to which organisations may stream their audit log.
STREAM_HOSTS = [host.lower() for host in env.list("SSPR_STREAM_HOSTS", default=[])]
DEBUG = False
OWN_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if LOOPBACK else [_base.hostname or ""]
# Organisations have host names of their own, in the database: KnownHosts refuses all others.
ALLOWED_HOSTS = ["*"]
CSRF_TRUSTED_ORIGINS = [BASE_URL] if SECURE else []

INSTALLED_APPS = [
    "sspr",
    "isolation",
    "vault",
    "audit",
    "tenants",
    "limits",
    "passwords",
    "delivery",
    "directory",
    "verification",
    "provisioning",
    "registration",
    "reset",
    "account",
    "console.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",
]
MIDDLEWARE = [
    "sspr.middleware.RequestContext",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "sspr.middleware.Headers",
    "sspr.middleware.KnownHosts",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "verification.middleware.SteadyAnswers",
    "sspr.middleware.SaneSession",
    "sspr.middleware.Sessions",
    "sspr.middleware.Language",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "verification.middleware.SessionEnds",
    "registration.middleware.ReturnTo",
    "registration.middleware.SignInStages",
    "django.contrib.messages.middleware.MessageMiddleware",
]
ROOT_URLCONF = "sspr.urls"
WSGI_APPLICATION = "sspr.wsgi.application"
APPEND_SLASH = False
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "sspr.shell.shell",
            ],
        },
    }
]
FORM_RENDERER = "sspr.rendering.HouseRenderer"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR / 'sspr.sqlite3'}")}
_database: dict[str, Any] = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    if (_file := Path(_database["NAME"])).is_file():
        shut(_file)
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # Django's backend, which also sets whose rows a statement may see.
    _database["ENGINE"] = "isolation.postgresql"
    _database["CONN_MAX_AGE"] = 60
    _database["CONN_HEALTH_CHECKS"] = True
    # They outlive a transaction, after which a pool gives the connection to another client.
    _database["DISABLE_SERVER_SIDE_CURSORS"] = True
    # A server that vanished is noticed within 30 seconds, not after hours.
    _database["OPTIONS"] = {
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        **_database.get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "directory.User"
AUTHENTICATION_BACKENDS = ["directory.backend.DirectoryBackend"]
PASSWORD_HASHERS = ["passwords.hashing.Argon2"]
AUTH_PASSWORD_VALIDATORS: list[dict[str, str]] = []
LOGIN_URL = "registration:signin"

_prefix = "__Host-" if SECURE else ""
SESSION_ENGINE = "sspr.sessions"
SESSION_COOKIE_NAME = f"{_prefix}session"
SESSION_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
KNOWN_COOKIE_NAME = f"{_prefix}known"
"""Marks a browser in which a user has signed in; see `verification.services.lockouts`."""
CSRF_COOKIE_NAME = f"{_prefix}csrf"
CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_AGE = None
LANGUAGE_COOKIE_NAME = f"{_prefix}lang"
LANGUAGE_COOKIE_SECURE = SECURE
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_AGE = 365 * 86400
ATTEMPT_COOKIE_NAME = f"{_prefix}reset"
LINK_COOKIE_NAME = f"{_prefix}link"
"""Data of a link, for a later page; see `verification.middleware.link_data`."""
BROWSER_COOKIE_NAME = f"{_prefix}browser"
FORM_COOKIE_NAME = f"{_prefix}form"
"""Errors of a form, for the page after a redirect; see `verification.pages`."""
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

SECURE_HSTS_SECONDS = 63_072_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_SSL_REDIRECT = SECURE and env.bool("SSPR_SSL_REDIRECT", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 65_536
FILE_UPLOAD_HANDLERS = ["sspr.uploads.NoFiles"]
# The policy page alone has some fifty settings, and a box for each of up to a hundred groups.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 300
SIGNED_COOKIE_LEGACY_SALT_FALLBACK = False

USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = True
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("ko", "한국어")]
LOCALE_PATHS = [BASE_DIR / "locale"]
# For all numbers in templates; numbers for scripts are written with `stringformat:'d'`.
USE_THOUSAND_SEPARATOR = True

STATIC_URL = "/static/"
STATIC_ROOT = Path(env("SSPR_STATIC_ROOT", default=str(VAR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

vars().update(env.email("EMAIL_URL", default="consolemail://" if DEMO else "smtp://localhost:25"))
# Well under the lease of the outbox: each step of a slow server may take this long.
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env("SSPR_MAIL_FROM", default=f"no-reply@{_base.hostname}")

TWILIO_ACCOUNT_SID = env("TWILIO_ACCOUNT_SID", default="")
TWILIO_AUTH_TOKEN = env("TWILIO_AUTH_TOKEN", default="")
TWILIO_FROM = env("TWILIO_FROM", default="")
BREACHED_PASSWORDS = env("SSPR_BREACHED_PASSWORDS", default="")
TWILIO_API_BASE_URL = env("TWILIO_API_BASE_URL", default="")

REDIS_URL = env("REDIS_URL", default="")
if REDIS_URL.startswith("rediss://") and "ssl_cert_reqs=" not in REDIS_URL:
    # By default Celery's client accepts any certificate.
    REDIS_URL += ("&" if "?" in REDIS_URL else "?") + "ssl_cert_reqs=required"
BROKER_DIR = VAR / "broker"
CELERY_BROKER_URL = REDIS_URL or "files://"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = (
    {
        # Above the longest task; the outbox's sweeper recovers messages sooner.
        "visibility_timeout": 600,
        "global_keyprefix": "sspr:",
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        # Publishing fails at once when Redis is down; by default every request would wait 6 s.
        "max_retries": 0,
        "interval_start": 0,
    }
    if REDIS_URL
    else {
        "data_folder_in": str(BROKER_DIR),
        "data_folder_out": str(BROKER_DIR),
        "control_folder": str(VAR / "broker-control"),
        # kombu looks once a second by default: too late for "on its way in under a second".
        "polling_interval": 0.1,
    }
)
if not REDIS_URL:
    for _folder in (BROKER_DIR, VAR / "broker-control"):
        own_folder(_folder)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
# `codes` has a worker of its own, for short tasks that users wait for.
CELERY_TASK_DEFAULT_QUEUE = "bulk"
CELERY_TASK_ROUTES = {
    "verification.send_code": {"queue": "codes"},
    "verification.place_call": {"queue": "codes"},
    "delivery.sweep": {"queue": "codes"},
    "delivery.send": {"queue": "bulk"},
    "reset.settle": {"queue": "bulk"},
    "provisioning.import_people": {"queue": "bulk"},
    "provisioning.sweep_imports": {"queue": "bulk"},
    "provisioning.sync_directory": {"queue": "bulk"},
    "provisioning.sweep_syncs": {"queue": "bulk"},
    "verification.notify_of_imports": {"queue": "bulk"},
    "verification.send_notice": {"queue": "bulk"},
    "verification.sweep_notices": {"queue": "bulk"},
    "verification.remind_of_expiry": {"queue": "bulk"},
    # It only starts a thread: directories that hang hold up no other task.
    "verification.check_directories": {"queue": "codes"},
    "sspr.act_for_many": {"queue": "bulk"},
    "sspr.sweep_bulk_runs": {"queue": "bulk"},
    "sspr.purge": {"queue": "bulk"},
    "sspr.check_factors": {"queue": "bulk"},
    "sspr.seal_audit": {"queue": "bulk"},
    "sspr.delete_audit": {"queue": "bulk"},
    # It only starts a thread, like the checks of directories.
    "sspr.stream_audit": {"queue": "codes"},
    # Not in the queue of the sealer, whose worker may be the one that hangs.
    "sspr.watch_audit": {"queue": "codes"},
}
CELERY_TASK_TIME_LIMIT = 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR / "beat-schedule")
_INTERVALS_S = {
    "delivery.sweep": 5.0,
    "provisioning.sweep_imports": 15.0,
    "provisioning.sweep_syncs": 60.0,
    "reset.settle": 30.0,
    "sspr.seal_audit": 60.0,
    "sspr.sweep_bulk_runs": 60.0,
    "verification.check_directories": 20.0,
    "verification.sweep_notices": 60.0,
    "verification.remind_of_expiry": 600.0,
    "sspr.stream_audit": 10.0,
    "sspr.watch_audit": 300.0,
}
# At a fixed hour: an interval would begin again whenever the beat loses its file.
_NIGHTLY = {
    "sspr.purge": crontab(hour="3", minute="0"),
    "sspr.check_factors": crontab(hour="3", minute="30"),
    "sspr.delete_audit": crontab(hour="4", minute="0"),
}
CELERY_BEAT_SCHEDULE = {
    task: {"task": task, "schedule": when, "options": {"expires": expires_s}}
    for task, when, expires_s in (
        *((task, every_s, every_s) for task, every_s in _INTERVALS_S.items()),
        *((task, at, 3600) for task, at in _NIGHTLY.items()),
    )
}

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "sspr.logs.formatter"}},
    "filters": {"in_short": {"()": "sspr.logs.InShort"}},
    "handlers": {
        "out": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["in_short"]}
    },
    "root": {"handlers": ["out"], "level": "INFO"},
    "loggers": {
        # Twilio's client logs every address that it requests, which contains the account.
        "twilio": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        # It warns at every start that a broker in files has no host.
        "kombu.connection": {"level": "ERROR"},
    },
}
if env.bool("SSPR_TESTING", default=False):
    STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
