# grading/networks.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The networks that a file is asked about, and plain functions that know what is right.

A net is a dict of all that a task may take: sizes, params, X, Y, A, grads, lr, steps.
"""

import functools
import re
from itertools import product

import numpy as np

PLAIN = """
def init_params(sizes):
    params = {}
    for l in range(1, len(sizes)):
        n, n_prev = sizes[l], sizes[l - 1]
        params[f"W{l}"] = np.random.randn(n, n_prev) * np.sqrt(1 / n_prev)
        params[f"b{l}"] = np.zeros((n, 1))
    return params


def forward(params, X):
    L, A, cache = len(params) // 2, X, {"A0": X}
    for l in range(1, L + 1):
        W, b = params[f"W{l}"], params[f"b{l}"]
        Z = W @ A + b
        A = g(Z) if l < L else sigmoid(Z)
        cache[f"Z{l}"], cache[f"A{l}"] = Z, A
    return A, cache


def bce(A, Y):
    m = Y.shape[1]
    losses = -(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return np.sum(losses) / m


def backward(params, cache, Y):
    L, m, grads = len(params) // 2, Y.shape[1], {}
    A = cache[f"A{L}"]
    dZ = A - Y
    for l in range(L, 0, -1):
        W, A_prev, Z_prev = params[f"W{l}"], cache[f"A{l - 1}"], cache.get(f"Z{l - 1}")
        grads[f"W{l}"] = dZ @ A_prev.T / m
        grads[f"b{l}"] = np.sum(dZ, axis=1, keepdims=True) / m
        if l > 1:
            dA_prev = W.T @ dZ
            dZ = dA_prev * dg(Z_prev)
    return grads


def update(params, grads, lr):
    return {key: P - lr * grads[key] for key, P in params.items()}


def train(params, X, Y, lr, steps):
    losses = []
    for step in range(steps):
        A, cache = forward(params, X)
        losses.append(bce(A, Y))
        grads = backward(params, cache, Y)
        params = update(params, grads, lr)
    return params, losses
"""
TEXT = {re.match(r"def (\w+)", text)[1]: text for text in PLAIN.strip().split("\n\n\n")}


def logistic(Z):
    return 1 / (1 + np.exp(-Z))


ACTIVATIONS = {  # of hidden layers; the derivative at Z, and the same from A
    "sigmoid": (logistic, lambda Z: logistic(Z) * (1 - logistic(Z)), lambda A: A * (1 - A)),
    "tanh": (np.tanh, lambda Z: 1 - np.tanh(Z) ** 2, lambda A: 1 - A**2),
    "ReLU": (lambda Z: np.maximum(Z, 0), lambda Z: Z > 0, lambda A: A > 0),
}


@functools.cache
def plain(activation, text=PLAIN):
    """Return the names of the plain functions; with the text of one, that in place of its own."""
    g, dg, dg_A = ACTIVATIONS[activation]
    D = {name: dg for name, (_, dg, _) in ACTIVATIONS.items()}
    names = dict(np=np, sigmoid=logistic, g=g, dg=dg, dg_A=dg_A, D=D)
    names |= {} if text is PLAIN else {task: plain(activation)[task] for task in TEXT}
    exec(text, names)
    return names


ENTRIES = {  # A: an epsilon of 1e-7 in the logarithm passes, a clip at 0.01 does not
    "W": [1, -1, 2, -2, 0],
    "b": [1, -1, 3, -3],
    "X": [1, -1, 2, -2, 0],
    "A": [0.5, 0.25, 0.75, 0.1, 0.9, 0.2, 0.6, 0.002, 0.998],
    "grads": [1, -1, 0.5, -0.25, 3, 20],
}


@functools.cache
def net_of(sizes, m, seed=None, steps=None):
    """Return a network of these sizes with m samples, and all else that a task may take.

    With a seed in round numbers, to be worked out on paper, most are 1 for seed 0; in layer l, b is
    an odd multiple of 2 ** -l, all else is whole: no Z is 0, ReLU's kink. Without a seed in numbers
    that hardly two mistakes share.
    """
    small, L, params = seed is not None, len(sizes) - 1, {}
    rng = np.random.RandomState(seed if small else m)

    def draw(what, *shape):
        if small:
            return rng.choice(ENTRIES[what] if seed else ENTRIES[what][:1], shape).astype(float)
        if what == "A":
            return np.where(np.arange(shape[1]) > 0, rng.uniform(0.1, 0.9, shape), 0.002)
        return rng.normal(0, {"W": shape[1] ** -0.5, "b": 0.5, "X": 1, "grads": 8}[what], shape)

    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), start=1):
        params[f"W{l}"] = draw("W", n, n_prev)
        params[f"b{l}"] = draw("b", n, 1) / (2**l if small else 1)
    X, A = draw("X", sizes[0], m), draw("A", sizes[-1], m)
    Y = (np.arange(m) + np.arange(sizes[-1])[:, None]) % 2.0
    forwards = [plain(g)["forward"] for g in ACTIVATIONS]
    while small and max(abs(f(params, X)[1][f"Z{L}"]).max() for f in forwards) >= 4:
        params |= {f"W{L}": params[f"W{L}"] / 2, f"b{L}": params[f"b{L}"] / 2}
    grads = {key: draw("grads", *P.shape) for key, P in params.items()}
    lr, few = ([0.02, 0.5, 1e-7][seed], 1 + (m + seed) % 4) if small else (0.3, 2 + m % 3)
    net = dict(sizes=sizes, params=params, X=X, Y=Y, A=A, grads=grads, lr=lr, steps=steps or few)
    return {**net, "key": (sizes, m, seed, steps)}  # net_of(*key) is this net


@functools.cache
def networks(kind, depth):
    """Return nets with so many hidden layers (None: 1, 2 and 3) of a kind, the smallest first.

    small ones show a mistake, irregular ones name it, square ones name it if it is a transpose,
    which does not fit elsewhere.
    """
    depths = (1, 2, 3) if depth is None else (depth,)
    if kind == "square":
        return [net_of((3,) * (n + 2), m) for n in depths for m in (3, 7)]
    if kind == "irregular":
        wide = ((4, 3, 2), 5), ((3, 2, 4), 7), ((2, 4, 3), 40)
        return [net_of((*(widths * 9)[: n + 1], 1), m) for n in depths for widths, m in wide]
    nets = []
    for n, widths, m in product(depths, ((1,), (1, 2), (2, 1), (2, 3), (3, 2)), (2, 3)):
        seeds = range(3) if n in (1, depth) else (1,)
        nets += [net_of((*(widths * 9)[: n + 1], 1), m, seed) for seed in seeds]
    return nets
