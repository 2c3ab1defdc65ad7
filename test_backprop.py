"""The laws that backpropagation written by hand must obey.

They hold for any file that offers the functions of backprop.py: put yours beside this one and run pytest. Networks are
drawn entry by entry from a few round numbers, so that a failure shrinks to one that can be worked out on paper. Where
it can, a law compares with something from outside: scikit-learn, decimal arithmetic, or a complex step through the loss
as the articles define it, which gives derivatives without differences (see `complex_step_grads`).
"""

import io
import math
import pathlib
import re
import sys
import tracemalloc
from collections import namedtuple
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
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

# "fixed" draws the same examples in every run, so that red always means a change of the code. A test takes its settings
# when it is defined, and that is before pytest loads a profile: hence this look at the command line.
PHASES = set(Phase) - {Phase.explain}  # explanations point into NumPy, and take longer than the suite
settings.register_profile("fixed", derandomize=True, deadline=None, phases=PHASES)
settings.register_profile("random", deadline=None, phases=PHASES)
settings.register_profile("thorough", deadline=None, phases=PHASES, max_examples=2000)
asked = re.search(r"--hypothesis-profile[= ](\w+)", " ".join(sys.argv))
settings.load_profile(asked[1] if asked else "fixed")
EXAMPLES = settings().max_examples

pytestmark = pytest.mark.filterwarnings("error")  # every law holds in silence
threadpool_limits(1, "blas")  # matrices this small only wait for a second thread, on a busy machine for seconds

EPS = np.finfo(float).eps
ACTIVATIONS = ("sigmoid", "tanh", "relu")


# What the laws speak about: small networks, their data, and independent derivatives.

Net = namedtuple("Net", "params X Y activation")
ROUND = st.sampled_from([0, 1, -1, 2, -2, 0.5, -0.5, 0.25, -0.25, 1.5, -1.5, 0.75, -0.75, 0.125, -0.125])
HARD = st.sampled_from([0, 1])
SOFT = st.sampled_from([0, 1, 0.5, 0.25, 0.875])


def matrices(rows, columns, elements=ROUND):
    return arrays(float, (rows, columns), elements=elements, fill=st.nothing())


@st.composite
def nets(
    draw,
    activation=st.sampled_from(ACTIVATIONS),
    hidden=st.integers(0, 4),
    widths=8,
    outputs=3,
    samples=16,
    elements=ROUND,
    X=ROUND,
    labels=HARD | SOFT,
    scale=st.just(1),
):
    """Networks with their data; scale multiplies all weights, from tiny to saturating."""
    width = st.integers(1, widths)
    sizes = [draw(width), *(draw(width) for _ in range(draw(hidden))), draw(st.integers(1, outputs))]
    params, factor = {}, draw(scale)
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), start=1):
        params[f"W{l}"] = factor * draw(matrices(n, n_prev, elements))
        params[f"b{l}"] = draw(matrices(n, 1, elements))
    m = draw(st.integers(1, samples))
    return Net(params, draw(matrices(sizes[0], m, X)), draw(matrices(sizes[-1], m, labels)), draw(activation))


def small_nets(**kwargs):
    return nets(**{"widths": 3, "samples": 5, "hidden": st.integers(0, 2), "outputs": 2, **kwargs})


def depth(params):
    return len(params) // 2


def loss_of(params, X, Y, activation):
    """The loss as the articles define it, from the last Z; analytic in params, so that a complex step may pass."""
    g = {"sigmoid": lambda Z: (1 + np.tanh(Z / 2)) / 2, "tanh": np.tanh, "relu": lambda Z: np.where(Z.real > 0, Z, 0)}
    A = X
    for l in range(1, depth(params) + 1):
        Z = params[f"W{l}"] @ A + params[f"b{l}"]
        A = g[activation](Z)
    N = np.where(Z.real > 0, Z, -Z)  # |Z|; either branch of it is analytic, and both give the same function
    return (N * np.abs((Z.real > 0) - Y) + np.log1p(np.exp(-N))).sum() / X.shape[1]


def complex_step_grads(net, step=1e-30):
    """Derivatives of loss_of to machine precision: f(x + ih) = f(x) + ih f'(x) + ..., without a difference."""
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


def largest(grads):
    return max(np.abs(G).max() for G in grads.values())


def assert_same_grads(actual, expected, tolerance):
    assert actual.keys() == expected.keys()
    for key in expected:
        assert actual[key].shape == expected[key].shape, key
        np.testing.assert_allclose(actual[key], expected[key], rtol=0, atol=tolerance, err_msg=f"d{key}")


# Rounding, in units of the largest entry of a gradient. Where the samples' gradients cancel that entry may be 0, while
# A - Y is known to 1e-16 of 1, not of itself: below 0.01 the unit stays 0.01.
def rounding(grads, factor=1e-12):
    return factor * max(largest(grads), 0.01)


# backward is the derivative of the loss.


@settings(max_examples=5 * EXAMPLES)
@given(nets(scale=st.sampled_from([1, 1 / 64, 8])))
def test_backward_agrees_with_central_differences(net):
    if net.activation == "relu":  # a difference must not step over the kink
        net = net._replace(params={key: P + 1 / 1024 if "b" in key else P for key, P in net.params.items()})
        _, cache = forward(net.params, net.X, "relu")
        assume(all(np.abs(cache[f"Z{l}"]).min() > 1e-4 for l in range(1, depth(net.params))))
    loss = loss_of(*net)
    for eps in (1e-5, 1e-6, 1e-7, 1e-8):  # the steeper the network, the sooner it bends (tanh) or kinks (ReLU)
        expected = numerical_grads(lambda params: loss_of(params, *net[1:]), net.params, eps=eps)
        # Two losses, each rounded to 1e-16 of itself, subtracted and divided by 2 eps.
        tolerance = 1e-6 * largest(expected) + 4 * EPS * (1 + loss) / eps
        try:
            return assert_same_grads(grads_of(net), expected, tolerance)
        except AssertionError as disagreement:
            failure = disagreement
    raise failure


@settings(max_examples=2 * EXAMPLES)
@given(nets(hidden=st.integers(0, 3), widths=4, samples=6))
def test_backward_agrees_with_complex_steps_to_machine_precision(net):
    expected = complex_step_grads(net)
    assert_same_grads(grads_of(net), expected, rounding(expected))


@given(nets(activation=st.just("relu"), hidden=st.integers(1, 3), widths=3, samples=4))
def test_relu_passes_nothing_back_at_its_kink(net):
    net.params["W1"][0], net.params["b1"][0] = 0, 0  # the first unit's Z is exactly 0
    grads = grads_of(net)
    assert not grads["W1"][0].any() and not grads["b1"][0].any()


@given(small_nets(), st.sampled_from([1e-3, 1e-4]))
def test_a_small_step_against_the_gradient_does_not_raise_the_loss(net, lr):
    assume(net.activation != "relu")  # at a kink there may be no way down
    grads, loss = grads_of(net), loss_of(*net)
    slope = sum((G**2).sum() for G in grads.values())
    # Down by lr |grad|^2, but for the curvature, which is far from eating half of that at these rates.
    assert loss_of(update(net.params, grads, lr), *net[1:]) <= loss - lr * slope / 2 + 4 * EPS * (1 + loss)


@given(st.data(), nets(hidden=st.just(0), widths=3, samples=5))
def test_without_hidden_layers_the_loss_lies_above_its_tangents(data, net):
    other = {key: data.draw(matrices(*P.shape), key) for key, P in net.params.items()}
    rise = sum((G * (other[key] - net.params[key])).sum() for key, G in grads_of(net).items())
    assert loss_of(other, *net[1:]) >= loss_of(*net) + rise - 1e-14 * (1 + abs(rise))


# Symmetries: what cannot matter does not.


@given(st.data(), nets())
def test_the_order_of_samples_does_not_matter(data, net):
    order = data.draw(st.permutations(range(net.X.shape[1])), "order")
    loss, grads = loss_and_grads(*net)
    loss_2, grads_2 = loss_and_grads(net.params, net.X[:, order], net.Y[:, order], net.activation)
    assert loss_2 == pytest.approx(loss, rel=1e-14, abs=EPS)
    assert_same_grads(grads_2, grads, rounding(grads, 1e-13))


@given(small_nets())
def test_seeing_every_sample_twice_changes_nothing(net):
    loss, grads = loss_and_grads(*net)
    twice = loss_and_grads(net.params, np.tile(net.X, 2), np.tile(net.Y, 2), net.activation)
    assert twice[0] == pytest.approx(loss, rel=1e-14, abs=EPS)
    assert_same_grads(twice[1], grads, rounding(grads, 1e-13))


@given(st.data(), nets(hidden=st.integers(1, 3)))
def test_renaming_hidden_units_renames_their_gradients(data, net):
    l = data.draw(st.integers(1, depth(net.params) - 1), "layer")
    order = data.draw(st.permutations(range(len(net.params[f"b{l}"]))), "order")

    def renamed(of):
        rows = {key: of[key][order] for key in (f"W{l}", f"b{l}")}
        return {**of, **rows, f"W{l + 1}": of[f"W{l + 1}"][:, order]}

    grads = renamed(grads_of(net))
    assert_same_grads(grads_of(net._replace(params=renamed(net.params))), grads, rounding(grads, 1e-13))


@given(st.data(), nets(samples=12), st.integers(1, 13))
def test_shards_and_chunks_add_up_to_the_whole(data, net, chunk_size):
    params, X, Y, activation = net
    m = X.shape[1]
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, m - 1)) if m > 1 else st.just([]), "cuts")), m]
    shards = [(j - i, loss_and_grads(params, X[:, i:j], Y[:, i:j], activation)) for i, j in zip(cuts, cuts[1:])]
    loss = sum(n * loss for n, (loss, _) in shards) / m
    grads = {key: sum(n * grads[key] for n, (_, grads) in shards) / m for key in params}
    for whole in (loss_and_grads(*net), loss_and_grads(*net, chunk_size=chunk_size)):
        assert whole[0] == pytest.approx(loss, rel=1e-14, abs=EPS)
        assert_same_grads(whole[1], grads, rounding(grads, 1e-13))


@given(small_nets(hidden=st.integers(1, 2)), st.sampled_from([0, 1, -0.5]))
def test_equal_units_stay_equal_for_ever(net, value):
    equal = {key: np.full(P.shape, float(value)) for key, P in net.params.items()}
    params, _ = train(equal, net.X, net.Y, lr=0.5, steps=10, activation=net.activation)
    for l in range(1, depth(params)):
        assert np.ptp(params[f"W{l}"], axis=0).max() <= 1e-12 and np.ptp(params[f"b{l}"]) <= 1e-12


# The parts: sigmoid, relu, forward, the two losses, update, numerical_grads.


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
def test_sigmoid_is_right_to_a_few_ulps(dtype, data):
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


@given(st.lists(FLOATS[np.float64] | st.floats(-40, 40), min_size=2))
def test_sigmoid_is_monotone_symmetric_and_a_probability(zs):
    z = np.sort(zs)
    a = sigmoid(z)
    assert a.min() >= 0 and a.max() <= 1 and (np.diff(a) >= -EPS).all()  # neighbours may round to the wrong side
    np.testing.assert_allclose(sigmoid(-z), 1 - a, rtol=0, atol=2 * EPS)


@given(arrays(float, (2, 3), elements=FLOATS[np.float64]))
def test_relu_is_the_larger_of_z_and_0(Z):
    np.testing.assert_array_equal(relu(Z), [[max(z, 0) for z in row] for row in Z.tolist()])


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


def test_the_hidden_activation_is_sigmoid_unless_said_otherwise():
    params = init_params((1, 1, 1), scale=1, rng=0)
    X, Y = np.array([[2.0]]), np.array([[1.0]])
    assert forward(params, X)[1]["activation"] == "sigmoid"
    np.testing.assert_array_equal(predict_proba(params, X), forward(params, X, "sigmoid")[0])
    assert loss_and_grads(params, X, Y) == loss_and_grads(params, X, Y, "sigmoid")
    assert train(params, X, Y, lr=1, steps=1)[0] == train(params, X, Y, lr=1, steps=1, activation="sigmoid")[0]


@given(st.data(), st.integers(1, 3), st.integers(1, 6))
def test_bce_is_the_log_loss_of_scikit_learn(data, n_outputs, m):
    A = data.draw(matrices(n_outputs, m, st.floats(0, 1) | st.sampled_from([0, 1, 1e-300, 1 - EPS / 2])), "A")
    Y = data.draw(matrices(n_outputs, m, HARD), "Y")
    expected = sum(log_loss(y, a, labels=[0, 1]) for y, a in zip(Y, A))
    assert bce(A, Y) == pytest.approx(expected, rel=1e-14, abs=4 * EPS)


@given(st.data(), st.integers(1, 3), st.integers(1, 4))
def test_bce_with_logits_is_right_to_a_few_ulps_for_any_finite_logit(data, n_outputs, m):
    Z = data.draw(matrices(n_outputs, m, FLOATS[np.float64] | st.floats(-50, 50)), "Z")
    Y = data.draw(matrices(n_outputs, m, HARD | st.floats(0, 1) | st.sampled_from([1 - 1e-9, 1 - EPS])), "Y")

    def exact(*zs):  # |z| beyond 2000 is far beyond the reach of exp
        soft = sum((1 + (-abs(z)).exp()).ln() if abs(z) < 2000 else 0 for z in zs)
        return (soft + sum(abs(z) * abs((z > 0) - Decimal(y)) for z, y in zip(zs, Y.ravel()))) / m

    expected = decimals(exact, *Z.ravel())  # infinite, for two outputs wrong by 1e308 each
    assert bce_with_logits(Z, Y) == pytest.approx(expected, rel=8 * EPS, abs=np.finfo(float).tiny)


@given(small_nets())
def test_both_losses_are_the_same_number(net):
    A, cache = forward(net.params, net.X, net.activation)
    assume(np.abs(cache[f"Z{depth(net.params)}"]).max() < 20)  # beyond, A itself has lost digits
    assert bce(A, net.Y) == pytest.approx(bce_with_logits(logits_of(net), net.Y), rel=1e-7)
    assert loss_and_grads(*net)[0] == bce_with_logits(logits_of(net), net.Y)


@given(st.data(), small_nets(), st.sampled_from([1, 0.5, np.float64(0.25), np.float32(2)]))
def test_update_takes_one_step_against_the_gradient(data, net, lr):
    grads = {key: data.draw(matrices(*P.shape), key) for key, P in net.params.items()}
    expected = {key: P - float(lr) * grads[key] for key, P in net.params.items()}
    assert_same_grads(update(net.params, grads, lr), expected, 0)


@given(st.data(), st.sampled_from([1e-5, 1e-3]))
def test_numerical_grads_are_exact_on_a_parabola(data, eps):
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 3))
    params = {key: data.draw(matrices(*data.draw(shapes)), key) for key in ("W1", "anything")}
    slopes = {key: data.draw(matrices(*P.shape), f"d{key}") for key, P in params.items()}

    def loss(p):
        return sum((slopes[key] * p[key] + p[key] ** 2).sum() for key in p)

    expected = {key: slopes[key] + 2 * P for key, P in params.items()}
    # A parabola leaves rounding alone: losses below 100, so 100 EPS / eps.
    assert_same_grads(numerical_grads(loss, params, eps=eps), expected, 100 * EPS / eps)
    assert_same_grads(numerical_grads(loss, params), expected, 100 * EPS / 1e-5)
    for dtype in (int, bool):  # whole numbers have slopes that are none
        whole = {key: P.astype(dtype) for key, P in params.items()}
        expected = {key: slopes[key] + 2 * P for key, P in whole.items()}
        assert_same_grads(numerical_grads(loss, whole, eps=eps), expected, 100 * EPS / eps)


def test_numerical_grads_differ_by_eps_squared():
    # ((1 + h)^3 - (1 - h)^3) / 2h = 3 + h^2 and with it the promised default step.
    for kwargs, h in (({"eps": 0.5}, 0.5), ({"eps": 1e-3}, 1e-3), ({}, 1e-5)):
        slope = numerical_grads(lambda p: (p["w"] ** 3).sum(), {"w": np.ones(1)}, **kwargs)["w"][0]
        assert slope - 3 == pytest.approx(h**2, abs=3e-16 / h)


# init_params.


@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=5), st.sampled_from(["xavier", "he", 0.1, 0]), st.integers(0, 9)
)
def test_init_params_gives_shapes_that_chain(sizes, scale, seed):
    params = init_params(sizes, seed, scale=scale)
    shapes = {f"W{l}": (n, n_prev) for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), 1)}
    shapes |= {f"b{l}": (n, 1) for l, n in enumerate(sizes[1:], 1)}
    assert {key: P.shape for key, P in params.items()} == shapes
    again = init_params(sizes, np.random.default_rng(seed), scale=scale)
    assert_same_grads(again, params, 0)
    assert scale == 0 or not np.array_equal(init_params(sizes, seed + 1, scale=scale)["W1"], params["W1"])


@pytest.mark.parametrize(
    "scale, std", [("xavier", (1 / 40) ** 0.5), ("he", (2 / 40) ** 0.5), (0.1, 0.1), (3, 3), (0, 0)]
)
def test_init_params_has_the_promised_mean_and_spread(scale, std):
    params = init_params((40, 1000, 500), 0, scale=scale)
    W, b = params["W1"], params["b1"]
    # For N weights the mean strays by std / sqrt(N), the spread by std / sqrt(2 N): 6 of those in 5 * 4 checks is a
    # false alarm in 1e-8 of all seeds, and this seed is fixed.
    for array, sigma in ((W, std), (b, 0 if isinstance(scale, str) else std)):
        assert abs(array.mean()) <= 6 * sigma / array.size**0.5
        assert abs(array.std() - sigma) <= 6 * sigma / (2 * array.size) ** 0.5
    assert scale == 0 or len(np.unique(W)) == W.size
    assert scale != "xavier" or abs(params["W2"].std() - 1000**-0.5) <= 6 * 1000**-0.5 / 1e3


# train and predict.


def reference_steps(net, lr, steps):
    """Full-batch training as the four-line loop of the README."""
    params, losses = net.params, []
    for _ in range(steps):
        A, cache = forward(params, net.X, net.activation)
        losses.append(loss_of(params, *net[1:]))
        params = update(params, backward(params, cache, net.Y), lr)
    return params, losses


@given(small_nets(), st.sampled_from([0.01, 0.5]), st.integers(1, 6))
def test_train_is_the_four_line_loop_and_records_the_loss_before_each_update(net, lr, steps):
    seen = []
    params, losses = train(
        net.params,
        net.X,
        net.Y,
        lr=lr,
        steps=steps,
        activation=net.activation,
        callback=lambda step, loss, params: seen.append((step, loss, params)),
    )
    expected, expected_losses = reference_steps(net, lr, steps)
    assert losses.shape == (steps,)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9, atol=1e-12)
    assert_same_grads(params, expected, 1e-9)
    assert [step for step, _, _ in seen] == list(range(steps)) and [loss for _, loss, _ in seen] == list(losses)
    for step, _, after in seen:
        assert_same_grads(after, reference_steps(net, lr, step + 1)[0], 1e-9)


@given(small_nets(), st.integers(1, 4), st.integers(1, 6))
def test_training_can_be_cut_in_two(net, first, second):
    options = {"lr": 0.3, "activation": net.activation}
    halfway, losses_1 = train(net.params, net.X, net.Y, steps=first, **options)
    params, losses_2 = train(halfway, net.X, net.Y, steps=second, **options)
    whole, losses = train(net.params, net.X, net.Y, steps=first + second, **options)
    assert_same_grads(params, whole, 0)
    np.testing.assert_array_equal(np.append(losses_1, losses_2), losses)


def batches_seen(m, batch_size, epochs, **kwargs):
    """The batches that train visits, each {sample: how far it moved}. X is the identity, so that sample j moves only
    weight j, and from zero by lr (1/2 - 0) / (size of the batch); lr is small enough for that to hold on later visits.
    """
    steps, before, batches = epochs * -(-m // batch_size), {"W1": np.zeros((1, m))}, []

    def callback(step, loss, params):
        moved = params["W1"] - before["W1"]
        batches.append({j: -moved[0, j] for j in np.flatnonzero(moved)})
        before.update(params)

    params, kwargs = {"W1": np.zeros((1, m)), "b1": np.zeros((1, 1))}, {"batch_size": batch_size, **kwargs}
    _, losses = train(params, np.eye(m), np.zeros((1, m)), lr=1e-6, steps=steps, callback=callback, **kwargs)
    assert losses.shape == (steps,) == (len(batches),)  # a step is a batch, not an epoch
    return batches


@given(st.integers(1, 12), st.integers(1, 14), st.integers(1, 3), st.integers(0, 9))
def test_every_epoch_visits_every_sample_exactly_once(m, batch_size, epochs, seed):
    batches = batches_seen(m, batch_size, epochs, rng=seed)
    per_epoch = -(-m // batch_size)
    for epoch in range(epochs):
        visited = batches[epoch * per_epoch : (epoch + 1) * per_epoch]
        assert sorted(j for batch in visited for j in batch) == list(range(m))
        assert [len(batch) for batch in visited[:-1]] == [batch_size] * (per_epoch - 1)
        for batch in visited:  # the short last batch is a mean of its own samples
            np.testing.assert_allclose(list(batch.values()), 0.5e-6 / len(batch), rtol=1e-4)


def test_every_epoch_is_shuffled_afresh_and_only_by_rng():
    orders = [
        [j for batch in batches_seen(16, 1, 2, rng=rng) for j in batch] for rng in (1, np.random.default_rng(1), 2)
    ]
    first, second = orders[0][:16], orders[0][16:]
    assert first != second and first != sorted(first) and second != sorted(second)  # 3 in 16! to be wrong
    assert orders[0] == orders[1] != orders[2]


@given(st.data(), small_nets())
def test_labels_travel_with_their_samples(data, net):
    # A batch of all samples is a full-batch step, whatever their order, also for more than one output.
    params, losses = train(net.params, net.X, net.Y, lr=0.1, steps=2, activation=net.activation)
    m = net.X.shape[1]
    shuffled = train(net.params, net.X, net.Y, lr=0.1, steps=2, activation=net.activation, batch_size=m, rng=0)
    assert_same_grads(shuffled[0], params, 1e-12 * (1 + largest(params)))
    np.testing.assert_allclose(shuffled[1], losses, rtol=1e-12)


@given(small_nets(outputs=1))
def test_train_takes_data_as_scikit_learn_hands_it_out(net):
    expected, losses = train(net.params, net.X, net.Y, lr=0.1, steps=2, activation=net.activation)
    rows, flat = np.ascontiguousarray(net.X.T), net.Y[0].tolist()
    params, flat_losses = train(net.params, rows.T, flat, lr=0.1, steps=2, activation=net.activation)
    assert_same_grads(params, expected, 1e-13 * (1 + largest(expected)))
    np.testing.assert_allclose(flat_losses, losses, rtol=1e-13)


@pytest.mark.parametrize("w, lr, step", [(1.0, 1e308, 1), (1e300, 0.125, 0)])
def test_train_stops_where_the_loss_is_no_longer_finite(w, lr, step):
    params, X = {"W1": np.array([[w]]), "b1": np.array([[0.0]])}, np.array([[1e9]])
    with pytest.raises(FloatingPointError) as caught:
        train(params, X, [0], lr=lr, steps=5)
    assert f"step {step} " in str(caught.value) and f"lr={lr}" in str(caught.value)


def test_train_does_not_return_params_that_are_not_finite():
    with pytest.raises(FloatingPointError, match="step 0"):
        train({"W1": np.array([[1.0]]), "b1": np.array([[0.0]])}, [[1e300]], [0], lr=1e10, steps=1)


@given(nets(samples=20), st.sampled_from([0, 0.25, 0.5, 1]))
def test_predictions_are_the_outputs_of_forward(net, threshold):
    A, _ = forward(net.params, net.X, net.activation)
    probabilities = predict_proba(net.params, net.X, net.activation)
    np.testing.assert_allclose(probabilities, A, rtol=1e-14)
    classes = predict(net.params, net.X, threshold=threshold, activation=net.activation)
    np.testing.assert_array_equal(classes, probabilities >= threshold)
    np.testing.assert_array_equal(predict(net.params, net.X, activation=net.activation), probabilities >= 0.5)
    assert np.issubdtype(classes.dtype, np.integer)


def test_a_probability_equal_to_the_threshold_is_class_1():
    params = init_params((2, 1), scale=0)  # sigmoid(0) = 1/2
    np.testing.assert_array_equal(predict(params, np.ones((2, 3))), [[1, 1, 1]])


def test_many_samples_are_taken_in_parts_without_a_seam():
    X = np.random.default_rng(0).normal(size=(2, 40_000))
    params = init_params((2, 3, 2), 0)
    A, _ = forward(params, X)
    np.testing.assert_allclose(predict_proba(params, X), A, rtol=1e-14)
    expected = backward(params, forward(params, X)[1], A > 0.4)
    assert_same_grads(loss_and_grads(params, X, A > 0.4)[1], expected, rounding(expected))


@pytest.mark.parametrize(
    "call, rows",
    [
        (lambda params, X, Y: loss_and_grads(params, X, Y), 0),
        (lambda params, X, Y: predict_proba(params, X), 2),
        (lambda params, X, Y: predict(params, X), 2.25),
    ],
)
def test_memory_does_not_grow_with_the_number_of_samples(call, rows):
    params, peaks = init_params((20, 8, 3, 1), 0), []
    for m in (50_000, 200_000):
        data = np.zeros((20, m)), np.zeros((1, m))
        tracemalloc.start()
        call(params, *data)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # But for the result, and the parts it is put together from: some rows of 8 bytes. Caches of 50,000 would be 20 MB.
    assert peaks[0] < 8e6 and peaks[1] - peaks[0] < rows * 8 * 150_000 + 1e5


@given(nets())
def test_a_network_comes_back_from_a_file_as_it_was(net):
    file = io.BytesIO()
    np.savez(file, **net.params)
    file.seek(0)
    assert_same_grads(dict(np.load(file)), net.params, 0)


# Rules for all: pure, repeatable, of the dtype of the params, silent.


def every_function(net, lr=0.25):
    """The result of each function on this net, by name."""
    params, X, Y, activation = net
    A, cache = forward(params, X, activation)
    grads = backward(params, cache, Y)
    results = {
        "forward": [A, *(cache[key] for key in sorted(cache) if key != "activation")],
        "sigmoid": [sigmoid(X.astype(A.dtype))],
        "relu": [relu(X.astype(A.dtype))],
        "bce": [bce(A, Y)],
        "bce_with_logits": [bce_with_logits(cache[f"Z{depth(params)}"], Y)],
        "backward": list(grads.values()),
        "update": list(update(params, grads, lr).values()),
        "predict_proba": [predict_proba(params, X, activation)],
    }
    for name, kwargs in (("loss_and_grads", {}), ("loss_and_grads in chunks", {"chunk_size": 2})):
        loss, chunked = loss_and_grads(params, X, Y, activation, **kwargs)
        results[name] = [loss, *chunked.values()]
    for name, kwargs in (("train", {}), ("train in batches", {"batch_size": 2, "rng": 0})):
        trained, losses = train(params, X, Y, lr=lr, steps=3, activation=activation, **kwargs)
        results[name] = [losses, *trained.values()]
    first = {"W1": params["W1"][:1, :1]}
    results["numerical_grads"] = list(numerical_grads(lambda p: (p["W1"] ** 2).sum(), first).values())
    return results


def arrays_in(net):
    return [*net.params.values(), net.X, net.Y]


@given(small_nets())
def test_functions_are_pure_and_repeatable(net):
    before = [array.copy() for array in arrays_in(net)]
    results = every_function(net)
    for array in arrays_in(net):
        array.flags.writeable = False
    for name, again in every_function(net).items():  # with arrays that no function can write to
        for a, b in zip(results[name], again):
            np.testing.assert_array_equal(a, b, strict=True, err_msg=name)
    for array, copy in zip(arrays_in(net), before):
        np.testing.assert_array_equal(array, copy, strict=True)
    assert len(net.params) == 2 * depth(net.params)


@given(small_nets())
def test_backward_and_update_leave_cache_grads_and_params_as_they_were(net):
    _, cache = forward(net.params, net.X, net.activation)
    copies = {key: np.copy(value) for key, value in cache.items()}
    grads = backward(net.params, cache, net.Y)
    grad_copies = {key: G.copy() for key, G in grads.items()}
    stepped = update(net.params, grads, 0.5)
    assert cache.keys() == copies.keys() and all(np.array_equal(cache[key], copies[key]) for key in copies)
    assert_same_grads(grads, grad_copies, 0)
    assert not any(np.shares_memory(stepped[key], net.params[key]) for key in stepped)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(net=small_nets(), lr=st.sampled_from([0.1, np.float64(0.1), np.float32(0.1), 1]))
def test_every_result_has_the_dtype_of_the_params(dtype, net, lr):
    net = net._replace(params={key: P.astype(dtype) for key, P in net.params.items()})
    for name, values in every_function(net, lr).items():
        assert {value.dtype for value in values} == {np.dtype(dtype)}, name
    wide = {key: np.ones(P.shape) for key, P in net.params.items()}
    assert {P.dtype for P in update(net.params, wide, lr).values()} == {np.dtype(dtype)}
    assert {P.dtype for P in init_params((2, 3, 1), dtype=dtype).values()} == {np.dtype(dtype)}


@given(net=small_nets())
def test_single_precision_agrees_with_double(net):
    narrow = net._replace(params={key: P.astype(np.float32) for key, P in net.params.items()})
    expected = grads_of(net)
    assert_same_grads(grads_of(narrow), expected, rounding(expected, 1e-5))


HUGE = st.sampled_from([0, 1, -1, 1e300, -1e300, 1e150, -1e150, 1e-300, 40, -800])
BOUNDED = st.sampled_from(["sigmoid", "tanh"])  # two huge layers of ReLU make a Z of 1e600, which is none


@given(
    small_nets(hidden=st.integers(0, 1), elements=HUGE, activation=BOUNDED)
    | small_nets(hidden=st.just(0), elements=HUGE)
    | small_nets(hidden=st.integers(0, 1), X=HUGE)
)
def test_huge_networks_and_data_pass_in_silence(net):
    A, cache = forward(net.params, net.X, net.activation)
    loss, grads = loss_and_grads(*net)
    assert A.min() >= 0 and A.max() <= 1 and np.isfinite(bce(A, net.Y)) and np.isfinite(loss)
    assert all(np.isfinite(array).all() for key, array in [*cache.items(), *grads.items()] if key != "activation")


@given(small_nets(elements=HUGE, X=HUGE))
def test_numbers_that_overflow_pass_in_silence_too(net):
    A, cache = forward(net.params, net.X, net.activation)
    grads = backward(net.params, cache, net.Y)
    bce_with_logits(cache[f"Z{depth(net.params)}"], net.Y)
    loss_and_grads(*net, chunk_size=1)
    update(net.params, grads, 1e300)
    assert not ((A < 0) | (A > 1)).any()


def test_sums_that_overflow_do_so_in_silence():
    assert bce_with_logits(np.array([[1e308], [-1e308]]), np.array([[0], [1]])) == math.inf
    params = {"W1": np.zeros((1, 1)), "b1": np.zeros((1, 1)), "W2": np.array([[1e300]]), "b2": np.zeros((1, 1))}
    _, grads = loss_and_grads(params, np.array([[1e10, 1e10]]), np.array([[0, 1]]), "tanh", chunk_size=1)
    assert np.isnan(grads["W1"])  # infinity from one chunk, minus infinity from the other
    narrow = init_params((1, 1), dtype=np.float32)
    refuses(lambda: train(narrow, [[1e300]], [1], lr=1, steps=1), "X has entries", "infinite in float32")


@given(small_nets(elements=HUGE, X=HUGE))
def test_train_returns_finite_params_or_says_where_they_ended(net):
    try:
        params, losses = train(net.params, net.X, net.Y, lr=1.0, steps=3, activation=net.activation)
    except FloatingPointError as end:
        assert "step" in str(end) and "lr=1.0" in str(end)
    else:
        assert np.isfinite(losses).all() and all(np.isfinite(P).all() for P in params.values())


@pytest.mark.parametrize("activation, X, b2", [("sigmoid", -1, 0), ("relu", -1, 0.5), ("tanh", 1, -1e300)])
def test_a_saturated_unit_passes_nothing_back_even_through_an_overflow(activation, X, b2):
    # Z1 is 1e300 X, so A1 is flat; Z2 is b2 + 1e300 A1, where A2 is not. Back to A1 comes W2 W3 = 1e600, infinite here.
    params = {
        "W1": np.array([[1e300]]),
        "b1": np.array([[0.0]]),
        "W2": np.array([[1e300]]),
        "b2": np.array([[float(b2)]]),
        "W3": np.array([[1e300]]),
        "b3": np.array([[0.0]]),
    }
    grads = grads_of(Net(params, np.array([[X]]), np.array([[0]]), activation))
    assert grads["W1"] == grads["b1"] == 0 and grads["b2"] > 1e299 and np.isfinite(grads["W2"])


# Bad input: the right error, that names the argument, what came, and the cure; nothing is modified.


def refuses(call, *words):
    with pytest.raises(ValueError) as caught:
        call()
    message = str(caught.value)
    assert all(str(word) in message for word in words), message
    return message


def refuses_with_a_cure_that_cures(call, name, array, *words):
    """A wrong shape is refused; where the message says what to pass instead, passing that works."""
    message = refuses(lambda: call(array), f"{name} has shape {array.shape}", *words)
    if cure := re.search(r"pass (.*)$", message):
        call(eval(cure[1], {name: array, "np": np}))


# Larger than any Y would be, so that no bad shape is good by accident.
DATA = {"hidden": st.integers(0, 2), "widths": 3, "samples": 6, "outputs": 2}


def takers_of_X(net):
    """The functions that take X, as functions of X alone."""
    params, _, Y, activation = net
    return [
        lambda X: forward(params, X, activation),
        lambda X: loss_and_grads(params, X, Y, activation),
        lambda X: loss_and_grads(params, X, Y, activation, chunk_size=1),
        lambda X: train(params, X, Y, lr=0.1, steps=1, activation=activation),
        lambda X: train(params, X, Y, lr=0.1, steps=1, batch_size=2, activation=activation),
        lambda X: predict_proba(params, X, activation),
        lambda X: predict(params, X, activation=activation),
    ]


def takers_of_Y(net):
    """The functions that take Y, as functions of Y alone."""
    params, X, _, activation = net
    A, cache = forward(params, X, activation)
    return [
        lambda Y: bce(A, Y),
        lambda Y: bce_with_logits(cache[f"Z{depth(params)}"], Y),
        lambda Y: backward(params, cache, Y),
        lambda Y: loss_and_grads(params, X, Y, activation),
        lambda Y: loss_and_grads(params, X, Y, activation, chunk_size=1),
        lambda Y: train(params, X, Y, lr=0.1, steps=1, activation=activation),
        lambda Y: train(params, X, Y, lr=0.1, steps=1, batch_size=2, activation=activation),
    ]


@given(nets(**DATA))
def test_a_transposed_X_is_refused(net):
    n, m = net.X.shape
    assume(n != m)
    for call in takers_of_X(net):
        refuses_with_a_cure_that_cures(call, "X", net.X.T, f"expected ({n}, m)", "samples are columns: pass X.T")


SHAPES = st.sampled_from([2, 1, 2, 0, 3, 2]).flatmap(lambda d: st.tuples(*[st.integers(0, 4)] * d))


@given(SHAPES, nets(**DATA))
def test_an_X_of_any_wrong_shape_is_refused(shape, net):
    n, m = net.X.shape
    assume(len(shape) != 2 or shape[0] != n or shape[1] == 0)
    for call in takers_of_X(net)[:1] + takers_of_X(net)[-2:]:  # those that take any number of samples
        refuses_with_a_cure_that_cures(call, "X", np.zeros(shape), f"expected ({n}, m)")
        refuses_with_a_cure_that_cures(call, "X", np.zeros(n), f"pass X.reshape({n}, -1)")
    for call in takers_of_X(net):
        refuses(lambda: call(np.zeros(shape)), f"X has shape {shape}, expected ({n}, m)")
        refuses(lambda: call(np.zeros((n, 0))), f"X has shape {(n, 0)}", "there are no samples")
        refuses(lambda: call(np.zeros((n, 1, 1))), f"X has shape {(n, 1, 1)}", "one row for each feature")


@given(SHAPES, nets(**DATA))
def test_a_Y_of_any_wrong_shape_is_refused(shape, net):
    n, m = net.Y.shape
    assume(shape != (n, m))
    for call in takers_of_Y(net)[: -2 if (n, *shape) == (1, m) else None]:  # train takes a flat Y
        refuses_with_a_cure_that_cures(call, "Y", np.zeros(shape), f"expected ({n}, {m})")
        refuses(lambda: call(np.zeros((n, m, 1))), f"Y has shape {(n, m, 1)}", "one row for each output")
    for call in takers_of_Y(net)[: -2 if n == 1 else None]:
        cure = "pass Y.reshape(1, -1)" if n == 1 else f"pass Y == np.arange({n})[:, None]"
        refuses_with_a_cure_that_cures(call, "Y", np.zeros(m), cure)
    for call in takers_of_Y(net) if n > m == 1 else []:
        refuses_with_a_cure_that_cures(call, "Y", np.zeros(n), f"pass Y.reshape({n}, -1)")
    for call in takers_of_Y(net) if m != n else []:
        refuses_with_a_cure_that_cures(call, "Y", net.Y.T, "samples are columns: pass Y.T")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@given(data=st.data(), net=nets(**DATA))
def test_values_that_are_not_finite_are_refused(bad, data, net):
    for name, target in {"X": net.X, "Y": net.Y, **net.params}.items():
        i = tuple(data.draw(st.integers(0, n - 1), f"index in {name}") for n in target.shape)
        good, target[i] = target[i], bad
        for batch_size in (None, 2):
            refuses(lambda: train(*net[:3], lr=0.1, steps=1, batch_size=batch_size), f"{name} has", "NaN or infinite")
        target[i] = good


@given(st.data(), nets(**DATA), st.sampled_from([-1, 2, 1.0001, -1e-9, 255]))
def test_labels_outside_0_to_1_are_refused(data, net, bad):
    net.Y[data.draw(st.integers(0, len(net.Y) - 1)), data.draw(st.integers(0, net.Y.shape[1] - 1))] = bad
    refuses(lambda: train(*net[:3], lr=0.1, steps=1), "Y goes from", bad, "[0, 1]", "pass Y == ")


@pytest.mark.parametrize("loss", [bce, bce_with_logits])
@given(m=st.integers(1, 4))
def test_flat_probabilities_are_refused(loss, m):
    # Against a Y of shape (m, 1) they would broadcast to (m, m).
    for shape in ((m,), (), (1, m, 1)):
        for Y in (np.ones(m), np.ones((m, 1)), np.ones((1, m))):
            refuses(lambda: loss(np.full(shape, 0.5), Y), f"has shape {shape}", "expected (n_outputs, m)", "(1, -1)")


@given(st.text(max_size=8) | st.none() | st.integers())
def test_an_unknown_activation_is_refused(name):
    assume(name not in ACTIVATIONS)
    params, X, Y = init_params((1, 1)), np.ones((1, 1)), np.ones((1, 1))
    for call in (
        forward,
        predict_proba,
        lambda *args: predict(*args[:2], activation=name),
        lambda *args: loss_and_grads(*args[:2], Y, args[2]),
        lambda *args: train(*args[:2], Y, lr=1, steps=1, activation=name),
    ):
        refuses(lambda: call(params, X, name), f"activation is {name!r}", "'sigmoid', 'tanh', 'relu'")


@given(st.text(max_size=8) | st.floats(max_value=0, exclude_max=True) | st.sampled_from([None, math.inf, math.nan]))
def test_an_unknown_scale_is_refused(scale):
    assume(scale not in ("xavier", "he"))
    refuses(lambda: init_params((2, 1), scale=scale), f"scale is {scale!r}", "'xavier' or 'he'", "number")


NOT_A_COUNT = st.integers(max_value=0) | st.sampled_from([0.5, 2.0, "3", np.float64(2)])


@given(st.data(), NOT_A_COUNT)
def test_sizes_and_counts_below_1_are_refused(data, bad):
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=1, max_size=3), "sizes")
    i = data.draw(st.integers(0, len(sizes)), "position")
    refuses(lambda: init_params((*sizes[:i], bad, *sizes[i:])), f"layer_sizes[{i}] is {bad!r}", "1 or more")
    params, X, Y = init_params((1, 1)), np.ones((1, 2)), np.ones((1, 2))
    refuses(lambda: train(params, X, Y, lr=1, steps=bad), f"steps is {bad!r}", "1 or more")
    refuses(lambda: train(params, X, Y, lr=1, steps=1, batch_size=bad), f"batch_size is {bad!r}", "1 or more")
    refuses(lambda: loss_and_grads(params, X, Y, chunk_size=bad), f"chunk_size is {bad!r}", "1 or more")


@pytest.mark.parametrize("loss", [bce, bce_with_logits])
def test_whole_numbers_are_refused_for_probabilities_and_logits(loss):
    # The labels would be cut to whole numbers with them.
    refuses(lambda: loss(np.array([[1, 0]]), np.array([[0.9, 0.1]])), "is int64", "predict_proba")


@pytest.mark.parametrize("loss", [bce, bce_with_logits])
def test_losses_of_no_samples_are_refused(loss):
    refuses(lambda: loss(np.empty((1, 0)), np.empty((1, 0))), "Y has shape (1, 0)", "no samples")
    refuses(lambda: loss(np.empty((1, 0)), np.ones((1, 1))), "Y has shape (1, 1)", "expected (1, 0)")


def test_labels_that_are_words_are_refused():
    params, X = init_params((2, 1)), np.ones((2, 3))
    refuses(lambda: train(params, X, ["yes", "no", "yes"], lr=1, steps=1), "Y holds more than numbers", "pass Y == ")
    refuses(lambda: train(params, [["a", "b", "c"]] * 2, [0, 1, 1], lr=1, steps=1), "X holds more than numbers")


@given(small_nets(hidden=st.integers(1, 2)))
def test_a_cache_of_other_params_is_refused(net):
    A, cache = forward(net.params, net.X, net.activation)
    wider = {**net.params, "W1": np.vstack([net.params["W1"]] * 2), "b1": np.vstack([net.params["b1"]] * 2)}
    wider["W2"] = np.hstack([net.params["W2"]] * 2)
    refuses(lambda: backward(wider, cache, net.Y), "other params", wider["W2"].shape)
    refuses(lambda: backward(net.params, forward(wider, net.X, net.activation)[1], net.Y), "other params")
    deeper = {**net.params, f"W{depth(net.params) + 1}": np.ones((1, 1)), f"b{depth(net.params) + 1}": np.ones((1, 1))}
    for not_its_cache in (cache, (A, cache), A):
        refuses(lambda: backward(deeper, not_its_cache, net.Y), "A, cache = forward(params, X)")


@pytest.mark.parametrize("params", [None, [np.ones((1, 1))], (init_params((1, 1)), np.ones(3))])
def test_params_that_are_no_dict_are_refused(params):
    refuses(lambda: forward(params, np.ones((1, 1))), f"params is a {type(params).__name__}", "init_params")


def test_arguments_go_by_the_names_of_the_contract():
    params, X, Y = init_params((1, 1)), np.ones((1, 2)), np.ones((1, 2))
    loss_and_grads(params=params, X=X, Y=Y, activation="tanh", chunk_size=1)
    train(params=params, X=X, Y=Y, lr=0.1, steps=1, batch_size=1, rng=0, activation="tanh", callback=None)
    predict(params=params, X=X, threshold=0.5, activation="tanh")
    numerical_grads(loss=lambda p: 0.0, params=params, eps=1e-3)
    init_params(layer_sizes=(1, 1), rng=0, scale="he", dtype=np.float32)
    for call in (
        lambda: loss_and_grads(params, X, Y, "tanh", 1),
        lambda: train(params, X, Y, 0.1, 1),
        lambda: predict(params, X, 0.5),
        lambda: numerical_grads(lambda p: 0.0, params, 1e-3),
        lambda: init_params((1, 1), 0, "he"),
    ):
        with pytest.raises(TypeError):
            call()


@pytest.mark.parametrize("sizes", [(), (3,)])
def test_fewer_than_two_layer_sizes_are_refused(sizes):
    refuses(lambda: init_params(sizes), f"layer_sizes is {sizes}", "(n_features, n_outputs)")


def test_counts_may_come_from_numpy():
    assert init_params(np.array([2, 1]))["W1"].shape == (1, 2)


@given(st.floats(max_value=0) | st.sampled_from([math.inf, math.nan, np.float32(-1), 0]))
def test_an_lr_that_is_not_above_0_and_finite_is_refused(lr):
    params, X = init_params((1, 1)), np.ones((1, 1))
    refuses(lambda: update(params, params, lr), f"lr is {lr!r}", "above 0")
    refuses(lambda: train(params, X, X, lr=lr, steps=1), f"lr is {float(lr)!r}", "above 0")


@given(st.floats(max_value=0) | st.sampled_from([math.inf, math.nan]))
def test_an_eps_that_is_not_above_0_and_finite_is_refused(eps):
    refuses(lambda: numerical_grads(lambda p: 0.0, {"w": np.ones(1)}, eps=eps), f"eps is {eps!r}", "above 0")


def test_a_loss_that_is_not_one_number_is_refused():
    refuses(lambda: numerical_grads(lambda p: p["w"], {"w": np.ones(3)}), "loss(params) has shape (3,)", "average")


@st.composite
def broken_params(draw, how):
    """Params with one thing wrong, and words that the message must have."""
    net = draw(nets(hidden=st.integers(0, 2), widths=3))
    params, l = dict(net.params), draw(st.integers(1, depth(net.params)))
    W, b = params[f"W{l}"], params[f"b{l}"]
    if how == "flat b":
        params[f"b{l}"] = b.ravel()
    elif how == "row b":
        params[f"b{l}"] = np.hstack([b, b]).T
    elif how == "flat W":
        params[f"W{l}"] = W.ravel()
    elif how == "deep W":
        params[f"W{l}"] = W[:, :, None]
    elif how == "wide W":
        assume(l > 1)  # the first W says what X must be
        params[f"W{l}"] = np.hstack([W, W])
    elif how == "missing":
        del params[draw(st.sampled_from([f"W{l}", f"b{l}"]))]
    elif how == "misspelt":
        key = draw(st.sampled_from([f"W{l}", f"b{l}"]))
        params[key.swapcase()] = params.pop(key)
    elif how == "extra":
        params["lr"] = np.ones((1, 1))
    elif how == "int":
        params |= {f"W{l}": W.astype(int), f"b{l}": b.astype(int)}
    elif how == "mixed":
        base, other = draw(st.permutations([np.float32, np.float64]))
        odd = draw(st.sampled_from([[f"W{l}"], [f"b{l}"], [f"W{l}", f"b{l}"] if l > 1 else [f"W{l}"]]))
        params = {key: P.astype(other if key in odd else base) for key, P in params.items()}
    else:
        params = {}
    if how in ("missing", "misspelt", "extra", "empty"):
        return net._replace(params=params), ["params has the keys", "init_params"]
    n_prev = "n0" if l == 1 else len(params[f"b{l - 1}"])
    words = ["floating", "astype"] if how in ("int", "mixed") else ["has shape", f"expected (n{l}, {n_prev})"]
    return net._replace(params=params), [f"W{l} ", f"b{l} ", *words]


HOW = ["flat b", "row b", "flat W", "deep W", "wide W", "missing", "misspelt", "extra", "int", "mixed", "empty"]


@pytest.mark.parametrize("how", HOW)
@given(data=st.data())
def test_params_that_do_not_chain_are_refused(how, data):
    (params, X, Y, activation), words = data.draw(broken_params(how))
    for call in (
        lambda: forward(params, X, activation),
        lambda: loss_and_grads(params, X, Y, activation),
        lambda: loss_and_grads(params, X, Y, activation, chunk_size=1),
        lambda: train(params, X, Y, lr=1, steps=1),
        lambda: predict_proba(params, X, activation),
    ):
        refuses(call, *words)


@given(st.data(), small_nets())
def test_grads_that_do_not_match_params_are_refused(data, net):
    key = data.draw(st.sampled_from(sorted(net.params)), "key")
    grads = dict(net.params)
    del grads[key]
    refuses(lambda: update(net.params, grads, 0.1), f"grads[{key!r}]", net.params[key].shape)
    grads[key] = net.params[key][0]  # would broadcast
    refuses(lambda: update(net.params, grads, 0.1), f"grads[{key!r}]", net.params[key].shape)


@pytest.mark.parametrize("dtype", [int, bool, "U10"])
def test_params_of_a_dtype_without_fractions_are_refused(dtype):
    refuses(lambda: init_params((2, 1), dtype=dtype), np.dtype(dtype), "floating")


# Oracles from outside.


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
    peer = MLPClassifier(
        hidden,
        activation={"sigmoid": "logistic"}.get(activation, activation),
        solver="sgd",
        alpha=0,
        momentum=0,
        nesterovs_momentum=False,
        learning_rate_init=lr,
        batch_size=50,
        shuffle=False,
    )
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


# The demo and the README, where they stand beside this file.


@pytest.fixture
def demo():
    return pytest.importorskip("demo", reason="demo.py is not beside this file")


@pytest.fixture
def run(demo):
    """A function: the rows of one part of the demo, and its pictures by name."""

    def run(name, **kwargs):
        items = list(demo.PARTS[name](**kwargs))
        assert isinstance(items[0], str)  # says what it is about before the first wait
        return [i for i in items if isinstance(i, dict)], dict(i for i in items if isinstance(i, tuple))

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


def test_demo_article2(run):
    said_linear, cycle_1, cycle_2, converged, sklearn, said, network = run("article2")[0]
    assert abs(cycle_1["loss"] - cycle_2["loss"]) > 0.3
    for cycle in (cycle_1, cycle_2):  # 1000 test samples: a standard error of 1.4 points
        assert abs(cycle["test"] - said_linear["test"]) < 3 * 0.014 and cycle["AUC"] < converged["AUC"] - 0.05
    assert abs(converged["AUC"] - sklearn["AUC"]) < 0.001 and converged["loss"] - sklearn["loss"] < 1e-6
    assert max(abs(converged[key] - sklearn[key]) for key in ("train", "test")) < 0.001
    assert network["train"] >= 0.94 and network["test"] >= said["test"] and network["AUC"] >= 0.955


def test_demo_capacity(run):
    rows, _ = run("capacity", totals=(2, 3), steps=300, repeats=1, n_jobs=1)
    aucs = [row[layers] for row in rows for layers in ("1 layer", "2 layers", "3 layers") if row[layers]]
    assert [row["nodes"] for row in rows] == [2, 3] and len(aucs) == 5
    assert aucs[0] > 0.85  # two nodes side by side have about the 0.88 of logistic regression


def test_demo_symmetry(run):
    zero, equal, random = run("symmetry", steps=100)[0]
    units = [[row[f"units in layer {l}"] for l in (1, 2)] for row in (zero, equal, random)]
    assert units == [[1, 1], [1, 1], [8, 3]]
    assert zero["loss"] == pytest.approx(math.log(2), rel=1e-3) and random["loss"] < equal["loss"]


def test_demo_vanishing(run):
    rows, _ = run("vanishing", steps=100)
    last, first = rows[0], rows[10]
    assert (last["layer"], first["layer"]) == (11, 1)
    assert first["sigmoid, xavier"] < 1e-4 * last["sigmoid, xavier"] and first["relu, he"] > 0.1 * last["relu, he"]
    sigmoid_net, relu_net = rows[11:]
    assert abs(sigmoid_net["loss"] - math.log(2)) < 0.01 and relu_net["loss"] < 0.4


def test_demo_digits(run):
    linear, network, sklearn = run("digits")[0]
    # 450 test digits: a standard error of 0.7 points around 98 %.
    assert linear["test"] < 0.94 and network["test"] >= 0.96 and abs(network["test"] - sklearn["test"]) < 3 * 0.007


def test_demo_boundary(run):
    linear, network = run("boundary", steps=1000)[0]
    assert linear["test"] < 0.9 < 0.93 < network["test"]


def test_demo_benchmark_compares_equals(run):
    rows, _ = run("benchmark", repeats=1, effort=0.1, sizes=(1000, 20_000))
    assert all(row["apart"] < 1e-10 for row in rows[:4])
    assert [row["samples"] for row in rows[4:]] == [1000, 20_000] and all(row["extra MB"] < 32 for row in rows[4:])


REDUCED = {
    "gradient-check": {"n_samples": 5, "exponents": (2, 8)},
    "article1": {"steps": 2},
    "article2": {"steps": 40},
    "capacity": {"totals": (2, 3, 10), "steps": 2, "n_jobs": 1, "repeats": 2},
    "vanishing": {"steps": 2},
    "digits": {"epochs": 1},
    "boundary": {"steps": 2},
}


@pytest.mark.parametrize("name", REDUCED)
def test_demo_saves_its_pictures(name, demo, run, tmp_path):
    for picture, draw in run(name, **REDUCED[name])[1].items():
        assert picture.startswith(name)
        demo.save(tmp_path / f"{picture}.png", draw)
        assert (tmp_path / f"{picture}.png").read_bytes().startswith(b"\x89PNG")


def test_demo_takes_parts_in_the_order_asked_for(demo, capsys, tmp_path):
    demo.main(["boundary", "gradient-check", "--figures", str(tmp_path / "new"), "--seed", "3"])
    out = capsys.readouterr().out
    assert out.index("\nboundary: ") < out.index("\ngradient-check: ") and "article1" not in out
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == ["boundary.png", "gradient-check.png"]


@pytest.mark.parametrize(
    "argv, words",
    [
        (["article3"], "choose from gradient-check, article1, "),
        (["--seed", "-1"], "--seed"),
        (["--figures", "{file}/figures"], "cannot write to"),
    ],
)
def test_demo_refuses_bad_arguments_in_one_line(argv, words, demo, capsys, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(SystemExit) as caught:
        demo.main([word.format(file=tmp_path / "file") for word in argv])
    assert caught.value.code != 0 and words in f"{caught.value.code} {capsys.readouterr().err}"


def test_the_readme_quotes_the_code_as_it_is():
    here = pathlib.Path(__file__).parent
    if not (here / "README.md").exists():
        pytest.skip("README.md is not here")
    code = (here / "backprop.py").read_text(encoding="utf-8")
    table = re.findall(r"^\|.*?\| `(.*)` \| `\w+` \|$", (here / "README.md").read_text(encoding="utf-8"), re.M)
    assert len(table) > 8 and [line for line in table if line not in code] == []
