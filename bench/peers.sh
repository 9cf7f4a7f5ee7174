#!/usr/bin/env bash
# Installs what the benchmark compares with, each by its own package manager, into one folder that can be deleted: nginx from
# Debian, Portkey's gateway from npm, LiteLLM's proxy from PyPI. What fails is left out of the benchmark, which says so.
set -uo pipefail
cache=$(mkdir -p "${1:-.cache/bench}" && cd "${1:-.cache/bench}" && pwd)

if ! command -v nginx >/dev/null && [ ! -x "$cache/nginx/usr/sbin/nginx" ]; then
  # Unpacked and not installed, so that no service is started.
  (cd "$cache" && apt-get download -qq nginx && dpkg -x nginx_*.deb nginx && rm nginx_*.deb) ||
    echo "nginx could not be installed" >&2
fi

if [ ! -d "$cache/portkey/node_modules/@portkey-ai/gateway" ]; then
  mkdir -p "$cache/portkey"
  # With newer releases of this one, which its package allows, it answers every stream with status 500.
  echo '{"private": true, "overrides": {"@hono/node-server": "1.13.8"}}' >"$cache/portkey/package.json"
  npm install --prefix "$cache/portkey" --no-audit --no-fund --silent @portkey-ai/gateway ||
    echo "Portkey's gateway could not be installed" >&2
fi

if [ ! -x "$cache/litellm/bin/litellm" ]; then
  { python3 -m venv "$cache/litellm" && "$cache/litellm/bin/pip" install -q 'litellm[proxy]'; } ||
    echo "LiteLLM's proxy could not be installed" >&2
fi
