"""The README's own commands, in order, on a real engine: what it promises beside each of them."""

from __future__ import annotations

import json
import re

import pytest
from readme import Story, console_commands

# One group: where tests run on several workers, only one of them brings the stacks up.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("template")]


def test_the_block_is_the_main_job() -> None:
    """Were it no longer found, the tests below would have nothing to look at."""
    verbs = [command.split()[:2] for command in console_commands()]
    wanted = ["new", "up", "run", "up", "switch", "status", "down"]
    assert [words[1] for words in verbs if words[0] == "envman"] == wanted
    assert verbs[0] == ["pip", "install"]


def test_new_says_what_to_type_next(story: Story) -> None:
    assert f"  cd {story.project.name}\n  envman up local" in story.out("envman new")
    assert (story.project.root / ".git").is_dir()


def test_up_prints_where_it_answers(story: Story) -> None:
    first, *urls = story.out("envman up local").splitlines()
    assert re.fullmatch(r"local is up \(\d+\.\d s\)", first)
    assert [re.sub(r"\d+$", "PORT", " ".join(line.split())) for line in urls] == [
        "tracking ui http://127.0.0.1:PORT",
        "api http http://127.0.0.1:PORT",
    ]


def test_the_first_training_registers_a_good_model_and_the_api_serves_it(story: Story) -> None:
    assert f"registered {story.project.name} version 1 as champion" in story.out("envman run local train")
    served = json.loads(story.out("curl -s -X POST"))["model"]
    assert served["version"] == "1"
    assert served["metrics"]["accuracy"] >= 0.94
    [answer] = json.loads(story.out("curl -s $API/example"))["predictions"]
    assert answer["prediction"] == "malignant"


def test_the_switch_names_both_and_status_shows_all(story: Story) -> None:
    assert re.match(r"dev -> staging; neither served for \d+\.\d s\nstaging is up", story.out("envman switch"))
    rows = [line.lstrip("* ").split()[:2] for line in story.out("envman status").splitlines()[1:]]
    assert ["dev", "stopped"] in rows
    assert ["local", "up"] in rows
    assert ["staging", "up"] in rows


def test_down_keeps_the_volumes_and_says_so(story: Story) -> None:
    kept = story.project.volumes("staging")
    assert sorted(story.out("envman down").removeprefix("staging is down; its data is kept: ").strip().split(", ")) == (
        sorted(kept)
    )
    assert len(kept) == 2
    assert story.project.containers("staging") == []
