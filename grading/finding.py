# grading/finding.py of backprop.py. SPDX-License-Identifier: MIT-0
import ast
import inspect
import pathlib
import re
import sys
import types

from grading.conventions import (
    ALL_KNOWN,
    ALSO,
    KNOWN,
    NEVER_GUESSED,
    ROLES,
    SIX,
    Taken,
    bare,
    rank,
    role_of,
)
from grading.reading import (
    LATER,
    Unreadable,
    cells_of,
    lines_of,
    names_in,
    needed,
    new_file,
    parsed,
    wanted_in,
)
from grading.words import short


def bind(file, six, name):
    """Return the Taken of one of the six that the file calls `name`."""
    function, expected, why = file.names[name], SIX[six][0].split(), ""
    signature, allowed = inspect.signature(function), [*expected, *ALSO.get(six, ()), "off", "on"]
    parameters = signature.parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    required = [p.name for p in named if p.default is p.empty]
    roles, hidden = {}, made_for(file, name)
    for p in named:
        role = role_of(p.name, allowed)  # the first that says it has it
        roles[p.name] = role if role in ("off", "on") or role not in roles.values() else None
    missing = [role for role in expected if role not in roles.values()]
    units = [p for p in required if six == "init_params" and rank(p) is not None]
    if 1 < len(units) == len(required) and {*map(rank, units)} != {0, 1}:  # not one sequence
        roles |= {p: k for k, p in enumerate(sorted(units, key=rank))}
        hidden, missing = len(units) - 2, []
    unknown = [p for p in required if roles[p] is None]
    telling = [p for p in unknown if role_of(p, ROLES) or re.fullmatch(NEVER_GUESSED, bare(p))]
    guessed = bool(missing) and len(unknown) == len(missing) and not telling
    if guessed:
        roles |= zip(unknown, missing)
    elif parameters and not named:  # a decorator's *args: article 1's order is tried
        roles, guessed = {role: role for role in expected}, True
    elif unknown:
        why = f"it also takes {(telling or unknown)[0]}, which is not understood"
    elif missing and (six != "backward" or "Y" in missing):
        why = f"it takes no {missing[0]}"
    by_keyword = [p.name for p in named if p.kind == p.KEYWORD_ONLY]
    if None in roles.values():  # what is not given may stand before what is
        by_keyword += {*roles} - {*required}
    arguments = [(p, role, p in by_keyword) for p, role in roles.items() if role is not None]
    in_order = [role for _, role, _ in arguments if role not in ("off", "on")] == expected
    own = name == six and in_order and not guessed
    if six == "train" and not (own and {"lr", "steps"} <= roles.keys()):
        why = why or "its arguments are not article 1's"
    if six == "train" and any(re.search("batch|tol|patience", p.name) and p.default for p in named):
        why = why or "it trains in mini-batches, or may stop early"
    if why:
        why += f": it is {name}{short(str(signature), 60)}, expected {six}({', '.join(expected)})"
    return Taken(function, name, arguments, guessed, own, hidden, why)


def words_of(file, name):
    """The names and strings in the code of a function, and of all that it needs in its file."""
    nodes = [node for statement, *_ in needed(file, {name}) for node in ast.walk(statement)]
    words = [getattr(node, field, 0) for node in nodes for field in ("id", "arg", "value")]
    words += getattr(getattr(file.names[name], "__code__", None), "co_consts", ())  # if imported
    return {word for word in words if isinstance(word, str)}


def made_for(file, name):
    """How many hidden layers a function spells out, with W2 and the like; None: any number."""
    words = words_of(file, name)
    layers = max((int(word[-1]) for word in words if re.fullmatch(r"d?W[1-9]", word)), default=1)
    any_layer = any(re.match(r"d?W(?!\d)", word) for word in words)  # f"W{l}"
    return layers - 1 if layers > 1 or "W1" in words and not any_layer else None


def take(file):
    """Find the six in a file: article 1's own first, then the first that is understood."""
    for six, known in KNOWN.items():
        found = [name for name in file.names if bare(name) in known and is_of(file, name)]
        found.sort(key=lambda name: (name != six, known.index(bare(name)), name))
        taken = [bind(file, six, name) for name in found]
        if taken:
            file.taken[six] = next((each for each in taken if not each.why), taken[0])
    hidden = {six: taken.hidden for six, taken in file.taken.items() if taken.hidden is not None}
    passes = [hidden[six] for six in ("forward", "backward", "update") if six in hidden]
    file.hidden = max(passes, default=0 if hidden.get("init_params") == 0 else None)
    return file


def is_of(file, name):
    """Is this a function of the file's own, or of another file in its folder?"""
    function = file.names[name]
    inner = getattr(function, "pyfunc", getattr(function, "func", function))  # vectorize, partial
    module = sys.modules.get(getattr(inner, "__module__", None))
    folders = [*pathlib.Path(getattr(module, "__file__", None) or "/").parents]
    installed = pathlib.Path(sys.prefix) in folders  # also where .venv stands beside the file
    own = file.path is None or file.path.parent in folders and not installed
    return own and callable(function) and not inspect.isclass(function)


def load(file, cells):
    """Run what the six need of pieces of code, (what its lines are called, text); find the six."""
    for where, text in cells:
        first, lines = len(file.lines), text.split("\n")
        file.lines += lines
        file.places += [f"{where} {k}" for k in range(1, len(lines) + 1)]
        try:
            statements, lines = parsed(lines)
            for statement in statements:
                file.statements.append((statement, *names_in(statement, lines)))
                ast.increment_lineno(statement, first)
        except SyntaxError as error:
            file.failed.setdefault("*", (f"{where} {error.lineno}", f"SyntaxError: {error.msg}"))
    file.wanted = set().union(*(wanted_in(*each) for each in file.statements))
    for statement, defines, _ in needed(file, file.wanted):
        try:
            exec(compile(ast.Module([statement], []), str(file.path), "exec", LATER), file.names)
        except BaseException as error:  # exit() too
            line = [*lines_of(error, file), statement.lineno][0]
            why = file.places[line - 1], f"{type(error).__name__}: {short(str(error), 100)}"
            why = file.failed.get(getattr(error, "name", None), why)  # the first that has failed
            file.failed |= dict.fromkeys(defines, why)
    return take(file)


def read(path):
    """Return a file as far as the six need it."""
    module = types.ModuleType(f"graded {path.stem}")
    module.__file__, sys.modules[module.__name__] = str(path), module  # for dataclasses and pickle
    file = load(new_file(path, vars(module)), cells_of(path))
    if not file.taken:
        for name, why in file.failed.items():
            if name == "*" or bare(name) in ALL_KNOWN:
                raise Unreadable(": ".join(why))
        classes = [each.name for each, *_ in file.statements if isinstance(each, ast.ClassDef)]
        why = f"; what is in a class ({classes[0]}) is not judged" if classes else ""
        raise Unreadable(f"has none of {', '.join(SIX)} under any name that is known{why}")
    return file
