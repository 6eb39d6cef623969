"""`up` where nothing is to be done: found out and shown without typer, without a blueprint, without Compose."""

from __future__ import annotations

from collections.abc import Sequence

from envman.cli.invocation import Invocation
from envman.operations.at_rest import find_at_rest
from envman.operations.request import Request
from envman.output.up import up_data, up_text
from envman.source.root import find_root


def show_at_rest(
    invocation: Invocation, environment: str, *, settings: Sequence[str], instance: str, frozen: bool
) -> bool:
    """Show that the environment is up if it surely is as it should be, and return whether it is.

    Raises:
        EnvmanError: where there is no project, no engine, or no state folder.
    """
    request = Request(find_root(invocation.directory), environment, instance, settings, invocation.context, frozen)
    found = find_at_rest(request, invocation.environ)
    if found is None:
        return False
    data = up_data(found.environment, found.compose_project, (), found.urls, 0.0)
    invocation.show({**data, "snapshot": None, "ready": True}, up_text(found.environment, found.urls, None))
    return True
