#!/usr/bin/env bash
# jupytext 1.19.6, nbformat 5.11.1: formats py:percent, py:light, md and Rmd.
#
# A %%python cell runs its body in a process of its own: what it defines does not reach the notebook.
# Guess: the head comes back from a round trip through text, as those of %%bash, %%perl, %%python3.
# Seen: %%python is lost on the way, %%bash and %%python3 come back. After one save as text the body
# runs in the notebook and replaces functions of the same names there. md:myst keeps it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q jupytext==1.19.6 nbformat==5.11.1
venv/bin/python - <<'PY'
import jupytext
from nbformat.v4 import new_code_cell, new_notebook

heads = ["%%bash", "%%python", "%%python3"]
kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
book = new_notebook(
    cells=[new_code_cell(f"{head}\nf = 1") for head in heads], metadata={"kernelspec": kernel}
)
seen = {}
for form in ("py:percent", "py:light", "md", "Rmd", "md:myst"):
    back = jupytext.reads(jupytext.writes(book, form), form)
    seen[form] = [cell.source.split("\n")[0] for cell in back.cells]
    print(form, seen[form])
lost = ["%%bash", "f = 1", "%%python3"]
assert all(seen[form] == (heads if form == "md:myst" else lost) for form in seen)
PY
