#!/usr/bin/env bash
# ml-fnn 5.0.0, synaptic 1.1.4, neataptic 1.4.7 and brain.js 1.6.1, on Node.js 20.20.2.
#
# Options of networks in JavaScript that are documented, taken without a word, and change nothing: ml-fnn's
# activation (every name trains a tanh network: the names are looked for among the indices of a list), and
# the cost given to synaptic's Trainer and to neataptic's train: the number that they report is another,
# what they predict is not, by one bit; with a logistic output their step is that of the cross-entropy.
# brain.js has an activation "leaky-relu", which lets 1 % of a positive number through, and no negative one.
# Guess: another activation and another cost lead to another network; leaky-relu of 2 and -2 is 2 and -0.02.
# Seen: the same network; 0.02 and 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts \
    ml-fnn@5.0.0 synaptic@1.1.4 neataptic@1.4.7 brain.js@1.6.1
cat >nets.cjs <<'JS'
const assert = require("assert");
const Fnn = require("ml-fnn"), synaptic = require("synaptic"), neataptic = require("neataptic");
const brain = require("brain.js");
const xor = [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]];
const set = xor.map(([a, b, y]) => ({ input: [a, b], output: [y] }));
const seeded = () => { let k = 1; Math.random = () => (k = (k * 16807) % 2147483647) / 2147483647; };

const layers = ["tanh", "logistic", "relu", "softsign"].map((activation) => {
  seeded();
  const net = new Fnn({ hiddenLayers: [3], iterations: 100, activation });
  net.train(xor.map(([a, b]) => [a, b]), xor.map((row) => row[2]));
  console.log("ml-fnn", activation, "is", net.toJSON().activation);
  return JSON.stringify(net.toJSON().layers);
});
assert.equal(new Set(layers).size, 1);

const start = new synaptic.Architect.Perceptron(2, 3, 1).toJSON();
const { MSE, CROSS_ENTROPY } = synaptic.Trainer.cost;
const ends = [MSE, CROSS_ENTROPY].map((cost) => {
  const net = synaptic.Network.fromJSON(start);
  const { error } = new synaptic.Trainer(net).train(set, { cost, rate: 0.5, iterations: 300, error: 1e-9 });
  console.log("synaptic reports", error, "and predicts", net.activate([0, 1])[0]);
  return [error, net.activate([0, 1])[0]];
});
assert(ends[0][0] != ends[1][0] && ends[0][1] == ends[1][1]);

const first = new neataptic.architect.Perceptron(2, 3, 1).toJSON();
const { cost: costs } = neataptic.methods;
const last = [costs.MSE, costs.CROSS_ENTROPY].map((cost) => {
  const net = neataptic.Network.fromJSON(first);
  const { error } = net.train(set, { cost, rate: 0.5, iterations: 300, error: 1e-9 });
  console.log("neataptic reports", error, "and predicts", net.activate([0, 1])[0]);
  return [error, net.activate([0, 1])[0]];
});
assert(last[0][0] != last[1][0] && last[0][1] == last[1][1]);

const net = new brain.NeuralNetwork({ activation: "leaky-relu", hiddenLayers: [1] });
net.train([{ input: [1], output: [0.5] }], { iterations: 1 });
net.weights[1][0][0] = 1;
net.biases[1][0] = 0;
const leaky = [2, -2].map((z) => { net.runInput([z]); return Math.round(1e6 * net.outputs[1][0]) / 1e6; });
console.log("brain.js: leaky-relu of 2 and -2 is", ...leaky);
assert.deepEqual(leaky, [0.02, 0]);
JS
node nets.cjs
