#!/usr/bin/env bash
# Lets schemathesis throw what it can make up at the built gateway, and holds every answer against the contract. SECONDS_MAX
# bounds the time (default 60 s), SEED repeats a run.
set -euo pipefail
cd "$(dirname "$0")/.."
VERSION=4.32.5
VENV=.cache/schemathesis

if [ ! -x "$VENV/bin/schemathesis" ] || ! "$VENV/bin/schemathesis" --version | grep -q "$VERSION"; then
  python3 -m venv "$VENV"
  "$VENV/bin/pip" install --quiet "schemathesis==$VERSION"
fi

dir=$(mktemp -d)
gateway=
trap '[ -z "$gateway" ] || kill "$gateway"; rm -rf "$dir"' EXIT
token=schemathesis-knows-this-token
(umask 077; cat >"$dir/openclaw.yaml" <<EOF
server: {port: 0}
api:
  tokens: [{name: schemathesis, token: $token, permissions: [chat, sessions]}]
  rateLimits: {chat: 100000000, read: 100000000}
models: {default: offline}
storage: {path: claw.db}
log: {format: json}
EOF
)
bin/openclaw serve --config "$dir/openclaw.yaml" >"$dir/out" 2>"$dir/log" &
gateway=$!
for _ in $(seq 200); do
  url=$(sed -n 's/^ *Listening *\(http[^ ]*\).*/\1/p' "$dir/out")
  [ -n "$url" ] && break
  sleep 0.05
done
[ -n "$url" ] || { cat "$dir/out" "$dir/log"; exit 1; }

status=0
"$VENV/bin/schemathesis" --config-file scripts/schemathesis.toml run spec/openapi.yaml --url "$url" -H "Authorization: Bearer $token" \
  --max-time "${SECONDS_MAX:-60}" --continue-on-failure --request-timeout 20 \
  --generation-database none ${SEED:+--seed "$SEED"} --no-color "$@" || status=$?

if grep -E '"level":"ERROR"|"msg":"panic"' "$dir/log" | head -5; then
  echo "schemathesis: the gateway's log has errors" >&2
  status=1
fi
exit "$status"
