# SPDX-License-Identifier: MIT-0
"""A tour of backprop.py: learning seen, two articles' experiments, two exercises.

    python demo.py                          the whole tour, in about a minute
    python demo.py capacity article2        only these parts, in this order
    python demo.py trouble                  what if the loss does not fall?
    python demo.py benchmark                how fast? 30 to 45 seconds
    python demo.py learning --figures here  also saves here/learning.gif

"Article 1" is "Backpropagation from Scratch"; "article 2" is "ML From Scratch,
Part 3: Backpropagation" by Oran Looney. The exercises are deeplearning.ai's.
[8, 3] is a network with hidden layers of 8 and 3 units, each with a sigmoid
where nothing else is said.

A part is a generator: a dict is a row of a table, a string a sentence, and a
pair (name, draw) a picture, which draw(fig) paints on an empty matplotlib
figure; where draw yields, each time is a frame of a moving one.
"""

import os
import signal
import sys

if __name__ == "__main__":  # before the other imports, which take a second
    for name in {"SIGINT", "SIGPIPE"} & set(dir(signal)):  # they end it without a traceback
        signal.signal(getattr(signal, name), signal.SIG_DFL)

try:
    import argparse
    import copy
    import tempfile
    import textwrap
    import threading
    import time
    import warnings
    from timeit import timeit

    import numpy as np
    from sklearn import datasets
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss, roc_auc_score, roc_curve
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    import backprop
    from backprop import backward, forward, init_params, predict, predict_proba, train
except ModuleNotFoundError as error:
    sys.exit(f"demo.py needs {error.name}, which is not installed: pip install numpy scikit-learn")


# ==== Data, scores, and how they are shown ========================================================


def split(X, y, scaled=False, **options):
    """Return X_train, X_test, y_train, y_test, samples in columns, y flat; scaled if asked."""
    X, X_test, y, y_test = train_test_split(X, y, **options)
    if scaled:
        scaler = StandardScaler().fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
    return X.T, X_test.T, y, y_test


def article1_data():
    """Return 800 + 200 samples x 10 features. The article does not say which: seed 0, twice."""
    X, y = datasets.make_classification(n_samples=1000, n_features=10, random_state=0)
    return split(X, y, test_size=0.2, random_state=0)


def article2_data():
    """Return 4000 + 1000 samples x 20 features, article 2's own."""
    options = {"n_informative": 15, "n_redundant": 3, "flip_y": 0.05, "random_state": 42}
    X, y = datasets.make_classification(n_samples=5000, n_features=20, **options)
    return split(X, y, test_size=0.2, shuffle=False)


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
    right, right_test = np.mean((p >= 0.5) == y), np.mean((p_test >= 0.5) == y_test)
    AUC = roc_auc_score(y_test, p_test)
    return {"loss": log_loss(y, p), "train": right, "test": right_test, "AUC": AUC}


# Three of Okabe and Ito's colours, which colour-blind eyes can tell apart, and four line styles.
RED, BLUE, GREEN = "#D55E00", "#0072B2", "#009E73"
STYLE = {
    "font.size": 12, "axes.titlesize": 12, "figure.titlesize": 12, "figure.dpi": 120,
    "lines.linewidth": 2, "lines.markersize": 7, "axes.grid": True, "grid.color": "0.9",
    "axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False,
    "axes.prop_cycle": f"cycler(color=['{RED}', '{BLUE}', '{GREEN}', 'black'], "
    "linestyle=['-', '--', '-.', ':'])",
}  # fmt: skip
LOSS = "loss (binary cross-entropy, nats)"
# How columns are written, if not with thousands separated and three digits, or in powers of ten.
FORMATS = {"lr": "", "train": ".1%", "test": ".1%", "1s": ".1%", "AUC": ".4f"}


# ==== Learning that can be seen, and the articles' experiments ====================================


def learning(seed=0, steps=1000, frames=40):
    """two moons: the border bends while the loss falls"""
    X, y = datasets.make_moons(800, noise=0.2, random_state=0)
    data = X, X_test, y, y_test = split(X, y, test_size=0.5, random_state=0)
    yield f"""{y.size} points of two classes to learn from, and as many for the test. The loss says
    how wrong the probabilities are; a coin's is log 2 = 0.693. train and test: the share of points
    that are right. AUC, the area under the ROC curve: 1 if the test points of class 1 get higher
    probabilities than all others, 0.5 for chance. Without a hidden layer the border is straight:"""
    line, line_losses = train(init_params((2, 1), seed), X, y, lr=3.0, steps=steps)
    yield {"network": "no hidden layer", "step": steps, **scores(data, line)}
    moments = [init_params((2, 8, 4, 1), seed)]
    keep = {"callback": lambda step, loss, params: moments.append(params)}
    _, losses = train(moments[0], X, y, lr=3.0, steps=steps, **keep)
    for step in (0, 10, 100, 300, steps):
        yield {"network": "[8, 4]", "step": step, **scores(data, moments[step])}
    yield f"[8, 4] needs {sum(losses >= line_losses[-1])} steps to do better: its border must bend."

    def draw(fig):
        fig.set_figheight(3)
        left, right = fig.subplots(1, 2, width_ratios=(5, 4))
        for label, marker, color in ((0, "o", RED), (1, "s", BLUE)):
            left.plot(*X[:, y == label], marker, color=color, ms=4, mew=0, label=f"class {label}")
        (w1, w2), x1, x2 = line["W1"][0], np.array([-1.7, 2.7]), (-1.3, 1.8)
        straight = {"color": "0.4", "lw": 1.5, "linestyle": "--"}
        left.plot(x1, -(w1 * x1 + line["b1"].item()) / w2, **straight, label="no hidden layer")
        left.set(xlabel="feature 1", ylabel="feature 2", xlim=x1, ylim=x2, xticks=[], yticks=[])
        right.axhline(line_losses[-1], **straight)
        (curve,), (end,) = right.plot([], [], "k-"), right.plot([], [], "ko")
        right.set(xlabel="step", ylabel="loss", xlim=(0, 1.03 * steps), ylim=(0, 0.75))
        fig.legend(loc="outside lower center", ncols=3)
        grid = np.meshgrid(np.linspace(*x1, 200), np.linspace(*x2, 200))
        for k in [*range(1, frames), *[frames - 1] * 16]:
            step = round(steps * (k / (frames - 1)) ** 2)  # it learns most at the beginning
            P = predict_proba(moments[step], np.reshape(grid, (2, -1))).reshape(200, 200)
            sides = left.contourf(*grid, P, [0, 0.5, 1], colors=[RED, BLUE], alpha=0.2, zorder=0)
            border = left.contour(*grid, P, [0.5], colors="black")
            curve.set_data(range(step), losses[:step])
            end.set_data([step - 1], [losses[step - 1]])
            left.set_title(f"8 and 4 hidden units, step {step}")
            test = np.mean(predict(moments[step], X_test) == y_test)
            right.set_title(f"{test:.0%} of the test points right")
            yield
            sides.remove()
            border.remove()

    yield "learning", draw


def article1(seed=0, steps=1000):
    """its network as it says, and two ways to its result"""
    yield """Three runs of [8, 4] from the same weights, on 800 samples x 10 features; 200 more are
    the test. The article says that the loss ends below 0.15."""
    data = X, _, y, _ = article1_data()
    params = init_params((10, 8, 4, 1), seed)
    said = {"start": 0.69, "loss": 0.15, "train": "-", "test": 0.96, "AUC": "-"}
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
    {slow_losses[-1]:.3f} and {fast_losses[same]:.3f}. In batches of 32 an epoch, one pass over the
    samples, is 25 steps: {steps} epochs go 25 times as far as {steps} full-batch steps do."""

    def draw(fig):
        ax = fig.add_subplot(xlabel="epoch (passes over the 800 training samples)", ylabel=LOSS)
        ax.plot(slow_losses, label="lr 0.01, full batch (the article's setting)")
        ax.plot(fast_losses, label="lr 1.0, full batch")
        epochs = mini_losses.reshape(steps, 25).mean(axis=1)
        ax.plot(epochs, label="lr 0.01, batches of 32, mean of each epoch")
        ax.axhline(0.15, color="black", linestyle=":", label="the article's result: below 0.15")
        ax.set(ylim=(0, None), title="Hidden layers of 8 and 4 units, one start, three ways")
        ax.legend(loc="center right", bbox_to_anchor=(1, 0.62))

    yield "article1", draw


def gradient_check(seed=0, n_samples=200, exponents=(1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 30)):
    """is `backward` right? its derivatives in two other ways"""
    params = init_params((20, 8, 3, 1), seed, scale=0.1)
    yield f"""The gradient is the derivative of the loss by each parameter: how much the loss rises
    when that one grows a little. `backward` has all of them by the chain rule, on one way back
    through the network. Without that rule: move a parameter w by a small h, up and down, and take
    the central difference, (loss(w + h) - loss(w - h)) / 2h; but two nearly equal losses leave few
    digits. Complex numbers need no difference: the derivative is the imaginary part of loss(w + ih)
    divided by h. Article 2's [8, 3] has {sum(P.size for P in params.values())} parameters (it says
    199); below, how far `backward` is from both, relative to the largest entry of W1, b1, ..."""
    X, _, y, _ = article2_data()
    X, Y = X[:, :n_samples], y[None, :n_samples]
    grads = backward(params, forward(params, X)[1], Y)

    def loss(params):
        return backprop.bce_with_logits(forward(params, X)[1]["Z3"], Y)

    def complex_step(key, h):
        G = np.empty_like(params[key])
        for i in np.ndindex(G.shape):
            moved = {name: P.astype(complex) for name, P in params.items()}
            moved[key][i] += 1j * h
            G[i] = loss(moved).imag / h
        return G

    rows = []
    for h in (10.0**-e for e in exponents):
        rows.append({"h": h, "central": 0.0, "complex": 0.0})
        central = backprop.numerical_grads(loss, params, eps=h)
        for key, G in grads.items():
            for name, other in (("central", central[key]), ("complex", complex_step(key, h))):
                rows[-1][name] = max(rows[-1][name], abs(other - G).max() / abs(G).max())
        yield rows[-1]
    best, last = min(rows, key=lambda row: row["central"]), rows[-1]
    yield f"""Central differences are {best["central"]:.0e} off at best, with h = {best["h"]:.0e}.
    Larger steps see the curve bend (truncation), smaller ones lose their digits (rounding). The
    complex step loses none: {last["complex"]:.0e} off with h = {last["h"]:.0e}."""

    def draw(fig):
        fig.set_figheight(3.7)
        ax, boxes = fig.add_subplot(xlim=(-0.4, 5.6), ylim=(-0.35, 3.35)), {}
        ax.set_title("Forward from X to the loss, and the way back to the gradient")
        ax.axis("off")
        rows = (
            ("black", {1: "W1 (n1, n0)\nb1 (n1, 1)", 3: "W2 (n2, n1)\nb2 (n2, 1)"}),
            (BLUE, {0: "X\n\n(n0, m)", 1: "Z1\nW1 @ X + b1\n(n1, m)", 2: "A1\ng(Z1)\n(n1, m)",
                    3: "Z2\nW2 @ A1 + b2\n(n2, m)", 4.1: "A2\nsigmoid(Z2)\n(n2, m)",
                    5.2: "loss\nbce(A2, Y)\n1 number"}),
            (RED, {1: "dZ1\ndA1 * g'(Z1)\n(n1, m)", 2: "dA1\nW2.T @ dZ2\n(n1, m)",
                   3: "dZ2\nA2 - Y\n(n2, m)"}),
            (GREEN, {1: "dW1 = dZ1 @ X.T / m\ndb1 = sum(dZ1) / m",
                     3: "dW2 = dZ2 @ A1.T / m\ndb2 = sum(dZ2) / m"}),
        )  # fmt: skip
        for y, (color, texts) in zip((3, 2, 1, 0), rows):
            frame = {"boxstyle": "round", "fc": "white", "ec": color, "lw": 1.5}
            style = {"size": 9.5, "ha": "center", "va": "center", "bbox": frame}
            boxes |= {text.split()[0]: ax.text(x, y, text, **style) for x, text in texts.items()}
        ways = "W1 Z1, W2 Z2, X Z1, Z1 A1, A1 Z2, Z2 A2, A2 loss, loss dZ2, dZ2 dA1, dA1 dZ1, "
        for way in (ways + "dZ1 dW1, dZ2 dW2").split(", "):
            start, end = (boxes[name] for name in way.split())
            arrow = {"arrowstyle": "-|>", "lw": 1.5, "color": end.get_bbox_patch().get_edgecolor()}
            arrow |= {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
            bend = {"connectionstyle": "angle,angleA=-90,angleB=0"} if way == "loss dZ2" else {}
            ax.annotate("", end.get_position(), start.get_position(), arrowprops=arrow | bend)

    yield "backward", draw


# What deeplearning.ai's exercise *Initialization* prints at steps 0, 1000, ..., 14000 from large
# weights (these digits differ between public copies of it) and from He's (these do not).
LARGE_PRINTED = [np.inf, 0.6242, 0.5979, 0.5636, 0.5501, 0.5443, 0.5374, 0.4696, 0.3977, 0.3934,
    0.3920, 0.3891, 0.3861, 0.3850, 0.3827]  # fmt: skip
HE_PRINTED = [0.8830537463419761, 0.6879825919728063, 0.6751286264523371, 0.6526117768893807,
    0.6082958970572937, 0.5304944491717495, 0.4138645817071793, 0.3117803464844441,
    0.23696215330322556, 0.18597287209206828, 0.15015556280371808, 0.12325079292273548,
    0.09917746546525937, 0.08457055954024274, 0.07357895962677366]  # fmt: skip


def initialization(seed=None, steps=15_000):
    """zero, equal, large and He's weights, in an exercise"""
    yield f"""Two circles, 300 points to learn from and 100 for the test; [10, 5] with ReLU, lr
    0.01, {steps:,} full-batch steps: deeplearning.ai's exercise Initialization, with its data and
    its seeds. The losses that it prints beside ours, from large weights and from He's, and to how
    many digits those agree:"""
    rows, y = datasets.make_circles(n_samples=300, noise=0.05, random_state=1)
    rows_test, y_test = datasets.make_circles(n_samples=100, noise=0.05, random_state=2)
    data = X, *_ = rows.T, rows_test.T, y, y_test
    he = exercise_params((2, 10, 5, 1), 3, lambda n_prev: np.sqrt(2 / n_prev))
    runs, printed = {}, {"all 0": (0.5, 0.5), "N(0, 10^2)": (0.83, 0.86), "He's": (0.9933, 0.96)}
    for name, start, n in (
        ("all 0", {key: np.zeros(P.shape) for key, P in he.items()}, steps // 10),
        ("all 0.5", {key: np.full(P.shape, 0.5) for key, P in he.items()}, steps // 10),
        ("N(0, 10^2)", exercise_params((2, 10, 5, 1), 3, lambda n_prev: 10), steps),
        ("He's", he, steps),
    ):
        runs[name] = train(start, X, y, lr=0.01, steps=n, activation="relu")
    (_, from_large), (_, from_he) = runs["N(0, 10^2)"], runs["He's"]
    for step, large, exact in zip(range(0, steps, 1000), LARGE_PRINTED, HE_PRINTED):
        yield {
            "step": step, "large: ours": from_large[step], "printed": large,
            "He's: ours": f"{from_he[step]:.16f}", "He's: printed": f"{exact:.16f}",
            "equal": int(-np.log10(max(abs(from_he[step] / exact - 1), 1e-16))),
        }  # fmt: skip
    yield """inf is minus the log of 0: from large weights the first outputs are 0 and 1 to the last
    digit. `train` takes the loss from Z, which is exact. Large weights also magnify rounding:
    copies of the exercise print 0.6237 to 0.6251 at step 1000. After training (from equal weights a
    tenth as long): how many units of each hidden layer differ, and ever give more than 0."""
    empty = dict.fromkeys(("loss", "AUC", "different", "alive"), "-")
    for name, (params, _) in runs.items():
        _, cache = forward(params, X, "relu")
        units = [np.hstack([params[f"W{l}"], params[f"b{l}"]]).round(6) for l in (1, 2)]
        different = ", ".join(str(len(np.unique(each, axis=0))) for each in units)
        alive = ", ".join(str((cache[A] > 0).any(axis=1).sum()) for A in ("A1", "A2"))
        row = {"start": name, **scores(data, params, "relu")}
        yield {**row, "different": different, "alive": alive}
        if name in printed:
            yield {"start": "  printed", **dict(zip(("train", "test"), printed[name])), **empty}
    yield """Equal units get equal gradients and stay equal, says article 2: 10 are worth one. From
    0 nothing moves at all: every product in the chain rule has a factor 0, and with classes of one
    size the mean of A - Y is 0, too. (Article 1 says that zeros break the symmetry.)"""

    def draw(fig):
        early, late = fig.subplots(1, 2, width_ratios=(2, 3), subplot_kw={"xlabel": "step"})
        for ax, shown in ((early, slice(0, 50)), (late, slice(50, None))):
            x = np.arange(10, steps, 20)[shown]
            ax.plot(x, from_large.reshape(-1, 20).mean(axis=1)[shown], label="N(0, 10$^2$)")
            ax.plot(x, from_he.reshape(-1, 20).mean(axis=1)[shown], label="He's, N(0, 2/n_prev)")
            ax.axhline(np.log(2), color="black", linestyle=":", label="all 0")
        early.set(yscale="log", ylabel=LOSS, title="the first 1000 steps")
        x, y = 2 * list(range(1000, 15_000, 1000)), LARGE_PRINTED[1:] + HE_PRINTED[1:]
        late.plot(x, y, "o", color="black", mfc="none", label="printed by the exercise")
        late.set(ylim=(0, 0.75), title="the other 14,000")
        fig.suptitle("10 and 5 hidden units, three starts (means of 20 steps)")
        fig.legend(*late.get_legend_handles_labels(), loc="outside lower center", ncols=2)

    yield "initialization", draw


def vanishing(seed=0, steps=500):
    """article 1's last paragraph: deep sigmoids do not learn"""
    yield """Article 1's data, 10 hidden layers of 16 units; weights of spread sqrt(1/n) (xavier) or
    sqrt(2/n) (he) from n inputs. The norm of dW at each layer before the first step:"""
    data = X, _, y, _ = article1_data()
    layers, norms, networks = range(1, 12), {}, []
    for activation, scale in (("sigmoid", "xavier"), ("relu", "he")):
        start, name = init_params((10, *[16] * 10, 1), seed, scale=scale), f"{activation}, {scale}"
        grads = backprop.loss_and_grads(start, X, y[None], activation)[1]
        norms[name] = [np.linalg.norm(grads[f"W{l}"]) for l in layers]
        params, losses = train(start, X, y, lr=0.1, steps=steps, activation=activation)
        networks.append({"network": name, "start": losses[0], **scores(data, params, activation)})
    for l in reversed(layers):
        yield {"layer": l, **{name: norm[l - 1] for name, norm in norms.items()}}
    yield from networks
    by_sigmoid, by_relu = ((norm[0] / norm[-1]) ** (1 / 10) for norm in norms.values())
    yield f"""On its way back the gradient is multiplied by {by_sigmoid:.2f} a layer, on average,
    with sigmoid, whose derivative is 1/4 at most, and by {by_relu:.2f} with ReLU, whose derivative
    is 0 or 1. The losses are those after {steps} steps at lr 0.1; a coin's is log 2 = 0.693."""

    def draw(fig):
        ax = fig.add_subplot(xlabel="layer (1: at the input)", ylabel="norm of dW at the start")
        ax.semilogy(layers, np.transpose(list(norms.values())), marker="o", label=list(norms))
        ax.set(xticks=layers, title="The gradient on its way back through 10 hidden layers")
        ax.legend(loc="lower right")

    yield "vanishing", draw


def article2(seed=0, steps=2000):
    """its logistic regression, stuck and settled; its [8, 3]"""
    yield f"4000 samples x 20 features, 1000 more for test and AUC; {steps} full-batch steps."
    data = X, X_test, y, y_test = article2_data()
    said = {"model": "article 2: no hidden layer", "lr": 1.0, "loss": "-"}
    yield {**said, "train": 0.719, "test": 0.717, "AUC": 0.7866}
    start = init_params((20, 1), seed, scale=0.1)
    stuck, stuck_losses = train(start, X, y, lr=1.0, steps=steps)
    yield {"model": "logistic regression", "lr": 1.0, **scores(data, stuck)}
    other, _ = train(stuck, X, y, lr=1.0, steps=1)
    yield {"model": "  one step later", "lr": 1.0, **scores(data, other)}
    settled, _ = train(start, X, y, lr=0.1, steps=steps)
    yield {"model": "logistic regression", "lr": 0.1, **scores(data, settled)}
    model = LogisticRegression(C=np.inf, max_iter=1000).fit(X.T, y)
    sklearn = {"W1": model.coef_, "b1": model.intercept_[:, None]}
    yield {"model": "scikit-learn, no penalty", "lr": "-", **scores(data, sklearn)}
    yield {**said, "model": "article 2: [8, 3]", "train": 0.95, "test": 0.91, "AUC": 0.96}
    network, _ = train(init_params((20, 8, 3, 1), seed, scale=0.1), X, y, lr=1.0, steps=steps)
    yield {"model": "[8, 3]", "lr": 1.0, **scores(data, network)}

    # The curvature is the largest eigenvalue of the Hessian, the matrix of second derivatives.
    X1, A = np.vstack([X, np.ones(y.size)]), predict_proba(settled, X)
    c = np.linalg.eigvalsh(X1 * (A * (1 - A)) @ X1.T / y.size)[-1]
    low, high = sorted(stuck_losses[-2:])
    yield f"""72 % is not all that a linear model can do. This loss has a curvature of {c:.2f} at
    its minimum, and gradient descent settles there only if lr < 2 / {c:.2f} = {2 / c:.2f}. At lr
    1.0 it ends in a cycle of two, losses {low:.3f} and {high:.3f}, and the accuracy depends on
    where one stops. At lr 0.1 it arrives where scikit-learn does; [8, 3] is not linear."""

    def draw(fig):
        ax = fig.add_subplot(xlabel="false positive rate", ylabel="true positive rate")
        curves = {"[8, 3], lr 1.0": network, "no hidden layer, lr 0.1": settled}
        for name, params in (curves | {"no hidden layer, lr 1.0": stuck}).items():
            p = predict_proba(params, X_test)[0]
            label = f"{name}: AUC {roc_auc_score(y_test, p):.3f}"
            ax.plot(*roc_curve(y_test, p)[:2], label=label)
        ax.plot([0, 1], [0, 1], "-", color="0.6", lw=1)
        ax.set_title("ROC curves on article 2's test set")
        ax.legend(loc="lower right")

    yield "article2-roc", draw


def capacity(seed=0, steps=2000, totals=(2, 4, 8, 10, 15), starts=5):
    """article 2's last figure, AUC by hidden nodes; an elbow?"""
    yield f"""The test AUC of networks trained as in article 2, hidden nodes shared out evenly among
    the layers. In three layers the start matters: of {starts} each, the lowest and the highest."""
    X, X_test, y, y_test = article2_data()
    # float32 takes half the time of float64, and moves these AUCs by less than another seed does.
    X, aucs = X.astype(np.float32), {1: {}, 2: {}, 3: {}}
    for n in totals:
        for k in (1, 2, 3)[: n // 2]:  # layers, of two nodes or more
            hidden, aucs[k][n] = [n // k + (i < n % k) for i in range(k)], []
            for s in range(seed, seed + (starts if k == 3 else 1)):
                params = init_params((20, *hidden, 1), s, scale=0.1, dtype=np.float32)
                params, _ = train(params, X, y, lr=1.0, steps=steps)
                aucs[k][n].append(roc_auc_score(y_test, predict_proba(params, X_test)[0]))
        (one, *_), (two, *_), three = (aucs[k].get(n, "-") for k in aucs)
        row = {"nodes": n, "1 layer": one, "2 layers": two}
        yield {**row, "3 layers: lowest": min(three), "highest": max(three)}
    best = {k: max(auc.values())[0] for k, auc in aucs.items()}
    one, two = (min(n for n in aucs[k] if aucs[k][n][0] > best[k] - 0.03) for k in (1, 2))
    widest = max(aucs[3], key=lambda n: np.ptp(aucs[3][n]))
    yield f"""The AUC comes within 0.03 of its best at {one} nodes in one layer and at {two} in two.
    In three it hangs on the start: with {widest} nodes it goes from {min(aucs[3][widest]):.2f} to
    {max(aucs[3][widest]):.2f}. The article has an elbow around 10 nodes, in layers not told."""

    def draw(fig):
        for ax, (k, auc) in zip(fig.subplots(1, 3, sharey=True), aucs.items()):
            for n, each in auc.items():
                ax.plot([n] * len(each), each, "o", color=BLUE, mfc="none")
            ax.axvline(10, color=RED, lw=1, linestyle="--")
            title = f"{k} hidden layer{'s' * (k > 1)}"
            ax.set(title=title, xlabel="nodes, all layers", xlim=(0, 17), xticks=totals)
        fig.axes[0].set_ylabel("AUC on the test set")
        fig.suptitle("Each dot is a network; dashed: the article's elbow")

    yield "capacity", draw


# ==== Beyond the articles, and what is not in the tour ============================================


def planar(seed=None, steps=10_000):
    """another exercise: a flower and four tanh units"""
    yield """deeplearning.ai's exercise Planar data: 4 hidden units with tanh, lr 1.2, its data and
    its seeds. The losses that it prints beside ours:"""
    rng, petals, y = np.random.RandomState(1), [], np.repeat([0, 1], 200)
    for j in (0, 1):
        t = np.linspace(3.12 * j, 3.12 * (j + 1), 200) + 0.2 * rng.randn(200)
        r = 4 * np.sin(4 * t) + 0.2 * rng.randn(200)
        petals.append([r * np.sin(t), r * np.cos(t)])
    X, start = np.hstack(petals), exercise_params((2, 4, 1), 2, lambda n_prev: 0.01)
    params, losses = train(start, X, y, lr=1.2, steps=steps, activation="tanh")
    printed = (0.693048, 0.288083, 0.254385, 0.233864, 0.226792, 0.222644, 0.219731, 0.217504)
    for k, loss in enumerate(losses[:8000:1000]):
        yield {"step": 1000 * k, "ours": f"{loss:.6f}", "printed": f"{printed[k]:.6f}"}
    right = np.mean(predict(params, X, activation="tanh") == y)
    yield f"After {steps:,} steps {right:.2%} of the 400 points are right (exercise: 90 %)."


def trouble(seed=0, steps=1000):
    """not in the tour: what it looks like if something is wrong"""
    yield f"""Is a handwritten digit odd? [16], full batch, lr 0.5, {steps} steps, if the row says
    nothing else. The loss at some steps; the test digits, and the odd ones (1s), that are right:"""
    X, digit = datasets.load_digits(return_X_y=True)
    digits = X, X_test, y, y_test = split(X, digit % 2, scaled=True, random_state=0)

    def tried(what, data=digits, hidden=(16,), lr=0.5, scale="xavier", g="sigmoid", **predicted):
        X, X_test, y, y_test = data
        start = init_params((len(X), *hidden, 1), seed, scale=scale)
        params, losses = train(start, X, y, lr=lr, steps=steps, activation=g)
        right = predict(params, X_test, **{"activation": g, **predicted})[0] == y_test
        row = {"what": what} | {f"at {k}": losses[min(k, steps - 1)] for k in (0, 1, 100)}
        return row | {"last": losses[-1], "test": right.mean(), "1s": right[y_test == 1].mean()}

    relu = {"g": "relu", "scale": "he"}
    yield tried("nothing is wrong")
    yield tried("lr 0.001", lr=0.001)
    yield tried("lr 100", lr=100.0)
    cancer = datasets.load_breast_cancer(return_X_y=True)
    raw, scaled = (split(*cancer, scaled, random_state=0) for scaled in (False, True))
    yield tried("breast cancer, [8], not scaled", raw, [8])
    yield tried("... scaled", scaled, [8])
    yield tried("... but not the test rows", (scaled[0], *raw[1:]), [8])
    yield tried("ReLU, predicted with ReLU", **relu)
    yield tried("... with sigmoid", **relu, activation="sigmoid")
    shuffled = np.random.default_rng(seed).permutation(y)
    yield tried("y shuffled, X not", (X, X_test, shuffled, y_test))
    wrong, wrong_test = (each.T.reshape(64, -1) for each in (X, X_test))
    yield tried("rows.reshape(64, -1)", (wrong, wrong_test, y, y_test))
    yield tried("all weights 0", scale=0)
    yield tried("10 layers of sigmoid", hidden=[16] * 10)
    yield tried("10 layers of ReLU, lr 0.1", hidden=[16] * 10, lr=0.1, g="relu")
    yield tried("... from He's weights", hidden=[16] * 10, lr=0.1, **relu)
    yield tried("2 layers of ReLU, lr 5", hidden=[16] * 2, lr=5.0, **relu)
    few, few_test = ((each == 0) | (np.cumsum(each) % 10 == 0) for each in (y, y_test))
    rare = X[:, few], X_test[:, few_test], y[few], y_test[few_test]
    yield tried("a tenth of the 1s", rare)
    yield tried("... threshold: their share", rare, threshold=rare[2].mean())
    try:
        tried("", lr=10.0, **relu)
    except FloatingPointError as error:
        yield f"ReLU at lr 10 ends in a FloatingPointError: {error}."
    options = {"lr": 2.0, "steps": steps, "callback": lambda step, loss, params: loss < 0.3}
    X, y = [[0, 0, 1, 1], [0, 1, 0, 1]], [0, 1, 1, 0]
    for activation, n in (("sigmoid", 2), ("tanh", 2), ("relu", 2), ("sigmoid", 4)):
        starts = [init_params((2, n, 1), seed + k) for k in range(30)]
        ends = [train(start, X, y, **options, activation=activation)[1][-1] for start in starts]
        stand = [end for end in ends if end > 0.3]
        row = {"XOR": f"{n} hidden units, {activation}", "of 30 stand": len(stand)}
        yield row | {"lowest": min(stand, default="-"), "highest": max(stand, default="-")}


def plain_steps(params, X, Y, steps):
    """Return params after article 1's formulas as one writes them down, with no checks, lr 0.5."""
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


def benchmark(seed=0, repeats=7, effort=1.0, m=1_000_000):
    """not in the tour: `train`, a plain step and scikit-learn"""
    yield f"""numpy {np.__version__}, one BLAS thread; medians of {repeats} runs, in turns. us: a
    full-batch step of `train`, in microseconds. In multiples of that: plain, the articles' formulas
    in a dozen lines that check nothing; MLP, scikit-learn's MLPClassifier. All start from equal
    weights; apart: how far theirs end from those of `train`, at most."""

    def fitted(model):
        with warnings.catch_warnings():  # about max_iter
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X.T, y)
        params = {f"W{l}": W.T.copy() for l, W in enumerate(model.coefs_, start=1)}
        return params | {f"b{l}": b[:, None] for l, b in enumerate(model.intercepts_, start=1)}

    many = [np.tile(each, m // 4000) for each in article2_data()]
    for name, (X, _, y, _), hidden, steps in (
        ("article 1, [8, 4]", article1_data(), (8, 4), 1000),
        ("article 2, [8, 3]", article2_data(), (8, 3), 200),
        ("32 of article 1, [8, 4]", [each[..., :32] for each in article1_data()], (8, 4), 1000),
        (f"{m:,} of article 2, [8, 3]", many, (8, 3), 2),
    ):
        Y, steps = y[None], max(2, round(steps * effort))
        model = MLPClassifier(
            hidden, activation="logistic", solver="sgd", alpha=0, momentum=0, tol=0, max_iter=1,
            nesterovs_momentum=False, learning_rate_init=0.5, batch_size=y.size, shuffle=False,
            n_iter_no_change=10**9, warm_start=True, random_state=seed,
        )  # fmt: skip
        start = fitted(model)  # after one step; before it there are no weights
        model.set_params(max_iter=steps)
        works = [
            lambda: train(start, X, y, lr=0.5, steps=steps)[0],
            lambda: plain_steps(start, X, Y, steps),
            lambda: fitted(copy.deepcopy(model)),
        ]
        times = np.array([[timeit(work, number=1) for work in works] for _ in range(repeats)])
        plain, mlp = np.median(times[:, 1:] / times[:, :1], axis=0)
        us = round(1e6 * np.median(times[:, 0]) / steps)
        mine, *others = (work() for work in works)
        apart = max(abs(other[key] - mine[key]).max() for other in others for key in mine)
        yield {"data": name, "us": us, "plain": plain, "MLP": mlp, "apart": apart}


# ==== The command =================================================================================


def save(path, draw):
    """Save what draw(fig) paints, 800 pixels wide: a PNG, or of frames a GIF."""
    import matplotlib
    from matplotlib.animation import PillowWriter
    from matplotlib.figure import Figure  # without pyplot a Figure opens no window

    with matplotlib.rc_context(STYLE):
        fig = Figure(figsize=(800 / 120, 500 / 120), layout="constrained")
        frames = draw(fig)
        if frames is None:
            return fig.savefig(f"{path}.png")
        movie = PillowWriter(fps=8)
        with movie.saving(fig, f"{path}.gif", fig.dpi):
            for _ in frames:
                movie.grab_frame()


def show(item, columns):
    """Print a sentence, or a row, below its columns' names if they are new; return the columns."""
    if isinstance(item, str):
        print("\n" * bool(columns) + textwrap.fill(" ".join(item.split()), 79), flush=True)
        return None
    cells = {}
    for name, value in item.items():
        if not isinstance(value, str):
            usual = "," if isinstance(value, int) else ".1e" if 0 < abs(value) < 0.001 else ",.3f"
            value = format(value, FORMATS.get(name, usual))
        cells[name] = value
    if columns is None or set(columns) != set(cells):
        columns = {name: f">{max(len(name), len(cell), 7)}" for name, cell in cells.items()}
        first, *rest = columns
        left = min(32, 79 - sum(1 + int(columns[name][1:]) for name in rest))
        columns[first] = f"<{left}" if isinstance(item[first], str) else ">9"
        print("\n" + " ".join(f"{name:{column}}" for name, column in columns.items()))
    print(*(f"{cells[name]:{column}}" for name, column in columns.items()), flush=True)
    return columns


def run(name, seed, folder):
    """Print what a part finds and how long it took; save its pictures if there is a folder."""
    items, began, columns = PARTS[name](seed=seed), time.perf_counter(), None
    title = f"{name}: {PARTS[name].__doc__}"
    print(f"\n{title}\n{'-' * len(title)}", flush=True)
    while True:
        clock = threading.Timer(3, print, ["(at work)"], {"end": "\r", "file": sys.stderr})
        if sys.stderr.isatty():  # 3 s without a row
            clock.start()
        item = next(items, None)
        clock.cancel()
        if sys.stderr.isatty():
            print(" " * 9, end="\r", file=sys.stderr)
        if item is None:
            break
        if not isinstance(item, tuple):
            columns = show(item, columns)
        elif folder is not None:
            save(os.path.join(folder, item[0]), item[1])
            print(f"saved {item[0]} in {folder}", flush=True)
    print(f"({time.perf_counter() - began:.1f} s)", flush=True)


TOUR = learning, article1, gradient_check, initialization, vanishing, article2, capacity, planar
PARTS = {part.__name__.replace("_", "-"): part for part in (*TOUR, trouble, benchmark)}


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
    for name in set(args.parts) - set(PARTS):
        parser.error(f"argument PART: {name!r} is none: choose from {', '.join(PARTS)}")
    if not 0 <= args.seed < 2**32:
        parser.error(f"argument --seed: {args.seed} is not between 0 and 2**32 - 1")
    if args.figures is not None:
        try:
            import matplotlib  # noqa: F401

            os.makedirs(args.figures, exist_ok=True)
            tempfile.TemporaryFile(dir=args.figures).close()
        except (ImportError, OSError) as error:
            sys.exit(f"demo.py: --figures needs matplotlib and a folder to write to: {error}")
    # Matrices this small gain nothing from a second BLAS thread, but can wait long for one.
    threadpool_limits(1, "blas")
    for name in args.parts or list(PARTS)[: len(TOUR)]:
        run(name, args.seed, args.figures)
    if not args.parts:
        more = """Next: `python demo.py trouble`, if the loss does not fall; for a file of your own,
        `python -m grading mine.py` says what is right and wrong."""
        show(more, columns=True)


if __name__ == "__main__":
    main()
