"""Whatever is done to a study between its runs, a run ends in the bytes that a clean one gives, and
trains nothing that stands.
"""

import os
import random
import shutil
import time
from pathlib import Path

import pytest
from in_process import files_of, run

from ewc_lambda.learning import adam
from ewc_lambda.results.kinds import KINDS
from ewc_lambda.search.later_trials import is_later

SEQUENCES = int(os.environ.get("SEQUENCES", "20"))
SEED = int(os.environ.get("SEQUENCE_SEED", "1"))
KEYS = {
    "seed": [1, 2],
    "learning_rate": [0.001, 0.01],
    "max_rounds": [1, 2, 3],
    "termination_threshold": [0.5, 3.0],
    "low_range": [[1, 10], [2, 20]],
    "trials": [1, 2],
    "importance": [["fisher"], ["weight_decay"], ["fisher", "weight_decay"]],
    "save_weights": [True, False],
    "randomness": ["common", "independent"],
    "epochs": [1, 2],
}
# Half of the sequences are those of a study that decides itself how many trials it has.
DECIDES = {
    "trials": 5,
    "target_width": 0.5,
    "min_trials": 3,
    "first_trials": 1,
    "max_rounds": 1,
}
DECIDES_KEYS = {
    "target_width": [None, 0.1, 0.5, 5.0],
    "target_gain": [None, 0.5, 5.0],
    "min_trials": [3, 4],
    "trials": [4, 5],
    "first_trials": [None, 1, 2],
    "later_steps": [5, 6],
}
CODES = {"": 1e-8, "other": 1e-2}


class Study:
    """A study that things are done to, and what a reader of its history knows of it."""

    def __init__(self, folder: Path, clean: Path, draw: random.Random, base: dict) -> None:
        self.folder, self.clean, self.draw = folder, clean, draw
        self.base, self.keys = base, KEYS | (DECIDES_KEYS if base else {})
        self.config, self.code = dict(base), ""
        # By what each trained file was last made, by its path; gone where it was damaged.
        self.known = {}

    @property
    def files(self):
        return files_of(self.folder / "results", {**self.config, "replace": True}, self.code)

    def change(self) -> None:
        key = self.draw.choice(sorted(self.keys))
        self.config[key] = self.draw.choice(self.keys[key])

    def change_back(self) -> None:
        if self.config:
            key = self.draw.choice(sorted(self.config))
            del self.config[key]
            self.config |= {key: self.base[key]} if key in self.base else {}

    def change_code(self) -> None:
        self.code = self.draw.choice(sorted(CODES))

    def copy(self) -> None:
        """Elsewhere, with new times, as an archive or another checkout would."""
        other = self.folder.with_name(self.folder.name + "c")
        shutil.copytree(self.folder, other, copy_function=shutil.copyfile)
        shutil.rmtree(self.folder)
        other.rename(self.folder)

    def touch(self) -> None:
        for path in self.some():
            moment = time.time() + self.draw.uniform(-1e6, 1e6)
            os.utime(path, (moment, moment))

    def delete(self) -> None:
        for path in self.some():
            self.forget(path)
            path.unlink()

    def delete_a_folder(self) -> None:
        folders = sorted(p for p in self.folder.rglob("*") if p.is_dir() and "trial" in str(p))
        if folders:
            folder = self.draw.choice(folders)
            for path in folder.rglob("*"):
                self.forget(path)
            shutil.rmtree(folder)

    def corrupt(self) -> None:
        """Records anywhere, weights at their end: their content is looked at where it is used."""
        for path in self.some():
            content = path.read_bytes()
            if path.suffix == ".safetensors":
                path.write_bytes(content[:-1])
            else:
                place = self.draw.randrange(len(content))
                path.write_bytes(
                    content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
                )
            self.forget(path)

    def exchange(self) -> None:
        """Two steps of a round, whole and sealed, each in the other's place."""
        steps = sorted(self.folder.rglob("round_0/step_[01].h5"))[:2]
        if len(steps) == 2:
            texts = [path.read_bytes() for path in steps]
            for path, text in zip(steps, reversed(texts), strict=True):
                path.write_bytes(text)
                self.forget(path)

    def interrupt(self) -> None:
        self.run(most=self.draw.randrange(6))

    def some(self) -> list[Path]:
        found = [p for p in sorted(self.folder.rglob("*")) if p.is_file() and "trial" in str(p)]
        return self.draw.sample(found, min(len(found), self.draw.choice([1, 1, 2, 5])))

    def forget(self, path: Path) -> None:
        self.known.pop(path.with_suffix("").as_posix(), None)

    def run(self, most: int | None = None):
        """A run, which trains exactly what no earlier run left by the same recipe."""
        files = self.files
        adam.EPSILON = CODES[self.code]
        try:
            made = run(files, most)
        finally:
            adam.EPSILON = CODES[""]
        for product in made:
            if KINDS[product.kind].gathered is None and product.kind not in ("data", "test"):
                path = Path(product.record).with_suffix("").as_posix()
                key = self.key(files, product)
                assert self.known.get(path) != key, f"{path} is trained again for nothing"
                self.known[path] = key
        # What a run of another config set aside, and did not come to make anew, is gone.
        self.known = {
            path: key
            for path, key in self.known.items()
            if Path(f"{path}.json").exists() or Path(f"{path}.h5").exists()
        }
        return files

    def key(self, files, product):
        """What a trained file was made by and from, as its own record tells in full."""
        names = ("seed", "learning_rate", "epochs", "randomness", "save_weights")
        config = tuple(str(files.config[name]) for name in names if name != "save_weights")
        if product.kind == "base_model":
            return config[0], self.code
        whole = (*config, self.code, product.weights)
        if product.kind == "first_task":
            return (*whole, tuple(files.config["importance"]))
        if product.kind == "step":
            return (*whole, self.drawn(files, product), self.before(files, product))
        return whole

    def drawn(self, files, product):
        """What the lambdas of a first round follow from."""
        if is_later(files.config, product.place["trial"]):
            grid = files.product("grid", **{**product.place, "round": 0}).record
            return Path(grid).read_text().split('"lambdas"')[1].split("]")[0]
        return str(files.config["low_range"])

    def before(self, files, product):
        """The decision that a later round's lambdas follow from."""
        if product.place["round"] == 0:
            return None
        at = {**product.place, "round": product.place["round"] - 1}
        path = Path(
            files.product("decision", **{k: at[k] for k in ("trial", "importance", "round")}).record
        )
        return path.read_text().split('"next_bracket"')[1].split("]")[0]

    def as_clean(self, files) -> None:
        """All of today's files are those of a run from nothing."""
        key = repr((sorted(files.config.items(), key=str), self.code))
        clean = self.clean / str(abs(hash(key)))
        if not clean.exists():
            adam.EPSILON = CODES[self.code]
            try:
                run(files_of(clean, self.config, self.code))
            finally:
                adam.EPSILON = CODES[""]
        for path in sorted(p for p in clean.rglob("*") if p.is_file() and "running" not in p.name):
            own = self.folder / "results" / path.relative_to(clean)
            assert own.read_bytes() == path.read_bytes(), own


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Finished studies by whether they decide themselves how many trials they have."""
    folders = {decides: tmp_path_factory.mktemp("finished") for decides in (False, True)}
    for decides, folder in folders.items():
        run(files_of(folder / "results", DECIDES if decides else {}))
    return folders


DONE = [
    Study.change,
    Study.change,
    Study.change_back,
    Study.change_code,
    Study.copy,
    Study.touch,
    Study.delete,
    Study.delete_a_folder,
    Study.corrupt,
    Study.exchange,
    Study.interrupt,
]


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    return tmp_path_factory.mktemp("clean")


@pytest.mark.parametrize("number", range(SEQUENCES))
def test_whatever_is_done_a_run_ends_in_clean_bytes(finished, clean, tmp_path, number):
    draw = random.Random(f"{SEED} {number}")
    folder = tmp_path / "study"
    decides = number % 2 == 1
    shutil.copytree(finished[decides], folder)
    study = Study(folder, clean, draw, DECIDES if decides else {})
    for action in draw.choices(DONE, k=draw.randrange(1, 6)):
        action(study)
        if draw.random() < 0.4:
            study.as_clean(study.run())
    study.as_clean(study.run())
    assert run(study.files) == [], "a second run finds something to do"
