"""What is asked, and shown, when a person sits at a terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

from stacks import SLEEPER, Checkout

DATA = f"services: {{db: {SLEEPER[:-1]}, volumes: ['data:/data']}}}}\nvolumes: {{data: {{}}}}\n"


def at_terminal(argv: list[str], *, answers: dict[str, str], folder: Path) -> tuple[int, str]:
    """Run a command on a terminal, give each answer when its question appears; return the status and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(argv, cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, open_questions = "", dict(answers)
    deadline = time.monotonic() + 120
    # A terminal whose other side is closed gives an error, not an end.
    with contextlib.suppress(OSError):
        while time.monotonic() < deadline:
            if not select.select([ours], [], [], 1)[0]:
                continue
            piece = os.read(ours, 65536).decode(errors="replace")
            if not piece:
                break
            shown += piece
            for question in [one for one in open_questions if one in shown]:
                os.write(ours, f"{open_questions.pop(question)}\n".encode())
    os.close(ours)
    assert open_questions == {}, shown
    return process.wait(30), shown.replace("\r\n", "\n")


def test_down_volumes_lists_what_dies_and_does_it_only_after_a_yes(checkout: Checkout) -> None:
    checkout.write(dev=DATA).run("up", "dev")
    for answer in ("n", ""):
        status, shown = at_terminal(
            checkout.argv("down", "dev", "--volumes"), answers={"[y/N] ": answer}, folder=checkout.root
        )
        assert status == 1
        assert shown.startswith(
            "These volumes and all data in them would be deleted:\n"
            f"  {checkout.name}-dev_data\n"
            f"Delete this data? [y/N] {answer}\n"
        )
        assert "not confirmed\n  = help: nothing was changed\n" in shown.replace("\x1b[0m", "")
        assert len(checkout.containers("dev", everything=False)) == 1
    status, shown = at_terminal(
        checkout.argv("down", "dev", "--volumes"), answers={"[y/N] ": "y"}, folder=checkout.root
    )
    assert status == 0, shown
    assert checkout.volumes("dev") == []


def test_what_is_protected_wants_its_name_typed(checkout: Checkout) -> None:
    checkout.write(prod="protected: true\n" + DATA).run("up", "prod")
    question = "prod is protected. Type its name to delete this data: "
    argv = checkout.argv("down", "prod", "--volumes")
    status, shown = at_terminal(argv, answers={question: "yes"}, folder=checkout.root)
    assert status == 1, shown
    assert checkout.volumes("prod") == [f"{checkout.name}-prod_data"]
    status, shown = at_terminal(argv, answers={question: "prod"}, folder=checkout.root)
    assert status == 0, shown
    assert checkout.volumes("prod") == []


def test_up_draws_what_it_waits_for_on_one_line(checkout: Checkout) -> None:
    checkout.write(
        dev=f"services: {{db: {SLEEPER[:-1]}, healthcheck: {{test: [CMD, 'true'], start_period: 9s, start_interval: 500ms}}}}}}\n"
    )
    status, shown = at_terminal(checkout.argv("up", "dev"), answers={}, folder=checkout.root)
    assert status == 0
    assert re.search(r"\r\x1b\[2K    ✓ db healthy \(\d+\.\d s\)\n", shown), "the line is drawn over"
    assert not re.search(r"waiting for[^\r]*\n", shown), "it does not stay"


def test_new_asks_few_questions_numbers_the_choices_and_says_what_to_type_next(tmp_path: Path) -> None:
    argv = [*Checkout(tmp_path, "").argv("new", "churn")]
    options = ("artifacts", "gateway", "monitoring", "notebook", "gpu", "registry", "licence", "ci", "envman_from")
    answers = {"description": "", "author": "Ann", "python_version": "3.12", **dict.fromkeys(options, "")}
    status, shown = at_terminal(
        argv,
        answers={
            **{f"({name})": one for name, one in answers.items()},
            "Name of the Python package (package_name) [churn]: ": "1st",
            "is not a name for a package; expected lower-case letters, digits and _": "leaving",
            "Machine-learning framework (framework)": "9",
            "expected a number from 1 to 2": "2",
            "Where training runs and models are recorded (tracking)": "none",
        },
        folder=tmp_path,
    )
    assert status == 0, shown
    assert "  1. scikit-learn: small and fast, for tables\n  2. PyTorch: " in shown
    assert '  "9" is not a value of framework; expected a number from 1 to 2\n  1 to 2 [1]: 2\n' in shown
    assert shown.endswith(
        f"churn is in {tmp_path}/churn\n"
        "\n"
        "Next:\n"
        "  cd churn\n"
        "  envman up local             bring it up\n"
        "  envman run local train      train a model\n"
        "  envman status               see what runs, and where\n"
    )
    assert 'authors = [{name = "Ann"}]' in (tmp_path / "churn" / "pyproject.toml").read_text()
    assert (tmp_path / "churn/src/leaving/model.py").is_file(), "a wrong answer is asked again"
    assert not (tmp_path / "churn/docker/tracking").exists()
