"""Search a hypothesis set for the worst case of a bound, and keep what was found.

The search knows nothing of either paper: it is given an objective to maximise, a
way to draw starting points, and a projection onto the hypothesis set.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from companion import arguments
from companion.progress import watched

# Named tensors; during a search each has a leading axis of restarts.
Point = dict[str, Tensor]


@dataclass(frozen=True)
class Attack:
    """The worst point that a search found.

    Parameters
    ----------
    value : float
        The objective there.
    point : dict of str to Tensor
        Without the axis of restarts.
    seed, restarts, steps : int
        The search that found it.
    """

    value: float
    point: Point
    seed: int
    restarts: int
    steps: int


def _stay(point: Point) -> Point:
    return point


def search(
    objective: Callable[[Point], Tensor],
    draw: Callable[[torch.Generator, int], Point],
    project: Callable[[Point], Point] = _stay,
    *,
    restarts: int = 64,
    steps: int = 300,
    rate: float = 0.05,
    seed: int = 0,
) -> Attack:
    """Maximise an objective by projected gradient ascent from random restarts.

    Parameters
    ----------
    objective : callable
        Maps a point, every tensor with a leading axis of restarts, to values
        of shape (restarts,); differentiable almost everywhere.
    draw : callable
        ``draw(generator, restarts)`` gives starting points.
    project : callable, optional
        Maps points into the hypothesis set, at the start and after every step.
    restarts, steps : int
        How many starting points, and ascent steps from each.
    rate : float
        Step length of Adam.
    seed : int
        The same seed gives the same attack, to the bit.

    Returns
    -------
    Attack
        The best point seen at any step of any restart.

    Raises
    ------
    ValueError
        If a count or the rate is not positive, or the objective does not give
        one value a restart.

    Examples
    --------
    >>> found = search(
    ...     lambda p: 1.0 - (p["x"] - 2.0) ** 2,
    ...     lambda g, n: {"x": torch.randn(n, generator=g, dtype=torch.float64)},
    ... )
    >>> round(found.value, 6), round(float(found.point["x"]), 3)
    (1.0, 2.0)
    """
    restarts, steps = arguments.count("restarts", restarts), arguments.count("steps", steps)
    generator = torch.Generator().manual_seed(seed)
    start = project(draw(generator, restarts))
    point = {name: value.detach().clone().requires_grad_() for name, value in start.items()}
    rate = arguments.positive("rate", rate)
    first = {name: torch.zeros_like(value) for name, value in point.items()}
    second = {name: torch.zeros_like(value) for name, value in point.items()}
    best = Attack(-float("inf"), {}, seed, restarts, steps)
    for step in watched(range(steps + 1), "attack"):
        values = objective(point)
        if values.shape != (restarts,):
            raise ValueError(f"objective must give shape ({restarts},), got {tuple(values.shape)}")
        best = _better(best, values.detach(), point)
        if step == steps:
            break
        slopes = torch.autograd.grad(values.sum(), list(point.values()))
        moved = {
            name: point[name].detach() + rate * _adam(slope, first[name], second[name], step + 1)
            for name, slope in zip(point, slopes, strict=True)
        }
        point = {name: value.detach().requires_grad_() for name, value in project(moved).items()}
    return best


def _adam(slope: Tensor, first: Tensor, second: Tensor, step: int) -> Tensor:
    """Direction of Adam with its usual constants; updates both moments in place.

    Written out because importing ``torch.optim`` costs more than most searches.
    """
    first.mul_(0.9).add_(slope, alpha=0.1)
    second.mul_(0.999).addcmul_(slope, slope, value=0.001)
    return (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)


def _better(best: Attack, values: Tensor, point: Point) -> Attack:
    place = int(torch.nan_to_num(values, nan=-float("inf")).argmax())
    if not float(values[place]) > best.value:
        return best
    where = {name: value.detach()[place].clone() for name, value in point.items()}
    return Attack(float(values[place]), where, best.seed, best.restarts, best.steps)


def derivatives(
    function: Callable[[Tensor], Tensor], points: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Differentiate a function of a vector up to its Hessian, at many points.

    Attacks on Lipschitz and smoothness constants are confirmed with it: it knows no
    recursion, only the function.

    Parameters
    ----------
    function : callable
        Maps a vector of shape (p,) to a number, in operations that PyTorch can
        differentiate twice.
    points : Tensor of shape (R, p)

    Returns
    -------
    value : Tensor of shape (R,)
    gradient : Tensor of shape (R, p)
    hessian : Tensor of shape (R, p, p)

    Raises
    ------
    ValueError
        If points is no matrix of finite numbers.

    Examples
    --------
    >>> cube = derivatives(lambda x: (x**3).sum(), torch.tensor([[2.0]]))
    >>> [part.flatten().tolist() for part in cube]
    [[8.0], [12.0], [12.0]]
    """
    points = arguments.tensor("points", points, ("R", "p"))
    gradient, value = torch.func.vmap(torch.func.grad_and_value(function))(points)
    return value, gradient, torch.func.vmap(torch.func.hessian(function))(points)


def store(attack: Attack, path: Path | str, *, about: str, command: str) -> None:
    """Write an attack as JSON, with what is needed to find it again.

    Parameters
    ----------
    attack : Attack
    path : path
    about : str
        What was attacked, in a sentence.
    command : str
        What to run to find it again.
    """
    record = {
        "about": about,
        "command": command,
        "value": attack.value,
        "point": {name: value.tolist() for name, value in attack.point.items()},
        "seed": attack.seed,
        "restarts": attack.restarts,
        "steps": attack.steps,
        "versions": {"python": platform.python_version(), "torch": torch.__version__.split("+")[0]},
    }
    Path(path).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def load(path: Path | str) -> Attack:
    """Read an attack that :func:`store` wrote, in float64.

    Parameters
    ----------
    path : path

    Returns
    -------
    Attack

    Raises
    ------
    ValueError
        If the file is missing or is not a stored attack.
    """
    try:
        record = json.loads(Path(path).read_text(encoding="utf-8"))
        point = {k: torch.tensor(v, dtype=torch.float64) for k, v in record["point"].items()}
        return Attack(record["value"], point, record["seed"], record["restarts"], record["steps"])
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"path must name a stored attack, got {path} ({error})") from None
