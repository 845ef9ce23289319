"""Trains a tiny OpenNMT-py 1.2.0 model, whose vocabularies are torchtext's fields, and translates with it.

    pip download --no-deps OpenNMT-py==1.2.0 torchtext==0.4.0; python -m zipfile -e each of them into OLD
    pip install torch configargparse six requests tqdm pyyaml tensorboard ...
    OMP_NUM_THREADS=1 PYTHONPATH=OLD python opennmt_1.py DATA OUT

OUT gets lstm-fields/model.pt, in the form that PyTorch had before 1.6, and greedy.txt and beam.txt beside it: scores are log
probabilities, as this version has them by default. Of greedy search it tells only that of the last token, so nan stands there.
"""

import sys
from pathlib import Path

import torch

# torch.load of today refuses checkpoints that hold objects, unless it is told that they are trusted.
load = torch.load
torch.load = lambda *args, **kwargs: load(*args, **{**kwargs, "weights_only": False})

STEPS = 600


def run(module, *options):
    sys.argv = ["onmt", *map(str, options)]
    __import__(f"onmt.bin.{module}", fromlist=["main"]).main()


def translate(model, sources, beam):
    from onmt.opts import translate_opts
    from onmt.translate.translator import build_translator
    from onmt.utils.parse import ArgumentParser

    parser = ArgumentParser()
    translate_opts(parser)
    options = parser.parse_args(["-model", str(model), "-src", str(sources), "-beam_size", str(beam), "-max_length", "30"])
    options.output = "/dev/null"
    scores, predictions = build_translator(options, report_score=False).translate(
        src=sources.read_text().splitlines(keepends=True), batch_size=1)
    shown = [float("nan") if beam == 1 else float(score[0]) for score in scores]
    return "".join(f"{score:.6f}\t{text[0]}\n" for score, text in zip(shown, predictions))


def main():
    data, out = Path(sys.argv[1]), Path(sys.argv[2]) / "lstm-fields"
    out.mkdir(parents=True, exist_ok=True)
    run("preprocess", "-train_src", data / "train.src", "-train_tgt", data / "train.tgt", "-valid_src", data / "valid.src",
        "-valid_tgt", data / "valid.tgt", "-save_data", out / "data", "--overwrite")
    run("train", "-data", out / "data", "-save_model", out / "train", "-encoder_type", "brnn", "-layers", "1", "-rnn_size", "20",
        "-word_vec_size", "12", "-global_attention", "general", "-bridge", "-optim", "adam", "-learning_rate", "0.005", "-dropout", "0.1",
        "-train_steps", STEPS, "-save_checkpoint_steps", STEPS, "-valid_steps", "10000", "-batch_size", "64", "-seed", "3")
    torch.save({**torch.load(out / f"train_step_{STEPS}.pt"), "optim": None}, out / "model.pt", _use_new_zipfile_serialization=False)
    for search, beam in {"greedy": 1, "beam": 5}.items():
        (out / f"{search}.txt").write_text(translate(out / "model.pt", data / "test.src", beam))


main()
