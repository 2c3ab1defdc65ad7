# grading/test_law.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The laws of check_gradients: a right network is right in any form, and wrong with one mistake."""

import os
from collections import namedtuple
from contextlib import redirect_stdout, suppress
from copy import deepcopy
from functools import partial
from io import StringIO
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from grading import check_gradients

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "fixed")  # as test_backprop.py has them
USUAL = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
USUAL |= {"derandomize": PROFILE == "fixed", "phases": set(Phase) - {Phase.explain}}
law = settings(max_examples=1000 if PROFILE == "thorough" else 60, **USUAL)
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
}
SQUARES, BITS = "half the squared error", "binary cross-entropy"
ENDS = {  # (loss, outputs from the last Z): those outputs, dZ from them and Y, entries of Y
    (SQUARES, "Z"): (np.positive, lambda A, Y: A - Y, ROUND),
    (SQUARES, "tanh"): (np.tanh, lambda A, Y: (A - Y) * (1 - A**2), (-1, 1)),
    (SQUARES, "sigmoid"): (sigmoid, lambda A, Y: (A - Y) * A * (1 - A), (0, 0.5)),
    (BITS, "sigmoid"): (sigmoid, lambda A, Y: A - Y, (0, 1)),
    (BITS + " of sigmoid(outputs)", "Z"): (np.positive, lambda A, Y: sigmoid(A) - Y, (0, 1)),
    ("cross-entropy", "softmax"): (softmax, lambda A, Y: A - Y, None),  # one-hot
    ("cross-entropy of softmax(outputs)", "Z"): (np.positive, lambda A, Y: softmax(A) - Y, None),
}
# sizes: of layers; g: a key of G; end: of ENDS; X, Y: rows; mean: over samples, or the sum
Net = namedtuple(
    "Net", "sizes g end X Y mean inplace columns form", defaults=[False, False, False, "dict"]
)
FORMS = "dict", "attributes", "pairs", "layers", "function", "bias rows", "theta"


# ---- A network, and the forms in which people write it -------------------------------------------
def passed(weights, X, net):
    """[X, A1, ..., A]: what comes out of each layer, in rows."""
    A = [X]
    for W, b in zip(weights[::2], weights[1::2]):
        g = ENDS[net.end] if 2 * len(A) == len(weights) else G[net.g]
        A.append(g[0](A[-1] @ W + b))
    return A


def moves_of(weights, X, Y, net, flat=None, early=False):
    """What a step adds to [W1, b1, ...]; flat: a slope left out; early: new weights go back."""
    A, rate, moves = passed(weights, X, net), 0.3 / (len(X) if net.mean else 1), []
    dZ = ENDS[net.end][1](A[-1], Y)
    for l in range(len(A) - 1, 0, -1):
        moves = [-rate * A[l - 1].T @ dZ, -rate * dZ.sum(axis=0), *moves]
        dZ = dZ @ (weights[2 * l - 2] + bool(early) * moves[0]).T
        dZ = dZ if l - 1 in (0, flat) else dZ * G[net.g][1](A[l - 1])
    return moves


def packed(net, weights):
    """The arrays that hold [W1, b1, ...]."""
    if net.form == "theta":
        return [np.concatenate([v.ravel() for v in weights])]
    if net.form == "bias rows":
        weights = [np.vstack(pair) for pair in zip(weights[1::2], weights[::2])]
    return [np.atleast_2d(v).T.copy() if net.columns else v for v in weights]


def unpacked(net, held):
    shapes = [n for pair in zip(net.sizes, net.sizes[1:]) for n in (pair, pair[1:])]
    if net.form == "theta":
        held = np.split(held[0], np.cumsum([np.prod(n) for n in shapes])[:-1])
    elif net.columns:
        held = [v.T for v in held]
    if net.form == "bias rows":
        held = [v for W in held for v in (W[1:], W[0])]
    return [v.reshape(n) for v, n in zip(held, shapes)]


def held_by(net, arrays):
    """(what is handed to check_gradients, (its owner, key, path) of each array)."""
    pairs = [[W, b] for W, b in zip(arrays[::2], arrays[1::2])]
    if net.form == "pairs":
        return pairs, [(pair, i, f"[{l}][{i}]") for l, pair in enumerate(pairs) for i in (0, 1)]
    if net.form == "layers":
        layers = [SimpleNamespace(W=W, b=b) for W, b in pairs]
        both = [(l, k) for l in range(len(layers)) for k in "Wb"]
        return SimpleNamespace(all=layers), [(vars(layers[l]), k, f"all[{l}].{k}") for l, k in both]
    names = {f"p{i}": W for i, W in enumerate(arrays)}
    if net.form == "function":
        return lambda: [*names.values()], [(names, p, f"[{p[1:]}]") for p in names]
    handed = SimpleNamespace(**names)
    if net.form == "attributes":
        return handed, [(vars(handed), p, p) for p in names]
    return names, [(names, p, p) for p in names]


def made(net, change=lambda moves, weights: moves, **mistake):
    """(arguments of check_gradients, paths of [W1, b1, ...]); change: what a step does instead."""
    turn, rng = np.transpose if net.columns else np.asarray, np.random.default_rng(1)
    shapes = [n for pair in zip(net.sizes, net.sizes[1:]) for n in (pair, pair[1:])]
    handed, places = held_by(net, packed(net, [rng.normal(size=n) for n in shapes]))

    def get():
        return unpacked(net, [o[k] for o, k, _ in places])

    def step(X, Y):
        print("a step that prints")
        moves = change(moves_of(get(), turn(X), turn(Y), net, **mistake), get())
        new = packed(net, [W + v for W, v in zip(get(), moves)])
        for (o, k, _), W in zip(places, new):
            o[k] = np.copyto(o[k], W) or o[k] if net.inplace else W

    def predict(X):
        return turn(passed(get(), turn(X), net)[-1])

    share = {"theta": len(shapes), "bias rows": 2}.get(net.form, 1)
    paths = [path for *_, path in places for _ in range(share)]
    return (handed, predict, step, turn(net.X), turn(net.Y)), paths


@st.composite
def nets(draw, hidden=(0, 1, 2), outputs=(1, 2, 3), samples=(4, 5)):
    def one(values):
        return draw(st.sampled_from(values))

    end, m, most = one([*ENDS]), one(samples), one(outputs)
    values, most = ENDS[end][2], max(most, 2 * (ENDS[end][2] is None))
    sizes = (2, *[one((2, 3)) for _ in range(one(hidden))], most)
    X = draw(arrays(float, (m, 2), elements=st.sampled_from(ROUND), unique=True))
    if values is None:
        Y = np.eye(most)[draw(arrays(int, m, elements=st.integers(0, most - 1)))]
    else:
        Y = draw(arrays(float, (m, most), elements=st.sampled_from(values)))
    rest = [st.booleans()] * 3 + [st.sampled_from(FORMS)]
    return Net(sizes, draw(st.sampled_from([*G])), end, X, Y, *map(draw, rest))


def asked(args, **options):
    """(the verdict, what was printed)."""
    with redirect_stdout(StringIO()) as out:
        verdict = check_gradients(*args, **options)
    return verdict, " ".join(out.getvalue().split())


@law
@given(nets())
def test_a_right_network_is_right_in_any_form(net):
    args, _ = made(net)
    verdict, said = asked(args)
    assert verdict is True or "not seen" in said, said
    c = 0.3 / (len(net.X) if net.mean else 1)
    assert net.form == "theta" or f"{net.end[0]}, c = {c:.4g}" in said, said  # one array: any loss


@law
@given(nets(hidden=(1, 2), outputs=(2, 3)), st.data())
def test_a_network_with_one_mistake_is_wrong_there(net, data):
    net, last = net._replace(form=data.draw(st.sampled_from(FORMS[:-1]))), 2 * len(net.sizes) - 4
    wrong = data.draw(st.integers(0, last + 1))  # which of [W1, b1, ...]
    kind = data.draw(st.sampled_from(["times", "flat", "early", "one number"]))
    factor = data.draw(st.sampled_from((0, -1, 2, 0.5, len(net.X), 1 / len(net.X))))
    at, mistake = {wrong}, {}
    if kind in ("flat", "early"):  # of all that the error reaches later
        l = data.draw(st.integers(1, len(net.sizes) - 2)) if kind == "flat" else len(net.sizes) - 2
        at, mistake = {*range(2 * l)}, {kind: l}

    def change(moves, weights):
        if kind == "one number":  # for all units
            moves[wrong | 1] = 0 * moves[wrong | 1] + moves[wrong | 1].sum()
        return [v * factor if kind == "times" and i == wrong else v for i, v in enumerate(moves)]

    at = {wrong | 1} if kind == "one number" else at
    args, paths = made(net, change, **mistake)
    verdict, said = asked(args)
    assume("not seen" not in said)
    blamed = said.partition("WRONG: ")[2].split(", ")
    assert verdict is False and {*blamed} & {paths[i] for i in at}, (said, kind, at)


@law
@given(nets(hidden=(0, 1, 2)), st.sampled_from(["predict", "step", None]))
def test_the_arrays_are_afterwards_what_they_were(net, fails):
    """Bit for bit, also NaN and -0.0, and where something raises."""
    (handed, predict, step, X, Y), _ = made(net._replace(form="dict"))
    handed["velocity"] = np.array([np.nan, -0.0, 5e-324])
    before, calls = deepcopy(handed), []

    def raises(function):
        return lambda *args: calls.append(args) or (len(calls) > 7 and 1 / 0) or function(*args)

    predict, step = (raises(f) if fails == f.__name__ else f for f in (predict, step))
    with suppress(ZeroDivisionError):
        asked((handed, predict, step, X, Y))
    assert (len(calls) > 7) == bool(fails)
    for key, P in handed.items():
        assert P.tobytes() == before[key].tobytes() and P.shape == before[key].shape


@law
@given(nets())
def test_it_agrees_with_loss_and_grads_of_backprop(net):
    """Where that stands beside it: two derivations, one of which is measured."""
    backprop = pytest.importorskip("backprop")
    params, X, Y = backprop.init_params(net.sizes, rng=0), net.X.T, (net.Y.T > 0) * 1.0

    def step(X, Y):
        grads = backprop.loss_and_grads(params, X, Y, "tanh")[1]
        params.update(backprop.update(params, grads, 0.3))

    predict = partial(backprop.predict_proba, params, activation="tanh")
    verdict, said = asked((params, predict, step, X, Y))
    assert verdict is True or "not seen" in said, said


# ---- What people write, and what is said of it ---------------------------------------------------
class Article2:
    """Article 2's network: lists of arrays, samples in rows; early: W before its delta goes on."""

    def __init__(self, *layers, learning_rate=1.0, early=False):
        self.learning_rate, self.early, rng = learning_rate, early, np.random.default_rng(42)
        self.weights = [rng.normal(0, 0.1, size) for size in zip(layers[1:], layers)]
        self.biases = [rng.normal(0, 0.1, (n, 1)) for n in layers[1:]]

    def forward(self, X):
        self.activations = [X]
        for W, b in zip(self.weights, self.biases):
            self.activations.append(sigmoid(self.activations[-1] @ W.T + b.T))
        return self.activations[-1]

    def step(self, X, y):
        """One turn of the loop in fit."""
        delta, rate = self.forward(X) - y.reshape(-1, 1), self.learning_rate / len(X)
        for l in reversed(range(len(self.weights))):
            A, W = self.activations[l], self.weights[l]
            self.weights[l] = W - rate * delta.T @ A
            self.biases[l] = self.biases[l] - rate * delta.sum(axis=0).reshape(-1, 1)
            delta = delta @ (self.weights[l] if self.early else W) * A * (1 - A)


X2, Y2 = np.random.default_rng(0).normal(size=(5, 2)), np.array([0, 1, 1, 0, 1])


def test_article_2s_class_is_right_and_where_weights_are_updated_first_wrong():
    net, early = (Article2(2, 4, 3, 1, early=early) for early in (False, True))
    verdict, said = asked((net, net.forward, net.step, X2, Y2))
    assert verdict is True and "binary cross-entropy, c = 0.2 = 1 / 5 samples" in said, said
    verdict, said = asked((early, early.forward, early.step, X2, Y2))
    assert verdict is False and "updated before the error has passed back?" in said, said
    assert "weights[2] right" in said and "weights[2]" not in said.partition("WRONG: ")[2]


@pytest.mark.parametrize("alpha, expected", [(0, True), (1, None)])
def test_scikit_learns_classifier_is_right_but_for_its_penalty(alpha, expected):
    network = pytest.importorskip("sklearn.neural_network")
    net = network.MLPClassifier((3,), "tanh", solver="sgd", momentum=0, alpha=alpha)
    net.partial_fit(X2, [0, 1, 2, 0, 1], classes=[0, 1, 2])
    args = lambda: [net.coefs_, net.intercepts_], net.predict_proba, net.partial_fit, X2
    verdict, said = asked((*args, np.array([0, 1, 2, 0, 1])))
    assert verdict is expected and ("penalty" in said) == bool(alpha), said


def times(*factors):
    return lambda moves, W: [v * f for v, f in zip(moves, factors)]


CALLS = count()
CHANGES = {
    "momentum": lambda moves, W: [v * (1 + 0.9 * next(CALLS)) for v in moves],
    "penalty": lambda moves, W: [*moves[:2], moves[2] - 0.03 * W[2], moves[3]],
    "epsilon": lambda moves, W: [moves[0] * (1 + 1e-5 * (W[0] > 0)), *moves[1:]],
    "signs": lambda moves, W: [0.1 * np.sign(v) for v in moves],
    "warped": lambda moves, W: [v * (1 + 9 * (w > 0)) for v, w in zip(moves, W)],
}
PLAIN = Net((2, 3, 2), "tanh", (SQUARES, "Z"), X2, np.cos(np.arange(10.0) ** 2).reshape(5, 2))
STEPS = {  # what is said: a step's moves, and the verdict
    "WRONG: p0, p1, p2, p3": (times(-1, -1, -1, -1), False),
    "p1 does not move": (times(1, 0, 1, 1), False),
    "p0 1/5 times as far as the others: the 1/m of 5 samples": (times(0.2, 1, 1, 1), False),
    "p2 1/2 times as far as the others": (times(1, 1, 0.5, 1), False),
    "step moves nothing in net": (times(0, 0, 0, 0), None),
    "p2 0.1 times the array itself is missing: a penalty?": (CHANGES["penalty"], None),
    "Make a new optimizer inside step": (CHANGES["momentum"], None),
    "p0 nearly along its slope: an epsilon in it?": (CHANGES["epsilon"], None),
    "as far from other weights: Adam": (CHANGES["signs"], None),
    "no known loss fits": (CHANGES["warped"], None),
}


@pytest.mark.parametrize("words", STEPS)
def test_what_a_step_does_is_said(words):
    change, expected = STEPS[words]
    verdict, said = asked(made(PLAIN, change)[0])
    assert verdict is expected and words in said, said


def test_what_else_a_network_does_is_said():
    net, predict, step, X, Y = made(PLAIN._replace(inplace=True))[0]

    def one_by_one(X, Y):
        for i in range(len(X)):
            step(X[i : i + 1], Y[i : i + 1])

    assert "c = 0.3 = 1.5 / 5 samples p0 right" in asked((net, predict, one_by_one, X, Y))[1]
    one = PLAIN._replace(sizes=(2, 1), X=X2[:1], Y=np.ones((1, 1)))
    assert "or any: one output of one sample" in asked(made(one)[0])[1]
    assert "before any rounding" in asked((net, lambda X: predict(X).argmax(axis=1), step, X, Y))[1]
    assert asked((net, predict, step, X, Y), loss=lambda A, Y: ((A - Y) ** 2).sum())[0] is True
    assert asked((net, predict, step, X, Y), loss=lambda A, Y: ((A - Y) ** 4).sum())[0] is False
    net.update({p: W.astype("f4") for p, W in net.items()})
    assert asked((net, predict, step, X, Y))[0] is True and net["p0"].dtype == "f4"


def test_an_error_of_the_network_passes_below_one_line(capsys):
    net, predict, step, X, Y = made(PLAIN)[0]
    with pytest.raises(ValueError, match="matmul"):
        check_gradients(net, predict, step, X[:, :1], Y)
    assert capsys.readouterr().out == "predict fails with X of shape (5, 1):\n"
