"""Write the pages of findings and of figures from results/reference (make findings)."""

from pathlib import Path

from ewc_lambda.reporting.findings import write_findings
from ewc_lambda.reporting.gallery import write_gallery

ROOT = Path(__file__).parents[2]

if __name__ == "__main__":
    reference, docs = ROOT / "results/reference", ROOT / "docs"
    write_findings(reference, docs / "findings.md", docs / "figures")
    write_gallery(reference, ROOT / "workflow/report", docs / "figures.md", docs / "figures")
