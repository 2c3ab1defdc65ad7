# grading/test_cells.py, of backprop.py. SPDX-License-Identifier: MIT-0
"""What Jupyter, marimo or a Markdown engine would run is read, as their tools write it."""

import ast
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.cells import Unreadable, cell, cells_of, commented, named_in, parsed

LIVE, OLD = "def f():\n    return 'live'\n", "def f():\n    return 'old'\n"
OFF = "script false --no-raise-error,timeit,bash,html,writefile nn.py,skip,js,python,".split(",")
ABOVE = ["\n%%time\n", "%%capture out --no-stderr\n%%prun -q", "%%bash?", "x?\r"]
ABOVE += ["!pip install \\\n  'a \\\n  b(\nif 1:\n    !ls\n    x = %who\n    y: list = !ls\nx"]
ABOVE += ["%time x = 1\nx\ny = %time x\ny", "?x\nx.y??\n(5\n% 2, '?')\nx = 'x?'  # ?\nx\nx?"]
ABOVE += ["%cd x\ns = '''\n!ls'''\nassert s == '\\n!ls'\ny = 5 \\\n% 2  # it's (\n!x"]
CELLS = ["  def f():\n      return 'live'", "In [1]: def f():\n   ...:     return 'live'"]
CELLS += [">>> !ls\n>>> def f():\n...     return 'live'", ["x = 1\n", *LIVE.splitlines(True)]]
OTHER = ["# a head below a comment is an error\n%%time\n" + OLD, "This is my homework", "cd .."]
CALL = "\n\n# In[ ]:\n\n\nget_ipython().run_cell_magic({!r}, '', {!r})\n"
FENCES = "# Net\n\n```{}\n" + OLD + "```\n\n```{}\n" + LIVE + "```\n\n```{}\n" + OLD + "```\n"
HIDDEN = "<!-- #region -->\n```python\n" + OLD + "```\n<!-- #endregion -->\n"
MARIMO = [
    "import marimo\napp = marimo.App()\n\nwith app.setup:\n    import json as j\n    '''\ndoc\n'''",
    '@app.cell\ndef _(table):\n    def f(x=table["f"]):\n        return x(g())\n    return (f,)',
    '@app.cell\nasync def _():\n    table = {"f": j.loads}\n    return (table,)',
    '@app.cell(disabled=True)\ndef _():\n    def f():\n        return "old"\n    return',
    'app._unparsable_cell(\n    r"""\n    live = \\"live\\"\n    !ls\n    """,\n    name="_"\n)',
    '@app.function\ndef g():\n    return j.dumps(live)\nif __name__ == "__main__":\n    app.run()',
]


def book(*cells, source="source"):
    cells = [{"cell_type": "code", source: text} for text in cells] + [{"cell_type": "code"}]
    book = {"cells": [*cells, {"cell_type": "raw", source: OLD}]}
    return json.dumps(book if source == "source" else {"worksheets": [book]})


BOOKS = [(OLD, f"{above}\n{LIVE}") for above in ABOVE] + [(OLD, text) for text in CELLS]
BOOKS += [(LIVE, f"%%{head}\n{OLD}") for head in OFF] + [(LIVE, text) for text in OTHER]
FILES = {f"{k}.ipynb": book(*cells) for k, cells in enumerate(BOOKS)}
FILES |= {f"v{k}.ipynb": book(f"#\n{LIVE}".splitlines(k > 2), source="input") for k in (2, 3)}
FILES |= {"named.py": book(LIVE), "named.ipynb.txt": "\ufeff" + book(LIVE)}
FILES |= {"nbconvert.py": "x = 1" + CALL.format("time", LIVE) + CALL.format("timeit", OLD)}
FILES |= {"marks.py": f"# %%\n%%bash\nls |\n# %%\n{LIVE}# %%\n%%script false\n{OLD}"}
FILES |= {"plain.py": f"'''\n%%time\n>>> f()\n'''\r\n{LIVE}", "marimo.py": "\n\n\n".join(MARIMO)}
FILES |= {"jupytext.py": f"#   jupytext:\n\n# %%\n{LIVE}\n# %%\n# %%timeit\n{OLD}"}
FILES |= {"jupytext.md": FENCES.format("r", "python", "bash") + HIDDEN}
FILES |= {"knitr.Rmd": FENCES.format("r", "{python a=T}", "{python, eval=F}").replace("\n", "\r\n")}
FILES |= {"marimo.md": FENCES.format("python", "python {.marimo}", "python")}
FILES |= {"quarto.qmd": FENCES.format("r", "{python}\n#| echo: true", "{python}\n#| eval: false")}
FILES |= {"myst.md": FENCES.format("python", "{code-cell} ipython3\n:tags: [a]\n", "bash")}
PLACES = {"0.ipynb": "cell 2, line 4", "nbconvert.py": "line 6, line 2", "marks.py": "line 5"}
PLACES |= {"11.ipynb": "cell 2, line 2", "myst.md": "cell 1, line 3", "marimo.py": "cell 2, line 1"}


@pytest.mark.parametrize("name", FILES)
def test_what_runs_is_read(tmp_path, name):
    (tmp_path / name).write_text(FILES[name], encoding="utf-8", newline="")
    names, places = {}, []
    for where, text in cells_of(tmp_path / name)[0]:
        with contextlib.suppress(SyntaxError):
            statements = parsed(text)
            exec(compile(ast.Module(statements, []), name, "exec"), names)
            places += [f"{where} {each.lineno}" for each in statements if hasattr(each, "args")]
    assert names["f"]() == "live"
    assert PLACES.get(name, places[-1]) == places[-1]


LINES = "x = 1|%time x|%%time|%%bash|!ls \\|x = %who|'''|f?|>>> x|# ?|if x:|    !ls|(|% 2)|  "


@given(st.lists(st.sampled_from([LIVE, *LINES.split("|")]), max_size=6).map("\n".join))
def test_lines_keep_their_numbers(text):
    seen, statements, run = text.split("\n"), [], cell(text, {})
    with contextlib.suppress(SyntaxError):
        statements = parsed(run)
    assert run.count("\n") == text.count("\n")
    assert all("def f" in seen[each.lineno - 1] for each in statements if hasattr(each, "args"))


def test_what_magics_bring():
    written = {}
    lines = ["%run -i nn.py 3", "run 'sub/nn'", "%run ../nn.ipynb", "%pylab inline"]
    modules = [parsed(line)[-1].module for line in lines]
    assert modules == ["nn", "sub.nn", "a_file_that_is_not_followed", "numpy"]
    for text in "%%writefile ./nn.py\n" + LIVE, "%%file -a nn.py\nx = 1\n", "%%file nn.txt\n1":
        cell(text, written)
    assert written == {"nn": LIVE + "x = 1\n"}


def test_what_does_not_run_is_named():
    assert commented(cell("%%script false\n" + OLD, {}).split("\n")) == {"f": 2}
    assert commented(["# COMMAND ----------", "", "# MAGIC def g(x):"]) == {"g": 3}
    text = "def f(x:\n    y = 1\nW, b = g(z=\nfrom a import (c, d as e\nclass N(f):\nx == 1"
    assert named_in(text) == {"f", "W", "b", "c", "d", "e", "N"}
    with pytest.raises(SyntaxError, match="Python 2: Missing parentheses"):
        parsed("print 'loss', x")


WRONG = [
    ("a.ipynb", b"{", "no notebook of Jupyter's: save it"),
    (".", None, "name the files in it"),
]
WRONG += [("b.py", "x = 1".encode("utf-16"), "UTF-16: save"), ("e.py", None, "No such file")]
WRONG += [
    ("c.ipynb", b"PK\3\4\x14\0", "a zip: unpack it"),
    ("d.py", b"#\n\n# \xe9t", "not UTF-8: save"),
]


@pytest.mark.parametrize(("name", "data", "why"), WRONG)
def test_what_cannot_be_read(tmp_path, name, data, why):
    if data:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(Unreadable, match=why):
        cells_of(tmp_path / name)
