"""The projects that are measured: a blueprint, and the Compose file that says the same."""

from __future__ import annotations

from pathlib import Path

from envman.shipped import shipped

ENVIRONMENTS = ("local", "dev", "staging", "prod")

_SERVICE = """
  service{number}:
    image: registry.example.com/team/service{number}:1.4.2
    command: ["serve", "--workers", "4"]
    environment:
      LOG_LEVEL: {log_level}
      DATABASE_URL: postgresql://db:5432/app{number}
      WORKERS: "4"
    depends_on: {depends_on}
    ports: ["127.0.0.1:{port}:8080"]
    volumes: ["data:/data", "./config:/etc/app:ro"]
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8080/health"]
      interval: 10s
      timeout: 3s
      retries: 5
    deploy: {{resources: {{limits: {{cpus: "0.5", memory: 256m}}}}}}
    restart: unless-stopped
"""
_SLEEPER = "  {name}: {{image: 'busybox:1.37', init: true, command: [sleep, infinity]}}\n"
_CHECKED = """
  {name}:
    image: busybox:1.37
    init: true
    command: [sleep, infinity]
    healthcheck: {{test: [CMD, "true"], interval: 30s, start_period: 30s, start_interval: 200ms}}
"""


def write_services(root: Path, name: str, count: int) -> None:
    """Write project ``name`` with environment ``dev`` of ``count`` services, and ``compose.yaml`` beside it."""
    _write_project(root, name)
    header = "variables:\n  log_level: {type: enum, values: [debug, info], default: info}\n"
    blueprint = header + _services(count, "${log_level}")
    (root / "blueprints" / "dev.yaml").write_text(blueprint, encoding="utf-8")
    compose = f"name: {name}-dev\n" + _services(count, "${LOG_LEVEL:-info}")
    (root / "compose.yaml").write_text(compose, encoding="utf-8")
    # What the services mount: Compose does not look, envman warns where it is missing.
    (root / "config").mkdir()


def _services(count: int, log_level: str) -> str:
    services = "".join(
        _SERVICE.format(
            number=number,
            log_level=f'"{log_level}"',
            port=20000 + number,
            depends_on=f"[service{number - 1}]" if number else "[]",
        )
        for number in range(count)
    )
    return f"services:{services}volumes:\n  data: {{}}\n"


def write_shipped(root: Path, name: str) -> None:
    """Write a project of the shipped blueprints."""
    _write_project(root, name)
    for path in shipped("blueprints").glob("*.yaml"):
        (root / "blueprints" / path.name).write_bytes(path.read_bytes())
    images = (f"docker/{image}/Dockerfile" for image in ("gateway", "grafana", "prometheus"))
    for file in ("docker/Dockerfile", *images, "src/api.py", "tests/test_api.py"):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()


def write_sleepers(root: Path, name: str, environments: tuple[str, ...], services: int) -> None:
    """Write a project whose services do nothing on a real engine, and a Compose file for each environment."""
    _write_project(root, name)
    body = "services:\n" + "".join(_SLEEPER.format(name=f"service{number}") for number in range(services))
    for environment in environments:
        (root / "blueprints" / f"{environment}.yaml").write_text(body, encoding="utf-8")
        plain = f"name: {name}-plain-{environment}\n{body}"
        (root / f"{environment}.yaml").write_text(plain, encoding="utf-8")


def write_checked(
    root: Path, name: str, environments: tuple[str, ...], services: int, ports: tuple[int, int] | None = None
) -> None:
    """Write a project whose services have health checks, and a Compose file for each environment.

    With ``ports`` all blueprints publish the first from their last service, all Compose files the second.
    """
    _write_project(root, name)
    for environment in environments:
        for index, path in enumerate((root / "blueprints" / f"{environment}.yaml", root / f"{environment}.yaml")):
            body = "services:" + "".join(_CHECKED.format(name=f"service{number}") for number in range(services))
            if ports is not None:
                body += f'    ports: ["127.0.0.1:{ports[index]}:80"]\n'
            header = f"name: {name}-plain-{environment}\n" if index else ""
            path.write_text(header + body, encoding="utf-8")


def write_store(root: Path, name: str, image: str) -> None:
    """Write a project with one service of ``image`` that does nothing, and a volume."""
    _write_project(root, name)
    service = f"{{image: '{image}', init: true, command: [sleep, infinity], volumes: ['data:/data']}}"
    text = f"services: {{store: {service}}}\nvolumes: {{data: {{}}}}\n"
    (root / "blueprints" / "dev.yaml").write_text(text, encoding="utf-8")


def _write_project(root: Path, name: str) -> None:
    (root / "blueprints").mkdir(parents=True)
    (root / "envman.yaml").write_text(f"name: {name}\nlanguage: 1\n", encoding="utf-8")
