from __future__ import annotations

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
