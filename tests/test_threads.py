"""Blocks are shared out completely, in order, and leave PyTorch's threads as they were."""

import threading

import pytest
import torch

from companion.activations import tanh
from companion.diagonal.ntk import gram, last_gram
from companion.diagonal.risk import risk_and_gradient
from companion.diagonal.rnn import symmetric_initialisation
from companion.relu import infinite_width
from companion.threads import shared_out

CPU = torch.device("cpu")


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    assert torch.get_num_threads() == request.param
    torch.set_num_threads(before)


def test_every_part_is_done_once_in_its_share(threads):
    shares = shared_out(list, range(7), CPU, "counting")
    assert shares == [list(range(7))[k::threads] for k in range(threads)]


def test_few_parts_need_few_threads(threads):
    assert shared_out(list, [5], CPU, "counting") == [[5]]
    assert shared_out(list, [], CPU, "counting") == [[]]


def test_a_device_is_not_shared_out(threads):
    assert shared_out(list, range(4), torch.device("meta"), "counting") == [[0, 1, 2, 3]]


def test_a_share_runs_on_one_thread_of_its_own(threads):
    together = threading.Barrier(threads)

    def work(share):
        together.wait(timeout=30.0)  # no share ends before all have begun
        return torch.get_num_threads(), torch.is_grad_enabled(), threading.current_thread()

    with torch.no_grad():
        inside, tracking, where = zip(*shared_out(work, range(6), CPU, "looking"), strict=True)
    assert set(inside) == {1} and not any(tracking)
    assert len(set(where)) == threads
    assert all(shared_out(lambda share: torch.is_grad_enabled(), range(6), CPU, "looking"))


def test_an_error_comes_through_and_threads_are_restored(threads):
    def work(share):
        raise ArithmeticError(f"share {list(share)}")

    with pytest.raises(ArithmeticError, match="share"):
        shared_out(work, range(4), CPU, "failing")


def test_kernels_and_gradients_do_not_depend_on_the_threads(monkeypatch, threads):
    generator = torch.Generator().manual_seed(0)
    rnn = symmetric_initialisation(30, 2, 0.5, tanh, generator)
    rnn = rnn.at(rnn.w + 0.01 * torch.randn(30, generator=generator, dtype=torch.float64), rnn.u)
    X = torch.rand(5, 4, 2, generator=generator, dtype=torch.float64) - 0.5
    Y = torch.randn(5, 4, generator=generator, dtype=torch.float64)

    def everything():
        risk, *gradient = risk_and_gradient(rnn, X, Y)
        found = [gram(rnn, X), gram(rnn, X, X[:2]), last_gram(rnn, X), *gradient]
        return [*found, infinite_width.kernel(X), torch.tensor(risk)]

    whole = everything()
    for module, name in (("diagonal.ntk", "BLOCK"), ("diagonal.risk", "BLOCK")):
        monkeypatch.setattr(f"companion.{module}.{name}", 60)
    monkeypatch.setattr(infinite_width, "TILE", 2)
    for found, expected in zip(everything(), whole, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-14)
