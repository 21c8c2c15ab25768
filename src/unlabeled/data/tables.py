"""Parquet tables of encoded pictures, one a row, as Hugging Face and others write them."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from unlabeled.data.files import fingerprint
from unlabeled.data.listing import Listing
from unlabeled.errors import DataError

PICTURES = ("image", "img")
LABEL = "label"


def parquet(path: Path, source: str) -> Listing:
    """The pictures in the column `image`: bytes, or structs of `bytes` and `path`.

    Raises:
        DataError: Where the file is no parquet or has no such column.
    """
    table = _open(path, source)
    schema = table.schema_arrow
    column = next((name for name in PICTURES if name in schema.names), None)
    if column is None or not _encoded(schema.field(column).type):
        raise DataError(
            f"{source} has no column of encoded pictures: looked for `image` among {schema.names}",
            hint="a column `image` of bytes, or of structs {bytes, path}",
        )
    groups = [table.metadata.row_group(g).num_rows for g in range(table.num_row_groups)]
    starts = np.cumsum([0, *groups]).tolist()
    held: tuple[int, Any] = (-1, None)

    def read(i: int) -> bytes:
        nonlocal held
        group = bisect_right(starts, i) - 1
        if held[0] != group:
            held = group, table.read_row_group(group, columns=[column]).column(0)
        cell = held[1][i - starts[group]].as_py()
        cell = cell.get("bytes") if isinstance(cell, dict) else cell
        if cell is None:
            raise ValueError("no bytes in this row")
        return cell

    return Listing(
        keys=[str(i) for i in range(starts[-1])],
        read=read,
        labels=lambda: _labels(table, source),
        nbytes=path.stat().st_size,
        fingerprint=fingerprint(path),
        in_order=True,
        place=path,
    )


def _open(path: Path, source: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        why = str(error).splitlines()[0]
        raise DataError(f"{source}: not a whole parquet file ({why})") from error


def _encoded(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        names = [kind.field(i).name for i in range(kind.num_fields)]
        return "bytes" in names
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _labels(table: pq.ParquetFile, source: str) -> Sequence[Any]:
    schema = table.schema_arrow
    if LABEL not in schema.names:
        raise DataError(f"no labels in {source}: looked for a column `label` among {schema.names}")
    values = table.read(columns=[LABEL]).column(0).to_pylist()
    names = _class_names(schema)
    if names and all(isinstance(v, int) and 0 <= v < len(names) for v in values):
        return [names[v] for v in values]
    return values


def _class_names(schema: pa.Schema) -> list[str]:
    """The names of numbered classes, where the table's own metadata tells them."""
    try:
        said = json.loads((schema.metadata or {})[b"huggingface"])
        return [str(name) for name in said["info"]["features"][LABEL]["names"]]
    except (KeyError, ValueError, TypeError):
        return []
