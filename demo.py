# SPDX-License-Identifier: MIT-0
"""A tour of backprop.py in eight parts: the experiments of two articles, and scikit-learn beside them.

    python demo.py                               the whole tour, about 20 seconds
    python demo.py capacity article2             only these parts, in this order
    python demo.py boundary --figures pictures   also saves pictures/boundary.png

"Article 1" is "Backpropagation from Scratch"; "article 2" is "ML From Scratch, Part 3: Backpropagation".

A part is a generator. It yields what it finds out as soon as it knows: a dict is a row of a table, a string is a
sentence, and a pair (name, draw) is a picture, which draw(fig) paints on an empty matplotlib figure.
"""

import argparse
import os
import platform
import sys
import tempfile
import textwrap
import time
import tracemalloc
import warnings

try:
    import numpy as np
    from joblib import Parallel, delayed
    from sklearn.datasets import load_digits, make_classification, make_moons
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score, roc_curve
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits
except ModuleNotFoundError as error:
    sys.exit(f"demo.py needs {error.name}, which is not installed: pip install numpy scikit-learn")

from backprop import backward, bce_with_logits, forward, init_params, loss_and_grads, numerical_grads, predict_proba, train

# The Okabe-Ito colours, which stay apart for colour-blind eyes; every line has its own style or marker as well.
BLACK, ORANGE, BLUE, GREEN, RED = "black", "#E69F00", "#0072B2", "#009E73", "#D55E00"
STYLE = {
    "font.size": 12, "axes.titlesize": 12, "figure.dpi": 120, "lines.linewidth": 2, "lines.markersize": 7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True, "grid.color": "0.9",
    "axes.axisbelow": True, "legend.frameon": False,
}  # fmt: skip
LOSS = "loss (binary cross-entropy, nats)"

# How a column is written. What is not listed is printed as it is.
FORMATS = {
    "lr": "g", "loss": ".3f", "first loss": ".3f", "train": ".1%", "test": ".1%", "AUC": ".4f",
    "step": ".0e", "central": ".1e", "complex": ".1e", "1 layer": ".4f", "2 layers": ".4f", "3 layers": ".4f",
    "sigmoid, xavier": ".1e", "relu, he": ".1e", "samples": ",", "apart": ".0e", "train ms": ".1f", "sklearn ms": ".1f",
    "ratio": ".2f", "shuffling ms": ".1f", "ratio ": ".2f", "ns per sample": ".0f", "extra MB": ".1f",
}  # fmt: skip


def split(X, y, **options):
    """Return X_train, X_test, y_train, y_test, with samples in columns; y stays flat, as scikit-learn has it."""
    X_train, X_test, y_train, y_test = train_test_split(X, y, **options)
    return X_train.T, X_test.T, y_train, y_test


def article1_data():
    """Return article 1's 1000 samples x 10 features, of which it tests on 20 %."""
    return split(*make_classification(n_samples=1000, n_features=10, random_state=0), test_size=0.2, random_state=0)


def article2_data():
    """Return article 2's 5000 samples x 20 features; the first 4000 are for training."""
    X, y = make_classification(
        n_samples=5000, n_features=20, n_informative=15, n_redundant=3, n_repeated=0, n_classes=2, flip_y=0.05,
        class_sep=1.0, shuffle=True, random_state=42,
    )  # fmt: skip
    return split(X, y, test_size=0.2, shuffle=False)


def digits_data():
    """Return the 1797 digits, 8 x 8 pixels standardised, and whether each is odd."""
    X_train, X_test, y_train, y_test = train_test_split(*load_digits(return_X_y=True), random_state=0)
    scaler = StandardScaler().fit(X_train)
    return scaler.transform(X_train).T, scaler.transform(X_test).T, y_train % 2, y_test % 2


def scores(y_train, p_train, y_test, p_test):
    """Return the columns loss, train, test and AUC for flat labels and probabilities, whoever predicted them."""
    return {
        "loss": log_loss(y_train, p_train),
        "train": accuracy_score(y_train, p_train >= 0.5),
        "test": accuracy_score(y_test, p_test >= 0.5),
        "AUC": roc_auc_score(y_test, p_test),
    }


def network_scores(params, data, activation="sigmoid"):
    X_train, X_test, y_train, y_test = data
    p_train, p_test = (predict_proba(params, X, activation)[0] for X in (X_train, X_test))
    return scores(y_train, p_train, y_test, p_test)


def complex_step_grads(params, X, Y, step):
    """Return grads as Im loss(params + i step) / step, entry by entry: no difference, hence no cancellation."""
    grads = {}
    for key, P in params.items():
        slopes = []
        for i in range(P.size):
            moved = {key: P.astype(complex) for key, P in params.items()}
            moved[key].flat[i] += 1j * step
            Z = forward(moved, X)[1][f"Z{len(params) // 2}"]
            # bce_with_logits uses abs and max, which have no complex derivative; this log(1 + exp(z)) has one.
            loss = (Z / 2 + np.log(2 * np.cosh(Z / 2)) - Y * Z).mean()
            slopes.append(loss.imag / step)
        grads[key] = np.reshape(slopes, P.shape)
    return grads


def gradient_check(seed=0, n_samples=500, exponents=(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 25, 30)):
    """article 2's 199 derivatives, by the chain rule and by two numerical methods."""
    yield (
        "Relative difference between `backward` and each method: the largest in W1, b1, ..., each array measured "
        "against its own largest entry."
    )
    X, _, y, _ = article2_data()
    X, Y = X[:, :n_samples], y[None, :n_samples]
    params = init_params((20, 8, 3, 1), seed, scale=0.1)
    grads = backward(params, forward(params, X)[1], Y)

    def loss(params):
        return bce_with_logits(forward(params, X)[1]["Z3"], Y)

    def difference(others):
        return max(np.abs(others[key] - G).max() / np.abs(G).max() for key, G in grads.items())

    rows = []
    for step in (10.0**-e for e in exponents):
        central, exact = numerical_grads(loss, params, eps=step), complex_step_grads(params, X, Y, step)
        rows.append({"step": step, "central": difference(central), "complex": difference(exact)})
        yield rows[-1]
    best = min(rows, key=lambda row: row["central"])
    yield (
        f"Central differences are at their best, {best['central']:.0e}, with a step of {best['step']:.0e}. A larger step "
        "misses the curve's bend (truncation, which shrinks with the square of the step); a smaller one subtracts two "
        "nearly equal losses (rounding). The complex step subtracts nothing: with "
        f"{rows[-1]['step']:.0e} it agrees with `backward` to {rows[-1]['complex']:.0e}."
    )

    def draw(fig):
        ax = fig.subplots()
        steps = [row["step"] for row in rows]
        ax.loglog(steps, [row["central"] for row in rows], "o-", color=RED, label="central differences")
        ax.loglog(steps, [row["complex"] for row in rows], "s--", color=BLUE, label="complex step")
        ax.set(xlabel="step size", ylabel="largest relative difference", title="Two ways to check a gradient")
        ax.legend(loc="center left")

    yield "gradient-check", draw


def article1(seed=0, steps=1000, batch_size=32):
    """its [10, 8, 4, 1] at its learning rate, at one that reaches its headline, in mini-batches."""
    data = X, _, y, _ = article1_data()
    params = init_params((10, 8, 4, 1), seed)
    epoch = -(-y.size // batch_size)
    yield {"run": "article 1 (loss: below 0.15)", "lr": 0.01, "steps": 1000, "first loss": 0.69, "loss": 0.15, "test": 0.96}
    curves = []
    for run, lr, n, options in (
        ("full batch", 0.01, steps, {}),
        ("full batch", 1.0, steps, {}),
        (f"batches of {batch_size}, {steps} epochs", 0.01, steps * epoch, {"batch_size": batch_size, "rng": seed}),
    ):
        trained, losses = train(params, X, y, lr=lr, steps=n, **options)
        curves.append(losses.reshape(steps, -1).mean(axis=1))
        result = network_scores(trained, data)
        first = loss_and_grads(params, X, y[None])[0]
        yield {"run": run, "lr": lr, "steps": n, "first loss": first, "loss": result["loss"], "test": result["test"]}
    slow, fast, _ = curves
    same, below = round(0.01 * steps), np.flatnonzero(fast < 0.15)
    yield (
        f"Why lr 0.01 cannot get there: lr x steps is how far gradient descent may walk, and 0.01 x {steps} = "
        f"{0.01 * steps:g} is too short a way, which lr 1.0 has covered after {same} steps, with a loss of "
        f"{fast[same]:.3f} against {slow[-1]:.3f}; below 0.15 it is "
        + (f"only from step {below[0]} on. " if below.size else f"not within {steps} steps. ")
        + f"Mini-batches take {epoch} steps an epoch, and so walk {0.01 * steps * epoch:g} at the article's own rate."
    )

    def draw(fig):
        ax = fig.subplots()
        ax.plot(slow, "-", color=RED, label="lr 0.01, full batch (the article's setting)")
        ax.plot(curves[2], "--", color=ORANGE, label=f"lr 0.01, batches of {batch_size} (mean of each epoch)")
        ax.plot(fast, "-.", color=BLUE, label="lr 1.0, full batch")
        ax.axhline(0.15, color=BLACK, linestyle=":", label="the article's result: below 0.15")
        ax.set(xlabel="epoch (passes over the 800 training samples)", ylabel=LOSS, ylim=(0, None))
        ax.set_title("The same network, the same start")
        ax.legend(loc="center right", bbox_to_anchor=(1, 0.62))

    yield "article1", draw


def article2(seed=0, steps=2000):
    """its logistic regression, stuck at 72 % and converged, and its [8, 3]."""
    data = X, X_test, y, y_test = article2_data()
    columns = {"model": None, "lr": None, "loss": None}
    yield {**columns, "model": "article 2, logistic regression", "lr": 1.0, "train": 0.719, "test": 0.717, "AUC": 0.7866}
    start, curves, rocs = init_params((20, 1), seed, scale=0.1), {}, {}
    for lr in (1.0, 0.1):
        params, curves[lr] = train(start, X, y, lr=lr, steps=steps)
        yield {"model": "logistic regression", "lr": lr, **network_scores(params, data)}
        rocs[f"logistic regression, lr {lr:g}"] = predict_proba(params, X_test)[0]
        if lr == 1.0:
            later, _ = train(params, X, y, lr=lr, steps=1)
            yield {"model": "  one step later", "lr": lr, **network_scores(later, data)}
    # Where the curvature of the loss is c, a step of lr overshoots further each time unless lr < 2 / c.
    X1, a = np.vstack([X, np.ones(y.size)]), predict_proba(params, X)
    curvature = np.linalg.eigvalsh(X1 * (a * (1 - a)) @ X1.T / y.size)[-1]

    model = LogisticRegression(C=np.inf, max_iter=1000).fit(X.T, y)
    p_train, p_test = (model.predict_proba(x.T)[:, 1] for x in (X, X_test))
    linear = scores(y, p_train, y_test, p_test)
    yield {**columns, "model": "scikit-learn, LogisticRegression", **linear}

    yield {**columns, "model": "article 2, [8, 3]", "lr": 1.0, "train": 0.95, "test": 0.91, "AUC": 0.96}
    params, _ = train(init_params((20, 8, 3, 1), seed, scale=0.1), X, y, lr=1.0, steps=steps)
    network = network_scores(params, data)
    rocs["[8, 3], lr 1.0"] = predict_proba(params, X_test)[0]
    yield {"model": "[8, 3]", "lr": 1.0, **network}
    low, high = sorted(curves[1.0][-2:])
    yield (
        f"The 72 % is no limit of linear models. The loss is as curved as {curvature:.2f} where it is lowest, so gradient "
        f"descent can settle there only with an lr below 2 / {curvature:.2f} = {2 / curvature:.2f}. At 1.0 it ends in a "
        f"cycle of two steps, losses {low:.3f} and {high:.3f}, and the accuracy depends on where one stops. At 0.1 it "
        f"arrives where scikit-learn does, at {linear['test']:.1%} test. [8, 3] is not linear, and reaches "
        f"{network['test']:.1%}."
    )

    def draw_roc(fig):
        ax = fig.subplots()
        for (name, p), (color, line) in zip(rocs.items(), ((RED, ":"), (ORANGE, "-"), (BLUE, "-."))):
            fpr, tpr, _ = roc_curve(y_test, p)
            ax.plot(fpr, tpr, line, color=color, label=f"{name}: AUC {roc_auc_score(y_test, p):.3f}")
        fpr, tpr, _ = roc_curve(y_test, p_test)
        ax.plot(fpr, tpr, "--", color=BLACK, lw=1, label=f"scikit-learn, unpenalised: AUC {linear['AUC']:.3f}")
        ax.plot([0, 1], [0, 1], color="0.6", lw=1)
        ax.set(xlabel="false positive rate", ylabel="true positive rate", title="ROC curves of article 2's test set")
        ax.legend(loc="lower right")

    def draw_loss(fig):
        whole, zoom = fig.subplots(1, 2, sharey=True, width_ratios=(1, 1))
        last = np.arange(steps)[-30:]
        for lr, color, line in ((1.0, RED, "o:"), (0.1, ORANGE, "s-")):
            whole.plot(curves[lr][:100], line[1], color=color, lw=1.5)
            zoom.plot(last, curves[lr][last], line, color=color, lw=1, ms=5, label=f"lr {lr:g}")
        whole.set(xlabel="step", ylabel=LOSS, title="the first 100 steps")
        zoom.set(xlabel="step", title="the last 30: a cycle of two")
        zoom.legend(loc="center right")

    yield "article2-roc", draw_roc
    yield "article2-loss", draw_loss


def capacity_auc(hidden, seed, steps, data):
    """Return the test AUC of one network; a function of its own so that joblib can send it to another process."""
    X, X_test, y, y_test = data
    # float32 is half the work of float64, and changes these AUCs in the fourth digit at most.
    start = init_params((20, *hidden, 1), seed, scale=0.1, dtype=np.float32)
    params, _ = train(start, X.astype(np.float32), y, lr=1.0, steps=steps)
    return roc_auc_score(y_test, predict_proba(params, X_test)[0])


def capacity(seed=0, steps=2000, totals=(2, 3, 4, 6, 8, 10, 12, 15, 20, 30), n_jobs=-1):
    """article 2's last figure, test AUC by number of hidden nodes. Is there an elbow near 10?"""
    yield "Each number is one network of article 2's kind, its nodes shared out evenly among its hidden layers."
    shapes = [[[n // k + (i < n % k) for i in range(k)] for k in (1, 2, 3) if k <= n] for n in totals]
    tasks = (delayed(capacity_auc)(hidden, seed, steps, article2_data()) for row in shapes for hidden in row)
    aucs = Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    names, points = ("1 layer", "2 layers", "3 layers"), {"1 layer": {}, "2 layers": {}, "3 layers": {}}
    for n, row in zip(totals, shapes):
        found = dict(zip(names, [next(aucs) for _ in row]))
        for name, auc in found.items():
            points[name][n] = auc
        yield {"nodes": n, **dict.fromkeys(names), **found}
    elbows = {name: min(n for n in found if found[n] > max(found.values()) - 0.01) for name, found in points.items() if found}
    where = ", ".join(f"{n} nodes in {name}" for name, n in elbows.items())
    near = [name for name, n in elbows.items() if 5 <= n <= 15]
    yield (
        f"The AUC first comes within 0.01 of its best at {where}. The article's elbow around 10 nodes, which we take as "
        f"5 to 15, is there with {' and '.join(near) or 'none of them'}: what nodes can do depends on how they are stacked."
    )

    def draw(fig):
        ax = fig.subplots()
        for (name, found), (color, marker) in zip(points.items(), ((BLUE, "o-"), (ORANGE, "s--"), (GREEN, "^:"))):
            ax.plot(list(found), list(found.values()), marker, color=color, lw=1, label=f"{name}".replace(" l", " hidden l"))
        ax.axvline(10, color="0.5", lw=1, linestyle="-.")
        ax.annotate("the article's elbow", (10, 0.55), (11, 0.55))
        ax.set(xlabel="hidden nodes in all", ylabel="AUC on the test set", title="How many nodes does article 2's problem need?")
        ax.legend(loc="lower right")

    yield "capacity", draw


def symmetry(seed=0, steps=1000):
    """why both articles start from random weights: equal units stay equal."""
    yield "Article 2's [8, 3] on its own data, at lr 1.0. Different units are counted after training, to 6 decimals."
    data = X, _, y, _ = article2_data()
    start = init_params((20, 8, 3, 1), seed, scale=0.1)
    rows = []
    for name, params in (
        ("all 0", {key: 0 * P for key, P in start.items()}),
        ("all 0.1", {key: 0 * P + 0.1 for key, P in start.items()}),
        ("random, N(0, 0.1^2)", start),
    ):
        params, _ = train(params, X, y, lr=1.0, steps=steps)
        units = [np.hstack([params[f"W{l}"], params[f"b{l}"]]).round(6) for l in (1, 2)]
        kinds = {f"units in layer {l}": len(np.unique(rows_l, axis=0)) for l, rows_l in enumerate(units, 1)}
        result = network_scores(params, data)
        rows.append({"start": name, **kinds, "loss": result["loss"], "test": result["test"]})
        yield rows[-1]
    yield (
        f"From equal weights, 8 units learn as {rows[1]['units in layer 1']} and 3 as {rows[1]['units in layer 2']}: every "
        "one gets the same gradient as its neighbours. (Article 1 says that zero weights break the symmetry; they keep it, "
        "and random ones break it.)"
    )


def vanishing(seed=0, steps=500, depth=10, width=16, lr=0.1):
    """article 1's last paragraph, the vanishing gradient in a deep network, and its cure, ReLU."""
    yield f"Norm of dW at each layer before the first step: {depth} hidden layers of {width}, article 1's data."
    data = X, _, y, _ = article1_data()
    starts, norms = {}, {}
    for activation, scale in (("sigmoid", "xavier"), ("relu", "he")):
        name = f"{activation}, {scale}"
        starts[name] = init_params((10, *[width] * depth, 1), seed, scale=scale)
        first, grads = loss_and_grads(starts[name], X, y[None], activation)
        norms[name] = [np.linalg.norm(grads[f"W{l}"]) for l in range(1, depth + 2)]
    for l in range(depth, -1, -1):
        yield {"layer": l + 1, **{name: norm[l] for name, norm in norms.items()}}
    results = {}
    for name, params in starts.items():
        activation = name.split(",")[0]
        params, losses = train(params, X, y, lr=lr, steps=steps, activation=activation)
        results[name] = network_scores(params, data, activation)
        result = {"loss": results[name]["loss"], "test": results[name]["test"]}
        yield {"network": name, "lr": lr, "steps": steps, "first loss": losses[0], **result}
    shrink = {name: (norm[0] / norm[-1]) ** (1 / depth) for name, norm in norms.items()}
    yield (
        f"Going back one layer multiplies the gradient by {shrink['sigmoid, xavier']:.2f} on average with sigmoid, whose "
        f"derivative is 1/4 at most, and by {shrink['relu, he']:.2f} with ReLU, whose derivative is 0 or 1; the weights do "
        f"the rest. So after {steps} steps the sigmoid network's loss is {results['sigmoid, xavier']['loss']:.3f}, where "
        f"tossing a coin gives log 2 = 0.693, and the ReLU network's {results['relu, he']['loss']:.3f}."
    )

    def draw(fig):
        ax = fig.subplots()
        for (name, norm), (color, line) in zip(norms.items(), ((RED, "o-"), (BLUE, "s--"))):
            ax.semilogy(range(1, depth + 2), norm, line, color=color, label=name)
        ax.set(xlabel="layer (1 is next to the input)", ylabel="norm of dW at the start", title="The vanishing gradient")
        ax.set_xticks(range(1, depth + 2))
        ax.legend(loc="lower right")

    yield "vanishing", draw


def digits(seed=0, epochs=50):
    """beyond the articles, handwritten digits: odd or even?"""
    data = X, X_test, y, y_test = digits_data()
    steps = epochs * -(-y.size // 32)
    yield f"{y.size} images of 8 x 8 pixels to learn from, {y_test.size} to test; {epochs} epochs in batches of 32."
    for name, hidden, lr in (("logistic regression", (), 0.1), ("[32]", (32,), 0.5)):
        params, _ = train(init_params((64, *hidden, 1), seed), X, y, lr=lr, steps=steps, batch_size=32, rng=seed)
        result = network_scores(params, data)
        yield {"model": name, "lr": lr, **result}
    model = sklearn_network((32,), lr=0.5, batch_size=32, max_iter=epochs, random_state=seed)
    fit_quietly(model, X.T, y)
    p_train, p_test = (model.predict_proba(x.T)[:, 1] for x in (X, X_test))
    yield {"model": "scikit-learn, MLPClassifier [32]", "lr": 0.5, **scores(y, p_train, y_test, p_test)}
    p, (_, images, _, names) = predict_proba(params, X_test)[0], train_test_split(*load_digits(return_X_y=True), random_state=0)
    wrong = np.flatnonzero((p >= 0.5) != y_test)
    yield f"Of {y_test.size} test digits, the [32] network puts {wrong.size} on the wrong side."

    def draw(fig):
        fig.suptitle(f"{min(8, wrong.size)} of the {wrong.size} test digits (of {y_test.size}) that [32] gets wrong")
        for ax, i in zip(fig.subplots(2, 4).flat, [*wrong[:8], *[None] * 8]):
            ax.axis("off")
            if i is not None:
                ax.imshow(images[i].reshape(8, 8), cmap="gray_r")
                ax.set_title(f"a {names[i]}: P(odd) = {p[i]:.2f}")

    yield "digits", draw


def boundary(seed=0, steps=3000, n_samples=800):
    """article 2's question, linear or not, where it can be seen: two moons in the plane."""
    data = X, _, y, _ = split(*make_moons(n_samples, noise=0.2, random_state=0), test_size=0.5, random_state=0)
    networks = {}
    for name, hidden in (("logistic regression", ()), ("[8, 4]", (8, 4))):
        params, _ = train(init_params((2, *hidden, 1), seed), X, y, lr=3.0, steps=steps)
        result = network_scores(params, data)
        networks[name] = params, result["test"]
        yield {"model": name, "lr": 3.0, "steps": steps, **result}
    yield "Without a hidden layer the border is a straight line; with 8 and 4 hidden units it follows the moons."

    def draw(fig):
        x1, x2 = np.meshgrid(np.linspace(-1.8, 2.8, 300), np.linspace(-1.4, 1.9, 300))
        axes = fig.subplots(1, 2, sharey=True)
        for ax, (name, (params, test)) in zip(axes, networks.items()):
            P = predict_proba(params, np.stack([x1.ravel(), x2.ravel()])).reshape(x1.shape)
            regions = ax.contourf(x1, x2, P, levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.6)
            ax.contour(x1, x2, P, levels=[0.5], colors=BLACK)
            ax.plot(*X[:, y == 0], "o", color=RED, ms=4, mec="white", mew=0.5)
            ax.plot(*X[:, y == 1], "s", color=BLUE, ms=4, mec="white", mew=0.5)
            ax.set(title=f"{name}: {test:.0%} of test samples right", xlabel="feature 1", aspect="equal")
            ax.grid(False)
        axes[0].set_ylabel("feature 2")
        fig.colorbar(regions, ax=axes, label="P(class 1)", shrink=0.7, ticks=[0, 0.5, 1])

    yield "boundary", draw


def sklearn_network(hidden, *, lr, batch_size, **options):
    """Return scikit-learn's network with what `train` does: sigmoid units, plain SGD, no penalty, no early stop."""
    return MLPClassifier(
        hidden, activation="logistic", solver="sgd", alpha=0, momentum=0, nesterovs_momentum=False,
        learning_rate_init=lr, batch_size=batch_size, tol=0, n_iter_no_change=10**9, **options,
    )  # fmt: skip


def fit_quietly(model, X, y):
    """Fit, without the warning that all of max_iter was used: here that is the point."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def timed(function, *args, **options):
    """Return (seconds, result)."""
    begin = time.perf_counter()
    result = function(*args, **options)
    return time.perf_counter() - begin, result


def benchmark(seed=0, repeats=7, effort=1.0, sizes=(10_000, 100_000, 1_000_000)):
    """not in the tour, under a minute: `train` against scikit-learn, and the cost of a gradient."""
    try:
        with open("/proc/cpuinfo") as lines:
            processor = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor() or platform.machine()
    yield (
        f"{processor}, {os.cpu_count()} cores, numpy {np.__version__}. Full-batch steps from equal weights; `apart` is the "
        f"largest difference between any two final weights. Median of {repeats} runs, taken in turns. MLPClassifier "
        "copies the data in a new order for each step if it shuffles, as it does by default; ratio: its time / ours."
    )
    first, second, third = article1_data(), article2_data(), digits_data()
    for name, X, y, hidden, steps in (
        ("article 1, [8, 4]", first[0], first[2], (8, 4), 1000),
        ("article 2, [8, 3]", second[0], second[2], (8, 3), 200),
        ("digits, [32]", third[0], third[2], (32,), 200),
        ("32 of article 1, [8, 4]", first[0][:, :32], first[2][:32], (8, 4), 1000),
    ):
        (n, m), steps = X.shape, max(1, round(steps * effort))
        start, rows, times = init_params((n, *hidden, 1), seed), np.ascontiguousarray(X.T), {}
        for _ in range(repeats):
            seconds, (params, _) = timed(train, start, X, y, lr=0.5, steps=steps)
            times.setdefault("ours", []).append(seconds)
            for shuffle in (False, True):
                model = sklearn_network(hidden, lr=0.5, batch_size=m, shuffle=shuffle, max_iter=1, warm_start=True)
                fit_quietly(model, rows, y)
                layers = range(1, len(hidden) + 2)
                model.coefs_ = [start[f"W{l}"].T.copy() for l in layers]
                model.intercepts_ = [start[f"b{l}"][:, 0].copy() for l in layers]
                seconds, _ = timed(fit_quietly, model.set_params(max_iter=steps), rows, y)
                times.setdefault(shuffle, []).append(seconds)
                if not shuffle:
                    theirs = zip(layers, model.coefs_, model.intercepts_)
                    gaps = [(params[f"W{l}"] - W.T, params[f"b{l}"][:, 0] - b) for l, W, b in theirs]
                    apart = max(np.abs(gap).max() for pair in gaps for gap in pair)
        ours, plain, shuffled = (1000 * np.median(times[key]) for key in ("ours", False, True))
        yield {
            "data": name, "samples": m, "steps": steps, "apart": apart, "train ms": ours, "sklearn ms": plain,
            "ratio": plain / ours, "shuffling ms": shuffled, "its ratio": shuffled / ours,
        }  # fmt: skip

    yield "One gradient of [20, 8, 3, 1] by loss_and_grads. Its extra memory is that of a chunk, however many samples."
    rng, params = np.random.default_rng(seed), init_params((20, 8, 3, 1), seed)
    for m in sizes:
        X, Y = rng.normal(size=(20, m)), rng.integers(0, 2, (1, m))
        seconds = np.median([timed(loss_and_grads, params, X, Y)[0] for _ in range(repeats)])
        tracemalloc.start()
        loss_and_grads(params, X, Y)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        yield {"samples": m, "ms": 1e3 * seconds, "ns per sample": 1e9 * seconds / m, "extra MB": peak / 1e6}


TOUR = (gradient_check, article1, article2, capacity, symmetry, vanishing, digits, boundary)
PARTS = {part.__name__.replace("_", "-"): part for part in (*TOUR, benchmark)}


def show(item, header=None):
    """Print a sentence or a row, the row under its column names unless they are `header`; return the row's names."""
    if isinstance(item, str):
        print(textwrap.fill(item, 100), flush=True)
        return None
    names = list(item)
    cells = ["-" if value is None else format(value, FORMATS.get(name, "")) for name, value in item.items()]
    widths = [32 if isinstance(item[names[0]], str) else 8] + [max(len(name), 8) for name in names[1:]]
    for line in ([] if names == header else [names]) + [cells]:
        first, *others = (f"{cell:>{width}}" for cell, width in zip(line, widths))
        if isinstance(item[names[0]], str):
            first = f"{line[0]:{widths[0]}}"
        print(" ".join([first, *others]), flush=True)
    return names


def save(path, draw):
    """Save what draw(fig) paints as a PNG, 800 pixels wide."""
    import matplotlib
    from matplotlib.figure import Figure  # a bare Figure needs no window: it is drawn by the backend Agg

    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(6.7, 4.2), layout="constrained")
        draw(fig)
        fig.savefig(path)
    print(f"saved {path}", flush=True)


def main(argv=None):
    about = "\n".join(f"  {name:15} {part.__doc__.splitlines()[0]}" for name, part in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="demo.py", description=__doc__.split("\n\nA part")[0], epilog=f"parts:\n{about}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("parts", nargs="*", metavar="PART", help="which parts, in which order (default: all but benchmark)")
    parser.add_argument("--figures", metavar="DIR", help="also save the pictures, as PNG files in DIR (needs matplotlib)")
    parser.add_argument("--seed", type=int, default=0, help="of the random start and the order of batches (default: 0)")
    args = parser.parse_args(argv)
    for name in args.parts:
        if name not in PARTS:
            parser.error(f"there is no part {name!r}; choose from {', '.join(PARTS)}")
    if not 0 <= args.seed < 2**32:
        parser.error(f"argument --seed: {args.seed} is not between 0 and 2**32 - 1")
    if args.figures:
        try:
            import matplotlib  # noqa: F401

            os.makedirs(args.figures, exist_ok=True)
            tempfile.TemporaryFile(dir=args.figures).close()
        except ModuleNotFoundError:
            sys.exit("demo.py: --figures needs matplotlib, which is not installed: pip install matplotlib")
        except OSError as error:
            sys.exit(f"demo.py: cannot write to {args.figures}: {error.strerror}")

    # Matrices this small gain nothing from a second BLAS thread, and on a busy machine can wait for it for seconds.
    threadpool_limits(1, "blas")
    for name in args.parts or [name for name in PARTS if PARTS[name] in TOUR]:
        header = None
        print(f"\n{name}: {PARTS[name].__doc__}\n")
        for item in PARTS[name](seed=args.seed):
            if not isinstance(item, tuple):
                header = show(item, header)
            elif args.figures:
                save(os.path.join(args.figures, f"{item[0]}.png"), item[1])


if __name__ == "__main__":
    main()
