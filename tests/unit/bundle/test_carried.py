"""Which files of a project go into a bundle, and that no secret is among them."""

from __future__ import annotations

from pathlib import Path

import pytest
from environments import load

from envman.bundle import carried
from envman.bundle.carried import Carried, carried_files


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path


def collect(root: Path, blueprint: str, values: dict[str, str] | None = None, **more: str) -> Carried:
    environment = load(root, "prod", prod=blueprint, **more)
    return carried_files(environment, root, values)


def text(found: Carried, name: str) -> str:
    return b"".join(found.files[name].read()).decode()


def why(found: Carried, what: str) -> str:
    (reason,) = [one.why for one in found.left_out if one.what == what]
    return reason


def put(root: Path, name: str, content: str = "something\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_all_layers_and_what_they_include_are_there(root: Path) -> None:
    put(root, "ops/compose.yaml", "services: {proxy: {image: 'nginx:1'}}\n")
    put(root, "blueprints/other.yaml", "services: {x: {image: 'x:1'}}\n")
    found = collect(
        root, "extends: base\ninclude: [ops/compose.yaml]\n", base="abstract: true\nservices: {api: {image: 'api:1'}}\n"
    )
    assert sorted(found.files) == [
        "blueprints/base.yaml", "blueprints/prod.yaml", "envman.yaml", "ops/compose.yaml",
    ]  # fmt: skip
    assert text(found, "envman.yaml") == "name: churn\nlanguage: 1\n"
    assert not found.left_out


def test_configs_and_mounted_files_are_there(root: Path) -> None:
    put(root, "conf/nginx.conf")
    put(root, "conf/deep/more.conf")
    put(root, "app.toml")
    put(root, "labels")
    put(root, "run.sh").chmod(0o755)
    found = collect(
        root,
        """
        services:
          api:
            image: api:1
            label_file: labels
            configs: [app]
            volumes: ["./conf:/etc/nginx:ro", "./run.sh:/run.sh", "data:/data"]
        volumes: {data: {}}
        configs: {app: {file: app.toml}}
        """,
    )
    assert {"conf/nginx.conf", "conf/deep/more.conf", "app.toml", "labels", "run.sh"} <= set(found.files)
    assert found.files["run.sh"].executable
    assert not found.files["app.toml"].executable
    assert not found.left_out


def test_secrets_are_not_there_whatever_leads_to_them(root: Path) -> None:
    put(root, "db_password.txt", "hunter2")
    put(root, "secrets/api.key", "hunter2")
    put(root, "conf/link-to-it").unlink()
    (root / "conf/link-to-it").symlink_to("../db_password.txt")
    found = collect(
        root,
        """
        services:
          api:
            image: api:1
            configs: [sly]
            secrets: [db, generated, outer]
            volumes: ["./db_password.txt:/one", "./conf:/conf", "./secrets:/secrets"]
        configs: {sly: {file: db_password.txt}}
        secrets:
          db: {file: db_password.txt}
          generated: {source: generate}
          outer: {source: env, variable: OUTER}
        """,
    )
    assert sorted(found.files) == ["blueprints/prod.yaml", "envman.yaml"]
    assert why(found, "db_password.txt") == "it is a secret"
    assert why(found, "conf/link-to-it") == "it is a secret"
    assert "usually hold secrets" in why(found, "secrets/api.key")
    assert "another one is generated" in why(found, "secrets.generated")
    assert "variable OUTER" in why(found, "secrets.outer")
    assert "db_password.txt has to be there" in why(found, "secrets.db")


@pytest.mark.parametrize(
    "content",
    [
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n",
        "key = AKIAIOSFODNN7EXAMPLE\n",
        "url = postgres://app:hunter2@db/app\n",
        "token: ghp_" + "a1" * 18 + "\n",
    ],
)
def test_a_configuration_with_a_key_in_it_is_left_out(root: Path, content: str) -> None:
    put(root, "conf/app.conf", content)
    found = collect(root, "services: {api: {image: 'api:1', volumes: ['./conf:/conf']}}\n")
    assert "conf/app.conf" not in found.files
    assert "looks like a key or a password" in why(found, "conf/app.conf")


def test_an_env_file_without_secrets_is_there_as_it_is(root: Path) -> None:
    put(root, "api.env", "# why\nLEVEL=debug\nDB_PASSWORD_FILE=/run/secrets/db\n")
    found = collect(root, "services: {api: {image: 'api:1', env_file: api.env}}\n")
    assert text(found, "api.env") == "# why\nLEVEL=debug\nDB_PASSWORD_FILE=/run/secrets/db\n"


def test_of_an_env_file_with_secrets_their_names_are_there(root: Path) -> None:
    put(
        root,
        "api.env",
        "LEVEL=debug\nDB_PASSWORD=hunter2\nDSN=postgres://u:hunter2@$HOST/x\nCERT_KEY='one\nhunter2\n'\nNOTE=it's\n",
    )
    found = collect(root, "services: {api: {image: 'api:1', env_file: api.env}}\n")
    made = text(found, "api.env")
    assert "hunter2" not in made
    assert "LEVEL='debug'" in made
    assert """NOTE="it's\"""" in made
    assert {"# DB_PASSWORD=", "# DSN=", "# CERT_KEY="} <= set(made.splitlines())
    assert "DB_PASSWORD, DSN, CERT_KEY" in why(found, "api.env")


def test_no_value_of_a_dotenv_file_is_there_but_locked_ones(root: Path) -> None:
    put(root, ".env", "LEVEL=debug\nHARMLESS=yes\n")
    blueprint = "services: {api: {image: 'api:1', env_file: .env}}\n"
    found = collect(root, blueprint, {"LEVEL": "debug"})
    assert text(found, ".env") == "LEVEL='debug'\n# left out of the bundle, to be filled in:\n# HARMLESS=\n"
    assert text(found, ".env.prod") == "LEVEL='debug'\n"
    assert "HARMLESS" in why(found, ".env")


def test_locked_values_from_outside_are_there_once(root: Path) -> None:
    put(root, ".env.prod", "LEVEL=debug\nTOKEN=hunter2\n")
    blueprint = "services: {api: {image: 'api:1', env_file: .env.prod}}\n"
    found = collect(root, blueprint, {"LEVEL": "debug", "PORT": "8080"})
    lines = text(found, ".env.prod").splitlines()
    assert lines.count("LEVEL='debug'") == 1
    assert "PORT='8080'" in lines
    assert "hunter2" not in text(found, ".env.prod")


def test_a_dotenv_file_that_nothing_names_is_left_out_and_that_is_said(root: Path) -> None:
    put(root, ".env", "PASSWORD=hunter2\n")
    found = collect(root, "services: {api: {image: 'api:1'}}\n")
    assert ".env" not in found.files
    assert "may hold secrets" in why(found, ".env")


def test_an_env_file_that_cannot_be_read_is_left_out(root: Path) -> None:
    put(root, "api.env", "what is this\n")
    found = collect(root, "services: {api: {image: 'api:1', env_file: [api.env, {path: no.env, required: false}]}}\n")
    assert "cannot be read" in why(found, "api.env")
    assert why(found, "no.env") == "it is not there"


def test_what_lies_outside_of_the_project_is_left_out(root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = put(tmp_path_factory.mktemp("elsewhere"), "file")
    (root / "link").symlink_to(elsewhere)
    found = collect(
        root, f"services: {{api: {{image: 'api:1', volumes: ['/var/run:/a', '{elsewhere}:/b', './link:/c']}}}}\n"
    )
    assert sorted(found.files) == ["blueprints/prod.yaml", "envman.yaml"]
    assert {why(found, one) for one in ("/var/run", str(elsewhere), "./link")} == {"it lies outside of the project"}


def test_what_is_no_configuration_is_left_out(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in ("many/1", "many/2", "many/3", "pipes/fine", "cached/__pycache__/x", "cached/.git/x", "cached/y"):
        put(root, name)
    (root / "empty").mkdir()
    os.mkfifo(root / "pipes/pipe")
    (root / "pipes/folder").symlink_to(".")
    monkeypatch.setattr(carried, "MOST_FILES", 2)
    mounts = ", ".join(f"'./{one}:/{one}'" for one in ("many", "pipes", "cached", "empty", "absent"))
    found = collect(root, f"services: {{api: {{image: 'api:1', volumes: [{mounts}, '.:/all']}}}}\n")
    assert {"pipes/fine", "cached/y"} == set(found.files) - {"blueprints/prod.yaml", "envman.yaml"}
    assert "more than 2 files" in why(found, "./many")
    assert why(found, "pipes/pipe") == "it is not a plain file"
    assert why(found, "pipes/folder") == "a link to a folder"
    assert "there is nothing in it" in why(found, "./empty")
    assert why(found, "./absent") == "there is no such file"
    assert "the whole project is mounted" in why(found, ".")


def test_of_a_build_only_the_dockerfile_is_there(root: Path) -> None:
    put(root, "api/Dockerfile", "FROM busybox\n")
    put(root, "api/source.py")
    found = collect(root, "services: {api: {build: ./api}, web: {build: {context: api, dockerfile: ../Other}}}\n")
    assert "api/Dockerfile" in found.files
    assert "api/source.py" not in found.files
    assert "build's context" in why(found, "./api")
