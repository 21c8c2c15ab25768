"""Which samples belong together: patches of a photograph, scans of a patient, clips of a film."""

from __future__ import annotations

import re

import numpy as np

from unlabeled.data.store import Store
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluate.few import fewest


def grouped(train: tuple[Store, np.ndarray], groups: np.ndarray | str) -> np.ndarray:
    r"""The number of each training sample's group.

    Args:
        train: Samples and their classes.
        groups: `(n,)`, a number or a name a sample; or a pattern that finds it in the samples'
            names, in its first bracket if it has one: `patient-\d+`.

    Returns:
        `(n,)` int64, from 0 up.

    Raises:
        UsageError: Where the pattern is no regular expression.
        DataError: Where a sample has no group, or a class has samples in one group alone.
    """
    store, labels = train
    if isinstance(groups, str):
        try:
            found = [re.search(groups, str(key)) for key in store.keys]
        except re.error as error:
            raise UsageError(f"the pattern of groups {groups!r} cannot be read: {error}") from None
        strange = [str(key) for key, match in zip(store.keys, found, strict=True) if not match]
        if strange:
            raise DataError(
                f"{groups!r} finds no group in the names of {len(strange):,} of {len(store):,} "
                f"samples, such as {strange[0]}"
            )
        groups = np.array([m[1] if m.re.groups else m[0] for m in found if m])
    if groups.shape != (len(store),):
        raise DataError(f"{len(store):,} samples have groups of shape {groups.shape}; one each")
    _, numbers = np.unique(groups, return_inverse=True)
    if fewest(labels, numbers) < 2:
        raise DataError(
            "a class has all its training samples in one group, so none of it can be held out",
            hint="name smaller groups, or leave the class out",
        )
    return numbers.astype(np.int64)
