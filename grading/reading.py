# grading/reading.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""From the code of a file to a Source: only what the six tasks need of it is run.

Each statement at the top of a file defines names and needs names. Beginning with the functions for
the six, those statements run that define what is needed, in their order, each by itself. So nothing
trains, plots or asks, and what fails is missed only by whoever needs it.
"""

import __future__

import ast
import dis
import pathlib
import sys
import tempfile
import traceback
import types
from collections import namedtuple

from grading.cells import Unreadable, cells_of, commented, named_in, parsed
from grading.conventions import ALL_KNOWN, TASKS, bare, role_of
from grading.words import short

# What a file holds. lines: its code; places: what each line is called; statements: at its top;
# names: what those have defined that were run; wanted: the names of theirs that may do one of the
# six; failed: {name: why what defines it did not run}; folders: where a function of its own lies.
Source = namedtuple("Source", "path lines places statements names wanted failed folders")
Statement = namedtuple("Statement", "node defines needs")  # and two sets of names

KEEP = ("append", "extend", "insert", "add", "update", "setdefault")
LATER = __future__.annotations.compiler_flag  # what an annotation names may be missing
AWAIT = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT  # as a notebook has it


def read(path):
    """Return the Source of a file. Unreadable: it cannot be read."""
    if sys.implementation.name != "cpython":  # whose bytecode names_in reads
        raise Unreadable(f"python is {sys.implementation.name} here: use CPython")
    cells, written = cells_of(path)
    module = types.ModuleType(f"graded {path.stem}")
    module.__file__, sys.modules[module.__name__] = str(path), module  # for dataclasses and pickle
    with tempfile.TemporaryDirectory() as folder:  # what a notebook writes is what it imports
        for name, text in written.items():
            module_path = pathlib.Path(folder, f"{name}.py")
            module_path.parent.mkdir(parents=True, exist_ok=True)
            module_path.write_text(text, encoding="utf-8")
        sys.path.insert(0, folder)
        sys.path.append(str(path.parent.parent))  # as run from the folder above
        source = load(path, cells, vars(module))
        sys.path.remove(folder)
    return source._replace(folders=[path.parent, pathlib.Path(folder)])


def load(path, cells, names):
    """Return the Source in pieces of code, (what its lines are called, text), after run."""
    lines, places, statements, failed = [], [], [], {}
    for where, text in cells:
        try:
            for node in parsed(text):
                statements.append(Statement(node, *names_in(node)))
                ast.increment_lineno(node, len(lines))
        except SyntaxError as error:
            why = f"{where} {error.lineno} fails: SyntaxError: {error.msg}"
            failed |= dict.fromkeys(named_in(text), why)
        lines += text.split("\n")
        places += [f"{where} {k}" for k in range(1, text.count("\n") + 2)]
    aside = "it stands in a comment or in a cell that is not run, "
    failed = {name: aside + places[k - 1] for name, k in commented(lines).items()} | failed
    wanted = {*TASKS}  # and, of functions, all that may do one of the six
    for node, defines, _ in statements:
        if isinstance(node, (ast.FunctionDef, ast.ImportFrom)):
            wanted |= {name for name in defines if name == "*" or bare(name) in ALL_KNOWN}
    return run(Source(path, lines, places, statements, names, wanted, failed, []))


def run(source, asserts=True):
    """Return the Source after what the six need of it has run, by wish without its asserts."""
    path, names, failed = source.path, {**source.names}, {**source.failed}
    for node, defines, _ in needed(source.statements, source.wanted):
        try:
            code = compile(ast.Module([node], []), str(path), "exec", LATER, optimize=not asserts)
            exec(code, names)
        except BaseException as error:  # exit() too
            line = [*lines_of(error, path), node.lineno][0]
            why = f"{type(error).__name__}: {short(str(error), 100)}"
            why = f"{source.places[line - 1]} fails: {why}"
            why = failed.get(getattr(error, "name", None), why)  # the first that has failed
            failed |= dict.fromkeys(defines, why)
    for name, value in names.items():  # as arguments of these names: no penalty, no dropout
        role = role_of(name, ["off", "on"]) if isinstance(value, float) else None
        names[name] = {"off": 0, "on": 1}.get(role, value)
    return source._replace(names=names, failed=failed)


def names_in(node):
    """Return (names that a statement defines, names that it needs)."""
    codes = [compile(ast.Module([node], []), "", "exec", LATER | AWAIT)]
    defines, needs = set(), set()
    for code in codes:  # grows as it goes
        codes += [each for each in code.co_consts if isinstance(each, types.CodeType)]
        for op in dis.get_instructions(code):
            if op.opname in ("STORE_NAME", "DELETE_NAME") and code is codes[0]:
                defines.add(op.argval)
            elif op.opname == "LOAD_NAME" or "GLOBAL" in op.opname:
                needs.add(op.argval)
    for each in ast.walk(node):  # TABLE["relu"] = relu, forward.calls = 0, LIST.append(relu)
        kept = getattr(each, "attr", "") in KEEP or isinstance(getattr(each, "ctx", 0), ast.Store)
        if kept and isinstance(each, (ast.Subscript, ast.Attribute)):
            bases = [base.id for base in ast.walk(each.value) if isinstance(base, ast.Name)]
            defines |= {*bases[:1]} & needs  # not where it is local
    for decorator in getattr(node, "decorator_list", ()):  # @register, which may keep it
        defines |= {getattr(getattr(decorator, "func", decorator), "id", "")}
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        defines = {"*"}
    return defines, needs


def needed(statements, names):
    """Return the statements that define these names, or what those need, in their order."""
    todo, chosen = [*names], set()
    for name in todo:  # grows as it goes
        for k, (node, defines, needs) in enumerate(statements):
            if name in defines and k not in chosen:
                chosen.add(k)
                also = needs | defines if isinstance(node, ast.FunctionDef) else needs
                todo += also - {*todo}
    return [statements[k] for k in sorted(chosen)]


def words_in(source, name):
    """Return the names and strings in the code of a function, and of all that it needs."""
    nodes = [each for node, *_ in needed(source.statements, {name}) for each in ast.walk(node)]
    words = [getattr(each, field, 0) for each in nodes for field in ("id", "arg", "attr", "value")]
    words += getattr(getattr(source.names[name], "__code__", None), "co_consts", ())  # if imported
    return {word for word in words if isinstance(word, str)}


def lines_of(error, path):
    """Return the lines of a file that an error has passed; [] without an error."""
    frames = traceback.extract_tb(getattr(error, "__traceback__", None))
    return [frame.lineno for frame in frames if frame.filename == str(path)]
