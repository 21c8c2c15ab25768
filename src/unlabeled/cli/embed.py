"""`unlabeled embed RUN DATA --out X.parquet`: one row a sample."""

from __future__ import annotations

from pathlib import Path


def embed(run: Path, data: str, *, out: Path, layer: str = "out") -> None:
    """Write the vector of every sample as a parquet file with columns key and embedding.

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
    """
    import unlabeled

    rows = unlabeled.load(run).write_embeddings(data, out, layer=layer)
    print(f"{out}: {rows} rows")
