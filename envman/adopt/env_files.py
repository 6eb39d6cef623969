"""Files of ``env_file`` that use variables of the project's ``.env``: envman gives Compose none to take them from."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Map
from pathlib import Path

from envman.diagnostics import EnvmanError, Report
from envman.language.references import references
from envman.source.dotenv import read_dotenv
from envman.source.tree import Mapping, Scalar, Sequence, node_at


def warn_of_references(tree: Mapping, folder: Path, dotenv: Map[str, str], report: Report) -> None:
    """Say of each file which names of ``dotenv`` its values use (EV812). ``folder`` is what paths are relative to."""
    for node in _files(tree):
        used: set[str] = set()

        def collect(text: str, before: Map[str, str], used: set[str] = used) -> str:
            used.update(one.name for one in references(text) if one.name in dotenv and one.name not in before)
            return text

        path = folder / str(node.value)
        try:
            read_dotenv(path, root=Path(path.absolute().anchor), report=Report(), expand=collect)
        except EnvmanError:
            continue  # that it cannot be read, the checks say
        if used:
            report.warning(
                "EV812",
                f"{node.value} uses {', '.join(sorted(used))} of .env, which Compose does not see when envman runs it",
                node.span,
                help="write the values into the file, or hand them over with `environment: {NAME: ${NAME}}`",
            )


def _files(tree: Mapping) -> Iterator[Scalar]:
    services = tree.entries.get("services")
    for service in services.entries.values() if isinstance(services, Mapping) else ():
        node = node_at(service, ("env_file",))
        for item in node.items if isinstance(node, Sequence) else (node,):
            path = item.entries.get("path") if isinstance(item, Mapping) else item
            if isinstance(path, Scalar) and isinstance(path.value, str) and "$" not in path.value:
                yield path
