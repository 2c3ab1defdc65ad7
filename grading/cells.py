# grading/cells.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""The Python in a file, cell by cell, as Jupyter, marimo or a Markdown engine runs it.

head: a first line like `%%time`. own: a statement that only IPython knows, `!ls`, `%run nn.py`; it
becomes None or an import, and what is not run becomes a comment: lines keep their numbers.
"""

import ast
import json
import re
import textwrap
import tokenize

RUN = "time capture prun memit lprun_all snakeviz pyinstrument cython".split()  # not timeit
PYLAB = "import numpy as np; from numpy.random import *; from pylab import *; from numpy import *"
FILE = r"[ \t]+(?:-\S+ +)*[\"']?(?:\./|[/~]\S*/)?((?:[^\W\d]\w*/)*[^\W\d]\w*)(?:\.py)?(?![\w./])"
STRING = r"""(?:"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*')"""
OWN = r"(?m)^([ \t]*(?:\w.*?=[ \t]*(?=[%!]))?)((?!%%(?!\w+\?))[%!?,;/](?:.*\\\n)*.*"  # %x, y = !ls
OWN += r"|(?:run|pylab)[ \t].*|.*\?[ \t]*$)"  # what needs no %; x?
CALL = r"get_ipython\(\)\.(?:run_line_)?magic\(u?[\"'](run|pylab|time|prun)\b(?:[\"'], u?[\"'])?"
MARK = rf"(?m)^(?:# ?(?:%%|In\[|COMMAND -).*|(get_ipython\S+magic\((?:\s*u?{STRING},?){{3}}\s*\))$)"
EXPORTED = r"(?m)^#? *(?:jupytext:|Databricks notebook|Commented out IPython magic)"
COMMENTED = r"(?m)^# (?:MAGIC )?(?=%(?:run|pylab)\b)|(?<=^# %%\n)# (?=%%(?:timeit|writefile)\b)"
FENCE = r"(?m)^[ \t]*(`{3,}|~{3,})[ \t]*(.*)\n([\s\S]*?)(?:^[ \t]*\1[`~]*[ \t]*$|\Z)"
MARIMO = r"(?m)@app\.cell.*\n(?:async )?def \w+\(([^)]*)\):\n([\s\S]*)^    return\b([\s\S]*)"


class Unreadable(Exception):
    """A file cannot be read, or has none of the six: where, and why."""


def cells_of(path):
    """Return ([(what its lines are called, text of a cell)], {module: text that cells write})."""
    kind, written, cure = path.suffix.lower(), {}, "not UTF-8: save it as UTF-8"
    try:
        raw = re.sub(b"\r\n?", b"\n", path.read_bytes())
        if b"\0" in raw:
            raise Unreadable("a zip: unpack it" if raw[:2] == b"PK" else "UTF-16: save it as UTF-8")
        text = raw.decode(tokenize.detect_encoding(iter(raw.splitlines(True)).__next__)[0])
        text = re.sub(COMMENTED, "", text) if re.search(EXPORTED, text) else text
        cells = marimo if re.search(r"(?m)^app = marimo\.App\(", text) else script
        cells = markdown if kind in (".md", ".markdown", ".qmd", ".rmd") else cells
        if kind == ".ipynb" or re.match(r'\s*\{\s*"', text):
            cells, cure = notebook, "no notebook of Jupyter's: save it again as .ipynb"
        return [(where, cell(each, written)) for where, each in cells(text)], written
    except OSError as error:
        raise Unreadable(error.strerror + "; name the files in it" * path.is_dir()) from None
    except (ValueError, KeyError, TypeError, AttributeError, SyntaxError) as error:
        raise Unreadable(f"{cure} ({type(error).__name__}: {error})") from None


def notebook(text):
    """Yield the code cells of a notebook, of any nbformat."""
    book = json.loads(text)
    cells = [each for sheet in book.get("worksheets") or [book] for each in sheet["cells"]]
    for k, each in enumerate((each for each in cells if each["cell_type"] == "code"), 1):
        lines = each.get("source", each.get("input")) or ""  # a list may lack its line ends
        glue = "" if isinstance(lines, str) or "\n" in lines[0] else "\n"
        yield f"cell {k}, line", glue.join(lines)


def markdown(text):
    """Yield the Python cells of Markdown: those that an engine runs if it has such, else all."""
    fences = re.findall(FENCE, re.sub(r"<!-- #(region|raw|md)[\s\S]*?<!-- #end\1", "", text))
    cells = [each for each in fences if re.match(r"\{(python|code-cell)\b|.*\.marimo", each[1])]
    cells = cells or [each for each in fences if re.match(r"(?i)\{?\.?i?py(thon3?)?\b", each[1])]
    for k, (_, info, body) in enumerate(cells, 1):
        off = re.search(r"(?m)^(\{.*|#\|.*)\beval *[=:] *[Ff]|disabled=.true", f"{info}\n{body}")
        drop = r"\A[\s\S]*" if off else r"\A(?:---\n[\s\S]*?\n---\n|(?::.*\n)*)"  # MyST's options
        yield f"cell {k}, line", re.sub(drop, lambda m: re.sub("(?m)^(?=.)", "# ", m[0]), body)


def marimo(text):
    """Yield marimo's cells, each below those that give what it needs."""
    cells, parts = [], re.split(r"(?m)^(?=@app\.|with app\.|app\._)", text)[1:]
    for k, part in sorted(enumerate(parts, 1), key=lambda each: each[1].startswith("@app.cell")):
        head, _, body = part.partition("\n")
        if head.startswith("app._"):  # _unparsable_cell, as a string
            body = body.partition("\n")[2].rpartition('\n    """')[0].replace('\\"', '"')
        needs, body, gives = found.groups() if (found := re.match(MARIMO, part)) else ("", body, "")
        body = re.sub("(?m)^    ", "", body) if found or head[0] != "@" else body
        body = re.sub("(?m)^", "# ", body) if "disabled=True" in head else body
        names = {*re.findall(r"\w+", needs)}, {*re.findall(r"\w+", gives)}
        cells.append((f"cell {k}, line", body, *names))
    while cells:
        given = set().union(*(gives for *_, gives in cells))
        ready = next((k for k, (*_, needs, _) in enumerate(cells) if not needs & given), 0)
        yield cells.pop(ready)[:2]


def script(text):
    """Yield the cells of a script: one if Python can read it, else those that its marks part."""
    text, line = re.sub(CALL + r"(.*)[\"']\)", r"%\1 \2", text), 0
    try:
        whole = ast.parse(text) and "get_ipython().run_cell_magic(" not in text
    except SyntaxError:
        whole = False
    for part in [text] if whole else filter(None, re.split(MARK, text)):
        if part.startswith("get_ipython().run_cell_magic("):
            said = ast.literal_eval(part.partition("magic")[2])
            yield f"line {line + 1}, line", "%%{} {}\n{}".format(*said)
        else:
            yield "line", "\n" * line + part
        line += part.count("\n")


def cell(text, written):
    """Return the text of a cell as it is run; a file that it writes goes to `written`."""
    text = textwrap.dedent(re.sub("\r\n?", "\n", text))
    if re.match(r"\s*(>>> |In \[\d+\]: )", text):
        text = re.sub(r"(?m)^[ \t]*(?:>>>|\.{3,}:?|In \[\d+\]:)(?:[ \t]|$)", "", text)
    head = re.match(r"((?:\s*\n)?)%%(?!\w+\?)(\S*)(.*)\n?", text)
    if not head:
        return text
    if head[2] in RUN:
        return "\n" * head[0].count("\n") + cell(text[head.end() :], written)
    if head[2] in ("writefile", "file") and (name := re.match(FILE, head[3])):
        written[name[1]] = written.get(name[1], "") * (" -a " in head[3]) + text[head.end() :]
    return re.sub("(?m)^", "# ", text)


def parsed(text):
    """Return the statements of a cell; a line that only IPython can read becomes Python first."""
    while True:
        try:
            return ast.parse(text).body
        except SyntaxError as error:
            for own in re.finditer(OWN, text):
                line = text.count("\n", 0, own.start()) + 1
                if line <= error.lineno <= line + own[0].count("\n"):
                    text = text[: own.start()] + own[1] + python_of(own[2]) + text[own.end() :]
                    break
            else:
                if re.match("Missing parentheses in|multiple exception types|leading z", error.msg):
                    error.msg = f"Python 2: {error.msg}"
                raise


def python_of(own):
    """Return the Python for a line of IPython's own, in as many lines."""
    if timed := re.match(r"%(?:time|prun) +(?=[^-\s])", own):
        return own[timed.end() :]
    python = PYLAB if re.match(r"%?pylab\b", own) else "None"
    if run := re.match(rf"%?run\b(?:{FILE})?", own):
        module = (run[1] or "a_file_that_is_not_followed").replace("/", ".")
        python = f"from {module} import *"
    return python + "\n" * own.count("\n")


def named_in(text):
    """Return the names that a cell which cannot be parsed would define, as far as one can see."""
    line = r"(?:async )?(?:def|class) +|(?:from .* )?import +\(?|(?=\w[^\n=(#]*=[^=])"
    found = re.findall(rf"(?m)^(?:{line})([^\n=(#:]+)", text)
    return set(re.findall(r"[^\W\d]\w*|\*", " ".join(found))) - {"as"}


def commented(lines):
    """Return {name: number of its line} of the functions that stand in comments."""
    return {m[2]: k for k, x in enumerate(lines, 1) if (m := re.match(r"# (MAGIC )?def (\w+)", x))}
