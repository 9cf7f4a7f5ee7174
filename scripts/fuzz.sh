#!/usr/bin/env bash
# Runs every fuzz target of the module for FUZZTIME (default 30s), one after the other, and says how often each ran.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOTOOLCHAIN=auto

total=0
while read -r file name; do
  out=$(go test "./$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-30s}" 2>&1) || { echo "$out"; exit 1; }
  runs=$(sed -n 's/.*execs: \([0-9]*\).*/\1/p' <<<"$out" | tail -1)
  printf '%-28s %-20s %12d executions\n' "$(dirname "$file")" "$name" "$runs"
  total=$((total + runs))
done < <(git grep -oE '^func Fuzz[A-Za-z]+' -- '*_test.go' ':!sdk' | sed 's/:func / /')
echo "$total executions, no failure"
