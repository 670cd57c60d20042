"""Empirical tangent kernels by neural-tangents, compiled ahead of the clock."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator

import jax
import jax.numpy as jnp
import numpy
import torch
from torch import Tensor

from companion.diagonal.rnn import DiagonalRNN
from companion.relu.rnn import ReLURNN


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Send what libraries write to the standard error nowhere; exceptions still rise."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


# neural-tangents imports names that jax has deprecated, and tensorflow, which talks.
with silence(), warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import neural_tangents

jax.config.update("jax_enable_x64", False)

DIAGONAL, RELU = 1, 2
"""Implementations of neural-tangents that are its fastest for paper A and paper B."""


def to_jax(value: Tensor) -> jax.Array:
    """Return a copy as an array of jax."""
    return jnp.asarray(numpy.asarray(value))


def compiled(kernel: Callable, X: Tensor, parameters) -> Callable[[], Tensor]:
    """Compile the kernel of X with itself; the result runs it."""
    x = to_jax(X)
    run = jax.jit(lambda x, parameters: kernel(x, None, parameters)).lower(x, parameters).compile()
    return lambda: torch.from_numpy(numpy.array(jax.block_until_ready(run(x, parameters))))


def diagonal_outputs(parameters, c: jax.Array, X: jax.Array) -> jax.Array:
    """Outputs of the diagonal network at all times, (n, T).

    A scan: with a Python loop XLA computes states many times over, 30 times slower.
    """
    w, u = parameters

    def step(h: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        h = jnp.tanh(w * h + x @ u.T)
        return h, h @ c

    start = jnp.zeros((len(X), len(w)))
    return jax.lax.scan(step, start, X.swapaxes(0, 1))[1].T / len(w) ** 0.5


def gram(rnn: DiagonalRNN, X: Tensor) -> Callable[[], Tensor]:
    """Gram matrix of paper A for all t: runs to (T, n, n)."""
    c = to_jax(rnn.c)
    kernel = neural_tangents.empirical_ntk_fn(
        lambda parameters, X: diagonal_outputs(parameters, c, X),
        trace_axes=(),
        diagonal_axes=(1,),  # pairs of different times are not asked for
        vmap_axes=0,
        implementation=DIAGONAL,
    )
    run = compiled(kernel, X, (to_jax(rnn.w), to_jax(rnn.u)))
    return lambda: run().permute(2, 0, 1)


def gram_last(rnn: DiagonalRNN, X: Tensor) -> Callable[[], Tensor]:
    """Gram matrix of paper A at the last t: runs to (n, n)."""
    c = to_jax(rnn.c)
    kernel = neural_tangents.empirical_ntk_fn(
        lambda parameters, X: diagonal_outputs(parameters, c, X)[:, -1],
        trace_axes=(),
        vmap_axes=0,
        implementation=DIAGONAL,
    )
    return compiled(kernel, X, (to_jax(rnn.w), to_jax(rnn.u)))


def relu_gram(rnn: ReLURNN, X: Tensor) -> Callable[[], Tensor]:
    """Gram matrix of paper B: runs to (n, n)."""
    A, M_0, B = to_jax(rnn.A), to_jax(rnn.M_0), to_jax(rnn.B)

    def outputs(W: jax.Array, X: jax.Array) -> jax.Array:
        h = jnp.broadcast_to(jnp.maximum(M_0, 0.0), (len(X), len(M_0)))
        for step in range(X.shape[1]):
            h = jnp.maximum(h @ W.T + X[:, step] @ A.T, 0.0)
        return h @ B

    kernel = neural_tangents.empirical_ntk_fn(
        outputs, trace_axes=(), vmap_axes=0, implementation=RELU
    )
    run = compiled(kernel, X, to_jax(rnn.W))
    return lambda: run() / rnn.width
