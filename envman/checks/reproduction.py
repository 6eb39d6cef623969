"""What the section `reproduce:` names is there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from envman.diagnostics import Diagnostic, Span
from envman.diagnostics.diagnostic import near_match
from envman.model.environment import Environment
from envman.model.reproduction import ALLOW, CUT


def unknown_stand_ins(environment: Environment) -> Iterator[Diagnostic]:
    """EV661: a stand-in, a service that may reach the outside, or a secret that the environment does not have."""
    reproduction = environment.stack.reproduce
    if reproduction is None:
        return
    services, secrets = environment.stack.services, environment.stack.secrets
    for host, answer in reproduction.endpoints.items():
        if answer not in {CUT, ALLOW, *services}:
            span = environment.span("reproduce", "endpoints", host)
            expected = near_match(answer, services) or "a service of this environment, `cut` or `allow`"
            text = f'"{answer}", which is to answer for {host}, is no service'
            advice = "write a service that only copies run: give it `profiles: [reproduce]`"
            yield Diagnostic("EV661", text, span, expected, help=advice)
    for index, name in enumerate(reproduction.allow):
        if name not in services:
            yield _unknown(f'"{name}" is no service', environment.span("reproduce", "allow", index), name, services)
    for name in reproduction.secrets:
        if name not in secrets:
            yield _unknown(f'"{name}" is no secret', environment.key_span("reproduce", "secrets", name), name, secrets)
    for name, one in reproduction.certificates.items():
        span = environment.key_span("reproduce", "certificates", name)
        for secret in (name, one.key):
            if secret not in secrets:
                yield _unknown(f'"{secret}" is no secret', span, secret, secrets)


def _unknown(text: str, span: Span, name: str, known: Iterable[str]) -> Diagnostic:
    names = list(known)
    return Diagnostic("EV661", text, span, near_match(name, names) or f"one of {', '.join(names) or 'none'}")
