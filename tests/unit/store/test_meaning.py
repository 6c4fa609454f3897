"""What a file means: not how it is written, and all else."""

import ast
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ewc_lambda
from ewc_lambda.store.meaning import meaning

SOURCE = '''"""What it does."""
from __future__ import annotations

import math
from os import path as place

LIMIT: int = 3
RATES = {"low": 0.1, "high": [1.0, 2, True, None, b"x", 1j, ...]}


@staticmethod
def grow(value: float, /, by: float = 2.0, *rest: int, scale: int = 1, **more: str) -> float:
    """Grow a value."""
    if value > LIMIT and not rest:
        return value * by + scale
    return math.sqrt(value) if by else -value


class Tree:
    """A tree."""

    height = 1

    async def climb(self, *, fast=False):
        """Climb it."""
        async with self as top:
            await top[0:2]
        return f"{self.height!r:>{LIMIT}} up"


def walk(tree):
    global LIMIT
    for branch in (b for b in tree if b):
        try:
            yield branch
        except (KeyError, ValueError) as error:
            raise RuntimeError("fell") from error
    while LIMIT := LIMIT - 1:
        match tree:
            case [1, *_] | {"a": None}:
                pass
            case Tree(height=2):
                break
    return lambda x, y=1: x @ y
'''

SAME = {
    "comment": ("    if value > LIMIT", "    # Why.\n    if value > LIMIT"),
    "comment behind": ("LIMIT: int = 3", "LIMIT: int = 3  # many"),
    "docstring of the module": ('"""What it does."""\n', '"""Something else."""\n'),
    "no docstring of the module": ('"""What it does."""\n', ""),
    "docstring of a function": ('"""Grow a value."""', '"""Grow."""'),
    "no docstring of a function": ('    """Grow a value."""\n', ""),
    "docstring of a class": ('"""A tree."""', "'A tall tree.'"),
    "docstring of a method": ('        """Climb it."""\n', ""),
    "blank lines": ("\n\nclass Tree", "\n\n\n\n\nclass Tree"),
    "spaces": ("value * by + scale", "value*by  +  scale"),
    "brackets": ("value * by + scale", "(value * by) + scale"),
    "broken line": ("2, True, None", "2,\n    True, None"),
    "quotes": ('"fell"', "'fell'"),
    "joined text": ('"fell"', '"fe" "ll"'),
    "escaped text": ('"fell"', '"f\\x65ll"'),
    "digits": ("2.0, *rest", "2.00, *rest"),
    "trailing comma": ("1j, ...]}", "1j, ...,],}"),
    "kind of text": ('"low"', 'u"low"'),
}
OTHER = {
    "number": ("LIMIT: int = 3", "LIMIT: int = 4"),
    "kind of number": ("LIMIT: int = 3", "LIMIT: int = 3.0"),
    "a truth for a number": ("[1.0, 2, True", "[1.0, 2, 1"),
    "text": ('"low"', '"lower"'),
    "bytes for text": ('b"x"', '"x"'),
    "text for none": ("True, None", 'True, "None"'),
    "name": ("value * by", "value * scale"),
    "operator": ("value * by", "value / by"),
    "comparison": ("value > LIMIT", "value >= LIMIT"),
    "sign": ("else -value", "else +value"),
    "order": ("value * by + scale", "by * value + scale"),
    "precedence": ("value * by + scale", "value * (by + scale)"),
    "decorator": ("@staticmethod", "@classmethod"),
    "no decorator": ("@staticmethod\n", ""),
    "default": ("by: float = 2.0", "by: float = 2.5"),
    "no default": ("scale: int = 1", "scale: int"),
    "kind of argument": ("/, by", "by"),
    "annotation": ("value: float, /", "value: int, /"),
    "annotation of a result": (") -> float:", ") -> int:"),
    "no annotation": ("LIMIT: int = 3", "LIMIT = 3"),
    "future": ("from __future__ import annotations\n", ""),
    "module from outside": ("import math", "import cmath as math"),
    "name of an import": ("as place", "as spot"),
    "order of imports from outside": (
        "import math\nfrom os import path as place",
        "from os import path as place\nimport math",
    ),
    "keyword": ("height=2", "width=2"),
    "slice": ("top[0:2]", "top[0:3]"),
    "conversion": ("!r:>", "!s:>"),
    "format": ("!r:>", "!r:<"),
    "global": ("    global LIMIT\n", ""),
    "exception": ("(KeyError, ValueError)", "(KeyError, TypeError)"),
    "cause": (" from error", ""),
    "pattern": ('{"a": None}', '{"a": True}'),
    "star": ("[1, *_]", "[1, _]"),
    "async": ("async with self", "with self"),
    "list for a generator": ("(b for b in tree if b)", "[b for b in tree if b]"),
    "indentation": ("                break\n", "                pass\n        break\n"),
    "yield": ("yield branch", "return branch"),
    "text that is no docstring": ("    height = 1\n", '    height = 1\n    """Of one."""\n'),
}


def shape(text):
    return meaning(text.encode()).shape


def changed(change):
    before, after = change
    assert SOURCE.count(before) >= 1
    return SOURCE.replace(before, after, 1)


@pytest.mark.parametrize("change", SAME.values(), ids=SAME)
def test_what_is_no_change(change):
    text = changed(change)
    assert text != SOURCE
    assert shape(text) == shape(SOURCE)


@pytest.mark.parametrize("change", OTHER.values(), ids=OTHER)
def test_what_is_a_change(change):
    text = changed(change)
    assert text != SOURCE
    ast.parse(text)
    assert shape(text) != shape(SOURCE)


LIBRARY = sorted(Path(ewc_lambda.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", LIBRARY, ids=[path.stem for path in LIBRARY])
def test_a_file_written_anew_from_its_tree_means_the_same(path):
    """Without comments, with other quotes, brackets and line breaks, by Python's own writer."""
    text = path.read_text()
    again = ast.unparse(ast.parse(text))
    if "__doc__" not in text:
        assert shape(again) == shape(text)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_two_expressions_mean_the_same_where_python_reads_the_same(data):
    """Against Python's own dump of a tree."""
    names = st.sampled_from(["a", "b", "1", "1.0", "True", "None", "'1'", "b'1'", "'a'", "-1"])
    joins = st.sampled_from(
        ["({} + {})", "({} - {})", "f({}, {})", "[{}, {}]", "({}, {})", "{}[{}]"]
    )
    expressions = st.recursive(
        names, lambda inner: st.builds(lambda j, x, y: j.format(x, y), joins, inner, inner)
    )
    one, other = data.draw(expressions), data.draw(expressions)
    same = ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    assert (shape(one) == shape(other)) == same


@pytest.mark.parametrize("text", ["def f(:\n", "x = '\0'", "\ufeffx = (", "(" * 5000])
def test_what_is_no_python_counts_by_its_bytes(text):
    assert shape(text) == shape(text)
    assert shape(text) != shape(text + "\n")


def test_a_file_that_reads_its_own_text_counts_by_its_bytes():
    text = "'''Text.'''\nprint(__doc__)\n"
    assert shape(text) != shape(text.replace("Text", "Other"))
    assert shape(text) != shape(text + "# more\n")
    assert shape("import inspect\ninspect.getsource(f)\n") != shape(
        "import inspect\ninspect.getsource( f)\n"
    )


def test_a_large_number_and_a_deep_tree_have_a_meaning():
    assert shape(f"x = 0x{'f' * 9000}") != shape(f"x = 0x{'e' * 9000}")
    assert shape("x = " + "-" * 900 + "1") != shape("x = " + "-" * 901 + "1")


def test_warnings_of_a_file_are_for_where_it_is_run():
    assert shape("x = '\\d'") == shape("x = '\\\\d'")
