# grading/finding.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""Which function of a Source does which task, and what its arguments are for."""

import inspect
import pathlib
import re
import sys
from collections import namedtuple

from grading.conventions import ALSO, KNOWN, NEVER_GUESSED, ROLES, TASKS, bare, rank_of, role_of
from grading.reading import words_in
from grading.words import short

# How a file does a task: the function and its name; a list of (argument, role, by keyword); which
# (argument, role) are guessed; whether all is article 1's own; for how many hidden layers it is
# made (None: any); and why it cannot be called, or "".
Function = namedtuple("Function", "call name arguments guessed own depth why")


def functions_of(source):
    """Return {task: Function}: article 1's own name first, then the first that is understood."""
    functions = {}
    for task, known in KNOWN.items():
        names = [name for name in source.names if bare(name) in known and is_own(source, name)]
        names.sort(key=lambda name: (name != task, known.index(bare(name)), name))
        bound = [bind(source, task, name) for name in names]
        if bound:
            functions[task] = next((each for each in bound if not each.why), bound[0])
    return functions


def depth_of(functions):
    """Return the number of hidden layers for which a file is made, or None: any."""
    depths = {task: each.depth for task, each in functions.items() if each.depth is not None}
    passes = [depths[task] for task in ("forward", "backward", "update") if task in depths]
    return max(passes, default=0 if depths.get("init_params") == 0 else None)


def is_own(source, name):
    """Is this a function of the file's own, or of another file in its folder?"""
    function = source.names[name]
    module = sys.modules.get(getattr(function, "__module__", None))
    above = [*pathlib.Path(getattr(module, "__file__", None) or "/").parents]
    installed = pathlib.Path(sys.prefix) in above  # also where .venv stands beside the file
    own = not source.folders or any(folder in above for folder in source.folders) and not installed
    return own and callable(function) and not inspect.isclass(function)


def bind(source, task, name):
    """Return the Function that a file has for a task under this name."""
    function, expected, why = source.names[name], TASKS[task][0].split(), ""
    signature, allowed = inspect.signature(function), [*expected, *ALSO.get(task, ()), "off", "on"]
    parameters = signature.parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in named if p.default is p.empty]
    roles, depth = {}, made_for(source, name)
    for p in named:
        role = role_of(p.name, allowed)  # the first that says it has it
        roles[p.name] = role if role in ("off", "on") or role not in roles.values() else None
    missing = [role for role in expected if role not in roles.values()]
    units = [p for p in required if task == "init_params" and rank_of(p) is not None]
    if 1 < len(units) == len(required) and {*map(rank_of, units)} != {0, 1}:  # not one sequence
        roles |= {p: k for k, p in enumerate(sorted(units, key=rank_of))}
        depth, missing = len(units) - 2, []
    unknown = [p for p in required if roles[p] is None]
    telling = [p for p in unknown if role_of(p, ROLES) or re.fullmatch(NEVER_GUESSED, bare(p))]
    guessed = [] if telling or len(unknown) != len(missing) else [*zip(unknown, missing)]
    if guessed:
        roles |= guessed
    elif parameters and not named:  # a decorator's *args: article 1's order is tried
        roles = {role: role for role in expected}
        guessed = [*roles.items()]
    elif unknown:
        why = f"it also takes {(telling or unknown)[0]}, which is not understood"
    elif missing and (task != "backward" or "Y" in missing):
        why = f"it takes no {missing[0]}"
    positional = [p.name for p in named if p.kind != p.KEYWORD_ONLY and p.default is p.empty]
    by_keyword = {p.name for p in named} - {*positional}  # what is not given may stand before it
    arguments = [(p, role, p in by_keyword) for p, role in roles.items() if role is not None]
    in_order = [role for _, role, _ in arguments if role not in ("off", "on")] == expected
    own = name == task and in_order and not guessed
    stops = any(re.search("batch|tol|patience", p.name) and p.default for p in named)
    if task == "train" and (stops or not (own and {"lr", "steps"} <= roles.keys())):
        why = why or "its arguments are not article 1's"
    if why:
        why += f": it is {name}{short(str(signature), 60)}, expected {task}({', '.join(expected)})"
    return Function(function, name, arguments, guessed, own, depth, why)


def made_for(source, name):
    """How many hidden layers a function spells out, with W2 and the like; None: any number."""
    words = words_in(source, name)
    layers = max((int(word[-1]) for word in words if re.fullmatch(r"d?W[1-9]", word)), default=1)
    any_layer = any(re.match(r"d?W(?!\d)", word) for word in words)  # f"W{l}"
    return layers - 1 if layers > 1 or "W1" in words and not any_layer else None
