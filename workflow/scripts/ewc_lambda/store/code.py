"""Which code a result depends on, and digests of it.

A result depends on the script of its rule and on all modules of the library that this imports,
directly or not. Two digests are taken of them: `code_digest` of what they mean, which decides
whether a result stands, and `source_digest` of their bytes, which is fast and tells whether
anything was touched at all.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from ewc_lambda.store.meaning import Meaning, meaning

SCRIPTS = Path(__file__).parents[2]
_LIBRARY = "ewc_lambda"
# An import of the library: it stands in one line, or in brackets.
_LINE = re.compile(
    rb"^[ \t]*(?:from[ \t]+(\S+)[ \t]+import[ \t]+(\([^)]*\)|[^\n]+)|import[ \t]+([^\n]+))", re.M
)
_NAME = re.compile(rb"[A-Za-z_][\w.]*")


@functools.cache
def code_digest(*scripts: str, files: tuple[str, ...] = ()) -> str:
    """SHA-256 of what scripts of ``workflow/scripts`` mean, and every module of the library that
    they import, directly or not, and ``files`` of the user's: where it changes is a reason to run
    the rule again. Named are a rule's own script and those that made what it starts from.

    Comments, docstrings, formatting and the names of modules are no part of it.
    """
    found = _modules(scripts)
    digests = {name: _sha256(said.shape, name * said.placed) for name, said in found.items()}
    # A module is what it says and what the modules that it names are. So each takes up the digests
    # of those, until that tells no more modules apart than before.
    told_apart = 0
    while told_apart < len(set(digests.values())):
        told_apart = len(set(digests.values()))
        digests = {
            name: _sha256(digests[name], *(digests[target] for target in said.targets))
            for name, said in found.items()
        }
    run = (digests[script] for script in sorted(scripts))
    own = (meaning(Path(file).read_bytes()).shape for file in files)
    return _sha256(*run, "modules", *sorted(digests.values()), "files", *own)


def code_modules(*scripts: str, files: tuple[str, ...] = ()) -> dict[str, str]:
    """What each of the files behind `code_digest` means, for `changed_modules`: its path below
    ``workflow/scripts``, or the user's own, to 12 hexadecimal digits.
    """
    found = {
        _path(name).relative_to(SCRIPTS).as_posix(): _sha256(said.shape, *said.targets)[:12]
        for name, said in _modules(scripts).items()
    }
    own = {file: meaning(Path(file).read_bytes()).shape[:12] for file in files}
    return dict(sorted(found.items())) | own


def changed_modules(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Paths of the modules by which two results of `code_modules` differ, in order: those that
    mean something else, and those that only one of them has.
    """
    paths = before.keys() | now.keys()
    return sorted(path for path in paths if before.get(path) != now.get(path))


def source_digest(*scripts: str, files: tuple[str, ...] = ()) -> str:
    """SHA-256 over the names and bytes of the same files as `code_digest`, read anew each time and
    without parsing them.
    """
    found = _texts(scripts)
    texts = [(name, found[name]) for name in sorted(found)]
    texts += [("", Path(file).read_bytes()) for file in files]
    return _sha256(*(part for name, text in texts for part in (name, _sha256(text))))


def imported_modules(script: str) -> list[str]:
    """Dotted names of a script of ``workflow/scripts`` and every module of the library that it
    imports, directly or not, late or not.
    """
    return sorted(_texts((script,)))


def _texts(scripts: tuple[str, ...]) -> dict[str, bytes]:
    """The files of scripts, and of all modules that they import, by dotted name."""
    found: dict[str, bytes] = {}
    waiting = list(scripts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = _path(name).read_bytes()
            waiting += _import_lines(name, found[name])
    return found


def _modules(scripts: tuple[str, ...]) -> dict[str, Meaning]:
    """Scripts, and all modules that they import, by dotted name."""
    found: dict[str, Meaning] = {}
    waiting = list(scripts)
    while waiting:
        name = waiting.pop()
        if name not in found:
            path = _path(name)
            found[name] = _meaning(SCRIPTS, name, path.read_bytes())
            waiting += _with_faces(found[name].imports)
    return dict(sorted(found.items()))


# Rules share most of their modules, and parsing them anew for each took most of a dry run.
@functools.cache
def _meaning(scripts: Path, name: str, text: bytes) -> Meaning:
    said = meaning(text, _package(name), _exists)
    # What is run as a script is called __main__, whatever its file is called.
    script = "." not in name and name != _LIBRARY
    return Meaning(said.shape, said.targets, said.placed and not script, said.imports)


@functools.cache
def _import_lines(name: str, text: bytes) -> frozenset[str]:
    package, found = _package(name), set()
    for start, names, plain in _LINE.findall(text):
        dots = len(start) - len(start.lstrip(b"."))
        above = package[: len(package) + 1 - dots] if dots else ()
        module = ".".join([*above, *filter(None, [start.lstrip(b".").decode("ascii", "replace")])])
        for word in set(_NAME.findall(names or plain)) - {b"__version__"}:
            found |= {f"{module}.{word.decode()}" if names else word.decode(), module}
    return frozenset(_with_faces(frozenset(filter(_exists, found))))


def _with_faces(modules: frozenset[str]) -> list[str]:
    """Modules, and the faces of the packages around them, which Python runs, too. The library's
    own is left out: it holds the version and the names for people.
    """
    parts = [module.split(".") for module in modules]
    return sorted(modules | {".".join(p[:n]) for p in parts for n in range(2, len(p))})


def _exists(name: str) -> bool:
    return name.partition(".")[0] == _LIBRARY and _path(name).is_file()


def _package(name: str) -> tuple[str, ...]:
    parts = tuple(name.split("."))
    return parts if _path(name).name == "__init__.py" else parts[:-1]


def _path(name: str) -> Path:
    base = SCRIPTS / Path(*name.split("."))
    face = base / "__init__.py"
    return face if face.is_file() else base.with_suffix(".py")


def _sha256(*parts: str | bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        text = part.encode() if isinstance(part, str) else part
        digest.update(b"%d:" % len(text) + text)
    return digest.hexdigest()
