# Tells which kanade-backend runs on this Windows host, by looking at the image that the
# service's process holds and not at what lies at the installed path, which may have been
# replaced since. Changes nothing.
#
# The last line of stdout is one of
#   kanade-backend <version> sha256=<of the running image> running
#   kanade-backend <version> sha256=<of the file on disk> stopped
#   kanade-backend absent
# where <version> is `unknown` if the program does not tell. Exit 2, and no such line, when the
# question cannot be answered.
#
# KANADE_BACKEND_PROGRAM names the service (KanadeBackend), KANADE_BACKEND_URL where it answers.
# This file is plain ASCII without a byte order mark: kanade's agent puts one in front itself,
# and a second one would be a parse error at the first line.
[CmdletBinding()]
param()

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2.0

# ---- The service and the image it runs; the same text in deploy-backend.ps1 and probe-backend.ps1

$ServiceName = 'KanadeBackend'
if ($env:KANADE_BACKEND_PROGRAM) { $ServiceName = $env:KANADE_BACKEND_PROGRAM }
$Url = 'http://127.0.0.1:8080'
if ($env:KANADE_BACKEND_URL) { $Url = $env:KANADE_BACKEND_URL.TrimEnd('/') }
$script:ExitCode = 1

# Ends the script with a code of its own and one line on stderr. A script's error stream would
# be wrapped in PowerShell's own words, and Write-Host goes to stdout in 5.1.
function Stop-Script {
    param([int]$Code, [string]$Message)
    $script:ExitCode = $Code
    throw $Message
}

function Write-Note {
    param([string]$Message)
    [Console]::Error.WriteLine($Message)
}

function Get-Sha256 {
    param([string]$Path)
    (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant()
}

# The service as the service manager has it, or nothing when it does not know the name.
function Get-BackendService {
    Get-CimInstance -ClassName Win32_Service -Filter "Name='$ServiceName'"
}

# The installed program: the one that the service is registered with, else kanade's own place.
function Get-InstalledPath {
    param($Service)
    if ($Service -and $Service.PathName) {
        if ($Service.PathName -match '^\s*"([^"]+)"') { return $Matches[1] }
        if ($Service.PathName -match '^\s*(.+?\.exe)(\s|$)') { return $Matches[1] }
    }
    Join-Path $env:ProgramFiles 'Kanade\kanade-backend.exe'
}

# Windows does not let anybody open a program for writing while a process runs it, though it
# lets everybody rename it. So this tells the file that runs from one that has taken its name.
function Test-RunningImage {
    param([string]$Path)
    if (-not (Test-Path -LiteralPath $Path -PathType Leaf)) { return $false }
    try {
        $share = [System.IO.FileShare]'ReadWrite, Delete'
        $stream = [System.IO.File]::Open($Path, 'Open', 'ReadWrite', $share)
        $stream.Dispose()
        return $false
    } catch {
        return $true
    }
}

# The file whose bytes the service's process runs; nothing when there is no process.
function Get-RunningPath {
    param($Service, [string]$Installed)
    if (-not $Service -or -not $Service.ProcessId) { return }
    $candidates = @($Installed, "$Installed.previous", "$Installed.rollback-bak")
    $process = Get-Process -Id $Service.ProcessId -ErrorAction SilentlyContinue
    if ($process -and $process.Path) { $candidates = @($process.Path) + $candidates }
    foreach ($candidate in $candidates) {
        if (Test-RunningImage $candidate) { return $candidate }
    }
    Stop-Script 2 "process $($Service.ProcessId) of the service $ServiceName runs none of: $($candidates -join ', ')"
}

# Runs a program with a limit of time. Redirecting a native command's stderr would end the
# script in 5.1 as soon as the command writes there, so the streams are read from here.
function Invoke-Program {
    param([string]$Path, [string[]]$Arguments, [int]$Seconds = 10, [string]$DataDir = '')
    $start = New-Object System.Diagnostics.ProcessStartInfo
    $start.FileName = $Path
    $start.Arguments = (@($Arguments) | ForEach-Object { '"' + $_ + '"' }) -join ' '
    $start.UseShellExecute = $false
    $start.CreateNoWindow = $true
    $start.RedirectStandardOutput = $true
    $start.RedirectStandardError = $true
    # The agent's own data folder is not the service's.
    $start.EnvironmentVariables.Remove('KANADE_AGENT_DATA_DIR')
    if ($DataDir) { $start.EnvironmentVariables['KANADE_AGENT_DATA_DIR'] = $DataDir }
    $process = [System.Diagnostics.Process]::Start($start)
    try {
        $output = $process.StandardOutput.ReadToEndAsync()
        $errors = $process.StandardError.ReadToEndAsync()
        if (-not $process.WaitForExit($Seconds * 1000)) {
            $process.Kill()
            return New-Object psobject -Property @{ ExitCode = -1; Output = ''; Errors = 'it did not end' }
        }
        New-Object psobject -Property @{
            ExitCode = $process.ExitCode
            Output   = $output.Result
            Errors   = $errors.Result
        }
    } finally {
        $process.Dispose()
    }
}

# The version that a program gives itself, or nothing.
function Get-ToldVersion {
    param([string]$Path)
    try {
        $told = Invoke-Program $Path @('--version')
        if ($told.ExitCode -eq 0 -and $told.Output -match '^kanade-backend ([A-Za-z0-9._+~-]+)') { $Matches[1] }
    } catch {
        # It is no program of this machine, and so has no version.
    }
}

# The body of an answer from this host, or nothing.
function Get-Answer {
    param([string]$Path)
    try {
        $answer = Invoke-WebRequest -UseBasicParsing -Uri ($Url + $Path) -TimeoutSec 3
        if ($answer.Content -is [byte[]]) { return [System.Text.Encoding]::UTF8.GetString($answer.Content) }
        [string]$answer.Content
    } catch {
        # Silence is an answer, too: the caller decides what it means.
    }
}

function Get-ServedVersion {
    $body = Get-Answer '/api/version'
    if ($body -and $body -match '"version"\s*:\s*"([^"]+)"') { $Matches[1] }
}

# ---- The end of what both have in common

function Write-Verdict {
    $service = Get-BackendService
    $installed = Get-InstalledPath $service
    $running = Get-RunningPath $service $installed
    $onDisk = $null
    if (Test-Path -LiteralPath $installed -PathType Leaf) { $onDisk = Get-Sha256 $installed }
    if ($running) {
        $digest = Get-Sha256 $running
        $version = Get-ToldVersion $running
        if (-not $version) { $version = Get-ServedVersion }
        if (-not $version) { $version = 'unknown' }
        if (-not $onDisk) {
            Write-Output "on disk: $installed is gone; what runs is $running"
        } elseif ($onDisk -ne $digest) {
            $other = Get-ToldVersion $installed
            if (-not $other) { $other = 'unknown' }
            Write-Output "on disk: kanade-backend $other sha256=$onDisk, which is not what runs"
        }
        Write-Output "kanade-backend $version sha256=$digest running"
    } elseif ($onDisk) {
        $version = Get-ToldVersion $installed
        if (-not $version) { $version = 'unknown' }
        Write-Output "kanade-backend $version sha256=$onDisk stopped"
    } else {
        Write-Output 'kanade-backend absent'
    }
}

try {
    Write-Verdict
} catch {
    Write-Note "cannot tell what runs: $($_.Exception.Message)"
    exit 2
}
exit 0
