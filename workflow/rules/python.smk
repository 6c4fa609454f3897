"""What must hold before anything is read: Python under a name that a shell takes, with the packages
that are pinned, and the workflow as files whose paths nobody changes.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import metadata
from importlib.machinery import PathFinder
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import DeploymentMethod


# Ctrl+C while a run is planned: Python would print where it was.
def interrupted(kind, error, trace):
    """Say what a person needs to know of an interrupt; everything else as before."""
    if not issubclass(kind, KeyboardInterrupt):
        return SAID_BEFORE(kind, error, trace)
    print("interrupted; the same command goes on", file=sys.stderr, flush=True)
    # What was half built would complain while Python takes it apart.
    os._exit(130)


if workflow.is_main_process:
    SAID_BEFORE, sys.excepthook = sys.excepthook, interrupted

# Snakemake writes the path of Python into the command of each job as it is: with a space in it, as
# where the whole checkout lies in a folder like "my study", no job would start. So the shell is told
# where Python is, and finds it by its name.
if shlex.quote(sys.executable) != sys.executable:
    folder, sys.executable = os.path.split(sys.executable)
    os.environ.update(PATH=os.pathsep.join([folder, os.getenv("PATH", os.defpath)]))

# Module systems of clusters set PYTHONPATH, which comes before the packages that are installed here.
ADDED = list(filter(None, os.getenv("PYTHONPATH", "").split(os.pathsep)))
INSTALLED = [path for path in sys.path if path not in ADDED]
for package in ("numpy", "scipy", "pandas", "h5py", "torch", "matplotlib"):
    if PathFinder.find_spec(package, ADDED) and PathFinder.find_spec(package, INSTALLED):
        raise WorkflowError(
            f"PYTHONPATH: has a {package} that Python takes in place of the installed one. Run: "
            f"unset PYTHONPATH"
        )

# A Snakemake that was installed by itself, as for a workflow that snakedeploy wrote. With conda, jobs
# have the others.
PLANS = ["h5py", "numpy", "pandas", "pillow"]
TRAINS = ["bokeh", "matplotlib", "pooch", "safetensors", "scikit-learn", "scipy", "torch", "tqdm"]


def lacking(packages):
    """Which of these packages are not installed."""
    for package in packages:
        try:
            metadata.version(package)
        except metadata.PackageNotFoundError:
            yield package


if workflow.is_main_process:
    own = DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method
    if missing := ", ".join(lacking([*PLANS, *TRAINS] if own else PLANS)):
        raise WorkflowError(
            f"packages: {missing} not installed beside Snakemake, in {sys.prefix}. Install all that the "
            f"project needs there: pip install FOLDER, a clone's, or pip install git+ADDRESS"
        )

# As a module of another workflow. Snakemake would write a prefix before the paths of the rules alone,
# and the library plans by the same paths; so all of them are made with it from the beginning.
PREFIX = workflow.modifier.path_modifier.prefix or ""
workflow.modifier.path_modifier.prefix = None
if workflow.modifier.path_modifier.modifies_prefixes:
    raise WorkflowError(
        "replace_prefix: not with this module, which plans by what stands in its files and finds them "
        "by their own paths. Use prefix, or leave it out."
    )


def from_git(place):
    """The folder of scripts, with what they link to, taken out of the repository that a module's
    Snakefile comes from. Its name tells the commit.
    """
    repository = getattr(place, "repo_path", None) or place.hosted_repo.repo_clone
    git = ["git", "-C", str(repository)]
    ask = [*git, "rev-parse", "--verify", f"{place.ref}^{{commit}}"]
    commit = subprocess.run(ask, check=True, capture_output=True, text=True).stdout.strip()
    folder, inside = Path(".snakemake/ewc_lambda", commit), place.join("..").path
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as taken:
            packed = Path(taken, "scripts.tar")
            subprocess.run(
                [*git, "archive", "-o", str(packed.resolve()), commit, inside], check=True
            )
            shutil.unpack_archive(packed, Path(taken, "files"))
            # Results name the revision that made them; what git would find is the user's repository.
            Path(taken, "files", inside, "../REVISION").write_text(f"{commit}\n")
            with suppress(OSError):  # another job was first
                Path(taken, "files").rename(folder)
    scripts = folder / inside / "scripts"
    if not Path(scripts, "ewc_lambda").is_dir():
        raise FileNotFoundError(f"no {inside}/scripts/ewc_lambda in {commit[:8]}")
    return scripts


# This checkout's library comes first, here and in the jobs, whatever else is installed.
if isinstance(workflow.current_basedir, os.PathLike):
    SCRIPTS = str(Path(workflow.current_basedir, "../scripts").resolve())
else:
    try:
        SCRIPTS = str(from_git(workflow.current_basedir).resolve())
    except (AttributeError, OSError, subprocess.CalledProcessError) as error:
        raise WorkflowError(
            f"module: the library could not be taken out of the repository that the Snakefile comes "
            f"from ({error}). Clone it, and name workflow/Snakefile of the clone."
        ) from None
sys.path.insert(0, SCRIPTS)
PATHS = os.pathsep.join(filter(None, [SCRIPTS, os.getenv("PYTHONPATH")]))
os.environ.update(PYTHONPATH=PATHS)

from ewc_lambda.config.study_config import elsewhere

# With --configfile Snakemake would go on without it, and the study would be another one.
if not workflow.modifier.skip_configfile and (said := elsewhere()):
    raise WorkflowError(said)
# With an empty one it would be a study that nobody has written down.
if workflow.modifier.skip_configfile and not config:
    raise WorkflowError(
        'config: this module was given none. Above it write configfile: "config/config.yaml", in it '
        "config: config"
    )
