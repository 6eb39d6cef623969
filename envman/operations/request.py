"""What a command was asked about, before any file is read; and what is kept of an earlier answer to the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envman.state.cache import OFF, Entry, witness_for
from envman.state.checkout import Checkout, open_checkout

if TYPE_CHECKING:
    from envman.operations.workspace import Workspace
    from envman.source.witness import Witness


@dataclass(frozen=True, slots=True)
class Request:
    """The project at ``root``, an environment (empty: the chosen one, or all), and the options that matter.

    ``frozen``: under its lock.
    """

    root: Path
    environment: str = ""
    instance: str = ""
    settings: Sequence[str] = ()
    context: str | None = None
    frozen: bool = False

    def entry(self, kind: str, environ: Mapping[str, str]) -> Entry:
        """Return where the answer of ``kind`` would be kept."""
        frozen = "frozen" if self.frozen else ""
        parts = (str(self.root), self.environment, self.instance, self.context or "", frozen, *self.settings)
        return Entry(environ, kind, parts)

    def recall(self, kind: str, environ: Mapping[str, str]) -> tuple[dict[str, Any], Checkout] | None:
        """Return the answer that was kept, and the checkout, if everything that it came from is as it was.

        Raises:
            EnvmanError: as ``open_checkout``.
        """
        kept = None if environ.get(OFF) else self.entry(kind, environ).recall()
        if kept is None:
            return None
        # Opened as it would be without: a checkout that was copied or moved is told by nothing that is kept.
        checkout = open_checkout(self.root, kept["project"], environ)
        return (kept, checkout) if [checkout.id, str(checkout.state)] == kept["checkout"] else None

    def keep(
        self, kind: str, workspace: Workspace, witness: Witness, checkout: Checkout, answer: Mapping[str, Any]
    ) -> None:
        """Keep ``answer``, whose making ``witness`` saw; ``workspace`` is the one that is not watched."""
        owner = {"project": workspace.project.name, "checkout": [checkout.id, str(checkout.state)]}
        self.entry(kind, workspace.environ).keep(checkout.state, witness, {**owner, **answer})

    def watched(self, workspace: Workspace) -> tuple[Workspace, Witness, Checkout]:
        """Return a workspace for the same, with the same engine, whose looks at files and variables are recorded."""
        from envman.operations.workspace import Workspace as Fresh

        again = Fresh.at(
            self.root,
            workspace.environ,
            settings=workspace.settings,
            context=self.context,
            instance=workspace.instance,
        )
        again.__dict__.update(endpoint=workspace.endpoint, engine=workspace.engine)
        checkout = again.checkout
        witness = witness_for(checkout.state)
        again.watch(witness)
        return again, witness, checkout
