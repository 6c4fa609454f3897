"""How a step is trained: its members go through the tasks, held by what they have learnt.

A step is one lambda; its members are the replicates, which start from the trial's base model. For
one task k after the other (Kirkpatrick et al. 2017, sec. 2):

    theta*_k = where training from theta*_k-1 on ends, going down loss_k(theta) + penalty(theta)
    Omega_k  = importance of theta*_k to task k
    penalty += lambda / 2 * sum_i Omega_k,i * (theta_i - theta*_k,i)^2

`run_sequence` is this loop, `training.train_stage` its first line, `importance` and `penalty` the
other two. The reference lines are the same loop, with lambda = 0 or with all tasks so far in every
update.

Nothing before the second task depends on lambda. So with common random numbers the first task is
trained once per trial (`train_first_task`) and every step goes on from there, with the same
result to the bit as `run_sequence` from the base model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ewc_lambda.learning.members import Members
from ewc_lambda.learning.optimizers import Memory
from ewc_lambda.learning.penalty import Penalty, Term, add_term
from ewc_lambda.learning.training import History, Problem, Progress, evaluate, train_stage
from ewc_lambda.seeding import Stream

# Importance of the plain run, whose lambda is 0 anyway.
NO_IMPORTANCE = "none"


@dataclass
class State:
    """Where the members are after ``stage`` tasks: weights (members, size), buffers (members,
    buffer_size), the penalty's terms, all that was seen so far, and what an optimizer that goes on
    remembers.
    """

    stage: int
    theta: Tensor
    buffers: Tensor
    terms: list[Term]
    history: History
    memory: Memory = field(default_factory=dict)

    def rows(self, members: slice) -> State:
        """The state of some of the members."""
        terms = [Term(term.omega[members], term.anchor[members]) for term in self.terms]
        history = History(
            [loss[members] for loss in self.history.loss],
            [accuracy[members] for accuracy in self.history.accuracy],
            [penalty[members] for penalty in self.history.penalty],
            self.history.epoch,
        )
        memory = {name: tensor[members] for name, tensor in self.memory.items()}
        return State(self.stage, self.theta[members], self.buffers[members], terms, history, memory)


def run_sequence(
    problem: Problem,
    start: State,
    streams: Sequence[Stream],
    lambdas: Tensor,
    importance: str,
    *,
    joint: bool = False,
    progress: Progress | None = None,
) -> State:
    """Train the members on all tasks that ``start`` has not seen.

    Args:
        problem: what is trained on.
        start: of as many members as there are streams and lambdas.
        streams: one per member.
        lambdas: one per member (members,).
        importance: the measure of the penalty.
        joint: train on all tasks so far at each stage, without penalty: the upper reference.
        progress: see `train_stage`.

    """
    settings = problem.settings
    members = members_of(problem, start.theta, start.buffers)
    terms, history = list(start.terms), start.history
    memory = _carried(problem, start)
    for stage in range(start.stage, problem.tasks):
        # What matters to the last task would protect it from nothing.
        wanted = [importance] if stage + 1 < problem.tasks and not joint else []
        penalty = Penalty(lambdas, terms)
        seen, omegas = train_stage(
            problem,
            members,
            stage,
            streams,
            penalty,
            wanted,
            joint=joint,
            memory=memory,
            progress=progress,
        )
        history = _continued(history, seen)
        for omega in omegas.values():
            new = Term(omega, members.shared.clone())
            terms = add_term(terms, new, settings.terms, settings.decay)
    return State(problem.tasks, members.theta, members.buffers, terms, history, memory or {})


def concatenated(states: Sequence[State]) -> State:
    """One state of all members of several that are equally far."""
    terms = [
        Term(torch.cat([term.omega for term in same]), torch.cat([term.anchor for term in same]))
        for same in zip(*(state.terms for state in states), strict=True)
    ]
    histories = [state.history for state in states]
    history = History(
        [torch.cat(seen) for seen in zip(*(h.loss for h in histories), strict=True)],
        [torch.cat(seen) for seen in zip(*(h.accuracy for h in histories), strict=True)],
        [torch.cat(seen) for seen in zip(*(h.penalty for h in histories), strict=True)],
        histories[0].epoch,
    )
    theta = torch.cat([state.theta for state in states])
    buffers = torch.cat([state.buffers for state in states])
    names = states[0].memory
    memory = {name: torch.cat([state.memory[name] for state in states]) for name in names}
    return State(states[0].stage, theta, buffers, terms, history, memory)


def base_state(problem: Problem, theta: Tensor, buffers: Tensor, members: int) -> State:
    """Members that all start from a trial's base model: ``theta`` (size,), ``buffers``
    (buffer_size,). Its evaluation, before any training, opens the history.
    """
    copies = members_of(problem, theta.expand(members, -1), buffers.expand(members, -1))
    plain = Penalty(torch.zeros(members, device=theta.device), [])
    seen = evaluate(problem, copies, 0, plain, 0.0)
    return State(0, copies.theta, copies.buffers, [], seen)


def train_first_task(
    problem: Problem,
    base: State,
    streams: Sequence[Stream],
    importance: Sequence[str],
    progress: Progress | None = None,
) -> tuple[State, dict[str, Tensor]]:
    """The part of a trial that all its lambdas share: the state after the first task, without
    terms, and Omega (members, shared) of each importance measure, from which `with_importance`
    makes the start of an importance measure's steps.
    """
    members = members_of(problem, base.theta, base.buffers)
    plain = Penalty(torch.zeros(len(members), device=members.theta.device), [])
    memory = _carried(problem, base)
    seen, omegas = train_stage(
        problem, members, 0, streams, plain, importance, memory=memory, progress=progress
    )
    history = _continued(base.history, seen)
    return State(1, members.theta, members.buffers, [], history, memory or {}), omegas


def with_importance(problem: Problem, state: State, omega: Tensor) -> State:
    """The state after the first task with its penalty term in place."""
    anchor = state.theta[:, : problem.layout.shared].clone()
    return replace(state, terms=[Term(omega, anchor)])


def members_of(problem: Problem, theta: Tensor, buffers: Tensor) -> Members:
    """Members with the weights ``theta`` (members, size) and ``buffers`` (members, buffer_size)."""
    settings = problem.settings
    return Members(
        problem.network,
        problem.layout,
        theta,
        buffers,
        settings.loss,
        settings.stacked,
        settings.bfloat16,
    )


def _carried(problem: Problem, start: State) -> Memory | None:
    """A copy of what the optimizer remembers where it goes on from task to task; else None."""
    if problem.settings.rule.optimizer_state == "reset":
        return None
    return {name: tensor.clone() for name, tensor in start.memory.items()}


def _continued(earlier: History, later: History) -> History:
    joined = History(
        list(earlier.loss), list(earlier.accuracy), list(earlier.penalty), list(earlier.epoch)
    )
    joined.extend(later)
    return joined
