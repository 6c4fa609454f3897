"""Calls of a trainer: what it is told, what it may return, and how it may fail."""

import logging
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import OWN_LIBRARY
from own_trainers import written

from ewc_lambda.errors import StudyError
from ewc_lambda.trainers.calls import Call, Trainer
from ewc_lambda.trainers.heard import BEGINNING, END

CONFIG = {"trainer": None, "trainer_command": None, "trainer_python": None, "device": "cpu"}


def nothing(folder):
    """No data set of the study's."""


def trainer(text, folder, data=nothing, **config):
    """A trainer of a file's text."""
    file = written(folder, text)
    given = {**CONFIG, "trainer": file, **config}
    return Trainer(given, ["a", "b"], 0.5, data, 1, logging.getLogger("ewc_lambda"))


def call(function="train", **about):
    return Call(function, 3, 4, 17, 5, **about)


def test_a_call_is_told_what_it_is_about(tmp_path):
    text = (
        "import numpy as np\n"
        "def train(context, lam, start):\n"
        "    told = [context.trial, context.replicate, context.seed, context.base_seed, lam]\n"
        "    assert context.importance == 'fisher' and context.tasks == ['a', 'b']\n"
        "    assert context.device == 'cpu' and context.config['epochs'] == 7\n"
        "    assert context.folder.is_dir() and not list(context.folder.iterdir())\n"
        "    (context.folder / 'scratch').write_text('')\n"
        "    return np.array([told])\n"
    )
    given = call(value=0.1, importance="fisher")
    found = trainer(text, tmp_path, epochs=7).run([given, given])
    assert [each["losses"].tolist() for each in found] == [[[3, 4, 17, 5, 0.1]]] * 2


def test_arrays_pass_from_start_to_train_as_they_are(tmp_path):
    text = (
        "import numpy as np\n"
        "def start(context):\n"
        "    return {'file': np.arange(3, dtype='int16'), 'a/b c': np.float64(0.1), 'flag': True}\n"
        "def train(context, lam, start):\n"
        "    assert list(start) == ['file', 'a/b c', 'flag'], start\n"
        "    assert start['file'].dtype == 'int16' and start['a/b c'].shape == ()\n"
        "    return start['file'][None] * 1.5\n"
    )
    own = trainer(text, tmp_path)
    (start,) = own.run([call("start")])
    (found,) = own.run([call(start=start)])
    assert found["losses"].tolist() == [[0.0, 1.5, 3.0]]


def test_a_start_that_is_not_there_gives_nothing(tmp_path):
    assert trainer("", tmp_path).run([call("start")]) == [{}]


def test_the_data_of_the_study_are_at_hand(tmp_path):
    def write(folder):
        np.savez(folder / "1_validation.npz", x=np.array([[2], [4]], np.uint8), y=np.array([0, 1]))

    text = (
        "def train(context, lam, start):\n"
        "    x, y = context.data(1, 'validation')\n"
        "    assert x.dtype == 'float32' and y.tolist() == [0, 1]\n"
        "    return x\n"
    )
    (found,) = trainer(text, tmp_path, write).run([call()])
    assert found["losses"].tolist() == [[1.0], [2.0]]


def test_tensors_are_arrays(tmp_path):
    text = "import torch\ndef train(*_):\n    return torch.ones(2, 3, requires_grad=True)\n"
    (found,) = trainer(text, tmp_path).run([call()])
    assert found["losses"].shape == (2, 3)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return [[1, 2], [3]]", "TypeError: train: losses is no array"),
        ("return None", "TypeError: train: losses is NoneType of object"),
        ("return context.data(0)", "line 3: FileNotFoundError: no train samples of task 0 here."),
        ("return {'loss': [[1.0]]}", "returned a dict of ['loss']; it may hold losses and"),
        ("raise ValueError('odd\\nlambda')", "line 3: ValueError: odd lambda (in train at lambda"),
        ("import sys; sys.exit(2)", "line 3: SystemExit: 2"),
        ("import os; os._exit(5)", "its process ended with status 5, in train at lambda = 1 of"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL, as the machine does when memory"),
        ("import os; os.kill(os.getpid(), 11)", "its process was ended by SIGSEGV, in train"),
    ],
)
def test_a_call_that_fails_is_named(tmp_path, body, said):
    own = trainer(f"\ndef train(context, lam, start):\n    {body}\n", tmp_path)
    with pytest.raises(StudyError) as error:
        own.run([call(value=1.0)])
    assert str(error.value).startswith(f"trainer: {tmp_path}/mine.py")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def train(:\n", "line 1: SyntaxError"),
        ("import absent_module\n", "line 1: ModuleNotFoundError: No module named 'absent_module'"),
        ("train = 3\n", "TypeError: the file defines no function train (in train at"),
    ],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path, text, said):
    with pytest.raises(StudyError) as error:
        trainer(text, tmp_path).run([call()])
    assert said in str(error.value)


def test_the_users_traceback_is_in_the_log(tmp_path, caplog):
    text = "def inner():\n    return 1 / 0\ndef train(*_):\n    return inner()\n"
    with caplog.at_level(logging.INFO), pytest.raises(StudyError, match="line 2: ZeroDivision"):
        trainer(text, tmp_path).run([call()])
    assert "in inner" in caplog.text
    assert "worker.py" not in caplog.text


def test_megabytes_of_output_are_cut_in_the_middle(tmp_path, caplog):
    text = (
        "def train(*_):\n"
        "    print('the beginning')\n"
        "    for _ in range(60):\n"
        "        print('x' * 50_000)\n"
        "    print('the end')\n"
        "    return [[1.0]]\n"
    )
    with caplog.at_level(logging.INFO):
        assert trainer(text, tmp_path).run([call()])[0]["losses"].tolist() == [[1.0]]
    assert "the beginning" in caplog.text
    assert "the end" in caplog.text
    assert "3000" in caplog.text.partition("bytes in all")[0][-10:]
    assert len(caplog.text) < 2 * (BEGINNING + END)


def test_each_line_is_one_of_the_log(tmp_path, caplog):
    text = (
        "def train(context, *_):\n    context.log.info('one')\n    print('two')\n    return [[1]]\n"
    )
    with caplog.at_level(logging.INFO):
        trainer(text, tmp_path).run([call()])
    assert [record.message for record in caplog.records] == ["one", "two"]


def test_another_working_folder_is_left_to_the_call_that_took_it(tmp_path):
    text = (
        "import os\n"
        "def train(context, *_):\n"
        "    here = len(os.getcwd())\n"
        "    os.chdir(context.folder)\n"
        "    return [[here]]\n"
    )
    found = trainer(text, tmp_path).run([call(), call()])
    assert found[0]["losses"] == found[1]["losses"] == len(str(Path.cwd()))


def test_what_a_call_returned_is_taken_before_the_next_one_fails(tmp_path):
    text = "def train(context, lam, start):\n    return [[1 / lam]]\n"
    taken = []
    with pytest.raises(StudyError, match="ZeroDivisionError"):
        trainer(text, tmp_path).run(
            [call(value=2.0), call(value=0.0), call(value=4.0)],
            lambda number, found: taken.append((number, found["losses"].item())),
        )
    assert taken == [(0, 0.5)]


def test_a_child_that_returns_is_no_second_trainer(tmp_path):
    text = (
        "import os\n"
        "def train(*_):\n"
        "    child = os.fork() == 0\n"
        "    return [[2.0 if child else 1.0]]\n"
    )
    found = trainer(text, tmp_path).run([call(), call(), call()])
    assert [each["losses"].item() for each in found] == [1.0, 1.0, 1.0]


def test_nothing_that_a_call_started_outlives_it(tmp_path):
    text = (
        "import subprocess, sys\n"
        "def train(*_):\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        "    return [[float(child.pid)]]\n"
    )
    began = time.monotonic()
    (found,) = trainer(text, tmp_path).run([call()])
    assert time.monotonic() - began < 60
    # Killed with its group, it is gone when it is next scheduled.
    assert soon(lambda: not alive(int(found["losses"].item())))


PARENT = """
import logging
import sys
from pathlib import Path
from ewc_lambda.trainers.calls import Call, Trainer

given = {"trainer": sys.argv[1], "trainer_command": None, "trainer_python": None, "device": "cpu"}
own = Trainer(given, ["a"], 1.0, lambda folder: None, 1, logging.getLogger("quiet"))
own.run([Call("train", 0, 0, 1, 1)])
"""


def test_it_ends_with_the_job_that_waits_for_it(tmp_path):
    text = (
        "import os, pathlib, subprocess, time\n"
        "def train(*_):\n"
        "    child = subprocess.Popen(['sleep', '600'])\n"
        f"    told = pathlib.Path({str(tmp_path)!r}, 'pids')\n"
        "    told.write_text(f'{os.getpid()} {child.pid}')\n"
        "    time.sleep(600)\n"
    )
    file = written(tmp_path, text)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, file], env=OWN_LIBRARY)
    assert soon(lambda: (tmp_path / "pids").exists() and (tmp_path / "pids").read_text())
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    parent.kill()
    parent.wait()
    assert soon(lambda: not any(map(alive, pids)))


def soon(there):
    """Whether something comes true within a minute."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if there():
            return True
        time.sleep(0.1)
    return False


def alive(process):
    """Whether a process runs; one that has ended and was not asked for is none."""
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_lies_beside_the_file_may_be_imported_and_nothing_of_the_project(tmp_path):
    (tmp_path / "outputs.py").write_text("value = 3.0\n")
    text = (
        "import outputs\n"
        "def train(*_):\n"
        "    try:\n"
        "        import ewc_lambda\n"
        "    except ImportError:\n"
        "        pass\n"
        "    return [[outputs.value]]\n"
    )
    (found,) = trainer(text, tmp_path).run([call()])
    assert found["losses"].item() == 3.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.py", "outputs.py"]


def test_another_python_runs_the_file(tmp_path):
    """A program that says so and is this Python otherwise."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho another\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    text = "def train(*_):\n    return [[1.0]]\n"
    own = trainer(text, tmp_path, trainer_python=str(python))
    assert own.run([call()])[0]["losses"].item() == 1.0
    python.chmod(0o644)
    with pytest.raises(StudyError, match=r"trainer_python: .*python cannot be started \(Perm"):
        own.run([call()])


class TestCommands:
    def own(self, command):
        given = {**CONFIG, "trainer_command": command}
        return Trainer(given, ["a"], 1.0, nothing, 1, logging.getLogger("ewc_lambda"))

    def test_it_is_told_in_words_and_writes_a_file(self):
        echo = """sh -c 'echo "[[$0, $1, $2]]" > "$3"' {lambda} {seed} {base_seed} {output}"""
        found = self.own(echo).run([call(value=0.1 + 0.2), call(value=1e-7)])
        assert [each["losses"].tolist() for each in found] == [
            [[0.1 + 0.2, 17, 5]],
            [[1e-7, 17, 5]],
        ]

    @pytest.mark.parametrize(
        ("command", "said"),
        [
            ("sh -c 'exit 3' {lambda} {seed} {output}", "ended with status 3 (in train at"),
            ("sh -c 'kill -9 $$' {lambda} {seed} {output}", "was ended by SIGKILL (in train"),
            ("true {lambda} {seed} {output}", "wrote nothing to the path that stood for {output}"),
            ("absent-program {lambda} {seed} {output}", "FileNotFoundError"),
        ],
    )
    def test_one_that_fails_is_named(self, command, said):
        with pytest.raises(StudyError) as error:
            self.own(command).run([call()])
        assert str(error.value).startswith("trainer_command: ")
        assert said in str(error.value)
