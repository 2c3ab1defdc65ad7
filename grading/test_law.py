# grading/test_law.py of backprop.py. SPDX-License-Identifier: MIT-0
"""The laws of check_gradients: a right network is right in any form, and wrong with one mistake."""

import os
from collections import namedtuple
from contextlib import redirect_stdout
from copy import deepcopy
from functools import partial
from io import StringIO
from itertools import count
from operator import setitem

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grading import check_gradients

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "fixed")  # as test_backprop.py has them
USUAL = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
USUAL |= {"derandomize": PROFILE == "fixed", "phases": set(Phase) - {Phase.explain}}
law = settings(max_examples=2000 if PROFILE == "thorough" else 100, **USUAL)
ROUND = (1, -1, 2, -2, 0.5, -0.5, 0.25, 1.5, -1.5, 0.75)  # an X of zeros would hide slopes


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


G = {  # activations, and their slopes by A
    "tanh": (np.tanh, lambda A: 1 - A**2),
    "sigmoid": (sigmoid, lambda A: A * (1 - A)),
    "leaky": (lambda Z: np.where(Z > 0, Z, 0.1 * Z), lambda A: np.where(A > 0, 1, 0.1)),
    "relu": (lambda Z: np.maximum(Z, 0), lambda A: A > 0),
}
ENDS = {  # (loss, ): predict's outputs from the last Z, dZ from them and T, values of T
    ("half the squared error", ""): (np.positive, lambda A, T: A - T, ROUND),
    ("half the squared error", "tanh"): (np.tanh, lambda A, T: (A - T) * (1 - A**2), (-1, 1)),
    ("half the squared error", "sigmoid"): (sigmoid, lambda A, T: (A - T) * A * (1 - A), (0, 0.5)),
    ("binary cross-entropy", ""): (sigmoid, lambda A, T: A - T, (0, 1)),
    ("binary cross-entropy of sigmoid", ""): (np.positive, lambda A, T: sigmoid(A) - T, (0, 1)),
    ("cross-entropy", ""): (softmax, lambda A, T: A - T, None),
    ("cross-entropy of softmax", ""): (np.positive, lambda A, T: softmax(A) - T, None),
}
Net = namedtuple("Net", "sizes g end X T lr mean inplace form pack")
Made = namedtuple("Made", "args paths")  # check_gradients(*args); where each array stands


# ---- One network, written in rows, and the forms that its arrays may have ------------------------
def passed(weights, X, net):
    """[X, A1, ..., A]: what comes out of each layer."""
    A = [X]
    for W, b in zip(weights[::2], weights[1::2]):
        g = ENDS[net.end] if 2 * len(A) == len(weights) else G[net.g]
        A.append(g[0](A[-1] @ W + b))
    return A


def moves_of(weights, X, T, net, factors=(), lump=None, flat=None, early=False):
    """What a step adds. lump: one number for a bias; flat: a slope left out; early: new W back."""
    A, rate, moves = passed(weights, X, net), net.lr / (len(X) if net.mean else 1), []
    dZ = ENDS[net.end][1](A[-1], T)
    for l in range(len(A) - 1, 0, -1):
        moves = [-rate * A[l - 1].T @ dZ, -rate * dZ.sum(axis=0), *moves]
        dZ = dZ @ (weights[2 * l - 2] + early * moves[0]).T
        dZ = dZ if l - 1 in (0, flat) else dZ * G[net.g][1](A[l - 1])
    moves = [move * dict(factors).get(i, 1) for i, move in enumerate(moves)]
    return [0 * move + move.sum() if i == lump else move for i, move in enumerate(moves)]


def packed(pack, weights):
    """The arrays that hold these weights, which come as [W1, b1, ...] of rows."""
    if pack == "bias rows":
        return [np.vstack(pair) for pair in zip(weights[1::2], weights[::2])]
    if pack == "columns":
        return [np.atleast_2d(v).T.copy() for v in weights]
    return [np.concatenate([v.ravel() for v in weights])] if pack == "theta" else list(weights)


def unpacked(pack, held, shapes):
    if pack == "bias rows":
        return [v for W in held for v in (W[1:], W[0])]
    parts = np.split(held[0], np.cumsum([np.prod(n) for n in shapes])[:-1])
    held = parts if pack == "theta" else [v.T for v in held] if pack == "columns" else held
    return [v.reshape(n) for v, n in zip(held, shapes)]


class Object:
    pass


class Layer:
    __slots__ = "W"


def placed(form, held):
    """(net, the owner, key and path of each array)."""
    names, net = {f"p{i}": W for i, W in enumerate(held)}, Object()
    if form == "pairs":
        net = [[*pair] for pair in zip(held[::2], held[1::2])] or [held]
        return net, [(p, i, f"[{l}][{i}]") for l, p in enumerate(net) for i in range(len(p))]
    if form == "layers":
        net.body = {"layers": np.array([Layer() for _ in held], dtype=object)}
        for layer, W in zip(net.body["layers"], held):
            layer.W = W
        layers = enumerate(net.body["layers"])
        return net, [(layer, "W", f"body['layers'][{i}].W") for i, layer in layers]
    net.__dict__ = names
    net = {"attributes": net, "dict": names, "function": lambda: [*names.values()]}[form]
    return net, [(names, p, f"[{p[1:]}]" if form == "function" else p) for p in names]


def made(net, labels=np.positive, change=lambda moves, weights: moves, Y=None, **mistake):
    """labels(Y): T of rows; change(moves, weights): what a step does in place of its moves."""
    rng, turn = np.random.default_rng(1), np.transpose if net.pack == "columns" else np.array
    shapes = [n for pair in zip(net.sizes[:-1], net.sizes[1:]) for n in (pair, pair[1:])]
    form = "dict" if net.form == "pairs" and net.pack == "bias rows" else net.form
    object_, places = placed(form, packed(net.pack, [rng.normal(size=n) for n in shapes]))

    def get():
        held = [getattr(o, k) if isinstance(o, Layer) else o[k] for o, k, _ in places]
        return unpacked(net.pack, held, shapes)

    def step(X, Y):
        print("a step that prints")
        moves = change(moves_of(get(), turn(X), labels(turn(Y)), net, **mistake), get())
        for old, W, (o, k, _) in zip(
            packed(net.pack, get()), packed(net.pack, [W + v for W, v in zip(get(), moves)]), places
        ):
            (setattr if isinstance(o, Layer) else setitem)(o, k, W)

    def predict(X):
        return turn(passed(get(), turn(X), net)[-1])

    share = {"theta": len(shapes), "bias rows": 2}.get(net.pack, 1)
    paths = [path for *_, path in places for _ in range(share)]
    return Made([object_, predict, step, turn(net.X), turn(net.T) if Y is None else Y], paths)
