"""JSON lines with the request they belong to, and nothing personal."""

import logging
import re

import structlog
from structlog.typing import EventDict, WrappedLogger

_SECRET_PATH = re.compile(r"(/(?:wasnt-me|w)/)[^\s?#]+")

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
