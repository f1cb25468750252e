#!/bin/bash
# Clicks through a whole run; see README.md. Places are those of a window of 1600 x 900 in Blender 4.3 to 5.2.
set -u
pictures=${PICTURES:-.}
patience=${PATIENCE:-600}

click() { xdotool mousemove "$1" "$2" click 1; sleep 3; }
picture() { scrot -o "$pictures/$1.png"; }
wait_for() { for _ in $(seq "$patience"); do grep -q "$1" "$pictures/seen.txt" 2>/dev/null && return; sleep 1; done; }

for _ in $(seq "$patience"); do [ -f "$pictures/ready" ] && break; sleep 1; done
sleep 5
click 1308 215; picture 1_tab                      # the tab LSF
click 1117 266; sleep 15; picture 2_head            # Add Head
click 1175 314; sleep 2; picture 3_running         # Animate from Audio
wait_for "'hello'.*running False"; sleep 2; picture 4_takes
click 1095 478; sleep 5; picture 5_shaping         # Shaping
click 1175 314; sleep 8; picture 6_second_run
xdotool key Escape; sleep 4; picture 7_cancelled
xdotool mousemove 600 400 key ctrl+z; sleep 4; picture 8_undone
xdotool key ctrl+shift+z; sleep 4; picture 9_redone
