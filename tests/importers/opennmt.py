"""Trains tiny OpenNMT-py 3.5.1 models and translates with them.

    pip install --no-deps OpenNMT-py==3.5.1; pip install torch pyonmttok ctranslate2 configargparse pyyaml sacrebleu six ...
    mkdir empty/spacy; touch empty/spacy/__init__.py          # OpenNMT-py imports it and here has no use for it
    OMP_NUM_THREADS=1 PYTHONPATH=empty python opennmt.py DATA OUT

DATA is what data.py has written. OUT gets, for each architecture, NAME/model.pt as the toolkit's own onmt_release_model leaves
it, and NAME/greedy.txt and NAME/beam.txt: the toolkit's translations of test.src, each line its score, a tab, and its tokens.
Scores are log probabilities: --length_penalty none.
"""

import subprocess
import sys
from pathlib import Path

import torch

# torch.load of today refuses checkpoints that hold an argparse.Namespace, unless it is told that they are trusted. Scores of a
# beam are numbers, of which -with_score asks what only tensors have.
PRELUDE = """
import sys, torch
load = torch.load
torch.load = lambda *args, **kwargs: load(*args, **{**kwargs, "weights_only": False})
import onmt.translate.translation as translation
made = translation.Translation.__init__
def make(self, src, srclen, pred_sents, attn, pred_scores, *rest):
    made(self, src, srclen, pred_sents, attn, [torch.as_tensor(float(score), dtype=torch.float64) for score in pred_scores], *rest)
translation.Translation.__init__ = make
"""

# Of each architecture, its options.
MODELS = {
    "lstm-general-bridge": """
encoder_type: brnn
rnn_type: LSTM
layers: 2
hidden_size: 20
word_vec_size: 12
global_attention: general
input_feed: 1
bridge: true
""",
    "gru-mlp": """
encoder_type: rnn
rnn_type: GRU
layers: 1
hidden_size: 24
word_vec_size: 12
global_attention: mlp
input_feed: 0
""",
    "lstm-dot-shared": """
encoder_type: brnn
rnn_type: LSTM
layers: 1
hidden_size: 24
word_vec_size: 24
global_attention: dot
input_feed: 1
share_vocab: true
share_embeddings: true
share_decoder_embeddings: true
""",
    "gru-general-bridge": """
encoder_type: brnn
rnn_type: GRU
layers: 1
hidden_size: 24
word_vec_size: 12
global_attention: general
input_feed: 1
bridge: true
save_format: safetensors
""",
}

COMMON = """
data:
  corpus_1: {{path_src: {data}/train.src, path_tgt: {data}/train.tgt}}
  valid: {{path_src: {data}/valid.src, path_tgt: {data}/valid.tgt}}
src_vocab: {out}/vocab.src
tgt_vocab: {out}/vocab.tgt
save_data: {out}/vocab
overwrite: true
save_model: {out}/train
model_type: text
model_dtype: fp32
decoder_type: rnn
vocab_size_multiple: 1
optim: adam
learning_rate: 0.005
dropout: [0.0]
attention_dropout: [0.0]
batch_type: sents
batch_size: 64
valid_steps: 10000
train_steps: {steps}
save_checkpoint_steps: {steps}
report_every: 100
num_workers: 0
bucket_size: 6000
seed: 3
"""

# Trained for longer, this one multiplies errors of rounding: two sums of 32 bits then differ by 2e-4.
STEPS = {"gru-general-bridge": 500}
DEFAULT_STEPS = 1500


def run(module, *options):
    code = PRELUDE + f"from {module} import main; sys.argv = ['onmt'] + {list(map(str, options))!r}; main()"
    subprocess.run([sys.executable, "-c", code], check=True)


def main():
    data, out = map(Path, sys.argv[1:3])
    chosen = sys.argv[3:] or MODELS
    for name in chosen:
        steps = STEPS.get(name, DEFAULT_STEPS)
        folder = (out / name).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "config.yaml"
        config.write_text(COMMON.format(data=data.resolve(), out=folder, steps=steps) + MODELS[name])
        run("onmt.bin.build_vocab", "-config", config, "-n_sample", "-1")
        run("onmt.bin.train", "-config", config)
        trained = folder / f"train_step_{steps}.pt"
        tensors = folder / f"train_step_{steps}.safetensors"
        if tensors.exists():
            # It saves the one name and asks for the other.
            tensors.rename(folder / f"train_step_{steps}.00.safetensors")
        else:
            run("onmt.bin.release_model", "--model", trained, "--output", folder / "model.pt", "--format", "pytorch")
        for search, options in {"greedy": ["-beam_size", "1"], "beam": ["-beam_size", "5"]}.items():
            report = folder / f"{search}.report"
            run("onmt.bin.translate", "-model", trained, "-src", data / "test.src", "-output", folder / f"{search}.out",
                "-with_score", "-length_penalty", "none", "-max_length", "30", "-max_length_ratio", "20", "-gpu", "-1", "-batch_size", "1",
                "-log_file", report, *options)
            lines = (folder / f"{search}.out").read_text().splitlines()
            rows = [line.rsplit("\t", 1) for line in lines]
            text = "".join(f"{float(score):.6f}\t{tokens}\n" for tokens, score in rows)
            (folder / f"{search}.txt").write_text(text)


main()
