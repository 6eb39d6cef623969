from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from envman.diagnostics import EnvmanError
from envman.scaffold import Question, check_answer, check_project_name, new_project, questions, rendered
from envman.template.origin import Template, shipped_template


def code(caught: pytest.ExceptionInfo[EnvmanError]) -> str:
    return caught.value.diagnostics[0].code


@pytest.mark.parametrize("name", ["churn", "a", "credit-risk-2", "x" * 40])
def test_good_names(name: str) -> None:
    check_project_name(name)


@pytest.mark.parametrize(
    "name", ["", "Churn", "../evil", "/etc", "a/b", "1st", "-a", "a-", "a b", "x" * 41, "a\n", "a_b", "{{x}}"]
)
def test_bad_names_do_not_reach_the_template(name: str, tmp_path: Path) -> None:
    with pytest.raises(EnvmanError) as caught:
        new_project(name, tmp_path, answers={}, ask=None, git=False)
    assert code(caught) == "EV004"
    assert list(tmp_path.iterdir()) == []
    assert not (tmp_path.parent / "evil").exists()


@pytest.mark.parametrize("answer", ['"', "a\nb", "{{ cookiecutter }}", "$(id)", "`id`", "a\\b", "x" * 201])
def test_answers_that_could_break_out_are_refused(answer: str) -> None:
    with pytest.raises(EnvmanError) as caught:
        check_answer(Question("description", ""), answer)
    assert code(caught) == "EV701"


def test_an_answer_must_be_one_of_the_choices() -> None:
    check_answer(Question("framework", "sklearn", ("sklearn", "pytorch")), "pytorch")
    with pytest.raises(EnvmanError) as caught:
        check_answer(Question("framework", "sklearn", ("sklearn", "pytorch")), "pytorhc")
    assert caught.value.diagnostics[0].expected == 'did you mean "pytorch"?'


def test_a_new_project_is_whole_and_under_git(tmp_path: Path) -> None:
    folder = new_project("credit-risk", tmp_path, answers={}, ask=None, git=True)
    assert folder == tmp_path / "credit-risk"
    assert (folder / "envman.yaml").is_file()
    assert (folder / "src" / "credit_risk" / "__init__.py").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["credit-risk"], "nothing half-made is left beside it"
    inside = subprocess.run(
        ["git", "-C", str(folder), "rev-parse", "--is-inside-work-tree"], capture_output=True, text=True, check=True
    )
    assert inside.stdout == "true\n"


def test_answers_stay_out_of_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    new_project("churn", tmp_path, answers={"author": "Ada"}, ask=None, git=False)
    assert list((tmp_path / "home").iterdir()) == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "thesis.txt").write_text("years of work")
    with pytest.raises(EnvmanError) as caught:
        new_project("churn", tmp_path, answers={}, ask=None, git=False)
    assert code(caught) == "EV702"
    assert (tmp_path / "churn" / "thesis.txt").read_text() == "years of work"


def test_questions_are_asked_in_order_with_defaults_made_for_the_name(tmp_path: Path) -> None:
    asked: list[Question] = []

    def answer(one: Question) -> str:
        asked.append(one)
        return one.default

    new_project("credit-risk", tmp_path, answers={"author": "Ada"}, ask=answer, git=False)
    assert [one.name for one in asked] == [
        one.name for one in questions(shipped_template(), "credit-risk") if one.name != "author"
    ]
    assert next(one.default for one in asked if one.name == "package_name") == "credit_risk"


def test_a_preset_is_not_asked(tmp_path: Path) -> None:
    asked: list[str] = []

    def ask(question: Question) -> str:
        asked.append(question.name)
        return question.default

    new_project("churn", tmp_path, answers={}, ask=ask, git=False, preset="minimal")
    left = {question.name for question in questions(shipped_template(), "churn")} - set(asked)
    assert left == {"tracking", "artifacts", "gateway", "monitoring"}


def test_every_question_has_help() -> None:
    template = shipped_template()
    assert all(one.help for one in questions(template, "churn")), template.context.get("__prompts__")


def test_a_broken_template_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "template"
    (broken / "{{ cookiecutter.project_name }}").mkdir(parents=True)
    (broken / "{{ cookiecutter.project_name }}" / "file").write_text("{{ cookiecutter.nothing }}")
    (broken / "cookiecutter.json").write_text('{"_version": "1", "project_name": "x"}')
    monkeypatch.setattr("envman.template.origin.shipped", lambda _: broken)
    with pytest.raises(EnvmanError) as caught:
        new_project("churn", tmp_path / "made", answers={}, ask=None, git=False)
    assert code(caught) == "EV703"
    assert list((tmp_path / "made").iterdir()) == []


def test_a_git_that_fails_leaves_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git = tmp_path / "bin" / "git"
    git.parent.mkdir()
    git.write_text("#!/bin/sh\necho no room >&2\nexit 1\n")
    git.chmod(0o755)
    monkeypatch.setenv("PATH", str(git.parent))
    with pytest.raises(EnvmanError) as caught:
        new_project("churn", tmp_path, answers={}, ask=None, git=True)
    assert code(caught) == "EV704"
    assert caught.value.diagnostics[0].detail == "no room\n"
    assert (tmp_path / "churn" / "envman.yaml").is_file()


def template_of(folder: Path, slug: str, text: str = "") -> Template:
    made = folder / "template" / slug
    made.mkdir(parents=True)
    (made / "file").write_text(text)
    (folder / "template" / "cookiecutter.json").write_text('{"project_name": "x", "__slug": "../evil"}')
    return Template(folder / "template", "t", "1", None, {"project_name": "x", "__slug": "../evil"})


@pytest.mark.parametrize(
    ("slug", "text"),
    [
        ("{{cookiecutter.__slug}}", ""),
        ("{{cookiecutter.project_name}}", "{% nonsense %}"),
        ("{{cookiecutter.project_name}}/.git", ""),
    ],
)
def test_a_template_that_does_what_none_should(tmp_path: Path, slug: str, text: str) -> None:
    with pytest.raises(EnvmanError) as caught:
        rendered(template_of(tmp_path, slug, text), {"project_name": "churn"})
    assert code(caught) == "EV703"


def test_the_shipped_template_has_a_name_and_a_version() -> None:
    template = shipped_template()
    assert (template.name, template.source) == ("cookiecutter-mlproject", None)
    assert "_version" in template.context
