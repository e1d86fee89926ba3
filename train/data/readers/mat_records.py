"""Print the records of MATLAB files as JSON: a program, run by `mat_files`.

    echo '"gt.mat"' | python mat_records.py cells imnames wordBB txt

SciPy's reader trusts a file: a damaged one may end the process that reads it, so that `mat_files` reads through
this one. `cells`: record i is the i-th cell of each variable named. `rows`: it is the i-th row of a matrix of
cells, the first of the variables that is there. Every file's lines are {"counts": …}, {"record": …} for each
record, and {"end": true}; or {"error": …}.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np


def main() -> None:
    from scipy.io import loadmat

    mode, names = sys.argv[1], sys.argv[2:]
    for line in sys.stdin:
        try:
            content = loadmat(json.loads(line), variable_names=names)
            found = {name: content[name] for name in names if name in content}
            missing = [name for name in names if name not in found]
            if missing and (mode == "cells" or not found):
                raise ValueError(f"no {', '.join(missing)} in the file")
            for record in _cells(found) if mode == "cells" else _rows(found):
                _send(record)
            _send({"end": True})
        # SciPy names no exceptions for damaged files; whatever it is, the reading process tells it.
        except Exception as error:
            _send({"error": f"{type(error).__name__} {str(error)[:120]}"})


def _cells(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    flat = {name: np.ravel(value) for name, value in found.items()}
    yield {"counts": {name: len(values) for name, values in flat.items()}}
    for i in range(min(map(len, flat.values()), default=0)):
        yield {"record": {name: _plain(values[i]) for name, values in flat.items()}}


def _rows(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    rows = np.atleast_2d(next(iter(found.values())))
    yield {"counts": {"rows": len(rows)}}
    for row in rows:
        yield {"record": [_plain(value) for value in row]}


def _plain(value: Any) -> Any:
    """Lists, numbers and text in place of arrays."""
    if isinstance(value, np.ndarray) and value.dtype == object:
        return [_plain(item) for item in value.ravel()]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else str(value)


def _send(record: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(record) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
