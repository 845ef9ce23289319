"""Trains tiny JoeyNMT 2.3.0 models and translates with them.

    pip install --no-deps joeynmt==2.3.0; pip install torch pyyaml sacrebleu numpy tqdm packaging ...
    OMP_NUM_THREADS=1 PYTHONPATH=empty python joey.py DATA OUT [NAME...]

`empty` holds empty packages for what JoeyNMT imports and here has no use for. DATA is what data.py has written. OUT gets, for
each architecture, NAME/best.ckpt without the optimizer's state, which is most of a checkpoint, NAME/config.yaml,
NAME/{src,trg}_vocab.txt, and NAME/greedy.txt and NAME/beam.txt: the toolkit's translations of test.src, each line its log
probability, a tab, and its tokens.
"""

import copy
import sys
from pathlib import Path

import torch
import yaml

# Of each architecture: encoder, decoder.
MODELS = {
    "lstm-luong-bridge": (
        {"rnn_type": "lstm", "embeddings": {"embedding_dim": 12, "scale": True}, "hidden_size": 10, "num_layers": 2},
        {"rnn_type": "lstm", "embeddings": {"embedding_dim": 12, "scale": True}, "hidden_size": 18, "num_layers": 2,
         "input_feeding": True, "init_hidden": "bridge", "attention": "luong"},
    ),
    "gru-bahdanau-last": (
        {"rnn_type": "gru", "embeddings": {"embedding_dim": 12, "scale": False}, "hidden_size": 16, "num_layers": 1},
        {"rnn_type": "gru", "embeddings": {"embedding_dim": 14, "scale": False}, "hidden_size": 16, "num_layers": 1,
         "input_feeding": False, "init_hidden": "last", "attention": "bahdanau"},
    ),
    "lstm-bahdanau-zero": (
        {"rnn_type": "lstm", "embeddings": {"embedding_dim": 12, "scale": False}, "hidden_size": 12, "num_layers": 1},
        {"rnn_type": "lstm", "embeddings": {"embedding_dim": 12, "scale": False}, "hidden_size": 20, "num_layers": 1,
         "input_feeding": True, "init_hidden": "zero", "attention": "bahdanau"},
    ),
}


def config(data, folder, encoder, decoder):
    side = {"max_length": 100, "lowercase": False, "level": "word", "voc_min_freq": 1}
    return {
        "name": "tiny",
        "joeynmt_version": "2.3.0",
        "model_dir": str(folder),
        "use_cuda": False,
        "fp16": False,
        "random_seed": 5,
        "data": {
            "train": str(data / "train"), "dev": str(data / "valid"), "test": str(data / "test"), "dataset_type": "plain",
            "src": {"lang": "src", **side}, "trg": {"lang": "tgt", **side},
        },
        "testing": {"beam_size": 1, "beam_alpha": -1, "batch_size": 1, "max_output_length": 30, "return_prob": "hyp",
                    "eval_metrics": [], "min_output_length": 1},
        "training": {"optimizer": "adam", "learning_rate": 0.005, "batch_size": 64, "batch_type": "sentence", "epochs": 12,
                     "validation_freq": 300, "logging_freq": 100, "overwrite": True, "keep_best_ckpts": 1,
                     "early_stopping_metric": "loss", "normalization": "tokens", "scheduling": "exponential", "decrease_factor": 0.9},
        "model": {
            "initializer": "xavier_uniform", "embed_initializer": "normal", "embed_init_weight": 0.3,
            "encoder": {"type": "recurrent", "bidirectional": True, "dropout": 0.0, **encoder},
            "decoder": {"type": "recurrent", "dropout": 0.0, "hidden_dropout": 0.0, **decoder},
        },
    }


def translate(cfg, beam):
    from joeynmt.config import parse_global_args
    from joeynmt.prediction import predict, prepare

    cfg = copy.deepcopy(cfg)
    cfg["testing"]["beam_size"] = beam
    args = parse_global_args(cfg, rank=0, mode="test")
    model, _, _, test = prepare(args, rank=0, mode="test")
    test.reset_indices(random_subset=-1)
    # Greedy search gives the log probability of each token, a beam the sum of them.
    _, _, _, tokens, scores, _ = predict(model=model, data=test, device=args.device, n_gpu=args.n_gpu, args=args.test,
                                         num_workers=0, autocast=args.autocast)
    for sentence, score in zip(tokens, scores):
        ended = sentence[-1] == "</s>"
        yield float(score.sum() if beam > 1 else score[:len(sentence)].sum()), sentence[:-1] if ended else sentence


def main():
    from joeynmt.__main__ import main as joey

    data, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    for name in sys.argv[3:] or MODELS:
        folder = out / name
        folder.parent.mkdir(parents=True, exist_ok=True)
        cfg = config(data, folder, *MODELS[name])
        written = out / f"{name}.yaml"
        written.write_text(yaml.safe_dump(cfg))
        sys.argv = ["joeynmt", "train", str(written), "--skip-test"]
        joey()
        for search, beam in {"greedy": 1, "beam": 5}.items():
            rows = translate(cfg, beam)
            (folder / f"{search}.txt").write_text("".join(f"{score:.6f}\t{' '.join(tokens)}\n" for score, tokens in rows))
        best = torch.load(folder / "best.ckpt", weights_only=False)
        torch.save({key: value for key, value in best.items() if key != "optimizer_state"}, folder / "stripped.ckpt")


main()
