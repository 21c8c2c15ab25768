"""Do words that people find alike lie close together? WordSim-353 and SimLex-999."""

from __future__ import annotations

import csv
import importlib.util
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlabeled.data.store import Store
from unlabeled.encoders import PAD, Words
from unlabeled.errors import DataError, MachineError

WINDOW = 5
DRAWS = 1000  # of the bootstrap
LISTS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}

Pairs = list[tuple[str, str, float]]


def evaluate_words(encoder: Words, words: Sequence[str], store: Store) -> dict[str, Any]:
    """Spearman correlation of cosines with people's judgements, beside two baselines.

    Args:
        encoder: The table of word vectors.
        words: Its words, the padding first.
        store: The text it learned from, for the counted baseline.

    Returns:
        "scores" by name and list: the "correlation", its 95 % "interval" over draws of the pairs,
        and the "pairs" whose words are both known, of "all".

    Raises:
        MachineError: Where the lists are not there.
        DataError: Where the text has hardly any of their words.
    """
    vectors = encoder.table.weight.detach().float()
    chance = torch.Generator().manual_seed(0)
    tables = {
        "encoder": vectors,
        "untrained": torch.rand(vectors.shape, generator=chance) - 0.5,
        "PPMI-SVD": ppmi_svd(torch.from_numpy(store.data), len(words), encoder.dim),
    }
    lists = {name: read_pairs(file) for name, file in LISTS.items()}
    scores = {
        who: {name: correlate(table, words, pairs) for name, pairs in lists.items()}
        for who, table in tables.items()
    }
    return {"scores": scores, "settings": {"words": len(words) - 1, "window": WINDOW}}


def read_pairs(file: str) -> Pairs:
    """Pairs of words with a score, from the lists that gensim's wheel carries.

    Raises:
        MachineError: Where gensim is neither installed nor its wheel in $UNLABELED_DATA.
    """
    text = _installed(file) or _in_wheel(file)
    if text is None:
        raise MachineError(
            "the lists WordSim-353 and SimLex-999 are not here",
            hint="pip install gensim, whose test data holds both",
        )
    rows = [row for row in csv.reader(text.splitlines(), delimiter="\t") if row[0][:1] != "#"]
    if rows[0][0] == "word1":  # SimLex-999 has a head and further columns
        at = rows[0].index("SimLex999") if "SimLex999" in rows[0] else 2
        return [(r[0].lower(), r[1].lower(), float(r[at])) for r in rows[1:]]
    return [(r[0].lower(), r[1].lower(), float(r[2])) for r in rows if _number(r[2])]


def _installed(file: str) -> str | None:
    spec = importlib.util.find_spec("gensim")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "test" / "test_data" / file
    return path.read_text() if path.exists() else None


def _in_wheel(file: str) -> str | None:
    folder = os.environ.get("UNLABELED_DATA")
    for wheel in sorted(Path(folder).glob("gensim-*.whl")) if folder else []:
        with zipfile.ZipFile(wheel) as opened:
            return opened.read(f"gensim/test/test_data/{file}").decode()
    return None


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def correlate(vectors: Tensor, words: Sequence[str], pairs: Pairs) -> dict[str, Any]:
    """Spearman's rank correlation over the pairs whose words are both known."""
    at = {word: i for i, word in enumerate(words)}
    known = [(at[a], at[b], s) for a, b, s in pairs if a in at and b in at]
    if len(known) < 2:
        raise DataError(
            f"the text has the words of {len(known)} of {len(pairs)} pairs; at least 2 are needed",
            hint="train on more English text; words must be lower case",
        )
    left, right = (torch.tensor([k[i] for k in known]) for i in (0, 1))
    cosine = torch.cosine_similarity(vectors[left], vectors[right]).numpy()
    truth = np.array([k[2] for k in known])
    chance = np.random.default_rng(0)
    draws = [chance.integers(0, len(known), len(known)) for _ in range(DRAWS)]
    low, high = np.percentile([spearman(cosine[d], truth[d]) for d in draws], [2.5, 97.5])
    return {
        "correlation": spearman(cosine, truth),
        "interval": [float(low), float(high)],
        "pairs": len(known),
        "all": len(pairs),
    }


def spearman(x: np.ndarray, y: np.ndarray) -> float:
    """Pearson's correlation of ranks; ties share their mean rank. 0 where either never varies."""
    a, b = (_ranks(v) - (len(v) + 1) / 2 for v in (x, y))
    scale = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / scale if scale else 0.0


def _ranks(x: np.ndarray) -> np.ndarray:
    _, where, counts = np.unique(x, return_inverse=True, return_counts=True)
    last = counts.cumsum()
    return (last - (counts - 1) / 2)[where]


@torch.sparse.check_sparse_tensor_invariants(enable=True)  # pyright: ignore
def ppmi_svd(tokens: Tensor, vocabulary: int, dim: int) -> Tensor:
    """Word vectors by counting: positive pointwise mutual information, factorised.

    Source: Levy, Goldberg & Dagan 2015, https://doi.org/10.1162/tacl_a_00134; symmetric form.
    """
    tokens = tokens.long()
    rows, columns = [], []
    for distance in range(1, WINDOW + 1):
        a, b = tokens[:, :-distance].flatten(), tokens[:, distance:].flatten()
        there = (a != PAD) & (b != PAD)
        rows += [a[there], b[there]]
        columns += [b[there], a[there]]
    index = torch.stack([torch.cat(rows), torch.cat(columns)])
    ones = torch.ones(index.shape[1])
    counts = torch.sparse_coo_tensor(index, ones, (vocabulary, vocabulary)).coalesce()
    (i, j), n = counts.indices(), counts.values().double()
    total = torch.zeros(vocabulary, dtype=torch.double).index_add_(0, i, n)
    pmi = (n * n.sum() / (total[i] * total[j])).log().clamp(min=0).float()
    matrix = torch.sparse_coo_tensor(counts.indices(), pmi, counts.shape).coalesce()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # of the random projection that the factorisation starts from
        u, s, _ = torch.svd_lowrank(matrix, q=dim, niter=4)
    return u * s.sqrt()
