"""Parquet with encoded pictures, as bytes and as Hugging Face's structs."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from unlabeled.data import open_data, open_labeled
from unlabeled.errors import DataError


@pytest.fixture
def table(tmp_path, picture, encode):
    def make(structs=True, labels=None, column="image", names=None, n=10, group=3):
        data = [encode(picture(i)) for i in range(n)]
        cells = [{"bytes": d, "path": f"{i}.png"} for i, d in enumerate(data)] if structs else data
        columns = {column: cells, "id": list(range(n))}
        if labels is not None:
            columns["label"] = labels
        built = pa.table(columns)
        if names:
            feature = {"label": {"names": names, "_type": "ClassLabel"}}
            said = json.dumps({"info": {"features": feature}}).encode()
            built = built.replace_schema_metadata({b"huggingface": said})
        pq.write_table(built, tmp_path / "x.parquet", row_group_size=group)
        return tmp_path / "x.parquet"

    return make


@pytest.mark.parametrize("structs", [True, False])
def test_every_row_is_a_picture(structs, table, picture):
    store = open_data(table(structs))
    assert store.data.shape == (10, 3, 40, 40)
    for i in range(10):
        assert np.array_equal(store.data[i].transpose(1, 2, 0), np.asarray(picture(i)))
    assert store.keys == [str(i) for i in range(10)]


def test_labels_are_numbers_names_or_named_numbers(table):
    path = table(labels=[i % 3 for i in range(10)])
    shape = open_data(path).shape
    assert open_labeled(path, like=shape)[1].values.tolist() == [i % 3 for i in range(10)]
    _, labels = open_labeled(table(labels=["b", "a"] * 5), like=shape)
    assert labels.names == ("a", "b")
    assert labels.values.tolist() == [1, 0] * 5
    _, labels = open_labeled(table(labels=[0, 1] * 5, names=["ship", "frog"]), like=shape)
    assert [labels.names[v] for v in labels.values] == ["ship", "frog"] * 5


def test_labels_follow_the_rows_that_are_kept(tmp_path, picture, encode):
    data = [encode(picture(i)) for i in range(6)]
    data[2], data[4] = b"junk", None
    pq.write_table(pa.table({"image": data, "label": list(range(6))}), tmp_path / "x.parquet")
    store = open_data(tmp_path / "x.parquet", allow_bad=0.5)
    assert store.bad == [("2", "not a picture we read"), ("4", "no bytes in this row")]
    store, labels = open_labeled(tmp_path / "x.parquet", like=store, allow_bad=0.5)
    assert store.keys == ["0", "1", "3", "5"]
    assert labels.values.tolist() == [0, 1, 3, 5]


def test_missing_columns_and_labels_are_told(table, tmp_path):
    with pytest.raises(DataError, match="no column of encoded pictures: looked for `image` among"):
        open_data(table(column="photo"))
    path = table()
    with pytest.raises(DataError, match="looked for a column `label`"):
        open_labeled(path, like=open_data(path))
    pq.write_table(pa.table({"image": [1, 2]}), tmp_path / "n.parquet")
    with pytest.raises(DataError, match="no column of encoded pictures"):
        open_data(tmp_path / "n.parquet")
    gaps = table(labels=[0, None] * 5)
    with pytest.raises(DataError, match="5 of 10 labels are empty"):
        open_labeled(gaps, like=open_data(gaps))


def test_a_torn_table_is_refused(table):
    path = table()
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match="not a whole parquet file"):
        open_data(path)
