# grading/recipe.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The lines that have a network judged by check_gradients, with the names of its file filled in.

A network is a class with something like forward and a step that takes Y, or a loop that changes
arrays. Code is only read, as ast.unparse writes it; what it does not say is left to fill in.
"""

import ast
import importlib.util
import re
import textwrap

from grading.conventions import ALL_KNOWN, bare, role_of
from grading.words import listed, wrapped

FORWARD = "forw fwd feed prop proba query run think activat output comput calc infer call__ predict"
OTHER = "back|grad|loss|cost|err|deriv|prime|train|acc|plot|sigm|relu|tanh|init|set|test|layer|upd"
STEP = "train|fit|learn|back|bp|grad|step|epoch|study|optimi|update|sgd|desc?ent|apply|adjust"
Y = r"y\w*|t|\w*(label|target|output|answer|expect)\w*|outdata|d|z"
VALUES = {"1": r"\w*(epochs?|iter(ation)?s?|steps)", "5": r"\w*batchsize", "0.1": r"lr|\w*rate|eta"}
CHANGES = (
    r"(?m)^ *(\w+[.\[].*|[wb]\w*) [-+]= |^ *([\w.]+)(\[.*\])? = .*\2\b.* [-+] |\.(upd|step|back)"
)
DRAWS = r"(randn?|random|randint|normal|uniform|choice|sample|_?init\w*)\(|// 10\b"  # 1 step fails
LEFT = r"(\(|\b)(\w+\.)*_*(?:[wW]|theta|syn)[\w.]*(\[[^\]]*\])*(, |\.dot\(| @ )"  # as columns need
ONE = (
    r"for [^\n]*\b(\w+)\b[^\n]* in (?![^\n]*batch)([^\n]*\n){{1,4}}?[^\n]*\b{}\((\w+\[)?\1\b\]?[,)]"
)


def recipe(source):
    """Return at most 12 lines of at most 79 columns: what was met, and how to have it judged."""
    nodes, path = [node for node, *_ in source.statements], source.path
    name, met, block = of_class(nodes) or of_loop(source, nodes) or ("", "", [])
    text = "\n".join(map(ast.unparse, nodes))
    tops = {*re.findall(r"(?m)^ *(?:import|from) (\w+)", text)} - {
        p.stem for p in path.parent.iterdir()
    }
    lost = [top for top in sorted(tops) if not importlib.util.find_spec(top)]
    acts = any(isinstance(n, (ast.For, ast.While, ast.Expr)) for n in nodes[1:])
    beside = name and path.suffix == ".py" and path.stem.isidentifier() and not acts
    head = [f"from {path.stem} import {name}" + ", np" * (" as np" in text)] if beside else []
    how = f"It imports {listed(lost)}, which cannot be found. " if lost else ""
    how += f"Put this {'in check.py beside it' if beside else 'at its end'}, names and "
    how = wrapped("", how + "numbers (n inputs, k outputs) filled in:", 0, 2).split("\n")
    for line in ["from grading import check_gradients", *head, *block]:
        parts = textwrap.wrap(line, 77, initial_indent="    ", subsequent_indent=" " * 12)
        how += " \\\n".join(parts).split("\n")
    met = wrapped("", f"{path.name}: {met}", 2, max(1, 12 - len(how)))
    return [*met.split("\n"), *how] if block else []


def call(target, function):
    """Return the text of a call that makes one step."""
    texts, left, a = [], ["X", "Y", "A"], function.args
    for k, name in enumerate(x.arg for x in a.args[1:]):
        value = next((v for v, of in VALUES.items() if re.fullmatch(of, bare(name))), "")
        left = left[1:] if re.fullmatch(Y, bare(name)) and left[:1] == ["X"] else left
        if value in ("1", "5") or k < len(a.args) - 1 - len(a.defaults):
            texts.append(f"{name}={value}" if value else left.pop(0) if left else name)
    return f"{target}({', '.join(texts)})".replace(".__call__", "")


def of_class(nodes):
    """Return the name of the class that is the network, what was met, and lines."""
    nets = {}
    for n in (n for n in nodes if isinstance(n, ast.ClassDef)):
        methods = {f.name: f for f in n.body if isinstance(f, ast.FunctionDef)}
        calls = {m: call(f"net.{m}", f) for m, f in methods.items()}
        steps = [m for m in methods if re.search(STEP, m.lower())]
        fits = [m for m in methods if "Y" not in calls[m] and not re.search(OTHER, m.lower())]
        fits = [(k, m) for m in fits for k, part in enumerate(FORWARD.split()) if part in m.lower()]
        if fits and re.search("Y|=1", "".join(calls[m] for m in steps)):
            nets[len(ast.unparse(n)), n.name] = methods, calls, steps, min(fits)[1]
    if not nets:
        return None
    (methods, calls, steps, forward), name = nets[max(nets)], max(nets)[1]
    code, ask = {m: ast.unparse(f.body) for m, f in methods.items()}, calls[forward]
    good = [m for m in steps if not re.search(DRAWS, code[m])]
    fit = {
        m: ("Y" in calls[m], bool(re.search(CHANGES, code[m])), "=1" not in calls[m]) for m in good
    }
    best = max(good, key=fit.get, default="")
    kept = re.findall(r"self.(\w+)(\[.*\])? = ", code[forward])[-1:]
    if "return " not in code[forward] and kept:
        ask += f" or np.copy(net.{kept[0][0]}{'[-1]' * bool(kept[0][1])})"
    elif re.search(r"return \(|\.append\(", code[forward]):
        ask += "[-1]"
    parts = [m for m in good if re.search("upd|apply|step|desc?ent|opt", m) and "X" not in calls[m]]
    parts = [m for m in parts if best and m != best and f".{m}(" not in code[best]]
    parts = [calls[m] for m in [best, *parts] if m] or ["...  # one update"]
    if best and f".{forward}(" not in code[best]:
        parts = [f"A = {ask}" if "A)" in "".join(parts) else calls[forward], *parts]
    left, text = re.search(LEFT, code[forward]), "\n".join(code.values())
    one = any(re.search(ONE.format(m), text) for m in (forward, best))
    shape = "5, n, 1" if left and one else "n, 5" if left else "5, n"
    if one:
        ask, parts = (
            f"np.array([{ask} for X in X])",
            [f"[({', '.join(parts)}) for X, Y in zip(X, Y)]"],
        )
    y = f"np.random.rand({shape.replace('n', 'k')}).round()"
    a = methods["__init__"].args if "__init__" in methods else None
    built = [x.arg for x in a.args[1 : len(a.args) - len(a.defaults)]] if a else []
    built = call("", methods["__init__"])[1:-1] if built and "X" not in ask else ", ".join(built)
    shown = dict.fromkeys([*[*code][:1], forward, *steps])
    met = "  ".join(f"{m}({ast.unparse(methods[m].args)})" for m in shown).replace("self, ", "")
    lines = [f"X, Y = np.random.randn({shape}), {y}", f"net = {name}({built})"]
    lines += [f"def predict(X): return {ask}", f"def step(X, Y): {'; '.join(parts)}"]
    return name, f"a class, {name}: {met}", [*lines, "check_gradients(net, predict, step, X, Y)"]


def changed(loop):
    """Return the names that a loop makes of themselves and that other lines of it read."""
    code, left = ast.unparse(loop), r"(?m)^ *(?:[\w, ]*, )?{0}\b(?:, [\w, ]*)?"
    words = dict.fromkeys(re.findall(r"[A-Za-z_]\w*", code))
    again = rf"{left}(?:[.\[].*)? (?:[-+]= (?!1$)|= .*\b{{0}}\b)"
    words = [w for w in words if re.search(again.format(w), code)]
    words = [w for w in words if not re.search(rf"{left} = (?!.*\b{{0}}\b)".format(w), code)]
    return [w for w in words if re.search(rf"(?m)^ *(?!{w}\b)[^=\n]*[^-+=\n]= .*\b{w}\b", code)]


def of_loop(source, nodes):
    """Return the same of the loop that changes most names."""
    loops = [n for top in nodes if not isinstance(top, ast.ClassDef) for n in ast.walk(top)]
    loops = [n for n in loops if isinstance(n, (ast.For, ast.While)) and changed(n)]
    loop = max(loops, key=lambda n: (len(changed(n)), -n.lineno), default=None)
    if not loop:
        return None
    first, last = source.places[loop.body[0].lineno - 1], source.places[loop.end_lineno - 1]
    where, names = (
        f"{first} to {last.split()[-1]}".replace("line", "lines"),
        ", ".join(changed(loop)),
    )
    lines = [f"net = lambda: [{names}]", "def predict(X):"]
    lines += [f"    ...  # {where}, as far as the outputs", "    return OUTPUTS", "def step(X, Y):"]
    lines += [f"    global {names}", f"    ...  # {where}, once"]
    return (
        "",
        f"a loop, {where}, that changes {names}",
        [*lines, "check_gradients(net, predict, step, X, Y)"],
    )


def may_be(source, task):
    """Return what of a file's functions may do a task under a name that is not known."""
    hints = {"backward": "back|bp|grad|delta", "forward": "forw|fwd|feed|prop|predict|infer|output"}
    found = []
    for node, *_ in source.statements:
        fits = isinstance(node, ast.FunctionDef) and bare(node.name) not in ALL_KNOWN
        roles = [role_of(x.arg, ["Y", "X"]) for x in node.args.args] if fits else []
        if (
            len(roles) > 1
            and re.search(hints[task], node.name.lower())
            and ("Y" in roles) == (task == "backward")
        ):
            found.append(f"{node.name}({ast.unparse(node.args)})")
    return found[:2]
