# grading/test_law.py of backprop.py. SPDX-License-Identifier: MIT-0
"""The laws of check_gradients: a right network is right in any form, and wrong with one mistake."""

import os
from collections import namedtuple
from contextlib import redirect_stdout, suppress
from copy import deepcopy
from dataclasses import dataclass
from io import StringIO
from itertools import count
from operator import getitem, setitem
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grading import check_gradients

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "fixed")  # as test_backprop.py has them
EXAMPLES = 2000 if PROFILE == "thorough" else 100
USUAL = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
USUAL |= {"derandomize": PROFILE == "fixed", "phases": set(Phase) - {Phase.explain}}
ROUND = (1, -1, 2, -2, 0.5, -0.5, 0.25, 1.5, -1.5, 0.75)  # an X of zeros would hide slopes


def same(Z):
    return Z


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
SQUARE, BINARY = "half the squared error", "binary cross-entropy"
ENDS = {  # loss: predict's outputs from the last Z, dZ from them and T, values of T
    SQUARE: (same, lambda A, T: A - T, ROUND),
    SQUARE + " of sigmoid": (sigmoid, lambda A, T: (A - T) * A * (1 - A), (0, 1, 0.5)),
    SQUARE + " of tanh": (np.tanh, lambda A, T: (A - T) * (1 - A**2), (-1, 1)),
    BINARY: (sigmoid, lambda A, T: A - T, (0, 1)),
    BINARY + " of sigmoid(outputs)": (same, lambda A, T: sigmoid(A) - T, (0, 1)),
    "cross-entropy": (softmax, lambda A, T: A - T, None),
    "cross-entropy of softmax(outputs)": (same, lambda A, T: softmax(A) - T, None),
}
Net = namedtuple("Net", "sizes g end X T lr mean form pack inplace")
FORMS = "attributes", "dict", "function", "pairs", "layers", "objects"
PACKS = "rows", "columns", "bias rows", "theta"
Made = namedtuple("Made", "args paths get")  # check_gradients(*args); get: [W1, b1, ...] of rows
PLAIN = Net((2, 4, 3), "tanh", SQUARE, np.sin(np.arange(12.0) ** 2).reshape(6, 2), np.cos(np.arange(18.0) ** 2).reshape(6, 3), 0.3, True, "attributes", "rows", False)


# ---- One network, written in rows, and the forms that its arrays may have ------------------------
def passed(weights, X, net):
    """[X, A1, ..., A]: what comes out of each layer."""
    A = [X]
    for W, b in zip(weights[::2], weights[1::2]):
        g = ENDS[net.end] if 2 * len(A) == len(weights) else G[net.g]
        A.append(g[0](A[-1] @ W + b))
    return A


def moves_of(weights, X, T, net, factors=(), lump=None, flat=None, early=False):
    """What a step adds. lump: a bias for all units; flat: a slope left out; early: W goes back new."""
    A, rate, moves = passed(weights, X, net), net.lr / (len(X) if net.mean else 1), []
    dZ = ENDS[net.end][1](A[-1], T)
    for l in range(len(A) - 1, 0, -1):
        moves = [-rate * A[l - 1].T @ dZ, -rate * dZ.sum(axis=0), *moves]
        dZ = dZ @ (weights[2 * l - 2] + early * moves[0]).T
        dZ = dZ if l - 1 in (0, flat) else dZ * G[net.g][1](A[l - 1])
    moves = [move * dict(factors).get(i, 1) for i, move in enumerate(moves)]
    return [0 * move + move.sum() if i == lump else move for i, move in enumerate(moves)]


def packed(kind, weights):
    """The arrays that hold these weights."""
    if kind == "columns":
        return [np.atleast_2d(v).T.copy() for v in weights]
    if kind == "bias rows":
        return [np.vstack(pair) for pair in zip(weights[1::2], weights[::2])]
    return [np.concatenate([v.ravel() for v in weights])] if kind == "theta" else list(weights)


def unpacked(kind, held, shapes):
    if kind == "columns":
        return [v.T if i % 2 == 0 else v[:, 0] for i, v in enumerate(held)]
    if kind == "bias rows":
        return [v for W in held for v in (W[1:], W[0])]
    parts = np.split(held[0], np.cumsum([np.prod(n) for n in shapes])[:-1])
    return [v.reshape(n) for v, n in zip(parts, shapes)] if kind == "theta" else held


@dataclass
class Layer:
    __slots__ = "W"
    W: np.ndarray


def placed(form, held):
    """(net, for each array where it stands, by what key, and its path)."""
    n, names = range(len(held)), {f"p{i}": v for i, v in enumerate(held)}
    if form == "pairs":
        net = [held[i : i + 2] for i in n[::2]]
        return net, [(net[i // 2], i % 2, f"[{i // 2}][{i % 2}]") for i in n]
    if form == "layers":
        net = SimpleNamespace(body={"layers": [Layer(v) for v in held]})
        return net, [(net.body["layers"][i], "W", f"body['layers'][{i}].W") for i in n]
    if form == "objects":
        net, Ws = ModuleType("net"), np.empty(len(held), dtype=object)
        net.Ws, Ws[:] = Ws, held
        return net, [(Ws, i, f"Ws[{i}]") for i in n]
    if form == "attributes":
        net = SimpleNamespace(**names)
        return net, [(net, name, name) for name in names]
    net = names if form == "dict" else lambda: [*names.values()]
    return net, [(names, name, name if form == "dict" else f"[{name[1:]}]") for name in names]


def made(net, labels=same, change=lambda moves, weights: moves, **mistake):
    """labels(Y): T; change(moves, weights): what becomes of the moves."""
    rng, turn = np.random.default_rng(1), np.transpose if net.pack == "columns" else np.array
    shapes = [n for pair in zip(net.sizes[:-1], net.sizes[1:]) for n in (pair, pair[1:])]
    net_of, places = placed(net.form, packed(net.pack, [rng.normal(size=n) for n in shapes]))
    read, write = (getattr, setattr) if net.form in ("layers", "attributes") else (getitem, setitem)

    def get():
        return unpacked(net.pack, [read(where, key) for where, key, _ in places], shapes)

    def step(X, Y):
        print("a step that prints")
        moves = change(moves_of(get(), turn(X), labels(turn(Y)), net, **mistake), get())
        new = packed(net.pack, [W + move for W, move in zip(get(), moves)])
        for (where, key, _), W in zip(places, new):
            if net.inplace:
                read(where, key)[...] = W
            else:
                write(where, key, W)

    def predict(X):
        return turn(passed(get(), turn(X), net)[-1])

    share = {"theta": len(shapes), "bias rows": 2}.get(net.pack, 1)
    paths = [path for *_, path in places for _ in range(share)]
    return Made([net_of, predict, step, turn(net.X), turn(net.T)], paths, get)


def said(*args, **options):
    """(verdict, the words as one line)."""
    with redirect_stdout(StringIO()) as out:
        verdict = check_gradients(*args, **options)
    assert max(map(len, out.getvalue().split("\n"))) < 80
    return verdict, " ".join(out.getvalue().split())


# ---- Drawn networks: right, and wrong with one mistake -------------------------------------------
@st.composite
def nets(draw):
    def of(n, values):
        return draw(arrays(float, n, elements=st.sampled_from(values), fill=st.nothing()))

    end, layers, m, classes = (draw(st.sampled_from(x)) for x in ([*ENDS], (1, 2, 3), (2, 3, 5), (2, 3)))
    sizes = [*(draw(st.integers(2, 3)) for _ in range(layers)), classes]
    values = ENDS[end][2]
    sizes[-1] -= draw(st.integers(0, 1)) if values else 0
    X = of((m, sizes[0]), ROUND)
    assume(len(np.unique(X, axis=0)) > 1)  # of one sample alone every loss is a multiple
    T = of((m, sizes[-1]), values) if values else np.eye(classes)[of(m, (0, 1)).astype(int)]
    g, lr, *rest = (draw(st.sampled_from(x)) for x in (("tanh", "sigmoid", "leaky"), (0.1, 0.5, 2.0), (0, 1), FORMS, PACKS, (0, 1)))
    return Net(sizes, g, end, X, T, lr, *rest)


@st.composite
def mistakes(draw):
    """(a network, what to give to made, the numbers of the arrays that it hurts)."""
    net = draw(nets())
    n = 2 * len(net.sizes) - 2
    i, k = draw(st.integers(0, n - 1)), draw(st.sampled_from((2, 0.5, -1, 0)[: 4 - (n == 2)]))
    kinds = {"factor": ({"factors": {i: k}}, {i}), "uphill": ({"factors": {j: -1 for j in range(n)}}, {*range(n)})}
    if n > 2:
        kinds["left out"] = {"factors": {i: 0, i ^ 1: 0}}, {i, i ^ 1}
        kinds["early"] = {"early": True}, {*range(n - 2)}
    if net.sizes[i // 2 + 1] > 1:
        kinds["lump"] = {"lump": i | 1}, {i | 1}
    if i < n - 2 and net.g != "leaky":
        kinds["flat"] = {"flat": i // 2 + 1}, {*range((i | 1) + 1)}
    return net, *kinds[draw(st.sampled_from([*kinds]))]


@settings(max_examples=EXAMPLES, **USUAL)
@given(nets())
def test_right(net):
    it = made(net)
    verdict, words = said(*it.args)
    assert verdict is True and words.count(" right") == len({*it.paths}), words
    c = net.lr / (len(net.X) if net.mean else 1)
    assert f"{net.end.split(' of sigmoid')[0].split(' of tanh')[0]}" in words and f", c = {c:.4g}" in words


@settings(max_examples=EXAMPLES, **USUAL)
@given(mistakes())
def test_wrong(case):
    net, mistake, hurt = case
    it = made(net, **mistake)
    verdict, words = said(*it.args)
    named, all_of_them = {it.paths[i] for i in hurt}, {*it.paths}
    if named == all_of_them and len(hurt) < 2 * len(net.sizes) - 2:  # nothing moves as it should
        assert verdict is None and "no known loss fits" in words, words
    else:  # a lone layer's weights may be blamed for its bias
        blamed = {*words.split("WRONG: ")[-1].split(", ")}
        assert verdict is False and (blamed == named or len(net.sizes) == 2), words


@settings(max_examples=EXAMPLES // 4, **USUAL)
@given(nets(), st.sampled_from((1, 2)), st.sampled_from(("sigmoid", "tanh", "relu")))
def test_backprop_py(net, factor, g):
    """backprop.py's gradients follow the law at every network, and twice one of them does not."""
    backprop = pytest.importorskip("backprop")
    X, Y, sizes = net.X.T, np.clip(net.T.T, 0, 1), [net.sizes[0], *(4 for _ in net.sizes[2:]), net.sizes[-1]]
    params = backprop.init_params(sizes, 0)

    def step(X, Y):
        grads = backprop.loss_and_grads(params, X, Y, g)[1]
        params.update(backprop.update(params, grads | {"b1": factor * grads["b1"]}, net.lr))

    verdict, words = said(params, lambda X: backprop.forward(params, X, g)[0], step, X, Y)
    assert verdict is (factor == 1) and (factor == 1 or words.endswith(("b1", "W1"))), words


def frozen(it):
    """The bits of all arrays in it."""
    return {key: (v.dtype, np.array(v.tolist()).tobytes()) for key, v in it.items() if hasattr(v, "dtype")}


@pytest.mark.parametrize("fails, at", [("", 0), *((who, n) for who in ("step", "predict") for n in (1, 2, 3, 9, 40))])
def test_restores(fails, at):
    """All float arrays are afterwards as they were, bit for bit, whatever was raised."""
    net, calls = PLAIN._replace(form="dict", pack="columns"), count(1)
    it = made(net)
    more = {"v": np.full(3, -0.0), "nan": np.array([np.nan, 1e-320]), "f": np.float32([0.1]), "n": np.float64(0.3)}
    more |= {"M": np.asmatrix([[0.1, 2]]), "O": np.array([None, None])}
    more["O"][:] = np.array([0.1]), np.zeros((2, 2))
    it.args[0].update(more)

    def failing(who):
        def call(*args):
            for key in more:  # state of its own
                if key != "O":
                    it.args[0][key] = it.args[0][key] + 1
            it.args[0]["O"][0] += 1
            if who == fails and next(calls) == at:
                raise ZeroDivisionError
            return it.args[1 + (who == "step")](*args)

        return call

    before, data = frozen(it.args[0]), deepcopy(it.args[3:])
    with pytest.raises(ZeroDivisionError) if fails else suppress():
        said(it.args[0], failing("predict"), failing("step"), *it.args[3:])
    assert frozen(it.args[0]) == before and all(map(np.array_equal, data, it.args[3:]))


