"""From a blueprint's declaration to a value in the store."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from envman.diagnostics import EnvmanError, Report
from envman.diagnostics.diagnostic import fail
from envman.model.environment import Environment
from envman.model.stack import Secret
from envman.secrets.store import SecretStore
from envman.source.files import read_text
from envman.source.places import locate, status


def absent_secrets(environment: Environment, root: Path) -> frozenset[str]:
    """Return the optional secrets that this machine has no value for: a render leaves them out."""
    absent = set()
    for name, secret in environment.stack.secrets.items():
        if not secret.optional:
            continue
        if (secret.source == "env" and not environment.handed.sources.get(secret.variable or "")) or (
            secret.source == "file" and not (secret.path and status(root, secret.path) is not None)
        ):
            absent.add(name)
    return frozenset(absent)


def provide_secrets(
    environment: Environment,
    store: SecretStore,
    root: Path,
    *,
    volumes: list[str],
    report: Report,
    names: Collection[str] | None = None,
) -> list[str]:
    """Put a value for every secret of ``environment`` into ``store``; return the names that were generated.

    With ``names``, only for these.
    ``volumes`` are the environment's existing volumes: a
    generated secret that is gone is never made anew while one exists, because data in it may need the old one.
    Problems go to ``report`` (EV503, EV504); values appear in no message.
    """
    generated = []
    absent = absent_secrets(environment, root)
    for name, secret in environment.stack.secrets.items():
        if secret.source is None or name in absent or (names is not None and name not in names):
            continue
        span = environment.key_span("secrets", name)
        if secret.source == "generate":
            if store.has(name):
                continue
            if volumes:
                report.error(
                    "EV503",
                    f'the generated secret "{name}" is gone, but the volume {volumes[0]} still exists',
                    span,
                    expected="its value in the secret store",
                    help=f"restore it with `envman secrets set {environment.name} {name}`, or remove the data with "
                    f"`envman down {environment.name} --volumes`",
                )
                continue
            from secrets import token_urlsafe

            store.write(name, token_urlsafe(secret.length)[: secret.length])
            generated.append(name)
        else:
            value = _outside(name, secret, environment, root, report)
            if value is not None:
                store.write(name, value)
    return generated


def _outside(name: str, secret: Secret, environment: Environment, root: Path, report: Report) -> str | None:
    if secret.source == "env":
        value = environment.handed.sources.get(secret.variable or "")
        if value:
            return value
        report.error(
            "EV504",
            f'secret "{name}" has no value: {secret.variable} is not set',
            environment.span("secrets", name, "variable"),
            expected="a variable of the process or of a .env file",
            help=f"export {secret.variable}, or write it into .env.{environment.name}",
        )
        return None
    path = locate(root, secret.path or "")
    try:
        if path is None:
            raise fail("EV002", f"{secret.path} is not a path")
        return read_text(path, secret.path or "")
    except EnvmanError as error:
        # Not its place: a line of the file is the secret.
        report.error(
            "EV504",
            f'secret "{name}" cannot be read from {secret.path}: '
            + error.diagnostics[0].message.removeprefix(f"{secret.path}: "),
            environment.span("secrets", name, "path"),
            expected="a readable file",
        )
        return None
