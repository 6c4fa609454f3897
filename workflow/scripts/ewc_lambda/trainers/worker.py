"""What runs in the trainer's own process: python worker.py CALLS.json.

It is run by the user's Python, which may be another one than the study's, so it imports nothing of
the project, and of others numpy alone. Calls are made one after the other; the arrays that each
returns go to a file of its own, and then another one says that it is done. A call that fails ends
the process, and what it said of it stands in error.json.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

FAILED = 3
"""Exit status of a process whose call failed."""


class Context:
    """What a call is about. ``trial``, ``replicate``, ``importance`` (None where lambda has no say)
    and the ``config`` of the study; ``seed``, an integer below 2**31 that is drawn for this
    replicate, and ``base_seed``, which all replicates of a trial share: that of the initial
    weights; the ``device`` to compute on; ``folder``, empty, for scratch files, and removed
    afterwards; ``log``, a logger; ``tasks``, their names.
    """

    def __init__(self, call: dict[str, Any], job: dict[str, Any], folder: Path) -> None:
        self.trial = int(call["trial"])
        self.replicate = int(call["replicate"])
        self.importance = call["importance"]
        self.seed = int(call["seed"])
        self.base_seed = int(call["base_seed"])
        self.config = dict(job["config"])
        self.device = str(self.config["device"])
        self.tasks = list(job["tasks"])
        self.folder = folder
        self.log = logging.getLogger("trainer")
        self._data, self._scale = Path(job["data"]), float(job["scale"])
        self._told = 0.0

    def data(self, task: int, split: str = "train") -> tuple[np.ndarray, np.ndarray]:
        """Samples of a task of the study's data set, as a network takes them: x (N, ...) float32
        and y, labels (N,) int64 or targets (N, D) float32. ``split`` is train, validation or test.

        Raises:
            FileNotFoundError: the data set is the trainer's own, or there is no such task or split.

        """
        path = self._data / f"{task}_{split}.npz"
        if not path.is_file():
            raise FileNotFoundError(
                f"no {split} samples of task {task} here. Tasks are 0 to {len(self.tasks) - 1}, "
                f"splits train, validation and test; with `dataset: own` this file brings its own"
            )
        with np.load(path) as arrays:
            return arrays["x"].astype(np.float32) * np.float32(self._scale), arrays["y"]

    def progress(self, share: float, text: str = "") -> None:
        """Tell how far this call is, from 0 to 1; written to the log every ten seconds at most."""
        if time.monotonic() - self._told >= 10:
            self._told = time.monotonic()
            self.log.info("replicate %d: %.0f%% %s", self.replicate, 100 * share, text)


def main(path: str) -> int:
    """Make the calls of a file; the exit status."""
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    job = json.loads(Path(path).read_text())
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    folder, home, own = Path(path).parent, Path.cwd(), os.getpid()
    module, number = None, -1
    try:
        if job["file"]:
            module = _module(Path(job["file"]))
        for number, call in enumerate(job["calls"]):
            scratch = folder / f"scratch_{number}"
            scratch.mkdir()
            if call["command"]:
                _command(call["command"])
            else:
                arrays = _call(module, call, Context(call, job, scratch))
                if os.getpid() != own:
                    # A child that the trainer forked and let return.
                    os._exit(0)
                save(folder / f"{number}.npz", arrays)
            os.chdir(home)
            shutil.rmtree(scratch, ignore_errors=True)
            (folder / f"{number}.done").touch()
    except BaseException as error:
        if os.getpid() != own:
            os._exit(FAILED)
        _tell(folder, job["file"], number, error)
        return FAILED
    return 0


def _module(file: Path) -> Any:
    # What lies beside the file may be imported; what lies beside this one, not.
    sys.path[0] = str(file.parent)
    spec = importlib.util.spec_from_file_location("trainer", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["trainer"] = module
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def _call(module: Any, call: dict[str, Any], context: Context) -> dict[str, np.ndarray]:
    name = call["function"]
    function = getattr(module, name, None)
    if function is None and name == "start":
        return {}
    if not callable(function):
        raise TypeError(f"the file defines no function {name}")
    if name == "start":
        return _named(function(context))
    start = read(Path(call["start"]))
    given = (context, start) if name == "joint" else (context, float(call["lambda"]), start)
    return _losses(name, function(*given))


def _command(words: list[str]) -> None:
    done = subprocess.run(words, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        said = f"ended with status {done.returncode}"
        if done.returncode < 0:
            said = f"was ended by {signal.Signals(-done.returncode).name}"
        raise RuntimeError(f"{' '.join(words)} {said}")


def _named(returned: Any) -> dict[str, np.ndarray]:
    if not isinstance(returned, dict):
        raise TypeError(
            f"start returned {type(returned).__name__}, it must return a dict of arrays"
        )
    return {str(name): _array(f"start: {name}", value) for name, value in returned.items()}


def _losses(name: str, returned: Any) -> dict[str, np.ndarray]:
    """Losses, or losses and accuracies: alone, as a pair, or by their names."""
    if isinstance(returned, dict):
        unknown = sorted(set(returned) - {"losses", "accuracies"})
        if unknown or "losses" not in returned:
            raise TypeError(
                f"{name} returned a dict of {sorted(map(str, returned))}; it may hold losses and "
                "accuracies"
            )
        found = dict(returned)
    elif isinstance(returned, tuple) and len(returned) == 2:
        found = {"losses": returned[0], "accuracies": returned[1]}
    else:
        found = {"losses": returned}
    kept = {key: each for key, each in found.items() if key == "losses" or each is not None}
    return {key: _array(f"{name}: {key}", each) for key, each in kept.items()}


def _array(what: str, value: Any) -> np.ndarray:
    if hasattr(value, "detach"):  # a tensor of torch
        value = value.detach().cpu().numpy()
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise TypeError(f"{what} is no array ({error})") from None
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise TypeError(
            f"{what} is {type(value).__name__} of {array.dtype}, it must be an array of numbers"
        )
    return array


def save(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays by any names to an .npz, for `read`."""
    # By number: np.savez takes some names for arguments of its own.
    names = list(arrays)
    stored: dict[str, Any] = {str(place): arrays[name] for place, name in enumerate(names)}
    np.savez(path, names=np.array(json.dumps(names)), **stored)


def read(path: Path) -> dict[str, np.ndarray]:
    """The arrays that `save` wrote, by name."""
    with np.load(path, allow_pickle=False) as stored:
        names = json.loads(str(stored["names"]))
        return {name: stored[str(number)] for number, name in enumerate(names)}


def _tell(folder: Path, file: str | None, number: int, error: BaseException) -> None:
    traceback.print_exception(type(error), error, _from(error, file), file=sys.stdout)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if file and frame.filename == file]
    line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
    text = " ".join(f"{type(error).__name__}: {error}".split())
    told = {"call": number, "line": line, "text": text[:500]}
    (folder / "error.json").write_text(json.dumps(told))


def _from(error: BaseException, file: str | None) -> Any:
    """The traceback from the first frame of the user's file on."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != file:
        frame = frame.tb_next
    return frame or error.__traceback__


def _end_with(parent: int) -> None:
    """End, with all that was started from here, once the job that waits for it is gone."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(os.getpgid(0), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
