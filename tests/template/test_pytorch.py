"""Projects with PyTorch: what is particular in their files, and their own tests and jobs with a real PyTorch."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from environments import facts

from envman.diagnostics import Report
from envman.operations.workspace import automatic_ports
from envman.project import load_environment, open_project
from envman.render.compose import render

Bake = Callable[..., Path]

CA_CERTIFICATES = Path(os.environ.get("ENVMAN_CA_CERTIFICATES") or "/etc/ssl/certs/ca-certificates.crt")
THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="session")
def pytorch(bake: Bake) -> Path:
    """A project with PyTorch and all else by default, to be read only."""
    return bake(framework="pytorch")


@pytest.fixture(scope="session")
def small(bake: Bake) -> Path:
    """A project with PyTorch and with a folder for a registry, to be read only."""
    return bake(framework="pytorch", tracking="none", monitoring="none", ci="none")


def texts(project: Path, *, but: tuple[str, ...] = ("requirements/", ".envman/")) -> dict[str, str]:
    files = (path for path in project.rglob("*") if path.is_file())
    names = {path.relative_to(project).as_posix(): path for path in files}
    return {name: path.read_text() for name, path in names.items() if not name.startswith(but)}


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock.read_text(), re.MULTILINE))


def test_nothing_is_left_of_the_framework_that_was_not_chosen(project: Path, pytorch: Path) -> None:
    for name, text in texts(project).items():
        assert not re.search(r"torch|safetensors|\bcuda", text, re.IGNORECASE), name
    for name, text in texts(pytorch).items():
        assert not re.search(r"skops|joblib|LogisticRegression|StandardScaler", text), name
    assert not pins(project / "requirements/dev.txt").keys() & {"torch", "safetensors", "sympy"}
    assert not pins(pytorch / "requirements/dev.txt").keys() & {"skops", "prettytable"}


def test_one_module_knows_pytorch(pytorch: Path) -> None:
    importing = {
        name
        for name, text in texts(pytorch / "src").items()
        if re.search(r"^\s*(?:import|from) (?:torch|safetensors)\b", text, re.MULTILINE)
    }
    assert importing == {"ml_project/model.py"}


@pytest.mark.parametrize("which", ["pytorch", "small"])
def test_pytorch_is_a_lock_of_its_own(which: str, request: pytest.FixtureRequest) -> None:
    project: Path = request.getfixturevalue(which)
    runtime, torch, development = (pins(project / f"requirements/{name}.txt") for name in ("runtime", "torch", "dev"))
    assert {"torch", "triton", "nvidia-cublas"} < torch.keys()
    assert not torch.keys() & {*runtime, *development}
    # What every build of PyTorch needs, and is the same from any index.
    for name in ("filelock", "fsspec", "jinja2", "networkx", "sympy", "typing-extensions", "safetensors"):
        assert runtime[name] == development[name]
    # A local version, such as the +cpu of PyTorch's own index, would be no 2.x.y of PyPI's.
    assert re.fullmatch(r"\d+\.\d+\.\d+", torch["torch"])
    for line in (project / "requirements/torch.txt").read_text().replace("\\\n", "").splitlines():
        assert re.fullmatch(r"[a-z0-9._-]+==\S+( ; [^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", line), line[:80]


def test_make_lock_divides_what_is_pytorch_s(pytorch: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pytorch, tmp_path / "project")
    stand_in = tmp_path / "bin/uv"
    stand_in.parent.mkdir()
    # Leaves every lock as it finds it, as uv does where nothing has changed.
    stand_in.write_text("#!/bin/sh\nexit 0\n")
    stand_in.chmod(0o755)
    environ = {**os.environ, "PATH": f"{stand_in.parent}:{os.environ['PATH']}"}
    subprocess.run(["make", "lock"], cwd=folder, env=environ, check=True, capture_output=True)
    assert texts(folder, but=(".envman/",)) == texts(pytorch, but=(".envman/",))


def test_the_layer_of_pytorch_is_below_all_others(pytorch: Path) -> None:
    dockerfile = (pytorch / "docker/Dockerfile").read_text()
    stages = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", dockerfile, re.MULTILINE | re.DOTALL))
    # What it is made of: its own lock and the index, so that nothing else makes it anew.
    assert re.findall(r"source=(\S+?),", stages["torch-dependencies"]) == ["requirements/torch.txt"]
    assert re.findall(r"^ARG (\S+)", stages["torch-dependencies"], re.MULTILINE) == ['TORCH_INDEX=""']
    copied = re.findall(r"^COPY --from=(\S+)", stages["runtime"], re.MULTILINE)
    assert copied == ["torch-dependencies", "runtime-dependencies"]


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_every_image_with_pytorch_takes_the_index(bake: Bake, environment: str) -> None:
    project = bake(framework="pytorch", notebook="jupyter")
    index = "https://packages.example.com/cpu"
    for settings, expected in (({}, ""), ({"torch_index": index}, index)):
        loaded = load_environment(
            open_project(project), environment, Report(), settings=settings, process={}, instance=None
        )
        assert loaded is not None
        document = render(loaded, facts(project, ports=dict.fromkeys(automatic_ports(loaded), 20000)))
        builds = {
            service["build"]["target"]: service["build"].get("args")
            for service in yaml.safe_load(document.text())["services"].values()
            if "target" in service.get("build", {})
        }
        tracking = builds.pop("tracking")
        assert tracking is None
        assert builds, environment
        assert all(arguments == {"TORCH_INDEX": expected} for arguments in builds.values()), builds


# ---- with a real PyTorch ----------------------------------------------------------------------


def run(*command: str | Path, check: bool = True, **options: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0 or not check, f"{command}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done  # type: ignore[no-any-return]


@functools.cache
def build_for_cpus(version: str) -> str:
    """Return what pip finds under this version, as it is configured here; skip the test where that is several GB."""
    dry = ("--dry-run", "--ignore-installed", "--no-deps", "--quiet", "--report", "-")
    done = run(sys.executable, "-m", "pip", "install", *dry, f"torch=={version}", check=False)
    if done.returncode:
        pytest.skip(f"pip finds no PyTorch {version} for Python {THIS_PYTHON} here")
    found: str = json.loads(done.stdout)["install"][0]["metadata"]["version"]
    if sys.platform == "linux" and not found.endswith("+cpu"):
        pytest.skip(f"PyTorch {found} is a build of several GB: configure pip for an index of builds for CPUs")
    return found


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with what a project needs, and the project's folder."""

    python: Path
    project: Path

    def run(
        self, *arguments: str, variables: Mapping[str, str] | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments, in the project and with its source."""
        environ = {**os.environ, "PYTHONPATH": str(self.project / "src"), **(variables or {})}
        return run(self.python, *arguments, check=check, cwd=self.project, env=environ)

    def do(self, job: str, *, variables: Mapping[str, str], check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a job of the project as its command does."""
        entry = f"import sys; from ml_project.{job} import main; sys.exit(main())"
        return self.run("-c", entry, variables=variables, check=check)


def install(project: Path, lock: str, request: pytest.FixtureRequest) -> Installed:
    """Return an environment with a lock's packages and PyTorch; it is kept for the next time (`make clean`)."""
    version = pins(project / "requirements/torch.txt")["torch"]
    build = build_for_cpus(version)
    requirements = project / "requirements" / lock
    key = hashlib.sha256(requirements.read_bytes() + build.encode() + sys.version.encode()).hexdigest()[:16]
    assert request.config.cache is not None
    folder = Path(request.config.cache.mkdir(f"pytorch-{key}"))
    python = folder / "bin/python"
    if not (folder / "complete").exists():
        run(sys.executable, "-m", "venv", "--clear", folder)
        run(python, "-m", "pip", "install", "--quiet", "--no-compile", "--require-hashes", "-r", requirements)
        run(python, "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", f"torch=={version}")
        (folder / "complete").touch()
    return Installed(python, project)


def train(installed: Installed, folder: Path) -> str:
    """Train in a process of its own, into a registry of its own; return the digest of the model's file."""
    installed.do("train", variables={"MODEL_FOLDER": str(folder)})
    [version] = folder.glob("*/1")
    digest = hashlib.sha256((version / "model.safetensors").read_bytes()).hexdigest()
    assert json.loads((version / "record.json").read_text())["parameters"]["model_digest"] == digest
    return digest


@pytest.mark.timeout(900)
def test_training_is_reproducible_and_its_model_scores(
    small: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    installed = install(small, "runtime.txt", request)
    one, other = (train(installed, tmp_path / name) for name in ("one", "other"))
    assert one == other, "the same seed and lock give the same model, to the bit"
    variables = {"MODEL_FOLDER": str(tmp_path / "one"), "BATCH_FOLDER": str(tmp_path / "data")}
    installed.do("batch", variables=variables)
    scored = (tmp_path / "data/processed/sample.csv").read_text().splitlines()
    assert len(scored) == 151
    assert scored[0].endswith(",prediction,probability,model_version")
    refused = installed.do("train", variables={**variables, "DEVICE": "cuda"}, check=False)
    assert refused.returncode == 1
    assert "it was built for CPUs only" in refused.stdout


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("which", ["pytorch", "small"])
def test_its_own_checks_pass(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    project = shutil.copytree(request.getfixturevalue(which), tmp_path / "project")
    installed = install(project, "dev.txt", request)
    installed.run("-m", "ruff", "check", "--no-cache", ".")
    installed.run("-m", "ruff", "format", "--check", "--no-cache", ".")
    installed.run("-m", "mypy", f"--cache-dir={tmp_path / 'mypy'}")
    installed.run("-m", "pytest", "-p", "no:cacheprovider")
    digests = {train(installed, tmp_path / str(number)) for number in range(2)}
    # What is learned does not depend on how many cores a machine has.
    variables = {"MODEL_FOLDER": str(tmp_path / "four"), "OMP_NUM_THREADS": "4"}
    installed.do("train", variables=variables)
    [file] = (tmp_path / "four").glob("*/1/model.safetensors")
    assert digests == {hashlib.sha256(file.read_bytes()).hexdigest()}


# ---- in images --------------------------------------------------------------------------------


def docker(*arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    return run("docker", *arguments, check=check)


def self_signed(address: str, folder: Path) -> tuple[Path, Path]:
    """Write a certificate for an address, and its key; return both files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "an index of our own")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "index.crt", folder / "index.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )
    return files


@contextmanager
def index_of(packages: Path, address: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve a folder over TLS to the engine's builds; give the index's URL and its certificate."""
    certificate, key = self_signed(address, folder)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(packages))
    with http.server.ThreadingHTTPServer((address, 0), handler) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"https://{address}:{server.server_port}/simple", certificate
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.engine
@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_images_take_pytorch_from_an_index_of_the_users_own(bake: Bake, tmp_path: Path) -> None:
    """The index holds the file that pip has here, which is for this Python; so is the project."""
    project = bake(framework="pytorch", tracking="none", monitoring="none", python_version=THIS_PYTHON)
    base = f"python:{THIS_PYTHON}-slim"
    if (
        docker("image", "inspect", base, check=False).returncode
        and docker("pull", "--quiet", base, check=False).returncode
    ):
        pytest.skip(f"the engine gets no {base}")
    version = pins(project / "requirements/torch.txt")["torch"]
    build = build_for_cpus(version)
    packages = tmp_path / "packages/simple/torch"
    packages.mkdir(parents=True)
    run(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", packages, f"torch=={version}")
    [gateway] = docker("network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").stdout.split()
    name = f"envman-test-pytorch-{secrets.token_hex(4)}"
    made: list[str] = []
    try:
        with index_of(tmp_path / "packages", gateway, tmp_path) as (index, certificate):
            authorities = tmp_path / "authorities.crt"
            known = CA_CERTIFICATES.read_bytes() if CA_CERTIFICATES.is_file() else b""
            authorities.write_bytes(known + certificate.read_bytes())
            options = ("--secret", f"id=ca_certificates,src={authorities}", "--build-arg", f"TORCH_INDEX={index}")
            for target in ("train", "batch", "serve", "dev"):
                image = f"{name}:{target}"
                where = ("--file", project / "docker/Dockerfile", "--target", target, "--tag", image)
                docker("build", *where, *options, project)
                made.append(image)
        layers = [
            json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", image).stdout)
            for image in made
        ]
        shared = [same[0] for same in zip(*layers, strict=False) if len(set(same)) == 1]
        base_layers = json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", base).stdout)
        assert len(shared) >= len(base_layers) + 3, "the user, PyTorch and the other packages"
        alone = ("run", "--rm", "--log-driver=none", "--network=none", "--read-only", "--tmpfs=/tmp")
        found = docker(*alone, f"{name}:serve", "python", "-c", "import torch; print(torch.__version__)").stdout.strip()
        assert found == build
        mounted = (*alone, f"--volume={name}:/models", f"--volume={name}-data:/data", "--env=MODEL_FOLDER=/models")
        trained = docker(*mounted, f"{name}:train").stdout
        assert "training on cpu" in trained
        docker(*mounted, f"{name}:batch")
        scored = docker(*mounted, f"{name}:batch", "cat", "/data/processed/sample.csv").stdout.splitlines()
        assert len(scored) == 151
        docker(*alone, f"{name}:dev", "pytest", "-p", "no:cacheprovider")
        inspected = docker("image", "inspect", "--format", "{{json .Config}}", f"{name}:serve").stdout
        history = docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", f"{name}:serve").stdout
        assert index not in inspected + history, "images tell nothing of the index"
    finally:
        docker("volume", "rm", "--force", name, f"{name}-data", check=False)
        if made:
            docker("image", "rm", "--force", *made, check=False)
