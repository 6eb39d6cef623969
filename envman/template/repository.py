"""The project's git repository: what is committed, what a merge would run over, and taking a merge in.

Taking one in is a few steps. A record of them lies in git's own folder while they are taken, so that one which was
killed is taken back before the next begins: only what is surely its own work, and nothing that came after.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from envman.diagnostics.diagnostic import fail
from envman.template.git import GitError, line, run_git
from envman.template.trees import Entries, Entry, read_tree, write_tree

_UNDER_WAY: Final = "envman-update.json"
_MOST_NAMED: Final = 20
_GITLINK: Final = "160000"


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository whose work tree is ``top``; the project lies at ``prefix`` in it (``""``, or ``ml/churn/``)."""

    top: Path
    prefix: str
    git_folder: Path
    format: str
    head: str
    environ: Mapping[str, str]

    @classmethod
    def around(cls, root: Path, scratch: Path | None = None) -> Repository:
        """Return the repository that the project at ``root`` lies in; new objects go to the folder ``scratch``, if any.

        Raises:
            EnvmanError: EV709 where it lies in none, or nothing of it is committed; EV704 without git.
        """
        try:
            top, prefix, git_folder, objects, form = os.fsdecode(
                run_git(
                    *("rev-parse", "--path-format=absolute", "--show-toplevel", "--show-prefix"),
                    *("--git-dir", "--git-path", "objects", "--show-object-format"),
                    folder=root,
                )
            ).split("\n")[:5]
        except GitError as error:
            raise fail(
                "EV709",
                f"{root} is in no git repository: there is nothing to merge into, and no way back",
                help="git init && git add --all && git commit -m 'The project as it is'",
                detail="" if "not a git repository" in error.message else error.message,
            ) from None
        try:
            head = line(run_git("rev-parse", "--verify", "--quiet", "HEAD^{commit}", folder=root))
            run_git("rev-parse", "--verify", "--quiet", f"HEAD:{prefix}".removesuffix("/"), folder=root)
        except GitError:
            raise fail(
                "EV709",
                f"nothing in {root} is committed yet: there would be no way back",
                help="git add --all && git commit -m 'The project as it is'",
            ) from None
        environ = {"GIT_OBJECT_DIRECTORY": objects}
        if scratch is not None:
            environ = {"GIT_OBJECT_DIRECTORY": str(scratch), "GIT_ALTERNATE_OBJECT_DIRECTORIES": objects}
        return cls(Path(top), prefix, Path(git_folder), form, head, environ)

    def _git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return run_git(*arguments, folder=self.top, environ=self.environ, stdin=stdin)

    def committed(self) -> dict[str, Entry]:
        """Return all that is committed, by path below ``top``."""
        return read_tree(self.head, self.top, self.environ)

    def inside(self, entries: Entries) -> dict[str, Entry]:
        """Return those of ``entries`` that lie in the project, by path below its root."""
        skipped = len(self.prefix)
        return {path[skipped:]: entry for path, entry in entries.items() if path.startswith(self.prefix)}

    def around_project(self, entries: Entries, project: Entries) -> dict[str, Entry]:
        """Return ``entries`` with ``project`` in the place of what lies in the project."""
        others = {path: entry for path, entry in entries.items() if not path.startswith(self.prefix)}
        return others | {self.prefix + path: entry for path, entry in project.items()}

    def demand_clean(self) -> None:
        """Raise EV710 where anything that git knows differs from the last commit."""
        changed = self._changed()
        if changed:
            raise fail(
                "EV710",
                f"changes that are not committed: {_listed(changed)}",
                help="commit them, or put them aside with `git stash`: then all that update does can be taken back",
            )

    def _changed(self) -> list[str]:
        said = self._git("status", "--porcelain=v1", "-z", "--untracked-files=no", "--no-renames")
        return [os.fsdecode(one[3:]) for one in said.split(b"\0") if one]

    def demand_room(self, before: Entries, after: Entries) -> None:
        """Raise EV711 where taking ``after`` in would run over files that git does not know, or is told not to look at.

        git itself would run over ignored ones.
        """
        new = [path for path in after if path not in before]
        known = set(before)
        in_the_way = {blocking for path in new if (blocking := self._blocking(path, known))}
        touched = [path for path in {*before, *after} if before.get(path) != after.get(path)]
        flags = self._git("ls-files", "-v", "-z") if touched else b""
        unseen = {
            os.fsdecode(one[2:]) for one in flags.split(b"\0") if one[:1].islower() or one[:1] == b"S"
        }.intersection(touched)
        # Outside of a sparse checkout there is nothing to lose.
        in_the_way |= {path for path in unseen if os.path.lexists(self.top / path)}
        if in_the_way:
            raise fail(
                "EV711",
                f"files in the way that are not in git: {_listed(sorted(in_the_way))}",
                help="move them, or commit them (`git add --force FILE` if they are ignored): then they are merged",
            )

    def _blocking(self, path: str, known: set[str]) -> str:
        """Return what stands where the new file ``path`` would, or where a folder above it would; "" if nothing."""
        parts = path.split("/")
        for length in range(1, len(parts) + 1):
            place = "/".join(parts[:length])
            there = self.top / place
            is_folder = there.is_dir() and not there.is_symlink()
            if os.path.lexists(there) and place not in known and not (is_folder and length < len(parts)):
                if is_folder and _holds_only(there, self.top, known):
                    continue
                return place
        return ""

    def take_in(self, after: Entries, conflicts: Mapping[str, Mapping[int, Entry]]) -> None:
        """Bring the index and the work tree from the last commit to ``after``, with ``conflicts`` for git to show.

        Raises:
            EnvmanError: EV714 where git refuses.
        """
        tree = write_tree(after, self.top, self.environ)
        record = self.git_folder / _UNDER_WAY
        try:
            record.write_text(json.dumps({"head": self.head, "tree": tree}), encoding="utf-8")
            # Two trees: git goes from the one to the other, and refuses what differs from the first.
            self._git("read-tree", "-m", "-u", self.head, tree)
            if conflicts:
                self._git("update-index", "-z", "--index-info", stdin=_stages(conflicts, self.format))
        except GitError as error:
            raise _refused(error) from None
        record.unlink()

    def take_back(self, *, dry_run: bool) -> bool:
        """Take back what an update began that was killed; return whether there was one.

        Raises:
            EnvmanError: EV713 where something has been changed since, or nothing may be; EV714 where git refuses.
        """
        record = self.git_folder / _UNDER_WAY
        begun = _begun(record)
        if begun is not None and begun.get("head") == self.head and dry_run:
            raise fail(
                "EV713",
                "an update was interrupted; what it began is still there",
                help="the same command without --dry-run takes it back first",
            )
        if begun is None or begun.get("head") != self.head:
            # Another commit is checked out: whoever did that has dealt with what there was.
            if not dry_run:
                record.unlink(missing_ok=True)
            return False
        try:
            before, after = self.committed(), read_tree(str(begun["tree"]), self.top, self.environ)
            touched = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
            foreign = [path for path in touched if not self._is_ours(path, before, after)]
            foreign += [path for path in self._changed() if path not in touched]
            if foreign:
                raise fail(
                    "EV713",
                    f"an update was interrupted, and these were changed since: {_listed(foreign)}",
                    help="keep what you need of them elsewhere; `git reset --hard` goes back to the last commit",
                )
            for path in touched:
                if path not in before:
                    (self.top / path).unlink(missing_ok=True)
            self._git("reset", "--hard", "--quiet", self.head)
        except GitError as error:
            raise _refused(error) from None
        record.unlink()
        return True

    def _is_ours(self, path: str, before: Entries, after: Entries) -> bool:
        """Whether ``path`` is as it was, as it was to be, or on the way between (git writes files in place)."""
        there = self.top / path
        if not os.path.lexists(there):
            return True
        if there.is_symlink() or not there.is_file():
            return False
        content = there.read_bytes()
        old, new = (self._content(entries.get(path)) for entries in (before, after))
        return content == old or (new is not None and new.startswith(content))

    def _content(self, entry: Entry | None) -> bytes | None:
        if entry is None or entry.mode == _GITLINK:
            return None
        return self._git("cat-file", "blob", entry.id)

    def difference(self, after: Entries, *, without: str) -> str:
        """Return what ``after`` would change, as git shows it, but for the project's file ``without``."""
        tree = write_tree(after, self.top, self.environ)
        shown = self._git(
            "diff",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "-M",
            self.head,
            tree,
            "--",
            f":(exclude,top){self.prefix}{without}",
        )
        return shown.decode("utf-8", "replace")

    def changes(self, after: Entries) -> list[tuple[str, str]]:
        """Return what ``after`` would change: git's letter (A, M, D, R, T) and the path, ``OLD -> NEW`` if renamed."""
        tree = write_tree(after, self.top, self.environ)
        said = self._git("diff", "--name-status", "-M", "-z", self.head, tree)
        parts = iter(os.fsdecode(part) for part in said.split(b"\0"))
        found = []
        for letter in parts:
            if letter:
                path = next(parts)
                found.append((letter[0], f"{path} -> {next(parts)}" if letter[0] in "RC" else path))
        return found


def _holds_only(folder: Path, top: Path, known: set[str]) -> bool:
    """Whether git knows every file below ``folder``: then it goes with them."""
    return all(path.is_dir() or path.relative_to(top).as_posix() in known for path in folder.rglob("*"))


def _stages(conflicts: Mapping[str, Mapping[int, Entry]], format: str) -> bytes:  # noqa: A002
    nothing = "0" * (64 if format == "sha256" else 40)
    lines = []
    for path, stages in conflicts.items():
        lines.append(f"0 {nothing}\t{path}\0")
        lines += [f"{entry.mode} {entry.id} {stage}\t{path}\0" for stage, entry in sorted(stages.items())]
    return os.fsencode("".join(lines))


def _begun(record: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("tree"), str) else None


def _listed(paths: Iterable[str]) -> str:
    names = list(paths)
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _refused(error: GitError) -> Exception:
    return fail(
        "EV714",
        "git could not take the merge in",
        help="the same command again takes back what was begun, and merges anew",
        detail=error.message,
    )
