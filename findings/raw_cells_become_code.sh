#!/usr/bin/env bash
# nbconvert 7.17.2 (--to script) and marimo 0.25.2 (marimo convert), nbformat 5.11.1, ipykernel 7.4.0.
#
# A student who keeps an old version of a function turns its cell into a raw cell, which Jupyter does
# not run. In a script or a marimo notebook made from that notebook the cell is live code, and as it
# stands below the new version it replaces it.
# Guess: such a cell is left out, or commented out (as jupytext does).
# Seen: the notebook prints "new"; the script and the marimo notebook made from it print "old".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q nbformat==5.11.1 nbconvert==7.17.2 ipykernel==7.4.0 marimo==0.25.2
venv/bin/python - <<'PY'
import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_raw_cell

function = "def loss():\n    return {!r}\n"
cells = [new_code_cell(function.format("new")), new_raw_cell(function.format("old"))]
cells.append(new_code_cell("print(loss())"))
kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
language = {"name": "python", "file_extension": ".py", "nbconvert_exporter": "python"}
book = new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": language})
nbformat.write(book, "book.ipynb")
PY
venv/bin/jupyter nbconvert --to notebook --execute book.ipynb --output run.ipynb 2>/dev/null
venv/bin/jupyter nbconvert --to script book.ipynb 2>/dev/null
venv/bin/marimo -q convert book.ipynb -o marimo_book.py
notebook=$(venv/bin/python -c "
import nbformat
print(nbformat.read('run.ipynb', 4).cells[-1].outputs[0].text.strip())")
script=$(venv/bin/python book.py)
marimo=$(venv/bin/python marimo_book.py)
echo "notebook: $notebook, nbconvert: $script, marimo: $marimo"
[ "$notebook $script $marimo" = "new old old" ]
