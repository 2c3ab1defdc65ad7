# grading/words.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""Things in words and numbers in lines."""

import re
import textwrap

import numpy as np


def described(thing):
    """Return what a thing is, in words."""
    thing = thing[()] if isinstance(thing, np.ndarray) and not thing.shape else thing
    if isinstance(getattr(thing, "shape", None), tuple):
        return f"an array of shape {thing.shape}" if thing.shape else "one number"
    if thing == {}:
        return "an empty dict"
    sized = f" of {len(thing)}" if isinstance(thing, (tuple, list)) else ""
    return "nothing" if thing is None else f"a {type(thing).__name__}{sized}"


def short(text, size):
    return textwrap.shorten(text, size, placeholder="...")


def listed(labels):
    *labels, last = [str(label) for label in labels] or [""]
    return " and ".join(filter(None, [", ".join(labels), last]))


def plural(n, thing):
    return f"{n} {thing}{'' if str(n) == '1' else 's'}"


def wrapped(first, words, column, most):
    indents = {"initial_indent": first, "subsequent_indent": " " * column}
    return textwrap.fill(words, 79, **indents, max_lines=most, placeholder=" ...") or first.rstrip()


def folded(items):
    text = "  ".join(item.replace(" ", "\xa0") for item in items)  # broken between items
    lines = textwrap.wrap(text, 77, break_on_hyphens=False)
    return [f"  {line}".replace("\xa0", " ") for line in lines]


def numbers(P, places=7):
    """Return an array as nested lists, on one line."""
    return re.sub(r"\.0\b", "", str(np.round(P, places).tolist()))
