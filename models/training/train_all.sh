#!/bin/sh
# The whole order on a machine with two cores, one thread a process, two processes at a time: about 85 minutes.
# Usage: train_all.sh WORK_DIR [MINUTES_OF_BASE_TRAINING]; logs lie in WORK_DIR, progress is printed.
set -eu
work=$1
minutes=${2:-70}
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
mkdir -p "$work"

"$python" "$here/clips.py" --work-dir "$work" --clips 80000 >"$work/clips.log" 2>&1 &
clips=$!
tail -f "$work/clips.log" &
follow=$!
trap 'kill $follow 2>/dev/null || true' EXIT
until [ -f "$work/latent.pt" ]; do
  kill -0 "$clips" || exit 1
  sleep 1
done

# The denoiser starts on the first shards and takes up the others as they appear.
"$python" "$here/train_base.py" --work-dir "$work" --minutes "$minutes" >"$work/base.log" 2>&1 &
base=$!
wait "$clips"
kill "$follow"
tail -f "$work/base.log" &
follow=$!
"$python" "$here/refiner_data.py" --work-dir "$work"
"$python" "$here/train_text.py" --work-dir "$work"
"$python" "$here/train_refiner.py" --work-dir "$work" --minutes 15
"$python" "$here/probe.py" --work-dir "$work" --minutes 11
# Stage 2 runs on drafts of the denoiser as it is by then: once while it still trains, once more near its end.
for minutes in 14 14; do
  "$python" "$here/train_refiner.py" --work-dir "$work" --minutes "$minutes" --base "$work/base.pt"
done
wait "$base"
"$python" "$here/measure.py" --work-dir "$work"
"$python" "$here/export.py" --work-dir "$work"
"$python" "$here/preview.py" --out "$here/../glimpse-s/sheet.jpg"
