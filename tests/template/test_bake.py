"""What the template bakes: exactly these files, whole, with the answers in them and nothing left over."""

from __future__ import annotations

import compileall
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from baked import pins, refuse_unclean_python

FILES = """\
.dockerignore
.env.example
.github/workflows/ci.yml
.gitignore
.pre-commit-config.yaml
LICENSE
Makefile
README.md
blueprints/base.yaml
blueprints/dev.yaml
blueprints/local.yaml
blueprints/monitoring.yaml
blueprints/postgres.yaml
blueprints/prod.yaml
blueprints/staging.yaml
data/in/.gitkeep
data/processed/.gitkeep
data/raw/.gitkeep
data/raw/customers.csv
docker/Dockerfile
docker/gateway/Dockerfile
docker/gateway/gateway-health
docker/gateway/nginx.conf
docker/grafana/Dockerfile
docker/grafana/dashboards.yaml
docker/grafana/datasources.yaml
docker/grafana/service.json
docker/prometheus/Dockerfile
docker/prometheus/alerts.test.yml
docker/prometheus/alerts.yml
docker/prometheus/prometheus.yml
docker/tracking/tracking_server.py
docs/add-a-service.md
docs/to-production.md
docs/your-own-data.md
envman.yaml
pyproject.toml
requirements/build.txt
requirements/dev.txt
requirements/runtime.txt
requirements/tracking.txt
scripts/ci
src/ml_project/__init__.py
src/ml_project/api.py
src/ml_project/batch.py
src/ml_project/data.py
src/ml_project/describe.py
src/ml_project/drift.py
src/ml_project/evaluate.py
src/ml_project/features.py
src/ml_project/follow.py
src/ml_project/health.py
src/ml_project/jobs.py
src/ml_project/logs.py
src/ml_project/metrics.py
src/ml_project/predict.py
src/ml_project/py.typed
src/ml_project/registry.py
src/ml_project/serve.py
src/ml_project/settings.py
src/ml_project/table.py
src/ml_project/table.toml
src/ml_project/train.py
tests/conftest.py
tests/test_api.py
tests/test_batch.py
tests/test_data.py
tests/test_drift.py
tests/test_features.py
tests/test_follow.py
tests/test_logs.py
tests/test_metrics.py
tests/test_model.py
tests/test_registry.py
tests/test_reload.py
tests/test_serve.py
tests/test_settings.py
tests/test_table.py
tests/test_tracking_server.py
tests/test_train.py
""".splitlines()


def contents(project: Path) -> dict[str, bytes]:
    return {
        path.relative_to(project).as_posix(): path.read_bytes() for path in sorted(project.rglob("*")) if path.is_file()
    }


def blueprints(project: Path) -> dict[str, Any]:
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted((project / "blueprints").iterdir())}


def test_exactly_these_files(project: Path) -> None:
    assert project.name == "ml-project"
    assert sorted(contents(project)) == FILES


def test_the_same_files_under_other_names(other: Path) -> None:
    assert other.name == "churn-of-customers"
    expected = [name.replace("ml_project", "customer_churn_prediction") for name in FILES]
    assert sorted(contents(other)) == sorted(expected)


def test_baked_twice_it_is_the_same(bake: Callable[..., Path], project: Path) -> None:
    again = bake()
    assert contents(again) == contents(project)
    assert [path.stat().st_mode for path in sorted(again.rglob("*"))] == [
        path.stat().st_mode for path in sorted(project.rglob("*"))
    ]


def test_programs_can_be_executed(project: Path) -> None:
    executable = [name for name in FILES if (project / name).stat().st_mode & 0o111]
    assert executable == ["docker/gateway/gateway-health", "docker/tracking/tracking_server.py", "scripts/ci"]


def test_nothing_of_the_template_is_left(project: Path, other: Path) -> None:
    for folder in (project, other):
        for name, content in contents(folder).items():
            text = content.decode()
            assert "cookiecutter" not in text, name
            # What GitHub fills in, and Prometheus into an alert ({{ $value }}), looks like what a template does.
            assert not re.search(r"(?<!\$)\{\{(?! \$)|\{%|\{#", text), name
            assert text == "" or text.endswith("\n"), name
            assert not re.search(r"[ \t]+$", text, re.MULTILINE), name


def test_nothing_of_the_defaults_is_left(other: Path) -> None:
    for name, content in contents(other).items():
        assert b"ml_project" not in content, name
        assert b"ml-project" not in content, name


def test_every_answer_is_used(root: Path) -> None:
    template = root / "cookiecutter-mlproject"
    asked = json.loads((template / "cookiecutter.json").read_text())
    texts = [path.read_text() for path in template.rglob("*") if path.is_file()]
    names = [str(path) for path in template.rglob("*")]
    for question in asked:
        if not question.startswith("_"):
            assert question in asked["__prompts__"], f"{question} has no explanation"
            assert any(f"cookiecutter.{question}" in text for text in (*texts, *names)), f"{question} is asked in vain"
    assert set(asked["__prompts__"]) == {name for name in asked if not name.startswith("_")}


def test_answers_arrive_whole(other: Path) -> None:
    declared = tomllib.loads((other / "pyproject.toml").read_text())["project"]
    assert declared["name"] == "churn-of-customers"
    assert declared["description"] == 'Who "leaves" & why <soon>'
    assert declared["authors"] == [{"name": "Zoë O'Brien"}]
    assert declared["scripts"]["train"] == "customer_churn_prediction.train:main"
    assert yaml.safe_load((other / "envman.yaml").read_text()) == {"name": "churn-of-customers", "language": 1}
    assert "ARG BASE_IMAGE=python:3.11-slim\n" in (other / "docker/Dockerfile").read_text()


def test_a_name_as_people_write_it(bake: Callable[..., Path]) -> None:
    made = bake(project_name="Churn of Customers")
    assert made.name == "churn-of-customers"
    assert (made / "src/churn_of_customers/train.py").is_file()


def test_shipped_blueprints_are_those_of_the_template(root: Path, project: Path) -> None:
    shipped = {path.name: path.read_bytes() for path in (root / "blueprints").iterdir()}
    assert shipped == {path.name: path.read_bytes() for path in (project / "blueprints").iterdir()}


@pytest.mark.parametrize("which", ["project", "other"])
def test_its_python_is_clean(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    folder: Path = request.getfixturevalue(which)
    refuse_unclean_python(folder)
    compiled = shutil.copytree(folder, tmp_path / "compiled")
    assert compileall.compile_dir(compiled, quiet=1)


def test_requirements_are_pinned_with_hashes_and_hold_no_address(project: Path) -> None:
    for lock in sorted((project / "requirements").iterdir()):
        text = lock.read_text()
        assert "://" not in text, lock.name
        # One logical line a package: NAME==VERSION [; MARKER] --hash=sha256:... [...]
        lines = text.replace("\\\n", "").splitlines()
        assert lines, lock.name
        for line in lines:
            assert re.fullmatch(r"[a-z0-9._-]+==\S+( ; [^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", line), line[:80]


def test_everything_required_is_pinned(project: Path) -> None:
    declared = tomllib.loads((project / "pyproject.toml").read_text())
    groups = declared["dependency-groups"]
    for name, required in {
        "runtime": declared["project"]["dependencies"],
        "build": groups["build"],
        "tracking": groups["tracking"],
        "dev": [*declared["project"]["dependencies"], *groups["dev"], *groups["build"]],
    }.items():
        pinned = {package for package, _ in pins((project / f"requirements/{name}.txt").read_text())}
        for requirement in required:
            package = re.match(r"[A-Za-z0-9-]+", requirement)
            assert package is not None
            assert package[0].lower() in pinned, f"{requirement} is not in {name}.txt; run `make lock`"


def test_images_agree_on_versions(project: Path) -> None:
    runtime, dev, tracking = (
        pins((project / f"requirements/{name}.txt").read_text()) for name in ("runtime", "dev", "tracking")
    )
    assert runtime <= dev
    names = {name for name, _ in runtime}
    assert {pin for pin in tracking if pin[0] in names} <= runtime


def test_the_example_of_settings_names_every_variable_that_can_be_set(project: Path) -> None:
    read = {
        variable["env"]
        for blueprint in blueprints(project).values()
        for variable in blueprint.get("variables", {}).values()
        if "env" in variable
    }
    named = re.findall(r"^# ([A-Z_]+)=", (project / ".env.example").read_text(), re.MULTILINE)
    assert sorted(named) == sorted(read)


def test_builds_see_only_what_images_hold(project: Path) -> None:
    allowed = re.findall(r"^!(\S+)", (project / ".dockerignore").read_text(), re.MULTILINE)
    dockerfile = (project / "docker/Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", dockerfile, re.MULTILINE)
    mounted = re.findall(r"source=(\S+?)/?[,\s]", dockerfile)
    for path in (*" ".join(copied).split(), *mounted):
        assert any(path == entry or path.startswith(f"{entry}/") or entry.startswith(f"{path}/") for entry in allowed)
    assert (project / ".dockerignore").read_text().split("\n")[1] == "*"


def test_only_the_gateway_of_prod_can_be_reached(project: Path) -> None:
    layers = blueprints(project)
    for name, expected in {
        "base": [],
        "postgres": [],
        "monitoring": ["grafana"],
        "prod": ["gateway"],
        "staging": [],
    }.items():
        published = [service for service, body in layers[name].get("services", {}).items() if "ports" in body]
        assert published == expected, name
    grafana = layers["monitoring"]["services"]["grafana"]
    assert grafana["profiles"] == ["dashboards"], "it runs for who asks for it"
    assert [port["host_ip"] for port in grafana["ports"]] == ["127.0.0.1"]
    assert layers["prod"]["networks"]["back"] == {"internal": True}


def test_every_service_of_prod_is_hardened(project: Path) -> None:
    layers = blueprints(project)
    below = {name for layer in ("base", "postgres") for name in layers[layer]["services"]}
    watching = layers["monitoring"]["services"]
    services = {**layers["prod"]["services"], **watching}
    names = below | {"gateway"} | set(watching)
    assert set(services) == names
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}, name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name
    jobs = {
        name
        for layer in ("base", "postgres")
        for name, service in layers[layer]["services"].items()
        if service.get("profiles") == ["jobs"]
    }
    assert jobs == {"train", "batch", "drift", "backup", "restore"}
    assert {name for name, service in services.items() if service.get("restart") == "unless-stopped"} == names - jobs
    assert {volume["retain"] for volume in layers["prod"]["volumes"].values()} == {"protected"}


@pytest.fixture(scope="session")
def unwatched(bake: Callable[..., Path]) -> Path:
    """A project that does without monitoring, to be read only."""
    return bake(monitoring="none")


def test_a_project_may_do_without_monitoring(unwatched: Path, project: Path) -> None:
    monitoring = {
        name for name in FILES if name.startswith(("docker/grafana/", "docker/prometheus/")) or "monitoring" in name
    }
    assert len(monitoring) == 9
    made = contents(unwatched)
    assert sorted(made) == sorted(set(FILES) - monitoring)
    assert blueprints(unwatched)["prod"]["extends"] == ["base", "postgres"]
    for name, content in made.items():
        assert not re.search(rb"docker/prometheus|grafana|stub_status|exporter", content, re.IGNORECASE), name
    changed = {name for name, content in contents(project).items() if made.get(name, content) != content}
    assert changed == {"README.md", "blueprints/prod.yaml", "docker/gateway/nginx.conf"}


def test_prometheus_watches_services_that_there_are(project: Path) -> None:
    layers = blueprints(project)
    services = {name for layer in layers.values() for name in layer.get("services", {})}
    watched = yaml.safe_load((project / "docker/prometheus/prometheus.yml").read_text())["scrape_configs"]
    hosts = {
        host.partition(":")[0]
        for one in watched
        for config in (*one.get("static_configs", ()), *one.get("dns_sd_configs", ()))
        for host in (*config.get("targets", ()), *config.get("names", ()))
    }
    assert hosts == {"api", "gateway-exporter", "db-exporter", "localhost"}
    assert hosts - {"localhost"} < services
    status = layers["monitoring"]["services"]["gateway-exporter"]["command"]
    assert status == ["--nginx.scrape-uri=http://gateway:8081/stub_status"]
    assert re.search(
        r"listen 8081;.*\blocation = /stub_status ", (project / "docker/gateway/nginx.conf").read_text(), re.DOTALL
    )


def test_every_alert_has_a_test_and_says_how_bad_it_is(project: Path) -> None:
    groups = yaml.safe_load((project / "docker/prometheus/alerts.yml").read_text())["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    tests = yaml.safe_load((project / "docker/prometheus/alerts.test.yml").read_text())["tests"]
    raised = {case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case["exp_alerts"]}
    assert {rule["alert"] for rule in rules} == raised
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]


def test_the_dashboard_shows_what_is_measured(project: Path) -> None:
    """Grafana itself runs in no test: where images come from Debian's packages there is none."""
    board = json.loads((project / "docker/grafana/service.json").read_text())
    [source] = yaml.safe_load((project / "docker/grafana/datasources.yaml").read_text())["datasources"]
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in blueprints(project)["monitoring"]["services"]
    assert not board["editable"]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"]) > 0
    own = set(
        re.findall(r'(?:Counter|Histogram|Gauge)\(\s*"(\w+)"', (project / "src/ml_project/metrics.py").read_text())
    )
    known = own | {f"{name}_{suffix}" for name in own for suffix in ("total", "bucket")}
    exported = {"nginx_up", "nginx_connections_active", "nginx_connections_waiting"} | {
        *("pg_up", "pg_stat_database_numbackends", "pg_settings_max_connections", "up", "ALERTS")
    }
    shown = set()
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == source["uid"]
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        for target in panel["targets"]:
            shown |= set(re.findall(r"\b(?:[a-z]+_[a-z_]+|up|ALERTS)\b(?=[{\[) ]|$)", target["expr"]))
    assert shown - {"histogram_quantile", "model_version"} <= known | exported
    assert {"http_requests_total", "predictions_total", "prediction_probability_bucket", "model_info"} <= shown


def test_what_the_pages_name_is_there(project: Path) -> None:
    package = project / "src/ml_project"
    pages = [project / "README.md", *sorted((project / "docs").iterdir())]
    for page in pages:
        text = page.read_text()
        for name in re.findall(r"`([\w./]+(?:\.py|\.yaml|\.txt|/))`", text):
            assert (project / name).exists() or (package / name).exists(), name
        for link in re.findall(r"\]\((\S+?)\)", text):
            assert (page.parent / link).exists(), link


def test_envman_has_nothing_to_complain_about(project: Path) -> None:
    for environment in ("local", "dev", "staging", "prod"):
        done = subprocess.run(
            [sys.executable, "-c", "from envman.cli.main import main; main()", "check", environment],
            cwd=project,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
