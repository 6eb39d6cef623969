from __future__ import annotations

import json
from pathlib import Path

from stacks import SLEEPER, Checkout, docker

STACK = f"""
services:
  api: {SLEEPER[:-1]}, environment: {{COLOUR: blue}}}}
  talk: {{image: busybox:1.37, init: true, command: [sh, -c, "echo one; echo two; exec sleep infinity"]}}
  job:
    image: busybox:1.37
    profiles: [jobs]
    command: [sh, -c, "echo working; exit 7"]
    volumes: ["data:/data"]
volumes: {{data: null}}
"""


def test_run_streams_passes_the_status_on_and_removes_the_container(checkout: Checkout) -> None:
    checkout.write(dev=STACK)
    done = checkout.run("run", "dev", "job", status=7)
    assert done.out == "working\n"
    assert checkout.containers("dev") == []
    done = checkout.run(
        "run", "dev", "job", "sh", "-c", "echo $1-$A >> /data/log; cat /data/log", "x", "--flag", status=0
    )
    assert done.out == "--flag-\n"


def test_run_starts_what_the_job_waits_for(checkout: Checkout) -> None:
    text = STACK.replace("profiles: [jobs]", "profiles: [jobs]\n    depends_on: {api: {condition: service_started}}")
    checkout.write(dev=text).run("run", "dev", "job", status=7)
    assert checkout.containers("dev", everything=False) == [f"{checkout.name}-dev-api-1"]


def test_options_behind_the_service_belong_to_the_command(checkout: Checkout) -> None:
    checkout.write(dev=STACK).run("up", "dev")
    assert checkout.run("exec", "dev", "api", "sh", "-c", "echo $COLOUR").out == "blue\n"
    assert checkout.run("exec", "dev", "api", "ls", "--help", status=None).status in {0, 1}
    assert checkout.run("exec", "--user", "1000", "dev", "api", "id", "-u").out == "1000\n"
    assert checkout.run("exec", "dev", "api", "sh", "-c", "exit 9", status=9).out == ""


def test_exec_says_when_the_service_does_not_run(checkout: Checkout) -> None:
    checkout.write(dev=STACK)
    assert "error[EV608]: api does not run in dev" in checkout.run("exec", "dev", "api", "id", status=1).err
    assert 'error[EV607]: dev has no service "apy"' in checkout.run("exec", "dev", "apy", "id", status=1).err


def test_logs_of_one_service(checkout: Checkout) -> None:
    checkout.write(dev=STACK).run("up", "dev")
    assert checkout.run("logs", "dev", "talk").out == "talk-1  | one\ntalk-1  | two\n"
    assert checkout.run("logs", "dev", "talk", "--tail", "1").out == "talk-1  | two\n"


def test_cp_goes_both_ways(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=STACK).run("up", "dev")
    (tmp_path / "in").write_text("hello\n")
    checkout.run("cp", "dev", str(tmp_path / "in"), "api:/tmp/there")
    assert checkout.sh("dev", "api", "cat /tmp/there") == "hello"
    checkout.run("cp", "dev", "api:/tmp/there", str(tmp_path / "out"))
    assert (tmp_path / "out").read_text() == "hello\n"
    assert "EV607" in checkout.run("cp", "dev", "a", "b", status=1).err


VOLUMES = """
services:
  api: {image: "busybox:1.37", init: true, command: [sleep, infinity], volumes: ["busy:/busy"]}
  job:
    image: "${ENVMAN_PROJECT}-job:1"
    build:
      context: .
      dockerfile_inline: "FROM busybox:1.37\\nRUN mkdir -p /data/in && chown -R 1234:1234 /data\\nUSER 1234:1234"
    profiles: [jobs]
    command: [sh, -c, "cat /data/in/rows.csv && mkdir /data/out && cp /data/in/rows.csv /data/out"]
    volumes: ["data:/data"]
volumes: {data: null, busy: null, theirs: {external: true}}
"""


def test_cp_reaches_the_volume_of_a_job_that_never_ran(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=VOLUMES)
    rows, out = tmp_path / "rows.csv", tmp_path / "out"
    rows.write_text("a,b\n")
    assert "error[EV644]" in checkout.run("cp", str(rows), "dev:data/in/", status=1).err
    checkout.run("build", "dev", "job")

    # The volume is made with what the image has there, and files are the job's own.
    checkout.run("cp", str(rows), "dev:data/in/")
    assert checkout.run("run", "dev", "job").out == "a,b\n"
    checkout.run("cp", "dev:data/out", str(out))
    assert (out / "rows.csv").read_text() == "a,b\n"
    checkout.run("cp", str(out), "dev:data/in/again")
    stream = checkout.run("cp", "dev:data/in/again", "-").out
    assert "again/rows.csv" in stream
    checkout.run("cp", "-", "dev:data/in", stdin=stream)
    checkout.run("cp", "dev", "dev:data/in/again/rows.csv", str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_text() == "a,b\n"

    missing = checkout.run("cp", str(rows), "dev:data/none/rows.csv", status=1).err
    assert f"error[EV720]: {rows} cannot be copied to dev:data/none/rows.csv" in missing
    assert "data/none" in missing.partition("docker said")[2]
    assert "error[EV642]" in checkout.run("cp", str(rows), "dev:theirs/x", status=1).err
    assert "error[EV642]" in checkout.run("cp", "dev:busy/x", str(out), status=1).err
    assert "error[EV607]" in checkout.run("cp", str(rows), "dev:data/../x", status=1).err
    assert "error[EV607]" in checkout.run("cp", "dev:data/in", "dev:busy/x", status=1).err


def test_cp_says_who_uses_the_volume_it_writes_to(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=VOLUMES).run("up", "dev")
    (tmp_path / "in").write_text("hello\n")
    done = checkout.run("cp", str(tmp_path / "in"), "dev:busy/in")
    assert f"volume busy is in use: {checkout.name}-dev-api-1 may see a file half-written" in done.err
    assert checkout.sh("dev", "api", "cat /busy/in") == "hello"
    assert "in use" not in checkout.run("cp", "dev:busy/in", str(tmp_path / "out")).err
    users = docker("ps", "--all", "--format", "{{.Names}}", "--filter", f"volume={checkout.name}-dev_busy")
    assert users == f"{checkout.name}-dev-api-1", "a helper was left"


def test_cp_leaves_a_volume_of_others_alone(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(dev=STACK)
    name = f"{checkout.name}-dev_data"
    docker("volume", "create", name)
    try:
        (tmp_path / "in").write_text("hello\n")
        done = checkout.run("cp", str(tmp_path / "in"), "dev:data/in", status=1)
        assert f"error[EV502]: volume {name} does not bear the labels" in done.err
    finally:
        docker("volume", "rm", name)


def test_compose_itself_gets_the_same_arguments(checkout: Checkout) -> None:
    checkout.write(dev=STACK).run("up", "dev")
    done = checkout.run("compose", "dev", "--", "ps", "--services")
    assert sorted(done.out.split()) == ["api", "talk"]


def test_words_without_an_environment_mean_the_chosen_one(checkout: Checkout) -> None:
    checkout.write(dev=STACK).run("use", "dev")
    checkout.run("up")
    assert checkout.run("exec", "api", "echo", "yes").out == "yes\n"
    assert checkout.run("logs", "talk", "--tail", "1").out == "talk-1  | two\n"
    checkout.run("stop", "talk")
    assert checkout.run("ps").out.count(f"{checkout.name}-dev-") == 1
    assert checkout.run("ps", "--all").out.count(f"{checkout.name}-dev-") == 2


def test_volumes_networks_and_images_are_listed(checkout: Checkout) -> None:
    checkout.write(dev=STACK)
    assert checkout.run("--format", "json", "volumes", "dev").json == [
        {"volume": "data", "name": f"{checkout.name}-dev_data", "exists": False, "retain": "keep", "services": ["job"]}
    ]
    checkout.run("up", "dev")
    assert checkout.run("plan", "dev").out == "dev is as it should be: nothing to do\n", "a job's volume can wait"
    checkout.run("run", "dev", "job", status=7)
    assert checkout.run("--format", "json", "volumes", "dev").json[0]["exists"] is True
    assert checkout.run("--format", "json", "networks", "dev").json[0]["exists"] is True
    images = checkout.run("--format", "json", "images", "dev").json
    assert {one["service"]: one["reference"] for one in images} == dict.fromkeys(("api", "talk", "job"), "busybox:1.37")
    assert images[0]["id"] == docker("image", "inspect", "--format", "{{.Id}}", "busybox:1.37")


def test_build_and_pull(checkout: Checkout) -> None:
    checkout.write(
        dev="""
        services:
          api:
            image: "${ENVMAN_PROJECT}-api:1"
            build: {context: ., dockerfile_inline: "FROM busybox:1.37\\nCMD [\\"sleep\\", \\"infinity\\"]"}
            init: true
          cache: {image: "busybox:1.37", init: true, command: [sleep, infinity]}
        """
    )
    assert checkout.run("build", "dev").out == "built: api\n"
    assert checkout.run("pull", "dev").out == "pulled: cache\n"
    done = checkout.run("up", "dev")
    assert "building" not in done.err, "what is built is not built again"
    checkout.run("up", "dev", "--build")


def test_a_pipe_is_the_input_and_options_may_stand_behind_the_environment(checkout: Checkout) -> None:
    checkout.write(dev=STACK).run("up", "dev", "-d")
    for words in (("exec", "dev", "-it", "api"), ("exec", "-i", "dev", "api"), ("exec", "dev", "-w", "/", "api")):
        assert checkout.run(*words, "cat", stdin="hello\n").out == "hello\n"
    job = ("run", "--rm", "dev", "--no-deps", "-e", "A=3", "--entrypoint", "", "job")
    assert checkout.run(*job, "sh", "-c", "cat; echo $A", stdin="x").out == "x3\n"
    # What another program writes is all there is, also as JSON; what envman has to say itself is a document.
    assert checkout.run("exec", "--format", "json", "dev", "api", "echo", "a").out == "a\n"
    refused = checkout.run("exec", "--format", "json", "dev", "nope", "id", status=1)
    assert json.loads(refused.out)["diagnostics"][0]["code"] == "EV607"
    assert checkout.run("cp", "dev", "job:/x", ".", status=1).err.startswith(
        "error[EV608]: job has no container in dev"
    )


def test_down_asks_before_it_ends_a_running_job(checkout: Checkout) -> None:
    checkout.write(dev=STACK).run("run", "-d", "dev", "job", "sleep", "100")
    job = checkout.containers("dev")[0]
    refused = checkout.run("down", "dev", status=1)
    assert f"note: job ({job}), running for " in refused.err
    assert checkout.containers("dev") == [job]
    checkout.run("down", "dev", "--yes")
    assert checkout.containers("dev") == []
