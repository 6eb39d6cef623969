"""What an import writes, and what it says."""

from __future__ import annotations

import os
import subprocess
import textwrap
from pathlib import Path

import pytest
from trees import told

from envman.adopt.adoption import Wish
from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.diagnostics import EnvmanError, Report
from envman.operations.importing import Imported, import_compose, project_root, wider_root
from envman.project import load_environment, open_project


def imported(root: Path, *, process: dict[str, str] | None = None, folder: str = ".", **options: object) -> Imported:
    files = sorted((root / folder).glob("*compose*.yaml"))
    wish = Wish(
        tuple(files),
        root,
        str(options.get("name", "local")),
        tuple(options.get("profiles", ())),  # type: ignore[arg-type]
        bool(options.get("adapt")),
    )
    return import_compose(wish, process or {}, overwrite=bool(options.get("overwrite")))


def write(root: Path, **files: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (root / f"{name}.yaml").write_text(textwrap.dedent(text))


def blueprint(root: Path, name: str = "local") -> str:
    return (root / "blueprints" / f"{name}.yaml").read_text()


def said(done: Imported) -> list[str]:
    return [line.replace("  ", " ") for line in told(done.report)]


def test_the_authors_text_stays_with_its_comments(tmp_path: Path) -> None:
    text = """\
        # What we sell from.
        services:
          web:   # the shop
            image:   "nginx:1.28"

            expose: [ '80' ]   # inside only
        """
    write(tmp_path / "shop", compose=text)
    done = imported(tmp_path / "shop")
    assert [str(path) for path in done.written] == ["envman.yaml", "blueprints/local.yaml"]
    assert blueprint(tmp_path / "shop") == textwrap.dedent(text)
    assert (tmp_path / "shop" / "envman.yaml").read_text() == "name: shop\nlanguage: 1\n"
    assert said(done) == []


@pytest.mark.parametrize(
    ("name", "project"),
    [("My_Shop.2", "my-shop-2"), ("2fast", "project-2fast"), ("--", "project"), ("x" * 60, "x" * 40)],
)
def test_the_project_gets_a_valid_name(name: str, project: str, tmp_path: Path) -> None:
    write(tmp_path, compose=f"name: {name!r}\nservices: {{web: {{image: x}}}}\n")
    done = imported(tmp_path)
    assert (tmp_path / "envman.yaml").read_text().startswith(f"name: {project}\n")
    assert said(done) == ["EV802 1:1-5 `name` is left out: the project's name stands in envman.yaml"]


def test_a_second_import_adds_an_environment(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: x}}\n")
    imported(tmp_path)
    project = (tmp_path / "envman.yaml").read_bytes()
    assert imported(tmp_path).written == ()
    assert [str(path) for path in imported(tmp_path, name="staging").written] == ["blueprints/staging.yaml"]
    assert (tmp_path / "envman.yaml").read_bytes() == project


def test_a_blueprint_is_replaced_only_when_told(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: x}}\n")
    imported(tmp_path)
    write(tmp_path, compose="services: {web: {image: y}}\n")
    with pytest.raises(EnvmanError, match="EV801"):
        imported(tmp_path)
    assert "image: x" in blueprint(tmp_path)
    imported(tmp_path, overwrite=True)
    assert "image: y" in blueprint(tmp_path)


def test_variables_are_declared(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose="""\
        services:
          web:
            image: "x:${TAG}"
            command: ["${A:-a}", "${B-b}", "$B", "${C:?needed}"]
        """,
    )
    done = imported(tmp_path, process={"TAG": "1"})
    assert blueprint(tmp_path).startswith(
        textwrap.dedent("""\
        variables:
          TAG: {type: string, env: TAG, default: ""}
          A: {type: string, env: A}
          B: {type: string, env: B}
          C: {type: string, env: C}

        services:
        """)
    )
    assert 'command: ["${A:-a}", "${B-b}", "${B-}", "${C:?needed}"]' in blueprint(tmp_path)
    assert said(done) == [
        "EV803 4:36-40 B has no value here: it is empty, as in Compose",
        'EV208 4:43-55 variable "C" is required: needed',
    ]


def test_secrets_go_to_an_ignored_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose="""\
        services:
          db: {image: x, environment: {PASSWORD: hunter2}}
          web:
            image: x
            environment:
              - PASSWORD=other
              - TOKEN=${TOKEN:-fallback}
        """,
    )
    done = imported(tmp_path)
    assert (tmp_path / ".env.local").read_text() == "PASSWORD='hunter2'\nWEB_PASSWORD='other'\n"
    assert (tmp_path / ".env.local").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / ".gitignore").read_text() == "/.env.local\n"
    assert "hunter2" not in blueprint(tmp_path)
    assert "other" not in blueprint(tmp_path)
    assert "TOKEN=${TOKEN:-fallback}" in blueprint(tmp_path)
    assert said(done) == [
        "EV804 2:42-49 PASSWORD looks secret: its value is in .env.local now, which git ignores",
        "EV804 6:9-23 PASSWORD looks secret: its value is in .env.local now, which git ignores",
        "EV804 7:9-33 the default of TOKEN looks secret and stays in the blueprint",
    ]
    # No diagnostic may quote the lines that they stood on.
    assert all(one.span is None or one.span.source.confidential for one in done.report)


def test_a_secret_stays_out_of_every_message(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {db: {image: x, environment: {PASSWORD: hunter2}, cgroup: nonsense}}\n")
    with pytest.raises(EnvmanError) as caught:
        imported(tmp_path)
    assert all(one.span is not None and one.span.source.confidential for one in caught.value.diagnostics)
    assert not (tmp_path / "envman.yaml").exists()


def test_what_is_in_env_files_stays_there(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {db: {image: x, environment: {A: '${PASSWORD}'}}}\n")
    (tmp_path / ".env").write_text("PASSWORD=hunter2\n")
    (tmp_path / ".gitignore").write_text("*.pyc")
    imported(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "*.pyc\n/.env\n"
    assert not (tmp_path / ".env.local").exists()
    assert "hunter2" not in blueprint(tmp_path)


def test_values_of_another_folders_dotenv_are_taken_along(tmp_path: Path) -> None:
    write(tmp_path / "deploy", compose="services: {web: {image: 'x:$TAG', environment: [COLOUR], env_file: a.env}}\n")
    (tmp_path / "deploy" / ".env").write_text("TAG=1\nCOLOUR=red\nUNUSED=x\n")
    (tmp_path / "deploy" / "a.env").write_text("T=$TAG\n")
    (tmp_path / ".env.local").write_text("# mine\nTAG=0\nOWN=1\n")
    done = imported(tmp_path, folder="deploy")
    assert (tmp_path / ".env.local").read_text() == "# mine\nOWN=1\nTAG='1'\nCOLOUR='red'\n"
    assert "env_file: ./deploy/a.env" in blueprint(tmp_path)
    assert [line.split()[0] for line in said(done)] == ["EV809", "EV811"]


def test_paths_start_at_the_root(tmp_path: Path) -> None:
    write(
        tmp_path / "deploy",
        compose="""\
        services:
          web:
            build: {context: ., additional_contexts: [a=./a, b=docker-image://b]}
            volumes: [./x:/x, "named:/n", /abs:/abs, ~/h:/h, "${D}/y:/y", {type: bind, source: z, target: /z}]
            label_file: l
            security_opt: ["seccomp=./p.json", apparmor=unconfined]
            develop: {watch: [{path: src, action: rebuild}]}
          git: {build: "https://example.com/x.git"}
        configs: {c: {file: ../c}}
        volumes: {named: {driver_opts: {type: none, o: bind, device: ./d}}}
        """,
    )
    (tmp_path / "deploy" / "l").write_text("")
    (tmp_path / "deploy" / "p.json").write_text("{}")
    done = imported(tmp_path, folder="deploy", process={"D": "/d"})
    text = blueprint(tmp_path)
    for written in (
        "context: ./deploy",
        '"a=./deploy/a", b=docker-image://b',
        '"./deploy/x:/x", "named:/n", /abs:/abs, ~/h:/h, "${D}/y:/y"',
        "source: ./deploy/z",
        "label_file: ./deploy/l",
        'security_opt: ["seccomp=./deploy/p.json", apparmor=unconfined]',
        "path: ./deploy/src",
        'build: "https://example.com/x.git"',
        "file: ./c",
        "device: ./deploy/d",
    ):
        assert written in text
    assert [one.code for one in done.report.warnings].count("EV809") == 1


def test_adapt_gives_each_environment_a_folder_for_its_data(tmp_path: Path) -> None:
    write(
        tmp_path / "deploy",
        compose="""\
        services:
          db:
            image: x
            volumes:
              - ./data:/data
              - {type: bind, source: ./old, target: /old}
              - ./src:/src
              - ./conf.yml:/etc/conf.yml
              - ./read:/read:ro
              - "${D:-./d}:/d"
        """,
    )
    for file in ("old/dump.sql", "src/main.py"):
        (tmp_path / "deploy" / file).parent.mkdir()
        (tmp_path / "deploy" / file).write_text("x")
    for arguments in (("init", "-q"), ("add", "deploy/src")):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    for name in ("dev", "prod"):
        done = imported(tmp_path, folder="deploy", name=name, adapt=True)
        text = blueprint(tmp_path, name)
        assert '"./deploy/data/${ENVMAN_ENVIRONMENT}:/data"' in text
        assert 'source: "./deploy/old/${ENVMAN_ENVIRONMENT}"' in text
        assert text.count("ENVMAN_ENVIRONMENT") == 2
        assert [one.message for one in done.report if one.code == "EV807"] == [
            "./data becomes a folder for each environment: ./data/${ENVMAN_ENVIRONMENT}",
            "./old becomes a folder for each environment: ./old/${ENVMAN_ENVIRONMENT}; what ./old holds stays there",
        ]
    assert run(Invocation(directory=tmp_path), ["check"]) == 0


def test_adapt_names_folders_that_may_be_a_projects_own(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {db: {image: x, volumes: ['./files:/f']}}\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("x")
    process = {"GIT_CEILING_DIRECTORIES": str(tmp_path.parent), "PATH": os.environ["PATH"]}
    done = imported(tmp_path, adapt=True, process=process)
    assert [one.message for one in done.report] == [
        "./files may be written to by every environment: a second environment cannot run beside this one"
    ]
    assert "ENVMAN_ENVIRONMENT" not in blueprint(tmp_path)


def test_a_default_that_is_a_path_keeps_its_folder(tmp_path: Path) -> None:
    write(
        tmp_path / "deploy",
        compose="""\
        services:
          web:
            image: "x:${ALSO}"
            env_file: ["${FILE-x.env}"]
            volumes:
              - "${DATA:-./data}:/data"
              - "${A:-${B:-../b}}/c:/b"
              - "${NAME:-named}:/n"
              - "${ABSOLUTE:-/srv}:/s"
              - "${MOVED}:/m"
              - "${ALSO}:/also"
              - "${NOTHING}:/nothing"
        volumes: {named: }
        """,
    )
    (tmp_path / "deploy" / ".env").write_text("MOVED=./here\nALSO=./1\n")
    (tmp_path / "deploy" / "x.env").write_text("")
    done = imported(tmp_path, folder="deploy", process={"NOTHING": "./relative"})
    text = blueprint(tmp_path)
    for written in (
        '"${FILE-./deploy/x.env}"',
        '"${DATA:-./deploy/data}:/data"',
        '"${A:-${B:-./b}}/c:/b"',
        '"${NAME:-named}:/n"',
        '"${ABSOLUTE:-/srv}:/s"',
        '"${MOVED}:/m"',
    ):
        assert written in text
    values = (tmp_path / ".env.local").read_text()
    assert "MOVED='./deploy/here'" in values
    # It is also a tag, which must stay.
    assert "ALSO='./1'" in values
    undecided = [line for line in said(done) if "begins with a variable" in line]
    assert [line.split('"')[1] for line in undecided] == ["${ALSO}", "${NOTHING}"]


def test_variables_are_read_from_the_files_that_are_named(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: 'x:$TAG', labels: ['a=$B']}}\n")
    (tmp_path / ".env").write_text("TAG=wrong\n")
    (tmp_path / "one.env").write_text("TAG=1\nB=1\n")
    (tmp_path / "two.env").write_text("TAG=${B}2\nPASSWORD=unused\n")
    files = (tmp_path / "one.env", tmp_path / "two.env")
    done = import_compose(Wish((tmp_path / "compose.yaml",), tmp_path, "local", env_files=files), {})
    assert (tmp_path / ".env.local").read_text() == "TAG='2'\nB='1'\n"
    assert [one.code for one in done.report] == ["EV811"]
    with pytest.raises(EnvmanError, match="EV002"):
        import_compose(Wish((tmp_path / "compose.yaml",), tmp_path, "local", env_files=(tmp_path / "no",)), {})


def test_an_example_of_a_missing_env_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: 'x:$TAG', labels: ['a=$B', 'c=${C:?}']}}\n")
    (tmp_path / ".env.example").write_text("TAG=1\nC=1\nD=1\n")
    named = [one.message for one in imported(tmp_path).report if one.code == "EV836"]
    assert named == ["there is no .env, and .env.example has values for TAG, C"]
    (tmp_path / ".env").write_text("")
    assert "EV836" not in [one.code for one in imported(tmp_path).report]


def test_the_projects_folder_holds_all_files_that_are_named(tmp_path: Path) -> None:
    app = tmp_path / "a" / "app"
    write(
        app,
        compose="""\
        include: [../shared/compose.yaml]
        services:
          web: {image: x, build: ., volumes: ["../../data:/d"], env_file: [/etc/hostname]}
        """,
    )
    files = [app / "compose.yaml"]
    shared = tmp_path / "a" / "shared"
    assert wider_root(files, app, Path("/home/x")) == (tmp_path / "a", shared / "compose.yaml")
    write(shared, compose="services: {db: {image: x, build: {context: ../../db}}}\n")
    assert wider_root(files, app, Path("/home/x"))[0] == tmp_path  # type: ignore[index]
    assert wider_root(files, app, tmp_path / "home") is None
    assert wider_root(files, tmp_path, Path("/home/x")) is None
    import_compose(Wish(tuple(files), tmp_path, "local"), {})
    assert "include: [./a/shared/compose.yaml]" in blueprint(tmp_path)


def test_the_command_takes_the_folder_above_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "db", compose="services: {db: {image: x}}\n")
    write(tmp_path / "app", compose="include: [../db/compose.yaml]\nservices: {web: {image: x}}\n")
    monkeypatch.chdir(tmp_path / "app")
    assert run(Invocation(), ["import", "compose.yaml", "--root", "."]) == 1
    assert f"`envman import --root {tmp_path}` makes a project" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert run(Invocation(), ["import", "../app/compose.yaml"]) == 1
    assert "EV007" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path / "app")
    assert run(Invocation(), ["import", "compose.yaml"]) == 0
    assert f"EV835]: the project's folder is {tmp_path}, because {tmp_path}/db/compose" in capsys.readouterr().err
    assert (tmp_path / "envman.yaml").exists()
    assert run(Invocation(), ["check"]) == 0
    # A project that is there stays where it is.
    write(tmp_path, compose="include: [../elsewhere.yaml]\nservices: {web: {image: x}}\n")
    (tmp_path.parent / "elsewhere.yaml").write_text("services: {db: {image: x}}\n")
    assert run(Invocation(), ["import", "../compose.yaml", "--environment", "other"]) == 1
    assert f"move envman.yaml, blueprints/ and .env files from {tmp_path} to" in capsys.readouterr().err


def test_what_forbids_a_second_environment_is_said(tmp_path: Path) -> None:
    write(tmp_path, compose=FIXED)
    done = imported(tmp_path)
    assert said(done) == [
        (
            "EV806 4:21-24 6 names, ports and subnets exist once on a machine: "
            "a second environment cannot run beside this one"
        )
    ]
    assert [f"{note.span.line if note.span else ''} {note.text}" for note in done.report.warnings[0].notes] == [
        "4 web has the container name web",
        "6 web publishes the host port 8080:80",
        "7 web publishes the host port ${PORT:-8081}:81",
        " and 3 more",
    ]


def test_variables_without_a_value_are_one_warning(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: x, command: ['$ONE', '$TWO', '$ONE']}}\n")
    assert said(imported(tmp_path)) == [
        "EV803 1:38-44 ONE, TWO have no value here: they are empty, as in Compose",
    ]


def test_adapt_frees_it(tmp_path: Path) -> None:
    write(tmp_path, compose=FIXED)
    done = imported(tmp_path, adapt=True)
    text = blueprint(tmp_path)
    for written in (
        "    # container_name: web   # of old\n",
        '      - "auto:80"\n      - "${PORT:-auto}:81"\n      - {target: 82, published: auto}\n',
        "data: {}",
        "n: {external: true}",
    ):
        assert written in text
    assert [line.split()[0] for line in said(done)] == ["EV807"] * 5 + ["EV806"]


FIXED = """\
services:
  web:
    image: x
    container_name: web   # of old
    ports:
      - "8080:80"
      - "${PORT:-8081}:81"
      - {target: 82, published: 8082}
volumes: {data: {name: fixed}}
networks: {n: {external: true}}
"""


def test_files_that_override_become_a_chain(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose="""\
        services:
          web: {image: x, expose: ["1"]}
        volumes: {v: {name: fixed}}
        """,
        compose_override="""\
        services:
          web:
            expose:
              # one more
              - "2"
        """,
    )
    done = imported(tmp_path)
    assert blueprint(tmp_path, "base") == textwrap.dedent("""\
        abstract: true

        services:
          web: {image: x, expose: ["1"]}
        volumes: {v: {shared: true, name: fixed}}
        """)
    assert blueprint(tmp_path) == textwrap.dedent("""\
        extends: base

        services:
          web:
            expose: !override
              # one more
              - "1"
              - "2"
        """)
    assert [line.split()[0] for line in said(done)] == ["EV806", "EV808"]
    write(tmp_path, compose="services: {web: {image: z}}\n")
    imported(tmp_path, name="other")
    assert blueprint(tmp_path, "other").startswith("extends: other_base\n")


def test_parents_are_called_after_their_files_and_environments_share_them(tmp_path: Path) -> None:
    base = "services: {app: {image: x, environment: {DB_PASSWORD: hunter2}}}\n"
    files = {"docker-compose.yml": base, "docker-compose.gpu.yml": "services: {app: {cpus: 2}}\n---\nx-a: 1\n"}
    for name in ("dev", "prod"):
        last = f"compose-{name}.yaml"
        written = {**files, last: f"services: {{app: {{environment: {{LEVEL: {name}}}}}}}\n"}
        for file, text in written.items():
            (tmp_path / file).write_text(text)
        import_compose(Wish(tuple(tmp_path / file for file in written), tmp_path, name), {})
    made = {
        path.stem: path.read_text().partition("extends: ")[2].partition("\n")[0]
        for path in (tmp_path / "blueprints").iterdir()
    }
    assert made == {"base": "", "gpu": "base", "gpu_2": "gpu", "dev": "gpu_2", "prod": "gpu_2"}
    assert "hunter2" not in "".join(path.read_text() for path in (tmp_path / "blueprints").iterdir())
    assert "hunter2" in (tmp_path / ".env.dev").read_text()
    assert "hunter2" in (tmp_path / ".env.prod").read_text()


def test_an_import_that_is_repeated_writes_its_own_parents_anew(tmp_path: Path) -> None:
    for image in ("x", "y"):
        write(tmp_path, compose=f"services: {{web: {{image: {image}}}}}\n", compose_two="services: {web: {cpus: 1}}\n")
        imported(tmp_path, overwrite=True)
    assert sorted(path.stem for path in (tmp_path / "blueprints").iterdir()) == ["base", "local"]
    assert "y" in blueprint(tmp_path, "base")
    imported(tmp_path, name="dev")
    write(tmp_path, compose="services: {web: {image: z}}\n")
    imported(tmp_path, overwrite=True)
    assert blueprint(tmp_path).startswith("extends: local_base\n")
    assert "y" in blueprint(tmp_path, "base")


def test_a_file_of_comments_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: x}}\n", **{"compose.override": "# put your own services here\n"})
    imported(tmp_path)
    assert [path.name for path in (tmp_path / "blueprints").iterdir()] == ["local.yaml"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# nothing\n", "EV111 1:1-1 there is nothing but comments"),
        ("services: {web: {image: x}}\n---\n# c\n", "EV111 2:1-4 this document is empty"),
        ("---\n---\nservices: {web: {image: x}}\n", "EV111 1:1-4 this document is empty"),
        ("services: {web: {image: x}}\nvolumes:\n", "EV106 2:1-8 volumes is null"),
    ],
)
def test_what_says_nothing_and_compose_refuses(text: str, message: str, tmp_path: Path) -> None:
    write(tmp_path, compose=text)
    with pytest.raises(EnvmanError) as caught:
        imported(tmp_path)
    assert told(Report(list(caught.value.diagnostics))) == [message]


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  a:\n    image: x\n    labels:\n      N: |\n        one",
        "# c\n\n---\nservices: {a: {image: x}}",
        "services:\r\n  a: {image: x}  # c\t\r\n\r\n",
    ],
)
def test_nothing_is_put_behind_the_text(text: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_bytes(text.encode())
    imported(tmp_path)
    assert (tmp_path / "blueprints" / "local.yaml").read_bytes().decode() == text


def test_a_file_is_written_anew_where_nothing_else_helps(tmp_path: Path) -> None:
    write(tmp_path, compose="version: &v '3'\nx-v: *v\nservices: {web: {image: x}}   # lost\n")
    done = imported(tmp_path)
    assert blueprint(tmp_path) == 'x-v: "3"\nservices:\n  web:\n    image: "x"\n'
    assert [line.split()[0] for line in said(done)] == ["EV813"]


def test_profiles_are_made_active(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: x, depends_on: [db]}, db: {image: y, profiles: [data]}}\n")
    with pytest.raises(EnvmanError, match="EV810"):
        imported(tmp_path)
    imported(tmp_path, profiles=["data"])
    assert blueprint(tmp_path).startswith('profiles: ["data"]\n')


def imported_by_command(root: Path, *arguments: str, **process: str) -> str:
    environ = {"XDG_STATE_HOME": str(root / "state"), **process}
    assert run(Invocation(environ=environ), ["-C", str(root), "import", *arguments]) == 0
    return blueprint(root)


def test_files_profiles_and_name_are_taken_from_the_dotenv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, base="services: {a: {image: x, profiles: [one]}}\n", more="services: {b: {image: x}}\n")
    dotenv = "COMPOSE_FILE=base.yaml,more.yaml\nCOMPOSE_PATH_SEPARATOR=,\nCOMPOSE_PROFILES=one\n"
    (tmp_path / ".env").write_text(dotenv + "COMPOSE_PROJECT_NAME=named\n")
    text = imported_by_command(tmp_path)
    assert text.startswith('extends: base\nprofiles: ["one"]\n')
    assert (tmp_path / "envman.yaml").read_text().startswith("name: named\n")
    assert (
        "taken as Compose would: COMPOSE_FILE in .env, COMPOSE_PROFILES in .env, COMPOSE_PROJECT_NAME in .env\n"
        in capsys.readouterr().out
    )


def test_the_process_and_options_win_over_the_dotenv(tmp_path: Path) -> None:
    write(tmp_path, base="services: {a: {image: x, profiles: [one, two]}, b: {image: x}}\n", more="services: {}\n")
    (tmp_path / ".env").write_text("COMPOSE_FILE=more.yaml\nCOMPOSE_PROFILES=one\n")
    assert 'profiles: ["two"]' in imported_by_command(tmp_path, "--profile", "two", COMPOSE_FILE="base.yaml")


@pytest.mark.parametrize(
    ("file", "override"), [("compose", "compose.override"), ("docker-compose", "compose.override")]
)
def test_without_files_the_usual_ones_are_taken(file: str, override: str, tmp_path: Path) -> None:
    write(tmp_path, **{file: "services: {a: {image: x}}\n", override: "services: {b: {image: x}}\n"})
    assert "extends: base" in imported_by_command(tmp_path)


def test_no_file_at_all_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Invocation(environ={}), ["-C", str(tmp_path), "import"]) == 1
    assert "error[EV002]: there is no Compose file in" in capsys.readouterr().err


def test_a_file_that_compose_file_does_not_name_is_said(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {a: {image: x}}\n")
    (tmp_path / ".env").write_text("COMPOSE_FILE=a.yaml:b.yaml\n")
    assert [one.message for one in imported(tmp_path).report] == [
        "COMPOSE_FILE is a.yaml:b.yaml: `docker compose` would read that"
    ]


def test_an_override_file_beside_is_not_forgotten(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {web: {image: x}}\n")
    (tmp_path / "compose.override.yml").write_text("services: {}\n")
    assert [line.split()[0] for line in said(imported(tmp_path))] == ["EV815"]


def test_variables_of_included_files_are_declared(tmp_path: Path) -> None:
    write(tmp_path, compose="include: [part/one.yaml]\nservices: {web: {image: x}}\n")
    write(tmp_path / "part", one="services: {part: {image: 'x:${TAG}', command: 'a${TAG-1} ${LEVEL}'}}\n")
    (tmp_path / "part" / ".env").write_text("LEVEL=1\n")
    done = imported(tmp_path, process={"TAG": "1"})
    assert blueprint(tmp_path).startswith(
        textwrap.dedent("""\
        variables:
          TAG: {type: string, env: TAG}
          LEVEL: {type: string, env: LEVEL}

        include: [part/one.yaml]
        """)
    )
    assert [line.split()[0] for line in said(done)] == ["EV816"]


def test_a_path_of_an_include_or_extends_may_hold_a_variable(tmp_path: Path) -> None:
    write(
        tmp_path,
        compose="include: ['${PARTS:-.}/more.yaml']\nservices: {a: {extends: {file: '$PLACE/c.yaml', service: c}}}\n",
        more="services: {b: {image: 'x:${TAG:-1}'}}\n",
    )
    write(tmp_path / "sub", c="services: {c: {image: 'y:${OTHER}'}}\n")
    (tmp_path / ".env").write_text("PLACE=sub\n")
    imported(tmp_path)
    assert "  TAG: {type: string, env: TAG}" in blueprint(tmp_path)
    assert "  OTHER: {type: string" in blueprint(tmp_path)


def test_a_bind_of_an_empty_variable_is_the_projects_folder(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {a: {image: x, volumes: [{type: bind, source: $UP, target: /up}]}}\n")
    imported(tmp_path)
    assert "source: $UP" in blueprint(tmp_path)


def test_the_root_is_the_folder_that_was_given(tmp_path: Path) -> None:
    (tmp_path / "envman.yaml").write_text("name: x\nlanguage: 1\n")
    inside = tmp_path / "a"
    inside.mkdir()
    assert project_root(inside, given=True) == inside
    assert project_root(inside, given=False) == tmp_path


def test_an_ignore_file_that_is_no_text_is_said_and_kept(tmp_path: Path) -> None:
    write(tmp_path, compose="services: {db: {image: postgres, environment: {POSTGRES_PASSWORD: hunter2}}}\n")
    (tmp_path / ".gitignore").write_bytes("# Grüße\n".encode("latin-1"))
    with pytest.raises(EnvmanError) as raised:
        imported(tmp_path)
    [problem] = raised.value.diagnostics
    assert (problem.code, str(problem.span)) == ("EV002", ".gitignore:1:5")
    assert not (tmp_path / "envman.yaml").exists()
    assert not (tmp_path / ".env.local").exists()


def test_variables_of_env_files_secrets_and_configs_keep_their_values(tmp_path: Path) -> None:
    write(
        tmp_path / "deploy",
        compose="""\
        include: [sub/compose.yaml]
        services:
          web: {image: x, env_file: a.env, environment: {HOST: db}, secrets: [tok]}
        secrets: {tok: {environment: TOK}}
        """,
    )
    (tmp_path / "deploy" / "sub").mkdir()
    (tmp_path / "deploy" / "sub" / "compose.yaml").write_text("services: {b: {image: x, env_file: b.env}}\n")
    (tmp_path / "deploy" / "sub" / "b.env").write_text("B=${USER_B}\nC=${HOST}\n")
    (tmp_path / "deploy" / "a.env").write_text("A=pa$word9\nU=$HOST\nD=${NOT:-d}\n")
    (tmp_path / "deploy" / ".env").write_text("USER_B=b\nTOK=opensesame\nUNUSED=1\n")
    done = imported(tmp_path, folder="deploy")
    assert (tmp_path / ".env.local").read_text() == "TOK='opensesame'\nUSER_B='b'\n"
    assert blueprint(tmp_path).startswith(
        'variables:\n  word9: {type: string, env: word9, default: ""}\n  HOST: {type: string, env: HOST, default: ""}\n'
    )
    assert [line for line in said(done) if line.startswith("EV803")] == [
        "EV803 word9, HOST have no value here: they are empty, as in Compose",
    ]
    report = Report()
    environment = load_environment(open_project(tmp_path), "local", report, settings={}, process={})
    assert environment is not None
    assert (environment.handed.values, environment.handed.problems) == ({"TOK": "opensesame", "USER_B": "b"}, ())
