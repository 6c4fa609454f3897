"""Write docs/findings.md and its figures from results/reference (make findings)."""

from pathlib import Path

from ewc_lambda.findings import write_findings

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    write_findings(ROOT / "results/reference", ROOT / "docs/findings.md", ROOT / "docs/figures")
