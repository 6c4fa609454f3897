"""``python -m ewc_lambda``: the command ``ewc-lambda``."""

import sys

from ewc_lambda.command.main import main

if __name__ == "__main__":
    sys.exit(main())
