"""Runs the graphs of a folder in ONNX Runtime, over given targets, and compares them with what case.json expects.

    python run.py FOLDER...

Prints the largest difference of each folder; ends with 1 if one is beyond 1e-5 of the numbers' size.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime

TOLERANCE = 1e-5


def run(folder):
    case = json.loads((folder / "case.json").read_text())
    encoder, decoder = (onnxruntime.InferenceSession(folder / f"{name}.onnx", providers=["CPUExecutionProvider"])
                        for name in ("encoder", "decoder"))
    source, lengths = np.array(case["source"], np.int64), np.array(case["source_lengths"], np.int64)
    names = [output.name for output in encoder.get_outputs()]
    state = dict(zip(names, encoder.run(names, {"source": source, "source_lengths": lengths})))
    inputs = [given.name for given in decoder.get_inputs()]
    outputs = [output.name for output in decoder.get_outputs()]
    if "attentional" in inputs:
        state["attentional"] = np.zeros((len(source), case["hidden_size"]), np.float32)
    largest = 0.0
    for position, symbols in enumerate(np.array(case["target"], np.int64).T):
        given = {"symbol": symbols, "source_lengths": lengths, "position": np.array(position, np.int64), **state}
        found = dict(zip(outputs, decoder.run(outputs, {name: given[name] for name in inputs})))
        state |= {name.removesuffix(".next"): found[name] for name in outputs if name.endswith(".next")}
        for name in ("log_probs", "attention_weights"):
            for row, length in enumerate(case["target_lengths"]):
                if position < length:
                    expected = np.array(case[name][row][position])
                    difference = np.abs(found[name][row] - expected) / max(1.0, np.abs(expected).max())
                    largest = max(largest, float(difference.max()))
    print(f"{folder.name}: largest difference {largest:.1e}")
    return largest < TOLERANCE


sys.exit(0 if all([run(Path(folder)) for folder in sys.argv[1:]]) else 1)
