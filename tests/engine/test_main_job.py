"""The README's own commands, in order, on a real engine; and what the stack that they leave behind promises.

One file, because where tests run on several workers a file stays on one: only that one brings the stacks up.
"""

from __future__ import annotations

import json
import re
import signal
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from demo import ORACLE
from load import asked_all_the_while
from readme import Story, console_commands
from stacks import Checkout, await_true, docker

pytestmark = [pytest.mark.timeout(900)]

HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def request(method: str, url: str, body: Any = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with HTTP.open(asked, timeout=60) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def url(project: Checkout, environment: str, service: str) -> str:
    return f"http://{project.run('port', environment, service, 'http').out.strip()}"


# --- what the README says beside each command


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
    assert served["metrics"]["accuracy"] >= 0.75
    [answer] = json.loads(story.out("curl -s $API/example"))["predictions"]
    assert answer["prediction"] == "stays"


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
    assert len(kept) == 3
    assert story.project.containers("staging") == []


# --- what the stack promises


def test_predictions_of_the_api_are_the_models_own_row_for_row(story: Story) -> None:
    script = ORACLE.format(package=story.project.name.replace("-", "_"))
    own = json.loads(story.project.run("run", "local", "train", "python", "-c", script).out.splitlines()[-1])
    assert len(own["rows"]) == 600
    status, served = request("POST", url(story.project, "local", "api") + "/predict", {"instances": own["rows"]})
    assert status == 200
    assert served == {"model_version": own["version"], "predictions": own["predictions"]}


def test_a_reload_drops_no_request(story: Story) -> None:
    """A new version comes into service while four clients ask without a pause."""
    api = url(story.project, "local", "api")
    before = request("GET", f"{api}/model")[1]["version"]
    _, example = request("GET", f"{api}/example")
    swapped = threading.Event()

    def ask_until_swapped() -> list[tuple[int, str]]:
        seen = []
        while not swapped.is_set():
            status, answer = request("POST", f"{api}/predict", example)
            seen.append((status, answer.get("model_version", str(answer))))
        status, answer = request("POST", f"{api}/predict", example)
        return [*seen, (status, answer["model_version"])]

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(ask_until_swapped) for _ in range(4)]
        try:
            story.project.run("run", "local", "train")
            reloads = [request("POST", f"{api}/model/reload") for _ in range(5)]
        finally:
            swapped.set()
        answers = [answer for client in clients for answer in client.result()]
    after = str(int(before) + 1)
    assert [(status, answer["model"]["version"]) for status, answer in reloads] == [(200, after)] * 5
    assert len(answers) > 40, "there was load"
    assert {status for status, _ in answers} == {200}
    assert {version for _, version in answers} == {before, after}
    assert all(client.result()[-1] == (200, after) for client in clients)


def test_an_environment_has_a_registry_of_its_own(story: Story) -> None:
    """Local has trained twice by now; what dev trains is dev's first version, kept while it is stopped."""
    volumes = story.project.volumes("dev")
    assert {name.removeprefix(f"{story.project.name}-dev_") for name in volumes} == {"db", "mlflow"}
    assert story.project.containers("dev", everything=False) == []
    assert not set(story.project.volumes("local")) & set(volumes)


def test_a_job_that_fails_passes_its_status_on_and_leaves_the_stack_alone(story: Story) -> None:
    before = story.project.container_ids("local")
    started = docker("inspect", "--format", "{{.State.StartedAt}}", *before)
    done = story.project.run("run", "-e", "MINIMUM_ACCURACY=1", "local", "train", status=1)
    assert "the model is not registered" in done.out
    assert story.project.container_ids("local") == before
    assert docker("inspect", "--format", "{{.State.StartedAt}}", *before) == started
    assert story.project.run("up", "local").out.startswith("local is up, nothing to do\n")


def test_a_job_that_is_stopped_needs_no_force(story: Story) -> None:
    """A first process that has no handler for SIGTERM, as Python has none, would be killed after ten seconds."""
    with story.project.start("run", "local", "train", "sleep", "600") as process:
        jobs = ["label=com.docker.compose.oneoff=True", "label=com.docker.compose.service=train"]
        await_true(lambda: story.project.containers("local", *jobs, everything=False) != [])
        docker("stop", *story.project.containers("local", *jobs))
        process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM


def test_batch_scores_a_volume_of_csv_files(story: Story) -> None:
    done = story.project.run("run", "local", "batch", "sh", "-c", "batch && cat /data/processed/sample.csv")
    scored = done.out[done.out.index("tenure_months,") :].splitlines()
    assert scored[0].endswith(",prediction,probability,model_version")
    assert len(scored) == 151


def test_the_projects_tests_run_in_its_own_image(story: Story) -> None:
    done = story.project.run("run", "local", "test", "pytest", "-p", "no:cacheprovider", "tests/test_settings.py")
    assert re.search(r"\d+ passed", done.out)


def test_the_drift_of_what_was_scored_is_reported_as_a_page(story: Story) -> None:
    script = "batch >/dev/null && drift >/dev/null && cd /data/processed/drift && cat drift.json report.html"
    done = story.project.run("run", "local", "drift", "sh", "-c", script)
    assert '"probability": 0.' in done.out
    assert "<h1>Drift of" in done.out
    assert done.out.count("<svg") == 7


def test_an_edit_is_answered_by_a_process_that_imports_no_library_anew(story: Story) -> None:
    """How long that takes depends on what else the machine does: `python -m benchmarks.template` measures it."""
    api = url(story.project, "local", "api")
    file = story.project.root / "src" / story.project.name.replace("-", "_") / "api.py"
    before = file.read_text()
    before_the_edit = story.project.sh("local", "api", _FORK_SERVER)
    assert before_the_edit.isdecimal(), "there is exactly one"
    try:
        file.write_text(before.replace("TABLE.question", '"Edited just now."'))
        await_true(lambda: _description(api) == "Edited just now.", seconds=20)
        example = request("GET", f"{api}/example")[1]
        assert request("POST", f"{api}/predict", example)[0] == 200, "the first to ask finds the model loaded"
    finally:
        file.write_text(before)
    await_true(lambda: _description(api) == "Does a customer leave?", seconds=20)
    assert story.project.sh("local", "api", _FORK_SERVER) == before_the_edit


# The process that has imported the libraries and that services are forked from; these have its name. The brackets keep
# this text from finding itself.
_FORK_SERVER = r"""
for process in /proc/[0-9]*; do
    parent=$(sed -n 's/^PPid:\s*//p' $process/status)
    if grep -q [m]ultiprocessing.forkserver $process/cmdline && ! grep -q [m]ultiprocessing.forkserver /proc/$parent/cmdline
    then
        basename $process
    fi
done 2>/dev/null
"""


def _description(api: str) -> str:
    try:
        return str(request("GET", f"{api}/openapi.json")[1]["info"]["description"])
    except OSError:
        return ""  # the process that it reached was about to end


def test_prod_replaces_every_replica_under_load_and_its_database_comes_back_from_a_backup(story: Story) -> None:
    prod = story.project
    # As people choose them; every client of the database has to quote it in its own way.
    prod.run("secrets", "set", "prod", "db_password", stdin="it's a : pass\\word")
    done = prod.run("up", "prod")
    assert "tracking ui" not in done.out, "only the gateway can be reached"
    prod.run("run", "prod", "train")
    gateway = url(prod, "prod", "gateway")
    await_true(lambda: request("GET", f"{gateway}/health/ready")[0] == 200)
    assert request("GET", f"{gateway}/metrics")[0] == 403
    _, example = request("GET", f"{gateway}/example")
    before = set(docker("ps", "--quiet", "--filter", f"name={prod.name}-prod-api").split())

    def predict() -> tuple[int, str]:
        status, answer = request("POST", f"{gateway}/predict", example)
        return status, str(answer.get("model_version", answer))

    with asked_all_the_while(predict, a_second=50) as answers:
        done = prod.run("up", "prod", "--set", "log_level=warning")
    assert "api: 2 of 2 replaced" in done.err
    after = set(docker("ps", "--quiet", "--filter", f"name={prod.name}-prod-api").split())
    assert len(after) == len(before) == 2
    assert not after & before
    assert set(answers) == {(200, "1")}
    assert len(answers) > 100

    written = prod.run("run", "prod", "backup").out
    assert re.match(r"wrote mlflow-\d{8}T\d{6}Z\.dump\n", written)
    sql = ("psql", "--username=mlflow", "--dbname=mlflow", "--tuples-only", "--no-align", "--command")
    prod.run("exec", "prod", "db", *sql, "DELETE FROM registered_model_aliases")
    count = "SELECT count(*) FROM registered_model_aliases"
    assert prod.run("exec", "prod", "db", *sql, count).out.strip() == "0"
    assert "restored mlflow-" in prod.run("run", "prod", "restore").out
    assert prod.run("exec", "prod", "db", *sql, count).out.strip() == "1"


def test_prometheus_watches_all_of_prod_and_sees_the_database_go(story: Story) -> None:
    prod = story.project
    # As the test before left it, so that nothing is replaced.
    prod.run("up", "prod", "--set", "log_level=warning")

    def ask(question: str) -> list[dict[str, str]]:
        command = ("promtool", "query", "instant", "--format=json", "http://localhost:9090", question)
        return [one["metric"] for one in json.loads(prod.run("exec", "prod", "prometheus", *command).out)]

    watched = ["api", "api", "db", "gateway", "prometheus"]
    await_true(lambda: sorted(one["job"] for one in ask("up == 1")) == watched)
    await_true(lambda: len(ask("nginx_up == 1 or pg_up == 1")) == 2)
    # Both replicas found the model; the one that trained is a job, and watched by nobody.
    await_true(lambda: [one["version"] for one in ask("model_info")] == ["1", "1"])
    assert {one["name"] for one in ask("model_info")} == {prod.name}
    loaded = ask("prometheus_rule_group_rules > 0")
    assert [one["rule_group"].partition(";")[2] for one in loaded] == ["api", "db", "gateway", "prometheus"]
    # Also while it came up, and the gateway was the last that did.
    assert ask('count_over_time(ALERTS{alertname=~".*Down", alertstate="firing"}[1h])') == []
    database = f"{prod.name}-prod-db-1"
    docker("stop", database)
    try:
        await_true(lambda: [one["job"] for one in ask("pg_up == 0")] == ["db"])
    finally:
        docker("start", database)
    await_true(lambda: ask("pg_up == 0") == [])
