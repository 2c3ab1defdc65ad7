# grading/cells.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The code of a file or notebook, cell by cell."""

import ast
import json
import re
import tokenize

MAGIC = r"^(\s*(?:\w+ *= *)?)([%!?].*|\w.*\?\s*)$"  # of a notebook: x = !ls, %matplotlib, help?


class Unreadable(Exception):
    """A file cannot be read, or has none of the six: where, and why."""


def parsed(text):
    """Return the statements, and the lines without magic."""
    lines = text.split("\n")
    try:
        return ast.parse(text).body, lines
    except SyntaxError as error:
        k = (error.lineno or 1) - 1
        plain = [re.sub(MAGIC, r"\1None", line) for line in lines[k : k + 1]]
        if plain == lines[k : k + 1]:
            raise
        return parsed("\n".join([*lines[:k], *plain, *lines[k + 1 :]]))


def named_in(text):
    return {"*"}


def commented(lines):
    return {}


def cells_of(path):
    """Return the code of a file, of a notebook that of each cell, and what its lines are called."""
    try:
        with tokenize.open(path) as text:
            if path.suffix.lower() != ".ipynb":
                return [("line", text.read())], {}
            cells = [cell for cell in json.load(text)["cells"] if cell["cell_type"] == "code"]
            return [
                (f"cell {k}, line", "".join(cell["source"])) for k, cell in enumerate(cells, 1)
            ], {}
    except OSError as error:
        cure = "; name the files in it" if path.is_dir() else ""
        raise Unreadable(error.strerror + cure) from None
    except (KeyError, TypeError, ValueError, SyntaxError) as error:
        raise Unreadable(f"{type(error).__name__}: {str(error)[:100]}") from None
