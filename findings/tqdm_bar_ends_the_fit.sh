#!/usr/bin/env bash
# scikit-learn 1.9.1 (GradientBoostingClassifier.fit, monitor), tqdm 4.70.1, numpy 2.4.6.
#
# Whoever wants a progress bar for the trees of a GradientBoostingClassifier hands a bar's update to
# `monitor`, which is called after each tree. But a monitor that returns something true ends the fit,
# and tqdm's update returns True whenever it has drawn the bar, which depends on the clock: the
# model stays at a few trees, how many differs from run to run under one random_state, and nothing
# is said.
# Guess: 300 trees, and a bar.
# Seen: 1 tree where the bar is drawn each time (mininterval=0); 3, 8 and 9 in three runs by default.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q scikit-learn==1.9.1 tqdm==4.70.1 numpy==2.4.6
venv/bin/python - 2>/dev/null <<'PY'
from sklearn.datasets import make_classification
from sklearn.ensemble import GradientBoostingClassifier
from tqdm import tqdm

X, y = make_classification(n_samples=2000, random_state=0)
trees = []
for options in ({"disable": True}, {"mininterval": 0}, {}):
    with tqdm(total=300, **options) as bar:
        model = GradientBoostingClassifier(n_estimators=300, random_state=0)
        model.fit(X, y, monitor=lambda *_: bar.update())
    trees.append(model.n_estimators_)
print(*trees, "trees: without a bar, with one, with one as it is by default")
assert trees[:2] == [300, 1] and trees[2] < 300
PY
