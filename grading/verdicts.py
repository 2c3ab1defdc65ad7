# grading/verdicts.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""From a Source to the verdicts: right, WRONG, not judged, not done or not there, and why."""

import ast
import contextlib
import functools
import math
import re

import numpy as np

from grading.answers import Style, Subject, ask, call, outcome_of, outcomes_of, turned
from grading.cells import Unreadable
from grading.conventions import ALL_KNOWN, KNOWN, TASKS, bare
from grading.diagnosis import explained, recognised, remarks
from grading.doubts import Failure, doubt, reads_outside, right_by_the_law
from grading.finding import depth_of, functions_of
from grading.networks import ACTIVATIONS, net_of, networks
from grading.reading import read, run
from grading.recipe import may_be, recipe
from grading.steps import step_of, takes_its_own, turns_taken
from grading.words import folded, listed, numbers, plural

HAS_NONE = f"has none of {', '.join(TASKS)} under a name that is known, and no network that is met"


def judged(source, skipped=()):
    """Yield ("at", task) before it is asked, ("head", style), and (task, word, words, lines).

    Where forward or backward is not one of these, ("recipe", lines) has what check_gradients needs.
    skipped: {task: why it is not judged}. Unreadable: a file with none of the six and no network.
    """
    subject = yield from subject_of(source, skipped)
    met = [task for task, of in subject.functions.items() if not of.why]
    lines = [] if {"forward", "backward", *skipped} <= {*met} else recipe(source)
    if not met and lines:
        yield "recipe", lines
        return
    lost = {why for name, why in source.failed.items() if bare(name) in ALL_KNOWN}
    if not subject.functions and not skipped and ("SyntaxError" in "".join(lost) or not lost):
        raise Unreadable(next(iter([*lost, *source.failed.values()]), HAS_NONE))
    (rows, activation, known, depth, *_), verdicts = subject.style, {}
    head = [f"hidden layers: {activation}"] if known and depth != 0 else []
    head += ["samples in rows"] if rows else []
    head += [] if depth is None else [f"networks of {plural(depth, 'hidden layer')} only"]
    yield "head", ", ".join(head)
    tried = functools.cache(functools.partial(outcomes_of, subject))
    step = functools.cache(functools.partial(step_of, subject))
    for task in TASKS:
        yield "at", task
        if task != "train" and fails(subject, task, tried):
            yield "at", "update"  # the last that step asks, and which has not been asked before
            step()
            yield "at", task
        try:
            found = verdict(subject, task, tried, step, verdicts)
        except BaseException as error:  # a cache, say, that cannot be copied
            found = "not judged", f"the grading stumbles: {type(error).__name__}: {error}", []
        found = ("not judged", skipped[task], []) if task in skipped else found
        verdicts[task] = found[0]
        yield task, *found
    if lines:
        yield "recipe", lines


def graded(path):
    """Return {task: (verdict, words, lines)} of a file, in this process."""
    return {what: found for what, *found in judged(read(path)) if what in TASKS}


# ---- The conventions of a file -------------------------------------------------------------------


def subject_of(source, skipped=()):
    """Yield ("at", task) before a function is asked; return the Subject, with its Style."""
    functions = {task: of for task, of in functions_of(source).items() if task not in skipped}
    style = Style(None, "sigmoid", False, depth_of(functions), False, "")
    subject = Subject(source, functions, style)
    yield "at", "init_params"
    if "init_params" in functions and not functions["init_params"].why:
        subject = with_rows(subject)
    yield "at", "forward"
    if "forward" in functions and not functions["forward"].why:
        subject = with_activation(subject)
    return subject


def styled(subject, **known):
    return subject._replace(style=subject.style._replace(**known))


def with_rows(subject):
    """Find out from init_params whether a file has samples in rows, or params of its own kind."""
    net = networks("irregular", subject.functions["init_params"].depth)[0]
    (n0, n1, *_), answer = net["sizes"], ask(subject, "init_params", net)
    if not (values := answer.values):
        nothing = answer.error or re.match("returns (nothing|an empty)", answer.complaint)
        return styled(subject, unmet="" if nothing else f"init_params {answer.complaint}")
    carries = len(call(subject, "init_params", net)) > len(values)
    W, b = (values[key].shape if key in values else "" for key in ("W1", "b1"))
    rows = W == (n0, n1) and b in ((1, n1), (n1,))
    subject = styled(subject, rows=rows, carries=carries)
    usual = (W, b) == ((n1, n0), (n1, 1)) and len(values) == 2 * len(net["sizes"]) - 2
    if rows or usual or not takes_its_own(subject):
        return subject
    made = f"W1 of shape {W} and b1 of {b}" if W and b else f"{listed(values)} alone"
    return styled(subject, unmet=f"init_params makes {made}, and forward takes that")


def with_activation(subject, asserts=True):
    """Find the activation of hidden layers; where init_params has not told it, rows as well."""
    rows, apart = subject.style.rows, {}
    for some_rows in (False, True) if rows is None else (rows,):
        for activation in ACTIVATIONS:
            tried = styled(subject, rows=some_rows, activation=activation)
            outcomes = outcomes_of(tried, "forward", "irregular")
            if not any(each.wrong for each in outcomes):
                return styled(tried, known=True)
            if asserts and any(type(each.answer.error) is AssertionError for each in outcomes):
                return subject._replace(style=with_activation(bare_of(subject), False).style)
            apart[tried.style] = sum(min(1, each.apart) for each in outcomes)
    nearest = subject._replace(style=min(apart, key=apart.get))
    if turns_taken(nearest) == {np.transpose}:
        return styled(nearest, rows=False, unmet="samples are in rows, and W1 is (n1, n0)")
    _, activation = recognised(nearest, "forward", functools.partial(outcomes_of, nearest))
    return styled(nearest, activation=activation or nearest.style.activation)


def bare_of(subject):
    """Return the same subject, without the assert statements of its file."""
    source = run(subject.source, asserts=False)
    functions = {task: of for task, of in functions_of(source).items() if task in subject.functions}
    return subject._replace(source=source, functions=functions)


# ---- The verdicts --------------------------------------------------------------------------------


def smallest_wrong(tried, task):
    outcomes = tried(task, "small") + tried(task, "irregular")
    return next((each for each in outcomes if each.wrong), None)


def fails(subject, task, tried):
    there = task in subject.functions and not subject.functions[task].why
    with contextlib.suppress(Exception):  # and again in verdict
        return there and smallest_wrong(tried, task)


def verdict(subject, task, tried, step, verdicts):
    """Return (verdict, words, lines that show a net), given {task: verdict} of those before it.

    tried(task, kind): Outcomes; step(): the Step of the subject, or None.
    """
    source, functions, _ = subject
    others = may_be(source, task) if task in ("forward", "backward") else []
    also = f"also has {listed(others)}: as {task} it would be judged" if others else ""
    if task not in functions:
        lost = sorted(name for name in source.failed if bare(name) in KNOWN[task])
        classes = [node for node, *_ in source.statements if isinstance(node, ast.ClassDef)]
        if task == "backward" and not others and classes:
            also = f"also has the class {classes[-1].name}, which check_gradients can judge"
        return ("not judged", source.failed[lost[0]], []) if lost else ("not there", also, [])
    function = functions[task]
    if fails(subject, task, tried) and is_template(source, function):
        return "not done", "", []
    if also and not own_defs(source, function.name):  # a notebook about another, which it imports
        return "not judged", f"{function.name} is imported; {also}", []
    if why := function.why or depends(task, verdicts):
        return "not judged", why, []
    word, words, lines = verdict_of(subject, task, tried, step)
    roles = ", ".join(str(role) for _, role, _ in function.arguments)
    taken = f"{function.name}({', '.join(name for name, *_ in function.arguments)})"
    taken += f", taken as {task}({roles})" if function.guessed else ""
    return word, "; ".join(filter(None, [taken * (not function.own), words])), lines


def own_defs(source, name):
    defs = (node for node, *_ in source.statements if isinstance(node, ast.FunctionDef))
    return [node for node in defs if node.name == name]


def is_template(source, function):
    """Is it still to be written: `...`, nothing where code should be, or names that are None?"""
    empty = r"\.\.\.|pass|raise NotImplementedError.*|[rbuf]*(['\"]).*\1"
    blank = r"(?i)#.*\bcode\b.*\bhere\b.*\n(\s*(#(?!.*\bend).*)?\n)*\s*#.*\bend"
    for node in own_defs(source, function.name):
        text = "\n".join(source.lines[node.lineno - 1 : node.end_lineno])
        lines, given = [ast.unparse(each) for each in node.body], ast.unparse(node)
        none = re.findall(r"(?m)^ *(\w+) [-+]?= None$", given)
        lost = [name for name in none if len(re.findall(rf"\b{name}\b.* [-+]?= ", given)) == 1]
        written = not all(re.fullmatch(empty, line, re.S) for line in lines)
        return not written or bool(lost or re.search(blank, text))
    return False


def depends(task, verdicts):
    """Return in words what a task stands on that is not right, or ""."""
    if task == "backward" and verdicts["forward"] != "right":
        return f"forward is {verdicts['forward'].lower()}"
    for word in ("WRONG", "not judged", "not done") if task == "train" else ():
        theirs = [each for each in verdicts if verdicts[each] == word and each != "init_params"]
        if theirs:  # the mistake may be theirs
            return f"{listed(theirs)} {'are' if theirs[1:] else 'is'} {word.lower()}"
    return ""


def verdict_of(subject, task, tried, step, asserts=True):
    smallest = smallest_wrong(tried, task)
    if smallest is None:
        return "right", "; ".join(remarks(subject, task, tried)), []
    if isinstance(smallest.answer.error, NotImplementedError):
        return "not done", smallest.answer.complaint, []
    for _, complaint, error in (each.answer for each in tried(task, "irregular")):
        if isinstance(error, AssertionError) and asserts:
            without = bare_of(subject)
            tried = functools.cache(functools.partial(outcomes_of, without))
            found = verdict_of(without, task, tried, step, asserts=False)
            why = f"{complaint}; without that assert it is right"
            return ("not judged", why, []) if found[0] == "right" else found
    for steps in (10, 20, 100) if task == "train" else ():
        nets = networks("irregular", subject.style.depth)
        longer = [net_of(*net["key"][:3], steps) for net in nets]
        if not any(outcome_of(subject, task, net).wrong for net in longer):
            error = smallest.answer.error
            came = f"raises {type(error).__name__}" if error else "may end early"
            return "right", f"with {steps} steps; with fewer it {came}", []
    failure = Failure(subject, task, tried, step, smallest, "")
    if task not in ("forward", "bce") and (law := right_by_the_law(failure)):
        return "right", law, []
    words, mistake = explained(subject, task, tried, smallest)
    failure = failure._replace(mistake=mistake)
    if law := right_by_the_law(failure):
        return "right", law, []
    if why := doubt(failure):
        return "not judged", why, []
    outside = reads_outside(failure)
    words += f"; it reads {outside}, which is not what it is given" if outside else ""
    return "WRONG", words, shown(subject, task, smallest)


def shown(subject, task, smallest):
    """Return the lines that show a net, and what the file makes of it beside what is right."""
    net, right, wrong, _, (yours, *_) = smallest
    items, d, rows = {}, "d" if task == "backward" else "", subject.style.rows
    for role in TASKS[task][0].replace("cache", "X").split():
        named = net[role] if isinstance(net[role], dict) else {role: net[role]}
        items |= {f"d{key}" if role == "grads" else key: P for key, P in named.items()}
    lines = folded(f"{name} = {numbers(turned(P, rows))}" for name, P in items.items())
    keys = [key for key in wrong if yours is None or key in yours]
    if keys and task != "init_params":
        P, Q = (turned(of[keys[0]], rows) for of in (right, yours or right))
        apart = abs(Q - P).max() if Q.shape == P.shape and np.isfinite(Q).all() else 0
        places = min(16, max(4, 1 - math.floor(math.log10(apart)))) if apart else 4
        came = f"yours {numbers(Q, places)}, " if yours else ""
        lines[3:] = ["  ..."] if lines[3:] else []
        lines += folded([f"{d}{keys[0]}: {came}right {numbers(P, places)}"])[:1]
    return lines
