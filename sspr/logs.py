"""Logs: JSON lines with the id of their request, without personal data."""

import logging
import re

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_PATH = re.compile(r"(/(?:wasnt-me|w)/)[^\s?#]+")
_LONGEST_WARNING = 200
_CONTEXT: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso"),
]

structlog.configure(
    processors=[*_CONTEXT, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)


class InShort(logging.Filter):
    """Logs errors that any client can cause as short warnings without traceback.

    Django logs a foreign host or a form with too many fields as errors.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security."):
            record.msg, record.args = record.getMessage()[:_LONGEST_WARNING], ()
            record.levelno, record.levelname = logging.WARNING, "WARNING"
            record.exc_info = record.exc_text = None
        return True


def formatter() -> logging.Formatter:
    """Writes each line as one JSON object, which control characters can't break."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_CONTEXT,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Frames only: the values of local variables may be secrets.
            structlog.processors.format_exc_info,
            _without_tokens,
            structlog.processors.JSONRenderer(),
        ],
    )


def _without_tokens(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """Removes tokens from paths, which Django logs with refused requests."""
    return {
        key: _SECRET_PATH.sub(r"\1…", value) if isinstance(value, str) else value
        for key, value in line.items()
    }
