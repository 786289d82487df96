#!/bin/sh
# Installs pryx: from a clone with --from-source, or a release archive whose checksum is verified first.
# Everything is in functions and runs from the last line, so that a truncated download of this file does nothing.
set -eu

usage() {
  cat <<'USAGE'
install.sh: install pryx

  ./install.sh --from-source            build in this clone (needs cargo and a C compiler) and install
  ./install.sh --base-url URL           fetch a release archive from URL, verify its checksum, install
  ./install.sh --uninstall [--purge]    stop all jobs, remove the program; with --purge also its data (~/.pryx)

  --prefix DIR       install DIR/bin/pryx
  --base-url URL     where SHA256SUMS and the archives lie (https, or http on this machine)
  --version X.Y.Z    which version, when the release address has several
  --target TARGET    which archive, when it is not for this machine
  -h, --help         this text

Variables: PRYX_INSTALL_DIR (the directory for the program itself), PRYX_RELEASE_URL (as --base-url), PRYX_HOME (the
data that --purge removes), PRYX_BUILD_PROFILE (cargo profile for --from-source, default release), NO_COLOR.

Without --prefix and PRYX_INSTALL_DIR the program goes to the first of these that fits: ~/.local/bin if it is on PATH,
cargo's own bin directory if it is on PATH, /usr/local/bin if it is writable, else ~/.local/bin with a word about PATH.

Exit codes: 0 done; 1 it failed, nothing was replaced; 2 wrong usage; 3 something it needs is missing; 4 refused: the
archive is not what SHA256SUMS says, or not what a pryx archive holds.
USAGE
}

say() { printf '%s\n' "$*" >&2; }

die() { # CODE MESSAGE..
  code=$1
  shift
  if [ -t 2 ] && [ -z "${NO_COLOR:-}" ] && [ "${TERM:-dumb}" != dumb ]; then
    printf '\033[1;31merror:\033[0m %s\n' "$*" >&2
  else
    say "error: $*"
  fi
  exit "$code"
}

have() { command -v "$1" >/dev/null 2>&1; }

on_path() { case ":${PATH:-}:" in *":$1:"*) return 0 ;; *) return 1 ;; esac }

cargo_bin() { printf '%s\n' "${CARGO_HOME:-${HOME:-}/.cargo}/bin"; }

# Where the program goes: see the help. Only a directory that is on PATH makes `./install.sh … && pryx` work.
choose_dir() {
  if [ -n "$prefix" ]; then
    printf '%s/bin\n' "${prefix%/}"
  elif [ -n "${PRYX_INSTALL_DIR:-}" ]; then
    printf '%s\n' "${PRYX_INSTALL_DIR%/}"
  elif [ -n "${HOME:-}" ] && on_path "$HOME/.local/bin"; then
    printf '%s\n' "$HOME/.local/bin"
  elif on_path "$(cargo_bin)" && [ -w "$(cargo_bin)" ]; then
    cargo_bin
  elif on_path /usr/local/bin && [ -w /usr/local/bin ]; then
    printf '/usr/local/bin\n'
  elif [ -n "${HOME:-}" ]; then
    printf '%s\n' "$HOME/.local/bin"
  else
    die 2 "HOME is not set: say where to install with --prefix DIR"
  fi
}

# Puts FILE at DIR/pryx in one step, after it has shown that it runs here.
put_in_place() { # FILE DIR
  mkdir -p "$2" || die 1 "cannot make $2: choose another place with --prefix DIR"
  staged=$2/.pryx.new.$$
  { cp "$1" "$staged" && chmod 755 "$staged"; } || die 1 "cannot write to $2: choose another place with --prefix DIR"
  version=$("$staged" --version </dev/null) || die 1 "the program does not run on this machine; nothing was replaced"
  mv -f "$staged" "$2/pryx"
  staged=
  say "installed $version as $2/pryx"
  if ! on_path "$2"; then
    say "$2 is not on your PATH. For this shell and the next ones:"
    say "  export PATH=\"$2:\$PATH\"    # add this line to ~/.profile too"
  else
    first=$(command -v pryx || true)
    [ "$first" = "$2/pryx" ] || say "note: 'pryx' still means $first, which comes earlier on your PATH"
  fi
}

from_source() {
  root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
  grep -q '^name = "pryx"$' "$root/Cargo.toml" 2>/dev/null ||
    die 2 "--from-source works in a clone: run ./install.sh there"
  # A fresh Rust may not be on this shell's PATH yet. Only the build sees the longer one: where the program goes must
  # depend on the person's own.
  build_path=$PATH:$(cargo_bin)
  (PATH=$build_path && have cargo) || die 3 "cargo is missing: install Rust 1.90 or newer, then run this again"
  have cc || have gcc || have clang ||
    die 3 "a C compiler is missing: on Debian and Ubuntu 'apt-get install gcc libc6-dev', on macOS 'xcode-select --install'"
  profile=${PRYX_BUILD_PROFILE:-release}
  say "building pryx (profile $profile); the first time takes some minutes"
  (cd "$root" && PATH=$build_path cargo build --locked --profile "$profile" --bin pryx) || die 1 "the build failed: see above"
  built=$(cd "$root" && PATH=$build_path cargo metadata --locked --format-version 1 --no-deps |
    sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')
  case $profile in dev | test) folder=debug ;; bench) folder=release ;; *) folder=$profile ;; esac
  built=$built${CARGO_BUILD_TARGET:+/$CARGO_BUILD_TARGET}/$folder/pryx
  [ -f "$built" ] || die 1 "the build left no $built"
  place=$(choose_dir)
  put_in_place "$built" "$place"
}

machine() {
  case $(uname -s)/$(uname -m) in
    Linux/x86_64 | Linux/amd64) printf 'x86_64-unknown-linux-musl\n' ;;
    Linux/aarch64 | Linux/arm64) printf 'aarch64-unknown-linux-musl\n' ;;
    Darwin/arm64) printf 'aarch64-apple-darwin\n' ;;
    Darwin/x86_64) printf 'x86_64-apple-darwin\n' ;;
    *) die 3 "no archive is made for $(uname -s) on $(uname -m): build it with --from-source" ;;
  esac
}

# An unencrypted address is taken only where nobody can sit in between.
check_address() {
  case $1 in
    https://*) ;;
    http://127.0.0.1 | http://127.0.0.1[:/]* | http://localhost | http://localhost[:/]* | http://\[::1\]*) ;;
    http://*) die 2 "$1 is not encrypted: use https" ;;
    *) die 2 "'$1' is no http or https address" ;;
  esac
}

fetch() { # ADDRESS FILE
  if have curl; then
    case $1 in https://*) protocols='=https' ;; *) protocols='=http,https' ;; esac
    curl -fsSL --proto "$protocols" --proto-redir "$protocols" --connect-timeout 20 --max-time 900 -o "$2" "$1"
  elif have wget; then
    wget -q -t 2 -T 60 -O "$2" "$1"
  else
    die 3 "neither curl nor wget is here: install one of them"
  fi || die 1 "cannot fetch $1: is the address right and reachable?"
}

sha256() {
  if have sha256sum; then sum_line=$(sha256sum "$1"); else sum_line=$(shasum -a 256 "$1"); fi
  printf '%s\n' "${sum_line%% *}"
}

# The archive's name and checksum, as "CHECKSUM NAME" lines, for the wanted target and version.
sums_for() { # SUMS TARGET
  sed -n 's/^\([0-9a-f]\{64\}\) [ *]\(pryx-[0-9A-Za-z._+-]*\.tar\.gz\)$/\1 \2/p' "$1" |
    while read -r sum name; do
      case $name in pryx-*-"$2.tar.gz") ;; *) continue ;; esac
      version=${name#pryx-}
      version=${version%-"$2.tar.gz"}
      if [ -z "$wanted_version" ] || [ "$version" = "$wanted_version" ]; then printf '%s %s\n' "$sum" "$name"; fi
    done
}

# Nothing but these plain files may be in an archive: no links, no absolute path, no "..".
check_entries() { # ARCHIVE FOLDER
  tar -tzf "$1" >"$work/entries" 2>/dev/null || die 4 "the archive is damaged; nothing was installed"
  tar -tvzf "$1" >"$work/kinds" 2>/dev/null || die 4 "the archive is damaged; nothing was installed"
  while IFS= read -r entry; do
    case $entry in
      "$2/" | "$2/pryx" | "$2/LICENSE-MIT" | "$2/LICENSE-APACHE" | "$2/README.md" | "$2/CHANGELOG.md") ;;
      *) die 4 "the archive holds '$entry', which no pryx archive does; nothing was installed" ;;
    esac
  done <"$work/entries"
  if grep -v '^[-d]' "$work/kinds" >/dev/null; then
    die 4 "the archive holds a link or a device; nothing was installed"
  fi
  [ "$(grep -c "^$2/pryx\$" "$work/entries")" = 1 ] || die 4 "the archive holds no pryx; nothing was installed"
}

from_release() {
  [ -n "$base_url" ] || die 2 "there is no public release address yet: build it with './install.sh --from-source' in a" \
    "clone, or name the place of the archives with --base-url URL"
  base_url=${base_url%/}
  check_address "$base_url"
  for tool in tar gzip; do have $tool || die 3 "$tool is missing: install it, then run this again"; done
  have sha256sum || have shasum || die 3 "neither sha256sum nor shasum is here: install one, the checksum is never skipped"
  [ -n "$wanted_target" ] || wanted_target=$(machine)
  fetch "$base_url/SHA256SUMS" "$work/SHA256SUMS"
  sums_for "$work/SHA256SUMS" "$wanted_target" >"$work/wanted"
  case $(grep -c . "$work/wanted" || true) in
    0) die 4 "SHA256SUMS at $base_url names no archive pryx-${wanted_version:-*}-$wanted_target.tar.gz; nothing was installed" ;;
    1) ;;
    *) die 2 "several versions lie at $base_url: choose one with --version" ;;
  esac
  read -r wanted_sum archive <"$work/wanted"
  say "fetching $base_url/$archive"
  fetch "$base_url/$archive" "$work/$archive"
  found_sum=$(sha256 "$work/$archive")
  [ "$found_sum" = "$wanted_sum" ] ||
    die 4 "the checksum of $archive is $found_sum, SHA256SUMS says $wanted_sum; nothing was installed"
  folder=${archive%.tar.gz}
  check_entries "$work/$archive" "$folder"
  # To a pipe, so that tar itself writes nowhere.
  tar -xzOf "$work/$archive" "$folder/pryx" >"$work/pryx" || die 4 "the archive is damaged; nothing was installed"
  place=$(choose_dir)
  put_in_place "$work/pryx" "$place"
}

purge() {
  data=${PRYX_HOME:-${HOME:?HOME is not set}/.pryx}
  [ -e "$data" ] || { say "no data at $data"; return; }
  case $data in
    /*) ;;
    *) die 2 "PRYX_HOME is '$data': only an absolute path is removed" ;;
  esac
  known=no
  for entry in config.toml brain.db hands.db jobs run; do [ ! -e "$data/$entry" ] || known=yes; done
  [ $known = yes ] || die 2 "$data does not look like pryx's data (no config.toml, no database, no jobs): remove it yourself"
  [ "$(CDPATH='' cd -- "$data" && pwd -P)" != "$(CDPATH='' cd -- "${HOME:-/}" && pwd -P)" ] || die 2 "$data is your home"
  rm -rf "$data"
  say "removed $data"
}

uninstall() {
  if [ -n "$prefix" ] || [ -n "${PRYX_INSTALL_DIR:-}" ]; then
    places=$(choose_dir)
  else
    places="${HOME:-}/.local/bin
$(cargo_bin)
/usr/local/bin"
  fi
  removed=no
  while IFS= read -r place; do
    [ -f "$place/pryx" ] || continue
    # Nothing may be left behind that no command can reach any more: the daemon and all its jobs end first.
    "$place/pryx" hands stop --all > /dev/null 2>&1 || say "its jobs could not be stopped: see 'ps'"
    rm -f "$place/pryx" || die 1 "cannot remove $place/pryx"
    say "removed $place/pryx"
    removed=yes
  done <<PLACES
$places
PLACES
  [ $removed = yes ] || say "pryx is not installed in: $(printf '%s' "$places" | tr '\n' ' ')"
  if [ "$purge" = yes ]; then purge; else say "your data in ${PRYX_HOME:-~/.pryx} was kept (--purge removes it)"; fi
}

clean_up() {
  [ -z "${work:-}" ] || rm -rf "$work"
  [ -z "${staged:-}" ] || rm -f "$staged"
}

main() {
  act=release prefix='' base_url=${PRYX_RELEASE_URL:-} wanted_version='' wanted_target='' purge=no work='' staged=''
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix | --base-url | --version | --target) [ -n "${2:-}" ] || die 2 "$1 needs a value" ;;
    esac
    case $1 in
      --from-source) act=source ;;
      --uninstall) act=uninstall ;;
      --purge) purge=yes ;;
      --prefix) prefix=$2; shift ;;
      --base-url) base_url=$2; shift ;;
      --version) wanted_version=$2; shift ;;
      --target) wanted_target=$2; shift ;;
      -h | --help) usage; exit 0 ;;
      *) die 2 "unknown argument '$1' (see --help)" ;;
    esac
    shift
  done
  [ "$purge" = no ] || [ $act = uninstall ] || die 2 "--purge goes with --uninstall"
  case $prefix in '' | /*) ;; *) prefix=$(pwd)/$prefix ;; esac
  case ${PRYX_INSTALL_DIR:-} in '' | /*) ;; *) PRYX_INSTALL_DIR=$(pwd)/$PRYX_INSTALL_DIR ;; esac
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  case $act in
    source) from_source ;;
    uninstall) uninstall ;;
    release)
      work=$(mktemp -d)
      from_release
      ;;
  esac
}

{ main "$@"; }
