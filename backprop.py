# backprop.py, backpropagation from scratch in one NumPy file. SPDX-License-Identifier: MIT-0
"""A fully connected network trained by backpropagation, every gradient derived by hand.

"Article 1" is "Backpropagation from Scratch: Training a neural network by hand with NumPy, no
autograd, no shortcuts"; "article 2" is "ML From Scratch, Part 3: Backpropagation" by Oran Looney,
oranlooney.com/post/ml-from-scratch-part-3-backpropagation/.

Samples stand in columns, layers count from 1 to L, and everything travels in plain dicts:

    params = {"W1": (n1, n0), "b1": (n1, 1), ..., "WL": (nL, nL-1), "bL": (nL, 1)}
    cache  = {"A0": X, "Z1", "A1", ..., "ZL", "AL"}, each (nl, m), and "activation", a name
    grads  = the keys and shapes of params
    X: (n0, m)    Y: (nL, m), each entry in [0, 1]    m samples    L = len(params) // 2

To learn it, read _forward, bce, _backward and _update; skip the checks at the end: forward is
_forward after them, and so on. No function changes what it is given, but a Generator advances.
Floats have the dtype of params. XOR, after `import numpy as np` and `from backprop import *`:

>>> X, Y = np.array([[0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0, 1, 1, 0]])
>>> params = init_params((2, 4, 1), rng=0)
>>> for step in range(2000):
...     A, cache = forward(params, X)
...     loss = bce(A, Y)
...     grads = backward(params, cache, Y)
...     params = update(params, grads, lr=2.0)
>>> print(predict(params, X))
[[0 1 1 0]]
"""

from contextlib import suppress
from functools import lru_cache
from itertools import repeat
from math import inf, nextafter, prod, sqrt
from numbers import Integral, Real

import numpy as np
from numpy import empty, errstate, ma, matrix  # by name: also where the line above says jax.numpy
from numpy.random import default_rng

__version__ = "1.2.0"
__all__ = ["init_params", "sigmoid", "relu", "forward", "bce", "bce_with_logits", "backward"]
__all__ += ["update", "loss_and_grads", "train", "predict_proba", "predict", "numerical_grads"]


# ---- The network: weights, activations, forward pass ---------------------------------------------
def init_params(layer_sizes, rng=None, *, scale="xavier", dtype=np.float64):
    """Return random params for layer_sizes = (n_features, *hidden, n_outputs); hidden may be none.

    rng: a seed or a numpy Generator. scale: "xavier", W ~ N(0, 1 / n_prev) (article 1), or "he",
    W ~ N(0, 2 / n_prev), for ReLU; both with b = 0. Or a number s: W and b ~ N(0, s ** 2), as
    article 2 with 0.1. ValueError: a size below 1, an unknown scale, a dtype below float32.
    """
    sizes = [_checked_count(f"layer_sizes[{i}]", n) for i, n in enumerate(layer_sizes)]
    _check_settings(sizes, rng, scale, dtype)
    with errstate():  # NumPy 1's default_rng can leave the error state of another thread behind
        rng = default_rng(rng)
    params = {}
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), start=1):
        std_W = sqrt({"xavier": 1, "he": 2}[scale] / n_prev) if isinstance(scale, str) else scale
        std_b = 0 if isinstance(scale, str) else scale
        params[f"W{l}"] = np.asarray(rng.normal(0, std_W, (n, n_prev)), dtype)
        params[f"b{l}"] = np.asarray(rng.normal(0, std_b, (n, 1)), dtype)
    return params


def sigmoid(Z):
    """Return 1 / (1 + exp(-Z)), right to a few bits wherever it is a normal number."""
    with errstate(over="ignore", under="ignore"):  # exp(1000) = inf gives the right 1 / inf = 0
        return 1 / (1 + np.exp(0.0 - Z))  # -Z would be 255 for a uint8 of 1


def relu(Z):
    """Return max(Z, 0) entry by entry."""
    return np.maximum(Z, 0)


# Each hidden activation, and its derivative written in A = activation(Z), where article 1 has Z:
# that needs no second exp. ReLU has no derivative at Z = 0; by convention it is 0 there.
ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda A: A * (1 - A)),
    "tanh": (np.tanh, lambda A: 1 - A * A),
    "relu": (relu, lambda A: A > 0),
}


def forward(params, X, activation="sigmoid"):
    """Return (A, cache) of article 1's forward pass: the probabilities, (nL, m), and every Z and A.

    X: (n0, m). activation: "sigmoid", "tanh" or "relu", of hidden layers; the last has sigmoid. A
    is cache["AL"], and cache["A0"] may be X: keep both for backward. ValueError: what does not fit.
    """
    with errstate(under="ignore"):  # too small is 0, also where np.seterr raises, here and below
        return _forward(params, _checked_X(params, X, activation), activation)


def _forward(params, X, activation):
    A, cache = X, {"A0": X, "activation": activation}  # A: (n0, m)
    L = len(params) // 2
    for l in range(1, L + 1):
        g = ACTIVATIONS[activation][0] if l < L else sigmoid
        Z = params[f"W{l}"] @ A + params[f"b{l}"]  # (nl, n_prev) @ (n_prev, m) + (nl, 1)
        A = g(Z)  # (nl, m), as Z
        cache[f"Z{l}"], cache[f"A{l}"] = Z, A
    return A, cache


# ---- The loss and its gradient: backward pass, update --------------------------------------------
def bce(A, Y):
    """Return the binary cross-entropy: summed over outputs, averaged over samples.

    A: probabilities, Y: labels, both (nL, m) in [0, 1]. As in sklearn.metrics.log_loss, A is
    clipped to [eps, 1 - eps], so that log is finite, and not checked. ValueError: shapes that
    differ, labels outside [0, 1]. Source: article 1; article 2's J lacks the minus sign.
    """
    A = _checked_columns("A", A)
    Y = _checked_labels(_checked_columns("Y", Y, *A.shape, A.dtype))
    m = A.dtype.type(Y.shape[1])  # a number of A's dtype: NumPy 1 makes float64 of float32 / int
    eps = np.finfo(A.dtype).eps
    A = np.minimum(np.maximum(A, eps), 1 - eps)
    with errstate(under="ignore"):
        return -(Y * np.log(A) + (1 - Y) * np.log(1 - A)).sum() / m


def bce_with_logits(Z, Y):
    """Return bce(sigmoid(Z), Y) from the last layer's Z, right to a few bits however large.

    Z, finite, and Y: (nL, m). ValueError: shapes that differ. Source: article 1's loss, where
    -log(a) = log(1 + exp(-z)) = max(-z, 0) + log(1 + exp(-|z|)), and -log(1 - a) has z for -z.
    """
    Z = _checked_columns("Z", Z)
    with errstate(under="ignore"):
        return _bce_with_logits(Z, _checked_columns("Y", Y, *Z.shape, Z.dtype), Z.shape[1])


def _bce_with_logits(Z, Y, m):
    rest = np.log1p(np.exp(np.minimum(Z, -Z)))  # -|Z|, for complex steps, too: no exp overflows
    minus_log_A = np.maximum(-Z, 0) + rest
    minus_log_1_A = np.maximum(Z, 0) + rest
    return ((Y * minus_log_A + (1 - Y) * minus_log_1_A) / m).sum()  # / m first: no mean overflows


def backward(params, cache, Y):
    """Return grads in the order of params: the derivative of bce_with_logits by every entry.

    Also of bce, unless it clips. cache: from forward with these params. Y: (nL, m). The error is
    about eps * A_prev: where A is close to Y few digits are left. ValueError: shapes that do not
    fit, a cache of other sizes. Source: article 1, backward pass; article 2.
    """
    _check_cache(params, cache)
    A = cache[f"A{len(params) // 2}"]
    with errstate(under="ignore"):
        return _backward(params, cache, _checked_columns("Y", Y, *A.shape, A.dtype), A.shape[1])


def _backward(params, cache, Y, m):
    L = len(params) // 2
    grads = dict.fromkeys(params)  # in this order
    A = cache[f"A{L}"]
    activation_deriv = ACTIVATIONS[cache["activation"]][1]
    # The loss of a sample, -Y log(A) - (1 - Y) log(1 - A), has dA = (A - Y) / (A * (1 - A)), and
    # sigmoid's derivative is A * (1 - A): their product is dZ. The 1 / m of the mean follows.
    dZ = A - Y  # (nL, m)
    for l in range(L, 0, -1):
        W, A_prev = params[f"W{l}"], cache[f"A{l - 1}"]  # (nl, n_prev), (n_prev, m)
        grads[f"W{l}"] = dZ @ A_prev.T / m  # (nl, m) @ (m, n_prev)
        grads[f"b{l}"] = dZ.sum(axis=1, keepdims=True) / m  # (nl, 1)
        if l > 1:
            dA_prev = W.T @ dZ  # (n_prev, nl) @ (nl, m)
            dZ = dA_prev * activation_deriv(A_prev)  # (n_prev, m); written in A, see ACTIVATIONS
    return grads


def update(params, grads, lr):
    """Return new params, one step down the gradient. ValueError: lr <= 0, grads of other shapes."""
    _check_grads(params, grads)
    _check_number("lr", lr)
    with errstate(under="ignore"):
        return _update(params, grads, lr)


def _update(params, grads, lr):  # asarray: a float64 lr or gradient would widen float32 params
    return {key: np.asarray(P - lr * grads[key], P.dtype) for key, P in params.items()}


# ---- Training and prediction, for any number of samples ------------------------------------------
CHUNK_SIZE = 4096  # columns; of 8 units and in float64 256 kB, which stay in the processor's cache
empty(1 << 21)  # 16 MB, freed at once: from now on glibc's malloc keeps smaller ones for reuse


def loss_and_grads(params, X, Y, activation="sigmoid", *, chunk_size=CHUNK_SIZE):
    """Return (loss, grads), bce_with_logits and its derivative, in chunks of chunk_size columns.

    Two means: those of shards on other machines add up, each times its share of the samples.
    Memory: a chunk, and a copy of X or Y of another dtype. ValueError: as forward; chunk_size < 1.
    """
    X = _checked_X(params, X, activation)
    Y = _checked_columns("Y", Y, len(params[f"b{len(params) // 2}"]), X.shape[1], X.dtype)
    with errstate(under="ignore"):
        return _loss_and_grads(params, X, Y, activation, _checked_count("chunk_size", chunk_size))


def _loss_and_grads(params, X, Y, activation, chunk_size=CHUNK_SIZE):
    loss = grads = None
    m = X.shape[1]
    for i in range(0, m, chunk_size):
        X_i, Y_i = X[:, i : i + chunk_size], Y[:, i : i + chunk_size]
        _, cache = _forward(params, X_i, activation)
        loss_i = _bce_with_logits(cache[f"Z{len(params) // 2}"], Y_i, m)
        grads_i = _backward(params, cache, Y_i, m)
        loss = loss_i if i == 0 else loss + loss_i
        grads = grads_i if i == 0 else {key: grads[key] + grads_i[key] for key in params}
    return loss, grads


def train(
    params, X, Y, *, lr, steps, batch_size=None, rng=None, activation="sigmoid", callback=None
):
    """Return (params, losses) after `steps` updates of the given params.

    X: (n0, m). Y: (nL, m), for one output also (m,). batch_size: samples in a step, None for all;
    otherwise an epoch visits each once, shuffled by rng (Generator, or a seed: alike in each call),
    its last batch may be shorter. losses[k]: bce_with_logits of step k's batch before update k.
    callback(step, loss, params): after each update; True ends the training there. ValueError: what
    does not fit. FloatingPointError: a loss, or at the end params, not finite. Source: article 1.
    """
    X, Y = _checked_training_data(params, X, Y, activation)
    _check_number("lr", lr)
    batches = repeat((X, Y)) if batch_size is None else _batches(X, Y, batch_size, rng)
    cure = "try a smaller lr, or X and weights of about unit scale"
    losses = []
    for step, (X_i, Y_i) in zip(range(_checked_count("steps", steps)), batches):
        with errstate(all="ignore"):  # the errors below say it better than a warning
            loss, grads = _loss_and_grads(params, X_i, Y_i, activation)
            params = _update(params, grads, lr)
        if not abs(loss) < inf:
            raise FloatingPointError(f"the loss is {loss} at step {step} with lr={lr}: {cure}")
        losses.append(loss)
        stop = callback is not None and callback(step, loss, params)
        if getattr(stop, "dtype", type(stop)) in (bool,) and stop:  # file.write returns a count
            break
    if not all(np.isfinite(P).all() for P in params.values()):
        raise FloatingPointError(f"params are not finite after step {step} with lr={lr}: {cure}")
    return params, np.asarray(losses, params["W1"].dtype)


def _batches(X, Y, batch_size, rng):
    batch_size = _checked_count("batch_size", batch_size)
    m = X.shape[1]
    with errstate():  # as in init_params
        rng = default_rng(rng)
    # Rows in one piece are quick to pick. ravel copies, unless X is the .T of such rows.
    X_rows, Y_rows = X.T.ravel().reshape(m, -1), Y.T.ravel().reshape(m, -1)
    while True:  # epoch by epoch, for ever
        shuffled = np.asarray(rng.permutation(m))  # to jax's device, once an epoch
        for i in range(0, m, batch_size):
            batch = shuffled[i : i + batch_size]
            yield X_rows.take(batch, axis=0).T, Y_rows.take(batch, axis=0).T


def predict_proba(params, X, activation="sigmoid"):
    """Return the probabilities (nL, m) of forward, keeping no cache. ValueError: as forward."""
    X = _checked_X(params, X, activation)
    starts = range(0, X.shape[1], CHUNK_SIZE)
    with errstate(under="ignore"):
        parts = [_forward(params, X[:, i : i + CHUNK_SIZE], activation)[0] for i in starts]
    return np.concatenate(parts, axis=1)


def predict(params, X, *, threshold=0.5, activation="sigmoid"):
    """Return classes (nL, m), integers: 1 where the probability is at least threshold, else 0.

    ValueError: as forward; a threshold that is no number; NaN in X or params. Source: article 2.
    """
    _check_number("threshold", threshold, "one number", lambda x: x == x)
    A = predict_proba(params, X, activation)
    lost = np.isnan(A).any(axis=0)
    if _holds(lost.any):
        raise ValueError(f"sample {lost.argmax()} has no class: NaN in X or params, or an overflow")
    return (A >= np.asarray(threshold, A.dtype)).astype(int)  # rounded as A is: equal stays equal


def numerical_grads(loss, params, *, eps=1e-5):
    """Return grads of any loss(params) -> number by central differences, with nothing to derive.

    For checking a gradient: slow, approximate, wrong across a kink (ReLU at 0, a clip). eps: how
    far each entry moves, in float64. ValueError: eps <= 0, for a loss of float32 eps < 1e-3.
    """
    _check_number("eps", eps)
    wide = {key: _checked_numbers(key, P, float) for key, P in _checked_items(params)}
    _check_number("loss(params)", loss(wide), "one number", lambda x: x == x)
    grads = {}
    for key, P in wide.items():
        each = (eps * (np.arange(P.size) == i).reshape(P.shape) for i in range(P.size))
        losses = np.asarray([[loss({**wide, key: P + h}) for h in (-dP, dP)] for dP in each])
        expected = "about 1e-2 for a loss of float32, or a loss of float64"
        _check_number("eps", eps, expected, lambda x: x >= 1e-3 or not _narrow(loss(wide), losses))
        G = np.diff(losses).reshape(P.shape) / (2 * eps)
        dtype = np.asarray(params[key]).dtype
        grads[key] = _checked_numbers(key, G, dtype if dtype.kind == "f" else float)
    return grads


# ---- Checks: what came, what was expected, and the likely cure -----------------------------------
WIDE = {np.dtype(order + t) for order in "<>" for t in "fdgFDG"}  # float32 or wider, complex steps


def _holds(claim):  # such as [float(x)], which is true of every number, also of 0
    with suppress(TypeError, ValueError, OverflowError):  # a tracer of jax.jit has no values
        return bool(claim())


def _check_number(name, x, expected="one finite number above 0", right=lambda x: 0 < x < inf):
    one = getattr(x, "shape", 0) == () or isinstance(x, Real) and not nextafter(inf, 0) < x < inf
    if not one or _holds(lambda: not right(x)):
        raise ValueError(f"{name} is {x!r:.60}, expected {expected}")


def _checked_count(name, n):
    if not isinstance(n, Integral) or n < 1:
        raise ValueError(f"{name} is {n!r}, expected a whole number (int), 1 or more")
    return int(n)  # NumPy's narrow integers would wrap around


def _check_settings(sizes, rng, scale, dtype):
    if len(sizes) < 2:
        raise ValueError(f"layer_sizes is {sizes}, expected (n_features, *hidden, n_outputs)")
    if not isinstance(scale, str) or scale not in ("xavier", "he"):
        _check_number("scale", scale, "'xavier', 'he' or a number >= 0", lambda x: 0 <= x < inf)
    if isinstance(rng, str):
        raise ValueError(f"rng is {rng!r}, expected a seed or a Generator: scale={rng!r}?")
    if np.dtype(dtype) not in WIDE:
        raise ValueError(f"dtype is {np.dtype(dtype)}, expected float32 or wider")


def _checked_items(params):
    if not hasattr(params, "items"):
        raise ValueError(f"params is {type(params)}, expected a dict: params, losses = train(...)?")
    return params.items()


def _checked_sizes(params):
    items = _checked_items(params)
    return _sizes(*[(k, getattr(P, "shape", 0), getattr(P, "dtype", 0), type(P)) for k, P in items])


@lru_cache  # each step of a loop asks for the same three times
def _sizes(*layout):
    L = len(layout) // 2
    shapes = {key: shape for key, shape, *_ in layout}
    if not L or shapes.keys() != {f"{P}{l}" for l in range(1, L + 1) for P in "Wb"}:
        raise ValueError(f"params has the keys {list(shapes)}, expected W1, b1, ..., WL, bL")
    dtypes = {t if t in (ma.MaskedArray, matrix) else dtype or t for *_, dtype, t in layout}
    if len(dtypes) > 1 or not dtypes <= WIDE:
        cure = "pass {key: np.asarray(P, float) for key, P in params.items()}"
        raise ValueError(f"params holds {dtypes}, expected one dtype, float32 or wider: {cure}")
    n = "n0"
    for l in range(1, L + 1):
        W, b = shapes[f"W{l}"], shapes[f"b{l}"]
        if len(W) != 2 or b != (W[0], 1) or l > 1 and W[1] != n:
            expected = f"(n{l}, {n}) and (n{l}, 1): n{l} units, and a bias is a column"
            raise ValueError(f"W{l} has shape {W} and b{l} {b}, expected {expected}")
        n = W[0]
    return [shapes["W1"][1], *[shapes[f"b{l}"][0] for l in range(1, L + 1)]]


def _checked_X(params, X, activation):
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}, expected one of {list(ACTIVATIONS)}")
    return _checked_columns("X", X, _checked_sizes(params)[0], None, params["W1"].dtype)


def _checked_columns(name, array, n=None, m=None, dtype=None):  # None: any, if wide and not empty
    if hasattr(array, "toarray") or ma.is_masked(array):
        cure = "drop or fill in what is masked" if ma.is_masked(array) else f"pass {name}.toarray()"
        raise ValueError(f"{name} is {type(array)}, expected an array of all numbers: {cure}")
    shape = (array := np.asarray(array)).shape
    n = n or (len(array) if len(shape) == 2 else 1)
    if len(shape) == 2 and shape[0] == n and shape[1] > 0 and (m is None or shape[1] == m):
        if dtype is None and array.dtype not in WIDE:
            raise ValueError(f"{name} is {array.dtype}, expected float32 or wider, as from forward")
        return _checked_numbers(name, array, dtype or array.dtype)
    cure = f"a row for each {'feature' if name == 'X' else 'output'}, a column for each sample"
    if array.size == 0:
        cure = "there are no samples"
    elif name == "Y" and array.size == m and (classes := _cure_of_labels(array, n)):
        cure = classes
    elif len(shape) > 1 and prod(shape[1:]) == n and m in (None, shape[0]):
        rows = "" if len(shape) == 2 else f".reshape(len({name}), -1)"  # of images
        cure = f"samples are columns, pass np.asarray({name}){rows}.T"
    elif shape and m in (None, array.size / n) and (shape == (n,) or prod(shape[:-1]) == n):
        cure = f"pass np.asarray({name}).reshape({n}, -1)"
    raise ValueError(f"{name} has shape {shape}, expected ({n}, {'m' if m is None else m}): {cure}")


def _checked_numbers(name, array, dtype):
    if (array := np.asarray(array)).dtype == dtype:
        return array
    with errstate(under="ignore"), suppress(TypeError, ValueError, OverflowError):
        if array.dtype.kind not in "mMc" or array.dtype.kind == np.dtype(dtype).kind:
            return np.asarray(array, dtype)  # None is NaN, and "1.5" is 1.5
    entries = array.ravel().tolist()
    came = max([x for x in entries if not _holds(lambda: [float(x)])] or entries, key=str)
    cure = "encode words, count days, drop or fill in what is missing"
    if name == "Y":
        one = isinstance(came, str | bytes) and f"if 1 is {came!r}, pass np.asarray(Y) == {came!r}"
        cure = _cure_of_labels(array, 1, one) or cure
    raise ValueError(f"{name} is {array.dtype} with {came!r:.60}, expected numbers: {cure}")


def _cure_of_labels(Y, n, one=None):  # one: if two values answer one question
    with suppress(TypeError, ValueError, OverflowError):  # None and a word have no order
        values = np.unique(Y).tolist()
        if n == 1 and len(values) < 3:
            return one
        classes = all(isinstance(x, str | bytes) or x == int(x) for x in values)
        if classes and max(Y.shape) == Y.size:
            k = max(len(values), n)
            known = range(n) if {*values} <= {*range(n)} else values + [None] * (k - len(values))
            every = "np.unique(Y)" if k == len(values) else f"np.array({[*known]})"
            return f"for {k} classes take {k} outputs, pass np.ravel(Y) == {every}[:, None]"


def _checked_training_data(params, X, Y, activation):
    with errstate(over="ignore"):  # what is too large for dtype is found below
        X = _checked_X(params, X, activation)
        n = _checked_sizes(params)[-1]
        flat = np.ndim(Y) == n == 1 and not ma.is_masked(Y)
        Y = _checked_columns("Y", np.asarray(Y)[None] if flat else Y, n, X.shape[1], X.dtype)
    for name, array in {"X": X, "Y": Y, **params}.items():
        if not (np.isfinite(array.min()) and np.isfinite(array.max())):  # both are NaN if one is
            raise ValueError(f"{name} holds NaN or infinity in {X.dtype}: drop, fill in or rescale")
    return X, _checked_labels(Y)


def _checked_labels(Y):
    low, hi = Y.min(), Y.max()
    if _holds(lambda: not (0 <= low and hi <= 1)):
        one = f"if 1 is {hi}, pass np.asarray(Y, '{Y.dtype}') == {hi}"
        cure = "regression is not what a sigmoid output does, unless scaled to [0, 1]: "
        cure += f"pass np.interp(np.asarray(Y, float), ({low}, {hi}), (0, 1))"
        cure = _cure_of_labels(Y, 1, one) or cure
        cure = cure if np.isfinite(Y).all() else "no NaN, no infinity"
        raise ValueError(f"Y goes from {low} to {hi}, expected labels in [0, 1]: {cure}")
    return Y


def _check_cache(params, cache):
    sizes = _checked_sizes(params)
    came = [len(A) for key, A in cache.items() if key[0] == "A"] if hasattr(cache, "keys") else []
    if came != sizes:
        raise ValueError(f"cache has units {came}, params {sizes}: A, cache = forward(params, X)")


def _check_grads(params, grads):
    _checked_sizes(params)
    for key, P in params.items():
        G = grads.get(key) if hasattr(grads, "get") else None
        if getattr(G, "shape", None) != P.shape or isinstance(G, ma.MaskedArray):
            raise ValueError(f"grads has no {key} of shape {P.shape}: grads = backward(...)?")


def _narrow(x, losses):  # of float32, also if x is what its item() made of it, a float
    with errstate(all="ignore"):
        hidden = np.ptp(losses) > 0 and (losses.astype("f4") == losses).all()
    return losses.dtype in ("f2", "f4") or type(x) is float and hidden
