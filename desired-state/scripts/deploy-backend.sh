#!/bin/sh
# Brings the kanade-backend of a Linux host to one version, and proves that it runs.
#
# With the four knobs set (agent mode) the package is fetched from a kanade backend, checked
# against its sha256 and swapped in: an upgrade only. With empty knobs (manual mode) the program
# comes from the folder given as argument, or from the one that this script lies in; that is how
# a host gets its first one.
AGENT_SOURCE_URL=''
AGENT_SOURCE_VERSION=''
AGENT_SOURCE_SHA256=''
AGENT_SOURCE_AUTH_TOKEN=''
# With this knob a dead-man switch is armed before the swap: unless the new program was seen to run
# well within so many seconds, the previous one is put back and started, whatever has become of
# this script and of the agent. Give it more than a slow start may take: START_SECONDS is 60.
# It does not survive a reboot of the host: the new program starts then, and nobody puts the previous
# one back. The next run of this script proves the one or puts back the other; where nobody can send
# it, move the program's .previous over the program by hand and restart the service.
DEAD_MAN_SECONDS=''
# The last line of stdout is `kanade-backend <version>`, and it is there only when exactly those
# bytes run. Everything else goes to stderr and into the exit code:
#    2  cannot be used like this: knobs, tools, permissions; nothing was done
#   10  the backend refused the token             \
#   11  the package could not be fetched           |
#   12  sha256 mismatch                            |  the installed program runs on,
#   13  the package is not the version it says     |  untouched
#   14  the version is quarantined on this host    |
#   17  another run of this script is at it       /
#   15  the service did not start; the previous program is back, and runs
#   16  the service did not start, and the previous program does not run either
#
# It may be killed at any instant and run again: what is installed is replaced in one rename, a
# program that nobody has proved yet is known as such, and the service is restarted by a
# process of its own, which outlives this one. On a TERM the previous program is put back.
#
# Where things are, if not at kanade's own places: KANADE_BACKEND_HOME (the program is its
# bin/kanade-backend), KANADE_BACKEND_PROGRAM (the service's name), KANADE_BACKEND_URL (what must
# answer), KANADE_BACKEND_DATA_DIR, SUPERVISOR_CONFIG (asks supervisor in place of systemd),
# SUPERVISORCTL. KANADE_DEPLOY_HOOK is a shell command that is run after each step, with the
# step's name and the version as $1 and $2.
set -eu
umask 022

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

DOWNLOAD_SECONDS=${DOWNLOAD_SECONDS:-240}
DOWNLOAD_TRIES=${DOWNLOAD_TRIES:-3}
BUSY_SECONDS=${BUSY_SECONDS:-5}
START_SECONDS=${START_SECONDS:-60}
STABLE_SECONDS=${STABLE_SECONDS:-10}
LOCK_SECONDS=${LOCK_SECONDS:-120}
POLL_SECONDS=${POLL_SECONDS:-1}

unproved='' # yes while the installed program is one that nobody has seen running well

at() {
    if [ -n "${KANADE_DEPLOY_HOOK:-}" ]; then
        sh -c "$KANADE_DEPLOY_HOOK" deploy-backend "$1" "$version" >&2 </dev/null || :
    fi
}

# Hundredths of a second since the machine started: nobody can set this clock.
now() {
    read -r uptime _ </proc/uptime
    printf '%s\n' "${uptime%.*}${uptime#*.}"
}

leave() {
    code=$?
    trap '' HUP INT TERM
    trap - EXIT
    if [ -n "$unproved" ] && put_back; then
        say "interrupted: the previous program is back"
        start_restart
    fi
    if [ -n "${staging:-}" ]; then rm -f "$staging/wgetrc"; fi
    exit "$code"
}

# Runs its arguments with the command that restarts the service behind them.
restarting() {
    case $manager in
    systemd) "$@" systemctl restart "$service" ;;
    *)
        "$@" "${SUPERVISORCTL:-supervisorctl}" \
            ${SUPERVISOR_CONFIG:+-c "$SUPERVISOR_CONFIG"} restart "$service"
        ;;
    esac
}

# Restarting is a process of its own in a session of its own: killing this script, or its whole
# process group, does not leave the service stopped halfway. It also holds the lock until then.
start_restart() {
    if [ "$manager" = systemd ]; then systemctl reset-failed "$service" >/dev/null 2>&1 || :; fi
    restarting exec setsid >"$staging/restart.log" 2>&1 </dev/null &
    restart=$!
}

# A start that fails at once is tried a second time: what the service needs may be late itself.
restart_service() {
    for try in first second; do
        start_restart
        if wait "$restart"; then return; fi
        why="the $try start failed: $(tail -n 1 "$staging/restart.log")"
    done
    return 1
}

# True when the service manager has given up on the service. Supervisor's EXITED may be either:
# it says that, too, of what it is about to start again.
given_up() {
    case $manager in
    systemd) state=$(ask is-active "$service") || : ;;
    *) state=$(ask status "$service") || : ;;
    esac
    case $state in
    failed* | inactive* | *FATAL* | *STOPPED*) return 0 ;;
    *) return 1 ;;
    esac
}

# Waits until one and the same process has run the bytes $1 and answered for STABLE_SECONDS on
# end; $2 is the version that it must serve. Otherwise fails and says `why`.
settle() {
    end=$(($(now) + START_SECONDS * 100))
    current=''
    deaths=0
    since=$(now)
    while :; do
        if [ -z "$current" ] || [ ! -d "/proc/$current" ]; then
            if [ -n "$current" ]; then deaths=$((deaths + 1)); fi
            why="it ended $deaths times"
            if [ "$deaths" -gt 1 ]; then return 1; fi
            current=''
            since=$(now)
            if find_pid && [ "$pid" != 0 ]; then
                current=$pid
            elif given_up; then
                why="its service manager gave up: $state"
                return 1
            fi
        fi
        if [ -z "$current" ]; then
            why="it has no process"
        elif [ -n "$must_answer" ] && ! get "$url/health" >/dev/null; then
            why="$url/health does not answer"
            since=$(now)
        elif [ $(($(now) - since)) -ge $((STABLE_SECONDS * 100)) ]; then
            break
        fi
        if [ "$(now)" -ge "$end" ]; then
            why="after $START_SECONDS s $why"
            return 1
        fi
        sleep "$POLL_SECONDS"
    done
    find_image "$current"
    if [ -z "$image" ] || [ "$(sha256_of "$image")" != "$1" ]; then
        why="process $current does not run the installed program"
        return 1
    fi
    if [ -z "$must_answer" ]; then return; fi
    served=$(get "$url/api/version" | tr -d ' \n') || :
    case $served in
    '' | *"\"version\":\"$2\""*) ;;
    *)
        why="$url/api/version answers $served"
        return 1
        ;;
    esac
}

last_words() {
    case $manager in
    systemd) journalctl --unit="$service" --lines=15 --no-pager --output=cat 2>&1 || : ;;
    *)
        # Where supervisor redirects a program's stderr there is but one log.
        words=$(ask tail -2000 "$service" stderr) || :
        case $words in "$service: ERROR "*) words=$(ask tail -2000 "$service") || : ;; *) ;; esac
        printf '%s\n' "$words"
        ;;
    esac | sed '/^$/d; s/^/| /' | tail -n 15 | cut -c 1-300 >&2
}

put_back() {
    if [ ! -e "$exe.previous" ]; then return 1; fi
    mv -f "$exe.previous" "$exe"
    unproved=''
    disarm
}

# ---- The dead-man switch

# A process that outlives this script, its process group and, where systemd is, the agent's own
# service. It acts only while the file `armed` holds its number: who has proved the program or put
# the previous one back removes it, and who deploys again writes another. A script that hangs is
# asked to end, then made to; a later one that is at it is waited for.
arm() {
    if [ -z "$DEAD_MAN_SECONDS" ] || [ ! -e "$exe.previous" ]; then return 0; fi
    cat >"$staging/dead-man.new" <<'EOF'
staging=$1 exe=$2 wanted=$3 deploy=$4 born=$5 deadline=$6
shift 6 # and what is left restarts the service
exec 9<>"$staging/lock"
mine() { [ "$(cat "$staging/armed")" = "$deploy $born" ]; }
at_work() { [ "$(cat "$staging/lock")" = "$deploy" ]; }
over() {
    read -r uptime _ </proc/uptime
    [ "${uptime%.*}${uptime#*.}" -ge "$deadline" ]
}
printf '%s\n' "$deploy $born" >"$staging/armed"
while mine && ! over; do sleep 1; done 9>&-
mine || exit 0
for signal in TERM KILL; do
    if flock -w 5 9; then break; fi
    if at_work && [ "$(cut -d ' ' -f 22 "/proc/$deploy/stat")" = "$born" ]; then
        kill -s "$signal" "$deploy"
    fi
done
# A restart that hangs has the lock as well.
if at_work; then flock -w 5 9; else flock 9; fi
mine || exit 0
sum=$(sha256sum <"$exe")
if [ "${sum%% *}" = "$wanted" ] && mv -f "$exe.previous" "$exe"; then
    if [ "$1" = systemctl ]; then systemctl reset-failed "$3"; fi # it may have given up
    for pause in 1 2 4; do
        if "$@" 9>&-; then
            rm -f "$staging/unproved"
            break
        fi
        sleep "$pause"
    done
fi
rm -f "$staging/armed" "$staging/dead-man"
EOF
    mv -f "$staging/dead-man.new" "$staging/dead-man"
    born=$(cut -d ' ' -f 22 "/proc/$$/stat")
    set -- "$staging/dead-man" "$staging" "$exe" "$wanted" $$ "$born" \
        $(($(now) + DEAD_MAN_SECONDS * 100))
    if [ "$manager" != systemd ] ||
        ! restarting systemd-run --quiet --collect -- /bin/sh "$@" >/dev/null 2>&1 </dev/null; then
        restarting exec setsid sh "$@" >/dev/null 2>&1 </dev/null 9>&- &
    fi
    tries=0
    until [ "$(cat "$staging/armed" 2>/dev/null)" = "$$ $born" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then fail 2 "the dead-man switch does not start; nothing was done"; fi
        sleep 0.1
    done
    at armed
}

disarm() {
    rm -f "$staging/armed" "$staging/dead-man"
}

# ---- Fetching

# Each of these appends to `part` what it lacks, and sets `status` to HTTP's word, 000 without
# one. The token stays out of every command line: those are everybody's to read.
fetch_with_curl() {
    set --
    if [ -s "$part" ]; then set -- --continue-at -; fi
    status=$(
        {
            printf 'url = "%s"\n' "$package_url"
            if [ -n "$AGENT_SOURCE_AUTH_TOKEN" ]; then
                quoted=$(printf '%s' "$AGENT_SOURCE_AUTH_TOKEN" | sed 's/[\\"]/\\&/g')
                printf 'header = "Authorization: Bearer %s"\n' "$quoted"
            fi
        } | curl -q --config - --silent --show-error --fail "$@" --connect-timeout 10 \
            --max-time "$left" --output "$part" --write-out '%{http_code}' 2>"$staging/fetch.log"
    )
}

fetch_with_wget() {
    (
        umask 077
        : >"$staging/wgetrc"
        if [ -n "$AGENT_SOURCE_AUTH_TOKEN" ]; then
            printf 'header = Authorization: Bearer %s\n' "$AGENT_SOURCE_AUTH_TOKEN" >"$staging/wgetrc"
        fi
    )
    fetched=0
    WGETRC=$staging/wgetrc timeout -s KILL "$left" wget --server-response --tries=1 --timeout=30 \
        --max-redirect=0 --no-verbose --continue --output-document="$part" "$package_url" \
        2>"$staging/fetch.log" || fetched=$?
    rm -f "$staging/wgetrc"
    status=$(sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' "$staging/fetch.log" | tail -n 1)
    return "$fetched"
}

fetch_with_python() {
    status=$(BEARER=$AGENT_SOURCE_AUTH_TOKEN timeout -s KILL "$left" python3 -c '
import os, sys, urllib.error, urllib.request

url, path = sys.argv[1:]
have = os.path.getsize(path) if os.path.exists(path) else 0
request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
if os.environ["BEARER"]:
    request.add_unredirected_header("Authorization", "Bearer " + os.environ["BEARER"])
try:
    with urllib.request.urlopen(request, timeout=30) as answer:
        print(answer.status)
        missing = int(answer.headers["Content-Length"] or 0)
        with open(path, "ab" if answer.status == 206 else "wb") as file:
            while block := answer.read(1 << 20):
                missing -= file.write(block)
except urllib.error.HTTPError as error:
    print(error.code)
    sys.exit(f"HTTP status {error.code}")
except OSError as error:
    sys.exit(str(error))
if missing > 0:
    sys.exit(f"{missing} bytes are missing")
' "$package_url" "$part" 2>"$staging/fetch.log")
}

choose_client() {
    if command -v curl >/dev/null; then
        client=curl
    elif wget --version 2>/dev/null | grep -q '^GNU Wget'; then
        client=wget # another one has no way to take the token but its command line
    elif command -v python3 >/dev/null; then
        client=python
    else
        fail 2 "downloading needs curl, GNU wget or python3 on this host; there is none of them"
    fi
}

# Fetches the package to `staged`; a part that was left by an earlier run is gone on with.
download() {
    choose_client
    part=$staging/$wanted.part
    find "$staging" -name '*.part' ! -name "$wanted.part" -exec rm -f {} +
    until_end=$(($(now) + DOWNLOAD_SECONDS * 100))
    attempt=1
    while :; do
        resumed=''
        if [ -s "$part" ]; then resumed=yes; fi
        left=$(((until_end - $(now)) / 100))
        if [ "$left" -lt 1 ]; then
            fail 11 "download failed: not done after $DOWNLOAD_SECONDS s: $package_url"
        fi
        complete=''
        if "fetch_with_$client"; then complete=yes; fi
        case ${status:-000} in
        401 | 403) fail 10 "download failed: HTTP status $status: the token was refused: $package_url" ;;
        200 | 206 | 000 | 408 | 416 | 429 | 5*) ;;
        *) fail 11 "download failed: HTTP status $status: $package_url" ;;
        esac
        if [ -n "$complete" ] || [ "$status" = 416 ]; then
            actual=$(sha256_of "$part")
            if [ "$actual" = "$wanted" ]; then break; fi
            rm -f "$part"
            # What an earlier run had left may be to blame: only a whole transfer is a verdict.
            if [ -n "$resumed" ]; then continue; fi
            fail 12 "sha256 mismatch — expected=$wanted actual=$actual"
        fi
        if [ "$status" = 503 ] || [ "$status" = 429 ]; then
            sleep "$BUSY_SECONDS" # many hosts at a time take turns
            continue
        fi
        if [ "$attempt" -ge "$DOWNLOAD_TRIES" ]; then
            fail 11 "download failed: The transfer encountered an error: $attempt attempts," \
                "HTTP status ${status:-000}: $(tail -n 1 "$staging/fetch.log"): $package_url"
        fi
        # A server that cannot go on with a part gets asked for the whole.
        if [ -n "$resumed" ] && [ "$status" = 200 ]; then rm -f "$part"; fi
        sleep "$attempt"
        attempt=$((attempt + 1))
    done
    mv -f "$part" "$staged"
}

# ---- The steps

read_knobs() {
    wanted=$AGENT_SOURCE_SHA256
    version=$AGENT_SOURCE_VERSION
    for knob in URL VERSION SHA256; do
        eval "value=\$AGENT_SOURCE_$knob"
        if [ -z "$value" ]; then
            fail 2 "AGENT_SOURCE_$knob is empty: set it as well, or none of them"
        fi
    done
    case $version in
    *[!A-Za-z0-9._+~-]*) fail 2 "AGENT_SOURCE_VERSION: $version is no version" ;;
    *) ;;
    esac
    case $wanted in *[!0-9a-f]*) digits=0 ;; *) digits=${#wanted} ;; esac
    if [ "$digits" -ne 64 ]; then
        fail 2 "AGENT_SOURCE_SHA256: $wanted is not 64 lower-case hex digits"
    fi
    case $AGENT_SOURCE_URL in
    *[\"\\[:space:]]*) fail 2 "AGENT_SOURCE_URL: $AGENT_SOURCE_URL is no URL" ;;
    http://?* | https://?*) ;;
    *) fail 2 "AGENT_SOURCE_URL: $AGENT_SOURCE_URL does not begin with http:// or https://" ;;
    esac
    case $AGENT_SOURCE_AUTH_TOKEN in
    *[![:print:]]*) fail 2 "AGENT_SOURCE_AUTH_TOKEN has a character that no header can carry" ;;
    *) ;;
    esac
    package_url=${AGENT_SOURCE_URL%/}/api/app-packages/kanade-backend/$version
}

find_folder() {
    folder=${1:-$(dirname "$0")}
    if [ ! -f "$folder/kanade-backend" ]; then
        fail 2 "$folder/kanade-backend: no such file; put the program there, name its folder as" \
            "argument, or set the AGENT_SOURCE_ knobs"
    fi
    wanted=$(sha256_of "$folder/kanade-backend")
    version=$(version_of "$folder/kanade-backend")
    if [ -z "$version" ]; then fail 13 "$folder/kanade-backend does not tell its version"; fi
}

lock() {
    for tool in flock setsid timeout stat sha256sum; do
        command -v "$tool" >/dev/null ||
            fail 2 "$tool is not on this host: install util-linux and coreutils"
    done
    { mkdir -p "$staging" && chmod 700 "$staging" && : >>"$staging/lock"; } 2>/dev/null ||
        fail 2 "$staging cannot be written: run as root (run_as: system)"
    exec 9<>"$staging/lock"
    waited=0
    until flock -n 9; do
        if [ "$waited" -ge "$LOCK_SECONDS" ]; then
            fail 17 "another deploy of $service is running: process $(cat "$staging/lock")"
        fi
        sleep 1
        waited=$((waited + 1))
    done
    printf '%s\n' "$$" >"$staging/lock"
}

# The boot sentinel's state belongs to the service. An agent hands its own data folder down to
# its jobs, and there the sentinel would find, and leave, nothing that the service ever reads.
sentinel() {
    data_dir=${KANADE_BACKEND_DATA_DIR:-}
    if [ -z "$data_dir" ] && [ "$pid" != 0 ]; then
        data_dir=$(tr '\0' '\n' <"/proc/$pid/environ" | sed -n 's/^KANADE_AGENT_DATA_DIR=//p')
    fi
    (
        unset KANADE_AGENT_DATA_DIR
        if [ -n "$data_dir" ]; then export KANADE_AGENT_DATA_DIR="$data_dir"; fi
        exec timeout -s KILL 120 "$staged" "$@" >"$staging/sentinel.log" 2>&1 </dev/null 9>&-
    )
}

check_staged() {
    chmod 755 "$staged"
    told=$(version_of "$staged")
    if [ "$told" != "$version" ]; then
        fail 13 "the package is not what it is published as: kanade-backend $version says that" \
            "it is ${told:-nothing that runs on this host}"
    fi
    # Only a program that lists them is given these words: an older one might start to serve.
    listed=$(timeout -s KILL 10 "$staged" --help 2>/dev/null </dev/null 9>&-) || listed=''
    case $listed in *arm-for-swap*) ;; *) return ;; esac
    refused=0
    sentinel check-quarantine "$version" || refused=$?
    if [ "$refused" -eq 3 ]; then
        fail 14 "kanade-backend $version is QUARANTINED by the boot sentinel on this host"
    fi
    if [ -n "$installed" ] && ! sentinel arm-for-swap "$version" "$exe"; then
        say "the boot sentinel is not armed: $(tail -n 1 "$staging/sentinel.log")"
    fi
}

# Keeps the last program that is known to have run: the one that runs, else the one on disk.
keep_previous() {
    rm -f "$staging/previous"
    if [ -n "$running" ] && [ "$running" != "$installed" ] && [ "$running" != "$suspect" ]; then
        cat "$image" >"$staging/previous"
        chmod 755 "$staging/previous"
    elif [ -n "$installed" ]; then
        # A run that was killed here has linked the two already, and mv refuses to move one
        # file onto itself.
        rm -f "$exe.previous"
        ln "$exe" "$staging/previous" 2>/dev/null || cp -p "$exe" "$staging/previous"
    else
        return 0
    fi
    mv -f "$staging/previous" "$exe.previous"
}

mark() {
    printf '%s\n' "$wanted" >"$staging/mark"
    mv -f "$staging/mark" "$staging/unproved"
}

swap() {
    if [ -n "$installed" ]; then
        chmod "$(stat -c %a "$exe")" "$staged"
        chown "$(stat -c %u:%g "$exe")" "$staged"
    fi
    sync "$staged" 2>/dev/null || sync
    arm
    mark
    mv -f "$staged" "$exe"
    unproved=yes
    at swapped
}

finish() {
    unproved=''
    disarm
    rm -f "$staging/unproved"
    printf 'kanade-backend %s\n' "$version"
    exit 0
}

give_up() {
    failed=$why
    say "the last words of the service:"
    last_words
    if [ -z "$unproved" ]; then
        # It ran well once: whatever keeps it from starting now, its bytes are not to blame.
        fail 16 "service did not start: $failed;" \
            "it is the program that was asked for, and is left in place"
    fi
    if ! put_back; then
        fail 16 "service did not start: $failed; there is no earlier program to put back"
    fi
    at put-back
    earlier=$(sha256_of "$exe")
    told=$(version_of "$exe")
    if restart_service && settle "$earlier" "$told"; then
        rm -f "$staging/unproved"
        fail 15 "service did not start: $failed; kanade-backend $told is back and runs"
    fi
    fail 16 "service did not start: $failed;" \
        "the previous program is back, and does not run either: $why"
}

main() {
    if [ -z "$AGENT_SOURCE_URL$AGENT_SOURCE_VERSION$AGENT_SOURCE_SHA256" ]; then
        mkdir -p "${KANADE_BACKEND_HOME:-/usr/local}/bin"
    fi
    find_exe
    staging=$(dirname "$exe")/.kanade-backend.deploy
    staged=$staging/kanade-backend # the sentinel knows a program by this name
    if [ -n "$AGENT_SOURCE_URL$AGENT_SOURCE_VERSION$AGENT_SOURCE_SHA256" ]; then
        read_knobs
        if [ ! -e "$exe" ] && [ ! -e "$exe.previous" ]; then
            fail 2 "$exe is not there: agent mode only upgrades; install the first one by hand"
        fi
    else
        find_folder "$@"
    fi
    case $DEAD_MAN_SECONDS in
    0* | *[!0-9]*) fail 2 "DEAD_MAN_SECONDS: $DEAD_MAN_SECONDS is no number of seconds" ;;
    *) ;;
    esac
    look
    if [ "$running" = "$wanted" ] && [ ! -e "$staging/unproved" ]; then
        printf 'kanade-backend %s\n' "$version"
        exit 0
    fi

    lock
    trap leave EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    look
    installed=$(sha256_of "$exe") || installed=''
    suspect=$(cat "$staging/unproved" 2>/dev/null) || suspect=''
    if [ -n "$installed" ] && [ "$installed" = "$suspect" ]; then
        if [ "$suspect" = "$wanted" ]; then
            unproved=yes
            arm
        elif put_back; then
            say "an interrupted run had left a program that nobody has proved; it is taken back"
            installed=$(sha256_of "$exe")
        fi
    fi
    if [ "$running" = "$wanted" ] && [ -z "$unproved" ]; then finish; fi # by the run we waited for

    # Only an address that somebody named, or where a backend answers now, can be a witness.
    must_answer=${KANADE_BACKEND_URL:-}
    case $(get "$url/api/version") in *'"version"'*) must_answer=yes ;; *) ;; esac

    if [ "$installed" != "$wanted" ]; then
        if [ "$(sha256_of "$staged")" != "$wanted" ]; then
            if [ -n "$AGENT_SOURCE_URL" ]; then
                download
            else
                cp "$folder/kanade-backend" "$staged"
            fi
        fi
        at downloaded
        check_staged
        at checked
        keep_previous
        at kept
        swap
    elif [ -z "$unproved" ] && [ -n "$running" ]; then
        keep_previous # somebody else has put it there, and not started it yet
        arm
        mark
        unproved=yes
    fi
    if [ "$running" != "$wanted" ] && ! restart_service; then give_up; fi
    at restarted
    if ! settle "$wanted" "$version"; then give_up; fi
    at settled
    finish
}

main "$@"
