"""A project from an older version of its template to a newer one: a three-way merge into a clean work tree.

The base is what the template made of the project when it was made or last updated (kept in the project), theirs is what
the new version makes of the same answers, ours is the last commit. All is computed beforehand, in git's objects; then
index and work tree change in one step of git's. Nothing is committed: ``git reset --hard`` takes all of it back.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from envman.diagnostics import Report
from envman.diagnostics.diagnostic import fail, near_match
from envman.project import open_project
from envman.scaffold import Question, check_answer, check_options, check_project_name, questions, rendered, resolved
from envman.source.files import explain_os_error
from envman.template.git import GitError, need_git
from envman.template.merge import Merged, merge
from envman.template.origin import Template, open_template
from envman.template.pristine import PRISTINE_FILE, File, kept, read_pristine, write_files
from envman.template.record import RECORD_FILE, Record, is_older, read_record
from envman.template.repository import Repository
from envman.template.trees import Entries, store

_OWN = (RECORD_FILE, PRISTINE_FILE)


@dataclass(frozen=True, slots=True)
class Wish:
    """What an update was asked to do: where the template lies, which version of it, options to set."""

    template: str | None
    version: str | None
    settings: Mapping[str, str]
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Updated:
    """What an update did, or would do.

    ``before`` is the version that the project had (None: none was recorded). ``changes`` are git's letters and paths,
    ``conflicts`` paths and git's word for what is wrong there, ``difference`` is git's text where nothing was done.
    """

    name: str
    before: str | None
    after: str
    changes: tuple[tuple[str, str], ...]
    conflicts: tuple[tuple[str, str], ...]
    difference: str
    report: Report


def update_project(root: Path, wish: Wish) -> Updated:
    """Merge the template that ``wish`` names into the project at ``root``.

    Raises:
        EnvmanError: EV705 where the project records no template, EV706 where its record is damaged; EV701, EV703,
            EV707, EV708, EV715 for the template and its options; EV704, EV709, EV710, EV711, EV713, EV714 for git and
            the repository. The project is then as it was.
    """
    need_git()
    with ExitStack() as stack:
        scratch = None
        if wish.dry_run:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="envman-objects.")))
        repository = Repository.around(root, scratch)
        report = Report()
        # Before the record is read: it may be half of what was interrupted.
        if repository.take_back(dry_run=wish.dry_run):
            report.warning("EV713", "an update was interrupted before; what it had begun was taken back")
        record = read_record(root)
        if record is None:
            raise fail(
                "EV705",
                f"no {RECORD_FILE}: nothing is known of the template that this project was made from",
                help="`envman update --adopt` records the template as it is now, and changes nothing else",
            )
        if not wish.dry_run:
            repository.demand_clean()
        base = read_pristine(root, record)
        template = stack.enter_context(open_template(_location(record, wish), wish.version))
        _check_succession(record, template)
        answers = _answers(root, record, template, wish.settings, report)
        theirs = rendered(template, answers)
        if theirs == base and answers == record.answers and template.version == record.version:
            # Not by comparing archives: another release of liblzma may pack the same files differently.
            return Updated(template.name, record.version, template.version, (), (), "", report)
        own = kept(replace(template, source=template.source or record.source), answers, theirs)
        try:
            return _merge_into(repository, base, theirs, own, record, template, wish, report)
        except GitError as error:
            raise fail("EV714", "git cannot merge", detail=error.message) from None


def _location(record: Record, wish: Wish) -> str | None:
    if wish.template is None and record.source is not None:
        # A template is a program. An address in a repository that somebody cloned is nobody's word that it may run.
        raise fail(
            "EV707",
            f"the project's template is at {record.source}",
            help=f"if you trust it: envman update --template {record.source}",
        )
    return wish.template


def _check_succession(record: Record, template: Template) -> None:
    if template.name != record.template:
        raise fail(
            "EV715",
            f'the project was made from template "{record.template}", this one is "{template.name}"',
            help="name the template that it was made from with --template",
        )
    if is_older(template.version, record.version):
        raise fail(
            "EV708",
            f"the project is at version {record.version} of {record.template}, this is {template.version}",
            expected=f"{record.version} or later",
            help="upgrade envman, or name a newer template with --template; to go back, revert the update in git",
        )


def _answers(
    root: Path, record: Record, template: Template, settings: Mapping[str, str], report: Report
) -> dict[str, str]:
    """Return the answers to all options of ``template``: set now, else recorded, else default; says what is new."""
    # Not every template asks for a name; the project has one in any case.
    project = record.answers.get("project_name") or open_project(root).name
    check_project_name(project)
    options = questions(template, project)
    by_name = {one.name: one for one in options}
    check_options(options, settings)
    recorded = {name: answer for name, answer in record.answers.items() if name in by_name}
    named = {"project_name": project} if "project_name" in template.context else {}
    given = {**named, **recorded, **settings}
    for name, answer in given.items():
        if name in by_name:
            _check(by_name[name], answer, chosen=name in settings)
    answers = resolved(template, given)
    for name, option in by_name.items():
        if name not in given:
            choices = f" (one of {', '.join(option.choices)})" if option.choices else ""
            report.warning(
                "EV716",
                f"new option {name} takes its default, {answers[name]}: {option.help}{choices}",
                help=f"another value: envman update --set {name}=VALUE, now or later",
            )
    for gone in sorted(record.answers.keys() - by_name.keys() - {"project_name"}):
        report.warning("EV716", f"the template has no option {gone} any more; its answer is dropped")
    return answers


def _check(option: Question, answer: str, *, chosen: bool) -> None:
    if not chosen and option.choices and answer not in option.choices:
        raise fail(
            "EV701",
            f'"{answer}", this project\'s {option.name}, is not among its values any more',
            expected=near_match(answer, option.choices) or f"one of {', '.join(option.choices)}",
            help=f"envman update --set {option.name}={option.choices[0]}",
        )
    # cookiecutter takes answers for templates themselves, and this one may come from a stranger's repository. Only the
    # template's own default needs no check.
    if answer != option.default:
        check_answer(option, answer)


def _merge_into(
    repository: Repository,
    base: Mapping[str, File],
    theirs: Mapping[str, File],
    own: Mapping[str, File],
    record: Record,
    template: Template,
    wish: Wish,
    report: Report,
) -> Updated:
    def stored(files: Mapping[str, File]) -> Entries:
        return store(files, repository.top, repository.environ)

    committed = repository.committed()
    ours = repository.inside(committed)
    merged = merge(
        stored(base),
        {path: entry for path, entry in ours.items() if path not in _OWN},
        stored(theirs),
        label=f"template-{template.version}",
        objects=repository.environ,
        format=repository.format,
    )
    after = repository.around_project(committed, {**merged.entries, **stored(own)})
    _tell_deleted(merged, report)
    conflicts = {repository.prefix + path: stages for path, stages in merged.conflicts.items()}
    changes = tuple(repository.changes(after))
    difference = repository.difference(after, without=PRISTINE_FILE) if wish.dry_run else ""
    if changes and not wish.dry_run:
        repository.demand_room(committed, after)
        repository.take_in(after, conflicts)
    return Updated(
        template.name,
        record.version,
        template.version,
        changes,
        tuple(sorted((repository.prefix + path, reason) for path, reason in merged.reasons.items())),
        difference,
        report,
    )


def _tell_deleted(merged: Merged, report: Report) -> None:
    for path in merged.still_deleted:
        report.warning(
            "EV719",
            f"{path} stays deleted; the template changed it",
            help="nothing, if you do not miss it",
        )


def adopt_template(root: Path, wish: Wish) -> Updated:
    """Record that the project at ``root`` was made from the template that ``wish`` names, and change nothing else.

    Raises:
        EnvmanError: EV718 where a template is recorded already, EV008, and as ``update_project`` for the template.
    """
    if read_record(root) is not None or (root / PRISTINE_FILE).exists():
        raise fail("EV718", f"{RECORD_FILE} is already there", help="`envman update` goes on from it")
    name = open_project(root).name
    with open_template(wish.template, wish.version) as template:
        options = questions(template, name)
        check_options(options, wish.settings)
        for option in options:
            if option.name in wish.settings:
                check_answer(option, wish.settings[option.name])
        answers = resolved(template, {"project_name": name, **wish.settings})
        files = rendered(template, answers)
        own = kept(template, answers, files)
    if not wish.dry_run:
        try:
            write_files(root, own)
        except OSError as error:
            raise fail("EV008", f"{root} cannot be written: {explain_os_error(error)}") from None
    changes = tuple(("A", path) for path in _OWN)
    return Updated(template.name, None, template.version, changes, (), _apart(root, files), Report())


def _apart(root: Path, files: Mapping[str, File]) -> str:
    """Return how the project differs from what the template makes, a line for each file."""
    lines = []
    for path, file in sorted(files.items()):
        there = root / path
        if not there.is_file():
            lines.append(f"missing  {path}")
        elif there.read_bytes() != file.content:
            lines.append(f"differs  {path}")
    return "".join(f"{line}\n" for line in lines)
