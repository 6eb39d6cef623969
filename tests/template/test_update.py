"""`envman update`: from the real template to newer versions of it, as a team would."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from updates import PACKAGE, Project, change, contents, fresh, git, next_version

from envman.cli.invocation import Invocation
from envman.cli.main import run
from envman.template.origin import shipped_template
from envman.template.record import template_of

HERE = shipped_template().version


def second(project: Path) -> None:
    """What another version of the template might bring: changes, a new file, one less, one renamed, other rights."""
    change(project / "Makefile", "\t$(LOCK)", "\t@$(LOCK)")
    change(project / PACKAGE / "health.py", "import", "import sys  # noqa: F401\nimport")
    (project / "manual").mkdir()
    (project / "manual/{{cookiecutter.project_name}}.md").write_text("# {{ cookiecutter.project_name }}, documented\n")
    (project / ".env.example").unlink()
    [nginx] = (project / "docker/gateway").glob("*nginx.conf*")
    nginx.rename(project / "docker/gateway/gateway.conf")
    (project / "Makefile").chmod(0o755)
    (project / "logo.png").write_bytes(b"\x89PNG\0\1\2")


@pytest.fixture(scope="module")
def v2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return next_version(tmp_path_factory.mktemp("templates") / "v2", "9.1.0", second)


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project.new(tmp_path_factory.mktemp("pristine"), author="Ada Lovelace")


@pytest.fixture
def project(pristine: Project, tmp_path: Path) -> Project:
    shutil.copytree(pristine.root, tmp_path / "churn")
    return Project(tmp_path / "churn")


def test_the_template_of_a_new_project_is_recorded(project: Project) -> None:
    assert template_of(project.root) == ("cookiecutter-mlproject", HERE)
    record = project.text(".envman-template.yaml")
    assert 'author: "Ada Lovelace"' in record
    assert str(project.root) not in record
    assert "source" not in record
    assert project.status() == []


def test_an_untouched_project_becomes_a_fresh_one(project: Project, v2: Path, tmp_path: Path) -> None:
    done = project.update(v2)
    assert contents(project.root) == fresh(v2, tmp_path / "fresh", project_name="churn", author="Ada Lovelace")
    assert (done.result["from"], done.result["to"], done.result["conflicts"]) == (HERE, "9.1.0", [])
    assert template_of(project.root) == ("cookiecutter-mlproject", "9.1.0")
    assert "docker/gateway/nginx.conf -> docker/gateway/gateway.conf" in {one["path"] for one in done.result["changes"]}
    assert all(line[1] == " " for line in project.status()), "all is staged, nothing half-way"
    assert git(project.root, "log", "--format=%s") == "The project\n", "committing is the user's"


def test_git_takes_all_of_it_back(project: Project, v2: Path) -> None:
    before = contents(project.root)
    project.update(v2)
    git(project.root, "reset", "--hard", "--quiet")
    assert contents(project.root) == before
    assert project.status() == []
    assert template_of(project.root) == ("cookiecutter-mlproject", HERE)


def test_nothing_to_do(project: Project, v2: Path) -> None:
    assert project.update().result["changes"] == []
    project.update(v2)
    project.commit()
    assert project.update(v2).result["changes"] == []
    assert project.status() == []


def test_the_users_work_is_kept(project: Project, v2: Path) -> None:
    change(project.root / "src/churn/health.py", "def main", "# Ours.\ndef main")
    change(project.root / "docker/gateway/nginx.conf", "http {", "http {\n    # Ours.")
    (project.root / "src/churn/ours.py").write_text("OURS = 1\n")
    (project.root / "docker/gateway/ours.conf").write_text("ours\n")
    project.commit()
    done = project.update(v2)
    assert done.result["conflicts"] == []
    health = project.text("src/churn/health.py")
    assert "# Ours.\ndef main" in health
    assert "import sys  # noqa: F401" in health
    assert "# Ours." in project.text("docker/gateway/gateway.conf"), "an edit follows a renamed file"
    assert project.text("src/churn/ours.py") == "OURS = 1\n"
    assert project.text("docker/gateway/ours.conf") == "ours\n"


def test_what_both_changed_is_left_to_the_user(project: Project, v2: Path) -> None:
    change(project.root / "Makefile", "\t$(LOCK)", "\t-$(LOCK)")
    project.commit()
    done = project.update(v2, status=5)
    assert done.codes == ["EV712"]
    assert done.result["conflicts"] == [{"path": "Makefile", "reason": "contents"}]
    text = project.text("Makefile")
    assert "<<<<<<< project\n\t-$(LOCK)" in text
    assert "|||||||" in text
    assert ">>>>>>> template-9.1.0\n" in text
    assert "UU Makefile" in project.status()
    change(project.root / "Makefile", text, "all:\n")
    project.commit("Updated")
    assert project.update(v2).result["changes"] == []
    assert project.text("Makefile") == "all:\n"


def test_an_update_with_conflicts_can_be_taken_back(project: Project, v2: Path) -> None:
    change(project.root / "Makefile", "\t$(LOCK)", "\t-$(LOCK)")
    project.commit()
    before = contents(project.root)
    project.update(v2, status=5)
    assert project.update(v2, status=1).codes == ["EV710"]
    git(project.root, "reset", "--hard", "--quiet")
    assert contents(project.root) == before
    assert project.status() == []


def test_a_binary_file_of_both_stays_the_users(project: Project, v2: Path) -> None:
    (project.root / "logo.png").write_bytes(b"\x89PNG\0ours")
    project.commit()
    assert project.update(v2, status=5).result["conflicts"] == [{"path": "logo.png", "reason": "binary"}]
    assert (project.root / "logo.png").read_bytes() == b"\x89PNG\0ours"
    git(project.root, "checkout", "--theirs", "logo.png")
    assert (project.root / "logo.png").read_bytes() == b"\x89PNG\0\1\2"


def test_what_the_user_deleted_stays_deleted(project: Project, v2: Path) -> None:
    git(project.root, "rm", "--quiet", "Makefile", "tests/test_data.py")
    project.commit()
    done = project.update(v2)
    assert done.codes == ["EV719"]
    assert "Makefile stays deleted" in done.messages
    assert not (project.root / "Makefile").exists()
    assert not (project.root / "tests/test_data.py").exists()
    project.commit()
    assert project.update(v2).codes == [], "it is told once"


def test_what_the_user_renamed_is_updated_under_its_new_name(project: Project, v2: Path) -> None:
    git(project.root, "mv", "src/churn/health.py", "src/churn/probe.py")
    project.commit()
    project.update(v2)
    assert "import sys  # noqa: F401" in project.text("src/churn/probe.py")
    assert not (project.root / "src/churn/health.py").exists()


def test_what_the_template_deleted_and_the_user_changed_is_a_conflict(project: Project, v2: Path) -> None:
    (project.root / ".env.example").write_text("OURS=1\n")
    project.commit()
    assert project.update(v2, status=5).result["conflicts"] == [{"path": ".env.example", "reason": "modify/delete"}]
    assert project.text(".env.example") == "OURS=1\n"


def test_a_new_option_is_told_and_can_be_set(project: Project, tmp_path: Path) -> None:
    def edit(folder: Path) -> None:
        (folder / "PAGING.md").write_text("{{ cookiecutter.paging }} on {{ cookiecutter.port_name }}\n")

    options = {"paging": ["none", "on-call"], "port_name": "{{ cookiecutter.package_name }}-http"}
    newer = next_version(tmp_path / "v2", "9.1.0", edit, **options)
    done = project.update(newer, "--dry-run")
    assert done.codes == ["EV716", "EV716"]
    assert "new option paging takes its default, none: What paging to use" in done.messages
    assert project.update(newer, "--set", "paging=on-cal", status=1).codes == ["EV701"]
    assert project.update(newer, "--set", "pagng=none", status=1).codes == ["EV701"]
    assert project.update(newer, "--set", "paging=on-call").codes == ["EV716"]
    assert project.text("PAGING.md") == "on-call on churn-http\n"
    assert 'paging: "on-call"\n  port_name: "churn-http"' in project.text(".envman-template.yaml")
    project.commit()
    again = project.update(newer, "--set", "paging=none")
    assert (again.result["from"], again.result["to"], again.codes) == ("9.1.0", "9.1.0", [])
    assert project.text("PAGING.md") == "none on churn-http\n"


def test_a_minimal_project_grows_into_a_full_one(tmp_path: Path) -> None:
    project = Project.new(tmp_path / "minimal", preset="minimal")
    project.update(None, "--set", "gateway=nginx", "--set", "monitoring=prometheus")
    project.commit()
    project.update(None, "--set", "tracking=mlflow")
    full = fresh(shipped_template().folder, tmp_path / "full", project_name="churn")
    assert contents(project.root) == full


def test_a_template_that_asks_for_no_name(project: Project, tmp_path: Path) -> None:
    """Such a template names its folder by another option; the project's name is in its envman.yaml all the same."""
    template = tmp_path / "plain"
    (template / "{{cookiecutter.slug}}").mkdir(parents=True)
    note = template / "{{cookiecutter.slug}}/NOTE.md"
    options = {"_name": "plain", "_version": "1.0", "slug": "service", "team": "ml"}
    for version, text in (("1.0", "Team {{ cookiecutter.team }}\n"), ("1.1", "The team {{ cookiecutter.team }}\n")):
        (template / "cookiecutter.json").write_text(json.dumps({**options, "_version": version}))
        note.write_text(text)
        if version == "1.0":
            git(project.root, "rm", "--quiet", ".envman-template.yaml", ".envman-template.tar.xz")
            (project.root / "NOTE.md").write_text("Team ml\n")
            project.commit()
            project.update(template, "--adopt")
            project.commit()
    assert project.update(template).result["to"] == "1.1"
    assert project.text("NOTE.md") == "The team ml\n"
    assert "project_name" not in project.text(".envman-template.yaml")


def test_a_changed_default_changes_no_recorded_answer(project: Project, tmp_path: Path) -> None:
    newer = next_version(tmp_path / "v2", "9.1.0", python_version=["3.14", "3.13"], author="Somebody Else")
    assert project.update(newer).codes == []
    assert 'author: "Ada Lovelace"\n  python_version: "3.13"' in project.text(".envman-template.yaml")
    assert "python:3.13-slim" in project.text("docker/Dockerfile")


def test_an_answer_that_is_possible_no_more(project: Project, tmp_path: Path) -> None:
    newer = next_version(tmp_path / "v2", "9.1.0", python_version=["3.15", "3.14"])
    done = project.update(newer, status=1)
    assert done.codes == ["EV701"]
    assert '"3.13", this project\'s python_version, is not among its values any more' in done.messages
    project.update(newer, "--set", "python_version=3.15")
    assert "python:3.15-slim" in project.text("docker/Dockerfile")


def test_a_default_need_not_be_what_a_person_may_answer(project: Project, tmp_path: Path) -> None:
    project.update(next_version(tmp_path / "v2", "9.1.0", motto='It\'s "ours"'))
    project.commit()
    assert project.update(next_version(tmp_path / "v3", "9.2.0", motto='It\'s "ours"')).codes == []


@pytest.mark.parametrize("answer", ["{{ cookiecutter.__class__ }}", "{% raw %}", "$(id)"])
@pytest.mark.parametrize("option", ["author", "project_name"])
def test_a_record_cannot_run_anything(project: Project, v2: Path, option: str, answer: str) -> None:
    old = {"author": '"Ada Lovelace"', "project_name": '"churn"'}[option]
    change(project.root / ".envman-template.yaml", f"{option}: {old}", f"{option}: '{answer}'")
    project.commit()
    assert project.update(v2, status=1).codes == ["EV701" if option == "author" else "EV004"]


def test_a_dry_run_shows_the_difference_and_changes_nothing(project: Project, v2: Path) -> None:
    change(project.root / "Makefile", "\t$(LOCK)", "\t-$(LOCK)")
    project.commit()
    objects = git(project.root, "count-objects")
    done = project.update(v2, "--dry-run", status=5)
    assert "+# churn, documented" in done.result["difference"]
    assert "+<<<<<<< project" in done.result["difference"]
    assert "b/.envman-template.tar.xz" not in done.result["difference"]
    assert project.status() == []
    assert git(project.root, "count-objects") == objects


@pytest.mark.parametrize("staged", [False, True])
def test_a_dirty_tree_is_refused(project: Project, v2: Path, staged: bool) -> None:
    (project.root / "README.md").write_text("in the middle of it\n")
    if staged:
        git(project.root, "add", "README.md")
    done = project.update(v2, status=1)
    assert done.codes == ["EV710"]
    assert "README.md" in done.messages
    assert project.text("README.md") == "in the middle of it\n"
    assert template_of(project.root) == ("cookiecutter-mlproject", HERE)


@pytest.mark.parametrize("ignored", [False, True])
@pytest.mark.parametrize(("there", "place"), [("manual/churn.md", "manual/churn.md"), ("manual", "manual")])
def test_untracked_files_are_not_run_over(project: Project, v2: Path, there: str, place: str, ignored: bool) -> None:
    if ignored:
        (project.root / ".git/info/exclude").write_text("docs\n")
    (project.root / there).parent.mkdir(exist_ok=True)
    (project.root / there).write_text("my notes\n")
    done = project.update(v2, status=1)
    assert done.codes == ["EV711"]
    assert done.messages.endswith(f": {place}")
    assert (project.root / there).read_text() == "my notes\n"
    assert not (project.root / "logo.png").exists()


def test_a_file_that_git_was_told_not_to_look_at_is_not_run_over(project: Project, v2: Path) -> None:
    git(project.root, "update-index", "--assume-unchanged", "Makefile")
    (project.root / "Makefile").write_text("mine alone\n")
    assert project.update(v2, status=1).codes == ["EV711"]
    assert project.text("Makefile") == "mine alone\n"


def test_other_untracked_files_stay(project: Project, v2: Path) -> None:
    (project.root / "notes.txt").write_text("mine\n")
    project.update(v2)
    assert project.text("notes.txt") == "mine\n"


def test_without_git_there_is_no_way_back(project: Project, v2: Path) -> None:
    shutil.rmtree(project.root / ".git")
    done = project.update(v2, status=1)
    assert done.codes == ["EV709"]
    assert "git init" in done.diagnostics[0]["help"]


def test_before_the_first_commit(project: Project, v2: Path) -> None:
    shutil.rmtree(project.root / ".git")
    git(project.root, "init", "--quiet")
    assert project.update(v2, status=1).codes == ["EV709"]


def test_a_colleagues_clone_knows_enough(project: Project, v2: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", project.root.as_uri(), "colleague")
    colleague = Project(tmp_path / "colleague")
    assert colleague.update(v2).result["conflicts"] == []
    project.update(v2)
    assert contents(colleague.root) == contents(project.root)
    archive = ".envman-template.tar.xz"
    assert (colleague.root / archive).read_bytes() == (project.root / archive).read_bytes(), "two such updates agree"


def test_a_project_in_a_folder_of_a_larger_repository(v2: Path, tmp_path: Path) -> None:
    (tmp_path / "mono/ml").mkdir(parents=True)
    (tmp_path / "mono/Makefile").write_text("theirs:\n")
    project = Project.new(tmp_path / "mono/ml")
    shutil.rmtree(project.root / ".git")
    git(tmp_path / "mono", "init", "--quiet")
    project.root.joinpath("Makefile").write_text("ours:\n")
    git(tmp_path / "mono", "add", "--all")
    project.commit()
    done = project.update(v2, status=5)
    assert done.result["conflicts"] == [{"path": "ml/churn/Makefile", "reason": "contents"}]
    assert (project.root / "manual/churn.md").is_file()
    assert (tmp_path / "mono/Makefile").read_text() == "theirs:\n"
    assert "UU ml/churn/Makefile" in project.status()


def test_a_repository_with_longer_hashes(project: Project, v2: Path) -> None:
    shutil.rmtree(project.root / ".git")
    git(project.root, "init", "--quiet", "--object-format=sha256")
    change(project.root / "Makefile", "\t$(LOCK)", "\t-$(LOCK)")
    project.commit()
    assert project.update(v2, status=5).result["conflicts"] == [{"path": "Makefile", "reason": "contents"}]
    assert "UU Makefile" in project.status()


def test_the_users_settings_of_git_make_no_difference(
    project: Project, v2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Project(tmp_path / "expected")
    shutil.copytree(project.root, expected.root)
    expected.update(v2)
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks/reference-transaction").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "hooks/reference-transaction").chmod(0o755)
    (tmp_path / "config").write_text(
        "[core]\nquotePath = true\nautocrlf = input\n[diff]\nnoprefix = true\nrenames = false\nexternal = false\n"
        "[color]\nui = always\n[status]\nshort = true\nbranch = true\n[commit]\ngpgsign = true\n"
        f"[core]\nhooksPath = {tmp_path}/hooks\n[merge]\nrenames = false\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    done = project.update(v2)
    monkeypatch.delenv("GIT_CONFIG_GLOBAL")
    assert contents(project.root) == contents(expected.root)
    assert project.status() == expected.status()
    assert "docker/gateway/nginx.conf -> docker/gateway/gateway.conf" in {one["path"] for one in done.result["changes"]}


def test_what_a_person_reads(project: Project, v2: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.chdir(project.root)
    assert run(Invocation(), ["update"]) == 0
    assert capsys.readouterr().out == f"cookiecutter-mlproject {HERE}: nothing to do\n"
    change(project.root / "Makefile", "\t$(LOCK)", "\t-$(LOCK)")
    project.commit()
    assert run(Invocation(), ["update", "--template", str(v2)]) == 5
    shown = capsys.readouterr()
    assert (
        shown.out
        == f"""\
cookiecutter-mlproject {HERE} -> 9.1.0:
  D .env.example
  M .envman-template.tar.xz
  M .envman-template.yaml
  C Makefile
  R docker/gateway/nginx.conf -> docker/gateway/gateway.conf
  A logo.png
  A manual/churn.md
  M src/churn/health.py
"""
    )
    assert (
        shown.err
        == """\
error[EV712]: the template and the project changed the same: 1 file
  = help: settle each and `git add` it, as after any merge; or `git reset --hard` takes all back
  | contents       Makefile

"""
    )


def test_a_linked_work_tree(project: Project, v2: Path, tmp_path: Path) -> None:
    git(project.root, "worktree", "add", "--quiet", str(tmp_path / "linked"))
    linked = Project(tmp_path / "linked")
    linked.update(v2)
    assert (linked.root / "manual/churn.md").is_file()
    assert project.status() == []


def test_older_versions_are_refused(project: Project, v2: Path, tmp_path: Path) -> None:
    project.update(v2)
    project.commit()
    done = project.update(status=1)
    assert done.codes == ["EV708"]
    assert "is at version 9.1.0" in done.messages
    assert project.update(next_version(tmp_path / "v10", "9.10.0")).result["to"] == "9.10.0"


def test_another_template_is_refused(project: Project, tmp_path: Path) -> None:
    other = next_version(tmp_path / "other", "2.0.0")
    change(other / "cookiecutter.json", '"_name": "cookiecutter-mlproject"', '"_name": "other"')
    assert project.update(other, status=1).codes == ["EV715"]


@pytest.mark.parametrize(
    ("wanted", "code"), [("9.1.0", None), ("9.2.0", "EV708"), ("new", "EV708"), ("--upload-pack=x", "EV708")]
)
def test_the_version_that_is_asked_for(project: Project, v2: Path, wanted: str, code: str | None) -> None:
    done = project.update(v2, f"--to={wanted}", status=1 if code else 0)
    assert done.codes == ([code] if code else [])


def test_a_template_in_git_by_its_tags(project: Project, v2: Path, tmp_path: Path) -> None:
    shutil.copytree(v2, tmp_path / "template")
    git(tmp_path / "template", "init", "--quiet")
    git(tmp_path / "template", "add", "--all")
    git(tmp_path / "template", "commit", "--quiet", "--message", "9.1.0")
    git(tmp_path / "template", "tag", "v9.1.0")
    change(tmp_path / "template/cookiecutter.json", '"9.1.0"', '"9.2.0"')
    git(tmp_path / "template", "commit", "--all", "--quiet", "--message", "9.2.0")
    address = (tmp_path / "template").as_uri()
    missing = project.update(address, "--to", "9.3.0", status=1)
    assert missing.codes == ["EV708"]
    assert "git ls-remote" in missing.diagnostics[0]["help"]
    assert project.update(address, "--to", "9.1.0").result["to"] == "9.1.0"
    assert f'source: "{address}"' in project.text(".envman-template.yaml")
    project.commit()
    refused = project.update(status=1)
    assert refused.codes == ["EV707"], "what an address in a repository names is not run unasked"
    assert f"--template {address}" in refused.diagnostics[0]["help"]
    assert project.update(address).result["to"] == "9.2.0"


@pytest.mark.parametrize("address", ["https://ada:secret@example.org/t.git", "https://token@example.org/t.git"])
def test_an_address_with_a_password_is_refused_and_not_repeated(project: Project, address: str) -> None:
    done = project.update(address, status=1)
    assert done.codes == ["EV707"]
    assert "secret" not in str(done.diagnostics)
    assert "token@" not in str(done.diagnostics)


def test_what_is_no_template(project: Project, tmp_path: Path) -> None:
    assert project.update(tmp_path / "nowhere", status=1).codes == ["EV707"]
    assert project.update(f"file://{tmp_path}/nowhere", status=1).codes == ["EV707"]
    nameless = next_version(tmp_path / "v2", "9.1.0")
    change(nameless / "cookiecutter.json", '"_version": "9.1.0",', "")
    assert project.update(nameless, status=1).codes == ["EV707"]


def test_a_record_that_was_torn_apart(project: Project, v2: Path) -> None:
    project.update(v2)
    git(project.root, "checkout", "HEAD", "--", ".envman-template.yaml")
    project.commit()
    done = project.update(v2, status=1)
    assert done.codes == ["EV706"]
    assert "one and the same commit" in done.diagnostics[0]["help"]


def test_a_project_without_a_record_is_told_how_to_adopt_one(project: Project, v2: Path) -> None:
    git(project.root, "rm", "--quiet", ".envman-template.yaml", ".envman-template.tar.xz", "tests/test_data.py")
    change(project.root / "Makefile", "\t$(LOCK)", "\t-$(LOCK)")
    project.commit()
    assert template_of(project.root) is None
    refused = project.update(v2, status=1)
    assert refused.codes == ["EV705"]
    assert "--adopt" in refused.diagnostics[0]["help"]
    before = contents(project.root)
    done = project.update(None, "--adopt", "--set", "author=Ada Lovelace")
    assert contents(project.root) == before
    assert done.result["from"] is None
    assert done.result["difference"].splitlines() == ["differs  Makefile", "missing  tests/test_data.py"]
    project.commit()
    assert project.update(None, "--adopt", status=1).codes == ["EV718"]
    assert project.update(v2, status=5).result["conflicts"] == [{"path": "Makefile", "reason": "contents"}]


KILLER = """\
#!/bin/sh
# The real git, but for one call: that one does a part of its work, and kills who asked for it.
for word in "$@"; do
  if [ "$word" = "{victim}" ]; then
    {part}
    kill -9 $PPID
    exit 1
  fi
done
exec {git} "$@"
"""


@pytest.mark.parametrize(
    ("victim", "part"),
    [
        ("merge-tree", ":"),
        ("read-tree", ":"),
        (
            "read-tree",
            "mkdir manual; printf '# churn, doc' >manual/churn.md; rm .env.example; printf '# What' >.envman-template.yaml",
        ),
        ("read-tree", '{git} "$@"'),
        ("--index-info", '[ -n "$GIT_INDEX_FILE" ] && exec {git} "$@"; {git} "$@"'),
    ],
    ids=["merging", "before", "half-way", "after", "with conflicts"],
)
def test_killed_anywhere_the_same_command_again_does_it(
    project: Project, v2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, victim: str, part: str
) -> None:
    change(project.root / "Makefile", "\t$(LOCK)", "\t-$(LOCK)")
    project.commit()
    expected = Project(tmp_path / "expected")
    shutil.copytree(project.root, expected.root)
    expected.update(v2, status=5)
    real = shutil.which("git")
    assert real is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(KILLER.format(victim=victim, part=part.format(git=real), git=real))
    (tmp_path / "bin/git").chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(tmp_path / "bin"), prepend=":")
        killed = subprocess.run(
            ["python", "-m", "envman", "update", "--template", str(v2)],
            cwd=project.root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert killed.returncode == -9, killed.stderr
    begun = (project.root / ".git/envman-update.json").exists()
    assert project.update(v2, "--dry-run", status=1 if begun else 5).codes == ["EV713" if begun else "EV712"]
    done = project.update(v2, status=5)
    assert done.codes[-1] == "EV712"
    assert contents(project.root) == contents(expected.root)
    assert project.status() == expected.status()
    assert not (project.root / ".git/envman-update.json").exists()


def test_after_a_kill_work_that_came_since_is_not_thrown_away(
    project: Project, v2: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.which("git")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text(KILLER.format(victim="read-tree", part=f'{real} "$@"', git=real))
    (tmp_path / "bin/git").chmod(0o755)
    with monkeypatch.context() as patched:
        patched.setenv("PATH", str(tmp_path / "bin"), prepend=":")
        subprocess.run(["python", "-m", "envman", "update", "--template", str(v2)], cwd=project.root, check=False)
    (project.root / "manual/churn.md").write_text("my own words\n")
    (project.root / "README.md").write_text("and here\n")
    done = project.update(v2, status=1)
    assert done.codes == ["EV713"]
    assert "manual/churn.md, README.md" in done.messages
    assert project.text("manual/churn.md") == "my own words\n"
    assert project.text("README.md") == "and here\n"


def test_a_git_that_refuses_is_told_in_its_own_words(project: Project, v2: Path) -> None:
    (project.root / ".git/index.lock").touch()
    done = project.update(v2, status=1)
    assert done.codes == ["EV714"]
    assert "index.lock" in done.diagnostics[0]["detail"]
    (project.root / ".git/index.lock").unlink()
    assert project.update(v2).result["to"] == "9.1.0"
