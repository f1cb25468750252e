#!/bin/bash
# The whole round: clicks through the extension in a real Blender window, and exits 0 only when every step was seen.
#
#   tests/gui/drive.sh [BLENDER]     on the X display that DISPLAY names; see README.md
#
# Beside a Blender that was started with start.py already (its folder holds this script, window.py and drive.py), it only
# drives that one.
set -u
here=$(cd "$(dirname "$0")" && pwd)
export LSF_ROUND=${LSF_ROUND:-$here}
blender=${1:-}
if [ -n "$blender" ]; then
  project=$(cd "$here/../.." && pwd)
  [ "$LSF_ROUND" = "$here" ] && LSF_ROUND=$(mktemp -d -t lsf_round.XXXXXX)
  mkdir -p "$LSF_ROUND/home"
  cp "$project"/dist/lsf_blender_addon-*.zip "$project/samples/hello.wav" "$LSF_ROUND/" || exit 2
  HOME=$LSF_ROUND/home "$blender" --window-geometry 0 0 1600 900 -P "$here/start.py" > "$LSF_ROUND/blender.log" 2>&1 &
  window=$!
  trap 'kill $window 2>/dev/null' EXIT
fi
python3 "$here/drive.py" "${@:2}" | tee "$LSF_ROUND/round.txt"
verdict=${PIPESTATUS[0]}
echo "$verdict" > "$LSF_ROUND/verdict"
echo "pictures and round.txt are in $LSF_ROUND"
exit "$verdict"
