"""Structured logs, with the correlation id that joins a message to its order."""

from __future__ import annotations

import logging
import sys
from contextvars import ContextVar
from typing import Any, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, WrappedLogger

from commerce.kernel.masking import mask_cards

correlation: ContextVar[str] = ContextVar("correlation", default="")


def get(name: str) -> FilteringBoundLogger:
    return cast(FilteringBoundLogger, structlog.get_logger(name))


def _with_correlation(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    current = correlation.get()
    if current:
        event.setdefault("correlation_id", current)
    return event


def _without_cards(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {key: mask_cards(v)[0] if isinstance(v, str) else v for key, v in event.items()}


def configure(*, json: bool, level: int = logging.INFO) -> None:
    """JSON lines for machines, coloured lines for a person at a terminal; both to stderr."""
    renderer: Any = structlog.processors.JSONRenderer()
    if not json:
        # The plain formatter: others print the values of variables, and with them secrets.
        plain = structlog.dev.plain_traceback
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=plain
        )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_correlation,
            structlog.processors.format_exc_info,
            _without_cards,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(name)s %(message)s")
