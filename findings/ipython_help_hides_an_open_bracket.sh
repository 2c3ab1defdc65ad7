#!/usr/bin/env bash
# IPython 9.18.1 (InteractiveShell.run_cell, and so every Jupyter kernel that uses it).
#
# A cell that defines a function whose bracket is never closed, and ends in `print?`, a look at the
# help of print.
# Guess: SyntaxError, as without the last line.
# Seen: the cell succeeds, shows the help, and the function is not defined: all from the open bracket
# to the question mark counts as one logical line, which the request for help replaces. An older
# version of the function stays in use without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export IPYTHONDIR="$folder/ipython"
python3 -m venv venv
venv/bin/pip install -q ipython==9.18.1
venv/bin/python - <<'PY' >seen.txt
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell("def slope(x):\n    return 'old'")
for cell in ("def slope(x:\n    return 'new'\nprint?", "def slope(x:\n    return 'new'\n"):
    done = shell.run_cell(cell, silent=True)
    print("\nsucceeds:", done.success, "slope:", shell.user_ns["slope"](1))
PY
grep succeeds seen.txt
[ "$(grep -o 'succeeds: [A-Za-z]* slope: [a-z]*' seen.txt | tr '\n' ',')" = "succeeds: True slope: old,succeeds: False slope: old," ]
