"""A finished run: its folder, its encoder, and what to do with it."""

from __future__ import annotations

import functools
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np

from unlabeled import catalog, job
from unlabeled.data import Store, open_data, open_known, open_labeled
from unlabeled.encoders import Encoder, Shape, Words
from unlabeled.errors import UsageError
from unlabeled.method import Method
from unlabeled.train import checkpoint, weights
from unlabeled.train.disk import beside, write_json
from unlabeled.train.folder import RunFolder

REPLACED = "What evaluation.json kept was by another protocol or other seeds: this replaces it."


class Run:
    """A run folder, opened. Nothing is read from it before it is needed.

    Attributes:
        folder: Where it lies.
        config: Every setting, with the command that repeats it.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.config: dict[str, Any] = RunFolder.config_of(self.folder)

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    @property
    def shape(self) -> Shape:
        """What the samples are."""
        return Shape(**self.config["shape"])

    @functools.cached_property
    def encoder(self) -> Encoder:
        """The trained encoder, in evaluation mode.

        Raises:
            UsageError: Where the run has not ended; `unlabeled pretrain --resume` ends it.
        """
        if not (self.folder / weights.FILE).exists():
            raise UsageError(
                f"{self.folder} has no encoder yet: the run has not ended",
                hint=f"unlabeled pretrain --resume {self.folder}",
            )
        return weights.encoder(self.folder, self.config)

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary of a run on text, word 0 being the padding."""
        path = self.folder / "vocabulary.json"
        return tuple(json.loads(path.read_text())) if path.exists() else ()

    @property
    def verdict(self) -> dict[str, Any]:
        """What the run's own diagnosis said at its end, without labels."""
        path = self.folder / "verdict.json"
        return json.loads(path.read_text()) if path.exists() else {}

    @property
    def times(self) -> dict[str, Any]:
        """When the run "began" and the "seconds" that it trained, over all its resumptions."""
        path = self.folder / "times.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl."""
        path = self.folder / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    @property
    def form(self) -> Store:
        """No samples, but all that others must look like: shape, vocabulary and value range."""
        spans = {k: tuple(span) for k, span in self.config["data"].get("spans", {}).items()}
        return Store(np.empty(0), self.shape, [], words=self.words, extra={"spans": spans})

    def reading(
        self,
        *,
        allow_bad: float | None = None,
        download: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> dict[str, Any]:
        """The settings of `open_data` by which the run's own samples were read.

        Args:
            allow_bad: Share of files that may be unreadable; the run's own if None.
            download: Whether a named set may be fetched.
            progress: Called with (done, of) as pictures are decoded.
        """
        own = {**self.config["reading"], "download": download, "progress": progress}
        return own if allow_bad is None else {**own, "allow_bad": allow_bad}

    def data(self, data: Any = None, **said: Any) -> Store:
        """The samples of `data`, or of the run itself, read as the run's were.

        Args:
            data: Anything that `pretrain` takes.
            said: As for `reading`.

        Raises:
            DataError: Where it is of another modality than the run's, or cannot be made to fit.
        """
        if data is None:
            return open_data(self.config["data"]["source"], **self.reading(**said))
        return open_data(data, like=self.form, **self.reading(**said))

    def embed(self, data: Any = None, *, layer: str = "out") -> np.ndarray:
        """One vector a sample: `(n, d)` float32, in the order of the data."""
        from unlabeled.evaluate import embed

        return embed(self.encoder, self.data(data), layers=(layer,))[layer]

    def energies(self, data: Any = None) -> np.ndarray:
        """How badly each sample fits what the method learnt: `(n,)` float32, higher is stranger.

        The loss of each sample by itself, in the loss's units, averaged over eight draws of its
        views; where samples are told apart, also of who is beside it, in batches of about 256. So
        they compare within one call, and say what is new only where training saw none of it.

        Raises:
            UsageError: Where they say nothing of a sample: of text, whose energies grow with its
                length; of a method that shows other samples in their place; where all are alike.

        Warns:
            UserWarning: Where they are mostly chance: other draws would say something else.
        """
        from unlabeled.evaluate.energies import STEADY, own_energies

        store = self.data(data)
        found, steady = own_energies(self.method(store), store, seed=self.config["seed"])
        if steady < STEADY:
            warnings.warn(f"mostly chance: the energies' reliability is {steady:.2f}", stacklevel=2)
        return found.numpy()

    def write_embeddings(
        self, data: Any, out: str | Path, *, layer: str = "out", energy: bool = False
    ) -> int:
        """Write a parquet file with columns `key` and `embedding`; the number of rows.

        With `energy` there is a third, as `energies` has it, with its errors.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        store = self.data(data)
        vectors = self.embed(store, layer=layer)
        column = pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])
        keys = [key.encode("utf-8", "backslashreplace").decode() for key in store.keys]
        more = {"energy": self.energies(store)} if energy else {}
        with beside(Path(out)) as path:
            pq.write_table(pa.table({"key": keys, "embedding": column, **more}), path)
        return len(store)

    def evaluate(
        self,
        *,
        train: Any = None,
        test: Any = None,
        download: bool = False,
        allow_bad: float | None = None,
        progress: Callable[[int, int], None] | None = None,
        **settings: Any,
    ) -> dict[str, Any]:
        """Judge the frozen encoder with labels, beside its baselines.

        Args:
            train: Labelled samples, or (samples, labels); None for words.
            test: The same, to score.
            download: Whether a named set may be fetched.
            allow_bad: Share of files that may be unreadable; the run's own if None.
            progress: Called with (done, of) as pictures are decoded.
            settings: Of `unlabeled.evaluate.evaluate`: protocols, layers, baselines, draws, epochs,
                groups.
                The untrained network's seed is the run's, if nothing else is said.

        Returns:
            Accuracies in percent by protocol, with the baselines and the "seeds" of the run and of
            the untrained network. The run's folder keeps it as evaluation.json: merged with what is
            there already where protocol and seeds are the same, else in its place, and then the
            "notes" say so.
        """
        from unlabeled.evaluate import evaluate, evaluate_words
        from unlabeled.evaluate.kept import merged

        settings = {"seed": self.config["seed"], **settings}
        if self.shape.modality == "text" and train is None:
            result = evaluate_words(cast("Words", self.encoder), self.words, store=self.data())
        elif train is None or test is None:
            raise UsageError(
                "labelled data to train a probe on and to test it on are needed",
                hint="--train fashion-mnist:train --test fashion-mnist:test",
            )
        else:
            said = self.reading(allow_bad=allow_bad, download=download, progress=progress)
            (a, la), (b, lb) = (open_labeled(d, like=self.form, **said) for d in (train, test))
            lb = lb.aligned(la.names)  # classes are numbered per set
            if {"future", "energy"} & set(settings.get("protocols", ())):
                settings["method"] = self.method(b)
            result = evaluate(
                self.encoder, (a, la.values), (b, lb.values), steps=self.config["steps"], **settings
            )
        seeds = {"run": self.config["seed"], "untrained": settings["seed"]}
        result["seeds"] = {k: seed for k, seed in seeds.items() if k in {"run", *result["scores"]}}
        path = self.folder / "evaluation.json"
        kept = json.loads(path.read_text()) if path.exists() else None
        whole = merged(kept, result) if kept else result
        write_json(path, whole or result)
        return result if whole else {**result, "notes": [*result.get("notes", ()), REPLACED]}

    def diagnose(self, data: Any = None) -> dict[str, Any]:
        """Judge the encoder without labels, on the run's own data or on other: words and numbers.

        Its numbers are compared with those of the same network untrained, on the same samples; on
        the run's own data its course is judged, too.
        """
        from unlabeled.diagnose import diagnose, looks
        from unlabeled.evaluate.baselines import untrained

        contrasts = catalog.load(self.config["method"]).contrasts
        store = self.data(data)
        own = store.fingerprint == self.config["data"]["fingerprint"]
        return diagnose(
            self.encoder,
            store,
            untrained=untrained(self.encoder, store, self.config["seed"]),
            history=looks(self.metrics()) if own else (),
            contrasted=self.config["recipe"]["batch"] if contrasts else None,
        )

    def method(self, store: Store) -> Method[Any]:
        """The method as it was at the end, heads and all; on the CPU where its device is not here.

        Args:
            store: The samples that it shall be asked about, as `data()` opens them: some methods
                prepare from them.
        """
        method = job.method(self.config, store)
        checkpoint.read_method(self.folder / "checkpoints", method)
        return method

    def report(self, data: Any = None, **said: Any) -> Path:
        """Write RUN/report.html and return its path.

        Args:
            data: Samples to show, or what `open_apart` gave; the run's own if None. Where they have
                labels, these are shown beside them, and nothing is chosen by them.
            said: As for `reading`.
        """
        from unlabeled.report.gather import content
        from unlabeled.report.page import write

        like = None if data is None else self.form
        source = self.config["data"]["source"] if data is None else data
        store, labels = open_known(source, like, **self.reading(**said))
        path = self.folder / "evaluation.json"
        page = content(
            self.config,
            catalog.card(self.config["method"]),
            store,
            self.method(store),
            self.metrics(),
            self.verdict,
            json.loads(path.read_text()) if path.exists() else {},
            self.times,
            labels,
        )
        return write(self.folder / "report.html", page)

    def summary(self) -> dict[str, Any]:
        """The run in one JSON object."""
        return {
            "run": str(self.folder),
            "verdict": self.verdict,
            "steps": self.config["steps"],
            "command": self.config["command"],
        }


def load(folder: str | Path) -> Run:
    """Open a run's folder.

    Raises:
        UsageError: Where it holds no run.
    """
    return Run(folder)
