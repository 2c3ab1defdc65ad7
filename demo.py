# SPDX-License-Identifier: MIT-0
"""A tour of backprop.py: two articles' experiments and two exercises, tried.

    python demo.py                          the whole tour, 30 s to a minute
    python demo.py capacity article2        only these parts, in this order
    python demo.py benchmark                how fast? 30 to 45 seconds
    python demo.py trouble                  what if the loss does not fall?
    python demo.py boundary --figures here  also saves here/boundary.png

"Article 1" is "Backpropagation from Scratch"; "article 2" is "ML From Scratch,
Part 3: Backpropagation" by Oran Looney. The exercises are deeplearning.ai's.
[8, 3] is a network with hidden layers of 8 and 3 units, each with a sigmoid
where nothing else is said.

A part is a generator. It yields what it finds as soon as it is known: a dict is
a row of a table, a string is a sentence, and a pair (name, draw) is a picture,
which draw(fig) paints on an empty matplotlib figure.
"""

import multiprocessing
import os
import signal
import sys


def stop(*_, stderr=os.dup(2)):  # a copy of 2, which start_processes borrows
    """End at once on Ctrl-C; an exception could get lost in a library on its way."""
    for process in multiprocessing.active_children():
        process.terminate()
    os.write(stderr, b"\ndemo.py: stopped by Ctrl-C\n")
    os._exit(130)


if __name__ == "__main__":  # before the other imports, which take a second
    signal.signal(signal.SIGINT, stop)

try:
    import argparse
    import copy
    import math
    import pathlib
    import tempfile
    import textwrap
    import time
    import tracemalloc
    import warnings
    from timeit import timeit

    import numpy as np
    from joblib import Parallel, delayed
    from sklearn import datasets
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, roc_curve
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    import backprop
    from backprop import backward, bce, forward, init_params, predict, predict_proba, train, update
except ModuleNotFoundError as error:
    sys.exit(f"demo.py needs {error.name}, which is not installed: pip install numpy scikit-learn")


# ==== Data and scores =============================================================================


def split(X, y, **options):
    """Return X_train, X_test, y_train, y_test, samples in columns; y stays flat."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, **options)
    return X_train.T, X_test.T, y_train, y_test


def standardised(X, X_test, y, y_test):
    """Return the same with each feature's mean at 0 and spread at 1 in the training set."""
    scaler = StandardScaler().fit(X.T)
    return scaler.transform(X.T).T, scaler.transform(X_test.T).T, y, y_test


def article1_data():
    """Return 800 + 200 samples x 10 features. The article does not say which: seed 0, twice."""
    X, y = datasets.make_classification(n_samples=1000, n_features=10, random_state=0)
    return split(X, y, test_size=0.2, random_state=0)


def article2_data():
    """Return 4000 + 1000 samples x 20 features, article 2's own."""
    options = {"n_informative": 15, "n_redundant": 3, "flip_y": 0.05, "random_state": 42}
    X, y = datasets.make_classification(n_samples=5000, n_features=20, **options)
    return split(X, y, test_size=0.2, shuffle=False)


def flower_data():
    """Return X, y: the 400 points of the exercise *Planar data*, 200 for each colour of petal."""
    rng, petals = np.random.RandomState(1), []
    for j in (0, 1):
        t = np.linspace(3.12 * j, 3.12 * (j + 1), 200) + 0.2 * rng.randn(200)
        r = 4 * np.sin(4 * t) + 0.2 * rng.randn(200)
        petals.append([r * np.sin(t), r * np.cos(t)])
    return np.hstack(petals), np.repeat([0, 1], 200)


def digits_data():
    """Return 1347 + 450 digits, 64 standardised pixels each, and whether they are odd."""
    X, X_test, y, y_test = split(*datasets.load_digits(return_X_y=True), random_state=0)
    return standardised(X, X_test, y % 2, y_test % 2)


def exercise_params(layer_sizes, seed, std):
    """Return params as the exercises draw them: W = randn * std(n_prev), layer by layer, b = 0."""
    rng, params = np.random.RandomState(seed), {}
    for l, (n_prev, n) in enumerate(zip(layer_sizes[:-1], layer_sizes[1:]), start=1):
        params[f"W{l}"], params[f"b{l}"] = rng.randn(n, n_prev) * std(n_prev), np.zeros((n, 1))
    return params


def scores(data, params, activation="sigmoid"):
    """Return the columns loss and train (of the training set), test and AUC (of the test set)."""
    X, X_test, y, y_test = data
    p, p_test = (predict_proba(params, each, activation)[0] for each in (X, X_test))
    return {
        "loss": log_loss(y, p), "train": accuracy_score(y, p >= 0.5),
        "test": accuracy_score(y_test, p_test >= 0.5), "AUC": roc_auc_score(y_test, p_test),
    }  # fmt: skip


# ==== Article 1 ===================================================================================


def gradient_check(seed=0, n_samples=500, exponents=(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 30)):
    """the derivatives of article 2's network, in three ways"""
    params = init_params((20, 8, 3, 1), seed, scale=0.1)
    yield f"""[8, 3], hidden layers of 8 and 3 units, on 20 features has
    {sum(P.size for P in params.values())} parameters (article 2: 199). Below, the largest
    difference to `backward` in any of W1, b1, ..., relative to that array's largest entry: by
    central differences, and by the imaginary part of the loss at a complex step."""
    X, _, y, _ = article2_data()
    X, Y = X[:, :n_samples], y[None, :n_samples]
    grads = backward(params, forward(params, X)[1], Y)

    def loss(params):
        return backprop.bce_with_logits(forward(params, X)[1]["Z3"], Y)

    def difference(others):
        return max(np.abs(others[key] - G).max() / np.abs(G).max() for key, G in grads.items())

    rows = []
    for step in (10.0**-e for e in exponents):
        central = difference(backprop.numerical_grads(loss, params, eps=step))
        by_complex_step = difference(complex_step_grads(loss, params, step))
        rows.append({"step": step, "central": central, "complex": by_complex_step})
        yield rows[-1]
    best, last = min(rows, key=lambda row: row["central"]), rows[-1]
    yield f"""Central differences are {best["central"]:.0e} off at best, with a step of
    {best["step"]:.0e}. Larger steps see the curve bend (truncation, falling with the square of the
    step); smaller ones subtract two nearly equal losses (rounding). The complex step subtracts
    nothing: {last["complex"]:.0e} off with {last["step"]:.0e}."""
    yield "gradient-check", lambda fig: draw_gradient_check(fig, rows)


def complex_step_grads(loss, params, step):
    """Return grads as Im loss(params + i step) / step, entry by entry: no difference is taken."""
    grads = {key: np.empty(P.shape) for key, P in params.items()}
    for key, G in grads.items():
        for i in np.ndindex(G.shape):
            moved = {key: P.astype(complex) for key, P in params.items()}
            moved[key][i] += 1j * step
            G[i] = loss(moved).imag / step
    return grads


def article1(seed=0, steps=1000):
    """its network as it says, and two ways to its result"""
    yield """Three runs of [8, 4] from the same weights, on 800 samples x 10 features; 200 more are
    the test. AUC, the area under the ROC curve, is 1 for a perfect order of the test samples and
    0.5 for chance. The article says that the loss ends below 0.15."""
    data = article1_data()
    X, _, y, _ = data
    params = init_params((10, 8, 4, 1), seed)
    said = {"start": 0.69, "loss": 0.15, "train": None, "test": 0.96, "AUC": None}
    yield {"run": "article 1 says", "lr": 0.01, "steps": 1000, **said}

    slow, slow_losses = train(params, X, y, lr=0.01, steps=steps)
    row = {"run": "full batch, its lr", "lr": 0.01, "steps": steps, "start": slow_losses[0]}
    yield row | scores(data, slow)
    fast, fast_losses = train(params, X, y, lr=1.0, steps=steps)
    yield row | {"run": "full batch, 100 x lr", "lr": 1.0} | scores(data, fast)
    n = 25 * steps  # 800 / 32 = 25 batches in an epoch
    mini, mini_losses = train(params, X, y, lr=0.01, steps=n, batch_size=32, rng=seed)
    yield row | {"run": "its lr, batches of 32", "steps": n} | scores(data, mini)

    same = round(0.01 * steps)
    yield f"""At lr 0.01 {steps} full-batch steps go no further than {same} steps at lr 1.0: loss
    {slow_losses[-1]:.3f} and {fast_losses[same]:.3f}. At lr 1.0 the loss stays above 0.15 for
    {(fast_losses > 0.15).sum()} steps. In batches of 32 an epoch, one pass over the samples, is 25
    steps: {steps} epochs at lr 0.01 go 25 times as far as {steps} full-batch steps do."""
    epochs = mini_losses.reshape(steps, 25).mean(axis=1)
    yield "article1", lambda fig: draw_article1(fig, slow_losses, fast_losses, epochs)


# What deeplearning.ai's exercise *Initialization* prints at steps 0, 1000, ..., 14000 from large
# weights (these digits differ between public copies of it) and from He's (these do not).
LARGE_PRINTED = [
    np.inf, 0.6242, 0.5979, 0.5636, 0.5501, 0.5443, 0.5374, 0.4696, 0.3977, 0.3934, 0.3920, 0.3891,
    0.3861, 0.3850, 0.3827,
]  # fmt: skip
HE_PRINTED = [
    0.8830537463419761, 0.6879825919728063, 0.6751286264523371, 0.6526117768893807,
    0.6082958970572937, 0.5304944491717495, 0.4138645817071793, 0.3117803464844441,
    0.23696215330322556, 0.18597287209206828, 0.15015556280371808, 0.12325079292273548,
    0.09917746546525937, 0.08457055954024274, 0.07357895962677366,
]  # fmt: skip


def initialization(seed=None, steps=15_000):
    """zero, equal, large and He's weights, in an exercise"""
    yield f"""Two circles, 300 points to learn from and 100 for the test; [10, 5] with ReLU, lr
    0.01, {steps:,} full-batch steps: deeplearning.ai's exercise Initialization, with its data and
    its seeds. The losses that it prints beside ours, from large weights and from He's, and to how
    many digits those agree:"""
    rows, y = datasets.make_circles(n_samples=300, noise=0.05, random_state=1)
    rows_test, y_test = datasets.make_circles(n_samples=100, noise=0.05, random_state=2)
    X = rows.T
    data = X, rows_test.T, y, y_test
    he = exercise_params((2, 10, 5, 1), 3, lambda n_prev: np.sqrt(2 / n_prev))
    starts = {
        "all 0": {key: np.zeros(P.shape) for key, P in he.items()},
        "all 0.5": {key: np.full(P.shape, 0.5) for key, P in he.items()},
        "N(0, 10^2)": exercise_params((2, 10, 5, 1), 3, lambda n_prev: 10),
        "He's": he,
    }
    ends, losses = {}, {}
    for name, start in starts.items():
        ends[name], losses[name] = train(start, X, y, lr=0.01, steps=steps, activation="relu")
    for step, large, exact in zip(range(0, steps, 1000), LARGE_PRINTED, HE_PRINTED):
        mine = losses["He's"][step]
        yield {
            "step": step, "large: ours": losses["N(0, 10^2)"][step], "printed": large,
            "He's: ours": f"{mine:.16f}", "He's: printed": f"{exact:.16f}",
            "equal": int(-np.log10(max(abs(mine / exact - 1), 1e-16))),
        }  # fmt: skip
    yield """inf is minus the log of 0: from large weights the first outputs are 0 and 1 to the last
    digit. `train` takes the loss from Z, which is exact. Large weights also magnify rounding:
    copies of the exercise print 0.6237 to 0.6251 at step 1000. Below, the networks after training.
    different: how many units of the two hidden layers are no copies of another; alive: how many
    give more than 0 for some point."""
    printed = {"all 0": (0.5, 0.5), "N(0, 10^2)": (0.83, 0.86), "He's": (0.9933, 0.96)}
    empty = {"start": "  printed", "loss": None, "AUC": None, "different": None, "alive": None}
    for name, params in ends.items():
        yield {"start": name, **scores(data, params, "relu"), **units_left(params, X)}
        if name in printed:
            yield empty | dict(zip(("train", "test"), printed[name]))
    yield """Equal units get equal gradients and stay equal, says article 2: 10 are worth one. From
    0 nothing moves at all: every product in the chain rule has a factor 0, and with classes of one
    size the mean of A - Y is 0, too. (Article 1 says that zeros break the symmetry; they keep it.)
    A unit that is not alive gives 0 for each of the 300 points, and its gradient is 0 as well."""
    yield "initialization", lambda fig: draw_initialization(fig, losses)


def units_left(params, X):
    """Return how many units of the two hidden layers differ, and how many ever give more than 0."""
    _, cache = forward(params, X, "relu")
    rows = [np.hstack([params[f"W{l}"], params[f"b{l}"]]).round(6) for l in (1, 2)]
    unlike = [len(np.unique(row, axis=0)) for row in rows]
    fire = [(cache[f"A{l}"] > 0).any(axis=1).sum() for l in (1, 2)]
    return {"different": "{}, {}".format(*unlike), "alive": "{}, {}".format(*fire)}


def vanishing(seed=0, steps=500):
    """article 1's last paragraph: deep sigmoids do not learn"""
    yield """Article 1's data, 10 hidden layers of 16 units; weights of spread sqrt(1/n) (xavier) or
    sqrt(2/n) (he) from n inputs. The norm of dW at each layer before the first step:"""
    data = article1_data()
    X, _, y, _ = data
    layers, starts, norms = range(1, 12), {}, {}
    kinds = {"sigmoid, xavier": ("sigmoid", "xavier"), "relu, he": ("relu", "he")}
    for name, (activation, scale) in kinds.items():
        starts[name] = init_params((10, *[16] * 10, 1), seed, scale=scale)
        grads = backprop.loss_and_grads(starts[name], X, y[None], activation)[1]
        norms[name] = [np.linalg.norm(grads[f"W{l}"]) for l in layers]
    for l in reversed(layers):
        yield {"layer": l, **{name: norm[l - 1] for name, norm in norms.items()}}

    for name, (activation, _) in kinds.items():
        params, losses = train(starts[name], X, y, lr=0.1, steps=steps, activation=activation)
        yield {"network": name, "start": losses[0], **scores(data, params, activation)}

    by_sigmoid, by_relu = ((norm[0] / norm[-1]) ** (1 / 10) for norm in norms.values())
    yield f"""On its way back the gradient is multiplied by {by_sigmoid:.2f} a layer, on average,
    with sigmoid, whose derivative is 1/4 at most, and by {by_relu:.2f} with ReLU, whose derivative
    is 0 or 1. The losses are those after {steps} steps at lr 0.1; a coin's is log 2 = 0.693."""
    yield "vanishing", lambda fig: draw_vanishing(fig, layers, norms)


# ==== Article 2 ===================================================================================


def article2(seed=0, steps=2000):
    """its logistic regression, stuck and settled; its [8, 3]"""
    yield f"4000 samples x 20 features, 1000 more for test and AUC; {steps} full-batch steps."
    data = article2_data()
    X, X_test, y, y_test = data
    said = {"model": "article 2: no hidden layer", "lr": 1.0, "loss": None}
    yield {**said, "train": 0.719, "test": 0.717, "AUC": 0.7866}
    start = init_params((20, 1), seed, scale=0.1)
    stuck, stuck_losses = train(start, X, y, lr=1.0, steps=steps)
    yield {"model": "logistic regression", "lr": 1.0, **scores(data, stuck)}
    other, _ = train(stuck, X, y, lr=1.0, steps=1)
    yield {"model": "  one step later", "lr": 1.0, **scores(data, other)}
    settled, settled_losses = train(start, X, y, lr=0.1, steps=steps)
    yield {"model": "logistic regression", "lr": 0.1, **scores(data, settled)}
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(X.T, y)
    sklearn = {"W1": model.coef_, "b1": model.intercept_[:, None]}
    yield {"model": "scikit-learn, no penalty", "lr": None, **scores(data, sklearn)}
    yield {**said, "model": "article 2: [8, 3]", "train": 0.95, "test": 0.91, "AUC": 0.96}
    params, _ = train(init_params((20, 8, 3, 1), seed, scale=0.1), X, y, lr=1.0, steps=steps)
    yield {"model": "[8, 3]", "lr": 1.0, **scores(data, params)}

    # The curvature is the largest eigenvalue of the Hessian, the matrix of second derivatives.
    X1, A = np.vstack([X, np.ones(y.size)]), predict_proba(settled, X)
    c = np.linalg.eigvalsh(X1 * (A * (1 - A)) @ X1.T / y.size)[-1]
    low, high = sorted(stuck_losses[-2:])
    yield f"""72 % is not all that a linear model can do. This loss has a curvature of {c:.2f} at
    its minimum, and gradient descent settles there only if lr < 2 / {c:.2f} = {2 / c:.2f}. At lr
    1.0 it ends in a cycle of two, losses {low:.3f} and {high:.3f}, and the accuracy depends on
    where one stops. At lr 0.1 it arrives where scikit-learn does; [8, 3] is not linear."""
    curves = {
        "[8, 3], lr 1.0": params, "scikit-learn, no penalty": sklearn,
        "logistic regression, lr 0.1": settled, "logistic regression, lr 1.0": stuck,
    }  # fmt: skip
    yield "article2-roc", lambda fig: draw_roc(fig, curves, X_test, y_test)
    yield "article2-loss", lambda fig: draw_cycle(fig, stuck_losses, settled_losses)


def capacity(seed=0, steps=2000, totals=(2, 4, 6, 8, 10, 15, 20), repeats=3, n_jobs=-1):
    """article 2's last figure, AUC by hidden nodes; an elbow?"""
    yield f"""The median test AUC of {repeats} networks, each trained as in article 2 from other
    random weights, the hidden nodes shared out evenly among the layers:"""
    data, seeds = article2_data(), range(seed, seed + repeats)
    aucs, medians = ({"1 layer": {}, "2 layers": {}, "3 layers": {}} for _ in range(2))
    start_processes(n_jobs)
    for n in totals:
        shapes = [[n // k + (i < n % k) for i in range(k)] for k in (1, 2, 3) if k <= n]
        calls = [delayed(capacity_auc)(shape, s, steps, data) for shape in shapes for s in seeds]
        results = np.reshape(Parallel(n_jobs=n_jobs)(calls), (-1, repeats))
        for name, values in zip(aucs, results):
            aucs[name][n], medians[name][n] = values, np.median(values)
        yield {"nodes": n, **{name: median.get(n) for name, median in medians.items()}}

    elbows = []
    for name, median in medians.items():
        best = max(median.values())
        elbows.append(f"{min(n for n in median if median[n] > best - 0.02)} nodes in {name}")
    yield f"""The AUC comes within 0.02 of its best at {", ".join(elbows)}. The article has one
    curve, with an elbow around 10 nodes, and does not say in how many layers."""
    yield "capacity", lambda fig: draw_capacity(fig, aucs, medians)


def capacity_auc(hidden, seed, steps, data):
    """Return the test AUC of one network: a function of its own, for joblib's processes."""
    X, X_test, y, y_test = data
    # float32 takes half the time of float64, and moves these AUCs by less than another seed does.
    params = init_params((20, *hidden, 1), seed, scale=0.1, dtype=np.float32)
    params, _ = train(params, X.astype(np.float32), y, lr=1.0, steps=steps)
    return roc_auc_score(y_test, predict_proba(params, X_test)[0])


def start_processes(n_jobs):
    """Start joblib's processes, mute: at Ctrl-C each would print a traceback of its own."""
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # they inherit this
    try:
        Parallel(n_jobs=n_jobs)([delayed(abs)(0)])
    finally:
        os.dup2(stderr, 2)


# ==== Beyond the articles =========================================================================


def planar(seed=None, steps=10_000):
    """another exercise: a flower and four tanh units"""
    yield """deeplearning.ai's exercise Planar data: 4 hidden units with tanh, lr 1.2, its data and
    its seeds. The losses that it prints beside ours:"""
    X, y = flower_data()
    start = exercise_params((2, 4, 1), 2, lambda n_prev: 0.01)
    params, losses = train(start, X, y, lr=1.2, steps=steps, activation="tanh")
    printed = (0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504)
    for k, loss in enumerate(losses[:8000:1000]):
        yield {"step": 1000 * k, "ours": f"{loss:.6f}", "printed": f"{printed[k]:.6f}"}
    right = np.mean(predict(params, X, activation="tanh") == y)
    yield f"After {steps:,} steps {right:.2%} of the 400 points are right (exercise: 90 %)."


def digits(seed=0, epochs=50):
    """real data: is a handwritten digit odd or even?"""
    data = digits_data()
    X, X_test, y, y_test = data
    yield f"{y.size} images of 8 x 8 pixels, {y_test.size} for the test; batches of 32."
    options = {"steps": epochs * math.ceil(y.size / 32), "batch_size": 32, "rng": seed}
    line, _ = train(init_params((64, 1), seed), X, y, lr=0.1, **options)
    yield {"model": "logistic regression", "lr": 0.1, **scores(data, line)}
    params, _ = train(init_params((64, 32, 1), seed), X, y, lr=0.5, **options)
    yield {"model": "[32]", "lr": 0.5, **scores(data, params)}
    model = sklearn_network((32,), lr=0.5, batch_size=32, max_iter=epochs, random_state=seed)
    other = fitted(model, X, y)
    yield {"model": "scikit-learn MLPClassifier, [32]", "lr": 0.5, **scores(data, other)}

    p = predict_proba(params, X_test)[0]
    wrong = np.flatnonzero((p >= 0.5) != y_test)
    yield f"A hidden layer is worth it: [32] has only {wrong.size} of {y_test.size} wrong."
    yield "digits", lambda fig: draw_digits(fig, wrong, p)


def boundary(seed=0, steps=3000):
    """linear or not, where it can be seen: two moons"""
    X, y = datasets.make_moons(800, noise=0.2, random_state=0)
    data = split(X, y, test_size=0.5, random_state=0)
    X, _, y, _ = data
    yield f"{y.size} points to learn from, as many for the test; full batch."
    networks = {}
    for model, title, sizes in (
        ("logistic regression", "no hidden units", (2, 1)),
        ("[8, 4]", "8 and 4 hidden units", (2, 8, 4, 1)),
    ):
        params, _ = train(init_params(sizes, seed), X, y, lr=3.0, steps=steps)
        result = scores(data, params)
        networks[f"{title}\ntest accuracy {result['test']:.1%}"] = params
        yield {"model": model, "lr": 3.0, "steps": steps, **result}
    yield "Without a hidden layer the border is a straight line; with two it can bend."
    yield "boundary", lambda fig: draw_boundary(fig, networks, X, y)


# ==== If the loss does not fall ===================================================================


def trouble(seed=0, steps=1000):
    """not in the tour: what it looks like if something is wrong"""
    yield f"""Is a handwritten digit odd? [16], full batch, lr 0.5, {steps} steps, unless the row
    says otherwise. The loss at some steps, and the accuracy on the test digits:"""
    data = digits_data()
    X, X_test, y, y_test = data
    start = init_params((64, 16, 1), seed)
    he = init_params((64, 16, 1), seed, scale="he")

    def tried(what, start, data=data, lr=0.5, activation="sigmoid", predicted_with=None):
        params, losses = train(start, data[0], data[2], lr=lr, steps=steps, activation=activation)
        test = scores(data, params, predicted_with or activation)["test"]
        at = {f"at {k}": losses[min(k, steps - 1)] for k in (0, 1, 2, 100)}
        return {"what": what, **at, "last": losses[-1], "test": test}

    yield tried("nothing is wrong", start)
    yield tried("lr 0.001", start, lr=0.001)
    yield tried("lr 100", start, lr=100.0)
    small = init_params((30, 8, 1), seed)
    cancer = split(*datasets.load_breast_cancer(return_X_y=True), random_state=0)
    yield tried("breast cancer, not scaled", small, cancer)
    yield tried("breast cancer, scaled", small, standardised(*cancer))
    yield tried("ReLU, predicted with sigmoid", he, activation="relu", predicted_with="sigmoid")
    yield tried("ReLU, predicted with ReLU", he, activation="relu")
    shuffled = np.random.default_rng(seed).permutation(y)
    yield tried("y shuffled, X not", start, (X, X_test, shuffled, y_test))
    yield tried("all weights 0", init_params((64, 16, 1), scale=0))
    yield tried("8 layers of sigmoid", init_params((64, *[16] * 8, 1), seed))
    deep = init_params((64, *[16] * 8, 1), seed, scale="he")
    yield tried("8 layers of ReLU, he, lr 0.1", deep, lr=0.1, activation="relu")

    try:
        train(he, X, y, lr=10.0, steps=steps, activation="relu")
    except FloatingPointError as error:
        yield f"ReLU at lr 10 ends in a FloatingPointError: {error}."
    for scale in ("xavier", "he"):
        starts = [init_params((64, *[16] * 10, 1), seed + k, scale=scale) for k in range(5)]
        ends = [train(start, X, y, lr=0.1, steps=101, activation="relu")[1][-1] for start in starts]
        yield f"""10 layers of ReLU, lr 0.1, from "{scale}" weights: after 100 steps the median loss
        of 5 networks is {np.median(ends):.3f}."""


# ==== How fast ====================================================================================


def loop_steps(params, X, Y, steps):
    """Return params after that many steps of the README's loop, at lr 0.5."""
    for _ in range(steps):
        A, cache = forward(params, X)
        bce(A, Y)
        grads = backward(params, cache, Y)
        params = update(params, grads, lr=0.5)
    return params


def plain_steps(params, X, Y, steps):
    """Return the same after article 1's formulas as one writes them down, with no checks."""
    L, m = len(params) // 2, X.shape[1]
    for _ in range(steps):
        A, new = [X], {}
        for l in range(1, L + 1):
            Z = params[f"W{l}"] @ A[-1] + params[f"b{l}"]
            A.append(1 / (1 + np.exp(-Z)))
        _loss = -np.mean(Y * np.log(A[L]) + (1 - Y) * np.log(1 - A[L]))  # `train` has it, too
        dZ = A[L] - Y
        for l in range(L, 0, -1):
            dW, db = dZ @ A[l - 1].T / m, dZ.sum(axis=1, keepdims=True) / m
            if l > 1:
                dZ = params[f"W{l}"].T @ dZ * (A[l - 1] * (1 - A[l - 1]))
            new[f"W{l}"], new[f"b{l}"] = params[f"W{l}"] - 0.5 * dW, params[f"b{l}"] - 0.5 * db
        params = new
    return params


def sklearn_network(hidden, lr, **options):
    """Return scikit-learn's network, set to do what `train` does: plain SGD, no penalty."""
    return MLPClassifier(
        hidden, activation="logistic", solver="sgd", alpha=0, momentum=0, nesterovs_momentum=False,
        learning_rate_init=lr, tol=0, n_iter_no_change=10**9, **options,
    )  # fmt: skip


def fitted(model, X, y):
    """Fit scikit-learn's network, without its warning about max_iter; return its weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X.T, y)
    params = {f"W{l}": W.T.copy() for l, W in enumerate(model.coefs_, start=1)}
    return params | {f"b{l}": b[:, None] for l, b in enumerate(model.intercepts_, start=1)}


def extra_memory(work):
    """Return the most memory, in MB, that work() holds at one time."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def benchmark(seed=0, repeats=7, effort=1.0, sizes=(10_000, 100_000, 1_000_000)):
    """not in the tour: `train`, a plain step and scikit-learn"""
    yield f"""numpy {np.__version__}, one BLAS thread; medians of {repeats} runs, taken in turns.
    us: microseconds that `train` takes for a full-batch step. Then, in multiples of that: loop,
    the README's four lines; plain, the articles' formulas in a dozen lines that check nothing; MLP,
    scikit-learn's MLPClassifier. All start from equal weights; apart: how far theirs end from
    those of `train`, at most."""
    for name, (X, _, y, _), hidden, steps in (
        ("article 1, [8, 4]", article1_data(), (8, 4), 1000),
        ("article 2, [8, 3]", article2_data(), (8, 3), 200),
        ("digits, [32]", digits_data(), (32,), 200),
        ("32 of article 1, [8, 4]", [each[..., :32] for each in article1_data()], (8, 4), 1000),
    ):
        Y, steps = y[None], max(2, round(steps * effort))
        options = {"batch_size": y.size, "shuffle": False, "warm_start": True, "max_iter": 1}
        model = sklearn_network(hidden, lr=0.5, **options, random_state=seed)
        start = fitted(model, X, y)  # after one step; before it there are no weights
        model.set_params(max_iter=steps)
        works = [
            lambda: train(start, X, y, lr=0.5, steps=steps)[0],
            lambda: loop_steps(start, X, Y, steps),
            lambda: plain_steps(start, X, Y, steps),
            lambda: fitted(copy.deepcopy(model), X, y),
        ]
        times = np.array([[timeit(work, number=1) for work in works] for _ in range(repeats)])
        loop, plain, mlp = np.median(times[:, 1:] / times[:, :1], axis=0)
        us = 1e6 * np.median(times[:, 0]) / steps
        mine, *others = (work() for work in works)
        apart = max(abs(other[key] - mine[key]).max() for other in others for key in mine)
        yield {"data": name, "us": us, "loop": loop, "plain": plain, "MLP": mlp, "apart": apart}

    yield """Next, one gradient of [8, 3] on 20 features by `loss_and_grads` and by the plain step,
    and the memory that each takes beside X and Y:"""
    rng, params = np.random.default_rng(seed), init_params((20, 8, 3, 1), seed)
    for m in sizes:
        X, Y = rng.normal(size=(20, m)), rng.integers(0, 2, (1, m)) * 1.0
        works = [
            lambda: backprop.loss_and_grads(params, X, Y),
            lambda: plain_steps(params, X, Y, 1),
        ]
        times = [[timeit(work, number=1) for work in works] for _ in range(repeats)]
        (ms, plain_ms), (MB, plain_MB) = 1e3 * np.median(times, axis=0), map(extra_memory, works)
        yield {"samples": m, "ms": ms, "extra MB": MB, "plain ms": plain_ms, "plain MB": plain_MB}


# ==== Pictures ====================================================================================

# Four of Okabe and Ito's colours, which colour-blind eyes can tell apart, and four line styles.
RED, BLUE, GREEN, ORANGE = "#D55E00", "#0072B2", "#009E73", "#E69F00"
STYLE = {
    "font.size": 12, "axes.titlesize": 12, "figure.titlesize": 12, "figure.dpi": 120,
    "lines.linewidth": 2, "lines.markersize": 7, "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": "0.9", "axes.axisbelow": True,
    "legend.frameon": False, "axes.prop_cycle":
    f"cycler(color=['{RED}', '{BLUE}', '{GREEN}', 'black'], linestyle=['-', '--', '-.', ':'])",
}  # fmt: skip
LOSS = "loss (binary cross-entropy, nats)"


def draw_gradient_check(fig, rows):
    ax = fig.add_subplot(xlabel="step size", ylabel="largest relative difference")
    steps, *curves = zip(*(row.values() for row in rows))
    labels = ["central differences", "complex step: Im loss(w + ih) / h"]
    ax.loglog(steps, np.transpose(curves), marker="o", label=labels)
    ax.text(1e-8, 1e-2, "rounding", color=RED)
    ax.text(1e-5, 1e-12, "truncation", color=BLUE)
    ax.set_title("Two ways to check a gradient (8 and 3 hidden units)")
    ax.legend(loc="center left")


def draw_article1(fig, slow, fast, mini):
    ax = fig.add_subplot(xlabel="epoch (passes over the 800 training samples)", ylabel=LOSS)
    ax.plot(slow, label="lr 0.01, full batch (the article's setting)")
    ax.plot(fast, label="lr 1.0, full batch")
    ax.plot(mini, label="lr 0.01, batches of 32, mean of each epoch")
    ax.axhline(0.15, color="black", linestyle=":", label="the article's result: below 0.15")
    ax.set(ylim=(0, None), title="Hidden layers of 8 and 4 units, one start, three ways to train")
    ax.legend(loc="center right", bbox_to_anchor=(1, 0.62))


def draw_initialization(fig, losses):
    zero, _, large, he = losses.values()
    ax = fig.add_subplot(xlabel="step", ylabel=LOSS, ylim=(0, 1.3))
    ax.plot(large, label=f"N(0, 10$^2$), which starts at {large[0]:.2f}")
    ax.plot(he, label="He's, N(0, 2/n_prev)")
    ax.plot(zero, color="black", linestyle=":", label="all 0")
    steps, printed = 2 * list(range(0, 15_000, 1000)), LARGE_PRINTED + HE_PRINTED
    ax.plot(steps, printed, "o", color="black", mfc="none", label="printed by the exercise")
    ax.set_title("10 and 5 hidden units, three starts")
    ax.legend(loc="upper right")


def draw_vanishing(fig, layers, norms):
    ax = fig.add_subplot(xlabel="layer (1: next to the input)", ylabel="norm of dW at the start")
    ax.semilogy(layers, np.transpose(list(norms.values())), marker="o", label=list(norms))
    ax.set(xticks=layers, title="The gradient on its way back through 10 hidden layers")
    ax.legend(loc="lower right")


def draw_roc(fig, curves, X_test, y_test):
    ax = fig.add_subplot(xlabel="false positive rate", ylabel="true positive rate")
    styles = (BLUE, "-", 2), (ORANGE, "-", 4), ("black", "--", 1), (RED, "-.", 2)
    for (name, params), (color, line, width) in zip(curves.items(), styles):
        p = predict_proba(params, X_test)[0]
        fpr, tpr, _ = roc_curve(y_test, p)
        label = f"{name}: AUC {roc_auc_score(y_test, p):.3f}"
        ax.plot(fpr, tpr, line, color=color, lw=width, label=label)
    ax.plot([0, 1], [0, 1], "-", color="0.6", lw=1)
    ax.set_title("ROC curves on article 2's test set")
    ax.legend(loc="lower right")


def draw_cycle(fig, stuck, settled):
    axes = fig.subplots(1, 2, sharey=True, subplot_kw={"xlabel": "step"})
    steps = np.arange(len(stuck))
    for ax, shown in zip(axes, (slice(50), slice(-30, None))):
        ax.plot(steps[shown], stuck[shown], lw=1, marker="o", ms=4, label="lr 1.0")
        ax.plot(steps[shown], settled[shown], lw=1, marker="o", ms=4, label="lr 0.1")
    axes[0].set(ylabel=LOSS, title="the first 50 steps")
    axes[1].set_title("the last 30 steps")
    axes[1].legend(loc="upper right")
    fig.suptitle("Logistic regression: a cycle of two steps at lr 1.0")


def draw_capacity(fig, aucs, medians):
    ax = fig.add_subplot(xlabel="hidden nodes, all layers together", ylabel="AUC on the test set")
    for (name, auc), marker, shift in zip(aucs.items(), "os^", (-0.12, 0, 0.12)):
        (line,) = ax.plot(list(auc), list(medians[name].values()), lw=1)
        dots = [(n + shift, value) for n in auc for value in auc[n]]
        label = name.replace(" ", " hidden ")
        ax.plot(*np.transpose(dots), marker, color=line.get_color(), ms=5, label=label)
    ax.axvline(10, color="black", lw=1, linestyle=":", label="the article's elbow")
    title = "Each network's AUC, and the line through their medians"
    ax.set(xticks=list(aucs["1 layer"]), title=title)
    ax.legend(loc="lower right")


def draw_digits(fig, wrong, p):
    # The split of digits_data, before it is scaled.
    _, images, _, names = train_test_split(*datasets.load_digits(return_X_y=True), random_state=0)
    more = ", such as" if wrong.size > 8 else ""
    fig.suptitle(f"{wrong.size} of {p.size} test digits are wrong with 32 hidden units{more}")
    fig.get_layout_engine().set(h_pad=0.1)
    for place, i in enumerate(wrong[:8], start=1):
        read = f"predicted: {'odd' if p[i] >= 0.5 else 'even'}\nP(odd) = {p[i]:.2f}"
        ax = fig.add_subplot(2, 4, place)
        ax.set_title(f"true: {names[i]}\n{read}", fontsize=9)
        ax.imshow(images[i].reshape(8, 8), cmap="gray_r")
        ax.axis("off")


def draw_boundary(fig, networks, X, y):
    x1, x2 = np.meshgrid(np.linspace(-1.7, 2.7, 300), np.linspace(-1.3, 1.8, 300))
    axes = fig.subplots(1, 2, sharey=True)
    for ax, (title, params) in zip(axes, networks.items()):
        P = predict_proba(params, np.stack([x1.ravel(), x2.ravel()])).reshape(x1.shape)
        regions = ax.contourf(x1, x2, P, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.35)
        ax.contour(x1, x2, P, levels=[0.5], colors="black")
        for label, marker, color in ((0, "o", RED), (1, "s", BLUE)):
            style = {"color": color, "ms": 4, "mec": "black", "mew": 0.5}
            ax.plot(*X[:, y == label], marker, label=f"class {label} (training)", **style)
        ax.set(title=title, xlabel="feature 1")
        ax.grid(False)
    axes[0].set_ylabel("feature 2")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    fig.colorbar(regions, ax=axes, label="P(class 1)", ticks=[0, 0.5, 1])


def save(path, draw):
    """Save what draw(fig) paints as a PNG, 800 pixels wide."""
    import matplotlib
    from matplotlib.figure import Figure  # without pyplot a Figure opens no window

    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(800 / 120, 500 / 120), layout="constrained")
        draw(fig)
        fig.savefig(path)


# ==== The command =================================================================================

TOUR = (
    gradient_check, article1, initialization, vanishing, article2, capacity, planar, digits,
    boundary,
)  # fmt: skip
PARTS = {part.__name__.replace("_", "-"): part for part in (*TOUR, trouble, benchmark)}
WIDTH = 79

FORMATS = {  # of columns; other whole numbers have thousands separated, other fractions .3f
    "lr": "", "step": ".0e", "central": ".1e", "complex": ".1e", "large: ours": ",.4f",
    "printed": ".4f", "sigmoid, xavier": ".1e", "relu, he": ".1e", "train": ".1%", "test": ".1%",
    "AUC": ".4f", "1 layer": ".4f", "2 layers": ".4f", "3 layers": ".4f", "us": ".0f",
    "loop": ".2f", "plain": ".2f", "MLP": ".2f", "apart": ".0e", "ms": ".2f", "extra MB": ".1f",
    "plain ms": ".2f", "plain MB": ".1f",
}  # fmt: skip


def written(name, value):
    """Return the text of one cell of a table."""
    if value is None or isinstance(value, str):
        return value or "-"
    return format(value, "," if isinstance(value, int) else FORMATS.get(name, ".3f"))


def show(item, columns):
    """Print a sentence, or a row, below its columns' names if they are new; return the columns."""
    if isinstance(item, str):
        if columns:
            print()
        print(textwrap.fill(" ".join(item.split()), WIDTH), flush=True)
        return None
    cells = {name: written(name, value) for name, value in item.items()}
    if columns is None or set(columns) != set(cells):
        columns = {name: f">{max(len(name), len(cell), 7)}" for name, cell in cells.items()}
        first, *rest = columns
        left = min(32, WIDTH - sum(1 + int(columns[name][1:]) for name in rest))
        columns[first] = f"<{left}" if isinstance(item[first], str) else ">9"
        print("\n" + " ".join(f"{name:{column}}" for name, column in columns.items()))
    print(*(f"{cells[name]:{column}}" for name, column in columns.items()), flush=True)
    return columns


def run(name, seed, folder):
    """Print what a part finds and how long it took; save its pictures if there is a folder."""
    began, columns = time.perf_counter(), None
    title = f"{name}: {PARTS[name].__doc__}"
    print(f"\n{title}\n{'-' * len(title)}", flush=True)
    for item in PARTS[name](seed=seed):
        if not isinstance(item, tuple):
            columns = show(item, columns)
        elif folder is not None:
            path = os.path.join(folder, f"{item[0]}.png")
            save(path, item[1])
            print(f"saved {path}", flush=True)
    print(f"({time.perf_counter() - began:.1f} s)", flush=True)


def main(argv=None):
    parts = "\n".join(f"  {name:14}  {part.__doc__}" for name, part in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="demo.py", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__.split("\n\nA part")[0], epilog=f"parts:\n{parts}",
    )  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="PART", help="default: the whole tour")
    parser.add_argument("--figures", metavar="FOLDER", help="save pictures (needs matplotlib)")
    parser.add_argument("--seed", type=int, default=0, help="of random weights (default: 0)")
    args = parser.parse_args(argv)
    for name in args.parts:
        if name not in PARTS:
            parser.error(f"argument PART: {name!r} is none: choose from {', '.join(PARTS)}")
    if not 0 <= args.seed < 2**32:
        parser.error(f"argument --seed: {args.seed} is not between 0 and 2**32 - 1")
    if args.figures is not None:
        try:
            import matplotlib  # noqa: F401

            os.makedirs(args.figures, exist_ok=True)
            tempfile.TemporaryFile(dir=args.figures).close()
            taken = [file for file in pathlib.Path(args.figures).glob("*.png") if file.is_dir()]
        except ModuleNotFoundError:
            sys.exit("demo.py: --figures needs matplotlib: pip install matplotlib")
        except OSError as error:
            sys.exit(f"demo.py: cannot write to the folder {args.figures!r}: {error.strerror}")
        if taken:
            sys.exit(f"demo.py: cannot save a picture as {taken[0]}: that is a folder")
    # Matrices this small gain nothing from a second BLAS thread, but can wait long for one.
    threadpool_limits(1, "blas")
    for name in args.parts or list(PARTS)[: len(TOUR)]:
        run(name, args.seed, args.figures)
    if not args.parts:
        more = """Where to go from here: `python demo.py trouble` shows what it looks like if the
        loss does not fall, `--figures FOLDER` saves the pictures, and `python -m grading
        mine.py` says what is right and wrong in a file of your own."""
        show(more, columns=True)


if __name__ == "__main__":
    try:
        main()
    except OSError as error:  # of our output; whoever reads it, say `head`, may have seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.exit(f"demo.py: cannot write: {error.strerror}")
