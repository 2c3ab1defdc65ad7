#!/usr/bin/env bash
# marimo 0.25.2 (marimo convert), beside IPython 9.18.1 through nbconvert 7.17.2.
#
# In a notebook the body of a %%capture cell runs in the notebook, and what it defines stays; the body
# of a %%timeit cell runs inside a function of its own, and nothing of it stays.
# Guess: marimo convert drops the heads and keeps both bodies, or comments both cells out.
# Seen: the other way round. The function below %%timeit is live (later calls of `loss` are renamed to
# that copy, loss_1), the one below %%capture is commented out, and a call of it is a NameError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q nbformat==5.11.1 nbconvert==7.17.2 ipykernel==7.4.0 ipython==9.18.1 marimo==0.25.2
venv/bin/python - <<'PY'
import nbformat
from nbformat.v4 import new_code_cell, new_notebook

texts = ["def loss():\n    return 'first'", "%%timeit -n1 -r1\ndef loss():\n    return 'timed'"]
texts += ["print(loss())", "%%capture\ndef slope():\n    return 'captured'", "print(slope())"]
kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
book = new_notebook(cells=[new_code_cell(text) for text in texts], metadata={"kernelspec": kernel})
nbformat.write(book, "book.ipynb")
PY
venv/bin/jupyter nbconvert --to notebook --execute book.ipynb --output run.ipynb 2>/dev/null
venv/bin/marimo -q convert book.ipynb -o marimo_book.py
notebook=$(venv/bin/python -c "
import nbformat
cells = nbformat.read('run.ipynb', 4).cells
print(*(cells[k].outputs[0].text.strip() for k in (2, 4)))")
marimo=$(venv/bin/python marimo_book.py 2>&1 || true)
echo "notebook: $notebook"
printf 'marimo: %s\n' "$(grep -oE '^(first|timed|captured)$|NameError: .*' <<<"$marimo" | tr '\n' ' ')"
[ "$notebook" = "first captured" ]
grep -q '^timed$' <<<"$marimo"
grep -q "NameError: name 'slope' is not defined" <<<"$marimo"
