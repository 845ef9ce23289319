"""g2p_words.py words.txt: what the network of g2p_en says of each word, without its dictionary and its tagger."""

import sys
from unittest.mock import MagicMock

# The data of these cannot be installed, and the network asks none of them.
for name in ["nltk", "nltk.corpus", "nltk.tokenize", "inflect"]:
    sys.modules[name] = MagicMock()

from g2p_en import G2p  # noqa: E402

g2p = G2p()
for word in open(sys.argv[1], encoding="utf-8"):
    print(*g2p.predict(word.strip()))
