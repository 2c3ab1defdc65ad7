# grading/recipe.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The lines that have a network judged by check_gradients, read from its code, which is not run."""

import ast
import re
from importlib.util import find_spec

from grading.conventions import ALL_KNOWN, bare
from grading.words import listed, wrapped

FORWARD = "forw fwd feed propa proba query run think activate comput calc __ca predict reco eval"
STEP = "train|fit$|learn|back|bp|grad|step|epoch|study|optimi|update|sgd|desc?ent|apply|adjust"
HELPER = "sigm|relu|tanh|softmax|linear|deriv|prime|layer|step|loss|descent|check|test|make|plot"
Y = r"(?!\w*(hat|pred|grad|err))(y\w*|t|\w*(label|target|output|answer|expect|teacher)\w*)|outdata"
VALUES = {"1": r"\w*(epochs?|iter(ation)?s?|steps)", "5": r"\w*batchsize", "0.1": r"lr|\w*rate|eta"}
DRAWS = r"(randn?|random|randint|normal|uniform|choice|sample|_?init\w*)\(|// 10\b"  # 1 step fails
LEFT = r"dot\({0}, |{0}(\.dot\(| @ )".format(r"\b(\w+\.)*_*(w|W|theta|syn)\w*(\[[^\]]*\])*(\.T)?")
ONE = r"for [^\n]*\b(\w+)\b[^\n]* in (?!.*batch)([^\n]*\n){{1,4}}?[^\n]*\b{}\((\w+\[)?\1\b\]?[,)]"


def recipe(source):
    """Return at most 12 lines of at most 79 columns: what was met, and how to have it judged."""
    nodes, path = [node for node, *_ in source.statements], source.path
    code, near = "\n".join(["", *map(ast.unparse, nodes)]), {p.stem for p in path.parent.iterdir()}
    nets = [of_class(n, code) for n in nodes if isinstance(n, ast.ClassDef)]
    rest = [n for top in nodes if not isinstance(top, ast.ClassDef) for n in ast.walk(top)]
    nets += [of_loop(source, n) for n in rest if isinstance(n, (ast.For, ast.While))]
    count, _, met, block = max([net for net in nets if net], default=(0, 0, "", []))
    beside = "class" in met and path.suffix == ".py" and path.stem.isidentifier()
    lost = {t for t in re.findall(r"\n(?:import|from) ([^_.]\w*)", code) if not find_spec(t)} - near
    how = f"It imports {listed(sorted(lost))}, not found here. " if lost else ""
    how += f"Put this {'in check.py beside it' if beside else 'at its end'} and fill it in:"
    head = [f"from {path.stem} import *"] * beside + ["import numpy as np"] * (" as np" not in code)
    head += ["from grading import check_gradients"]
    lines = [*head, *block, "check_gradients(net, predict, step, X, Y)"]
    lines = "\n".join([wrapped("", how, 0, 2), *(wrapped("    ", line, 12, 3) for line in lines)])
    met = wrapped("", f"{path.name}: {met}", 2, max(1, 11 - lines.count("\n")))
    return f"{met}\n{lines}".split("\n")[-12:] if count > 1 else []


def call(function, target, left=("X", "Y")):
    """Return the text of a call that makes one step."""
    texts, left, a = [], [*left], function.args
    for k, name in enumerate(x.arg for x in a.args[1:] + a.kwonlyargs):
        value = next((v for v, of in VALUES.items() if re.fullmatch(of, bare(name))), "")
        left = left[1:] if re.fullmatch(Y, bare(name)) and left[:1] == ["X"] else left
        if (need := k < len(a.args) - 1 - len(a.defaults)) or value in ("1", "5"):
            texts.append(value or (left.pop(0) if left else name) if need else f"{name}={value}")
    return f"{target}({', '.join(texts)})".replace(".__call__", "")


def of_class(node, text):
    """Return how large a class is that predicts and takes steps, its name, what was met, lines."""
    defs = [*ast.parse("def __init__(self): 0").body, *node.body]
    methods = {f.name: f for f in defs if isinstance(f, ast.FunctionDef)}
    calls = {m: call(f, f"net.{m}") for m, f in methods.items()}
    code = {m: ast.unparse(f.body) for m, f in methods.items()}
    steps = [m for m in methods if re.search(STEP, m.lower())]
    fits = [m for m in methods if m not in steps and "Y" not in calls[m]]
    fits = [m for part in FORWARD.split() for m in fits if part in m.lower()]
    fits = [] if re.search("(layer|dense|conv|flatten|unit|neuron)$", node.name.lower()) else fits
    if not fits or not any(re.search(r"Y|\b(?<!0\.)1\b|\.[^gus]\w*\(\)", calls[m]) for m in steps):
        return None
    forward = max(fits, key=lambda m: "X" in calls[m])
    good, ask = [m for m in steps if not re.search(DRAWS, code[m])] or steps, calls[forward]
    whole = [m for m in good if re.search(rf"^\w*train|\.{forward}\(", f"{m} {code[m]}")]
    best = max(good, key=lambda m: ("Y" in calls[m], not re.search("(?i)back|grad", m), m in whole))
    more = [m for m in good if re.search("upd|appl|opt|desc|step$", m) and "X" not in calls[m]]
    more = [m for m in more if m != best and f"self.{m}(" not in code[best]]
    parts = [calls[m] for m in [forward] * (best not in whole) + [best, *more]]
    if kept := "return " not in code[forward] and re.findall(r"self.(\w+).* = ", code[forward]):
        ask = f"({ask} or np.copy(net.{kept[-1]}))"
    ask += "[-1]" * bool(re.search(r"(?ms)\b(\w+)\.append\(.*return \1$", code[forward]))
    one = re.search(ONE.format(forward), text)  # sample at a time
    rows = one or not re.search(LEFT, code[forward]) or re.search("ndmin|, None", code[forward])
    y = "np.eye(outputs)[[0, 1, 0, 1, 1]]" if "softmax" in text else "np.random.rand(5, outputs)"
    data = f"np.random.randn(5, inputs), {y}" if rows else f"np.random.randn(inputs, 5), {y}.T"
    net = call(methods["__init__"], node.name, [] if re.search("[XY]", calls[best]) else ["X", "Y"])
    ask = f"np.array([{ask} for X in X])" if one else ask
    lines = [f"X, Y = {data}", f"net = {net}", f"def predict(X): return {ask}"]
    each = " for X, Y in zip(X, Y)" if one and not re.search("zip|range", code[best]) else ""
    step = f"[({', '.join(parts)}){each}]" if each or len(str(parts)) > 75 else "; ".join(parts)
    lines += ["def step(X, Y):  # exactly one update, nothing at random", f"    {step}"]
    shown = [f"{m}({ast.unparse(methods[m].args)})" for m in dict.fromkeys([forward, *steps])]
    met = f"a class, {node.name}: {'  '.join(shown)}".replace("self, ", "").replace("(self)", "()")
    return 1000 + len(ast.unparse(node)), node.name, met, lines


def of_loop(source, loop):
    """Return how many names a loop makes of themselves, its line, what was met, and lines."""
    code = re.findall(r"(?m)^ *\(?([\w, ]+)(?:[.\[][^=\n]*)? ([-+]?)= (.*)", ast.unparse(loop))
    code = [(n, sign, right) for left, sign, right in code for n in left.split(", ")]
    own = r"{0}\b\S* [-+]|\w*(upd|opt|step|train|adam|sgd)\w*\(.*\b{0}\b"
    anew = {n for n, sign, right in code if not sign and not re.match(own.format(n), right)}
    names = [*dict.fromkeys(n for n, _, right in code if n not in anew and right != "1")]
    first, last = source.places[loop.body[0].lineno - 1], source.places[loop.end_lineno - 1]
    where, every = f"{first} to {last.split()[-1]}".replace("line", "lines"), ", ".join(names)
    lines = [f"net = lambda: [{every}]", f"def predict(X): ...  # {where}, and return the outputs"]
    lines += ["def step(X, Y):  # exactly one update, nothing at random", f"    ...  # {where}"]
    lines[-1:-1] = [f"    global {', '.join(names[k : k + 4])}" for k in range(0, len(names), 4)]
    met = f"a loop that changes {every}; X and Y stand for its data"
    return len(names) + bool(re.search(r"dot\(| @ ", str(code))), -loop.lineno, met, lines


def may_be(source, task):
    """Return what of a file's functions may do a task under a name that is not known."""
    hints = {"backward": "back|bp|grad", "forward": "^(?!.*back).*(forw|fwd|feed|prop|pred)"}[task]
    fits = [n for n, *_ in source.statements if isinstance(n, ast.FunctionDef) and n.args.args[1:]]
    fits = [f for f in fits if re.search(hints, f.name.lower()) and not re.search(HELPER, f.name)]
    return [f"{f.name}({ast.unparse(f.args)})" for f in fits if bare(f.name) not in ALL_KNOWN][:2]
