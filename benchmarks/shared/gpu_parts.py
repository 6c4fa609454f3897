"""The parts of benchmarks/gpu.py. Each yields the lines that it has to say."""

from __future__ import annotations

import dataclasses
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import yaml

from ewc_lambda.data.prepared import Prepared, TaskInfo
from ewc_lambda.data.scenarios import build_scenario
from ewc_lambda.learning import cuda_graphs, training
from ewc_lambda.learning.cuda_graphs import Graphed
from ewc_lambda.learning.device import open_device
from ewc_lambda.learning.losses import fisher_directions
from ewc_lambda.learning.problems import build_problem
from ewc_lambda.learning.sample_gradients import Trained, sum_sample_gradients
from ewc_lambda.learning.sequence import (
    NO_IMPORTANCE,
    State,
    base_state,
    concatenated,
    run_sequence,
    train_first_task,
    with_importance,
)
from ewc_lambda.learning.training import Problem
from ewc_lambda.networks.models import draw_weights, flat_state
from ewc_lambda.results.runs import Run, introductions
from ewc_lambda.search.by_config import round_grid
from ewc_lambda.search.rounds import decide
from ewc_lambda.seeding import Stream, trial_generator

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
STEPS, EPOCHS = 340, 10
PUBLISHED: dict[str, Any] = {
    "dataset": "mnist",
    "tasks": [[0, 1, 2], [3, 4, 5]],
    "validation_fraction": 0.1,
    "selection_split": "test",
    "model": "original_cnn",
    "loss": "binary_cross_entropy",
    "batch_size": 32,
    "replicates": 1,
}


@dataclass(frozen=True)
class Work:
    """What a part is asked for: where MNIST lies, whether it is shrunk, and until when."""

    data_folder: str
    tiny: bool
    limit: float
    begin: float

    @property
    def device(self) -> str:
        return "cuda" if torch.cuda.is_available() else "cpu"

    def left(self) -> float:
        """Seconds, with a fifth kept for what cannot be foreseen."""
        return 0.8 * self.limit - (time.monotonic() - self.begin)

    def problem(self, device: str = "", **config: Any) -> tuple[Problem, dict[str, Any]]:
        """A problem on a device, of the default config but for what is given; and the config."""
        schema = yaml.safe_load(SCHEMA.read_text())["properties"]
        chosen = {key: entry["default"] for key, entry in schema.items()} | config
        chosen["device"] = device or self.device
        mnist = chosen["dataset"] == "mnist"
        prepared = self.mnist(chosen) if mnist else made_up((64,), (5, 5), 60 if self.tiny else 720)
        where = open_device(chosen)
        torch.set_num_threads(1 if self.tiny else torch.get_num_threads())
        problem = build_problem(chosen, prepared, device=where)
        draw_weights(problem.network, trial_generator(1, 0, "weights"))
        return problem, chosen

    def mnist(self, config: Mapping[str, Any]) -> Prepared:
        """MNIST, or random images of its shape."""
        try:
            scenario = build_scenario({**config, "data_folder": self.data_folder})
        except Exception as error:
            print(f"  random images in place of MNIST: {str(error)[:100]}")
            return made_up((1, 28, 28), (3, 3), 40 if self.tiny else 15700)
        most = 40 if self.tiny else None
        splits = [
            {name: (x[:most], y[:most]) for name, (x, y) in task.splits.items()}
            for task in scenario.tasks
        ]
        tasks = tuple(TaskInfo(task.name, task.outputs) for task in scenario.tasks)
        return Prepared(tasks, scenario.kind, scenario.input_shape, scenario.scale, splits, "")


def made_up(shape: tuple[int, ...], outputs: tuple[int, ...], samples: int) -> Prepared:
    """Tasks of clusters, one a class, in bytes."""
    generator = np.random.default_rng(1)

    def split(centers: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        y = generator.integers(len(centers), size=count)
        x = centers[y] + generator.normal(scale=60, size=(count, *shape))
        return x.clip(0, 255).astype(np.uint8), y

    splits = []
    for width in outputs:
        centers = generator.uniform(0, 255, size=(width, *shape))
        sizes = {"train": samples, "validation": samples // 3, "test": samples // 3}
        splits.append({name: split(centers, count) for name, count in sizes.items()})
    tasks = tuple(TaskInfo(str(k), width) for k, width in enumerate(outputs))
    return Prepared(tasks, "classification", shape, 1 / 255, splits, "")


def card() -> str:
    """What computes, and by which torch."""
    if not torch.cuda.is_available():
        return (
            f"no GPU: the CPU, {torch.backends.cpu.get_cpu_capability()}, torch {torch.__version__}"
        )
    found = torch.cuda.get_device_properties(0)
    memory = found.total_memory / 2**30
    return (
        f"{found.name}, {memory:.0f} GiB, capability {found.major}.{found.minor}, "
        f"torch {torch.__version__}, CUDA {torch.version.cuda}"
    )


def has_pytest() -> bool:
    """Whether the tests can be run, with what they import."""
    try:
        import hypothesis  # noqa: F401
        import pytest  # noqa: F401
    except ImportError:
        return False
    return True


def seconds(work: Callable[[], Any]) -> float:
    """Wall seconds of something, the device's work included."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    begin = time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - begin


def peak() -> str:
    """Peak memory of the device, in words."""
    if not torch.cuda.is_available():
        return "no GPU memory"
    return f"{torch.cuda.max_memory_allocated() / 2**20:.0f} MiB of GPU memory at the peak"


def streams(config: Mapping[str, Any], trial: int = 0) -> list[Stream]:
    return [Stream(1, trial, replicate, ()) for replicate in range(config["replicates"])]


def base(problem: Problem, count: int) -> State:
    theta, buffers = flat_state(problem.network, problem.layout)
    return base_state(problem, theta, buffers, count)


def trained(problem: Problem, config: Mapping[str, Any], values: list[float]) -> State:
    """The default way of a trial: its first task, then lambdas in one program."""
    each = streams(config)
    (name,) = config["importance"]
    state, omegas = train_first_task(problem, base(problem, len(each)), each, [name])
    start = concatenated([with_importance(problem, state, omegas[name])] * len(values))
    lambdas = torch.tensor(values, device=problem.device).repeat_interleave(len(each))
    return run_sequence(problem, start, each * len(values), lambdas, name)


def compare(work: Work) -> Iterator[str]:
    """A tiny study's training on this device and on the CPU, one member after the other."""
    small = {"epochs": 1, "replicates": 2, "hidden": [16], "importance_samples": 40}
    cases: dict[str, dict[str, Any]] = {
        "mlp": {"dataset": "digits", "batch_size": 16},
        "small_cnn": {**PUBLISHED, "model": "small_cnn", "batch_size": 256},
        "original_cnn": {**PUBLISHED, "batch_size": 256},
    }
    for name, case in cases.items():
        found = []
        for device, members in (("", "stacked"), ("cpu", "looped")):
            problem, config = work.problem(device, **{**case, **small, "members": members})
            cut = dataclasses.replace(problem, train=[s.part(slice(2000)) for s in problem.train])
            found.append(trained(cut, config, [0.0, 100.0]))
        one, other = (torch.stack(state.history.loss) for state in found)
        weights = [state.theta.cpu() for state in found]
        moved = (weights[0] - weights[1]).abs().max() / weights[1].abs().max()
        worst = ((one - other).abs() / other.abs().clamp(min=1e-6)).max()
        yield f"{name}: losses differ by at most {worst:.1e} of their size, weights by {moved:.1e}"
        if not bool(worst < 0.05):
            raise SystemExit(f"{name}: not the CPU's results")


def graphs(work: Work) -> Iterator[str]:
    """Recorded updates against plain ones, of the default study."""
    epochs = {"epochs": 1 if work.tiny else 5, "dataset": "digits"}
    problem, config = work.problem(**epochs)
    values = np.geomspace(1, 1e6, 9).tolist()
    trained(problem, config, values[:1])  # libraries choose their algorithms
    found, times = [], []
    for way in (training.graphed, lambda function, device: function):
        with mock.patch.object(training, "graphed", way):
            times.append(seconds(lambda: found.append(trained(problem, config, values))))
    same = torch.equal(found[0].theta, found[1].theta)
    yield f"90 members: recorded {times[0]:.2f} s, plain {times[1]:.2f} s; same bits: {same}"
    if problem.device.type == "cpu":
        yield "on a CPU nothing is recorded"
    elif cuda_graphs.cuda_recorder().failed or not isinstance(
        training.graphed(print, problem.device), Graphed
    ):
        raise SystemExit("no CUDA graph was recorded")
    if not same:
        raise SystemExit("recorded updates changed bits")


def default_study(work: Work) -> Iterator[str]:
    """All training of the default study's fixed design, on made-up data of the shape of digits."""
    given = yaml.safe_load((ROOT / "config/studies/fixed_digits.yaml").read_text())
    shrunk = {"epochs": 1, "max_rounds": 2, "replicates": 2} if work.tiny else {}
    problem, config = work.problem(**{**given, **shrunk})
    trials = 1 if work.tiny else given["trials"]
    counts: list[int] = []
    total = seconds(
        lambda: counts.extend(search(problem, config, trial) for trial in range(trials))
    )
    rounds = f"{trials} trials, {sum(counts)} rounds of {config['steps']} steps"
    yield f"{rounds}, reference lines: {total:.1f} s"
    yield peak()


def search(problem: Problem, config: Mapping[str, Any], trial: int) -> int:
    """The search of a trial, and its reference lines; how many rounds it took."""
    each = streams(config, trial)
    (name,) = config["importance"]
    state, omegas = train_first_task(problem, base(problem, len(each)), each, [name])
    zero = torch.zeros(len(each), device=problem.device)
    for joint in (False, True):
        run_sequence(problem, state, each, zero, NO_IMPORTANCE, joint=joint)
    start = with_importance(problem, state, omegas[name])
    before: dict[str, Any] | None = None
    for round_ in range(config["max_rounds"]):
        _, values = round_grid(config, trial, before)
        lambdas = torch.tensor(values, device=problem.device).repeat_interleave(len(each))
        many = concatenated([start] * len(values))
        seen = measures(problem, run_sequence(problem, many, each * len(values), lambdas, name))
        means = seen.reshape(len(values), -1).mean(1).tolist()
        decision = decide(
            values,
            means,
            spacing=config["spacing"],
            threshold=config["termination_threshold"],
            round_=round_,
            max_rounds=config["max_rounds"],
            expand_at_edge=config["expand_at_edge"],
        )
        before = {"next_bracket": decision.bracket, "lambdas": values}
        if decision.bracket is None:
            break
    return round_ + 1


def measures(problem: Problem, state: State) -> np.ndarray:
    loss = torch.stack(state.history.loss, 1).double().numpy()
    settings = problem.settings
    introduced = introductions(problem.tasks, settings.epochs, settings.evaluations_per_epoch)
    return Run(loss, loss, loss[..., 0], np.array(state.history.epoch), introduced, {}, {}).measure


def fisher(work: Work) -> Iterator[str]:
    """The exact Fisher information of the original's network."""
    problem, config = work.problem(**PUBLISHED)
    theta, buffers = flat_state(problem.network, problem.layout)
    theta, buffers = theta.to(problem.device), buffers.to(problem.device)
    of = Trained(problem.network, problem.layout, theta, buffers, problem.network.route(0, 0))
    samples = problem.train[0].part(slice(32 if work.tiny else 4096))

    def once() -> None:
        sum_sample_gradients(of, samples, lambda z, _: fisher_directions(z, config["loss"]), 2)

    once()
    each = statistics.median(seconds(once) for _ in range(3)) / len(samples)
    yield f"exact Fisher of original_cnn: {1e3 * each:.3f} ms a sample; {peak()}"


def published(work: Work) -> Iterator[str]:
    """Lambda steps of the published set-up: one alone, then as many of all as time allows."""
    epochs = {"epochs": 1, "evaluations_per_epoch": 1, "randomness": "independent"}
    problem, _ = work.problem(**{**PUBLISHED, **epochs})

    def steps(count: int) -> float:
        each = [Stream(1, 0, 0, (step,)) for step in range(count)]
        lambdas = torch.linspace(0, 15, count, device=problem.device)
        start = base(problem, count)
        return seconds(lambda: run_sequence(problem, start, each, lambdas, "fisher"))

    steps(1)
    one = steps(1)
    yield f"one step, an epoch of each task and the exact Fisher information: {one:.1f} s"
    round_ = 2 if work.tiny else 20
    foreseen = one * round_
    if foreseen > work.left():
        yield f"a round of {round_} steps might take {foreseen:.0f} s: left out"
        return
    together = steps(round_)
    yield f"{round_} steps in one program: {together:.1f} s; {peak()}"
    done, spent = 1, together
    while done < math.ceil(STEPS / round_) and together < work.left() and not work.tiny:
        spent += steps(round_)
        done += 1
    each = spent / (done * round_)
    whole = STEPS * each * EPOCHS / 3600
    yield (
        f"{done * round_} steps of {STEPS} with 1 epoch of {EPOCHS}: {spent:.0f} s. Extrapolated, "
        f"all of them with all epochs: at most {whole:.1f} h (the Fisher information is counted "
        f"{EPOCHS} times)"
    )
