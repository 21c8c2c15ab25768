#!/bin/sh
# Every comparison, in about ten minutes; the peers' environment is made the first time.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-.venv/bin/python}
peers=benchmarks/.venv-peers
if [ -z "${PEERS_PYTHON:-}" ] && [ ! -e $peers/ready ]; then
    version=$($python -c 'import torch; print(torch.__version__.split("+")[0])')
    $python -m venv $peers
    $peers/bin/python -m pip install --quiet "torch==$version" -r benchmarks/peers/requirements.txt
    touch $peers/ready
fi
for topic in views nt_xent loop knn probe step; do
    echo "== $topic"
    $python -m benchmarks.peers.$topic
done
