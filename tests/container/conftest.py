"""An image of this checkout, built once, where the machine can: podman and Debian's packages."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = ("podman", "mmdebstrap")
# Debian's releases by the Python that they have: wheels are made by the one that runs the tests.
SUITES = {(3, 11): "bookworm", (3, 13): "trixie"}
# Where root may not raise limits, podman's own are refused; runc takes what is left of cgroups.
PODMAN = ["podman", *(["--runtime", "runc"] if shutil.which("runc") else [])]
LIMITS = ["--ulimit", "nofile=4096:4096", "--ulimit", "nproc=16384:16384"]
BASE, IMAGE = "localhost/ewc-lambda-test-base", "localhost/ewc-lambda-test"


def pytest_collection_modifyitems(items):
    for item in items:
        if "container" in item.path.parent.name:
            item.add_marker(pytest.mark.container)
            # The first one builds the image.
            item.add_marker(pytest.mark.timeout(3000))


def lacking():
    """What this machine lacks for it, in one line, or nothing."""
    missing = [name for name in NEEDED if not shutil.which(name)]
    if missing:
        return f"no {' and no '.join(missing)} here: apt-get install {' '.join(missing)}"
    if sys.version_info[:2] not in SUITES:
        known = " and ".join(f"{major}.{minor}" for major, minor in SUITES)
        return f"Debian's Pythons are {known}, the tests' is {sys.version.split()[0]}"
    return ""


def call(*command, cwd=ROOT, status=0, **options):
    """Run a command, which must end as it should, and return what it printed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout + done.stderr


def debian_sources(suite):
    """The list of this machine's own packages, if it is of this release."""
    listed = Path("/etc/apt/sources.list.d/debian.sources")
    return [str(listed)] if listed.is_file() and suite in listed.read_text() else []


@pytest.fixture(scope="session")
def image(tmp_path_factory):
    """The name of the image, built without an image registry from Debian's packages and wheels."""
    if why := lacking():
        pytest.skip(f"test-container: {why}")
    folder, suite = tmp_path_factory.mktemp("image"), SUITES[sys.version_info[:2]]
    packages = "--include=python3,python3-venv"
    base = str(folder / "base.tar")
    call("mmdebstrap", "--variant=minbase", packages, suite, base, *debian_sources(suite))
    call(*PODMAN, "import", base, BASE)
    started = [*PODMAN, "run", "--rm", "--network=none", *LIMITS, BASE, "true"]
    done = subprocess.run(started, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"test-container: no container can be started here: {done.stderr.strip()}")
    wheels = str(folder / "wheels")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet"]
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needs = [*needs["project"]["dependencies"], *needs["build-system"]["requires"]]
    call(*pip, "--wheel-dir", wheels, "--constraint", "constraints.txt", *needs)
    offline = ["PIP_FIND_LINKS=/wheels", "PIP_NO_INDEX=1", f"BASE={BASE}", "REVISION=tested"]
    given = [word for argument in offline for word in ("--build-arg", argument)]
    definition = ["--file", "container/Containerfile", "--volume", f"{wheels}:/wheels:ro"]
    options = ["--isolation", "chroot", "--ulimit", "nofile=4096:4096", "--tag", IMAGE]
    call(*PODMAN, "build", *definition, *given, *options, ".")
    yield IMAGE
    subprocess.run([*PODMAN, "rmi", "--force", IMAGE, BASE], capture_output=True, check=False)


@pytest.fixture(params=["root", "user"])
def container(request, image, tmp_path):
    """Run a command in the image, as root and as a plain user that has no home and no name."""
    folder = tmp_path / "mine"
    folder.mkdir()
    user = "0:0" if request.param == "root" else "1234:1234"

    def run(*command, status=0, mounted=("results",)):
        mounts = []
        for name in mounted:
            (folder / name).mkdir(exist_ok=True)
            (folder / name).chmod(0o777)
            mounts += ["--volume", f"{folder / name}:/ewc-lambda/{name}"]
        options = ["--rm", "--network=none", "--user", user, "--passwd=false"]
        options += ["--env", "HOME=/proc/none", *mounts]
        return call(*PODMAN, "run", *LIMITS, *options, image, *command, status=status)

    run.folder = folder
    return run
