#!/bin/sh
# Tells which kanade-backend runs on this host, by looking at the image in memory and not at
# the file on disk, which may have been replaced since. Changes nothing.
#
# The last line of stdout is one of
#   kanade-backend <version> sha256=<of the running image> running
#   kanade-backend <version> sha256=<of the file on disk> stopped
#   kanade-backend absent
# where <version> is `unknown` if the program does not tell. Exit 2, and no such line, when the
# question cannot be answered.
#
# Where things are, if not at kanade's own places: KANADE_BACKEND_HOME (the program is its
# bin/kanade-backend), KANADE_BACKEND_PROGRAM (the service's name), KANADE_BACKEND_URL,
# SUPERVISOR_CONFIG (asks supervisor in place of systemd), SUPERVISORCTL.
set -eu

say() {
    printf '%s\n' "$*" >&2
}

fail() {
    code=$1
    shift
    say "$*"
    exit "$code"
}

# ---- The service and the image it runs; the same text in deploy-backend.sh and probe-backend.sh

LC_ALL=C
export LC_ALL
newline='
'
service=${KANADE_BACKEND_PROGRAM:-kanade-backend}
url=${KANADE_BACKEND_URL:-http://127.0.0.1:8080}
manager=${KANADE_SERVICE_MANAGER:-}
if [ -z "$manager" ]; then
    manager=supervisor
    if [ -z "${SUPERVISOR_CONFIG:-}" ] && [ -d /run/systemd/system ]; then manager=systemd; fi
fi

# Puts a question to the service manager; what it says on stderr is a part of the answer.
ask() {
    case $manager in
    systemd) timeout -s KILL 30 systemctl "$@" 2>&1 ;;
    *)
        timeout -s KILL 30 "${SUPERVISORCTL:-supervisorctl}" \
            ${SUPERVISOR_CONFIG:+-c "$SUPERVISOR_CONFIG"} "$@" 2>&1
        ;;
    esac </dev/null
}

# Sets `exe` to the installed program: as told, or as the unit starts it, or where kanade puts it.
find_exe() {
    exe=
    if [ -z "${KANADE_BACKEND_HOME:-}" ] && [ "$manager" = systemd ]; then
        exe=$(ask show --property=ExecStart "$service" |
            sed -n 's/^ExecStart={ path=\([^;]*\) ;.*/\1/p')
    fi
    exe=${exe:-${KANADE_BACKEND_HOME:-/usr/local}/bin/kanade-backend}
    # A symbolic link is followed: what is replaced is the program, not the link to it.
    if [ ! -d "${exe%/*}" ]; then fail 2 "${exe%/*}: no such folder; set KANADE_BACKEND_HOME"; fi
    exe=$(readlink -f "$exe")
}

# Sets `pid` to the service's process, 0 when there is none; fails when nobody can tell.
find_pid() {
    case $manager in
    systemd) answer=$(ask show --property=MainPID "$service") || : ;;
    *) answer=$(ask pid "$service") || : ;;
    esac
    pid=${answer#MainPID=}
    case $pid in
    "No such process"*) pid=0 ;;
    '' | *[!0-9]*) return 1 ;;
    esac
}

# Sets `image` to a path that opens the bytes which process $1 runs, even after they were
# replaced, renamed or deleted on disk; empty when the process does not run `exe`. A program is
# its own /proc/PID/exe; a script's is its interpreter, but that holds the script open.
find_image() {
    image=/proc/$1/exe
    case $(readlink "$image" 2>/dev/null) in
    "$exe" | "$exe "* | "$exe."*) return ;;
    *) ;;
    esac
    for image in "/proc/$1/fd/"*; do
        case $(readlink "$image" 2>/dev/null) in
        "$exe" | "$exe (deleted)" | "$exe.rollback-bak" | "$exe.rollback-bak (deleted)") return ;;
        *) ;;
        esac
    done
    image=''
}

# Sets `pid`, `image` and `running`, the image's sha256 or nothing. Whoever has only just been
# started may not be the program yet and is looked at again; where every look finds another
# process, each ends as soon as it begins, and that is no service that runs.
look() {
    seen=''
    for pause in 1 1 0; do
        find_pid || fail 2 "cannot ask $manager about the service $service: ${answer%%"$newline"*}"
        image='' running=''
        if [ "$pid" = 0 ]; then return; fi
        find_image "$pid"
        if [ -n "$image" ] && running=$(sha256_of "$image"); then return; fi
        if [ "$pid" = "$seen" ]; then
            fail 2 "process $pid of the service $service does not run $exe but" \
                "$(readlink "/proc/$pid/exe" || echo 'what nobody may see'): set KANADE_BACKEND_HOME"
        fi
        seen=$pid
        sleep "$pause"
    done
    pid=0 image='' running=''
}

sha256_of() {
    sum=$(sha256sum <"$1") && printf '%s\n' "${sum%% *}"
} 2>/dev/null

# Prints the version that program $1 gives itself; nothing when it does not say.
version_of() {
    said=$(timeout -s KILL 10 "$1" --version 2>/dev/null </dev/null 9>&-) || return 0
    case $said in
    "kanade-backend "*)
        said=${said#kanade-backend }
        printf '%s\n' "${said%%[!A-Za-z0-9._+~-]*}"
        ;;
    esac
}

# Prints the answer to a GET of $1, an address of this host; fails on any status but 2xx.
get() (
    unset http_proxy HTTP_PROXY https_proxy HTTPS_PROXY all_proxy ALL_PROXY
    exec 2>/dev/null </dev/null 9>&-
    if command -v curl >/dev/null; then
        curl -q --silent --fail --max-time 3 "$1"
    elif command -v wget >/dev/null; then
        timeout -s KILL 3 wget -q -O - "$1"
    else
        python3 -c 'import sys, urllib.request as web
print(web.urlopen(sys.argv[1], timeout=3).read().decode())' "$1"
    fi
)

# ---- The end of what both have in common

version_served() {
    get "$url/api/version" | tr -d ' \n' | sed -n 's/.*"version":"\([^"]*\)".*/\1/p'
}

find_exe
look
on_disk=
if [ -e "$exe" ]; then on_disk=$(sha256_of "$exe") || fail 2 "$exe cannot be read"; fi

if [ -n "$running" ]; then
    version=$(version_of "$image")
    version=${version:-$(version_served)}
    if [ -z "$on_disk" ]; then
        echo "on disk: $exe is gone; the running image is the last copy"
    elif [ "$on_disk" != "$running" ]; then
        other=$(version_of "$exe")
        echo "on disk: kanade-backend ${other:-unknown} sha256=$on_disk, which is not what runs"
    fi
    echo "kanade-backend ${version:-unknown} sha256=$running running"
elif [ -n "$on_disk" ]; then
    version=$(version_of "$exe")
    echo "kanade-backend ${version:-unknown} sha256=$on_disk stopped"
else
    echo "kanade-backend absent"
fi
