# grading/verdicts.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The verdicts: right, WRONG, not judged or not there, each in words, and what shows it."""

import ast
import functools
import math
import re

import numpy as np

from grading.answers import outcome_of, outcomes_of, turned
from grading.conventions import KNOWN, TASKS, bare
from grading.diagnosis import explained, remarks
from grading.doubts import Failure, doubt, right_by_the_law
from grading.networks import net_of, networks
from grading.styles import without_asserts
from grading.words import folded, listed, numbers


def verdict(subject, task, tried, step, verdicts):
    """Return (verdict, words, lines that show a net), given {task: verdict} of those before it.

    tried(task, kind): Outcomes; step(): the Step of the subject, or None.
    """
    source, functions, _ = subject
    if task not in functions:
        return not_there(source, task)
    if is_template(source, functions[task]):
        return "not done", "", []
    if functions[task].why:
        return "not judged", functions[task].why, []
    if why := depends(task, verdicts):
        return "not judged", why, []
    word, words, lines = verdict_of(subject, task, tried, step)
    return word, "; ".join(filter(None, [taken_as(task, functions[task]), words])), lines


def not_there(source, task):
    lost = [name for name in source.wanted & {*source.failed} if bare(name) in KNOWN[task]]
    lost += [name for name in source.failed if bare(name) in KNOWN[task]]
    return ("not judged", source.failed[lost[0]], []) if lost else ("not there", "", [])


def depends(task, verdicts):
    """Return in words what a task stands on that is not right, or ""."""
    if task == "backward" and verdicts["forward"] != "right":
        return f"forward is {verdicts['forward'].lower()}"
    for word in ("WRONG", "not judged", "not done") if task == "train" else ():
        theirs = [each for each in verdicts if verdicts[each] == word and each != "init_params"]
        if theirs:  # the mistake may be theirs
            return f"{listed(theirs)} {'are' if theirs[1:] else 'is'} {word.lower()}"
    return ""


def taken_as(task, function):
    """Return in words what was taken for a task, where that is not article 1's."""
    if function.own:
        return ""
    roles = ", ".join(str(role) for _, role, _ in function.arguments)
    said = f"{function.name}({', '.join(argument for argument, *_ in function.arguments)})"
    return said + (f", taken as {task}({roles})" if function.guessed else "")


def is_template(source, function):
    """Does nothing stand in it but a docstring, `...`, `pass` or raise NotImplementedError?"""
    for node, *_ in source.statements:
        if isinstance(node, ast.FunctionDef) and node.name == function.name:
            lines = [ast.unparse(each) for each in node.body]
            empty = r"\.\.\.|pass|raise NotImplementedError.*|([rbuf]*['\"]).*\1"
            return all(re.fullmatch(empty, line, re.S) for line in lines)
    return False


def smallest_wrong(tried, task):
    outcomes = tried(task, "small") + tried(task, "irregular")
    return next((each for each in outcomes if each.wrong), None)


def verdict_of(subject, task, tried, step, asserts=True):
    smallest = smallest_wrong(tried, task)
    if smallest is None:
        return "right", "; ".join(remarks(subject, task, tried)), []
    if isinstance(smallest.answer.error, NotImplementedError):
        return "not done", smallest.answer.complaint, []
    for _, complaint, error in (each.answer for each in tried(task, "irregular")):
        if isinstance(error, AssertionError) and asserts:
            return judged_without_asserts(without_asserts(subject), task, step, complaint)
    if task == "train" and (words := right_with_more_steps(subject, smallest)):
        return "right", words, []
    words, mistake = explained(subject, task, tried, smallest)
    failure = Failure(subject, task, tried, step, smallest, mistake)
    if for_another := right_by_the_law(failure):
        return "right", for_another, []
    if why := doubt(failure):
        return "not judged", why, []
    return "WRONG", words, shown(subject, task, smallest)


def judged_without_asserts(subject, task, step, complaint):
    """Return the verdict on a file without its asserts; not judged, if it is right without."""
    tried = functools.cache(functools.partial(outcomes_of, subject))
    word, words, lines = verdict_of(subject, task, tried, step, asserts=False)
    if word != "right":
        return word, words, lines
    return "not judged", f"{complaint}; without that assert it is right", []


def right_with_more_steps(subject, smallest):
    """Return a remark where train is right but for what few steps do to it, or ""."""
    for steps in (10, 20, 100):
        nets = networks("irregular", subject.style.depth)
        longer = [net_of(*net["key"][:3], steps) for net in nets]
        if not any(outcome_of(subject, "train", net).wrong for net in longer):
            error = smallest.answer.error
            came = f"raises {type(error).__name__}" if error else "may end early"
            return f"with {steps} steps; with fewer it {came}"
    return ""


# ---- What shows it -------------------------------------------------------------------------------


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
        said = f"{d}{keys[0]}: {came}right {numbers(P, places)}"
        lines[3:] = ["  ..."] if lines[3:] else []
        lines += folded([said])[:1]
    return lines
