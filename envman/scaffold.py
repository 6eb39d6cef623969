"""New projects from the template. The only importer of cookiecutter.

cookiecutter follows ``../../evil``, writes every answer in clear below the home folder, and ignores answers to
questions that do not exist. So names and answers are validated before it sees them, its configuration and replay
folder are temporary, hooks are off, and its output is moved into place only when it is whole.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from envman.diagnostics.diagnostic import fail, near_match
from envman.model.header import PROJECT_NAME
from envman.project import BLUEPRINTS
from envman.shipped import shipped
from envman.source.files import explain_os_error
from envman.source.root import PROJECT_FILE
from envman.state.atomic import write_whole
from envman.state.editor import write_schema

_PACKAGE = re.compile(r"[a-z][a-z0-9_]{0,39}")
# No quotes, backslashes, braces or control characters: an answer stands in TOML, YAML, Python and Markdown.
_ANSWER = re.compile(r"[^\"'\\{}<>`$\x00-\x1f\x7f]{0,200}")


@dataclass(frozen=True, slots=True)
class Question:
    """An option of the template: its name, default, allowed values (none: any text) and what it is for."""

    name: str
    default: str
    choices: tuple[str, ...] = ()
    help: str = ""


def questions(name: str) -> list[Question]:
    """Return the template's options for a project called ``name``, in order."""
    context = _template_context()
    prompts: dict[str, Any] = context.get("__prompts__", {})
    found = []
    for option, default in context.items():
        if option.startswith("_") or option == "project_name":
            continue
        choices = tuple(map(str, default)) if isinstance(default, list) else ()
        value = choices[0] if choices else _derive(option, str(default), name)
        prompt = prompts.get(option, "")
        text = prompt if isinstance(prompt, str) else str(prompt.get("__prompt__", ""))
        found.append(Question(option, value, choices, text))
    return found


def _derive(option: str, default: str, name: str) -> str:
    return (
        name.replace("-", "_") if option == "package_name" else default.replace("{{ cookiecutter.project_name }}", name)
    )


def _template_context() -> dict[str, Any]:
    context: dict[str, Any] = json.loads((shipped("cookiecutter-mlproject") / "cookiecutter.json").read_text())
    return context


def new_project(
    name: str,
    parent: Path,
    *,
    answers: Mapping[str, str],
    ask: Callable[[Question], str] | None,
    git: bool,
) -> Path:
    """Make project ``name`` below ``parent`` and return its folder.

    ``answers`` are given beforehand; for the other options ``ask`` is called, or their defaults hold.

    Raises:
        EnvmanError: EV004 for a bad name, EV701 for a bad option, EV702 where the folder exists, EV703, EV704.
    """
    check_project_name(name)
    folder = parent.absolute() / name
    if folder.exists():
        raise fail("EV702", f"{folder} is already there", help="choose another name, or remove the folder first")
    options = questions(name)
    for given in answers:
        if given not in {one.name for one in options}:
            raise fail(
                "EV701",
                f'the template has no option "{given}"',
                expected=near_match(given, [one.name for one in options])
                or f"one of {', '.join(one.name for one in options)}",
            )
    chosen = {"project_name": name}
    for option in options:
        answer = answers[option.name] if option.name in answers else ask(option) if ask else option.default
        check_answer(option, answer)
        chosen[option.name] = answer
    _bake(chosen, folder)
    write_schema(folder)
    if git:
        _git_init(folder)
    return folder


def check_project_name(name: str) -> None:
    """Raise EV004 unless ``name`` can name a folder, a Compose project and, with ``_`` for ``-``, a package."""
    if not re.fullmatch(PROJECT_NAME, name):
        raise fail(
            "EV004",
            f'"{name}" is not a name for a project',
            expected="lower-case letters, digits and -, a letter first, at most 40",
            help=f"for example: {_suggestion(name)}",
        )


def _suggestion(name: str) -> str:
    cleaned = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return cleaned if re.fullmatch(PROJECT_NAME, cleaned) else "churn"


def check_answer(option: Question, answer: str) -> None:
    """Raise EV701 unless ``answer`` may be given to ``option``."""
    if option.choices and answer not in option.choices:
        raise fail(
            "EV701",
            f'"{answer}" is not a value of {option.name}',
            expected=near_match(answer, option.choices) or f"one of {', '.join(option.choices)}",
        )
    if option.name == "package_name" and not _PACKAGE.fullmatch(answer):
        raise fail("EV701", f'"{answer}" is not a name for a package', expected="lower-case letters, digits and _")
    if not _ANSWER.fullmatch(answer):
        raise fail(
            "EV701",
            f"the value of {option.name} holds characters that a template cannot carry safely",
            expected="at most 200 characters, without quotes, backslashes, braces, <, >, ` and $",
        )


def _bake(answers: dict[str, str], folder: Path) -> None:
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the last step is a rename on one file system.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as work:
            scratch = Path(work)
            config = scratch / "config.yaml"
            config.write_text(
                json.dumps({"cookiecutters_dir": str(scratch / "cache"), "replay_dir": str(scratch / "replay")})
            )
            made = cookiecutter(
                str(shipped("cookiecutter-mlproject")),
                no_input=True,
                extra_context=answers,
                output_dir=str(scratch / "out"),
                config_file=str(config),
                accept_hooks=False,
            )
            Path(made).rename(folder)
    except CookiecutterException as error:
        raise fail("EV703", f"the template cannot be rendered: {type(error).__name__}") from None
    except OSError as error:
        raise fail("EV008", f"{folder} cannot be written: {explain_os_error(error)}") from None


def _git_init(folder: Path) -> None:
    if shutil.which("git") is None:
        return
    done = subprocess.run(
        ["git", "init", "--quiet", "--initial-branch=main", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise fail("EV704", "git init failed", help=f"the project is in {folder} all the same", detail=done.stderr)


def init_project(folder: Path, name: str | None) -> list[Path]:
    """Make an envman project of ``folder``: ``envman.yaml`` and the shipped blueprints; return what was written.

    Raises:
        EnvmanError: EV011 where there is one already, EV004 for a bad name.
    """
    folder = folder.absolute()
    chosen = name or folder.name.lower()
    check_project_name(chosen)
    if (folder / PROJECT_FILE).exists():
        raise fail("EV011", f"{folder / PROJECT_FILE} is already there", help="`envman check` reads it")
    written = []
    for source in sorted(shipped("blueprints").glob("*.yaml")):
        target = folder / BLUEPRINTS / source.name
        if not target.exists():
            write_whole(target, source.read_text(encoding="utf-8"))
            written.append(target.relative_to(folder))
    write_whole(folder / PROJECT_FILE, f"name: {chosen}\nlanguage: 1\n")
    write_schema(folder)
    return [Path(PROJECT_FILE), *written]
