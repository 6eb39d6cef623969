"""What all jobs have in common: settings, logs, signals and an exit status."""

import logging
import signal
from collections.abc import Callable

from .logs import configure_logging
from .predict import ModelInService, ModelUnavailableError
from .registry import LoadedModel, open_registry
from .settings import Settings

_LOGGER = logging.getLogger(__name__)


class JobError(Exception):
    """Why a job cannot do its work, told to whoever started it."""


def run_job(job: Callable[[Settings], None]) -> int:
    """Take a job; run it with the settings of the environment, and give its exit status.

    0 means done, 1 that the job said why it could not, 2 that a setting is wrong, 130 that it was
    stopped.
    """
    # As a container's first process, Python would ignore SIGTERM: only init's own handlers count.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        settings = Settings()
    except ValueError as error:
        configure_logging("info")
        _LOGGER.error("invalid settings: %s", error)
        return 2
    configure_logging(settings.log_level, settings.log_format)
    try:
        job(settings)
    except JobError as error:
        _LOGGER.error("%s", error)
        return 1
    except KeyboardInterrupt:
        _LOGGER.warning("stopped")
        return 130
    return 0


def champion(settings: Settings) -> LoadedModel:
    """Take the settings; give the registered model, tried. Raises JobError if there is none."""
    service = ModelInService(open_registry(settings))
    try:
        service.refresh()
    except ModelUnavailableError as error:
        raise JobError(str(error)) from error
    assert service.current is not None, "a refresh that succeeds leaves a model in service"
    return service.current
