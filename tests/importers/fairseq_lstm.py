"""Trains tiny models with fairseq 0.12.2's `lstm` module and translates with its SequenceGenerator.

    pip download --no-deps --only-binary :all: --python-version 3.8 --platform manylinux1_x86_64 fairseq==0.12.2
    python -m zipfile -e fairseq-0.12.2-*.whl UNPACKED; pip install torch numpy
    OMP_NUM_THREADS=1 python fairseq_lstm.py UNPACKED DATA OUT

fairseq itself wants a Python and a Hydra of years ago. Its model, its dictionary and its search want nothing but PyTorch: here they
are imported from the unpacked package without the packages around them, and trained by a loop of our own. A checkpoint is
saved with the keys that fairseq's trainer gives it, with `args` as before 0.10, or with `cfg` as since. DATA is what data.py
has written. OUT gets, for each architecture, NAME/checkpoint.pt, NAME/dict.src.txt, NAME/dict.tgt.txt, and
NAME/greedy.txt and NAME/beam.txt: translations of test.src, each line its score (--lenpen 1: the mean log probability of a
token), a tab, and its tokens.
"""

import argparse
import random
import sys
import types
from pathlib import Path

import torch
import torch.nn.functional as F

UNPACKED, DATA, OUT = map(Path, sys.argv[1:4])


def package(name, **contents):
    """A package that finds its modules but does not run its own code."""
    module = types.ModuleType(name)
    module.__path__ = [str(UNPACKED / name.replace(".", "/"))]
    module.__dict__.update(contents)
    sys.modules[name] = module
    parent, _, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)
    return module


fairseq = package("fairseq")
models = package("fairseq.models")
modules = package("fairseq.modules")
package("fairseq.data")
package("fairseq.logging")
file_io = package("fairseq.file_io", PathManager=types.SimpleNamespace(open=open, get_local_path=str, mkdirs=str))

from fairseq import utils  # noqa: E402

data_utils = package("fairseq.data.data_utils")

from fairseq.data.dictionary import Dictionary  # noqa: E402
from fairseq.models.fairseq_encoder import FairseqEncoder  # noqa: E402

models.FairseqEncoder = FairseqEncoder
from fairseq.models.fairseq_decoder import FairseqDecoder  # noqa: E402

models.FairseqDecoder = FairseqDecoder
from fairseq.models.fairseq_incremental_decoder import FairseqIncrementalDecoder  # noqa: E402

models.FairseqIncrementalDecoder = FairseqIncrementalDecoder


class EncoderDecoder(torch.nn.Module):
    """What the search asks of a FairseqEncoderDecoderModel."""

    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def max_decoder_positions(self):
        return self.decoder.max_positions()

    def max_positions(self):
        return self.encoder.max_positions(), self.decoder.max_positions()

    def get_normalized_probs(self, net_output, log_probs, sample=None):
        return self.decoder.get_normalized_probs(net_output, log_probs, sample)


models.FairseqEncoderDecoderModel = EncoderDecoder
models.register_model = lambda name: lambda model: model
models.register_model_architecture = lambda model, name: lambda architecture: architecture
from fairseq.modules.fairseq_dropout import FairseqDropout  # noqa: E402

modules.FairseqDropout = FairseqDropout
modules.AdaptiveSoftmax = None
from fairseq.models import lstm  # noqa: E402
from fairseq.sequence_generator import SequenceGenerator  # noqa: E402

# Of each architecture, its options and whether the checkpoint is of the new kind.
MODELS = {
    "bidirectional-args": (
        dict(encoder_embed_dim=12, encoder_hidden_size=10, encoder_layers=1, encoder_bidirectional=True,
             decoder_embed_dim=12, decoder_hidden_size=16, decoder_layers=1, decoder_out_embed_dim=10),
        False,
    ),
    "two-layers-tied-cfg": (
        dict(encoder_embed_dim=12, encoder_hidden_size=18, encoder_layers=2,
             decoder_embed_dim=18, decoder_hidden_size=18, decoder_layers=2, decoder_out_embed_dim=18,
             share_decoder_input_output_embed=True),
        True,
    ),
}


def lines(name):
    return [line.split() for line in (DATA / name).read_text().splitlines()]


def dictionary(sentences):
    made = Dictionary()
    for sentence in sentences:
        for word in sentence:
            made.add_symbol(word)
    made.finalize(padding_factor=8)
    return made


def collate(rows, pad, left):
    longest = max(map(len, rows))
    fill = [[pad] * (longest - len(row)) for row in rows]
    return torch.tensor([some + row if left else row + some for row, some in zip(rows, fill)])


def ids(words, made):
    return [made.index(word) for word in words] + [made.eos()]


def train(model, source, target, pairs):
    draw = random.Random(3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    updates = 0
    model.train()
    for _ in range(12):
        draw.shuffle(pairs)
        for first in range(0, len(pairs), 64):
            batch = sorted(pairs[first:first + 64], key=lambda pair: -len(pair[0]))
            sources = collate([pair[0] for pair in batch], source.pad(), True)
            targets = collate([pair[1] for pair in batch], target.pad(), False)
            # The end of a target begins it.
            previous = collate([[target.eos()] + pair[1][:-1] for pair in batch], target.pad(), False)
            output, _ = model(sources, torch.tensor([len(pair[0]) for pair in batch]), previous)
            loss = F.cross_entropy(output.flatten(0, 1), targets.flatten(), ignore_index=target.pad())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            updates += 1
    print(f"loss {loss.item():.3f} after {updates} updates")
    return updates


def translate(model, source, target, beam):
    generator = SequenceGenerator([model], target, beam_size=beam, max_len_b=30, len_penalty=1.0)
    model.eval()
    for words in lines("test.src"):
        row = ids(words, source)
        sample = {"net_input": {"src_tokens": torch.tensor([row]), "src_lengths": torch.tensor([len(row)])}}
        best = generator.generate([model], sample)[0][0]
        yield float(best["score"]), [target[int(token)] for token in best["tokens"] if token != target.eos()]


def main():
    torch.manual_seed(11)
    sources, targets = lines("train.src"), lines("train.tgt")
    for name, (options, new) in MODELS.items():
        folder = OUT / name
        folder.mkdir(parents=True, exist_ok=True)
        source, target = dictionary(sources), dictionary(targets)
        source.save(str(folder / "dict.src.txt"))
        target.save(str(folder / "dict.tgt.txt"))
        args = argparse.Namespace(arch="lstm", criterion="cross_entropy", source_lang="src", target_lang="tgt", dropout=0.0,
                                  **options)
        task = types.SimpleNamespace(source_dictionary=source, target_dictionary=target)
        model = lstm.LSTMModel.build_model(args, task)
        pairs = [(ids(some, source), ids(others, target)) for some, others in zip(sources, targets)]
        updates = train(model, source, target, pairs)
        state = {"model": model.state_dict(), "optimizer_history": [{"num_updates": updates, "optimizer_name": "FairseqAdam"}],
                 "extra_state": {"epoch": 12}, "last_optimizer_state": None}
        if new:
            cfg = {"_name": None, "model": args, "task": {"_name": "translation", "source_lang": "src", "target_lang": "tgt"}}
            state |= {"args": None, "cfg": cfg}
        else:
            state["args"] = args
        torch.save(state, folder / "checkpoint.pt", _use_new_zipfile_serialization=new)
        with torch.no_grad():
            for search, beam in {"greedy": 1, "beam": 5}.items():
                rows = translate(model, source, target, beam)
                text = "".join(f"{score:.6f}\t{' '.join(tokens)}\n" for score, tokens in rows)
                (folder / f"{search}.txt").write_text(text)


main()
