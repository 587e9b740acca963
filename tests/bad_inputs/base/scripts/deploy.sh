#!/bin/sh
# Installs tool.
SOURCE_URL=''
SOURCE_VERSION=''
SOURCE_TOKEN=''
set -eu
main() {
    echo "tool $SOURCE_VERSION"
}
main
