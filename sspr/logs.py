"""JSON lines with the request they belong to, and nothing personal."""

import logging
import re

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET_PATH = re.compile(r"(/(?:wasnt-me|w)/)[^\s?#]+")

_LONGEST_WARNING = 200

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso"),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


class InShort(logging.Filter):
    """Makes one short warning of what any client can cause at will: no traceback, no error.

    Django logs a foreign host, a form with too many fields and their like as errors.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.msg, record.args = record.getMessage()[:_LONGEST_WARNING], ()
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


def formatter() -> logging.Formatter:
    """Every line as one JSON object: control characters can't break out of it."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso"),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Frames only: the values of local variables may be secrets.
            structlog.processors.format_exc_info,
            _without_tokens,
            structlog.processors.JSONRenderer(),
        ],
    )


def _without_tokens(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Addresses that open something: the framework names the path of what it refuses."""
    return {
        key: _SECRET_PATH.sub(r"\1…", value) if isinstance(value, str) else value
        for key, value in line.items()
    }
