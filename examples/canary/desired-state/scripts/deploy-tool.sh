#!/bin/sh
# Installs one file from kanade's package store. Safe to run twice, and to kill at any instant.
SOURCE_URL=''
VERSION=''
SHA256=''
set -eu

target=/usr/local/bin/tool
sha256_of() { sha256sum "$1" | cut -d ' ' -f 1; }

if [ ! -e "$target" ] || [ "$(sha256_of "$target")" != "$SHA256" ]; then
    staged=$(mktemp "$target.XXXXXX")
    trap 'rm -f "$staged"' EXIT
    curl --fail --silent --show-error --output "$staged" "$SOURCE_URL/api/app-packages/tool/$VERSION"
    actual=$(sha256_of "$staged")
    if [ "$actual" != "$SHA256" ]; then
        echo "sha256 mismatch — expected=$SHA256 actual=$actual" >&2
        exit 12
    fi
    chmod 755 "$staged"
    mv -f "$staged" "$target"
fi
echo "tool $VERSION"
