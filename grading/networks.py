# grading/networks.py of backprop.py. SPDX-License-Identifier: MIT-0
import copy
import functools
import re

import numpy as np

from grading.finding import load
from grading.reading import new_file

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


HIDDEN = {  # each activation of hidden layers, its derivative at Z, and the same from A
    "sigmoid": (logistic, lambda Z: logistic(Z) * (1 - logistic(Z)), lambda A: A * (1 - A)),
    "tanh": (np.tanh, lambda Z: 1 - np.tanh(Z) ** 2, lambda A: 1 - A**2),
    "ReLU": (lambda Z: np.maximum(Z, 0), lambda Z: Z > 0, lambda A: A > 0),
}


def file_of(text, hidden):
    """Return a file of this text, whose g and dg are those of a hidden activation."""
    names = dict(zip(("g", "dg", "dg_A"), HIDDEN[hidden]), np=np, sigmoid=logistic, HIDDEN=HIDDEN)
    return load(new_file(None, names), [("line", text)])


@functools.cache
def plain(hidden, text=""):
    """Return the plain functions as a file; with the text of one, that in place of its own."""
    if not text:
        file = file_of(PLAIN, hidden)
        file.g, file.known, file.hidden = hidden, True, None
        return file
    file = copy.copy(plain(hidden))
    exec(text, names := {**file.names})
    file.taken = {six: of._replace(function=names[six]) for six, of in file.taken.items()}
    return file


ENTRIES = {  # A: an epsilon of 1e-7 in the logarithm passes, a clip at 0.01 does not
    "W": [1, -1, 2, -2, 0],
    "b": [1, -1, 3, -3],
    "X": [1, -1, 2, -2, 0],
    "A": [0.5, 0.25, 0.75, 0.1, 0.9, 0.2, 0.6, 0.002, 0.998],
    "grads": [1, -1, 0.5, -0.25, 3, 20],
}


def net_of(sizes, m, seed=None):
    """Return a network of these sizes with m samples, and all else that one of the six may take.

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

    def largest(Z):
        return max(abs(plain(g).names["forward"](params, X)[1][Z]).max() for g in HIDDEN)

    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), start=1):
        params[f"W{l}"] = draw("W", n, n_prev)
        params[f"b{l}"] = draw("b", n, 1) / (2**l if small else 1)
    X, A = draw("X", sizes[0], m), draw("A", sizes[-1], m)
    Y = (np.arange(m) + np.arange(sizes[-1])[:, None]) % 2.0
    while small and largest(f"Z{L}") >= 4:
        params |= {f"W{L}": params[f"W{L}"] / 2, f"b{L}": params[f"b{L}"] / 2}
    grads = {key: draw("grads", *P.shape) for key, P in params.items()}
    lr, steps = ([0.02, 0.5, 1e-7][seed], 1 + (m + seed) % 4) if small else (0.3, 2 + m % 3)
    return dict(sizes=sizes, params=params, X=X, Y=Y, A=A, grads=grads, lr=lr, steps=steps)


@functools.cache
def networks(layers):
    """Return {kind: networks with so many hidden layers (None: any), the smallest first}.

    small ones, which show a mistake; irregular ones, which name it; square ones, which name it if
    it is a transpose, which does not fit elsewhere.
    """
    depths = (1, 2, 3) if layers is None else (layers,)
    made = {"small": [], "irregular": [], "square": []}
    for depth in depths:
        for widths in ((1,), (1, 2), (2, 1), (2, 3), (3, 2)):
            sizes = (*(widths * 9)[: depth + 1], 1)
            made["small"] += [net_of(sizes, m, seed) for m in (2, 3) for seed in range(3)]
        for m, widths in ((5, (4, 3, 2)), (7, (3, 2, 4)), (40, (2, 4, 3))):
            made["irregular"].append(net_of((*(widths * 9)[: depth + 1], 1), m))
        made["square"] += [net_of((3,) * (depth + 2), m) for m in (3, 7)]
    made["small"].sort(key=lambda net: sum(map(np.size, leaves(net))))
    return made


def leaves(thing):
    """The arrays and numbers in dicts and sequences."""
    inner = thing.values() if isinstance(thing, dict) else thing
    if isinstance(thing, (dict, tuple, list)):
        return [leaf for each in inner for leaf in leaves(each)]
    return [thing]
