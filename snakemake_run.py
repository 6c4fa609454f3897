
import os, sys

for name in [name for name in sys.modules if name.partition(".")[0] == "ewc_lambda"]:
    del sys.modules[name]
sys.path[0:1] = [os.getcwd(), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
sys.argv[:] = ['snakemake', '--cores', '2', '--lint']

from snakemake.cli import main
from snakemake.workflow import Workflow

# Of the folder in which it was imported.
Workflow._rundir = os.getcwd()
main()
