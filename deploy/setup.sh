#!/usr/bin/env bash
# setup.sh REQUIREMENTS: make .venv hold what the file lists, and node_modules what package-lock.json does. A second
# call costs nothing, since stamps keep the files' hashes; two calls at once take turns.
set -euo pipefail
cd "$(dirname "$0")/.."

requirements=$1
stamp=.venv/.installed-$(basename "$requirements" .txt)
wanted=$(cat "$requirements" deploy/setup.sh | sha256sum | cut -c1-32)

# npm ci removes node_modules first, and so the stamp with it: half an installation has none.
npm_stamp=node_modules/.installed
npm_wanted=$(cat package.json package-lock.json .npmrc | sha256sum | cut -c1-32)

python_is_ready() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && .venv/bin/python -c '' 2>/dev/null; }
npm_is_ready() { [ "$(cat "$npm_stamp" 2>/dev/null)" = "$npm_wanted" ]; }
is_ready() { python_is_ready && npm_is_ready; }

# A Python that is new enough and can make virtual environments; 3.11 first, since the locked wheels were tried on it.
find_python() {
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3 python3.13 /usr/bin/python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "No Python 3.11 or later with venv was found (on Debian: apt-get install python3-venv; or set PYTHON)." >&2
  return 1
}

install_python() {
  if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    local python
    python=$(find_python)
    echo "Making .venv with $("$python" --version) ..." >&2
    "$python" -m venv .venv
  fi
  echo "Installing $requirements ..." >&2
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r "$requirements" >&2
  echo "$wanted" >"$stamp"
}

# Weights and front-end libraries. No script of a package runs: they are files, nothing else.
install_npm() {
  if ! command -v npm >/dev/null; then
    echo "npm was not found: install Node 20 or later with npm (on Debian: apt-get install nodejs npm)." >&2
    return 1
  fi
  echo "Installing package-lock.json ..." >&2
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
  echo "$npm_wanted" >"$npm_stamp"
}

is_ready && exit 0
mkdir -p var
if command -v flock >/dev/null; then
  exec 9>var/setup.lock
  flock 9
fi
python_is_ready || install_python
npm_is_ready || install_npm
