# Sourced by the gates: installs the tools by others that tests need, and names in CHANCERY_EXPECT those that are here.

# The XSD test judges with libxml2; where it cannot be had, that test says that it was skipped.
if ! command -v xmllint >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libxml2-utils; } >/dev/null 2>&1 || echo "xmllint could not be installed"
fi

# Databases are tested with SQLite, which comes along, and with a server of PostgreSQL, where it can be had.
if ! command -v initdb >/dev/null 2>&1 && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql; } >/dev/null 2>&1 || echo "PostgreSQL could not be installed"
fi

# What was loaded is read back by the shells of the databases, and a server has its certificate from openssl.
for tool in sqlite3 openssl; do
  if ! command -v "$tool" >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$tool"; } >/dev/null 2>&1 || echo "$tool could not be installed"
  fi
done

# Reports and columns are read back by readers of others, which live in the checkout; where they cannot be had, those tests say so too.
tools=target/tools
if ! "$tools/bin/python" -c "import junitparser, cmarkgfm, pygls, duckdb, pyarrow" >/dev/null 2>&1; then
  { python3 -m venv "$tools" || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv && python3 -m venv "$tools"; }; } >/dev/null 2>&1 || true
  "$tools/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check junitparser junit2html check-jsonschema cmarkgfm pygls duckdb pyarrow >/dev/null 2>&1 || echo "readers of reports and columns could not be installed"
fi

# The page is looked at in a browser, and for what keeps people from reading it.
if ! command -v chromium >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1 || echo "chromium could not be installed"
fi
if command -v npm >/dev/null 2>&1 && [ ! -d "$tools/node_modules/axe-core" ]; then
  npm install --silent --no-audit --no-fund --no-save --prefix "$tools" --cache "$tools/npm" playwright-core axe-core >/dev/null 2>&1 || echo "playwright-core and axe-core could not be installed"
fi

# A test that needs one of these fails where it would otherwise be skipped; see skip() in tests/it/support.rs.
expected=() missing=()
expect() {
  local name="$1"
  shift
  if "$@" >/dev/null 2>&1; then expected+=("$name"); else missing+=("$name"); fi
}
has_module() { "$1" -c "import $2"; }
expect shared test -d "${CHANCERY_SHARED:-../shared}"
expect permissions test "$(id -u)" -ne 0
for tool in git patch xmllint sqlite3 openssl psql python3 mkfifo; do
  expect "$tool" command -v "$tool"
done
expect postgres bash -c 'command -v initdb || ls /usr/lib/postgresql/*/bin/initdb'
expect chromium chromium --version
expect axe-core bash -c "command -v chromium && command -v node && test -d $tools/node_modules/axe-core -a -d $tools/node_modules/playwright-core"
expect python-yaml has_module python3 yaml
expect check-jsonschema test -x "$tools/bin/check-jsonschema"
for package in junitparser junit2htmlreport cmarkgfm jsonschema; do
  expect "$package" has_module "$tools/bin/python3" "$package"
done
expect pygls has_module "$tools/bin/python" pygls.lsp.client
expect pyarrow has_module "$tools/bin/python" "duckdb, pyarrow"

CHANCERY_EXPECT="$(IFS=,; echo "${expected[*]}")"
export CHANCERY_EXPECT

# Says what was not tested.
list_missing() {
  if [ "${#missing[@]}" -gt 0 ]; then
    echo "not here, so tests that need it were skipped: ${missing[*]}"
  fi
}
