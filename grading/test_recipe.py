# grading/test_recipe.py, of backprop.py. SPDX-License-Identifier: MIT-0
import pathlib
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.reading import load
from grading.recipe import may_be, recipe

NET = """import numpy as np
class Net:
    def __init__(self, n, k): self.W = np.random.randn(n, k)
    def forward(self, X): self.X, self.A = X, X @ self.W; return self.A
"""
FORMS = {  # of a linear network that learns at a rate of 0.1
    "whole": f"""{NET}    def train(self, X, y, eta, n_iter=100):
        for _ in range(n_iter): self.W -= eta * X.T @ (self.forward(X) - y)""",
    "split": f"""{NET}    def update_weights(self, rate): self.W -= rate * self.dW
    def backward(self, labels): self.dW = self.X.T @ (self.A - labels)""",
    "columns": NET.replace("(n, k)", "(k, n)").replace("X @ self.W", "np.dot(self.W, X)")
    + "    def fit(self, X, Y): self.W -= 0.1 * np.dot(self.forward(X) - Y, X.T)",
    "one by one": NET
    + """    def learn(self, x, y): self.W -= 0.1 * np.outer(x, self.forward(x) - y)
    def forward(self, x): return [x @ w for w in self.W.T]
    def test(self, data, targets):
        for x, y in zip(data, targets): print(self.forward(x) - y)""",
    "keeps its data": """import numpy as np
class Net:
    def __init__(self, x, y): self.x, self.y, self.W = x, y, np.ones((x.shape[1], y.shape[1]))
    def forward(self): self.out = self.x @ self.W
    def backprop(self): self.W -= 0.1 * self.x.T @ (self.out - self.y)""",
}
OTHERS = [  # classes that are no network, though they have some of its methods
    "class Dense:\n    def forward(self, X): 0\n    def backward(self, d, lr): self.W -= lr * d",
    "class Loss:\n    def forward(self, A, Y): 0\n    def backward(self, A, Y): return A - Y",
]
SMALL = "class Small:\n    def predict(self, X): 0\n    def fit(self, X, Y): 0"
LOOP = "from dnn_utils import *\nfrom recipe import *\nfor i in range(9):\n    a = np.dot(x, w)\n"
LOOP += "    w = w - 0.1 * np.dot(x.T, a - y)\n    b -= 0.1 * (a - y).sum()"
HERE = pathlib.Path(__file__).parent


def lines_of(text, path=HERE / "mine.py"):
    lines = recipe(load(path, [("line", text)], {}))
    assert len(lines) <= 12 and max(map(len, lines), default=0) <= 79
    return lines


@pytest.mark.parametrize("form", FORMS)
def test_the_lines_give_the_outputs_and_take_one_step(form):
    block = [line[4:] for line in lines_of(FORMS[form]) if re.match("    (?!from)", line)]
    names = dict(check_gradients=lambda *args: args, inputs=3, outputs=2, n=3, k=2)
    exec("\n".join([FORMS[form], *block[:-1]]), names)
    net, predict, step, *data = eval(block[-1], names)
    X, Y, W = (P.T.copy() if form == "columns" else P.copy() for P in (*data, net.W))
    A, _ = predict(data[0]), predict(2 * data[0])  # a step goes by its own
    assert np.allclose(A.T if form == "columns" else A, X @ W, 0, 1e-12)
    step(*data)
    for some in np.split(np.arange(5), 5) if form == "one by one" else [slice(None)]:
        W -= 0.1 * X[some].T @ (X[some] @ W - Y[some])
    assert np.allclose(net.W.T if form == "columns" else net.W, W, 0, 1e-12)


@given(st.permutations([FORMS["split"], SMALL, *OTHERS]), st.text("abc", max_size=40))
def test_the_network_is_met_whatever_its_name_and_the_order_of_classes(texts, name):
    lines = lines_of("\n".join(texts).replace("Net", f"Net{name}"))
    assert lines == lines_of(FORMS["split"].replace("Net", f"Net{name}"))
    assert " ".join(lines[:2]).startswith(f"mine.py: a class, Net{name}: ")


@pytest.mark.parametrize("text", ["", "x = 1\nfor i in range(9):\n    x += i", *OTHERS])
def test_where_there_is_no_network_nothing_is_said(text):
    assert lines_of(text) == []


def test_a_loop_is_met_by_its_arrays_and_lines_and_a_missing_sibling_by_its_name():
    said = "\n".join(lines_of(LOOP))
    assert "It imports dnn_utils, not found here. " in said and "dict(w=w, b=b)\n" in said
    assert "    global w, b\n" in said and "    w = w - 0.1 * np.dot(" in said


def test_functions_under_unknown_names_may_do_a_task_and_helpers_may_not():
    names = ["forward", "forward_step", "forward_propagate", "sigmoid_backward", "back_propagate"]
    text = "".join(f"def {name}(p, X):\n    return X\n" for name in names)
    source = load(HERE / "mine.py", [("line", text)], {})
    assert may_be(source, "forward") == ["forward_propagate(p, X)"]
    assert may_be(source, "backward") == ["back_propagate(p, X)"]
