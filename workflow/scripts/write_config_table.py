"""Write the tables of config/README.md from the schema (make config-table)."""

from pathlib import Path

from ewc_lambda.config_table import filled_in

README = Path(__file__).parents[2] / "config" / "README.md"

if __name__ == "__main__":
    README.write_text(filled_in(README.read_text()))
