#!/usr/bin/env bash
# numpy 1.26.4 and 2.4.6, `from numpy import *` (which %pylab does as well).
#
# Hand-written networks in such notebooks have lines like relu = max(0, z) for one number z.
# Guess: the built-in min, max and round stay what they are, as they did with NumPy 1.
# Seen: since NumPy 2 the star brings numpy's own. max(-3, -1) of two numbers is np.max(-3, axis=-1),
# which is -3 and wrong, without a warning; max(0, 3) raises an AxisError.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 1.26.4 2.4.6; do
    python3 -m venv "$version"
    "$version/bin/pip" install -q "numpy==$version"
    "$version/bin/python" - <<'PY'
from numpy import *

smaller = max(-3, -1)
try:
    relu = max(0, 3)
except Exception as error:
    relu = type(error).__name__
print(__import__("numpy").__version__, smaller, relu)
PY
done | tee seen.txt
[ "$(tr '\n' ',' <seen.txt)" = "1.26.4 -1 3,2.4.6 -3 AxisError," ]
