# grading/reading.py of backprop.py. SPDX-License-Identifier: MIT-0
import __future__

import ast
import json
import re
import symtable
import tokenize
import traceback
import types

from grading.conventions import ALL_KNOWN, SIX, bare
from grading.words import short

MAGIC = r"^(\s*(?:\w+ *= *)?)([%!?].*|\w.*\?\s*)$"  # of a notebook: x = !ls, %matplotlib, help?
KEEP = ("append", "extend", "insert", "add", "update", "setdefault")
LATER = __future__.annotations.compiler_flag  # what an annotation names may be missing


class Unreadable(Exception):
    """A file cannot be read, or has none of the six: where, and why."""


def new_file(path, names):
    """Return a file of which nothing is known but what it defines.

    statements: (node, names that it defines, names that it needs). wanted: names that may be the
    six's. failed: {name: (line, why)}. taken: the six. rows: has it samples in rows (None: not
    known)? hidden: for how many hidden layers (None: any). g: the activation of hidden layers, as
    near as forward tells; known: is that sure? unmet: what the grading does not meet. d: "d" or "".
    """
    empty = {"lines": [], "places": [], "statements": [], "failed": {}, "taken": {}, "judged": {}}
    found = {"rows": None, "hidden": None, "g": "sigmoid", "known": False, "unmet": "", "d": None}
    return types.SimpleNamespace(path=path, names=names, **empty, **found)


def names_in(statement, lines):
    """Return (names that a statement defines, names that it needs)."""
    above = [statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))]
    text = "\n".join(lines[min(above) - 1 : statement.end_lineno]).encode()
    end = len(text) - len(lines[statement.end_lineno - 1].encode()) + statement.end_col_offset
    tables, needs = [symtable.symtable(text[statement.col_offset : end], "", "exec")], set()
    symbols = tables[0].get_symbols()
    defines = {s.get_name() for s in symbols if s.is_assigned() or s.is_imported()}
    for table in tables:  # grows as it goes
        tables += table.get_children()
        used = [s for s in table.get_symbols() if s.is_referenced() or s.is_declared_global()]
        needs |= {s.get_name() for s in used if table is tables[0] or s.is_global()}
    for node in ast.walk(statement):  # TABLE["relu"] = relu, forward.calls = 0, LIST.append(relu)
        kept = getattr(node, "attr", "") in KEEP or isinstance(getattr(node, "ctx", 0), ast.Store)
        if kept and isinstance(node, (ast.Subscript, ast.Attribute)):
            bases = [base.id for base in ast.walk(node.value) if isinstance(base, ast.Name)]
            defines |= {*bases[:1]} & needs  # not where it is local
    for decorator in getattr(statement, "decorator_list", ()):  # @register, which may keep it
        defines |= {getattr(getattr(decorator, "func", decorator), "id", "")}
    if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
        defines = {"*"}
    return defines, needs


def needed(file, names):
    """Return the statements that define these names, or what those need, in their order."""
    todo, chosen = [*names], set()
    for name in todo:  # grows as it goes
        for k, (statement, defines, needs) in enumerate(file.statements):
            if name in defines and k not in chosen:
                chosen.add(k)
                is_function = isinstance(statement, ast.FunctionDef)
                todo += (needs | defines if is_function else needs) - {*todo}
    return [file.statements[k] for k in sorted(chosen)]


def wanted_in(statement, defines, _):
    """Which names of a statement may be the six's? Article 1's in any case, else of functions."""
    if isinstance(statement, (ast.FunctionDef, ast.ImportFrom)):
        return {name for name in defines if name == "*" or bare(name) in ALL_KNOWN}
    return defines & SIX.keys()


def parsed(lines):
    """Return the statements, and the lines without magic."""
    try:
        return ast.parse("\n".join(lines)).body, lines
    except SyntaxError as error:
        k = (error.lineno or 1) - 1
        plain = [re.sub(MAGIC, r"\1None", line) for line in lines[k : k + 1]]
        if plain == lines[k : k + 1]:
            raise
        return parsed([*lines[:k], *plain, *lines[k + 1 :]])


def cells_of(path):
    """Return the code of a file, of a notebook that of each cell, and what its lines are called."""
    try:
        with tokenize.open(path) as text:
            if path.suffix.lower() != ".ipynb":
                return [("line", text.read())]
            cells = [cell for cell in json.load(text)["cells"] if cell["cell_type"] == "code"]
            return [(f"cell {k}, line", "".join(cell["source"])) for k, cell in enumerate(cells, 1)]
    except OSError as error:
        cure = "; name the files in it" if path.is_dir() else ""
        raise Unreadable(error.strerror + cure) from None
    except (KeyError, TypeError, ValueError, SyntaxError) as error:
        raise Unreadable(f"{type(error).__name__}: {short(str(error), 100)}") from None


def lines_of(error, file):
    """The lines of a file that an error has passed."""
    frames = traceback.extract_tb(error.__traceback__)
    return [frame.lineno for frame in frames if frame.filename == str(file.path)]
