"""The units divided over processes: the same run, and what happens when a process is lost.

Processes are forked from the test, so that they see the module as the test does, changed
or not; the last test starts them with torchrun, as users do.
"""

import os
import signal
import subprocess
import sys
import textwrap
from datetime import timedelta

import pytest
import torch
import torch.distributed as dist

from companion.activations import tanh
from companion.diagonal import sharded
from companion.diagonal.rnn import DiagonalRNN, summed, symmetric_initialisation
from companion.diagonal.sharded import own_units, shard, sharded_gradient_descent
from companion.diagonal.trainers import gradient_descent

PARTS = ("risks", "movement_w", "movement_u")


class Interruption(Exception):
    pass


@pytest.fixture
def shape():
    """One activation: how the units are divided does not depend on it."""
    return tanh


@pytest.fixture
def alone():
    """A process group of one process."""
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def answer(work, rank, processes, store, result):
    """What a forked process does: it works and stores what came of it."""
    signal.alarm(60)
    dist.init_process_group(
        "gloo",
        store=dist.FileStore(str(store), processes),
        rank=rank,
        world_size=processes,
        timeout=timedelta(seconds=30),
    )
    try:
        run = work(rank)
        found = {part: getattr(run, part) for part in PARTS} | {"w": run.last.w, "u": run.last.u}
    except (ValueError, RuntimeError) as error:
        found = (type(error).__name__, str(error))
    torch.save(found, result)


def spread(work, folder, processes=2):
    """Run ``work(rank)`` in forked processes; return what each leaves, None if it was killed."""
    store, children = folder / "store", []
    store.unlink(missing_ok=True)
    results = [folder / f"result{rank}" for rank in range(processes)]
    for rank, result in enumerate(results):
        result.unlink(missing_ok=True)
        child = os.fork()
        if child == 0:
            try:
                answer(work, rank, processes, store, result)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return [torch.load(result) if result.exists() else None for result in results]


def whole(rnn, parts, processes, name):
    """Put the units of all processes back where they were."""
    together = torch.empty_like(getattr(rnn, name))
    for rank, part in enumerate(parts):
        together[own_units(rnn.width, rank, processes)] = part[name]
    return together


def descend(problem, processes=2, steps=7, **settings):
    """The work of one process."""
    rnn, X, Y = problem
    return lambda rank: sharded_gradient_descent(
        shard(rnn, rank, processes), X, Y, 0.05, steps, **settings
    )


def same(found, expected):
    return all(torch.equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("width, processes", [(10, 1), (10, 3), (10, 5), (7, 3), (7, 7), (1, 1)])
def test_every_unit_has_one_process(width, processes):
    parts = [own_units(width, rank, processes).tolist() for rank in range(processes)]
    assert sorted(sum(parts, [])) == list(range(width))
    together = 2 - width % 2
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) in (0, together) and set(sizes) <= {
        together * (width // together // processes + extra) for extra in (0, 1)
    }
    if together == 2:
        for part in parts:
            half = len(part) // 2
            assert [i + width // 2 for i in part[:half]] == part[half:]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ((10, 2, 2), "rank must be below processes = 2, got 2"),
        ((10, -1, 2), "rank must be at least 0, got -1"),
        ((10, 0, 0), "processes must be at least 1, got 0"),
        ((10, 0, 6), "width 10 is too small for 6 processes"),
        ((7, 0, 8), "width 7 is too small for 8 processes"),
    ],
)
def test_a_process_without_units_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        own_units(*arguments)


def test_the_sums_of_shards_add_up(problem):
    rnn, X, _ = problem
    states = torch.randn(3, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    sums = [summed(shard(rnn, r, 2), states[:, own_units(6, r, 2)]) for r in range(2)]
    assert torch.allclose(sums[0] + sums[1], summed(rnn, states), rtol=1e-13)
    part = shard(rnn, 1, 2)
    assert torch.equal(part.w, rnn.w[[2, 5]]) and torch.equal(part.u, rnn.u[[2, 5]])
    assert part.activation is rnn.activation


def test_one_process_is_a_run_without_any(problem, alone):
    rnn, X, Y = problem
    run, single = descend(problem, 1)(0), gradient_descent(rnn, X, Y, 0.05, 7)
    for part in PARTS:
        assert torch.equal(getattr(run, part), getattr(single, part))
    assert torch.equal(run.last.w, single.last.w) and torch.equal(run.last.u, single.last.u)


@pytest.mark.parametrize("width, processes", [(6, 2), (6, 3), (5, 2)])
def test_processes_compute_what_one_computes(problem, tmp_path, width, processes):
    rnn, X, Y = problem
    rnn = DiagonalRNN(rnn.w[:width], rnn.u[:width], rnn.c[:width], rnn.activation)
    single = gradient_descent(rnn, X, Y, 0.05, 7)
    # One process has its targets in another order of memory.
    found = spread(
        lambda rank: descend((rnn, X, Y.T.contiguous().T if rank else Y), processes)(rank),
        tmp_path,
        processes,
    )
    for part in PARTS:
        for answer in found:
            assert torch.equal(answer[part], found[0][part])
        assert torch.allclose(found[0][part], getattr(single, part), rtol=1e-10, atol=1e-10)
    for name in ("w", "u"):
        last = whole(rnn, found, processes, name)
        assert torch.allclose(last, getattr(single.last, name), rtol=1e-10, atol=1e-10)


def test_the_symmetric_initialisation_has_output_zero(generator, tmp_path):
    rnn = symmetric_initialisation(10, 2, 0.9, tanh, generator)
    X, Y = torch.full((2, 3, 2), 0.5, dtype=torch.float64), torch.ones(2, 3, dtype=torch.float64)
    for answer in spread(descend((rnn, X, Y), steps=1), tmp_path):
        assert answer["risks"][0] == pytest.approx(3.0, rel=1e-15)


def test_a_step_costs_one_exchange_of_outputs(problem, alone, monkeypatch):
    sizes, reduce = [], dist.all_reduce

    def counted(tensor, *arguments, **settings):
        sizes.append(tuple(tensor.shape))
        return reduce(tensor, *arguments, **settings)

    monkeypatch.setattr(dist, "all_reduce", counted)
    descend(problem, 1)(0)
    assert sizes == [(4, 5)] * 8 + [(2, 8)]


def test_one_bar_for_all_processes(problem, alone, monkeypatch):
    watched = []
    monkeypatch.setattr(sharded, "watched", lambda steps, name: watched.append(name) or steps)
    descend(problem, 1)(0)
    assert watched == ["gradient descent"]
    monkeypatch.setattr(dist, "get_rank", lambda: 1)
    sharded_gradient_descent(*problem, 0.05, 1)
    assert len(watched) == 1


@pytest.mark.parametrize("interrupted_at", [3, 4, 7])
def test_an_interrupted_run_continues_to_the_bit(
    problem, alone, monkeypatch, tmp_path, interrupted_at
):
    monkeypatch.setattr(sharded, "CHECKPOINT_EVERY", 2)
    path, complete, calls = tmp_path / "run.pt", descend(problem, 1, 9)(0), []

    def interrupt(*problem):
        calls.append(1)
        if len(calls) > interrupted_at:
            raise Interruption
        return passes(*problem)

    passes = sharded.two_passes
    with monkeypatch.context() as patch:
        patch.setattr(sharded, "two_passes", interrupt)
        with pytest.raises(Interruption):
            descend(problem, 1, 9, checkpoint=path)(0)
    held = {file.name: steps_of(file) for file in tmp_path.iterdir()}
    newest = interrupted_at // 2 * 2
    expected = {"run.pt.0-of-1": newest, "run.pt.0-of-1.before": newest - 2}
    assert held == {name: step for name, step in expected.items() if step}
    monkeypatch.setattr(sharded, "two_passes", lambda *problem: calls.append(1) or passes(*problem))
    calls.clear()
    ended = descend(problem, 1, 9, checkpoint=str(path))(0)
    assert len(calls) == 10 - newest
    for part in PARTS:
        assert torch.equal(getattr(ended, part), getattr(complete, part))
    assert torch.equal(ended.last.w, complete.last.w)
    assert torch.equal(ended.last.u, complete.last.u)
    assert steps_of(tmp_path / "run.pt.0-of-1") == 8  # the last one, not the one resumed from
    assert steps_of(tmp_path / "run.pt.0-of-1.before") == 6


def steps_of(file):
    return len(torch.load(file, weights_only=True)["records"])


def test_a_run_that_resumes_does_not_write_what_it_read(problem, alone, monkeypatch, tmp_path):
    monkeypatch.setattr(sharded, "CHECKPOINT_EVERY", 2)
    settings = {"checkpoint": tmp_path / "run.pt"}
    descend(problem, 1, 5, **settings)(0)
    before = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    descend(problem, 1, 4, **settings)(0)
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == before
    with pytest.raises(ValueError, match="run.pt holds 4 steps, more than steps = 3"):
        descend(problem, 1, 3, **settings)(0)


def killed_in(place, at):
    """Have this process killed when it comes to a place for the given time, from 1."""
    owner, name = place
    function, calls = getattr(owner, name), []

    def fatal(*arguments, **settings):
        calls.append(1)
        if len(calls) == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **settings)

    setattr(owner, name, fatal)


@pytest.mark.parametrize(
    "place, at, held",
    [
        ((dist, "all_reduce"), 6, [{4, 2}, {4, 2}]),  # between two checkpoints
        ((sharded._Files, "save"), 1, [{2}, set()]),
        ((sharded._Files, "save"), 2, [{4, 2}, {2}]),
        ((sharded._Files, "save"), 3, [{6, 4}, {4, 2}]),
        ((sharded.checkpoint, "write"), 3, [{6, 4}, {4}]),  # between moving and writing
        ((dist, "all_gather_object"), 1, [set(), set()]),
    ],
)
def test_a_lost_process_ends_the_run_and_a_checkpoint_resumes_it(
    problem, monkeypatch, tmp_path, place, at, held
):
    monkeypatch.setattr(sharded, "CHECKPOINT_EVERY", 2)
    folder = tmp_path / "kept"
    folder.mkdir()
    work = descend(problem, 2, 9, checkpoint=folder / "run.pt")

    def lose(rank):
        if rank:
            killed_in(place, at)
        return work(rank)

    survivor, lost = spread(lose, tmp_path)
    assert lost is None and survivor[0] == "RuntimeError"
    assert "another of the 2 processes has ended or does not answer" in survivor[1]
    assert f"start all again with checkpoint {folder / 'run.pt'} to go on" in survivor[1]
    assert steps_held(folder) == held
    # Lost again before it writes anything: the step in common must still be there.
    common = max(set.intersection(*held), default=0)
    place, at = (sharded._Files, "save"), 1
    assert spread(lose, tmp_path)[1] is None
    assert max(set.intersection(*steps_held(folder)), default=0) == common
    complete = spread(descend(problem, 2, 9), tmp_path)
    assert all(same(*pair) for pair in zip(spread(work, tmp_path), complete, strict=True))


def steps_held(folder):
    """The steps whose state each of two processes has on disk."""
    return [{steps_of(file) for file in folder.glob(f"run.pt.{rank}-of-2*")} for rank in range(2)]


def test_without_a_checkpoint_a_lost_process_ends_the_run(problem, tmp_path):
    def lose(rank):
        if rank:
            killed_in((dist, "all_reduce"), 9)  # the movement, after the last step
        return descend(problem)(rank)

    survivor, lost = spread(lose, tmp_path)
    assert lost is None and survivor[0] == "RuntimeError"
    assert survivor[1].startswith("at step 8 another of the 2 processes has ended")
    assert "with a checkpoint it could be resumed" in survivor[1]


def test_processes_without_a_step_in_common_begin_again(problem, monkeypatch, tmp_path):
    monkeypatch.setattr(sharded, "CHECKPOINT_EVERY", 2)
    folder = tmp_path / "kept"
    folder.mkdir()
    work = descend(problem, 2, 9, checkpoint=folder / "run.pt")
    complete = spread(work, tmp_path)
    for file in folder.glob("run.pt.1-of-2*"):
        file.unlink()
    assert all(same(*pair) for pair in zip(spread(work, tmp_path), complete, strict=True))
    assert steps_held(folder) == [{6, 8}, {6, 8}]


@pytest.mark.parametrize("change", ["X", "Y", "step_size", "steps", "activation", "checkpoint"])
def test_processes_with_different_problems_all_refuse(problem, tmp_path, change):
    rnn, X, Y = problem

    def work(rank):
        given = {"rnn": shard(rnn, rank, 2), "X": X, "Y": Y, "step_size": 0.05, "steps": 2}
        others = {"X": 0.9 * X, "Y": Y + 0.1, "step_size": 0.06, "steps": 3}
        if change == "activation":
            other = rnn.activation.rescaled(1.0, 2.0)
            others["rnn"] = DiagonalRNN(given["rnn"].w, given["rnn"].u, given["rnn"].c, other)
        others["checkpoint"] = tmp_path / "run.pt"
        name = "rnn" if change == "activation" else change
        return sharded_gradient_descent(**(given | ({name: others[name]} if rank else {})))

    for kind, message in spread(work, tmp_path):
        assert kind == "ValueError" and message.startswith("the processes were given different X")


def test_a_checkpoint_of_another_run_is_refused_by_all(problem, monkeypatch, tmp_path):
    rnn, X, Y = problem
    monkeypatch.setattr(sharded, "CHECKPOINT_EVERY", 2)
    path = tmp_path / "run.pt"
    spread(descend(problem, 2, 5, checkpoint=path), tmp_path)

    def changed(rank):  # in units of the second process only
        other = rnn.at(rnn.w + torch.tensor([0, 0, 1, 0, 0, 0], dtype=rnn.w.dtype), rnn.u)
        return descend((other, X, Y), 2, 5, checkpoint=path)(rank)

    for kind, message in spread(changed, tmp_path):
        assert kind == "ValueError"
        assert "run.pt.1-of-2" in message and "belongs to another run" in message
    for processes in (1, 3):
        for kind, message in spread(
            descend(problem, processes, 5, checkpoint=path), tmp_path, processes
        ):
            assert kind == "ValueError"
            assert f"belongs to a run of 2 processes, not {processes}" in message


@pytest.mark.parametrize("change", ["X", "Y", "step_size", "u", "c"])
def test_a_checkpoint_knows_its_run(problem, alone, monkeypatch, tmp_path, change):
    rnn, X, Y = problem
    monkeypatch.setattr(sharded, "CHECKPOINT_EVERY", 2)
    given = {"rnn": rnn, "X": X, "Y": Y, "step_size": 0.05, "steps": 5}
    settings = {"checkpoint": tmp_path / "run.pt"}
    sharded_gradient_descent(**given, **settings)
    others = {
        "X": {"X": 0.9 * X},
        "Y": {"Y": Y + 0.1},
        "step_size": {"step_size": 0.06},
        "u": {"rnn": rnn.at(rnn.w, rnn.u + 1.0)},
        "c": {"rnn": DiagonalRNN(rnn.w, rnn.u, -rnn.c, rnn.activation)},
    }
    with pytest.raises(ValueError, match="belongs to another run; remove it or name another"):
        sharded_gradient_descent(**(given | others[change]), **settings)


def test_a_diverging_run_ends_in_every_process(tmp_path):
    # The weights of the second process never move; those of the first overflow.
    rnn = DiagonalRNN([0.5] * 4, [[1.0]] * 4, [1.0, 0.0, 1.0, 0.0], tanh)
    X, Y = torch.full((1, 2, 1), 0.5).double(), torch.full((1, 2), 100.0).double()
    for kind, message in spread(
        lambda rank: sharded_gradient_descent(shard(rnn, rank, 2), X, Y, 1e308, 5), tmp_path
    ):
        assert kind == "ValueError"
        assert message == "step_size 1e+308 is too large: the outputs overflow after 1 steps"


def test_weights_that_overflow_in_part(alone):
    rnn = DiagonalRNN([0.0], [[0.0]], [1.0], tanh)  # the derivative in w is zero at first
    X, Y = torch.ones(1, 2, 1).double(), torch.full((1, 2), 100.0).double()
    with pytest.raises(ValueError, match="overflow after 1 steps"):
        sharded_gradient_descent(rnn, X, Y, 1e308, 5)


@pytest.mark.parametrize(
    "change, message",
    [
        ({"step_size": 0.0}, "step_size must be positive, got 0.0"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"X": torch.full((4, 5, 3), 2.0).double()}, "X must have vectors of Euclidean norm"),
        ({"Y": torch.ones(4, 4).double()}, r"Y must have shape \(4, 5\), got \(4, 4\)"),
    ],
)
def test_refusals(problem, alone, change, message):
    rnn, X, Y = problem
    arguments = {"rnn": rnn, "X": X, "Y": Y, "step_size": 0.1, "steps": 2}
    with pytest.raises(ValueError, match=message):
        sharded_gradient_descent(**(arguments | change))


def test_a_folder_that_does_not_exist_is_seen_before_the_first_step(problem, alone, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        descend(problem, 1, checkpoint=tmp_path / "nowhere" / "run.pt")(0)


def test_without_a_process_group(problem):
    with pytest.raises(ValueError, match="process group has not been initialized"):
        sharded_gradient_descent(*problem, 0.1, 2)


# A changed module would not be seen by the interpreters that torchrun starts.
started = pytest.mark.skipif(
    getattr(sharded, "__file__", None) is None, reason="the module under test is a changed one"
)

LOSE_ONE = """
import os, runpy, signal
import torch.distributed as dist
from companion.diagonal import sharded
def fatal(*arguments, **settings):
    calls.append(1)
    if len(calls) == 426 and dist.get_rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return reduce(*arguments, **settings)
calls, reduce, dist.all_reduce = [], dist.all_reduce, fatal
runpy.run_path("train.py")
"""


@pytest.fixture
def script(tmp_path):
    """The script of the module's page, and one that runs it and loses a process at step 425."""
    text = sharded.__doc__.split("::\n", 1)[1].split("\n\nIf a process is lost")[0]
    (tmp_path / "train.py").write_text(textwrap.dedent(text))
    (tmp_path / "lose.py").write_text(LOSE_ONE)
    return tmp_path


def torchrun(folder, *arguments):
    """Run two processes as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
        + list(arguments),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def risks(run):
    assert run.returncode == 0, run.stderr[-2000:]
    return [float(word) for word in run.stdout.split()]


def expected_risks():
    generator = torch.Generator().manual_seed(1)
    rnn = symmetric_initialisation(1000, 2, 0.5, tanh, generator)
    X = torch.rand(8, 5, 2, generator=generator, dtype=torch.float64) / 2
    run = gradient_descent(rnn, X, X.sum(dim=2), 0.01, 450)
    return [float(run.risks[0]), float(run.risks[-1])]


@started
def test_torchrun_and_a_lost_process(script):
    # Leave the other the time to say what it has seen, before torchrun ends it.
    lost = torchrun(script, "--monitor-interval", "2", "lose.py")
    assert lost.returncode != 0 and lost.stdout == ""
    assert "RuntimeError: at step 425 another of the 2 processes has ended" in lost.stderr
    assert "start all again with checkpoint run.pt to go on" in lost.stderr
    assert steps_held(script) == [{200, 400}, {200, 400}]
    resumed = risks(torchrun(script, "train.py"))
    assert resumed == pytest.approx(expected_risks(), rel=1e-10, abs=1e-10)
