# SPDX-License-Identifier: MIT-0
"""Backpropagation from scratch: a fully connected network in NumPy, every gradient derived by hand.

Samples stand in columns, layers count from 1 to L, and everything travels in plain dicts:

    params = {"W1": (n1, n0), "b1": (n1, 1), ..., "WL": (nL, nL-1), "bL": (nL, 1)}
    cache  = {"A0": X, "Z1", "A1", ..., "ZL", "AL"}, each (n, m), and "activation", the name of the hidden layers'
    grads  = the keys and shapes of params
    X: (n0, m)    Y: (nL, m), each entry in [0, 1]    m samples    L = len(params) // 2

No function changes an array that it is given, and results have the dtype of params. Learning XOR:

>>> X, Y = np.array([[0, 0, 1, 1], [0, 1, 0, 1]]), np.array([[0, 1, 1, 0]])
>>> params = init_params((2, 4, 1), rng=0)
>>> for step in range(2000):
...     A, cache = forward(params, X)
...     loss = bce(A, Y)
...     grads = backward(params, cache, Y)
...     params = update(params, grads, lr=2.0)
>>> print(predict(params, X))
[[0 1 1 0]]

"Article 1" below is "Backpropagation from Scratch"; "article 2" is "ML From Scratch, Part 3: Backpropagation".
"""

import numpy as np
from numpy import empty, errstate, generic, inf, integer  # by name, so that `import jax.numpy as np` leaves them be
from numpy.random import default_rng

CHUNK_SIZE = 8192  # columns; see loss_and_grads


def init_params(layer_sizes, rng=None, *, scale="xavier", dtype=np.float64):
    """Return random params for layer_sizes = (n_features, *hidden, n_outputs); no hidden layer is logistic regression.

    rng: a seed or a numpy Generator. scale: "xavier", W ~ N(0, 1 / n_prev) (article 1), or "he", W ~ N(0, 2 / n_prev),
    for ReLU; both with b = 0. Or a number: W and b ~ N(0, scale ** 2), in article 2 with 0.1.
    ValueError: a size below 1, an unknown or negative scale, a dtype without fractions.

    >>> {key: P.shape for key, P in init_params((20, 8, 3, 1)).items()}
    {'W1': (8, 20), 'b1': (8, 1), 'W2': (3, 8), 'b2': (3, 1), 'W3': (1, 3), 'b3': (1, 1)}
    """
    sizes, known = tuple(layer_sizes), {"xavier": 1, "he": 2}
    if len(sizes) < 2:
        raise ValueError(f"layer_sizes is {sizes}, expected (n_features, n_outputs) or more; no hidden layer is fine")
    _check_counts(**{f"layer_sizes[{i}]": n for i, n in enumerate(sizes)})
    named = isinstance(scale, str) and scale in known
    if not named and not (isinstance(scale, (int, float, generic)) and 0 <= scale < inf):
        raise ValueError(f"scale is {scale!r}, expected {' or '.join(map(repr, known))} or a number, 0 or more")
    rng, params = default_rng(rng), {}
    for l, (n_prev, n) in enumerate(zip(sizes[:-1], sizes[1:]), start=1):
        std_W, std_b = ((known[scale] / n_prev) ** 0.5, 0) if named else (scale, scale)  # std 0 draws zeros
        params[f"W{l}"] = np.asarray(rng.normal(0, std_W, (n, n_prev)), dtype)
        params[f"b{l}"] = np.asarray(rng.normal(0, std_b, (n, 1)), dtype)
    _check(params)
    return params


@errstate(all="ignore")  # exp may overflow to infinity on its way to a right answer: 1 / (1 + inf) = 0. Below, likewise
def sigmoid(Z):
    """Return 1 / (1 + exp(-Z)) entry by entry, for floating Z right to the last few bits, also far in the left tail.

    >>> print(sigmoid(0.0), sigmoid(-1000.0))
    0.5 0.0
    """
    return 1 / (1 + np.exp(-Z))


def relu(Z):
    """Return max(Z, 0) entry by entry."""
    return np.maximum(Z, 0)


# Each hidden activation beside its derivative. Article 1 takes that at Z; written in A = activation(Z) it needs no
# second exp, and backward no Z. At Z = 0 ReLU has no derivative: by convention it is 0 there.
ACTIVATIONS = {
    "sigmoid": (sigmoid, lambda A: A * (1 - A)),
    "tanh": (np.tanh, lambda A: 1 - A * A),
    "relu": (relu, lambda A: A > 0),
}


@errstate(all="ignore")
def forward(params, X, activation="sigmoid"):
    """Return (A, cache): the probabilities of the output layer, (nL, m), and what backward and bce_with_logits need.

    X: (n0, m). activation: of the hidden layers, "sigmoid", "tanh" or "relu"; the output layer is always sigmoid.
    ValueError: shapes that do not fit, an unknown activation. Source: article 1, forward pass.
    """
    X = np.asarray(X)
    L = _check(params, X)
    if not isinstance(activation, str) or activation not in ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}, expected one of {', '.join(map(repr, ACTIVATIONS))}")
    A = np.asarray(X, params["W1"].dtype)
    cache = {"A0": A, "activation": activation}
    for l in range(1, L + 1):
        g = ACTIVATIONS[activation][0] if l < L else sigmoid
        Z = params[f"W{l}"] @ A + params[f"b{l}"]
        A = g(Z)
        cache[f"Z{l}"], cache[f"A{l}"] = Z, A
    return A, cache


def bce(A, Y):
    """Return the binary cross-entropy of probabilities A and labels Y: summed over outputs, averaged over samples.

    A, Y: (nL, m) in [0, 1]. As in sklearn.metrics.log_loss, A is clipped to [eps, 1 - eps], eps being the spacing of
    floats at 1, so that log is finite; bce_with_logits has no such limit. ValueError: shapes that differ.
    Source: article 1, loss; in article 2's J the minus sign is missing.
    """
    A, Y = _check_labels("A", A, Y)
    m, eps = Y.shape[1], np.finfo(A.dtype).eps
    A = np.clip(A, eps, 1 - eps)
    return (-(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m).sum()


@errstate(all="ignore")
def bce_with_logits(Z, Y):
    """Return bce(sigmoid(Z), Y) from the last layer's Z itself, right to rounding however confident the network is.

    Z, Y: (nL, m). ValueError: shapes that differ.
    Source: in article 1's loss -log(a) = log(1 + exp(-z)), and -log(1 - a) = log(1 + exp(z)).

    >>> print(bce_with_logits(np.array([[-800.0, 40.0]]), np.array([[1, 1]])))
    400.0
    """
    Z, Y = _check_labels("Z", Z, Y)
    m, up, down = Y.shape[1], np.maximum(Z, 0), np.maximum(-Z, 0)
    # log(1 + exp(z)) = up + log(1 + exp(-|z|)) with |z| = up + down: this exp cannot overflow.
    return (((1 - Y) * up + Y * down + np.log1p(np.exp(-up - down))) / m).sum()


@errstate(all="ignore")
def backward(params, cache, Y):
    """Return grads, the derivative of bce_with_logits (and of bce, unless that clips) by every entry of params.

    cache: from forward with these params. Y: (nL, m). ValueError: shapes that do not fit.
    Source: article 1, backward pass; article 2, the chain rule for W(L), W(L-1), W(L-2).
    """
    L, grads = len(params) // 2, {}
    if not isinstance(cache, dict) or f"A{L}" not in cache:
        raise ValueError(f"cache has no A{L}, expected the cache of `A, cache = forward(params, X)` with these params")
    derivative = ACTIVATIONS[cache["activation"]][1]
    A, Y = _check_labels(f"A{L}", cache[f"A{L}"], Y)
    m = Y.shape[1]
    dZ = A - Y  # per sample: dL/dA * dA/dZ = (A - Y) / (A * (1 - A)) * A * (1 - A); the 1 / m of the mean comes below
    for l in range(L, 0, -1):
        W, A_prev = params[f"W{l}"], cache[f"A{l - 1}"]
        if W.shape != (len(dZ), len(A_prev)):
            raise ValueError(f"W{l} has shape {W.shape}, expected {len(dZ), len(A_prev)}: cache is from other params")
        grads[f"W{l}"] = dZ @ A_prev.T / m
        grads[f"b{l}"] = dZ.sum(axis=1, keepdims=True) / m
        if l > 1:
            dA_prev = W.T @ dZ
            D = derivative(A_prev)
            # dZ_prev = dA_prev * D, but where D is 0 (a saturated unit) it is 0, even if dA_prev has overflowed.
            dZ = np.where(D, dA_prev * D, D)
    return grads


@errstate(all="ignore")
def update(params, grads, lr):
    """Return new params, P - lr * dP for each: one step of gradient descent.

    lr: learning rate, above 0. ValueError: any other lr, grads that do not match params. Source: article 1, update.
    """
    _check_lr(lr)
    for key, P in params.items():
        if key not in grads or grads[key].shape != P.shape:
            raise ValueError(f"grads[{key!r}] does not match params: expected shape {P.shape}, as backward gives it")
    # asarray keeps float32 params that a float64 lr or gradient would widen.
    return {key: np.asarray(P - lr * grads[key], P.dtype) for key, P in params.items()}


@errstate(all="ignore")
def loss_and_grads(params, X, Y, activation="sigmoid", *, chunk_size=CHUNK_SIZE):
    """Return (loss, grads) of all samples, bce_with_logits and its derivative, in chunks of chunk_size columns.

    Both are means, so those of the parts, weighted by their share of the samples, add up to those of the whole. Memory
    in use is that of one chunk, whatever m is. The default size was the fastest of 512 to 32768 for 1,000,000 x 20 and
    hidden layers of 8 and 3, where it makes Z1 512 kB large. ValueError: as forward and backward; a chunk_size below 1.
    """
    X, Y = np.asarray(X), np.asarray(Y)
    _check_counts(chunk_size=chunk_size)
    if X.ndim != 2 or X.shape[1] <= chunk_size:  # one chunk; forward refuses an X that is not 2-D
        _, cache = forward(params, X, activation)
        return bce_with_logits(cache[f"Z{len(params) // 2}"], Y), backward(params, cache, Y)
    _check(params, X, Y)
    m, dtype = X.shape[1], params["W1"].dtype
    loss, grads = np.asarray(0, dtype), dict.fromkeys(params, 0)
    for i in range(0, m, chunk_size):
        X_i, Y_i = X[:, i : i + chunk_size], Y[:, i : i + chunk_size]
        loss_i, grads_i = loss_and_grads(params, X_i, Y_i, activation, chunk_size=chunk_size)
        share = np.asarray(X_i.shape[1] / m, dtype)
        loss = loss + share * loss_i
        grads = {key: grads[key] + share * grads_i[key] for key in params}
    return loss, grads


def train(params, X, Y, *, lr, steps, batch_size=None, rng=None, activation="sigmoid", callback=None):
    """Return (params, losses) after `steps` updates of the given params.

    X: (n0, m). Y: (nL, m), for one output also (m,). batch_size: samples in a step; None takes all of them in each.
    Otherwise each epoch shuffles the samples afresh with rng (seed or Generator) and visits every one once; its last
    batch may be shorter. losses[k]: the loss (bce_with_logits) of step k's batch before update k.
    callback(step, loss, params): called after each update. Source: article 1, results.
    ValueError: shapes that do not fit, values that are not finite, labels outside [0, 1], a count below 1, an lr not
    above 0. FloatingPointError: the loss, or at the end a parameter, is no longer finite.

    >>> params, losses = train(init_params((1, 1), scale=0), [[-1, 1]], [0, 1], lr=1.0, steps=3)
    >>> print(losses.round(3))
    [0.693 0.474 0.348]
    """
    X, Y, lr = *_check_values(params, np.asarray(X), np.asarray(Y)), float(lr)
    _check_counts(steps=steps, batch_size=1 if batch_size is None else batch_size)
    _check_lr(lr)
    # A freed array of 16 MB teaches glibc's malloc to keep smaller ones for reuse. Else it returns those above 128 kB
    # to the system in every step, and getting them back can take longer than the arithmetic.
    empty(1 << 21)
    batches, losses = _batches(X, Y, batch_size, rng), []
    diverged = f"with lr={lr}: training diverges or overflows. Try a smaller lr, or X and weights of about unit scale"
    for step in range(steps):
        loss, grads = loss_and_grads(params, *next(batches), activation)
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {step} {diverged}")
        params = update(params, grads, lr)
        losses.append(loss)
        if callback is not None:
            callback(step, loss, params)
    if not all(np.isfinite(P).all() for P in params.values()):
        raise FloatingPointError(f"the params are not finite after step {step} {diverged}")
    return params, np.asarray(losses, params["W1"].dtype)


def _batches(X, Y, batch_size, rng):
    """Yield (X, Y) for ever: all of it, or batches, epoch by epoch."""
    if batch_size is None:
        while True:
            yield X, Y
    m, rng = X.shape[1], default_rng(rng)
    X_rows, Y_rows = X.T.copy(), Y.T.copy()  # a sample in one piece is quick to pick
    while True:
        shuffled = np.asarray(rng.permutation(m))  # on a GPU, if that is where np is
        for i in range(0, m, batch_size):
            batch = shuffled[i : i + batch_size]
            yield X_rows.take(batch, axis=0).T, Y_rows.take(batch, axis=0).T


def predict_proba(params, X, activation="sigmoid"):
    """Return the probabilities (nL, m) of forward, chunk by chunk, keeping no cache. ValueError: as forward."""
    X = np.asarray(X)
    _check(params, X)
    starts = range(0, X.shape[1], CHUNK_SIZE)
    return np.concatenate([forward(params, X[:, i : i + CHUNK_SIZE], activation)[0] for i in starts], axis=1)


def predict(params, X, *, threshold=0.5, activation="sigmoid"):
    """Return classes (nL, m) as integers: 1 where the probability is at least the threshold (article 2), else 0."""
    A = predict_proba(params, X, activation)
    return (A >= np.asarray(threshold, A.dtype)).astype(int)


def numerical_grads(loss, params, *, eps=1e-5):
    """Return grads of any loss(params) -> number by central differences: slow and approximate, but nothing to derive.

    eps: how far each entry moves either way, in float64. Do not compare where the loss has a kink (ReLU at 0, a clip).
    ValueError: an eps not above 0, a loss that is not one number.

    >>> print(numerical_grads(lambda params: (params["w"] ** 2).sum(), {"w": np.array([1.0, 3.0])})["w"].round(6))
    [2. 6.]
    """
    if not 0 < eps < inf:
        raise ValueError(f"eps is {eps!r}, expected a number above 0")
    wide, grads = {key: np.asarray(P, np.float64) for key, P in params.items()}, {}
    for key, P in wide.items():
        slopes = []
        for i in range(P.size):
            step = eps * (np.arange(P.size) == i).reshape(P.shape)
            rise = np.asarray(loss({**wide, key: P + step}) - loss({**wide, key: P - step}))
            if rise.ndim:
                raise ValueError(f"loss(params) has shape {rise.shape}, expected one number: sum or average it")
            slopes.append(rise / (2 * eps))
        dtype = params[key].dtype if params[key].dtype.kind == "f" else np.float64  # slopes of integers are fractions
        grads[key] = np.asarray(slopes, dtype).reshape(P.shape)
    return grads


def _check_counts(**counts):
    for name, n in counts.items():
        if not isinstance(n, (int, integer)) or n < 1:
            raise ValueError(f"{name} is {n!r}, expected a whole number (int), 1 or more")


def _check_lr(lr):
    # Under jax.jit lr may be a tracer, which has no value to look at.
    if isinstance(lr, (int, float, generic)) and not 0 < lr < inf:
        raise ValueError(f"lr is {lr!r}, expected a finite number above 0, say 0.1")


def _check(params, X=None, Y=None):
    """Return L, once the keys, shapes and dtypes of params, and the shapes of X and Y, are seen to fit."""
    if not hasattr(params, "get"):
        raise ValueError(f"params is a {type(params).__name__}, expected a dict: params = init_params(...)")
    L, n = len(params) // 2, None
    for l in range(1, max(L, 1) + 1):
        W, b = params.get(f"W{l}"), params.get(f"b{l}")
        if W is None or b is None or len(params) != 2 * L:
            raise ValueError(f"params has the keys {list(params)}, expected W1, b1, W2, b2, ..., as init_params makes")
        if W.ndim != 2 or b.shape != (W.shape[0], 1) or n not in (None, W.shape[1]):
            raise ValueError(
                f"W{l} has shape {W.shape} and b{l} {b.shape}, expected (n{l}, {n or 'n0'}) and (n{l}, 1): "
                f"W{l} takes the outputs of the layer before, and a bias is a column"
            )
        if W.dtype.kind not in "fcV" or not W.dtype == b.dtype == params["W1"].dtype:  # V: JAX's bfloat16
            raise ValueError(f"W{l} is {W.dtype} and b{l} {b.dtype}, expected one floating dtype: use .astype(float)")
        n = W.shape[0]
    if X is not None:
        _check_columns("X", X, params["W1"].shape[1])
    if Y is not None:
        _check_columns("Y", Y, n, X.shape[1])
    return L


def _check_columns(name, array, n, m=None):
    """See that array has n rows and m columns; if m is None, any number of columns from 1 up."""
    shape = array.shape
    if len(shape) == 2 and shape[0] == n and shape[1] > 0 and m in (None, shape[1]):
        return
    if array.size == 0:
        cure = "there are no samples"
    elif len(shape) == 2 and shape[1] == n and m in (None, shape[0]):
        cure = f"samples are columns: pass {name}.T"
    elif len(shape) == 1 and (n == 1 or shape == (n,)) and m in (None, array.size // n):  # one row, or one sample
        cure = f"pass {name}.reshape({n}, -1)"
    elif shape == (m,):
        cure = f"if it holds class numbers, pass {name} == np.arange({n})[:, None]"
    else:
        cure = f"one row for each {'feature' if name == 'X' else 'output'}, one column for each sample of X"
    raise ValueError(f"{name} has shape {shape}, expected ({n}, {'m' if m is None else m}): {cure}")


def _check_labels(name, A, Y):
    """Return A and Y as arrays of one dtype, once their shapes are seen to be one: others might broadcast."""
    A, Y = np.asarray(A), np.asarray(Y)
    if A.ndim != 2:
        raise ValueError(f"{name} has shape {A.shape}, expected (n_outputs, m): one output, pass {name}.reshape(1, -1)")
    if A.dtype.kind in "biu":
        raise ValueError(f"{name} is {A.dtype}, expected fractions: what forward or predict_proba gives, not predict")
    _check_columns("Y", Y, *A.shape)
    return A, np.asarray(Y, A.dtype)


@errstate(all="ignore")
def _check_values(params, X, Y):
    """Return X and Y in the dtype of params, once all values are seen to be finite and Y to hold labels."""
    L, arrays, dtype = _check(params, X), {"X": X, "Y": Y, **params}, params["W1"].dtype
    if len(params[f"b{L}"]) == 1 and Y.shape == X.shape[1:]:
        arrays["Y"] = Y.reshape(1, -1)
    _check(params, X, arrays["Y"])
    for name, array in arrays.items():
        try:
            arrays[name] = np.asarray(array, dtype)
        except (TypeError, ValueError):
            raise ValueError(f"{name} holds more than numbers: encode them; for labels, pass Y == 'yes'") from None
        if not np.isfinite(arrays[name]).all():
            raise ValueError(f"{name} has entries that are NaN or infinite in {dtype}: drop, fill in or rescale them")
    X, Y = arrays["X"], arrays["Y"]
    if not (0 <= Y.min() and Y.max() <= 1):
        raise ValueError(f"Y goes from {Y.min()} to {Y.max()}, expected labels in [0, 1]: pass Y == the positive class")
    return X, Y
