"""New projects from the template, and what a template makes. The only importer of cookiecutter.

cookiecutter follows ``../../evil``, writes every answer in clear below the home folder, and ignores answers to
questions that do not exist. So names and answers are validated before it sees them, its configuration and replay
folder are temporary, hooks are off, and its output is moved into place only when it is whole.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from envman.diagnostics.diagnostic import fail, near_match
from envman.model.header import PROJECT_NAME
from envman.source.files import explain_os_error
from envman.state.editor import write_schema
from envman.template.origin import Template, shipped_template
from envman.template.pristine import File, is_inside, kept, read_files, write_files

_PACKAGE = re.compile(r"[a-z][a-z0-9_]{0,39}")
# No quotes, backslashes, braces or control characters: an answer stands in TOML, YAML, Python and Markdown.
_ANSWER = re.compile(r"[^\"'\\{}<>`$\x00-\x1f\x7f]{0,200}")


@dataclass(frozen=True, slots=True)
class Question:
    """An option of the template: its name, default, allowed values (none: any text) and what it is for.

    ``labels`` say what the allowed values mean.
    """

    name: str
    default: str
    choices: tuple[str, ...] = ()
    help: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def questions(template: Template, name: str) -> list[Question]:
    """Return the options of ``template`` for a project called ``name``, in order."""
    prompts: dict[str, Any] = template.context.get("__prompts__", {})
    found = []
    for option, value in resolved(template, {"project_name": name}).items():
        if option == "project_name":
            continue
        default = template.context[option]
        choices = tuple(map(str, default)) if isinstance(default, list) else ()
        prompt = prompts.get(option, "")
        labels = {} if isinstance(prompt, str) else {one: str(prompt[one]) for one in choices if one in prompt}
        text = prompt if isinstance(prompt, str) else str(prompt.get("__prompt__", ""))
        found.append(Question(option, value, choices, text, labels))
    return found


def preset_answers(template: Template, name: str) -> dict[str, str]:
    """Return the answers that the preset ``name`` of ``template`` stands for.

    Raises:
        EnvmanError: EV701 where the template has no such preset.
    """
    presets: dict[str, dict[str, str]] = template.context.get("_presets", {})
    if name not in presets:
        raise fail(
            "EV701",
            f'the template has no preset "{name}"',
            expected=near_match(name, presets) or f"one of {', '.join(presets)}",
        )
    return dict(presets[name])


def resolved(template: Template, answers: Mapping[str, str]) -> dict[str, str]:
    """Return the value of every option of ``template``: those of ``answers``, for all others their defaults.

    Raises:
        EnvmanError: EV703 where a default cannot be made.
    """
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.generate import generate_context
    from cookiecutter.prompt import prompt_for_config
    from jinja2 import TemplateError

    try:
        context = generate_context(str(template.folder / "cookiecutter.json"), extra_context=dict(answers))
        values = prompt_for_config(context, no_input=True)
    except (CookiecutterException, TemplateError, ValueError, TypeError) as error:
        raise fail("EV703", f"the template's options cannot be read: {type(error).__name__}") from None
    return {
        option: str(value)
        for option, value in values.items()
        if not option.startswith("_") and not isinstance(value, dict)
    }


def rendered(template: Template, answers: Mapping[str, str]) -> dict[str, File]:
    """Return the files that ``template`` makes of ``answers``.

    Raises:
        EnvmanError: EV703 where it cannot be rendered, or makes a file that no template may make.
    """
    with tempfile.TemporaryDirectory(prefix="envman-render.") as work:
        files = read_files(_bake(template, answers, Path(work)))
    bad = [path for path in files if not is_inside(path)]
    if bad:
        raise fail("EV703", f"the template makes {bad[0]!r}, which leads out of a project or into git's own files")
    return files


def new_project(
    name: str,
    parent: Path,
    *,
    answers: Mapping[str, str],
    ask: Callable[[Question], str] | None,
    git: bool,
    preset: str | None = None,
) -> Path:
    """Make project ``name`` below ``parent`` and return its folder.

    ``answers`` are given beforehand, then those of ``preset``; for the other options ``ask`` is called, or their
    defaults hold.

    Raises:
        EnvmanError: EV004 for a bad name, EV701 for a bad option or preset, EV702 where the folder exists, EV703,
            EV704, EV008.
    """
    check_project_name(name)
    folder = parent.absolute() / name
    if folder.exists():
        raise fail("EV702", f"{folder} is already there", help="choose another name, or remove the folder first")
    template = shipped_template()
    options = questions(template, name)
    if preset is not None:
        answers = {**preset_answers(template, preset), **answers}
    check_options(options, answers)
    chosen = {"project_name": name}
    for option in options:
        answer = answers[option.name] if option.name in answers else ask(option) if ask else option.default
        check_answer(option, answer)
        chosen[option.name] = answer
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the last step is a rename on one file system.
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as work:
            made = _bake(template, chosen, Path(work))
            write_files(made, kept(template, chosen, read_files(made)))
            made.rename(folder)
    except OSError as error:
        raise fail("EV008", f"{folder} cannot be written: {explain_os_error(error)}") from None
    write_schema(folder)
    if git:
        _git_init(folder)
    return folder


def check_options(options: list[Question], answers: Mapping[str, str]) -> None:
    """Raise EV701 where ``answers`` has one to no option of the template."""
    known = [one.name for one in options]
    for given in answers:
        if given not in known:
            raise fail(
                "EV701",
                f'the template has no option "{given}"',
                expected=near_match(given, known) or f"one of {', '.join(known)}",
            )


def check_project_name(name: str) -> None:
    """Raise EV004 unless ``name`` can name a folder, a Compose project and, with ``_`` for ``-``, a package."""
    if not re.fullmatch(PROJECT_NAME, name):
        raise fail(
            "EV004",
            f'"{name}" is not a name for a project',
            expected="lower-case letters, digits and -, a letter first, at most 40",
            help=f"for example: {suggested_name(name, otherwise='churn')}",
        )


def suggested_name(name: str, *, otherwise: str) -> str:
    """Return a name for a project that is like ``name``, or ``otherwise`` where none is."""
    cleaned = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    return cleaned if re.fullmatch(PROJECT_NAME, cleaned) else otherwise


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


def _bake(template: Template, answers: Mapping[str, str], scratch: Path) -> Path:
    """Render ``template`` into a folder below ``scratch`` and return that."""
    from cookiecutter.exceptions import CookiecutterException
    from cookiecutter.main import cookiecutter
    from jinja2 import TemplateError

    config = scratch / "config.yaml"
    config.write_text(json.dumps({"cookiecutters_dir": str(scratch / "cache"), "replay_dir": str(scratch / "replay")}))
    out = scratch / "out"
    try:
        made = cookiecutter(
            str(template.folder),
            no_input=True,
            extra_context=dict(answers),
            output_dir=str(out),
            config_file=str(config),
            accept_hooks=False,
        )
    except (CookiecutterException, TemplateError) as error:
        raise fail("EV703", f"the template cannot be rendered: {type(error).__name__}") from None
    if Path(made).resolve().parent != out.resolve():
        raise fail("EV703", "the template leaves the folder that it is given")
    _remove_empty_folders(Path(made))
    return Path(made)


def _remove_empty_folders(folder: Path) -> None:
    """Remove the folders below ``folder`` whose files no answer asked for: cookiecutter cannot leave a folder out."""
    for path, _, _ in os.walk(folder, topdown=False):
        if path != str(folder) and not any(Path(path).iterdir()):
            Path(path).rmdir()


def _git_init(folder: Path) -> None:
    if shutil.which("git") is None:
        return
    done = subprocess.run(
        ["git", "init", "--quiet", "--initial-branch=main", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise fail("EV704", "git init failed", help=f"the project is in {folder} all the same", detail=done.stderr)
