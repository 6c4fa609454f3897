"""What a person sees where a cluster's partition refuses a job: sbatch's own words. A stand-in for
sbatch says them, so that no cluster is needed.
"""

import importlib.util
import os

import pytest
from scratch import Scratch

pytestmark = [
    pytest.mark.workflow,
    pytest.mark.skipif(
        importlib.util.find_spec("snakemake_executor_plugin_slurm") is None,
        reason="no snakemake-executor-plugin-slurm",
    ),
]

WORDS = "sbatch: error: Batch job submission failed: Requested time limit is invalid"
# Refuses whatever it is asked for, and keeps what that was.
SBATCH = f"""#!/bin/sh
echo "$@" >> submitted
echo "{WORDS}" >&2
exit 1
"""
# Accounts are asked for before anything is submitted.
SACCTMGR = "#!/bin/sh\necho study\n"


@pytest.fixture
def project(tmp_path):
    """A project with a first task to train, and a cluster that refuses long jobs."""
    scratch = Scratch.create(tmp_path / "project")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, text in (("sbatch", SBATCH), ("sacctmgr", SACCTMGR)):
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    scratch.environment["PATH"] = os.pathsep.join([str(commands), os.environ["PATH"]])
    return scratch


@pytest.mark.parametrize(("given", "minutes"), [([], 10), (["job_minutes=5"], 5)])
def test_the_words_of_sbatch_are_shown(project, given, minutes):
    done = project.run(
        *("--profile", "profiles/slurm", "--retries", "0"),
        # A run waits at its end for the next look at its jobs.
        *("--slurm-init-seconds-before-status-checks", "1"),
        *("--seconds-between-status-checks", "1"),
        "results/small/trial_0/base_model.json",
        *(["--config", *given] if given else []),
    )
    assert done.status != 0
    asked = (project.folder / "submitted").read_text().split()
    assert asked[asked.index("-t") + 1] == str(minutes)
    assert WORDS in done.text
