#!/usr/bin/env bash
# Looks for known vulnerabilities in what the gateway, the page and the clients use. A database that cannot be reached from
# here is said and skipped; a vulnerability fails.
set -uo pipefail
cd "$(dirname "$0")/.."
export GOTOOLCHAIN=auto
failed=0

# check NAME UNREACHABLE COMMAND...: the pattern tells an answer that is about the way there, not about what was asked.
check() {
  local name=$1 unreachable=$2 out code
  shift 2
  out=$("$@" 2>&1)
  code=$?
  if [ $code -eq 0 ]; then
    echo "audit: $name: nothing known"
  elif grep -qiE "$unreachable" <<<"$out"; then
    echo "audit: $name: SKIPPED, its database cannot be reached from here"
  else
    printf '%s\n' "$out"
    echo "audit: $name: FAILED"
    failed=1
  fi
}

no_way='could not be audited|no such host|connection refused|i/o timeout|proxyconnect|ENOTFOUND|ECONNREFUSED|EAI_AGAIN|ETIMEDOUT|ENOAUDIT|403 Forbidden|404 Not Found|501|Method Not Allowed|Connection error|Max retries exceeded|ConnectionError|Name or service not known|Service Unavailable|fetching vulnerabilities|audit endpoint returned an error'

check "Go (govulncheck)" "$no_way" go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 ./...
for dir in sdk/node web; do
  [ ! -f "$dir/package-lock.json" ] || check "npm, $dir" "$no_way" npm audit --prefix "$dir" --audit-level=high
done
if [ ! -x .cache/audit/bin/pip-audit ]; then
  python3 -m venv .cache/audit && .cache/audit/bin/pip install --quiet pip-audit
fi
check "Python (pip-audit)" "$no_way" .cache/audit/bin/pip-audit --strict --disable-pip --no-deps -r <(sed -n 's/^\([A-Za-z0-9._-]*==[^ ;]*\).*/\1/p' sdk/python/constraints.txt)
exit $failed
