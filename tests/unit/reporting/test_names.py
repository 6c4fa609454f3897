"""Names of the user's own in figures and on the page of tables."""

import warnings

import matplotlib
import numpy as np
import pandas as pd
import pytest
from made_up_studies import made_up_study
from matplotlib.backends.backend_agg import FigureCanvasAgg

from ewc_lambda.reporting.plotting import curves, draw_figure, names, style
from ewc_lambda.reporting.tables_page import tables_page

LONG = ",".join(f"n{number:08d}" for number in range(50))
WILD = ["Ba$$in", "$10_bill,$20_bill", "a&b,<c>", r"a\$b", r"\alpha", "x_{2}^3", "%s {0}"]


def named(path, tasks):
    """A study whose tasks have these names."""
    study = made_up_study(path, trials=1, tasks=len(tasks))
    study.tasks[:] = tasks
    return study


def legend_of(study):
    """The legend's texts, and whether it and every text of it lie within the figure."""
    with style.style():
        figure = curves.draw(curves.extract(study))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        (legend,) = figure.legends
        box = legend.get_window_extent(canvas.get_renderer())
        inside = box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1
        return [text.get_text() for text in legend.get_texts()], inside


@pytest.mark.parametrize("name", WILD)
def test_a_name_is_drawn_as_it_is(tmp_path, name):
    """As matplotlib draws it where it takes no text for a formula."""
    study = named(tmp_path / "study.h5", [name, "plain"])
    paths = [tmp_path / "curves.png", tmp_path / "curves.svg"]
    draw_figure("curves", study, paths)
    assert all(path.stat().st_size for path in paths)
    with style.style():
        figure = style.new_figure(2, 1)
        own = figure.text(0.1, 0.5, names.drawn(name, 2))
        plain = figure.text(0.1, 0.5, name, parse_math=False)
        drawn = []
        for text in (own, plain):
            own.set_visible(text is own)
            plain.set_visible(text is plain)
            canvas = FigureCanvasAgg(figure)
            canvas.draw()
            drawn.append(np.asarray(canvas.buffer_rgba()).copy())
    assert drawn[0].min() < 255, "something is drawn"
    np.testing.assert_array_equal(drawn[0], drawn[1])


@pytest.mark.parametrize(
    "tasks",
    [
        [LONG, "x" * 250],
        ["W" * 250] * 2,
        ["猫,犬,馬,牛" * 20, "b"],
        [LONG] * 8,
        [f"{k},{k + 1}" for k in range(30)],
    ],
    ids=["long", "wide", "japanese", "many", "very many"],
)
def test_the_legend_stays_in_the_picture(tmp_path, tasks):
    texts, inside = legend_of(named(tmp_path / "study.h5", tasks))
    assert inside, texts


def test_what_was_cut_says_so_and_fills_its_room():
    with style.style():
        assert names.drawn("abcdef", 2) == "abcdef"
        cut = names.drawn("W" * 100, 2)
        assert cut == "W" * (len(cut) - 1) + "…"
        assert 1.8 < names._width(cut) <= 2
        assert len(names.drawn("i" * 100, 2)) > len(cut)
        assert names.drawn("W" * 100, 0.01) == "…"


def test_letters_that_no_font_has_are_code_points(monkeypatch):
    monkeypatch.setattr(names, "_font_with", lambda letters: None)
    with style.style():
        assert names.drawn("猫a", 2) == "U+732Ba"


def test_letters_are_drawn_in_a_font_that_has_them(monkeypatch):
    with monkeypatch.context() as patch, style.style():
        patch.setattr(names, "_letters", lambda font: frozenset(map(ord, "abc")))
        assert names.drawn("abcé", 2) == "abcé"
        first, second = matplotlib.rcParams["font.family"]
    assert first == "DejaVu Sans"
    assert second == names._font_with(frozenset("é"))


def test_a_font_is_found_by_its_letters():
    assert names._font_with(frozenset("a")) is not None
    assert names._font_with(frozenset("\U0010fffd")) is None


def test_no_glyph_is_missed_when_names_are_japanese(tmp_path):
    study = named(tmp_path / "study.h5", ["猫,犬", "馬,牛"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_figure("curves", study, [tmp_path / "curves.png"])


def test_the_page_of_tables_has_the_whole_names():
    page = tables_page("x", [LONG, "a&b,<c>"], {"answer": pd.DataFrame({"n": [1]})})
    assert LONG in page
    assert "a&amp;b,&lt;c&gt;" in page
    assert "<c>" not in page
