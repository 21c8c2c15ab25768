"""What word vectors know: which words people find alike, analogies, and parts of speech."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from unlabeled.data.named import wordnet
from unlabeled.data.packages import carried
from unlabeled.data.store import Store
from unlabeled.encoders import PAD, Words
from unlabeled.errors import DataError, MachineError
from unlabeled.evaluate.judge import digest
from unlabeled.evaluate.linear import folds, linear

WINDOW = 5
DRAWS = 1000  # of the bootstrap
LISTS = {"WordSim-353": "wordsim353.tsv", "SimLex-999": "simlex999.txt"}
ANALOGIES = "questions-words.txt"
SEMANTIC = 5  # of its sections, the first ones; the others are syntactic
HELD = 5  # one word in so many is named by the probe, the others teach it
FEWEST = 100  # words that the probe needs
BATCH = 256  # analogies at a time

Pairs: TypeAlias = list[tuple[str, str, float]]
Analogies: TypeAlias = Mapping[str, Sequence[Sequence[str]]]
"""By kind, "semantic" or "syntactic": questions of four words, the last one the answer."""


def evaluate_words(encoder: Words, words: Sequence[str], store: Store) -> dict[str, Any]:
    """Judge a table of word vectors beside two baselines.

    Args:
        encoder: The table of word vectors.
        words: Its words, the padding first.
        store: The text it learned from, for the counted baseline.

    Returns:
        "scores" by name and column. WordSim-353 and SimLex-999: Spearman's "correlation" of
        cosines with people's judgements, as `correlate`. Semantic and syntactic analogies: the
        "accuracy", as `analogies`. Part of speech: the "accuracy" of a probe, as
        `part_of_speech`. What could not be measured here is said in "notes"; "settings", their hash
        "protocol" and the "seconds" it took as `evaluate`.

    Raises:
        MachineError: Where the lists are not there.
        DataError: Where the text has hardly any of their words.
    """
    began, vectors = time.perf_counter(), encoder.table.weight.detach().float()
    chance = torch.Generator().manual_seed(0)
    tables = {
        "encoder": vectors,
        "untrained": torch.rand(vectors.shape, generator=chance) - 0.5,
        "PPMI-SVD": ppmi_svd(torch.from_numpy(store.data), len(words), encoder.dim),
    }
    lists = {name: read_pairs(file) for name, file in LISTS.items()}
    questions = read_analogies()
    scores: dict[str, dict[str, Any]] = {
        who: {name: correlate(table, words, pairs) for name, pairs in lists.items()}
        | {f"{kind} analogies": x for kind, x in analogies(table, words, questions).items()}
        for who, table in tables.items()
    }
    notes = []
    try:
        kinds = read_parts_of_speech(words)
    except DataError as error:
        notes.append(f"parts of speech are left out: {error}")
    else:
        scores["majority"] = {}
        tables["majority"] = torch.zeros(len(words), 1)
        for who, table in tables.items():
            scores[who]["part of speech"] = part_of_speech(table, kinds)
    settings = {"words": len(words) - 1, "window": WINDOW}
    found = {"scores": scores, "settings": settings, "notes": notes, "protocol": digest(settings)}
    return {**found, "seconds": time.perf_counter() - began}


def read_pairs(file: str) -> Pairs:
    """Pairs of words with a score, from the lists that gensim carries.

    Raises:
        MachineError: Where gensim is neither installed nor its wheel in $UNLABELED_DATA.
    """
    lines = _listed(file)
    rows = [row for row in csv.reader(lines, delimiter="\t") if row[0][:1] != "#"]
    if rows[0][0] == "word1":  # SimLex-999 has a head and further columns
        at = rows[0].index("SimLex999") if "SimLex999" in rows[0] else 2
        return [(r[0].lower(), r[1].lower(), float(r[at])) for r in rows[1:]]
    return [(r[0].lower(), r[1].lower(), float(r[2])) for r in rows if _number(r[2])]


def read_analogies() -> Analogies:
    """The 19,544 questions of Mikolov et al. 2013, https://arxiv.org/abs/1301.3781.

    Raises:
        MachineError: As `read_pairs`.
    """
    found: dict[str, list[list[str]]] = {"semantic": [], "syntactic": []}
    section = 0
    for line in _listed(ANALOGIES):
        if line.startswith(":"):
            section += 1
        else:
            found["semantic" if section <= SEMANTIC else "syntactic"].append(line.lower().split())
    return found


def _listed(file: str) -> list[str]:
    """The lines of one of gensim's lists."""
    found = carried("gensim", f"gensim/test/test_data/{file}")
    if found is None:
        raise MachineError(
            "the lists WordSim-353 and SimLex-999 and the analogies are not here",
            hint="pip install gensim, whose test data holds them",
        )
    return found.decode().splitlines()


def read_parts_of_speech(words: Sequence[str]) -> dict[int, int]:
    """The words that WordNet knows as one part of speech alone, by their place in `words`.

    Adjectives are 0, adverbs 1, nouns 2 and verbs 3. Inflected words are not in WordNet.

    Raises:
        DataError: Where WordNet is not on this machine, or knows fewer than a hundred of them.
    """
    kinds: dict[str, list[int]] = {}
    for kind, path in enumerate(wordnet("index")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            kinds.setdefault(line.partition(" ")[0], []).append(kind)
    single = {word: found[0] for word, found in kinds.items() if len(found) == 1}
    known = {i: single[word] for i, word in enumerate(words) if word in single}
    if len(known) < FEWEST:
        raise DataError(f"WordNet knows {len(known)} of the words, and {FEWEST} are needed")
    return known


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


def analogies(vectors: Tensor, words: Sequence[str], questions: Analogies) -> dict[str, Any]:
    """Share of analogies solved by 3CosAdd: a is to b as c is to the word nearest to b - a + c.

    Nearest by cosine, all vectors at length 1, among all words but a, b and c; a tie is lost.

    Args:
        vectors: One a word, `(v, d)`.
        words: The words, the padding first; questions with others are left out.
        questions: By kind.

    Returns:
        By kind the "accuracy" in percent over the "n" questions whose words are all known, of
        "all"; kinds without any are left out.

    Source: Levy & Goldberg 2014, eq. 3, https://aclanthology.org/W14-1618.
    """
    at = {word: i for i, word in enumerate(words)}
    unit = F.normalize(vectors, dim=1)
    found = {}
    for kind, asked in questions.items():
        known = [[at[word] for word in q] for q in asked if all(word in at for word in q)]
        right = 0
        for rows in torch.tensor(known, dtype=torch.long).view(-1, 4).split(BATCH):
            a, b, c, _ = rows.T
            near = (unit[b] - unit[a] + unit[c]) @ unit.T
            near[:, PAD] = -torch.inf
            near.scatter_(1, rows[:, :3], -torch.inf)
            truth = near.gather(1, rows[:, 3:])  # never, where the answer is asked with
            near.scatter_(1, rows[:, 3:], -torch.inf)
            right += int((truth > near.amax(1, keepdim=True)).sum())
        if known:
            found[kind] = {"accuracy": 100 * right / len(known), "n": len(known), "all": len(asked)}
    return found


def part_of_speech(vectors: Tensor, kinds: Mapping[int, int]) -> dict[str, Any]:
    """Can a linear classifier tell a word's part of speech from its vector?

    Args:
        vectors: One a word, `(v, d)`. Where they are all the same, it is the commonest part.
        kinds: The part of speech of some of them.

    Returns:
        The "accuracy" in percent on every fifth of these words, drawn by chance within each part
        of speech, and how many they are, "n" of "all"; the others taught it.
    """
    places, labels = np.array(list(kinds)), np.array(list(kinds.values()))
    held = folds(labels, HELD, seed=0)[0]
    taught = np.setdiff1d(np.arange(len(places)), held)
    x = vectors[torch.from_numpy(places)].numpy()
    train, test = ((x[rows], labels[rows]) for rows in (taught, held))
    found = linear(train, test, classes=int(labels.max()) + 1)
    return {**found, "n": len(held), "all": len(places)}


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
