#!/usr/bin/env bash
# Builds the operator's image without an image registry, then prints its facts as `name=value` lines on stdout. Logs go to stderr.
#
#   tests/image/build.sh [source folder, default: this repository]
#
# The base is Debian bookworm, made by debootstrap once. Needs root and a Debian-like host; debootstrap and buildah are installed
# when missing. An image is made again when one of its inputs has changed.
#
#   ESO_TEST_CACHE   cache folder, default ${XDG_CACHE_HOME:-$HOME/.cache}/eso-test
#   ESO_TEST_MIRROR  Debian mirror, default http://deb.debian.org/debian
#   ESO_TEST_EXTRAS  extras of the distribution that go into the image, default: the Dockerfile's
#   SSL_CERT_FILE    CA bundle trusted while fetching packages, default the host's
#
# Facts: image, rootfs (folder with the file system), config (file with what `buildah inspect` prints), size_bytes, venv_bytes,
# base_seconds and build_seconds (0 where nothing was made).
set -euo pipefail

src=$(cd "${1:-$(dirname "$0")/../..}" && pwd)
cache=${ESO_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/eso-test}/image
mirror=${ESO_TEST_MIRROR:-http://deb.debian.org/debian}
bundle=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
suite=bookworm
packages=ca-certificates,python3

log() { printf '%s\n' "$*" >&2; }
digest() { sha256sum | cut -c1-12; }
store() { buildah --storage-driver vfs --root "$cache/storage" --runroot "$cache/run" "$@"; }
stored() { store inspect --type image "$1" >/dev/null 2>&1; }

[ "$(id -u)" = 0 ] || { log "build.sh: needs root (debootstrap, mounts)"; exit 1; }
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9

missing=()
for tool in debootstrap buildah; do
  command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -gt 0 ]; then
  log "installing ${missing[*]}"
  apt-get update >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >&2
fi

# Makes the base image $1.
make_base() {
  local root container
  root=$(mktemp -d "$cache/debootstrap.XXXXXX")
  # shellcheck disable=SC2064
  trap "rm -rf '$root'" EXIT
  debootstrap --variant=minbase --include="$packages" "$suite" "$root" "$mirror" >&2
  # What Debian's slim images leave out too: caches, package lists, manuals, translations.
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
    "$root"/usr/share/{man,info,locale,groff,lintian}/*
  find "$root/usr/share/doc" -mindepth 1 ! -name copyright ! -type d -delete
  # Nothing in this image has to change its user.
  find "$root" -xdev -type f -perm /6000 -exec chmod a-s {} +
  # debootstrap copies these from the host; the container runtime brings its own.
  rm -f "$root/etc/resolv.conf" "$root/etc/hostname"
  container=$(store from scratch)
  store add --quiet "$container" "$root" / >&2
  store config --cmd /bin/sh "$container" >&2
  store commit --quiet --rm "$container" "$1" >&2
  rm -rf "$root"
  trap - EXIT
}

# The base carries the digest of its recipe, the image the digest of its inputs. A name per source folder keeps two checkouts apart.
base=localhost/eso-base:$(printf '%s\n' "$suite $packages $mirror" "$(declare -f make_base)" | digest)
name=eso-test-$(printf '%s' "$src" | digest)
tag=$(cd "$src" && {
  printf '%s\n' "$base" "${ESO_TEST_EXTRAS-default}"
  { find Dockerfile .dockerignore pyproject.toml uv.lock README.md LICENSE src -type f ! -name '*.pyc' 2>/dev/null || true; } \
    | LC_ALL=C sort | xargs -d '\n' sha256sum
} | digest)
image=localhost/$name:$tag
container=$name-$tag

base_seconds=0 build_seconds=0
if ! stored "$base"; then
  log "making the base image $base"
  SECONDS=0
  make_base "$base"
  base_seconds=$SECONDS
fi

if ! stored "$image"; then
  args=(--build-arg "BASE=$base")
  [ -z "${ESO_TEST_EXTRAS+set}" ] || args+=(--build-arg "EXTRAS=$ESO_TEST_EXTRAS")
  [ ! -s "$bundle" ] || args+=(--secret "id=ca,src=$bundle")
  log "building $image from $src"
  # What was made from this folder more than an hour ago. Younger ones may be in use by a test that runs beside this one.
  find "$cache" -maxdepth 1 -name "$name-*.json" -mmin +60 | while read -r old; do
    old_tag=$(basename "$old" .json) && old_tag=${old_tag##*-}
    store rm "$name-$old_tag" >/dev/null 2>&1 || true
    store rmi "localhost/$name:$old_tag" >/dev/null 2>&1 || true
    rm -f "$old"
  done
  SECONDS=0
  # vfs copies the whole file system for each cached step, so steps are not cached: no --layers.
  store bud --isolation chroot --pull-never --file "$src/Dockerfile" --ignorefile "$src/.dockerignore" --tag "$image" "${args[@]}" "$src" >&2
  build_seconds=$SECONDS
fi

store inspect --type container "$container" >/dev/null 2>&1 || store from --pull-never --name "$container" "$image" >/dev/null
store inspect --type image "$image" > "$cache/$container.json"
rootfs=$(store mount "$container")

printf '%s\n' "image=$image" "rootfs=$rootfs" "config=$cache/$container.json" \
  "size_bytes=$(du -sb "$rootfs" | cut -f1)" "venv_bytes=$(du -sb "$rootfs/opt/eso" | cut -f1)" \
  "base_seconds=$base_seconds" "build_seconds=$build_seconds"
