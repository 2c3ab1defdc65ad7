# grading/test_verdicts.py, of backprop.py. SPDX-License-Identifier: MIT-0
import functools
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

from grading.answers import outcomes_of, plain_values
from grading.command import status_of
from grading.conventions import TASKS
from grading.mistakes import CATALOGUE, edited, table_of
from grading.networks import ACTIVATIONS, PLAIN, TEXT, networks, plain
from grading.reading import load
from grading.steps import step_of
from grading.verdicts import subject_of, verdict

COURSE = {  # the plain functions as a course has them: names, order of arguments, dW1
    "init_params(sizes):": "initialize_parameters_deep(layer_dims):\n    sizes = layer_dims",
    "forward(params, X):": "L_model_forward(X, parameters):\n    params = parameters",
    "return A, cache": "return A, (params, cache)",
    "bce(A, Y):": "compute_cost(AL, Y):\n    A = AL",
    "backward(params, cache, Y):": "L_model_backward(AL, Y, caches):\n    params, cache = caches",
    "return grads": 'return {f"d{key}": G for key, G in grads.items()}',
    "update(params, grads, lr):": "update_parameters(parameters, grads, learning_rate):\n    "
    "params, lr, grads = parameters, learning_rate, {key[1:]: G for key, G in grads.items()}",
}


def in_course_style(text):
    text = text.split("\n\n\ndef train")[0]
    for old, new in COURSE.items():
        text = text.replace(old, new)
    return text


def verdicts_of(text, hidden="tanh", only=tuple(TASKS)):
    """The verdicts on a file of this text, and their words; what is not asked for is right."""
    subject, verdicts, words = subject_in(text, hidden), dict.fromkeys(TASKS, "right"), {}
    tried = functools.cache(functools.partial(outcomes_of, subject))
    step = functools.cache(functools.partial(step_of, subject))
    for task in only:
        verdicts[task], words[task], _ = verdict(subject, task, tried, step, verdicts)
    return verdicts, words


def subject_in(text, activation):
    """The subject that is a file of this text, whose g and dg are those of an activation."""
    names = {key: plain(activation)[key] for key in ("np", "sigmoid", "g", "dg", "dg_A", "D")}
    asking = subject_of(load(pathlib.Path("mine.py"), [("line", text)], names))
    while True:
        try:
            next(asking)
        except StopIteration as end:
            return end.value


@pytest.mark.parametrize("task, style", [*product(TASKS, ["article", "course"])][:-1])
def test_every_mistake_is_named(task, style):  # but those of train, which a course does not have
    another = {  # mistakes that may be another network, or a loss of another form
        "forward": "leaky|lacks its activation|classes",
        "bce": "over samples is missing",
    }
    for edits, name in CATALOGUE[task]:
        text, seen = PLAIN.replace(TEXT[task], edited(TEXT[task], edits)), 0
        for hidden in ACTIVATIONS if "g(" in edits[0][0] else ["tanh"]:
            found = verdicts_of(
                in_course_style(text) if style == "course" else text, hidden, [task]
            )
            word, words = (each[task] for each in found)
            if words.endswith("softmax, not sigmoid"):
                assert word == "right" and "follows cross-entropy" in words
                seen += 1
            elif word != "right":  # as the derivative of tanh is where forward has it
                other = style == "course" and re.search(another.get(task, "^$"), name)
                assert word == ("not judged" if other else "WRONG"), (edits, hidden, words)
                assert other or name in words, (edits, hidden, words)
                seen += 1
        assert seen, edits


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh"])
def test_the_plain_functions_agree_with_complex_steps(hidden):
    g = {"sigmoid": lambda Z: (1 + np.tanh(Z / 2)) / 2, "tanh": np.tanh}
    for net in networks("irregular", None):
        names = {**plain(hidden), "g": g[hidden]}
        exec(TEXT["forward"] + "\n\n\n" + TEXT["bce"], names)
        for key, G in plain_values(hidden, "backward", net["key"]).items():
            for i in np.ndindex(G.shape):
                moved = net["params"][key].astype(complex)
                moved[i] += 1e-30j
                A, _ = names["forward"]({**net["params"], key: moved}, net["X"])
                assert abs(names["bce"](A, net["Y"]).imag / 1e-30 - G[i]) < 1e-14


BEYOND = r"""
init_params
params = {} -> params = {}\n    if max(sizes) > 9:\n        raise ValueError | right
return params\n\n\ndef f -> params\n\n\ndef f | WRONG returns nothing
(1, len -> (0, len | WRONG has W0, which is too many
init_params(sizes): -> init_params(X, Y):\n    sizes = len(X), 3, len(Y) | not judged: also takes X
init_params(sizes): -> init_params(features, n_y):\n    sizes = features, n_y
    | L, A, -> assert len(params) == 2; L, A, | right for 0 hidden layers
return params\n\n\ndef f -> return (*params.values(),)\n\n\ndef f | not judged: expected a dict

forward
def forward( -> def deco(f):\n    return lambda *a, **k: f(*a, **k)\n@deco\ndef forward( | right
def forward( -> def deco(f):\n    return lambda *a, **k: f(*a, **k)\n@deco\ndef forward(
    | A + b -> A - b | WRONG the bias is subtracted
return A, cache -> cache["me"], cache["D"] = cache, X * np.nan; return A, cache | right
len(params) // 2, X -> 2, X | WRONG right with 1 hidden layer, not with 2 and 3
g(Z) if -> np.sin(Z) if | WRONG A is not what the formulas give
def forward( -> T = []\nT.append(1)\n\n\ndef forward( | A + b -> A + b * T[0] | right
def forward( -> T = {}\n\n\ndef forward( | A + b -> A + b * T["one"] | not judged: may not have run
L, A, -> if X.shape[0] > 2: raise ValueError\n    L, A, | not judged: right where
W @ A + b -> A @ W.T + b.T | not judged: samples are in rows, and W1 is (n1, n0)
W, b = params[f"W{l}"], params[f"b{l}"] -> w, b, c = list(params)[l] | W @ A -> w @ A
    | not judged: it may take other things
return A, cache -> return A | WRONG an array of shape (1, 2), expected (A, cache)
return A, -> return A[0], | WRONG A of shape (2,), expected (1, 2)
A + b -> A + b * np.random.randn() | WRONG different results for the same input
A + b -> np.asscalar(A) + b | not judged: NumPy has removed that
A + b -> np.asarry(A) + b | WRONG no attribute 'asarry'

bce
np.log(A) -> np.log(A + 1e-7) | right agrees to 5 digits
np.log(A) -> np.log(A + 1e-4) | WRONG agrees to 2 digits only
sum(losses) / m -> mean(losses) | np.log( -> np.log2( | WRONG log2 in place
bce(A, Y): -> bce(A: missing, Y): | right
return np.sum(losses) / m -> return np.squeeze(None) | WRONG returns nothing, expected one number
return np.sum(losses) / m -> return str(losses) | WRONG returns a str, expected one

backward
np.sum(dZ, axis=1, -> np.sum(dZ) / m if l == L else np.sum(dZ, axis=1, | right
return A, cache -> cache["s"] = 0 * A; return A, cache
    | dZ = A - Y -> cache["s"][:] = A - Y; dZ = 1 * cache["s"] | right
A = cache[f"A{L}"]\n    dZ = A - Y -> dZ = cache.pop(f"A{L}"); dZ -= Y | right
T / m -> T | axis=1 -> axis=0 | WRONG ; in dbL, dbL-1, dbL-2 and dbL-3: db sums over axis=0
A - Y -> Y - A | dg(Z_prev) -> 1 | WRONG Y - A in place of A - Y; and the
dg(Z_prev) -> dg(Z_prev) ** 2 | WRONG right in dW2 and db2; the mistake is in backward, or in
A - Y -> (A - Y) ** 3 | WRONG no gradient is right, nor are the last layer's
True) / m -> True).T / m | WRONG of shape (1
return grads -> return | WRONG returns nothing, expected a dict
cache, Y):\n -> cache, Y, old={}):\n | = dZ @ -> = old.get(l, 0) + dZ @
    | if l > 1 -> old[l] = grads[f"W{l}"]\n        if l > 1 | WRONG between calls

update
return grads -> return {**params, **{"d" + key: G for key, G in grads.items()}}
    | lr * grads[key] -> lr * grads["d" + key] | right
return {key: P -> for key in params: params[key] = params[key] | lr): -> lr, v=1, beta=0):
    | grads[key] for key, P in params.items()} -> v * grads[key]\n    return params | right
return {key -> {key | WRONG it returns the params as they were
P - lr * grads[key] -> str(P) | WRONG has a str as W1, expected an array

train
params, losses\n -> losses, params\n | WRONG returns (a list of 3, a dict), expected
= []\n -> = []; X, Y = X[:, :32], Y[:, :32]\n | WRONG all samples
Y, lr, steps) -> Y, alpha, steps) | not judged: expected train(params, X, Y
"""


def changed(edits):
    text = PLAIN
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize("task", TASKS)
def test_what_is_beyond_the_catalogue(task):
    for edits, expected in table_of(BEYOND)[task]:
        verdicts, words = verdicts_of(changed(edits))
        word, _, said = re.match(r"(not judged|\w+)(:? (.*))?", expected).groups(default="")
        assert verdicts[task] == word and said in words[task], (edits, words[task])
        assert {each for each in verdicts if verdicts[each] == "WRONG"} <= {task}, edits


# Edits of the plain functions, as a course has them: each file is right in its way.
OTHER_KINDS = r"""
right by the law
A - Y\n -> Y - A\n | P - lr -> P + lr | uphill, and back
T / m -> T | True) / m -> True) | return grads -> grads["m"] = m; return grads
    | lr * grads[key] -> lr / grads["m"] * grads[key] | summed gradients, divided in update
np.sum(losses) -> np.sum((A - Y) ** 2) | A - Y\n -> 2 * (A - Y) * A * (1 - A)\n | squared error
(losses) / m -> (losses) | T / m -> T | True) / m -> True) | sums over samples
sigmoid(Z) -> np.exp(Z) / np.exp(Z).sum(axis=0) |  + (1 - Y) * np.log(1 - A) ->  | softmax
g(Z) if -> np.where(Z > 0, Z, 0.1 * Z) if | dg(Z_prev) -> np.where(Z_prev > 0, 1, 0.1) | leaky ReLU
(n, n_prev) -> (n_prev, n) | W @ A -> W.T @ A | W.T @ dZ -> W @ dZ
    | dZ @ A_prev.T -> A_prev @ dZ.T | W transposed
np.zeros((n, 1)) -> np.zeros(n) | W @ A + b -> A @ W.T + b | W.T @ dZ -> dZ @ W
    | dZ @ A_prev.T -> dZ.T @ A_prev | axis=1, keepdims=True -> axis=0
    | , Y.shape[1], {} -> , len(Y), {} | samples in rows, W as in columns

not judged
len(params) // 2, Y -> 2, Y | a constant depth
backward(params, cache, Y): -> back_prop(AL, Y, caches, up):\n    params, cache = caches
    | A - Y\n -> (Y - A if up else A - Y)\n | a flag, which is guessed to be params
bce(A, Y): -> cost(T, Y):\n    A, Y = Y, T | np.sum(losses) -> -np.sum(T * np.log(A)) | likelihood
def update( -> V = {}\n\n\ndef update(
    | lr * grads[key] -> lr * (V.update({(key, P.shape): grads[key] + V.get((key, P.shape), 0)})
    or V[key, P.shape]) | momentum
"""


@pytest.mark.parametrize("edits, kind", table_of(OTHER_KINDS)["right by the law"])
def test_what_follows_a_known_loss_is_right(edits, kind):
    verdicts, words = verdicts_of(in_course_style(changed(edits)))
    assert {*verdicts.values()} <= {"right", "not there"}, words


@pytest.mark.parametrize("edits, kind", table_of(OTHER_KINDS)["not judged"])
def test_what_is_right_in_another_way_is_not_called_wrong(edits, kind):
    verdicts, words = verdicts_of(in_course_style(changed(edits)))
    assert "WRONG" not in verdicts.values(), words
    assert "not judged" in verdicts.values()


def test_backward_and_update_that_are_both_wrong_are_called_so():
    text = changed([("True) / m", "True)"), ("P - lr", "P + lr")])
    verdicts, _ = verdicts_of(in_course_style(text))
    assert verdicts["backward"] == verdicts["update"] == "WRONG"


IN_ROWS = """
import numpy as np
from missing import plot
def init_weights(n_in, n_hidden, n_out):
    return {"W1": np.random.randn(n_in, n_hidden) * 0.1, "b1": np.zeros(n_hidden),
            "W2": np.random.randn(n_hidden, n_out) * 0.1, "b2": np.zeros(n_out)}
TABLE = {}
def register(f): TABLE[f.__name__] = f
@register
def tanh(z): return np.tanh(z)
def forward_prop(X, params):
    a1 = TABLE["tanh"](X @ params["W1"] + params["b1"])
    a2 = 1 / (1 + np.exp(-(a1 @ params["W2"] + params["b2"])))
    return a2, (a1, a2)
def binary_cross_entropy(y_true, y_pred):
    return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
def backprop(params, cache, X, y):
    a1, a2 = cache
    d2 = (a2 - y) / len(y)
    d1 = d2 @ params["W2"].T * (1 - a1**2)
    return {"dW2": a1.T @ d2, "db2": d2.sum(axis=0), "dW1": X.T @ d1, "db1": d1.sum(axis=0)}
def update_weights(params, grads, lr):
    for key in params: params[key] -= lr * grads["d" + key]
while True: pass
"""
HEAD = "import numpy as np, os, time\n\ndef sigmoid(Z):\n    return 1 / (1 + np.exp(-Z))\n\n"
RIGHT = f"{HEAD}g, dg = sigmoid, lambda Z: sigmoid(Z) * (1 - sigmoid(Z))\n{PLAIN}"
WRONG = RIGHT.replace("A_prev.T / m", "A_prev.T / (m if l == L else 1)")
REPORT = """\
mine.py, hidden layers: sigmoid

init_params   right     weights of spread 1/sqrt(n_prev), as in article 1
forward       right
bce           right     nan where A is exactly 0 or 1: clip A
backward      WRONG     wrong in dW1, right in dW2, db2 and db1: the 1/m of the
                        mean is missing
  W1 = [[1]]  b1 = [[0.5]]  W2 = [[1]]  b2 = [[0.25]]  X = [[1, 1]]
  Y = [[0, 1]]
  dW1: yours [[0.0728]], right [[0.0364]]
update        right
train         not judged: backward is wrong
"""
CELLS = f"%pylab\nfrom course_utils import relu\n{HEAD}files = !ls\nprint(7\n% 2)", "!pip"
CELLS += f"g, dg = relu, None\n{in_course_style(PLAIN)}", "params = train("
BOOK = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in CELLS]
BOOK = json.dumps({"cells": [{"cell_type": "markdown", "source": ["# Homework"]}, *BOOK]})


def command(folder, texts, *options):
    """Run a copy of this folder, which stands alone in a folder, on files of these texts."""
    copied = folder / "grading"
    if not copied.exists():
        shutil.copytree(pathlib.Path(__file__).parent, copied)
    for name, text in {"random.py": "raise SystemError", **texts}.items():
        (folder / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8"}
    line = [sys.executable, "-m", "grading", *options, *texts]
    return subprocess.Popen(line, cwd=folder, env=environment, **pipes)


def test_the_command_prints_a_report_or_why_not(tmp_path):
    process = command(tmp_path, {"mine.py": WRONG})
    assert (*process.communicate(), process.returncode) == (REPORT, "", 1)
    process = command(tmp_path, {"mine.py": "class Net: pass"})
    out, err = process.communicate()
    assert re.fullmatch(r"mine.py: has none of init_params, .* no network that is met\n", err)
    assert (out, process.returncode) == ("", 2)


@pytest.mark.skipif(os.name == "nt", reason="there send_signal sends no Ctrl-C")
def test_the_command_ends_on_ctrl_c(tmp_path):
    stubborn = "    while True:\n        try: time.sleep(1)\n        except: pass\n    return {key"
    with command(tmp_path, {"mine.py": WRONG.replace("    return {key", stubborn)}) as process:
        # What is known is there already. (backward is wrong, unless update mends it.)
        next(line for line in process.stdout if line.startswith("bce"))
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 130


def test_a_class_is_graded_whatever_its_files_do(tmp_path):
    start = "    m = Y.shape[1]\n    losses"  # of bce
    ends = "time.sleep(1e6)", "os.abort()", "os._exit(0)"
    crash = "exits with 3" if os.name == "nt" else "crashes: SIGABRT"
    loops, crashes, exits = (RIGHT.replace(start, f"    {end}\n{start}") for end in ends)
    prints = RIGHT.replace("losses = []", 'losses = []; print("✓ \\udcff")')
    without_bce = "right,right,not judged,right,right,not judged"
    rows = '"backprop(params, cache, X, y)","update_weights(params, grads, lr)",,'
    rows += '"hidden layers: tanh, samples in rows, networks of 1 hidden layer only"'
    book = "it needs g, and cell 1, line 2 fails: ModuleNotFoundError"
    files = {  # a file's text, its verdicts, and what else stands in its row
        "loops.py": (loops, without_bce, ",not done after 20 s,"),
        "crashes.py": (crashes, without_bce, f",{crash},"),
        "exits.py": (exits, "right,right,WRONG,right,right,not judged", "calls exit()"),
        "prints.py": (prints, "right,right,right,right,right,right", ""),
        "rows.py": (IN_ROWS, "right,right,right,right,right,not there", rows),
        "book.ipynb": (BOOK, "right,not judged,right,not judged,right,not there", book),
        "other.py": ("import nothing", ",,,,,", "has none of init_params"),
    }
    texts = {name: text for name, (text, *_) in files.items()}
    process = command(tmp_path, texts, "--csv", "--seconds", "20")
    out, err = process.communicate()
    head, *rows = out.splitlines()
    assert head.split(",") == ["file", *TASKS, *(f"why {task}" for task in TASKS), "remark"]
    assert (process.returncode, err) == (1, "")
    for (name, (_, verdicts, words)), row in zip(files.items(), rows, strict=True):
        assert row.startswith(f"{name},{verdicts},") and words in row, row


def test_a_class_is_a_line_each(tmp_path):
    texts = {"mine.py": WRONG, "right.py": RIGHT, "syntax.py": "def f(:", "broken.ipynb": "{"}
    process = command(tmp_path, texts)
    out, err = process.communicate()
    head, mine, right, syntax, broken = out.splitlines()
    assert head.split() == [*TASKS] and right.split() == ["right.py", *["right"] * 6]
    assert "right       WRONG       right       not judged  backward: wrong in dW1, right" in mine
    assert "syntax.py     line 1 fails: SyntaxError: " in syntax and "JSONDecodeError" in broken
    assert (process.returncode, err) == (1, "")
    ends = {"right": 0, "WRONG": 1, "not judged": 3, "not done": 3, "not there": 0}
    assert [status_of({"bce": (word, "")}) for word in ends] == [*ends.values()]
    assert status_of({"forward": ("not there", "also has forward_propagate(X)")}) == 3
