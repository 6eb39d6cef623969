"""What `render` does, apart from the words on its command line: it is reached without typer too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from envman.cli.invocation import Invocation, parse_settings
from envman.source.root import find_root
from envman.state.atomic import write_if_changed
from envman.state.cache import OFF, Entry, witness_for
from envman.state.checkout import open_checkout, render_path


@dataclass(frozen=True, slots=True)
class Rendered:
    """A render: of which environment (its name, and its key in the checkout), and the text."""

    environment: str
    key: str
    text: str


def render_environment(
    invocation: Invocation,
    environment: str | None,
    *,
    output: Path | None = None,
    settings: Sequence[str] = (),
    instance: str | None = None,
    cache: bool = True,
    annotate: bool = False,
    frozen: bool = False,
) -> None:
    """Write the environment's complete Compose file, to ``output`` or where renders lie.

    With ``annotate`` each line says behind it where its value comes from; ``frozen`` holds it to the lock. Such a
    render is made anew each time.

    Raises:
        EnvmanError: with everything that is wrong.
    """
    parse_settings(settings)
    root = find_root(invocation.directory)
    if annotate or frozen:
        rendered = _fresh(invocation, environment, settings, instance, annotate=annotate, frozen=frozen)
    else:
        rendered = _rendered(invocation, root, environment, settings, instance, cache=cache)
    if str(output) == "-":
        invocation.show({"environment": rendered.environment, "text": rendered.text}, rendered.text)
        return
    path = render_path(root, rendered.key) if output is None else output
    if output is None:
        write_if_changed(path, rendered.text)
        in_file = True
    else:
        from envman.state.output import write_output

        in_file = write_output(path, rendered.text)
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    # What went into a pipe may share it with what is shown.
    invocation.show({"environment": rendered.environment, "file": str(path)}, str(shown) if in_file else "")


def _rendered(
    invocation: Invocation,
    root: Path,
    environment: str | None,
    settings: Sequence[str],
    instance: str | None,
    *,
    cache: bool,
) -> Rendered:
    pairs = parse_settings(settings)
    if not cache or invocation.environ.get(OFF):
        return _fresh(invocation, environment, settings, instance)
    request = (str(root), environment or "", instance or "", *(f"{name}={value}" for name, value in pairs.items()))
    entry = Entry(invocation.environ, "renders", request)
    kept = entry.recall()
    if kept is not None:
        # Opened as a render would: a checkout that was copied or moved is told by nothing that the entry holds.
        checkout = open_checkout(root, kept["project"], invocation.environ)
        if [checkout.id, str(checkout.state)] == kept["checkout"]:
            return Rendered(kept["environment"], kept["key"], kept["text"])
    return _fresh(invocation, environment, settings, instance, entry)


def _fresh(
    invocation: Invocation,
    environment: str | None,
    settings: Sequence[str],
    instance: str | None,
    entry: Entry | None = None,
    *,
    annotate: bool = False,
    frozen: bool = False,
) -> Rendered:
    workspace = invocation.workspace(settings=settings, instance=instance)
    checkout = workspace.checkout
    witness = None if entry is None else witness_for(checkout.state)
    if witness is not None:
        workspace.watch(witness)
    loaded = workspace.environment(environment, to_run=False)
    invocation.warn(workspace.report)
    if frozen:
        from envman.operations.frozen import freeze

        loaded = freeze(workspace, loaded, online=False)
    document = workspace.offline_document(loaded)
    if annotate:
        from envman.explanation.annotate import annotate as annotated

        return Rendered(loaded.name, loaded.key, annotated(loaded, document))
    rendered = Rendered(loaded.name, loaded.key, document.text())
    # A warning would have to be kept with the lines that it quotes; what is warned of is looked at anew each time.
    if entry is not None and witness is not None and not workspace.report:
        entry.keep(
            checkout.state,
            witness,
            {
                "project": workspace.project.name,
                "checkout": [checkout.id, str(checkout.state)],
                "environment": rendered.environment,
                "key": rendered.key,
                "text": rendered.text,
            },
        )
    return rendered
