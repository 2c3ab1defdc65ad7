"""The laws that backpropagation written by hand must obey.

Networks are drawn entry by entry from a few round numbers, so that a failure shrinks to one that
can be worked out on paper. Where it can, a law compares with something from outside: scikit-learn,
decimal arithmetic, numbers that others have printed, or a complex step through the loss as the
articles define it, which gives derivatives without differences (see `complex_step_grads`).

Every run draws the same examples, so that red always means a change of the code;
HYPOTHESIS_PROFILE=random draws others each time, HYPOTHESIS_PROFILE=thorough 2000 for each law.
"""

import copy
import inspect
import math
import os
import pathlib
import pickle
import re
import signal
import subprocess
import sys
import tracemalloc
from collections import namedtuple
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

if __name__ != "__main__":  # the laws of backprop.py need more than the grading of another file
    from sklearn.datasets import make_circles
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.neural_network import MLPClassifier
    from threadpoolctl import threadpool_limits

    from backprop import (
        backward,
        bce,
        bce_with_logits,
        forward,
        init_params,
        loss_and_grads,
        numerical_grads,
        predict,
        predict_proba,
        relu,
        sigmoid,
        train,
        update,
    )

    threadpool_limits(1, "blas")  # matrices this small only wait for a second thread

pytestmark = pytest.mark.filterwarnings("error")  # every law holds in silence

USUAL = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],  # a busy machine is no mistake
    "phases": set(Phase) - {Phase.explain},  # explanations point into NumPy, and take long
}
settings.register_profile("fixed", derandomize=True, **USUAL)
settings.register_profile("random", **USUAL)
settings.register_profile("thorough", max_examples=2000, **USUAL)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
EXAMPLES = settings().max_examples

EPS = np.finfo(float).eps
ACTIVATIONS = ("sigmoid", "tanh", "relu")


# ---- Article 1 -----------------------------------------------------------------------------------

# (the six laws used by grading come here)


# ---- Networks drawn from round numbers, and derivatives without a difference ---------------------

Net = namedtuple("Net", "params X Y activation")
ROUND = [0, 1, -1, 2, -2, 0.5, -0.5, 0.25, -0.25, 1.5, -1.5, 0.75, -0.75, 0.125, -0.125]
LABELS = [0, 1, 0.5, 0.25, 0.875]


def matrices(rows, columns, elements=ROUND):
    elements = st.sampled_from(elements) if isinstance(elements, list) else elements
    return arrays(float, (rows, columns), elements=elements, fill=st.nothing())


@st.composite
def nets(
    draw, g=ACTIVATIONS, hidden=(0, 1, 2), widths=3, outputs=2, samples=5, W=ROUND, b=ROUND, X=ROUND
):
    """Networks with their data. hidden: how many hidden layers; widths: of a layer, at most."""
    width = st.integers(1, widths)
    sizes = [draw(width) for _ in range(draw(st.sampled_from(hidden)) + 1)]
    sizes, m, params = [*sizes, draw(st.integers(1, outputs))], draw(st.integers(1, samples)), {}
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), start=1):
        params[f"W{l}"], params[f"b{l}"] = draw(matrices(n, n_prev, W)), draw(matrices(n, 1, b))
    X, Y = draw(matrices(sizes[0], m, X)), draw(matrices(sizes[-1], m, LABELS))
    return Net(params, X, Y, draw(st.sampled_from(g)))


def depth(params):
    return len(params) // 2


def loss_of(params, X, Y, activation):
    """The articles' loss, from the last Z; analytic in params, so that a complex step may pass."""
    g = {
        "sigmoid": lambda Z: (1 + np.tanh(Z / 2)) / 2,
        "tanh": np.tanh,
        "relu": lambda Z: np.where(Z.real > 0, Z, 0),
    }
    A = X
    for l in range(1, depth(params) + 1):
        Z = params[f"W{l}"] @ A + params[f"b{l}"]
        A = g[activation](Z)
    N = np.where(Z.real > 0, Z, -Z)  # |Z|; either branch is analytic, and both give one function
    return (N * np.abs((Z.real > 0) - Y) + np.log1p(np.exp(-N))).sum() / X.shape[1]


def complex_step_grads(net, step=1e-30):
    """Derivatives of loss_of to machine precision: f(x + ih) = f(x) + ih f'(x) + ..."""
    grads = {}
    for key, P in net.params.items():
        grads[key] = np.empty(P.shape)
        for i in np.ndindex(P.shape):
            moved = P.astype(complex)
            moved[i] += 1j * step
            grads[key][i] = loss_of({**net.params, key: moved}, *net[1:]).imag / step
    return grads


def grads_of(net):
    return backward(net.params, forward(net.params, net.X, net.activation)[1], net.Y)


def logits_of(net):
    return forward(net.params, net.X, net.activation)[1][f"Z{depth(net.params)}"]


def cast(params, dtype):
    return {key: P.astype(dtype) for key, P in params.items()}


def largest(grads):
    return max(np.abs(G).max() for G in grads.values())


def assert_same_grads(actual, expected, tolerance):
    assert actual.keys() == expected.keys()
    for key, G in expected.items():
        assert actual[key].shape == G.shape, key
        np.testing.assert_allclose(actual[key], G, rtol=0, atol=tolerance, err_msg=f"d{key}")


# Calls of every function, to be evaluated with names_of(net).
TRAIN = ["train(params, X, Y, lr=lr, steps=2, activation=activation)"]
TRAIN += ["train(params, X, Y, lr=lr, steps=3, activation=activation, batch_size=2, rng=0)"]
LOSS_AND_GRADS = ["loss_and_grads(params, X, Y, activation)"]
LOSS_AND_GRADS += ["loss_and_grads(params, X, Y, activation, chunk_size=2)"]
TAKE_X_ALONE = ["forward(params, X, activation)", "predict_proba(params, X, activation)"]
TAKE_X_ALONE += ["predict(params, X, activation=activation)"]
TAKE_X = TAKE_X_ALONE + LOSS_AND_GRADS + TRAIN
TAKE_LABELS = ["bce(A, Y)"] + TRAIN
NEED_A_ROW = ["bce(A, Y)", "bce_with_logits(Z, Y)", "backward(params, cache, Y)", *LOSS_AND_GRADS]
TAKE_Y = NEED_A_ROW + TRAIN
TAKE_PARAMS = TAKE_X + ["backward(params, cache, Y)", "update(params, grads, lr)"]
DIFFERENCES = "numerical_grads(lambda params: (params['W1'] ** 2).sum(), params)"
CALLS = ["sigmoid(Z)", "relu(Z)", "bce(A, Y)", "bce_with_logits(Z, Y)", DIFFERENCES, *TAKE_PARAMS]


def names_of(net):
    A, cache = forward(net.params, net.X, net.activation)
    made = {"A": A, "cache": cache, "Z": logits_of(net), "grads": grads_of(net), "lr": 0.25}
    return {**net._asdict(), **made}


def evaluate(call, names):
    return eval(call, {**globals(), **names})


def leaves(thing):
    """Yield the arrays and numbers in dicts and sequences."""
    if isinstance(thing, (dict, tuple, list)):
        for inner in thing.values() if isinstance(thing, dict) else thing:
            yield from leaves(inner)
    elif not isinstance(thing, str):
        yield thing


# Rounding, in units of the largest entry of a gradient. Where the samples' gradients cancel that
# entry may be 0, while A - Y is known to 1e-16 of 1, not of itself: below 0.01 the unit stays 0.01.
def rounding(grads, factor=1e-12):
    return factor * max(largest(grads), 0.01)


def assert_same_means(actual, expected, eps=EPS):
    """(loss, grads) are those expected, but for sums in another order: a few hundred roundings."""
    assert abs(actual[0] - expected[0]) <= eps * (1 + 50 * abs(expected[0]))
    assert_same_grads(actual[1], expected[1], rounding(expected[1], 500 * eps))


# ---- Derivatives and symmetries ------------------------------------------------------------------

OFF_THE_KINK = [0.3, -0.3, 0.7, -0.7, 0.1]  # with W and X as below, few Z are 0, where ReLU bends
MODERATE = {"W": [1, -1, 0.5, -0.5, 0], "b": OFF_THE_KINK, "X": [1, -1, 2, -2, 0.5]}


@settings(max_examples=5 * EXAMPLES)
@given(nets(hidden=(0, 1, 1, 2), widths=4, outputs=3, samples=6, **MODERATE))
def test_backward_agrees_with_central_differences(net):
    _, cache = forward(net.params, net.X, net.activation)
    assume(all(np.abs(cache[f"Z{l}"]).min() > 1e-3 for l in range(1, depth(net.params))))
    expected = numerical_grads(lambda params: loss_of(params, *net[1:]), net.params, eps=1e-5)
    # Where a loss of about 1 is rounded to 1e-16, its differences over 2e-5 stray by 1e-11; what
    # they miss is eps**2 / 6 = 2e-11 times a third derivative, up to 100 in networks this steep.
    assert_same_grads(grads_of(net), expected, 1e-8)


STEEP = [64, -64, 32, -8, 1 / 64, -1 / 64]  # saturates sigmoid and tanh, or hardly moves them


@settings(max_examples=3 * EXAMPLES)
@given(nets(hidden=(0, 1, 2, 3, 4), widths=5, outputs=3, samples=8) | nets(hidden=(1, 2), W=STEEP))
def test_backward_agrees_with_complex_steps_to_machine_precision(net):
    expected = complex_step_grads(net)
    assert_same_grads(grads_of(net), expected, rounding(expected))


@given(st.data(), nets(samples=12))
def test_the_order_of_samples_does_not_matter_nor_seeing_each_of_them_twice(data, net):
    params, X, Y, activation = net
    for times in (1, 2):
        order = data.draw(st.permutations([*range(X.shape[1])] * times), "order")
        mixed = loss_and_grads(params, X[:, order], Y[:, order], activation)
        assert_same_means(mixed, loss_and_grads(*net))


@given(st.data(), nets(hidden=(1, 2, 3), widths=5))
def test_renaming_hidden_units_renames_their_gradients(data, net):
    l = data.draw(st.integers(1, depth(net.params) - 1), "layer")
    order = data.draw(st.permutations(range(len(net.params[f"b{l}"]))), "order")

    def renamed(of):
        rows = {key: of[key][order] for key in (f"W{l}", f"b{l}")}
        return {**of, **rows, f"W{l + 1}": of[f"W{l + 1}"][:, order]}

    actual, grads = grads_of(net._replace(params=renamed(net.params))), renamed(grads_of(net))
    assert_same_grads(actual, grads, rounding(grads, 1e-13))


@pytest.mark.parametrize("dtype", [np.float64, np.longdouble])
@given(data=st.data(), net=nets(samples=12), chunk_size=st.integers(1, 13))
def test_shards_and_chunks_add_up_to_the_whole(dtype, data, net, chunk_size):
    params, (X, Y, activation) = cast(net.params, dtype), net[1:]
    m, eps = X.shape[1], np.finfo(dtype).eps  # longdouble keeps all its digits, where it has more
    cuts = sorted({0, m} | data.draw(st.sets(st.integers(0, m)), "cuts"))
    shards = [
        (j - i, *loss_and_grads(params, X[:, i:j], Y[:, i:j], activation))
        for i, j in zip(cuts, cuts[1:])
    ]
    loss = sum(n * loss for n, loss, _ in shards) / m
    grads = {key: sum(n * grads[key] for n, _, grads in shards) / m for key in params}
    whole = loss_and_grads(params, X, Y, activation)
    assert_same_means(whole, (loss, grads), eps)
    chunks = loss_and_grads(params, X, Y, activation, chunk_size=chunk_size)
    assert_same_means(chunks, whole, eps)


# ---- The parts: activations, forward, the losses, update, numerical_grads, init_params -----------


def decimals(function, *numbers):
    """function in 50-digit decimal arithmetic, rounded to float at the end."""
    with localcontext() as context:
        context.prec = 50
        return float(function(*map(Decimal, numbers)))


FLOATS = {
    dtype: st.floats(allow_nan=False, allow_infinity=False, width=8 * dtype().itemsize)
    for dtype in (np.float32, np.float64)
}


@pytest.mark.parametrize("dtype", FLOATS)
@given(data=st.data())
def test_sigmoid_is_right_to_a_few_ulps_and_silent(dtype, data):
    tails = st.floats(-100, 100, width=8 * dtype().itemsize)
    z = dtype(data.draw(FLOATS[dtype] | tails, "z"))
    a = sigmoid(np.array([z]))
    assert a.dtype == dtype
    if abs(z) < 2000:
        exact = decimals(lambda z: 1 / (1 + (-z).exp()), float(z))
        # exp is right to 1 ulp (float32 to 2.5), 1 + and 1 / round once more each.
        assert abs(float(a[0]) - exact) <= 4 * np.finfo(dtype).eps * exact + np.finfo(dtype).tiny
    else:
        assert a[0] == (z > 0)


@given(nets())
def test_forward_caches_each_layer_as_the_article_writes_it(net):
    params, X, _, activation = net
    g = {"sigmoid": sigmoid, "tanh": np.tanh, "relu": relu}[activation]
    A, cache = forward(params, X, activation)
    assert cache["activation"] == activation
    np.testing.assert_array_equal(cache["A0"], X)
    for l in range(1, depth(params) + 1):
        Z = params[f"W{l}"] @ cache[f"A{l - 1}"] + params[f"b{l}"]
        np.testing.assert_allclose(cache[f"Z{l}"], Z, rtol=1e-14, atol=1e-14)
        f = g if l < depth(params) else sigmoid
        np.testing.assert_allclose(cache[f"A{l}"], f(cache[f"Z{l}"]), rtol=1e-15, atol=0)
    np.testing.assert_array_equal(A, cache[f"A{depth(params)}"])


@given(st.data(), st.integers(1, 3), st.integers(1, 6))
def test_bce_is_the_log_loss_of_scikit_learn(data, n_outputs, m):
    edges = st.sampled_from([0, 1, 1e-300, 1 - EPS / 2])
    A = data.draw(matrices(n_outputs, m, st.floats(0, 1) | edges), "A")
    Y = data.draw(matrices(n_outputs, m, [0, 1]), "Y")
    expected = sum(log_loss(y, a, labels=[0, 1]) for y, a in zip(Y, A))
    assert bce(A, Y) == pytest.approx(expected, rel=1e-14, abs=4 * EPS)


@given(st.data(), st.integers(1, 3), st.integers(1, 4))
def test_bce_with_logits_is_right_to_a_few_ulps_for_any_finite_logit(data, n_outputs, m):
    Z = data.draw(matrices(n_outputs, m, FLOATS[np.float64] | st.floats(-50, 50)), "Z")
    soft = st.floats(0, 1) | st.sampled_from([0, 1, 1 - 1e-9, 1 - EPS])
    Y = data.draw(matrices(n_outputs, m, soft), "Y")

    def exact(*zs):  # |z| beyond 2000 is far beyond the reach of exp
        rest = sum((1 + (-abs(z)).exp()).ln() if abs(z) < 2000 else 0 for z in zs)
        return (rest + sum(abs(z) * abs((z > 0) - Decimal(y)) for z, y in zip(zs, Y.ravel()))) / m

    expected = decimals(exact, *Z.ravel())
    assume(expected < 1.7e308)  # a sum of two outputs, wrong by 1e308 each, can not be written down
    assert bce_with_logits(Z, Y) == pytest.approx(expected, rel=8 * EPS, abs=np.finfo(float).tiny)


@given(nets())
def test_both_losses_are_the_same_number(net):
    Z = logits_of(net)
    assume(np.abs(Z).max() < 20)  # beyond, A itself has lost digits
    assert bce(sigmoid(Z), net.Y) == pytest.approx(bce_with_logits(Z, net.Y), rel=1e-7)
    assert loss_and_grads(*net)[0] == bce_with_logits(Z, net.Y)


@given(st.data(), nets(), st.sampled_from([1, 0.5, np.float64(0.25), np.float32(2), np.array(4.0)]))
def test_update_takes_one_step_against_the_gradient(data, net, lr):
    grads = {key: data.draw(matrices(*P.shape), key) for key, P in net.params.items()}
    expected = {key: P - float(lr) * grads[key] for key, P in net.params.items()}
    assert_same_grads(update(net.params, grads, lr), expected, 0)


def test_the_values_of_an_lr_that_is_traced_are_not_looked_at():
    class Tracer(float):  # as under jax.jit: calculates, but no comparison is true or false
        __gt__ = __lt__ = __and__ = lambda self, other: self
        __bool__ = None

    params = init_params((2, 1), 0)
    assert_same_grads(update(params, params, Tracer(0.25)), update(params, params, 0.25), 0)


@given(st.data(), nets())
def test_results_come_in_the_order_of_params(data, net):
    order = data.draw(st.permutations(list(net.params)), "order")
    names = names_of(net._replace(params={key: net.params[key] for key in order}))
    names["grads"] = dict(sorted(names["grads"].items()))
    for call in (*TAKE_PARAMS[3:], DIFFERENCES):  # those that return params or grads
        result = evaluate(call, names)
        made = [result] if isinstance(result, dict) else result
        assert [list(part) for part in made if isinstance(part, dict)] == [order], call


@given(st.data(), st.sampled_from([1e-5, 1e-3]), st.sampled_from([float, int, bool]))
def test_numerical_grads_are_exact_on_a_parabola(data, eps, dtype):
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 3))
    params = {key: data.draw(matrices(*data.draw(shapes)), key) for key in ("W1", "anything")}
    slopes = {key: data.draw(matrices(*P.shape), f"d{key}") for key, P in params.items()}
    params = cast(params, dtype)  # slopes are fractions, also those of whole numbers

    def loss(p):
        return sum((slopes[key] * p[key] + p[key] ** 2).sum() for key in p)

    expected = {key: slopes[key] + 2 * P for key, P in params.items()}
    # A parabola leaves rounding alone: losses below 100, so 100 EPS / eps.
    assert_same_grads(numerical_grads(loss, params, eps=eps), expected, 100 * EPS / eps)


def test_numerical_grads_differ_by_eps_squared():
    # ((1 + h)^3 - (1 - h)^3) / 2h = 3 + h^2
    slopes = numerical_grads(lambda params: (params["w"] ** 3).sum(), {"w": np.ones(1)}, eps=0.5)
    assert slopes["w"] == 3.25


SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5)


@given(SIZES, st.sampled_from(["xavier", "he", 0.1, 0]), st.integers(0, 9))
def test_init_params_gives_shapes_that_chain(sizes, scale, seed):
    params = init_params(sizes, seed, scale=scale)
    shapes = {}
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), 1):
        shapes[f"W{l}"], shapes[f"b{l}"] = (n, n_prev), (n, 1)
    assert {key: P.shape for key, P in params.items()} == shapes
    assert_same_grads(init_params(sizes, np.random.default_rng(seed), scale=scale), params, 0)
    other = init_params(sizes, seed + 1, scale=scale)
    assert scale == 0 or not np.array_equal(other["W1"], params["W1"])


@pytest.mark.parametrize(
    "scale, std", [("xavier", (1 / 40) ** 0.5), ("he", (2 / 40) ** 0.5), (0.1, 0.1), (3, 3), (0, 0)]
)
def test_init_params_has_the_promised_mean_and_spread(scale, std):
    params = init_params((40, 1000, 500), 0, scale=scale)
    W, b = params["W1"], params["b1"]
    # For N weights the mean strays by std / sqrt(N), the spread by std / sqrt(2 N). Six of those in
    # 5 * 4 checks are a false alarm in 1e-8 of all seeds, and this seed is fixed.
    for array, sigma in ((W, std), (b, 0 if isinstance(scale, str) else std)):
        assert abs(array.mean()) <= 6 * sigma / array.size**0.5
        assert abs(array.std() - sigma) <= 6 * sigma / (2 * array.size) ** 0.5
    assert scale == 0 or len(np.unique(W)) == W.size
    assert scale != "xavier" or abs(params["W2"].std() - 1000**-0.5) <= 6 * 1000**-0.5 / 1e3


@pytest.mark.parametrize("integer", [np.int8, np.uint8, np.int64, np.uint64])
def test_counts_may_come_from_numpy_and_do_not_wrap_around(integer):
    params = init_params(np.array([2, 1], integer), 0)
    assert params["W1"].shape == (1, 2)
    X, Y, hundred = np.arange(400.0).reshape(2, 200) / 400, np.arange(200)[None] % 2, integer(100)
    chunks = loss_and_grads(params, X, Y, chunk_size=hundred)
    assert_same_means(chunks, loss_and_grads(params, X, Y))
    assert len(train(params, X, Y, lr=1, steps=hundred)[1]) == 100
    batches = batches_seen(200, hundred, 2, rng=0)
    assert [sorted(batches[i] | batches[i + 1]) for i in (0, 2)] == [list(range(200))] * 2


# ---- Training and prediction ---------------------------------------------------------------------


def four_lines(net, lr, steps):
    """Full-batch training as the loop of the README."""
    params, losses = net.params, []
    for _ in range(steps):
        A, cache = forward(params, net.X, net.activation)
        losses.append(loss_of(params, *net[1:]))
        params = update(params, backward(params, cache, net.Y), lr)
    return params, losses


@given(nets(), st.sampled_from([0.01, 0.5]), st.integers(1, 6))
def test_train_is_the_four_line_loop_and_records_the_loss_before_each_update(net, lr, steps):
    seen, options = [], {"lr": lr, "steps": steps, "activation": net.activation}
    params, losses = train(*net[:3], **options, callback=lambda *each: seen.append(each))
    expected, expected_losses = four_lines(net, lr, steps)
    assert losses.shape == (steps,)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9, atol=1e-12)
    assert_same_grads(params, expected, 1e-9)
    assert [each[:2] for each in seen] == list(enumerate(losses))
    for step, _, after in seen:
        assert_same_grads(after, four_lines(net, lr, step + 1)[0], 1e-9)


def batches_seen(m, batch_size, epochs, rng):
    """The batches that train visits, each {sample: how far it moved}.

    X is the identity, so that sample j moves only weight j, and from zero by lr (1/2 - 0) / (size
    of the batch); lr is small enough for that to hold on later visits.
    """
    params, moves = {"W1": np.zeros((1, m)), "b1": np.zeros((1, 1))}, [np.zeros(m)]
    steps = epochs * math.ceil(m / int(batch_size))
    options = {"steps": steps, "batch_size": batch_size, "rng": rng}
    options["callback"] = lambda step, loss, params: moves.append(-params["W1"][0])
    _, losses = train(params, np.eye(m), np.zeros((1, m)), lr=1e-6, **options)
    assert losses.shape == (steps,) == (len(moves) - 1,)  # a step is a batch, not an epoch
    return [{j: move[j] for j in np.flatnonzero(move)} for move in np.diff(moves, axis=0)]


@given(st.integers(1, 12), st.integers(1, 14), st.integers(1, 3), st.integers(0, 9))
def test_every_epoch_visits_every_sample_exactly_once(m, batch_size, epochs, seed):
    batches, per_epoch = batches_seen(m, batch_size, epochs, seed), math.ceil(m / batch_size)
    for epoch in range(epochs):
        visited = batches[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert sorted(j for batch in visited for j in batch) == list(range(m))
        assert [len(batch) for batch in visited[:-1]] == [batch_size] * (per_epoch - 1)
        for batch in visited:  # the short last batch is a mean of its own samples
            np.testing.assert_allclose(list(batch.values()), 0.5e-6 / len(batch), rtol=1e-4)


def test_every_epoch_is_shuffled_afresh_and_only_by_rng():
    seeds = (1, np.random.default_rng(1), 2)
    orders = [[j for batch in batches_seen(16, 1, 2, rng) for j in batch] for rng in seeds]
    first, second = orders[0][:16], orders[0][16:]
    assert first != second and first != sorted(first) and second != sorted(second)  # 3 in 16!
    assert orders[0] == orders[1] != orders[2]


@given(nets())
def test_labels_travel_with_their_samples(net):
    # A batch of all samples is a full-batch step, whatever their order.
    m, options = net.X.shape[1], {"lr": 0.1, "steps": 2, "activation": net.activation}
    params, losses = train(*net[:3], **options)
    shuffled = train(*net[:3], **options, batch_size=m, rng=0)
    assert_same_grads(shuffled[0], params, 1e-12 * (1 + largest(params)))
    np.testing.assert_allclose(shuffled[1], losses, rtol=1e-12)


@given(nets(outputs=1))
def test_train_takes_data_as_scikit_learn_hands_it_out(net):
    options = {"lr": 0.1, "steps": 2, "activation": net.activation}
    params, losses = train(*net[:3], **options)
    rows, y = np.ascontiguousarray(net.X.T), net.Y[0].tolist()
    flat = train(net.params, rows.T, y, **options)
    assert_same_grads(flat[0], params, 1e-13 * (1 + largest(params)))
    np.testing.assert_allclose(flat[1], losses, rtol=1e-13)


@given(nets(samples=20), st.sampled_from([0, 0.25, 0.5, 1, math.inf, -math.inf]))
def test_predictions_are_the_outputs_of_forward(net, threshold):
    A, _ = forward(net.params, net.X, net.activation)
    probabilities = predict_proba(net.params, net.X, net.activation)
    np.testing.assert_allclose(probabilities, A, rtol=1e-14)
    # roc_curve hands out infinity as a threshold: nobody is of class 1.
    classes = predict(net.params, net.X, threshold=threshold, activation=net.activation)
    np.testing.assert_array_equal(classes, probabilities >= threshold)
    classes = predict(net.params, net.X, activation=net.activation)
    np.testing.assert_array_equal(classes, probabilities >= 0.5)
    assert np.issubdtype(classes.dtype, np.integer)


def test_a_probability_equal_to_the_threshold_is_class_1():
    params = init_params((2, 1), scale=0)  # sigmoid(0) = 1/2
    np.testing.assert_array_equal(predict(params, np.ones((2, 3))), [[1, 1, 1]])


def test_predictions_of_many_samples_have_no_seam():
    X, params = np.random.default_rng(0).normal(size=(2, 20_000)), init_params((2, 3, 2), 0)
    np.testing.assert_allclose(predict_proba(params, X), forward(params, X)[0], rtol=1e-14)


@given(st.data(), nets(hidden=(0, 1, 2), W=[1, -1, 0.5]))
def test_a_NaN_stays_one_in_predict_proba_and_has_no_class(data, net):
    n, m = net.X.shape
    where = st.tuples(st.integers(0, n - 1), st.integers(0, m - 1))
    lost, X = data.draw(st.lists(where, min_size=1), "NaN at"), net.X.copy()
    expected = predict_proba(net.params, X, net.activation)
    for i, j in lost:
        X[i, j], expected[:, j] = math.nan, math.nan
    A = predict_proba(net.params, X, net.activation)
    np.testing.assert_allclose(A, expected, rtol=1e-14)
    with pytest.raises(ValueError, match=f"sample {min(j for _, j in lost)} .*NaN"):
        predict(net.params, X, activation=net.activation)


@pytest.mark.parametrize(
    "call, rows",
    [
        ("loss_and_grads(params, X, Y)", 0),
        ("predict_proba(params, X)", 2),
        ("predict(params, X)", 2.25),
        ("train(params, X, Y, lr=1, steps=2)", 0),
        ("train(params, X, Y, lr=1, steps=2, batch_size=256)", 1),  # a permutation
        ("train(params, X.copy(), Y, lr=1, steps=2, batch_size=256)", 41),  # and two copies
    ],
)
def test_memory_is_that_of_a_chunk_however_many_samples(call, rows):
    names, peaks = {"params": init_params((20, 8, 3, 1), 0)}, []
    for m in (50_000, 200_000):
        names |= {"X": np.zeros((m, 20)).T, "Y": np.zeros((1, m))}
        tracemalloc.start()
        evaluate(call, names)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # But for the result, and the parts it is put together from: some rows of 8 bytes, where X has
    # 20. A mask for each of its entries would be 2.5, the caches of all samples 40.
    assert peaks[0] < 4e6 + rows * 8 * 50_000
    assert peaks[1] - peaks[0] < rows * 8 * 150_000 + 1e5


# ---- Purity and dtype ----------------------------------------------------------------------------


@given(nets())
def test_functions_are_pure_and_repeatable(net):
    names = names_of(net)
    keys = [list(thing) for thing in (net.params, names["cache"], names["grads"])]
    for array in leaves(names):
        np.asarray(array).flags.writeable = False  # so that changing one is an error
    for call in CALLS:
        for a, b in zip(leaves(evaluate(call, names)), leaves(evaluate(call, names))):
            np.testing.assert_array_equal(a, b, strict=True, err_msg=call)
    assert keys == [list(thing) for thing in (net.params, names["cache"], names["grads"])]


@settings(max_examples=max(EXAMPLES // 5, 1))
@given(nets())
def test_no_function_changes_the_error_state_or_the_random_state_of_numpy(net):
    names = names_of(net)
    seedless = ["init_params((2, 1))", "train(params, X, Y, lr=lr, steps=1, batch_size=2)"]

    def state_after(_):
        with np.errstate(divide="ignore", over="raise", invalid="ignore"):  # neither thread's own
            before = np.geterr()
            for _ in range(5):
                for call in CALLS + seedless:
                    evaluate(call, names)
            return np.geterr() == before

    def random_state():
        return pickle.dumps(np.random.get_state())  # noqa: NPY002, others may draw from it

    drawn, interval = random_state(), sys.getswitchinterval()
    assert state_after(0)
    try:
        sys.setswitchinterval(1e-6)  # so that threads meet inside of functions
        with ThreadPoolExecutor(2) as threads:
            assert all(threads.map(state_after, range(2)))
    finally:
        sys.setswitchinterval(interval)
    assert random_state() == drawn


def test_the_callback_runs_under_the_error_state_of_the_caller():
    params, X, seen = init_params((1, 1), 0), np.ones((1, 1)), []
    with np.errstate(divide="ignore", over="raise", invalid="call"):
        expected = np.geterr()
        train(params, X, X, lr=1, steps=3, callback=lambda *_: seen.append(np.geterr()))
    assert seen == [expected] * 3


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
@given(net=nets(), lr=st.sampled_from([0.1, np.float64(0.1), np.float32(0.1), 1]))
def test_every_result_has_the_dtype_of_the_params(dtype, net, lr):
    names = {**names_of(net._replace(params=cast(net.params, dtype))), "lr": lr}
    for call in CALLS:
        made = {value.dtype for value in leaves(evaluate(call, names))}
        assert made == {np.dtype(int if call.startswith("predict(") else dtype)}, call
    narrow, wide = cast(net.params, dtype), cast(net.params, np.float64)
    assert {P.dtype for P in update(narrow, wide, lr).values()} == {np.dtype(dtype)}
    assert {P.dtype for P in init_params((2, 3, 1), dtype=dtype).values()} == {np.dtype(dtype)}


@given(nets())
def test_single_precision_agrees_with_double(net):
    narrow, expected = net._replace(params=cast(net.params, np.float32)), grads_of(net)
    assert_same_grads(grads_of(narrow), expected, rounding(expected, 1e-5))


SIGNATURES = """\
init_params(layer_sizes, rng=None, *, scale='xavier', dtype=<class 'numpy.float64'>)
sigmoid(Z)
relu(Z)
forward(params, X, activation='sigmoid')
bce(A, Y)
bce_with_logits(Z, Y)
backward(params, cache, Y)
update(params, grads, lr)
loss_and_grads(params, X, Y, activation='sigmoid', *, chunk_size=4096)
train(params, X, Y, *, lr, steps, batch_size=None, rng=None, activation='sigmoid', callback=None)
predict_proba(params, X, activation='sigmoid')
predict(params, X, *, threshold=0.5, activation='sigmoid')
numerical_grads(loss, params, *, eps=1e-05)
"""


@pytest.mark.parametrize("signature", SIGNATURES.splitlines())
def test_arguments_have_the_names_and_defaults_of_the_contract(signature):
    name = signature.split("(")[0]
    assert name + str(inspect.signature(globals()[name])) == signature


# ---- Overflow ------------------------------------------------------------------------------------

HUGE = [0, 1, -1, 1e300, -1e300, 1e150, -1e150, 1e-300, 40, -800]


@given(  # all that stays below 1e308: two huge layers of ReLU make a Z of 1e600, which is none
    nets(hidden=(0, 1), W=HUGE, b=HUGE, g=["sigmoid", "tanh"])
    | nets(hidden=(0,), W=HUGE, b=HUGE)
    | nets(hidden=(0, 1), X=HUGE)
)
def test_huge_networks_and_data_pass_in_silence(net):
    A, cache = forward(net.params, net.X, net.activation)
    loss, grads = loss_and_grads(*net)
    assert A.min() >= 0 and A.max() <= 1 and np.isfinite(bce(A, net.Y)) and np.isfinite(loss)
    del cache["activation"]
    assert all(np.isfinite(array).all() for array in [*grads.values(), *cache.values()])


@pytest.mark.parametrize(
    "call",
    [
        "forward({**params, 'b1': 1e308 * one}, [[1e308]])",
        "loss_and_grads({**params, 'W1': 0 * one, 'W2': 1e308 * one}, [[1, 1]], [[0, 0]], 'relu')",
        "update(params, {key: 10 * one for key in params}, 1e308)",
        "bce_with_logits(np.array([[1e308], [1e308]]), np.zeros((2, 1)))",
    ],
)
def test_a_number_that_overflows_warns(call):
    one = np.ones((1, 1))
    names = {"one": one, "params": {"W1": one, "b1": one, "W2": one, "b2": one}}
    with pytest.warns(RuntimeWarning, match="overflow"):
        evaluate(call, names)


@given(nets(W=HUGE, b=HUGE, X=HUGE))
def test_train_returns_finite_params_or_says_where_they_ended(net):
    try:
        params, losses = train(*net[:3], lr=1.0, steps=3, activation=net.activation)
    except FloatingPointError as end:
        assert "step" in str(end) and "lr=1.0" in str(end)
    else:
        assert np.isfinite(losses).all() and all(np.isfinite(P).all() for P in params.values())


@pytest.mark.parametrize(
    "w, x, lr, steps, words",
    [
        (1.0, 1e9, 1e308, 5, "the loss is nan at step 1 with lr=1e+308"),
        (1e300, 1e9, 0.125, 5, "the loss is inf at step 0 with lr=0.125"),
        (1.0, 1e300, 1e10, 1, "the params are not finite after step 0 with lr=1"),
    ],
)
def test_train_stops_where_a_number_is_no_longer_finite(w, x, lr, steps, words):
    params = {"W1": np.array([[w]]), "b1": np.array([[0.0]])}
    with pytest.raises(FloatingPointError, match=re.escape(words)):
        train(params, [[x]], [0], lr=lr, steps=steps)


# ---- Refusals: the argument, what came, what was expected, and a cure that cures -----------------


def refused(call, names, *words):
    """The call is refused in these words; a cure in code, at their end, works for what came."""
    with pytest.raises(ValueError) as caught:
        evaluate(call, names)
    message = str(caught.value)
    assert all(word in message for word in words), message
    if cure := re.search(r"pass (np\..*|{.*})$", message):
        name = message.split()[0]
        evaluate(call, {**names, name: evaluate(cure[1], names)})


def fixed_names(n_outputs=1):
    """names_of a network of 3 features and 4 hidden units, and 5 samples; Y holds 0 and 1."""
    Y = (np.arange(5) + np.arange(n_outputs)[:, None]) % 2.0
    return names_of(Net(init_params((3, 4, n_outputs), 0), np.ones((3, 5)), Y, "sigmoid"))


KINDS = {"array": np.asarray, "list": lambda data: np.asarray(data).tolist()}
try:
    import pandas

    KINDS["pandas"] = lambda data: [pandas.Series, pandas.DataFrame][np.ndim(data) - 1](data)
except ImportError:
    pass  # where students have no pandas, nothing from it can come

CURES = [  # what came for which argument, of how many outputs, who refuses it, and the cure
    ("X", "X.T", 1, TAKE_X, "samples are columns, pass np.asarray(X).T"),
    ("X", "X[:, 0]", 1, TAKE_X_ALONE, "pass np.asarray(X).reshape(3, -1)"),
    ("Y", "Y.T", 1, TAKE_Y, "samples are columns, pass np.asarray(Y).T"),
    ("Y", "Y.T", 2, TAKE_Y, "samples are columns, pass np.asarray(Y).T"),
    ("Y", "Y[0]", 1, NEED_A_ROW, "pass np.asarray(Y).reshape(1, -1)"),
    ("Y", "np.arange(5) % 3", 3, TAKE_Y, "pass np.asarray(Y) == np.arange(3)[:, None]"),
    ("Y", "np.where(Y, 'yes', 'no')", 1, TAKE_Y, "Y holds more than numbers: for class "),
    ("Y", "np.where(Y[0], 'a', 'b')", 1, TRAIN, "for class 'b', pass np.asarray(Y) == 'b'"),
    ("Y", "2 * Y - 1", 1, TAKE_LABELS, "for the class 1.0, pass np.asarray(Y) == 1.0"),
    ("Y", "Y + 1", 2, TAKE_LABELS, "Y goes from 1.0 to 2.0, expected labels in [0, 1]"),
    ("Y", "255 * Y[0].astype(int)", 1, TRAIN, "for the class 255.0, pass np.asarray(Y) == 255.0"),
    ("Y", "Y - 1e-9", 1, TAKE_LABELS, "Y goes from -1e-09 to "),
    ("Y", "1.0001 * Y", 1, TAKE_LABELS, "Y goes from 0.0 to 1.0001, expected labels"),
    ("A", "A[0]", 1, ["bce(A, Y)"], "pass np.asarray(A).reshape(1, -1)"),
    ("Z", "Z[0]", 1, ["bce_with_logits(Z, Y)"], "pass np.asarray(Z).reshape(1, -1)"),
]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name, came, n_outputs, calls, words", CURES)
def test_cures_work_for_what_came(kind, name, came, n_outputs, calls, words):
    names = fixed_names(n_outputs)
    names[name] = KINDS[kind](evaluate(came, names))
    for call in calls:
        refused(call, names, f"{name} ", words)


SHAPES = st.sampled_from([2, 1, 2, 0, 3, 2]).flatmap(lambda d: st.tuples(*[st.integers(0, 4)] * d))


@pytest.mark.parametrize("call", TAKE_X)
@given(nets(), SHAPES)
def test_an_X_of_any_wrong_shape_is_refused(call, net, shape):
    n = len(net.X)
    assume(len(shape) != 2 or shape[0] != n or shape[1] == 0)
    with pytest.raises(ValueError, match=re.escape(f"X has shape {shape}, expected ({n}, m): ")):
        evaluate(call, {**names_of(net), "X": np.zeros(shape)})


@pytest.mark.parametrize("call", TAKE_Y)
@given(nets(), SHAPES)
def test_a_Y_of_any_wrong_shape_is_refused(call, net, shape):
    n, m = net.Y.shape
    came = (1, *shape) if n == len(shape) == 1 and call in TRAIN else shape  # there it may be flat
    assume(came != (n, m))
    names = {**names_of(net), "Y": np.zeros(shape)}
    refused(call, names, f"Y has shape {came}, expected ({n}, {m}): ")


BROKEN_PARAMS = [  # l is 1, 2 and 3
    ("{}", "params has the keys []"),
    ("(params, 1)", "params is <class 'tuple'>, expected a dict"),
    ("{key: P for key, P in params.items() if key != 'Wl'}", "expected W1, b1, ..., WL, bL"),
    ("{key: P for key, P in params.items() if key != 'bl'}", "expected W1, b1, ..., WL, bL"),
    ("{key.replace('Wl', 'wl'): P for key, P in params.items()}", "params has the keys ['"),
    ("{**params, 'lr': params['Wl']}", "expected W1, b1, ..., WL, bL"),
    ("{**params, 'bl': params['bl'].ravel()}", "(nl, 1): nl units, and a bias is a column"),
    ("{**params, 'bl': np.tile(params['bl'], 2).T}", "(nl, 1): nl units, and a bias is a column"),
    ("{**params, 'Wl': params['Wl'][0]}", "Wl has shape ("),
    ("{**params, 'Wl': params['Wl'][None]}", "Wl has shape (1, "),
    ("{**params, 'W2': np.tile(params['W2'], 2)}", "(2, 8) and b2 (2, 1), expected (n2, 4) and"),
    ("{**params, 'W3': np.tile(params['W3'], 2)}", "(1, 4) and b3 (1, 1), expected (n3, 2) and"),
    ("{**params, 'Wl': params['Wl'].astype(np.float32)}", "expected one dtype, float32 or wider"),
    ("{**params, 'bl': params['bl'].tolist()}", "expected one dtype, float32 or wider"),
    ("{key: P.tolist() for key, P in params.items()}", "class 'list'"),  # from JSON
    ("cast(params, int)", "int"),
    ("cast(params, np.float16)", "float16"),
    ("cast(params, [('bits', float)])", "bits"),  # of kind V, as JAX's bfloat16
]


@pytest.mark.parametrize("broken, words", BROKEN_PARAMS)
@pytest.mark.parametrize("l", "123")
def test_params_that_do_not_chain_are_refused(broken, words, l):
    names = names_of(Net(init_params((3, 4, 2, 1), 0), np.ones((3, 5)), np.ones((1, 5)), "tanh"))
    for letter in "Wwbn":
        broken, words = (text.replace(f"{letter}l", f"{letter}{l}") for text in (broken, words))
    names["params"] = evaluate(broken, names)
    for call in TAKE_PARAMS:
        refused(call, names, words)


INF, NAN, NO_COUNTS = math.inf, math.nan, [0, -1, 2.0, "3", np.float64(2), [2]]
NO_NAMES = ["ReLU", "", None, 3, ["tanh"]]
NO_RATES = [0, -0.1, INF, NAN, np.float32(-1), np.array(-0.1), np.full((3, 1), 0.1), [0.1]]
SETTINGS = [  # argument, a call, what is bad, and what was expected
    ("lr", "update(params, grads, bad)", NO_RATES, "one finite number above 0"),
    ("lr", "train(params, X, Y, lr=bad, steps=1)", NO_RATES, "one finite number above 0"),
    ("eps", "numerical_grads(lambda p: 0.0, params, eps=bad)", NO_RATES, "above 0"),
    ("threshold", "predict(params, X, threshold=bad)", [NAN, np.ones((5, 1)), [0]], "one number"),
    ("steps", "train(params, X, Y, lr=1, steps=bad)", [*NO_COUNTS, None], "1 or more"),
    ("batch_size", "train(params, X, Y, lr=1, steps=1, batch_size=bad)", NO_COUNTS, "1 or more"),
    ("chunk_size", "loss_and_grads(params, X, Y, chunk_size=bad)", NO_COUNTS, "1 or more"),
    ("layer_sizes[0]", "init_params((bad, 1))", NO_COUNTS, "a whole number (int), 1 or more"),
    ("layer_sizes[2]", "init_params((2, 3, bad))", NO_COUNTS, "a whole number (int), 1 or more"),
    ("scale", "init_params((2, 1), scale=bad)", ["He", -0.1, INF, NAN, None, [1]], "or a number"),
    *[("activation", call, NO_NAMES, "one of 'sigmoid', 'tanh', 'relu'") for call in TAKE_X],
]


@pytest.mark.parametrize("name, call, bads, words", SETTINGS)
def test_settings_that_are_no_such_numbers_or_names_are_refused(name, call, bads, words):
    for bad in bads:
        names = {**fixed_names(), "bad": bad, name: bad}
        refused(call, names, f"{name} is {bad!r}, expected ", words)


REFUSED = [
    ("init_params(())", "layer_sizes is [], expected (n_features, *hidden, n_outputs)"),
    ("init_params((3,))", "layer_sizes is [3], expected (n_features, *hidden, n_outputs)"),
    ("init_params((2, 1), dtype=int)", "dtype is int"),
    ("init_params((2, 1), dtype=bool)", "dtype is bool, expected float32 or wider"),
    ("init_params((2, 1), dtype='U10')", "dtype is <U10, expected float32 or wider"),
    ("init_params((2, 1), dtype=np.float16)", "dtype is float16, expected float32 or wider"),
    ("bce(A[:, :, None], Y)", "A has shape (1, 5, 1)"),
    ("bce_with_logits(Z[0, 0], Y)", "Z has shape ()"),
    ("bce(A > 0.5, Y)", "A is bool, expected float32 or wider, as forward gives it"),
    ("bce_with_logits(Z.astype(int), Y)", "Z is int"),
    ("bce(A[:, :0], Y[:, :0])", "there are no samples"),
    ("bce_with_logits(Z[:, :0], Y[:, :0])", "there are no samples"),
    ("bce(A, np.nan * Y)", "Y goes from nan"),
    ("backward(init_params((3, 5, 1)), cache, Y)", "of [3, 4, 1] units, params of [3, 5, 1]"),
    ("backward(init_params((3, 4, 1, 1)), cache, Y)", "cache has layers of [3, 4, 1] units"),
    ("backward(init_params((3, 1)), cache, Y)", "cache has layers of [3, 4, 1] units"),
    ("backward(params, (A, cache), Y)", "pass the cache of A, cache = forward(params, X)"),
    ("backward(params, A, Y)", "pass the cache of A, cache = forward(params, X)"),
    ("update(params, (1, grads), 0.1)", "grads has no W1 of shape (4, 3), expected backward's"),
    ("update(params, {**grads, 'b1': grads['b1'].ravel()}, 0.1)", "no b1 of shape (4, 1)"),
    ("update(params, {key: grads[key] for key in ('W1', 'W2')}, 0.1)", "grads has no b1"),
    ("train(params, [['a'] * 5] * 3, Y, lr=1, steps=1)", "X holds more than numbers: encode words"),
    ("train(cast(params, np.float32), 1e300 * X, Y, lr=1, steps=1)", "infinity in float32"),
    ("numerical_grads(lambda p: p['W1'], params)", "loss(params) is array("),
]


@pytest.mark.parametrize("call, words", REFUSED)
def test_calls_that_cannot_be_meant_are_refused(call, words):
    refused(call, fixed_names(), words)


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
@pytest.mark.parametrize("call", TRAIN)
@given(data=st.data(), net=nets())
def test_values_that_are_not_finite_are_refused(bad, call, data, net):
    arrays = {**net.params, "X": net.X, "Y": net.Y}
    name = data.draw(st.sampled_from([*arrays]), "name")
    i = tuple(data.draw(st.integers(0, n - 1), "index") for n in arrays[name].shape)
    names = copy.deepcopy({**net._asdict(), "lr": 0.1})
    (names["params"] if name in net.params else names)[name][i] = bad
    with pytest.raises(ValueError, match=f"{name} holds NaN or infinity in float64: drop"):
        evaluate(call, names)


# ---- Outside oracles -----------------------------------------------------------------------------


def test_without_hidden_layers_training_finds_the_logistic_regression_of_scikit_learn():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 3))
    y = (rows @ [1, -2, 0.5] + rng.logistic(size=200) > 0.3).astype(int)
    expected = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12).fit(rows, y)
    params, _ = train(init_params((3, 1), scale=0), rows.T, y, lr=2.0, steps=2000)
    np.testing.assert_allclose(params["W1"], expected.coef_, rtol=1e-9)
    np.testing.assert_allclose(params["b1"].ravel(), expected.intercept_, rtol=1e-9)


@pytest.mark.parametrize("hidden", [(4,), (8, 4), (3, 3, 2)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_training_follows_the_mlp_classifier_of_scikit_learn(activation, hidden):
    rng = np.random.default_rng(0)
    rows, steps, lr = rng.normal(size=(50, 5)), 300, 0.2
    y = (rows[:, 0] * rows[:, 1] > 0).astype(int)
    start = init_params((5, *hidden, 1), 1, scale=1)
    plain = {"solver": "sgd", "alpha": 0, "momentum": 0, "nesterovs_momentum": False}
    batches = {"learning_rate_init": lr, "batch_size": 50, "shuffle": False}
    name = {"sigmoid": "logistic"}.get(activation, activation)
    peer = MLPClassifier(hidden, activation=name, **plain, **batches)
    peer.partial_fit(rows, y, classes=[0, 1])  # makes the arrays that are set to our start here
    peer.coefs_ = [start[f"W{l}"].T.copy() for l in range(1, depth(start) + 1)]
    peer.intercepts_ = [start[f"b{l}"].ravel().copy() for l in range(1, depth(start) + 1)]
    for _ in range(steps):
        peer.partial_fit(rows, y)
    params, losses = train(start, rows.T, y, lr=lr, steps=steps, activation=activation)
    assert losses[-1] < losses[0] - 0.01  # something was learned, so that agreement means something
    for l, (W, b) in enumerate(zip(peer.coefs_, peer.intercepts_), start=1):
        np.testing.assert_allclose(params[f"W{l}"], W.T, rtol=0, atol=1e-10)
        np.testing.assert_allclose(params[f"b{l}"].ravel(), b, rtol=0, atol=1e-10)


# Two exercises of deeplearning.ai's Deep Learning Specialization, whose conventions are ours, and
# the losses that their notebooks print at steps 0, 1000, 2000, ...

HE = """0.8830537463419761  0.6879825919728063  0.6751286264523371  0.6526117768893807
        0.6082958970572937  0.5304944491717495  0.4138645817071793  0.3117803464844441
        0.23696215330322556 0.18597287209206828 0.15015556280371808 0.12325079292273548
        0.09917746546525937 0.08457055954024274 0.07357895962677366"""


@pytest.mark.parametrize("weights, accuracy", [("zeros", 0.5), ("large", 0.86), ("he", 0.96)])
def test_training_gives_the_losses_that_the_initialization_exercise_prints(weights, accuracy):
    X, y = make_circles(n_samples=300, noise=0.05, random_state=1)
    X_test, y_test = make_circles(n_samples=100, noise=0.05, random_state=2)
    params, rng, sizes = {}, np.random.RandomState(3), [2, 10, 5, 1]
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), start=1):
        factor = {"zeros": 0, "large": 10, "he": (2 / n_prev) ** 0.5}[weights]
        params[f"W{l}"], params[f"b{l}"] = rng.randn(n, n_prev) * factor, np.zeros((n, 1))
    params, losses = train(params, X.T, y, lr=0.01, steps=15_000, activation="relu")
    right = (predict(params, X_test.T, activation="relu") == y_test).mean()
    if weights == "zeros":
        assert set(losses) == {0.6931471805599453}
    elif weights == "large":  # printed: inf, 0.62..., and at the end 0.3828; rounding grows here
        assert round(losses[0], 2) == 1773.59 and abs(losses[14_000] - 0.3828) < 0.001
    else:
        np.testing.assert_allclose(losses[::1000], np.array(HE.split(), float), rtol=0, atol=1e-12)
        assert round((predict(params, X.T, activation="relu") == y).mean(), 4) == 0.9933
    assert abs(right - accuracy) <= (0.01 if weights == "large" else 0)


def test_training_gives_the_losses_that_the_planar_data_exercise_prints():
    rng, flower = np.random.RandomState(1), []
    for j in range(2):
        t = np.linspace(3.12 * j, 3.12 * (j + 1), 200) + 0.2 * rng.randn(200)
        r = 4 * np.sin(4 * t) + 0.2 * rng.randn(200)
        flower.append([r * np.sin(t), r * np.cos(t)])
    X, y, rng = np.hstack(flower), np.repeat([0, 1], 200), np.random.RandomState(2)
    W1, W2 = 0.01 * rng.randn(4, 2), 0.01 * rng.randn(1, 4)
    params = {"W1": W1, "b1": np.zeros((4, 1)), "W2": W2, "b2": np.zeros((1, 1))}
    params, losses = train(params, X, y, lr=1.2, steps=7001, activation="tanh")
    printed = [0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504]
    assert [round(loss, 6) for loss in losses[::1000].tolist()] == printed
    assert int(100 * (predict(params, X, activation="tanh") == y).mean()) == 90


# ---- Demo and README, where they stand beside this file ------------------------------------------


@pytest.fixture
def demo():
    return pytest.importorskip("demo", reason="demo.py is not beside this file")


@pytest.fixture
def run(demo):
    """A function: the rows of one part of the demo, and its pictures by name."""

    def run(name, **kwargs):
        items = list(demo.PARTS[name](**kwargs))
        assert isinstance(items[0], str)  # says what it is about before the first wait
        rows = [item for item in items if isinstance(item, dict)]
        return rows, dict(item for item in items if isinstance(item, tuple))

    return run


def test_demo_gradient_check(run):
    rows, _ = run("gradient-check", n_samples=50, exponents=(2, 4, 8, 30))
    assert min(row["central"] for row in rows) < 1e-6 < rows[-1]["central"]
    assert rows[-1]["complex"] < 1e-12


def test_demo_article1(run):
    said, literal, faster, batches = run("article1")[0]
    assert 0.68 < literal["start"] < 0.72  # the article's 0.69 is log 2, a coin's
    assert literal["loss"] > 0.6 > said["loss"] > max(faster["loss"], batches["loss"])
    # 200 test samples: a standard error of 1.4 points around the article's 96 %.
    assert all(abs(row["test"] - said["test"]) < 3 * 0.014 for row in (faster, batches))


def test_demo_initialization_begins_as_the_exercise_prints(run):
    rows, _ = run("initialization", steps=1001)
    at_0, at_1000, zero, _, equal, large, _, he, _ = rows
    assert (at_0["step"], at_1000["step"]) == (0, 1000)
    # The exercise prints 16 digits. Rounding in another order moves the last one or two.
    assert at_0["digits"] >= 14 and at_1000["digits"] >= 13
    assert round(at_0["large here"], 2) == 1773.59 and at_0["large there"] == math.inf
    # These weights magnify rounding: copies of the exercise print 0.6237 to 0.6251.
    assert abs(at_1000["large here"] - at_1000["large there"]) < 0.005
    units = [row["unlike units"] for row in (zero, equal, large, he)]
    assert units == ["1 and 1", "1 and 1", "10 and 5", "10 and 5"]
    assert zero["loss"] == math.log(2) and zero["that fire"] == "0 and 0"


def test_demo_vanishing(run):
    rows, _ = run("vanishing", steps=100)
    last, first = rows[0], rows[10]
    assert (last["layer"], first["layer"]) == (11, 1)
    assert first["sigmoid, xavier"] < 1e-4 * last["sigmoid, xavier"]
    assert first["relu, he"] > 0.1 * last["relu, he"]
    sigmoid_net, relu_net = rows[11:]
    assert abs(sigmoid_net["loss"] - math.log(2)) < 0.01 and relu_net["loss"] < 0.4


def test_demo_article2(run):
    said_linear, cycle_1, cycle_2, converged, sklearn, said, network = run("article2")[0]
    assert abs(cycle_1["loss"] - cycle_2["loss"]) > 0.3
    for cycle in (cycle_1, cycle_2):  # 1000 test samples: a standard error of 1.4 points
        assert abs(cycle["test"] - said_linear["test"]) < 3 * 0.014
        assert cycle["AUC"] < converged["AUC"] - 0.05
    assert max(abs(converged[key] - sklearn[key]) for key in ("train", "test", "AUC")) < 0.001
    assert converged["loss"] - sklearn["loss"] < 1e-6
    assert network["train"] >= 0.94 and network["test"] >= said["test"] and network["AUC"] >= 0.955


def test_demo_capacity(run):
    rows, _ = run("capacity", totals=(2, 3), steps=300, repeats=1, n_jobs=1)
    stacks = ("1 layer", "2 layers", "3 layers")
    aucs = [row[layers] for row in rows for layers in stacks if row[layers]]
    assert [row["nodes"] for row in rows] == [2, 3] and len(aucs) == 5
    assert aucs[0] > 0.85  # two nodes side by side have about the 0.88 of logistic regression


def test_demo_planar_begins_as_the_exercise_prints(run):
    rows, _ = run("planar", steps=1001)
    assert [row["step"] for row in rows] == [0, 1000]
    assert all(row["here"] == row["there"] for row in rows)


def test_demo_digits(run):
    linear, network, sklearn = run("digits")[0]
    # 450 test digits: a standard error of 0.7 points around 98 %.
    assert linear["test"] < 0.94 and network["test"] >= 0.96
    assert abs(network["test"] - sklearn["test"]) < 3 * 0.007


def test_demo_boundary(run):
    linear, network = run("boundary", steps=1000)[0]
    assert linear["test"] < 0.9 < 0.93 < network["test"]


def test_demo_benchmark_compares_equals(run):
    rows, _ = run("benchmark", repeats=1, effort=0.1, sizes=(1000, 20_000))
    assert all(row["apart"] < 1e-10 for row in rows[:4])
    assert rows[4]["apart"] is None  # in mini-batches
    assert [row["samples"] for row in rows[5:]] == [1000, 20_000]
    assert all(row["extra MB"] < 32 for row in rows[5:])


PIPES = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
REDUCED = {
    "gradient-check": {"n_samples": 5, "exponents": (2, 8)},
    "article1": {"steps": 2},
    "initialization": {"steps": 2},
    "vanishing": {"steps": 2},
    "article2": {"steps": 40},
    "capacity": {"totals": (2, 3, 10), "steps": 2, "n_jobs": 1, "repeats": 2},
    "digits": {"epochs": 1},
    "boundary": {"steps": 2},
}


@pytest.mark.parametrize("name", REDUCED)
def test_demo_saves_its_pictures(name, demo, run, tmp_path):
    pictures = run(name, **REDUCED[name])[1]
    assert pictures
    for picture, draw in pictures.items():
        assert picture.startswith(name)
        demo.save(tmp_path / f"{picture}.png", draw)
        assert (tmp_path / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_demo_takes_parts_in_the_order_asked_for(demo, capsys, tmp_path):
    demo.main(["boundary", "gradient-check", "--figures", str(tmp_path / "new"), "--seed", "3"])
    out = capsys.readouterr().out
    assert out.index("\nboundary: ") < out.index("\ngradient-check: ") and "article1" not in out
    pictures = sorted(file.name for file in (tmp_path / "new").iterdir())
    assert pictures == ["boundary.png", "gradient-check.png"]
    # Each part ends with how long it took. (A path in the test's own folder may be longer than 79.)
    assert len(re.findall(r"^\(\d+\.\d s\)$", out, re.M)) == 2
    assert all(len(line) < 80 for line in out.splitlines() if not line.startswith("saved "))


def test_demo_tables_fit_the_terminal(demo, run, capsys):
    for name, options in {**REDUCED, "planar": {"steps": 2}}.items():
        columns = None
        for item in demo.PARTS[name](**options):
            columns = columns if isinstance(item, tuple) else demo.show(item, columns)
    with pytest.raises(SystemExit):
        demo.main(["--help"])
    assert all(len(line) < 80 for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    "argv, words",
    [
        (["article3"], "choose from gradient-check, article1, "),
        (["--seed", "-1"], "--seed"),
        (["--figures", "{file}"], "it is not a folder"),
        (["--figures", "{file}/figures"], "cannot write to"),
    ],
)
def test_demo_refuses_bad_arguments_in_one_line(argv, words, demo, capsys, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SystemExit) as caught:
        demo.main([word.format(file=tmp_path / "file") for word in argv])
    assert caught.value.code != 0 and words in f"{caught.value.code} {capsys.readouterr().err}"


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C and pipes as Unix has them")
def test_demo_ends_quietly_on_ctrl_c(demo):
    """MLPClassifier catches Ctrl-C for itself, and joblib's processes get one too."""
    command = [sys.executable, "-u", demo.__file__, "capacity"]
    with subprocess.Popen(command, **PIPES, text=True, start_new_session=True) as process:
        for line in process.stdout:
            if line.startswith("        2 "):  # the first row: all are at work
                break
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to all processes of the group
        _, err = process.communicate(timeout=60)
    # At one moment of a few milliseconds joblib leaves a temporary folder and warns about it.
    assert process.returncode == 130 and err.startswith("\ndemo.py: stopped by Ctrl-C\n")
    assert "Traceback" not in err


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C and pipes as Unix has them")
def test_demo_ends_quietly_when_its_reader_does(demo):
    with subprocess.Popen([sys.executable, demo.__file__, "planar"], **PIPES) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_the_readme_quotes_the_code_as_it_is():
    here = pathlib.Path(__file__).parent
    if not (here / "README.md").exists():
        pytest.skip("README.md is not here")
    code = (here / "backprop.py").read_text(encoding="utf-8")
    readme = (here / "README.md").read_text(encoding="utf-8")
    # Rows of the table of formulas end in the formula and the name of its function.
    table = re.findall(r"^\|.*?\| `(.*)` \| `\w+` \|$", readme, re.M)
    assert len(table) > 8 and [line for line in table if line not in code] == []


# ---- Grading -------------------------------------------------------------------------------------

# (the grading of any file comes here)
