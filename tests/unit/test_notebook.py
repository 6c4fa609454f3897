"""docs/explore.ipynb runs, and says what is committed in it."""

import os
from pathlib import Path

import nbformat
import pytest
from made_up_studies import made_up_study

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs/explore.ipynb"
REFERENCE = ROOT / "results/reference"
# All but those on MNIST, which are of the same kinds as those on digits.
STUDIES = sorted(p.parent.name for p in REFERENCE.glob("*/study.h5") if "mnist" not in str(p))


def outputs(notebook, kind):
    """All outputs of a kind, text/plain or image/png, or what was printed."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if kind == "stream" and output["output_type"] == "stream":
                found.append(output["text"])
            found += [output["data"][kind]] if kind in output.get("data", {}) else []
    return found


@pytest.fixture(scope="module")
def executed():
    """The notebook, run from the top."""
    # What its libraries deprecate is no matter of ours.
    with pytest.MonkeyPatch.context() as patch:
        paths = [str(ROOT / "workflow/scripts"), os.environ.get("PYTHONPATH", "")]
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, paths)))
        from nbclient import NotebookClient

        notebook = nbformat.read(NOTEBOOK, as_version=4)
        place = {"metadata": {"path": str(NOTEBOOK.parent)}}
        NotebookClient(notebook, kernel_name="python3", resources=place, timeout=300).execute()
    return notebook


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_runs_to_the_end_and_says_what_is_committed(executed):
    kept = nbformat.read(NOTEBOOK, as_version=4)
    assert outputs(executed, "text/plain") == outputs(kept, "text/plain")
    assert outputs(executed, "stream") == outputs(kept, "stream")
    assert len(outputs(executed, "image/png")) == len(outputs(kept, "image/png")) == 1


@pytest.mark.parametrize("name", STUDIES)
def test_it_holds_for_every_kind_of_study(name, monkeypatch, capsys):
    """Of several importance measures, of one trial, with independent runs."""
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    code = code.replace("../results/reference/fixed_digits", str(REFERENCE / name))
    assert str(REFERENCE / name) in code
    exec(code, {})
    assert capsys.readouterr().out.startswith(f"Study {name}: ")


@pytest.mark.parametrize(
    "case", [{"trials": 1}, {"raced": 3}, {"importance": ("fisher", "random")}]
)
def test_it_holds_for_races_and_one_trial(tmp_path, case, monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "agg")
    made_up_study(tmp_path / "study.h5", **case)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    exec(code.replace("../results/reference/fixed_digits", str(tmp_path)), {})
    assert capsys.readouterr().out.startswith("Study made_up: ")


def test_it_redraws_a_figure_in_ten_lines():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (cell,) = [cell for cell in notebook.cells if "plt.show()" in cell.source]
    assert len([line for line in cell.source.splitlines() if line]) <= 10
