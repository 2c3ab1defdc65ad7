# grading/test_law.py of backprop.py. SPDX-License-Identifier: MIT-0
"""The laws of check_gradients: a right network is right in any form, and wrong with one mistake."""

import os
from collections import namedtuple
from contextlib import redirect_stdout
from copy import deepcopy
from dataclasses import dataclass
from io import StringIO
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grading import check_gradients

ALIKE = os.environ.get("HYPOTHESIS_PROFILE", "fixed") == "fixed"  # as test_backprop.py has it
law = settings(deadline=None, derandomize=ALIKE, suppress_health_check=[HealthCheck.too_slow],
               phases=set(Phase) - {Phase.explain})  # fmt: skip
ROUND = (1, -1, 2, -2, 0.5, -0.5, 0.25, 1.5, -1.5, 0.75)  # an X of zeros would hide slopes


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def softmax(Z):
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def same(Z):
    return Z


G = {  # activations, and their slopes by A
    "tanh": (np.tanh, lambda A: 1 - A**2),
    "sigmoid": (sigmoid, lambda A: A * (1 - A)),
    "leaky": (lambda Z: np.where(Z > 0, Z, 0.1 * Z), lambda A: np.where(A > 0, 1, 0.1)),
}
ENDS = [  # loss, predict's outputs from the last Z, dZ from them and T, values of T
    ("half the squared error", same, lambda A, T: A - T, ROUND),
    ("half the squared error", sigmoid, lambda A, T: (A - T) * A * (1 - A), (0, 1, 0.5)),
    ("half the squared error", np.tanh, lambda A, T: (A - T) * (1 - A**2), (-1, 1)),
    ("binary cross-entropy", sigmoid, lambda A, T: A - T, (0, 1)),
    ("cross-entropy", softmax, lambda A, T: A - T, None),
    ("cross-entropy of softmax(outputs)", same, lambda A, T: softmax(A) - T, None),
    ("binary cross-entropy of sigmoid(outputs)", same, lambda A, T: sigmoid(A) - T, (0, 1)),
]
LINEAR, BINARY, CLASSES, SCORES = ENDS[0], ENDS[3], ENDS[4], ENDS[5]
Net = namedtuple("Net", "sizes g end X T lr mean form")
Form = namedtuple("Form", "net get put paths")  # get: [W1, b1, ...] of rows; put: new ones
Made = namedtuple("Made", "net predict step X Y")  # what check_gradients takes


# ---- One network, written in rows, and the forms that its arrays may have ------------------------
def passed(weights, X, net):
    """[X, A1, ..., A]: what comes out of each layer."""
    A = [X]
    for W, b in zip(weights[::2], weights[1::2]):
        g = net.end[1] if 2 * len(A) == len(weights) else G[net.g][0]
        A.append(g(A[-1] @ W + b))
    return A


def moves_of(weights, X, T, net, flat=None, early=False):
    """What a step adds. flat: the hidden layer whose slope is left out; early: W goes back new."""
    A, rate, moves = passed(weights, X, net), net.lr / (len(X) if net.mean else 1), []
    dZ = net.end[2](A[-1], T)
    for l in range(len(A) - 1, 0, -1):
        move = [-rate * A[l - 1].T @ dZ, -rate * dZ.sum(axis=0)]
        W, moves = weights[2 * l - 2] + early * move[0], move + moves
        dZ = dZ @ W.T * (1 if l - 1 in (0, flat) else G[net.g][1](A[l - 1]))
    return moves


def attributes(weights, net=None):
    net, names = net or SimpleNamespace(), ["W1", "b1", "W2", "b2", "W3", "b3"][: len(weights)]

    def put(new):
        net.__dict__.update(zip(names, new))

    put(weights)
    return Form(net, lambda: [getattr(net, name) for name in names], put, names)


def a_dict(weights):
    form = attributes(weights)
    return form._replace(net=form.net.__dict__)


def local_names(weights):
    form = attributes(weights)
    return form._replace(net=form.get, paths=[f"[{i}]" for i in range(len(weights))])


def in_columns(weights):
    """As W @ X has them: W transposed, b a column."""
    form = attributes(weights)
    form.put([np.atleast_2d(v).T.copy() for v in weights])
    return form._replace(
        get=lambda: [
            v.T if v.shape[1] > 1 or i % 2 == 0 else v[:, 0] for i, v in enumerate(form.get())
        ],
        put=lambda new: form.put([np.atleast_2d(v).T.copy() for v in new]),
    )


def pairs_rebound(weights):
    net = [*zip(weights[::2], weights[1::2])]

    def put(new):
        net[:] = zip(new[::2], new[1::2])

    return Form(net, lambda: [v for p in net for v in p], put,
                [f"[{i // 2}][{i % 2}]" for i in range(len(weights))])  # fmt: skip


@dataclass
class Cell:
    __slots__ = "W", "b"
    W: np.ndarray
    b: np.ndarray


def objects_below(weights):
    """Layer objects two levels down, written in place."""
    cells = [Cell(W.copy(), b.copy()) for W, b in zip(weights[::2], weights[1::2])]

    def get():
        return [v for cell in cells for v in (cell.W, cell.b)]

    def put(new):
        for v, w in zip(get(), new):
            v[...] = w

    return Form(SimpleNamespace(body={"cells": cells}), get, put,
                [f"body['cells'][{i // 2}].{'Wb'[i % 2]}" for i in range(len(weights))])  # fmt: skip


def theta(weights):
    net, ends = {}, np.cumsum([v.size for v in weights])[:-1]

    def put(new):
        net["theta"] = np.concatenate([v.ravel() for v in new])

    def get():
        return [p.reshape(v.shape) for p, v in zip(np.split(net["theta"], ends), weights)]

    put(weights)
    return Form(net, get, put, ["theta"] * len(weights))


def bias_rows(weights):
    net = ModuleType("net")

    def put(new):
        net.Ws = np.empty(len(new) // 2, dtype=object)
        net.Ws[:] = [np.vstack(p) for p in zip(new[1::2], new[::2])]

    put(weights)
    return Form(net, lambda: [v for W in net.Ws for v in (W[1:], W[0])], put,
                [f"Ws[{i // 2}]" for i in range(len(weights))])  # fmt: skip


FORMS = [
    attributes,
    a_dict,
    local_names,
    in_columns,
    pairs_rebound,
    objects_below,
    theta,
    bias_rows,
]


def made(net, spoilt=list, **mistake):
    """(what check_gradients takes, the Form). spoilt(moves): a mistake in what a step adds."""
    rng, turn = np.random.default_rng(1), np.transpose if net.form is in_columns else np.array
    sizes = [n for pair in zip(net.sizes[:-1], net.sizes[1:]) for n in (pair, pair[1])]
    form = net.form([rng.normal(size=n) for n in sizes])

    def step(X, Y):
        print("a step that prints")
        moves = spoilt(moves_of(form.get(), turn(X), turn(Y), net, **mistake))
        form.put([W + move for W, move in zip(form.get(), moves)])

    def predict(X):
        return turn(passed(form.get(), turn(X), net)[-1])

    return Made(form.net, predict, step, turn(net.X), turn(net.T)), form


def said(*args, **options):
    """(verdict, the words as one line)."""
    with redirect_stdout(StringIO()) as out:
        verdict = check_gradients(*args, **options)
    assert max(map(len, out.getvalue().split("\n"))) < 80
    return verdict, " ".join(out.getvalue().split())


# ---- Drawn networks: right, and wrong with one mistake -------------------------------------------
@st.composite
def nets(draw):
    end, widths = draw(st.sampled_from(ENDS)), st.integers(2, 3)
    sizes = [
        *draw(st.lists(widths, min_size=1, max_size=3)),
        draw(st.integers(1 + (end[3] is None), 3)),
    ]
    m, of = (
        draw(st.integers(2, 5)),
        lambda shape, v: arrays(float, shape, elements=st.sampled_from(v)),
    )
    X = draw(of((m, sizes[0]), ROUND))
    assume(len(np.unique(X, axis=0)) > 1)  # of one sample alone every loss is a multiple
    T = (
        draw(of((m, sizes[-1]), end[3]))
        if end[3]
        else np.eye(sizes[-1])[draw(of(m, (0, 1))).astype(int)]
    )
    g, lr, form = (draw(st.sampled_from(x)) for x in (sorted(G), (0.1, 0.5, 2.0), FORMS))
    return Net(sizes, g, end, X, T, lr, draw(st.booleans()), form)


@law
@given(nets())
def test_right(net):
    verdict, words = said(*made(net)[0])
    assert verdict is True and words.count(" right") == len({*made(net)[1].paths}), words
    if "or any" not in words:
        assert words.startswith(
            f"{net.end[0]}, c = {net.lr / (len(net.X) if net.mean else 1):.4g}"
        ), words


@st.composite
def mistakes(draw):
    """(net, {spoilt and other arguments of made}, the numbers of the arrays that it hurts)."""
    net = draw(nets())
    L = len(net.sizes) - 1
    l, i, k = (
        draw(st.integers(1, L)),
        draw(st.integers(0, 2 * L - 1)),
        draw(st.sampled_from((2, 0.5, -1, 0)[: 4 - (L == 1)])),
    )
    hidden = L > 1 and l < L
    kinds = (
        ["factor", "uphill"] + ["left out", "early"] * (L > 1) + ["one bias"] * (net.sizes[l] > 1)
    )
    kind = draw(st.sampled_from(kinds + ["flat"] * (hidden and net.g != "leaky")))
    spoil = {
        "factor": (lambda moves: [v * k if j == i else v for j, v in enumerate(moves)], {i}),
        "uphill": (lambda moves: [-v for v in moves], {*range(2 * L)}),
        "left out": (
            lambda moves: [v * (j // 2 != l - 1) for j, v in enumerate(moves)],
            {2 * l - 2, 2 * l - 1},
        ),
        "one bias": (
            lambda moves: [v * 0 + v.sum() if j == 2 * l - 1 else v for j, v in enumerate(moves)],
            {2 * l - 1},
        ),
    }
    if kind in spoil:
        return net, {"spoilt": spoil[kind][0]}, spoil[kind][1], kind
    return (
        net,
        {"flat": l} if kind == "flat" else {"early": True},
        {*range(2 * (l if kind == "flat" else L - 1))},
        kind,
    )


@law
@given(mistakes())
def test_wrong(case):
    net, mistake, hurt, kind = case
    args, form = made(net, **mistake)
    verdict, words = said(*args)
    named = {form.paths[i] for i in hurt}
    if kind != "uphill" and named == {*form.paths}:  # no array moves as it should
        assert verdict is None and "no known loss fits" in words, words
    else:
        blamed = {*words.split("WRONG: ")[-1].split(", ")}
        assert verdict is False and (blamed == named or len(net.sizes) == 2), words
