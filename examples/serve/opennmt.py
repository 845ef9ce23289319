"""OpenNMT-py's own server with a model of the size of the one inside seq2seq, to be measured beside it.

    apt-get install python3-torch; python3 -m venv --system-site-packages v
    v/bin/pip install --no-deps OpenNMT-py==3.5.1 configargparse pyyaml six flask waitress werkzeug click itsdangerous blinker \\
        jinja2 markupsafe ctranslate2 pyonmttok sacrebleu rapidfuzz pyahocorasick tensorboard portalocker regex lxml protobuf
    touch v/lib/python3*/site-packages/{fasttext,spacy}.py         # imported, and not used for this
    export OMP_NUM_THREADS=1
    v/bin/python examples/serve/opennmt.py train pairs.tsv folder [STEPS]
    v/bin/python examples/serve/opennmt.py serve folder 5000
"""

import collections
import json
import os
import sys
from pathlib import Path

import torch.nn.functional

# The Transformer's; an RNN does without it, and with a torch that is older than it.
if not hasattr(torch.nn.functional, "scaled_dot_product_attention"):
    torch.nn.functional.scaled_dot_product_attention = None

from onmt.bin import server, train
from onmt.decoders.decoder import RNNDecoderBase

begin = RNNDecoderBase.init_state


def init_state(self, *encoded):
    """Begins a decoder of one layer as the upper layer of the encoder ended."""
    begin(self, *encoded)
    self.state["hidden"] = tuple(state[-1:] for state in self.state["hidden"])


RNNDecoderBase.init_state = init_state

SIZES = """
save_data: data
src_vocab: source.vocab
tgt_vocab: target.vocab
data: {corpus: {path_src: source.txt, path_tgt: target.txt}}
save_model: model
encoder_type: brnn
decoder_type: rnn
enc_layers: 2
dec_layers: 1
word_vec_size: 128
hidden_size: 512
rnn_type: LSTM
input_feed: 0
global_attention: dot
bridge: true
dropout: [0.0]
batch_size: 64
batch_type: sents
optim: adam
learning_rate: 0.001
num_workers: 0
seed: 1
"""


def write(name, lines):
    """A side of the pairs, symbols between spaces, and how often each symbol is there."""
    Path(f"{name}.txt").write_text("\n".join(lines) + "\n")
    counts = collections.Counter(symbol for line in lines for symbol in line.split())
    Path(f"{name}.vocab").write_text("".join(f"{symbol}\t{count}\n" for symbol, count in counts.most_common()))


def run(program, *args):
    sys.argv = [program.__name__, *args]
    program.main()


if sys.argv[1] == "train":
    pairs = [line.split("\t") for line in Path(sys.argv[2]).read_text().splitlines()]
    folder, steps = sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "1000"
    os.makedirs(folder, exist_ok=True)
    os.chdir(folder)
    write("source", [" ".join(pair[0]) for pair in pairs])
    write("target", [pair[1] for pair in pairs])
    Path("train.yaml").write_text(SIZES + f"train_steps: {steps}\nsave_checkpoint_steps: {steps}\n")
    run(train, "-config", "train.yaml")
else:
    folder, port = sys.argv[2:]
    os.chdir(folder)
    trained = max(Path().glob("model_step_*.pt"), key=lambda path: path.stat().st_mtime)
    options = {"gpu": -1, "beam_size": 1, "n_best": 1, "batch_size": 64, "max_length": 60}
    model = {"id": 0, "model": trained.name, "timeout": -1, "on_timeout": "to_cpu", "load": True, "opt": options}
    Path("server.json").write_text(json.dumps({"models_root": ".", "models": [model]}))
    run(server, "--ip", "127.0.0.1", "--port", port, "--model_config", "server.json")
