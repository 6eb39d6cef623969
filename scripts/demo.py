"""The main job, end to end, on a real engine; `make demo` calls this.

A project is scaffolded in a temporary folder, brought up, trained, asked for predictions, moved from dev to staging
and taken down. Everything that is typed is shown. What this starts it also ends, when a step fails or is interrupted
too: the project has a name that nobody else uses, and only what bears that name is removed.
"""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

# The registered model itself, without the API: all rows, and what it says of each.
ORACLE = """
import json
from {package}.data import load_dataset
from {package}.predict import predict
from {package}.registry import open_registry
from {package}.settings import Settings
registry = open_registry(Settings())
model = registry.load(registry.champion())
rows = load_dataset().features
answers = [{{"prediction": label, "probability": value}} for label, value in predict(model.pipeline, rows)]
asked = [{{name: value if value == value and value != "" else None for name, value in row.items()}}
         for row in rows.to_dict(orient="records")]
print(json.dumps({{"rows": asked, "version": model.version, "predictions": answers}}))
"""

BOLD, DIM, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[32m", "\x1b[31m", "\x1b[0m"
ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# The stack is on loopback: a proxy has no part in it.
HTTP = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StepError(Exception):
    """A step that did not come to its end; the message says why."""


def paint(text: str, colour: str) -> str:
    """Colour for terminals, plain text for everything else."""
    return f"{colour}{text}{PLAIN}" if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text


def say(text: str = "") -> None:
    """Print at once: other programs write to the same terminal."""
    print(text, flush=True)


Step = Callable[["Demo"], str]


@dataclass
class Demo:
    """A project in a folder of its own, and what has been found out about it."""

    folder: Path
    name: str = field(default_factory=lambda: f"demo-{secrets.token_hex(3)}")
    urls: dict[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.folder / self.name

    @property
    def package(self) -> str:
        """The name of the project's Python package."""
        return self.name.replace("-", "_")

    def environ(self) -> dict[str, str]:
        """The user's environment, but with state of its own, and with the authorities that this machine trusts."""
        own = {"XDG_STATE_HOME": str(self.folder / "state"), "XDG_CACHE_HOME": str(self.folder / "cache")}
        authorities = certificate_authorities()
        if authorities:
            own["ENVMAN_CA_CERTIFICATES"] = authorities
        return {name: value for name, value in os.environ.items() if name != "ENVMAN_INSTANCE"} | own

    def envman(self, *arguments: str, capture: bool = False) -> str:
        """Type an envman command in the project's folder (or above it, while there is none) and show what it says.

        Raises:
            StepError: It ended with another status than 0.
        """
        say(paint(f"$ {shlex.join(['envman', *arguments])}", BOLD))
        folder = self.root if self.root.is_dir() else self.folder
        # In a session of its own: an interrupt reaches it once, by us, and it can end in good order.
        process = subprocess.Popen(
            [sys.executable, "-m", "envman", *arguments],
            cwd=folder,
            env=self.environ(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if capture else None,
            text=True,
            start_new_session=True,
        )
        try:
            out, _ = process.communicate()
        except KeyboardInterrupt:
            process.send_signal(signal.SIGINT)
            process.communicate()
            raise
        if process.returncode != 0:
            raise StepError(f"`{shlex.join(['envman', *arguments][:4])}` ended with status {process.returncode}")
        return out or ""

    def url(self, environment: str, service: str) -> str:
        """Ask where a service's port named http can be reached."""
        address = self.envman("port", environment, service, "http", capture=True).strip()
        say(address)
        self.urls[f"{environment} {service}"] = f"http://{address}"
        return f"http://{address}"


def certificate_authorities() -> str | None:
    """The file of authorities that builds have to trust: the one that is configured, else this machine's own."""
    names = ("ENVMAN_CA_CERTIFICATES", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    candidates = [os.environ.get(name, "") for name in names] + ["/etc/ssl/certs/ca-certificates.crt"]
    return next((path for path in candidates if path and Path(path).is_file()), None)


def call(method: str, url: str, body: Any = None, *, expected: int = 200, note: str = "") -> Any:
    """Make a real request and return the JSON that comes back.

    Raises:
        StepError: Nobody answers, or with another status than ``expected``.
    """
    say(paint(f"> {method} {url}{note and f'  ({note})'}", BOLD))
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
    try:
        with HTTP.open(request, timeout=60) as response:
            status, answer = response.status, response.read()
    except urllib.error.HTTPError as error:
        status, answer = error.code, error.read()
    except OSError as error:
        raise StepError(f"{method} {url}: {error}") from error
    shown = answer.decode(errors="replace").strip()
    say(f"{status} {shown if len(shown) <= 200 else shown[:200] + ' …'}")
    if status != expected:
        raise StepError(f"{method} {url} gave {status}, expected {expected}")
    return json.loads(answer)


# --- the steps, in order; the first line of each is its title, and it returns its line of the summary


def scaffold(demo: Demo) -> str:
    """Scaffold a project."""
    demo.envman("new", demo.name, "--no-input")
    demo.envman("check")
    return f"{sum(path.is_file() for path in demo.root.rglob('*') if '.git' not in path.parts)} files, checked"


def up_local(demo: Demo) -> str:
    """Bring local up."""
    demo.envman("up", "local", "--timeout", "900")
    return f"api at {demo.url('local', 'api')}"


def train_local(demo: Demo) -> str:
    """Train a model."""
    demo.envman("run", "local", "train")
    model = call("POST", f"{demo.urls['local api']}/model/reload")["model"]
    accuracy = model["metrics"]["accuracy"]
    if accuracy < 0.94:
        raise StepError(f"held-out accuracy is {accuracy:.4f}, and was to be at least 0.94")
    return f"version {model['version']}, held-out accuracy {accuracy:.4f}"


def predict_local(demo: Demo) -> str:
    """Predict over HTTP."""
    script = ORACLE.format(package=demo.package)
    out = demo.envman("run", "local", "train", "python", "-c", script, capture=True)
    own = json.loads(out.splitlines()[-1])
    rows = own["rows"]
    answer = call("POST", f"{demo.urls['local api']}/predict", {"instances": rows}, note=f"{len(rows)} rows")
    if answer != {"model_version": own["version"], "predictions": own["predictions"]}:
        raise StepError("the API does not answer what the registered model itself says")
    return f"{len(rows)} rows, each equal to the model's own answer"


def up_dev(demo: Demo) -> str:
    """Bring dev up beside it."""
    demo.envman("up", "dev", "--timeout", "900")
    url = demo.url("dev", "api")
    # Its own registry is still empty, while local goes on serving its model.
    call("GET", f"{url}/model", expected=503)
    call("GET", f"{demo.urls['local api']}/health/ready")
    return f"api at {url}, beside local"


def train_dev(demo: Demo) -> str:
    """Train and predict in dev."""
    demo.envman("run", "dev", "train")
    url = demo.urls["dev api"]
    call("POST", f"{url}/model/reload")
    answer = call("POST", f"{url}/predict", call("GET", f"{url}/example"))
    return f"the example is {answer['predictions'][0]['prediction']}"


def switch_to_staging(demo: Demo) -> str:
    """Switch dev to staging."""
    demo.envman("switch", "staging", "--from", "dev", "--timeout", "900")
    url = demo.url("staging", "gateway")
    call("GET", f"{url}/health/live")
    return f"gateway at {url}; dev is stopped, its data kept"


def status(demo: Demo) -> str:
    """Status."""
    demo.envman("status")
    states = {
        row["environment"]: row["state"]
        for row in json.loads(demo.envman("--format", "json", "status", capture=True))["result"]
    }
    if (states["local"], states["dev"], states["staging"]) != ("up", "stopped", "up"):
        raise StepError(f"local and staging should be up, dev stopped: {states}")
    return "local up, dev stopped, staging up"


def down(demo: Demo) -> str:
    """Take all down, data too."""
    for environment in ("staging", "dev", "local"):
        demo.envman("down", environment, "--volumes", "--yes")
    left = made_by(demo)
    if any(left.values()):
        raise StepError(f"something is left: {left}")
    return "no container, network or volume is left"


STEPS: Sequence[Step] = (
    scaffold,
    up_local,
    train_local,
    predict_local,
    up_dev,
    train_dev,
    switch_to_staging,
    status,
    down,
)


# --- ending what was started


def docker(*arguments: str) -> list[str]:
    """Run the docker command and return the words that it prints; none if it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, start_new_session=True)
    return done.stdout.split()


def made_by(demo: Demo) -> dict[str, list[str]]:
    """Return what the engine has of this demo's project, found by its label."""
    ours = ("--filter", f"label=dev.envman.project={demo.name}")
    return {
        "containers": docker("ps", "--all", "--quiet", *ours),
        "networks": docker("network", "ls", "--quiet", *ours),
        "volumes": docker("volume", "ls", "--quiet", *ours),
    }


def clean_up(demo: Demo) -> None:
    """Remove all that this demo made on the engine but the build cache, which makes the next one fast."""
    if any(made_by(demo).values()):
        say(paint("removing what this demo started", DIM))
    # The engine may still do what a command asked for that was stopped: nothing is there only if it stays so.
    empty = 0
    for _ in range(20):
        empty = empty + 1 if remove_what_is_there(demo) else 0
        if empty == 2:
            break
        time.sleep(0.5)
    images = docker("images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={demo.name}-*")
    if images:
        docker("rmi", *images)
    if any(made_by(demo).values()):
        say(paint(f"not all could be removed; look for the label dev.envman.project={demo.name}", RED))


def remove_what_is_there(demo: Demo) -> bool:
    """Remove the containers, networks and volumes that there are now; give whether there were none."""
    left = made_by(demo)
    if left["containers"]:
        docker("rm", "--force", "--volumes", *left["containers"])
    if left["networks"]:
        docker("network", "rm", *left["networks"])
    if left["volumes"]:
        docker("volume", "rm", *left["volumes"])
    return not any(left.values())


@contextmanager
def only_one_interrupt() -> Iterator[None]:
    """Take Ctrl-C and a request to end alike, once; what follows the first is the cleaning up."""

    def interrupt(number: int, _: object) -> None:
        ignore_interrupts()
        raise KeyboardInterrupt(number)

    before = {one: signal.signal(one, interrupt) for one in ENDS}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def ignore_interrupts() -> None:
    """Let nothing disturb the cleaning up."""
    for one in ENDS:
        signal.signal(one, signal.SIG_IGN)


class Outcome(NamedTuple):
    """What came of a step."""

    title: str
    seconds: float
    mark: str
    text: str


def run_steps(demo: Demo, steps: Sequence[Step], outcomes: list[Outcome]) -> int:
    """Run the steps until one fails; append what came of each, and return the exit status."""
    for number, step in enumerate(steps, 1):
        title = (step.__doc__ or step.__name__).splitlines()[0].rstrip(".")
        say(f"\n{paint(f'[{number}/{len(steps)}] {title}', GREEN)}")
        began = time.monotonic()
        try:
            text, mark, exit_status = step(demo), "ok", 0
        except StepError as error:
            text, mark, exit_status = str(error), "failed", 1
        except KeyboardInterrupt:
            text, mark, exit_status = "interrupted", "ended", 130
        seconds = time.monotonic() - began
        outcomes.append(Outcome(title, seconds, mark, text))
        say(paint(f"{mark} after {seconds:.1f} s: {text}", RED if exit_status else DIM))
        if exit_status:
            return exit_status
    return 0


def summary(demo: Demo, outcomes: Sequence[Outcome]) -> str:
    """Return the table of steps and the URLs that were used."""
    width = max((len(one.title) for one in outcomes), default=0)
    lines = [f"{one.title.ljust(width)}  {one.seconds:6.1f} s  {one.mark.ljust(6)}  {one.text}" for one in outcomes]
    lines.append(f"{'all'.ljust(width)}  {sum(one.seconds for one in outcomes):6.1f} s")
    if demo.urls:
        wide = max(map(len, demo.urls))
        lines += ["", "URLs used:", *(f"  {name.ljust(wide)}  {url}" for name, url in demo.urls.items())]
    return "\n".join(lines)


def main(steps: Sequence[Step] = STEPS) -> int:
    """Run the demo and return its exit status: 0, 1 when a step fails, 130 when it is interrupted."""
    outcomes: list[Outcome] = []
    with only_one_interrupt(), tempfile.TemporaryDirectory(prefix="envman-demo-") as folder:
        demo = Demo(Path(folder).resolve())
        say(f"The project {demo.name} is made in {demo.folder}, and removed in the end.")
        if authorities := certificate_authorities():
            say(f"Builds trust what {authorities} holds (ENVMAN_CA_CERTIFICATES).")
        try:
            exit_status = run_steps(demo, steps, outcomes)
        finally:
            ignore_interrupts()
            clean_up(demo)
        say(f"\n{summary(demo, outcomes)}")
    return exit_status


if __name__ == "__main__":
    sys.exit(main())
