"""What a Python file means: its syntax tree, without what Python itself passes over.

Comments and formatting are in no syntax tree; docstrings and positions are left out of it here.
Everything else counts: each constant with its type, each name, operator, decorator, default,
annotation and ``from __future__``. Fields that are empty are left out, too, so that versions of
Python that know more fields read the same meaning from the same file.

Modules of the project are named by numbers in the tree and listed beside it: what an import line
calls a module is no meaning, what stands in that module is.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

# A file that looks at its own text, or at another's, may mean anything by it.
_READS_TEXT = frozenset({"__doc__", "getdoc", "getsource", "getsourcelines", "getcomments"})
# One that looks at its own name or place means another thing elsewhere.
_READS_PLACE = frozenset({"__file__", "__name__", "__package__", "__path__", "__spec__"})
_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom)


@dataclass(frozen=True)
class Meaning:
    """What a file means. ``shape`` is the SHA-256 of its tree, in which modules of the project are
    numbers: places in ``targets``, their dotted names. ``placed`` says whether it looks at its own
    name or place. ``imports`` are all modules of the project that it asks for, faces of packages
    not among them.
    """

    shape: str
    targets: tuple[str, ...] = ()
    placed: bool = False
    imports: frozenset[str] = frozenset()


def meaning(
    text: bytes, package: Sequence[str] = (), exists: Callable[[str], bool] = lambda _: False
) -> Meaning:
    """The meaning of a Python file; of one that is none, its bytes.

    Args:
        text: its content.
        package: names of the packages that it lies in, outermost first.
        exists: whether a dotted name is that of a module of the project.

    """
    try:
        with warnings.catch_warnings():
            # Those of the user's own file are for where it is run.
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        writer = _Writer(package, exists)
        writer.write(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Meaning(hashlib.sha256(text).hexdigest())
    said = text if writer.seen & _READS_TEXT else "".join(writer.out).encode()
    return Meaning(
        hashlib.sha256(said).hexdigest(),
        tuple(writer.targets),
        bool(writer.names & _READS_PLACE),
        frozenset(writer.imports),
    )


class _Writer:
    """Writes a tree as text that no other tree has, into ``out``; ``names`` are all that stand
    alone, ``seen`` those and all attributes and texts.
    """

    def __init__(self, package: Sequence[str], exists: Callable[[str], bool]) -> None:
        self._package, self._exists = tuple(package), exists
        self.out: list[str] = []
        self.targets: list[str] = []
        self.imports: set[str] = set()
        self.names: set[str] = set()
        self.seen: set[str] = set()

    def write(self, node: ast.AST) -> None:
        kind = type(node)
        out = self.out
        if kind is ast.Name:
            self.names.add(node.id)  # type: ignore[attr-defined]
            self.seen.add(node.id)  # type: ignore[attr-defined]
            out.append(f"N{node.id};")  # type: ignore[attr-defined]
            return
        if kind is ast.Constant:
            value = node.value  # type: ignore[attr-defined]
            if type(value) is str:
                self.seen.add(value)
            out.append(f"C{type(value).__name__} {value!r};")
            return
        if kind is ast.Attribute:
            self.seen.add(node.attr)  # type: ignore[attr-defined]
        out.append(f"({kind.__name__}")
        for name in kind._fields:
            value = getattr(node, name, None)
            if value is None or name in ("ctx", "kind"):
                continue
            if isinstance(value, list):
                values = _without_docstring(node, value) if name == "body" else value
                if values:
                    out.append(f" {name}[")
                    self._list(values)
                    out.append("]")
            elif isinstance(value, ast.AST):
                out.append(f" {name}=")
                self.write(value)
            else:
                out.append(f" {name}={value!r}")
        out.append(")")

    def _list(self, values: Sequence[object]) -> None:
        run: list[ast.Import | ast.ImportFrom] = []
        for value in values:
            if isinstance(value, _IMPORTS):
                run.append(value)
                continue
            if run:
                self._imports(run)
                run = []
            if isinstance(value, ast.AST):
                self.write(value)
            else:
                self.out.append(f"{value!r},")
        self._imports(run)

    def _imports(self, run: Sequence[ast.Import | ast.ImportFrom]) -> None:
        """Imports that stand in a row: those from outside as they are, then the names that the
        project's own give, in the order of the alphabet, since tools sort lines by module.
        """
        bound: list[tuple[str, str, str]] = []
        for node in run:
            own = self._own(node)
            if own is None:
                self.write(node)
            bound += own or []
        names = [name or part for name, part, _ in bound]
        # Of two lines that give the same name the last one counts.
        for name, part, target in sorted(bound) if len(set(names)) == len(names) else bound:
            self.out.append(f"(Own {name} {part} {len(self.targets)})")
            self.targets.append(target)

    def _own(self, node: ast.Import | ast.ImportFrom) -> list[tuple[str, str, str]] | None:
        """The names that a line gives: each with the part of its module that it is, empty for the
        module itself, and that module; None for a line that names a module from outside.
        """
        bound = []
        if isinstance(node, ast.Import):
            for alias in node.names:
                if not self._exists(alias.name):
                    return None
                # Without "as" what is bound is the outermost package, and code spells out the rest.
                name, part = (alias.asname, "") if alias.asname else ("", alias.name)
                bound.append((name, part, alias.name))
        else:
            above = self._package[: len(self._package) + 1 - node.level] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                whole = self._exists(inner)
                if not whole and not self._exists(module):
                    return None
                if alias.name == "__version__":  # No result depends on it.
                    continue
                part = "" if whole else alias.name
                bound.append((alias.asname or alias.name, part, inner if whole else module))
                self.imports.update(filter(self._exists, [module]))
        self.imports.update(target for _, _, target in bound)
        return bound


def _without_docstring(node: ast.AST, body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0] if body else None
    documented = (
        isinstance(node, _WITH_DOCSTRING)
        and isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )
    return body[1:] if documented else body
