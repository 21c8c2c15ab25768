"""`unlabeled embed RUN DATA --out X.parquet`: one row a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def embed(
    run: Path,
    data: str,
    *,
    out: Path,
    layer: str = "out",
    energy: Annotated[bool, Parameter(negative=())] = False,
    allow_bad: float | None = None,
    download: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write the vector of every sample as a parquet file with columns key and embedding.

    The data is read as the run's was: its size, value range and vocabulary.

    Parameters
    ----------
    run:
        The run's folder.
    data:
        Anything that pretrain takes.
    out:
        The parquet file to write.
    layer:
        Which layer's vectors; `out` is the encoder's output.
    energy:
        Also write a column energy: how badly the sample fits what the method learnt; higher is
        stranger. To find what is new, the run must have learnt from normal samples alone.
    allow_bad:
        Share of files that may be unreadable; by default the run's.
    download:
        Let a named set be fetched from its home.
    """
    import unlabeled
    from unlabeled.log import Log

    done, progress = unlabeled.load(run), Log().decoding
    store = done.data(data, allow_bad=allow_bad, download=download, progress=progress)
    rows = done.write_embeddings(store, out, layer=layer, energy=energy)
    print(f"{out}: {rows} rows")
