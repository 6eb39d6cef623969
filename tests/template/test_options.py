"""The template's options: every combination is baked, and makes exactly the files that its answers ask for."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cookiecutter.generate
import jinja2
import pytest
import yaml
from attribute_cases import read_plain
from baked import pins, refuse_unclean_python
from environments import facts

from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.diagnostics import Report
from envman.language.authoring import blueprint_schema
from envman.model.environment import Environment
from envman.operations.workspace import automatic_ports
from envman.project import load_environment, open_project
from envman.render.compose import render
from envman.scaffold import new_project, rendered
from envman.template.origin import shipped_template
from envman.template.pristine import File

Answers = dict[str, str]
Files = dict[str, File]

TEMPLATE = shipped_template()
# Every one that changes more than the version of the base image, and an answer for each that takes any text.
CHOICES: dict[str, list[str]] = {
    name: list(map(str, default))
    for name, default in TEMPLATE.context.items()
    if isinstance(default, list) and not name.startswith("_") and name != "python_version"
}
# A licence changes nothing but what says so; it meets the default answers only.
PRODUCT = {name: values[:1] if name == "licence" else values for name, values in CHOICES.items()}
COMBINATIONS: list[Answers] = [
    dict(zip(PRODUCT, values, strict=True)) for values in itertools.product(*PRODUCT.values())
]
COMBINATIONS += [{**COMBINATIONS[0], "licence": licence} for licence in CHOICES["licence"][1:]]
PRESETS: dict[str, Answers] = TEMPLATE.context["_presets"]
# What an answer brings, and what it takes away, beside what the default answers make.
BRINGS: dict[tuple[str, str], set[str]] = {
    ("framework", "pytorch"): {"requirements/torch.txt", "src/churn/model.py", "tests/test_network.py"},
    ("notebook", "jupyter"): {"blueprints/notebook.yaml", "notebooks/explore.ipynb", "requirements/notebook.txt"},
    ("artifacts", "s3"): {
        *(f"blueprints/{name}.yaml" for name in ("object-store", "external-store")),
        *(f"docker/object-store/{name}" for name in ("Dockerfile", "object-store")),
    },
}
# An answer that means nothing beside another one, as its reason says.
MEANS_NOTHING: dict[tuple[str, str], tuple[str, str]] = {("artifacts", "s3"): ("tracking", "none")}
TAKES: dict[tuple[str, str], set[str]] = {
    ("ci", "none"): {".github/workflows/ci.yml"},
    ("tracking", "none"): {
        "blueprints/postgres.yaml",
        "docker/tracking/tracking_server.py",
        "requirements/tracking.txt",
        "tests/test_tracking_server.py",
    },
    ("gateway", "none"): {f"docker/gateway/{name}" for name in ("Dockerfile", "gateway-health", "nginx.conf")},
    ("monitoring", "none"): {
        "blueprints/monitoring.yaml",
        *(f"docker/grafana/{name}" for name in ("Dockerfile", "dashboards.yaml", "datasources.yaml", "service.json")),
        *(f"docker/prometheus/{name}" for name in ("Dockerfile", "alerts.test.yml", "alerts.yml", "prometheus.yml")),
    },
}


@pytest.fixture(scope="module", autouse=True)
def _templates_are_read_once() -> Iterator[None]:
    """Most of a bake is Jinja, which compiles the same texts again for each, and looking for what is no text."""
    compiled: dict[Any, Any] = {}
    really = jinja2.Environment.compile

    def compile_once(self: jinja2.Environment, source: str, *names: Any, **options: Any) -> Any:
        key = (source, names, *sorted(options.items()))
        if key not in compiled:
            compiled[key] = really(self, source, *names, **options)
        return compiled[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jinja2.Environment, "compile", compile_once)
        patch.setattr(cookiecutter.generate, "is_binary", functools.cache(cookiecutter.generate.is_binary))
        yield


_CONTENTS: dict[bytes, bytes] = {}


@functools.cache
def _bake(answers: tuple[tuple[str, str], ...]) -> Files:
    made = rendered(TEMPLATE, {"project_name": "churn", **dict(answers)})
    # Most files of two bakes are equal: they are kept once.
    return {
        name: file._replace(content=_CONTENTS.setdefault(file.content, file.content)) for name, file in made.items()
    }


def bake(**answers: str) -> Files:
    return _bake(tuple(sorted(answers.items())))


def those_that_differ_in(pattern: str) -> list[Answers]:
    """Return one combination for each set of contents that the files whose names match can have."""
    found: dict[frozenset[tuple[str, bytes]], Answers] = {}
    for answers in COMBINATIONS:
        files = {(name, file.content) for name, file in bake(**answers).items() if re.match(pattern, name)}
        found.setdefault(frozenset(files), answers)
    return list(found.values())


def pairs(answers: Answers) -> set[tuple[tuple[str, str], ...]]:
    return set(itertools.combinations(answers.items(), 2))


def those_where_any_two_answers_meet() -> list[Answers]:
    """Return a few combinations, for what takes too long to be done with each."""
    missing = set().union(*map(pairs, COMBINATIONS))
    found: list[Answers] = []
    while missing:
        found.append(max(COMBINATIONS, key=lambda answers: len(pairs(answers) & missing)))
        missing -= pairs(found[-1])
    return found


@pytest.fixture(scope="module")
def default() -> Files:
    return bake()


def write(files: Files, folder: Path) -> Path:
    for name, file in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        path.chmod(0o755 if file.executable else 0o644)
    return folder


def text(files: Files, name: str) -> str:
    return files[name].content.decode()


def expected(default: Files, answers: Answers) -> set[str]:
    given = set(answers.items())
    given -= {answer for answer, without in MEANS_NOTHING.items() if without in given}
    brought = set().union(*(names for answer, names in BRINGS.items() if answer in given))
    taken = set().union(*(names for answer, names in TAKES.items() if answer in given))
    return (set(default) | brought) - taken


@pytest.mark.parametrize("first", next(iter(CHOICES.values())))
def test_every_combination_makes_exactly_its_files(first: str, default: Files) -> None:
    option = next(iter(CHOICES))
    read: set[tuple[str, bytes]] = set()
    for answers in COMBINATIONS:
        if answers[option] != first:
            continue
        made = bake(**answers)
        assert set(made) == expected(default, answers), answers
        for name, file in made.items():
            if (name, file.content) in read:
                continue
            read.add((name, file.content))
            content = file.content.decode()
            # What GitHub fills in, ${{ }}, and Prometheus, {{ $value }}, looks like what a template does.
            assert not re.search(r"\{%|\{#|(?<!\$)\{\{(?! \$)|cookiecutter", content), (answers, name)
            assert not content or (content.endswith("\n") and not content.endswith("\n\n")), (answers, name)
            assert not re.search(r"[ \t]+$", content, re.MULTILINE), (answers, name)
            assert "\n\n\n" not in content or name.endswith(".py") or name == "LICENSE", (answers, name)


def check(folder: Path) -> dict[str, Any]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        run(Invocation(directory=folder), ["--format", "json", "check"])
    document: dict[str, Any] = json.loads(out.getvalue())
    return document


def test_envman_has_nothing_to_complain_about(tmp_path: Path) -> None:
    combinations = those_where_any_two_answers_meet()
    assert 9 <= len(combinations) <= 18
    for number, answers in enumerate([*combinations, {"registry": "registry.example.com/team"}]):
        document = check(write(bake(**answers), tmp_path / str(number)))
        assert (document["exit_status"], document["diagnostics"]) == (0, []), answers


def test_editors_have_nothing_to_complain_about() -> None:
    jsonschema: Any = importlib.import_module("jsonschema")
    validator = jsonschema.Draft7Validator(blueprint_schema("1.2.3"))
    for answers in those_that_differ_in("blueprints/"):
        for name, file in bake(**answers).items():
            if name.startswith("blueprints/"):
                content = file.content.decode()
                assert content.startswith("# yaml-language-server: $schema=../.envman/schema.json\n"), name
                assert not list(validator.iter_errors(read_plain(content))), (answers, name)


def test_its_python_is_clean(tmp_path: Path) -> None:
    combinations = those_that_differ_in(r".*\.(py|ipynb|toml)$")
    for number, answers in enumerate(combinations):
        folder = write(bake(**answers), tmp_path / str(number))
        (folder / "pyproject.toml").write_text(text(bake(**answers), "pyproject.toml"))
    refuse_unclean_python(tmp_path)


def test_locks_hold_what_is_required_agree_and_name_no_address() -> None:
    for answers in those_that_differ_in("requirements/|pyproject.toml$"):
        made = bake(**answers)
        locks = {
            name.removeprefix("requirements/").removesuffix(".txt"): text(made, name)
            for name in made
            if name.startswith("requirements/")
        }
        declared = tomllib.loads(text(made, "pyproject.toml"))
        groups: dict[str, list[str]] = {**declared["dependency-groups"], "runtime": declared["project"]["dependencies"]}
        if answers["framework"] == "pytorch":
            groups["torch"] = ["torch"]
            groups["runtime"].remove("torch>=2.6,<3")
        assert set(groups) == set(locks), answers
        for name, required in groups.items():
            assert "://" not in locks[name]
            wanted = {re.split(r"[\[<>=]", one)[0].lower() for one in required}
            assert wanted <= {package for package, _ in pins(locks[name])}, (answers, name)
        development = pins(locks["dev"])
        assert pins(locks["runtime"]) <= development
        for name, lock in locks.items():
            shared = {pin for pin in pins(lock) if pin[0] in {package for package, _ in development}}
            assert shared <= development, (answers, name)


@functools.cache
def variables(blueprint: str) -> list[str]:
    """The environment's variables that set those of a blueprint, and its secrets."""
    document = yaml.safe_load(blueprint)
    declared, hidden = (document.get(key, {}).values() for key in ("variables", "secrets"))
    return [
        *(variable["env"] for variable in declared if "env" in variable),
        *(secret["variable"] for secret in hidden if secret["source"] == "env"),
    ]


def test_what_is_written_about_the_files_is_true() -> None:
    for answers in those_that_differ_in(r"README|\.env|blueprints/|docker/Dockerfile|\.dockerignore|Makefile"):
        made = bake(**answers)
        parents = {str(parent) for name in made for parent in Path(name).parents}
        for name in re.findall(r"`([\w./]+(?:\.py|\.yaml|\.txt|\.yml|/))`", text(made, "README.md")):
            inside = {name, f"src/churn/{name}"}
            assert inside & made.keys() or name.rstrip("/") in parents, (answers, name)
        read = {variable for name in made if name.startswith("blueprints/") for variable in variables(text(made, name))}
        named = re.findall(r"^# ([A-Z_]+)=", text(made, ".env.example"), re.MULTILINE)
        assert sorted(named) == sorted(read), answers
        allowed = re.findall(r"^!(\S+)", text(made, ".dockerignore"), re.MULTILINE)
        for path in allowed:
            assert path in made or path in parents, (answers, path)
        dockerfile = text(made, "docker/Dockerfile")
        copied = " ".join(re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", dockerfile, re.MULTILINE)).split()
        for path in (*copied, *re.findall(r"source=(\S+?),", dockerfile)):
            assert path in made or any(parent == path for parent in parents), (answers, path)
            assert any(f"{path}/".startswith(f"{one}/") or one.startswith(f"{path}/") for one in allowed), path
        stages = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))
        wanted = {
            target
            for name in made
            if "blueprints/" in name
            for target in re.findall(r"target: ([a-z]+)\b", text(made, name))
        }
        assert wanted <= stages, answers
        locked = set(re.findall(r"(?:-o |>)(requirements/\S+)", text(made, "Makefile")))
        assert locked == {name for name in made if name.startswith("requirements/")}, answers


@pytest.mark.parametrize("tracking", CHOICES["tracking"])
def test_nothing_is_left_of_the_tracking_that_was_not_chosen(tracking: str) -> None:
    made = bake(tracking=tracking)
    word = re.compile(r"mlflow|tracking|postgres" if tracking == "none" else r"MODEL_FOLDER: /models", re.IGNORECASE)
    for name in made:
        # Telemetry's own "tracking", and names of packages that others require, are not ours.
        if not name.startswith("requirements/"):
            assert not word.search(text(made, name)), name
    if tracking == "none":
        locks = "".join(text(made, name) for name in made if name.startswith("requirements/"))
        assert not {package for package, _ in pins(locks)} & {"mlflow", "mlflow-skinny", "psycopg", "sqlalchemy"}


@pytest.mark.parametrize("monitoring", CHOICES["monitoring"])
def test_nothing_is_left_of_a_gateway_that_was_not_chosen(monitoring: str) -> None:
    made = bake(gateway="none", monitoring=monitoring)
    for name in made:
        # A request may have passed a gateway of somebody else.
        if not name.endswith("metrics.py"):
            found = re.findall(r".*(?:gateway|nginx).*", text(made, name), re.IGNORECASE)
            assert [line for line in found if "`envman update --set gateway=nginx`" not in line] == [], name
    if monitoring != "none":
        json.loads(text(made, "docker/grafana/service.json"))
        for name in ("alerts.yml", "alerts.test.yml", "prometheus.yml"):
            yaml.safe_load(text(made, f"docker/prometheus/{name}"))


@pytest.mark.parametrize("answer", MEANS_NOTHING)
def test_an_answer_that_means_nothing_changes_nothing(answer: tuple[str, str]) -> None:
    (option, value), (other, without) = answer, MEANS_NOTHING[answer]
    for answers in COMBINATIONS:
        if answers[option] == value and answers[other] == without:
            assert bake(**answers) == bake(**{**answers, option: CHOICES[option][0]}), answers
    reason = json.loads((TEMPLATE.folder / "cookiecutter.json").read_text())["__prompts__"][option]
    assert "without MLflow" in reason["__prompt__"]


def test_a_volume_leaves_nothing_of_a_store(default: Files) -> None:
    for name, file in default.items():
        content = re.sub(r"--hash=\S+", "", file.content.decode())
        assert not re.search(r"\bs3\b|boto|seaweed|object.store|AWS_", content, re.IGNORECASE), name
    assert default["docker/gateway/gateway-health"].executable
    assert bake(artifacts="s3")["docker/object-store/object-store"].executable


def load(root: Path, name: str, **process: str) -> tuple[Environment | None, Report]:
    report = Report()
    return load_environment(open_project(root), name, report, settings={}, process=process, instance=None), report


def test_every_environment_has_a_store_of_its_own_that_only_the_tracking_server_reaches(tmp_path: Path) -> None:
    root = write(bake(artifacts="s3"), tmp_path)
    for name in ("local", "dev", "staging", "prod"):
        environment, _ = load(root, name)
        assert environment is not None
        ports = dict.fromkeys(automatic_ports(environment), 20000)
        document = yaml.safe_load(render(environment, facts(root, ports=ports)).text())
        services = document["services"]
        inside = {service for service in services if "store" in services[service].get("networks", ())}
        assert inside == {"object-store", "tracking"}
        assert list(services["object-store"]["networks"]) == ["store"]
        assert "ports" not in services["object-store"]
        assert document["networks"]["store"]["internal"] is True
        # Files are in the store; a volume is left for runs in SQLite.
        mounts = [mount["source"] for mount in services["tracking"].get("volumes", ())]
        assert mounts == (["mlflow"] if name == "local" else [])
        store = services["object-store"]
        assert (store["read_only"], store["cap_drop"]) == (True, ["ALL"])
        assert store["security_opt"] == ["no-new-privileges:true"]
        assert [secret["source"] for secret in store["secrets"]] == ["artifacts_access_key", "artifacts_secret_key"]
        assert store["environment"]["SECRET_KEY_FILE"] == "/run/secrets/artifacts_secret_key"


def test_one_line_swaps_the_store_for_one_of_yours(tmp_path: Path) -> None:
    root = write(bake(artifacts="s3"), tmp_path)
    prod = root / "blueprints/prod.yaml"
    assert prod.read_text().count("object-store, ") == 1
    prod.write_text(prod.read_text().replace("object-store, ", "external-store, "))
    for name in ("prod", "staging"):
        environment, report = load(root, name)
        assert environment is None
        assert [one.code for one in report.diagnostics] == ["EV208"] * 3
        for one, variable in zip(report.diagnostics, ("BUCKET", "ENDPOINT", "REGION"), strict=True):
            assert one.message.endswith(f", as ARTIFACTS_{variable}")
    given = {"ARTIFACTS_ENDPOINT": "https://s3.example.com", "ARTIFACTS_BUCKET": "ours", "ARTIFACTS_REGION": "eu"}
    destinations = set()
    for name in ("prod", "staging"):
        environment, report = load(root, name, **given)
        assert environment is not None, report.diagnostics
        assert "object-store" not in environment.stack.services
        ports = dict.fromkeys(automatic_ports(environment), 20000)
        document = yaml.safe_load(render(environment, facts(root, ports=ports)).text())
        tracking = document["services"]["tracking"]
        destinations.add(tracking["environment"]["ARTIFACTS_DESTINATION"])
        assert tracking["environment"]["AWS_ENDPOINT_URL_S3"] == "https://s3.example.com"
        assert set(tracking["networks"]) == {"back", "outside"}
        assert "internal" not in (document["networks"]["outside"] or {})
        assert "objects" not in document["volumes"]
    assert destinations == {"s3://ours/churn-prod", "s3://ours/churn-staging"}, "none writes into another's"
    (root / ".env").write_text("".join(f"{name}={value}\n" for name, value in given.items()))
    document = check(root)
    assert (document["exit_status"], document["diagnostics"]) == (0, [])


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_answers_what_it_names_and_an_answer_beside_it_wins(preset: str, tmp_path: Path) -> None:
    made = new_project("churn", tmp_path, answers={"ci": "none"}, ask=None, git=False, preset=preset)
    files = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    recorded = {".envman-template.yaml", ".envman-template.tar.xz", ".envman/schema.json", ".envman/.gitignore"}
    assert files - recorded == set(bake(**PRESETS[preset], ci="none"))
    option = next(name for name, value in PRESETS[preset].items() if value != CHOICES[name][0])
    answers = {option: CHOICES[option][0]}
    other = new_project("other", tmp_path, answers=answers, ask=None, git=False, preset=preset)
    record = yaml.safe_load((other / ".envman-template.yaml").read_text())["answers"]
    assert {name: record[name] for name in PRESETS[preset]} == {**PRESETS[preset], **answers}


def test_the_minimal_preset_is_an_api_and_jobs_in_every_environment(tmp_path: Path) -> None:
    root = write(bake(**PRESETS["minimal"]), tmp_path)
    jobs = {"train", "batch", "drift"}
    for name, more in {"local": {"describe", "test", "debug"}, "dev": set(), "staging": set(), "prod": set()}.items():
        environment, report = load(root, name)
        assert environment is not None, report.diagnostics
        ports = dict.fromkeys(automatic_ports(environment), 20000)
        document = yaml.safe_load(render(environment, facts(root, ports=ports)).text())
        services = document["services"]
        assert set(services) == {"api", *jobs, *more}
        assert [service for service in services if "profiles" not in services[service]] == ["api"]
        [port] = services["api"]["ports"]
        assert (port["target"], port["host_ip"]) == (8000, "127.0.0.1")
        assert services["api"].get("deploy", {}).get("replicas", 1) == 1, "one published port is one container's"
        assert {mount["source"] for mount in services["api"]["volumes"] if mount["type"] == "volume"} == {"models"}
        if name in {"staging", "prod"}:
            # A port of a container that has only inner networks is published nowhere.
            assert set(services["api"]["networks"]) == {"front", "back"}
            assert not (document["networks"]["front"] or {}).get("internal")
            assert all(list(services[job]["networks"]) == ["back"] for job in jobs)
            assert services["api"]["read_only"] is True


def rendered_train(folder: Path, *, engine_has_gpu: bool, **answers: str) -> dict[str, Any]:
    root = write(bake(**answers), folder)
    environment = load_environment(open_project(root), "prod", Report(), settings={}, process={}, instance=None)
    assert environment is not None
    ports = dict.fromkeys(automatic_ports(environment), 20000)
    document = render(environment, facts(root, ports=ports, gpu=engine_has_gpu))
    service: dict[str, Any] = yaml.safe_load(document.text())["services"]["train"]
    return service


@pytest.mark.parametrize("engine_has_gpu", [False, True])
@pytest.mark.parametrize("answer", CHOICES["gpu"])
@pytest.mark.parametrize("framework", CHOICES["framework"])
def test_gpus_are_reserved_for_training(framework: str, answer: str, engine_has_gpu: bool, tmp_path: Path) -> None:
    train = rendered_train(tmp_path, engine_has_gpu=engine_has_gpu, framework=framework, gpu=answer)
    reserved = train["deploy"]["resources"].get("reservations")
    wanted = answer == "required" or (answer == "optional" and engine_has_gpu)
    assert reserved == (
        {"devices": [{"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}]} if wanted else None
    )
    assert ("shm_size" in train) is (answer != "none" or framework == "pytorch")
    # Whoever cannot do without a GPU is told by PyTorch, too, where its build or the driver has none.
    assert (train["environment"].get("DEVICE") == "cuda") is (answer == "required" and framework == "pytorch")
    assert set(train["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}


def test_images_are_named_for_the_registry() -> None:
    made = bake(registry="registry.example.com/team")
    variable = yaml.safe_load(text(made, "blueprints/base.yaml"))["variables"]["image_registry"]
    assert variable == {"type": "string", "default": "registry.example.com/team", "env": "IMAGE_REGISTRY"}


def test_notebooks_are_for_those_who_know_the_token(tmp_path: Path) -> None:
    root = write(bake(notebook="jupyter"), tmp_path)
    for name in ("local", "dev"):
        environment = load_environment(open_project(root), name, Report(), settings={}, process={}, instance=None)
        assert environment is not None
        notebook = environment.stack.services["notebook"]
        assert notebook.profiles == ["notebook"]
        document = render(environment, facts(root, ports=dict.fromkeys(automatic_ports(environment), 20000)))
        service = yaml.safe_load(document.text())["services"]["notebook"]
        assert [port["host_ip"] for port in service["ports"]] == ["127.0.0.1"]
        assert [secret["source"] for secret in service["secrets"]] == ["notebook_token"]
        assert service["environment"]["JUPYTER_TOKEN_FILE"] == "/run/secrets/notebook_token"
    for name in ("prod", "staging"):
        environment = load_environment(open_project(root), name, Report(), settings={}, process={}, instance=None)
        assert environment is not None
        assert "notebook" not in environment.stack.services


def test_no_option_is_dead(default: Files) -> None:
    for option, values in CHOICES.items():
        made = [bake(**{option: value}) for value in values]
        assert default in made, option
        for one, other in itertools.combinations(made, 2):
            assert one != other, f"two answers to {option} make the same"


def test_no_folder_is_left_empty(tmp_path: Path) -> None:
    made = new_project("churn", tmp_path, answers={"ci": "none"}, ask=None, git=False)
    assert [str(path) for path in made.rglob("*") if path.is_dir() and not any(path.iterdir())] == []
    assert not (made / ".github").exists()


def test_no_answer_is_an_option_s_by_another_name() -> None:
    named = {*BRINGS, *TAKES}
    assert named <= {(option, value) for option, values in CHOICES.items() for value in values}


def test_the_workflow_is_what_github_takes(default: Files, tmp_path: Path) -> None:
    workflow = write(default, tmp_path) / ".github/workflows/ci.yml"
    for schema in ("vendor.github-workflows", "custom.github-workflows-require-timeout"):
        done = subprocess.run(
            [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(workflow)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_has_no_more_rights_than_it_needs(default: Files) -> None:
    workflow = yaml.safe_load(text(default, ".github/workflows/ci.yml"))
    assert workflow["permissions"] == {}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    used = re.findall(r"uses: (\S+)(.*)", text(default, ".github/workflows/ci.yml"))
    assert len(used) == 2
    for action, comment in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment)
    assert job["steps"][0]["with"]["persist-credentials"] is False


def test_ci_installs_the_envman_that_made_the_project(root: Path, default: Files) -> None:
    version = tomllib.loads((root / "pyproject.toml").read_text())["project"]["version"]
    for answer, requirement in {
        "index": f"envman=={version}",
        "git+https://git.example.com/envman@v1": "git+https://git.example.com/envman@v1",
        "vendor/envman-1.0-py3-none-any.whl": "vendor/envman-1.0-py3-none-any.whl",
    }.items():
        workflow = yaml.safe_load(text(bake(envman_from=answer), ".github/workflows/ci.yml"))
        runs = [step["run"] for step in workflow["jobs"]["ci"]["steps"] if "run" in step]
        assert runs[0] == f"python -m pip install '{requirement}'"
    assert json.loads((TEMPLATE.folder / "cookiecutter.json").read_text())["__envman_version"] == version


# The first two come with this project's own requirements; only an older environment can lack them.
LINTERS = {
    "zizmor": (r"\.github/", ["--offline", "--no-progress", "--persona=pedantic"]),
    "hadolint": (r"docker/.*Dockerfile$", []),
    "actionlint": (r"\.github/", []),
    "shellcheck": (r"scripts/|docker/gateway/gateway-health|docker/object-store/object-store", []),
}


@pytest.mark.parametrize("tool", LINTERS)
def test_linters_have_nothing_to_say(tool: str, tmp_path: Path) -> None:
    path = shutil.which(tool) or shutil.which(tool, path=str(Path(sys.executable).parent))
    if path is None:
        in_ci = bool(os.environ.get("ENVMAN_REQUIRE_ENGINE"))
        assert not (in_ci and tool in {"zizmor", "hadolint"}), f"{tool} is not installed"
        pytest.skip(f"{tool} is not installed")
    names, options = LINTERS[tool]
    files = []
    for number, answers in enumerate(those_that_differ_in(names)):
        made = {name: file for name, file in bake(**answers).items() if re.match(names, name)}
        files += [str(write(made, tmp_path / str(number)) / name) for name in made]
    assert files
    done = subprocess.run([path, *options, *files], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("licence", "identifier", "title"),
    [
        ("proprietary", "LicenseRef-Proprietary", "Copyright (c) Ada. All rights reserved."),
        ("MIT", "MIT", "MIT License"),
        ("Apache-2.0", "Apache-2.0", "Apache License"),
    ],
)
def test_the_licence_is_named_and_there(licence: str, identifier: str, title: str) -> None:
    made = bake(licence=licence, author="Ada")
    declared = tomllib.loads(text(made, "pyproject.toml"))["project"]
    assert (declared["license"], declared["license-files"]) == (identifier, ["LICENSE"])
    assert text(made, "LICENSE").strip().startswith(title)
    assert re.search(r"Copyright (\(c\) )?Ada\b", text(made, "LICENSE"))


def test_hooks_are_the_tools_of_the_project(default: Files) -> None:
    [repository] = yaml.safe_load(text(default, ".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    assert {hook["language"] for hook in repository["hooks"]} == {"system"}
    for hook in repository["hooks"]:
        assert hook["entry"].split()[0] in {"ruff", "mypy", "envman"}
