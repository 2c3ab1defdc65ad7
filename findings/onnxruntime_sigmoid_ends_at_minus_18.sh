#!/usr/bin/env bash
# onnxruntime 1.32.0 (CPU), onnx 1.23.2, NumPy 2.4.6.
#
# The float32 Sigmoid of ONNX, which is the last node of a binary classifier, is not computed as
# 1 / (1 + exp(-z)): from z = -18 down it is flat, and just above it has no right digit. So the
# cross-entropy of one sample that the network is sure of and wrong about is infinite, where the formula in
# float32 has its 20 or 30. In float64 the same node keeps its digits there.
# Guess: seven digits, as of the formula in float32, and 0 only below z = -88.
# Seen: p(-17) is 8.9e-8 in place of 4.1e-8; p(-18) and all below are 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
venv/bin/python - <<'PY'
import numpy as np
import onnx
from onnx import helper
from onnxruntime import InferenceSession


def sigmoid(z):
    kind = helper.np_dtype_to_tensor_dtype(z.dtype)
    ends = [helper.make_tensor_value_info(name, kind, [None]) for name in "zp"]
    graph = helper.make_graph([helper.make_node("Sigmoid", ["z"], ["p"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, {"z": z})[0]


z = np.array([-2, -5, -10, -17, -18, -20, -30], np.float32)
p, right = sigmoid(z), 1 / (1 + np.exp(-z))
wide = sigmoid(z.astype(np.float64))
for row in zip(z, p, wide, right):
    print("z = {:3.0f}: float32 {:.6e}, float64 {:.6e}; 1 / (1 + exp(-z)) in float32 {:.6e}".format(*row))
assert right.dtype == p.dtype == np.float32 and np.allclose(p[:3], right[:3], 1e-3, 0)
assert np.allclose(wide[:6], right[:6], 1e-6, 0) and np.isfinite(np.log(right)).all()
assert np.ptp(p[4:]) == 0 and abs(p[5:] / right[5:] - 1).min() > 0.9  # flat, whatever the processor
PY
