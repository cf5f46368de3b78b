# shellcheck shell=bash
# The table of runs, from the four closing lines that each left in DIR/RUN.result:
#   test acc 0.943 (95% 0.925-0.957, 754 of 800)
#   end to end 512.3 examples/sec, 19.5 s
#   loss 0.177, train acc 0.932, test acc 0.943
#   968.4 examples/sec on 8 ranks (cpu)

# print_comparison DIR RUN...
print_comparison() {
  local folder=$1 run
  shift
  printf '\n%-28s %9s %15s %14s %9s %10s\n' run "test acc" "95% interval" "right" seconds "images/s"
  for run; do
    awk -v run="$run" '
      NR == 1 { split($5, ends, ","); interval = ends[1]; accuracy = $3; right = $6 " of " $8; sub(/\)$/, "", right) }
      NR == 2 { seconds = $6 }
      NR == 4 { rate = $1 }
      END { printf "%-28s %9s %15s %14s %9s %10s\n", run, accuracy, interval, right, seconds, rate }
    ' "$folder/$run.result"
  done
}
