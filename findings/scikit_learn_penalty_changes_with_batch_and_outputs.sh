#!/usr/bin/env bash
# scikit-learn 1.9.1 (MLPRegressor), NumPy 2.4.6.
#
# MLPRegressor reports loss_, half the mean squared error plus alpha / (2 m) times the squared weights, and
# goes down the slope of something else. With k outputs the squares pull k times as strongly as in loss_,
# so alpha is worth 1/k of what it says; and in a batch the penalty is divided by the size of the batch, not
# by m, so in an epoch of single samples it is worth m times what it says.
# Guess: lbfgs ends where loss_ is least; the batch size changes the noise and the speed, not the task.
# Seen: with five outputs lbfgs gives up (ABNORMAL, with the advice to scale the data), and weights that are
# 5 % smaller have a smaller loss_. With alpha=1 and 200 samples R2 is 0.98 in full batches, 0.91 in
# batches of 10, and 0 in batches of 1, where all weights vanish.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q scikit-learn==1.9.1 numpy==2.4.6
venv/bin/python -W ignore - <<'PY'
import numpy as np
from sklearn.neural_network import MLPRegressor

rng = np.random.default_rng(0)
X, tanh = rng.normal(size=(200, 3)), {"activation": "tanh", "random_state": 0, "max_iter": 5000}


def loss(net, X, Y):
    squares = sum(np.sum(W**2) for W in net.coefs_)
    return np.mean((net.predict(X) - Y) ** 2) / 2 + net.alpha * squares / (2 * len(X))


for k in (1, 5):
    Y = np.tanh(X @ rng.normal(size=(3, k))) + rng.normal(0, 0.1, (200, k))
    Y = Y[:, 0] if k == 1 else Y
    net = MLPRegressor(hidden_layer_sizes=4, solver="lbfgs", alpha=10, tol=1e-9, **tanh).fit(X, Y)
    least = loss(net, X, Y)
    assert abs(least - net.loss_) < 1e-9  # it is loss_
    for W in net.coefs_:
        W *= 0.95
    print(f"{k} outputs: loss_ {least:.4f} at the end, {loss(net, X, Y):.4f} with weights 5 % smaller")
    assert (loss(net, X, Y) < least) == (k == 5)

Y, scores = np.tanh(X @ rng.normal(size=3)), []
for size in (200, 10, 1):
    net = MLPRegressor(hidden_layer_sizes=8, alpha=1, batch_size=size, n_iter_no_change=100, **tanh)
    scores.append(net.fit(X, Y).score(X, Y))
    print(f"batches of {size}: R2 {scores[-1]:.3f}, largest weight {max(abs(W).max() for W in net.coefs_):.2g}")
assert scores[0] > 0.95 > scores[1] > 0.8 and abs(scores[2]) < 0.01
PY
