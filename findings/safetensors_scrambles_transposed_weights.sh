#!/usr/bin/env bash
# safetensors 0.8.0 (safetensors.numpy), beside 0.7.0; NumPy 2.4.6.
#
# Weights that stand in memory in Fortran order, as the transpose with which a network in rows becomes one
# in columns, come back from a file with the right names, shapes and dtypes, and their entries in other
# places. A loaded network predicts, only something else; nothing is said. The arrays of a dict come back
# sorted, too (W1, W2, b1, b2), which matters to whoever reads values() in pairs.
# Guess: the entries keep their places, as in an .npy file, or such an array is refused; the dict keeps
# its order.
# Seen: with 0.7.0 they do; with 0.8.0 the memory is written as it lies, under the shape of the transpose.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
for version in 0.7.0 0.8.0; do
    python3 -m venv "$version"
    "$version/bin/pip" install -q "safetensors==$version" numpy==2.4.6
    "$version/bin/python" - <<'PY'
import numpy as np
import safetensors
from safetensors.numpy import load_file, save_file

W, b = np.arange(6.0).reshape(2, 3), np.zeros((3, 1))
save_file({"W1": W.T, "b1": b, "W2": W, "b2": b[:2]}, "net.safetensors")
net = load_file("net.safetensors")
print(safetensors.__version__, *net, net["W1"].shape, *(net["W1"] == W.T).astype(int).ravel())
PY
done | tee seen.txt
[ "$(cat seen.txt)" = "0.7.0 W1 W2 b1 b2 (3, 2) 1 1 1 1 1 1
0.8.0 W1 W2 b1 b2 (3, 2) 1 0 0 0 0 1" ]
