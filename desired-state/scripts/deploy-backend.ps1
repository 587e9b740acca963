# Brings the kanade-backend of a Windows host to one version, and proves that it runs.
#
# With the four knobs set (agent mode) the package is fetched from a kanade backend, checked
# against its sha256 and swapped in: an upgrade only. With empty knobs (manual mode) the program
# comes from -SourceDir, or from the folder of this script, where a backend.toml may lie for the
# first install.
#
# The last line of stdout is `kanade-backend <version>`, and it is there only when exactly those
# bytes run. Everything else goes to stderr and into the exit code:
#    2  cannot be used like this: knobs, permissions; nothing was done
#   10  the backend refused the token             \
#   11  the package could not be fetched           |
#   12  sha256 mismatch                            |  the installed program runs on,
#   13  the package is not the version it says     |  untouched
#   14  the version is quarantined on this host    |
#   17  another run of this script is at it       /
#   15  the service did not start; the previous program is back, and runs
#   16  the service did not start, and the previous program does not run either
#
# Killed at any instant and run again, it finds out where it was: a program that nobody has seen
# running well is marked as such, and the one before lies beside it.
#
# KANADE_BACKEND_PROGRAM names the service (KanadeBackend), KANADE_BACKEND_URL what must answer.
# This file is plain ASCII without a byte order mark: kanade's agent puts one in front itself,
# and a second one would be a parse error at the first line.
[CmdletBinding()]
param(
    [string]$SourceDir = ''
)

$AgentSourceUrl = ''
$AgentSourceVersion = ''
$AgentSourceSha256 = ''
$AgentSourceAuthToken = ''
# With this knob a dead-man switch is armed before the swap: unless the new program was seen to run
# well within so many seconds, the previous one is put back and started, whatever has become of
# this script and of the agent. Give it more than a slow start may take: $StartSeconds is 60.
$DeadManSeconds = ''

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2.0

$DownloadSeconds = 120
$StartSeconds = 60
$StableSeconds = 10
$StopSeconds = 40
$LockSeconds = 120

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

# ---- The dead-man switch

# What the scheduled task runs: this function's own text, as a script. It acts only while the file
# `armed` holds its number: who has proved the program or put the previous one back removes it,
# and who deploys again writes another. A script that hangs is made to end; a later one that is at
# it is waited for. Whatever fails leaves it armed, and the task runs it again a minute later.
function Invoke-DeadManSwitch {
    param([string]$Staging, [string]$Installed, [string]$Wanted, [string]$ServiceName, [string]$Number)
    $ErrorActionPreference = 'Stop'
    $armed = Join-Path $Staging 'armed'
    $previous = "$Installed.previous"
    $mutex = New-Object System.Threading.Mutex($false, "Global\$ServiceName.deploy")
    $held = $false
    for ($attempt = 1; -not $held; $attempt++) {
        if (-not (Test-Path -LiteralPath $armed)) { exit 0 }
        if ((Get-Content -LiteralPath $armed -TotalCount 1) -ne $Number) { exit 0 }
        if ($attempt -eq 2) {
            $deploy = Get-Process -Id ($Number -split '-')[0] -ErrorAction SilentlyContinue
            if ($deploy -and "$($deploy.Id)-$($deploy.StartTime.Ticks)" -eq $Number) { $deploy.Kill() }
        }
        try {
            $held = $mutex.WaitOne(10000)
        } catch [System.Threading.AbandonedMutexException] {
            $held = $true
        }
    }
    if (-not (Test-Path -LiteralPath $armed)) { exit 0 }
    if ((Get-Content -LiteralPath $armed -TotalCount 1) -ne $Number) { exit 0 }
    try {
        $there = Test-Path -LiteralPath $Installed
        if ((Test-Path -LiteralPath $previous) -and -not $there) {
            [System.IO.File]::Move($previous, $Installed)
        } elseif ((Test-Path -LiteralPath $previous) -and (Get-FileHash -LiteralPath $Installed -Algorithm SHA256).Hash -eq $Wanted) {
            Stop-Service -Name $ServiceName -Force -WarningAction SilentlyContinue
            (Get-Service -Name $ServiceName).WaitForStatus('Stopped', [TimeSpan]::FromSeconds(40))
            for ($try = 1; $true; $try++) {
                try {
                    [System.IO.File]::Replace($previous, $Installed, [NullString]::Value)
                    break
                } catch {
                    if ($try -ge 20) { throw }
                    Start-Sleep -Milliseconds 500
                }
            }
        }
        Start-Service -Name $ServiceName -WarningAction SilentlyContinue
        Remove-Item -LiteralPath (Join-Path $Staging 'unproved') -Force -ErrorAction SilentlyContinue
        Remove-Item -LiteralPath $armed, (Join-Path $Staging 'dead-man.ps1') -Force -ErrorAction SilentlyContinue
        Unregister-ScheduledTask -TaskName "$ServiceName dead-man switch" -Confirm:$false -ErrorAction SilentlyContinue
    } finally {
        $mutex.ReleaseMutex()
    }
}

# A task of the system outlives this script, the agent, and the host's going down. For a day it
# begins again each minute, until a run of it has got to its end.
function Enable-DeadManSwitch {
    param([string]$Staging, [string]$Installed, [string]$Wanted)
    if (-not $DeadManSeconds) { return }
    if (-not (Test-Path -LiteralPath $Installed)) { return }
    $file = Join-Path $Staging 'dead-man.ps1'
    Set-Content -LiteralPath $file -Value ${function:Invoke-DeadManSwitch} -Encoding Ascii
    $own = Get-Process -Id $PID
    $number = "$($own.Id)-$($own.StartTime.Ticks)"
    Set-Content -LiteralPath (Join-Path $Staging 'armed') -Value $number -Encoding Ascii
    $words = '-NoProfile -NonInteractive -ExecutionPolicy Bypass -File'
    $arguments = "$words `"$file`" `"$Staging`" `"$Installed`" $Wanted `"$ServiceName`" $number"
    $trigger = @{
        Once               = $true
        At                 = (Get-Date).AddSeconds([int]$DeadManSeconds)
        RepetitionInterval = New-TimeSpan -Minutes 1
        RepetitionDuration = New-TimeSpan -Days 1
    }
    $task = @{
        TaskName  = "$ServiceName dead-man switch"
        Action    = New-ScheduledTaskAction -Execute 'powershell.exe' -Argument $arguments
        Trigger   = New-ScheduledTaskTrigger @trigger
        Principal = New-ScheduledTaskPrincipal -UserId 'SYSTEM' -RunLevel Highest
        Settings  = New-ScheduledTaskSettingsSet -StartWhenAvailable -AllowStartIfOnBatteries -DontStopIfGoingOnBatteries
    }
    $null = Register-ScheduledTask @task -Force
}

function Disable-DeadManSwitch {
    param([string]$Staging)
    if (-not (Test-Path -LiteralPath (Join-Path $Staging 'armed'))) { return }
    Remove-Item -LiteralPath (Join-Path $Staging 'armed'), (Join-Path $Staging 'dead-man.ps1') -Force
    Unregister-ScheduledTask -TaskName "$ServiceName dead-man switch" -Confirm:$false -ErrorAction SilentlyContinue
}

# ---- Fetching

function Get-HttpStatus {
    param($Failure)
    $exception = $Failure.Exception
    while ($exception) {
        $response = $exception.PSObject.Properties['Response']
        if ($response -and $response.Value) { return [int]$response.Value.StatusCode }
        # BITS says it in words, and in an HRESULT whose last three digits are the status.
        if ($exception.Message -match 'HTTP status (\d{3})|0x80190([0-9A-Fa-f]{3})') {
            if ($Matches.ContainsKey(1)) { return [int]$Matches[1] }
            return [Convert]::ToInt32($Matches[2], 16)
        }
        $exception = $exception.InnerException
    }
    return 0
}

function Stop-OnHttpStatus {
    param([int]$Status, [string]$PackageUrl)
    if ($Status -eq 401 -or $Status -eq 403) {
        Stop-Script 10 "download failed: HTTP status ${Status}: the token was refused: $PackageUrl"
    }
    if ($Status -ge 400 -and $Status -lt 500) {
        Stop-Script 11 "download failed: HTTP status ${Status}: $PackageUrl"
    }
}

# Background transfer outlives a broken connection, and a killed script, too: what an earlier
# run has left in the queue is taken out first.
function Receive-ByBits {
    param([string]$PackageUrl, [string]$Destination)
    $command = Get-Command -Name Start-BitsTransfer -ErrorAction SilentlyContinue
    if (-not $command) { throw 'there is no BITS on this host' }
    $name = 'kanade-backend deploy'
    Get-BitsTransfer -Name $name -ErrorAction SilentlyContinue | Remove-BitsTransfer
    $transfer = @{
        Source        = $PackageUrl
        Destination   = $Destination
        DisplayName   = $name
        Priority      = 'Foreground'
        RetryInterval = 60
        RetryTimeout  = $DownloadSeconds
    }
    if ($AgentSourceAuthToken) {
        if (-not $command.Parameters.ContainsKey('CustomHeaders')) { throw 'this BITS takes no headers' }
        $transfer.CustomHeaders = @("Authorization: Bearer $AgentSourceAuthToken")
    }
    Start-BitsTransfer @transfer
}

function Receive-ByHttp {
    param([string]$PackageUrl, [string]$Destination)
    $tls12 = [System.Net.SecurityProtocolType]3072
    [System.Net.ServicePointManager]::SecurityProtocol = [System.Net.ServicePointManager]::SecurityProtocol -bor $tls12
    $headers = @{}
    if ($AgentSourceAuthToken) { $headers.Authorization = "Bearer $AgentSourceAuthToken" }
    $request = @{
        Uri                = $PackageUrl
        Headers            = $headers
        OutFile            = $Destination
        TimeoutSec         = $DownloadSeconds
        MaximumRedirection = 0
        UseBasicParsing    = $true
    }
    Invoke-WebRequest @request
}

function Receive-Package {
    param([string]$Destination)
    $packageUrl = $AgentSourceUrl.TrimEnd('/') + "/api/app-packages/kanade-backend/$AgentSourceVersion"
    try {
        Receive-ByBits $packageUrl $Destination
    } catch {
        Stop-OnHttpStatus (Get-HttpStatus $_) $packageUrl
        $bits = $_.Exception.Message.Trim()
        Write-Note "BITS: $bits; trying without it"
        try {
            Receive-ByHttp $packageUrl $Destination
        } catch {
            Stop-OnHttpStatus (Get-HttpStatus $_) $packageUrl
            $http = $_.Exception.Message.Trim()
            Stop-Script 11 "download failed: The transfer encountered an error: ${packageUrl}: BITS: $bits; HTTP: $http"
        }
    }
    $actual = Get-Sha256 $Destination
    if ($actual -ne $AgentSourceSha256) {
        Remove-Item -LiteralPath $Destination -Force
        $dash = [char]0x2014
        Stop-Script 12 "sha256 mismatch $dash expected=$AgentSourceSha256 actual=$actual"
    }
}

# ---- The steps

function Assert-Knobs {
    $knobs = [ordered]@{
        AgentSourceUrl     = $AgentSourceUrl
        AgentSourceVersion = $AgentSourceVersion
        AgentSourceSha256  = $AgentSourceSha256
    }
    foreach ($knob in $knobs.Keys) {
        if (-not $knobs[$knob]) { Stop-Script 2 "$knob is empty: set it as well, or none of them" }
    }
    if ($AgentSourceVersion -cnotmatch '\A[A-Za-z0-9._+~-]+\z') {
        Stop-Script 2 "AgentSourceVersion: $AgentSourceVersion is no version"
    }
    if ($AgentSourceSha256 -cnotmatch '\A[0-9a-f]{64}\z') {
        Stop-Script 2 "AgentSourceSha256: $AgentSourceSha256 is not 64 lower-case hex digits"
    }
    if ($AgentSourceUrl -notmatch '\Ahttps?://.') {
        Stop-Script 2 "AgentSourceUrl: $AgentSourceUrl does not begin with http:// or https://"
    }
    if ("$AgentSourceUrl$AgentSourceAuthToken" -match '[\x00-\x1f\x7f]') {
        Stop-Script 2 'AgentSourceUrl or AgentSourceAuthToken has a control character'
    }
}

# The program of manual mode: its path, digest and the version that it tells.
function Get-LocalPackage {
    $folder = $SourceDir
    if (-not $folder) { $folder = $PSScriptRoot }
    $path = Join-Path $folder 'kanade-backend.exe'
    if (-not (Test-Path -LiteralPath $path -PathType Leaf)) {
        Stop-Script 2 "${path}: no such file; put the program there, name its folder with -SourceDir, or set the AgentSource knobs"
    }
    $version = Get-ToldVersion $path
    if (-not $version) { Stop-Script 13 "$path does not tell its version" }
    New-Object psobject -Property @{ Path = $path; Version = $version; Sha256 = (Get-Sha256 $path) }
}

# The data folder that the service itself would use, where its environment names one.
function Get-ServiceDataDir {
    $key = "HKLM:\SYSTEM\CurrentControlSet\Services\$ServiceName"
    $values = Get-ItemProperty -LiteralPath $key -Name Environment -ErrorAction SilentlyContinue
    if (-not $values) { return '' }
    foreach ($line in $values.Environment) {
        if ($line -match '\AKANADE_AGENT_DATA_DIR=(.*)\z') { return $Matches[1] }
    }
    return ''
}

function Assert-Staged {
    param([string]$Staged, [string]$Version, [string]$Installed)
    $told = Get-ToldVersion $Staged
    if ($told -ne $Version) {
        if (-not $told) { $told = 'nothing that runs on this host' }
        Stop-Script 13 "the package is not what it is published as: kanade-backend $Version says that it is $told"
    }
    # Only a program that lists them is given these words: an older one might start to serve.
    if ((Invoke-Program $Staged @('--help')).Output -notmatch 'arm-for-swap') { return }
    $dataDir = Get-ServiceDataDir
    $quarantine = Invoke-Program $Staged @('check-quarantine', $Version) 30 $dataDir
    if ($quarantine.ExitCode -eq 3) {
        Stop-Script 14 "kanade-backend $Version is QUARANTINED by the boot sentinel on this host"
    }
    if (Test-Path -LiteralPath $Installed) {
        $armed = Invoke-Program $Staged @('arm-for-swap', $Version, $Installed) 120 $dataDir
        if ($armed.ExitCode -ne 0) { Write-Note "the boot sentinel is not armed: $($armed.Errors.Trim())" }
    }
}

# A virus scanner or a process that is just ending may hold a program for a moment.
function Invoke-Patiently {
    param([scriptblock]$Action)
    for ($attempt = 1; $true; $attempt++) {
        try {
            & $Action
            return
        } catch {
            if ($attempt -ge 20) { throw }
            Start-Sleep -Milliseconds 500
        }
    }
}

function Stop-Backend {
    $service = Get-Service -Name $ServiceName
    if ($service.Status -ne 'Stopped') {
        Stop-Service -Name $ServiceName -Force -WarningAction SilentlyContinue
        $service.WaitForStatus('Stopped', [TimeSpan]::FromSeconds($StopSeconds))
    }
}

# Puts $Fresh in the place of $Installed, in one step of the file system, and keeps what was
# there as $Kept; with no $Kept it is thrown away.
function Switch-Program {
    param([string]$Fresh, [string]$Installed, [string]$Kept)
    Invoke-Patiently {
        if (-not (Test-Path -LiteralPath $Installed)) {
            [System.IO.File]::Move($Fresh, $Installed)
        } elseif ($Kept) {
            [System.IO.File]::Replace($Fresh, $Installed, $Kept)
        } else {
            [System.IO.File]::Replace($Fresh, $Installed, [NullString]::Value)
        }
    }
}

# Starts the service and waits until one and the same process has run the wanted bytes and
# answered for $StableSeconds on end. Returns nothing then, and otherwise what was wrong.
function Start-Backend {
    param([string]$Installed, [string]$Wanted, [string]$Version, [bool]$MustAnswer)
    try {
        Start-Service -Name $ServiceName -WarningAction SilentlyContinue
    } catch {
        return $_.Exception.Message.Trim()
    }
    $clock = [System.Diagnostics.Stopwatch]::StartNew()
    $since = 0
    $current = 0
    $deaths = 0
    while ($true) {
        $found = [int](Get-BackendService).ProcessId
        if ($found -ne $current) {
            if ($current) { $deaths++ }
            $current = $found
            $since = $clock.Elapsed.TotalSeconds
        }
        $wrong = $null
        if ($deaths -gt 1) { return "it ended $deaths times" }
        if (-not $current) {
            $wrong = 'it has no process'
        } elseif ($MustAnswer -and -not (Get-Answer '/health')) {
            $wrong = "$Url/health does not answer"
        }
        if ($wrong) {
            $since = $clock.Elapsed.TotalSeconds
        } elseif ($clock.Elapsed.TotalSeconds - $since -ge $StableSeconds) {
            break
        }
        if ($clock.Elapsed.TotalSeconds -ge $StartSeconds) {
            if (-not $wrong) { $wrong = 'it is not stable' }
            return "after $StartSeconds s $wrong"
        }
        Start-Sleep -Seconds 1
    }
    $running = Get-RunningPath (Get-BackendService) $Installed
    if (-not $running -or (Get-Sha256 $running) -ne $Wanted) {
        return "process $current does not run the installed program"
    }
    $served = Get-ServedVersion
    if ($MustAnswer -and $served -and $served -ne $Version) { return "$Url/api/version answers $served" }
}

# What the service manager and the backend's own log said last.
function Write-LastWord {
    $filter = @{ LogName = 'System'; ProviderName = 'Service Control Manager' }
    Get-WinEvent -FilterHashtable $filter -MaxEvents 20 -ErrorAction SilentlyContinue |
        Where-Object { $_.Message -match 'Kanade' } |
        Select-Object -First 3 |
        ForEach-Object { Write-Note "| $($_.Message -replace '\s+', ' ')" }
    $logs = Join-Path $env:ProgramData 'Kanade\logs'
    $log = Get-ChildItem -Path $logs -Filter 'backend*.log' -ErrorAction SilentlyContinue |
        Sort-Object -Property LastWriteTime |
        Select-Object -Last 1
    if ($log) { Get-Content -LiteralPath $log.FullName -Tail 10 | ForEach-Object { Write-Note "| $_" } }
}

function New-Backend {
    param([string]$Installed)
    $config = Join-Path $env:ProgramData 'Kanade\config\backend.toml'
    $folder = $SourceDir
    if (-not $folder) { $folder = $PSScriptRoot }
    $sample = Join-Path $folder 'backend.toml'
    if (-not (Test-Path -LiteralPath $config)) {
        if (-not (Test-Path -LiteralPath $sample)) { Stop-Script 2 "${config}: no such file, and there is no $sample to begin with" }
        $null = New-Item -ItemType Directory -Path (Split-Path $config) -Force
        Copy-Item -LiteralPath $sample -Destination $config
    }
    $service = @{
        Name           = $ServiceName
        BinaryPathName = "`"$Installed`" --config `"$config`""
        StartupType    = 'Automatic'
        DisplayName    = 'Kanade Backend'
    }
    $null = New-Service @service
}

function Invoke-Deploy {
    if ($DeadManSeconds -and $DeadManSeconds -cnotmatch '\A[1-9][0-9]*\z') {
        Stop-Script 2 "DeadManSeconds: $DeadManSeconds is no number of seconds"
    }
    $agentMode = [bool]"$AgentSourceUrl$AgentSourceVersion$AgentSourceSha256"
    $service = Get-BackendService
    $installed = Get-InstalledPath $service
    $staging = Join-Path (Split-Path $installed) '.kanade-backend.deploy'
    $staged = Join-Path $staging 'kanade-backend.exe' # the sentinel knows a program by this name
    $mark = Join-Path $staging 'unproved'
    $previous = "$installed.previous"
    if ($agentMode) {
        Assert-Knobs
        $wanted = $AgentSourceSha256
        $version = $AgentSourceVersion
        if (-not $service) { Stop-Script 2 "the service $ServiceName is not there: agent mode only upgrades; install the first one by hand" }
    } else {
        $package = Get-LocalPackage
        $wanted = $package.Sha256
        $version = $package.Version
    }
    $running = Get-RunningPath $service $installed
    if ($running -and -not (Test-Path -LiteralPath $mark) -and (Get-Sha256 $running) -eq $wanted) { return $version }

    $null = New-Item -ItemType Directory -Path $staging -Force
    $mustAnswer = [bool]$env:KANADE_BACKEND_URL -or [bool](Get-Answer '/health')
    $suspect = ''
    if (Test-Path -LiteralPath $mark) { $suspect = (Get-Content -LiteralPath $mark -TotalCount 1) }
    # A run that was killed has left a program that nobody proved, or none at all.
    $onDisk = ''
    if (Test-Path -LiteralPath $installed) { $onDisk = Get-Sha256 $installed }
    $halfway = (-not $onDisk) -or ($onDisk -eq $suspect -and $suspect -ne $wanted)
    if ($halfway -and (Test-Path -LiteralPath $previous)) {
        Write-Note 'an interrupted run had left a program that nobody has proved; it is taken back'
        if ($service) { Stop-Backend }
        Switch-Program $previous $installed ''
        Disable-DeadManSwitch $staging
        $onDisk = Get-Sha256 $installed
        $suspect = ''
    }
    $unproved = $onDisk -eq $wanted -and $suspect -eq $wanted
    if ($unproved) { Enable-DeadManSwitch $staging $installed $wanted }
    if ($onDisk -ne $wanted) {
        if (-not (Test-Path -LiteralPath $staged) -or (Get-Sha256 $staged) -ne $wanted) {
            if (Test-Path -LiteralPath $staged) { Remove-Item -LiteralPath $staged -Force }
            if ($agentMode) { Receive-Package $staged } else { Copy-Item -LiteralPath $package.Path -Destination $staged }
        }
        Assert-Staged $staged $version $installed
        Enable-DeadManSwitch $staging $installed $wanted
        if ($service) { Stop-Backend }
        Set-Content -LiteralPath $mark -Value $wanted -Encoding Ascii
        Switch-Program $staged $installed $previous
        $unproved = $true
    } elseif ($service -and $running) {
        if ((Get-Sha256 $running) -ne $wanted) { Stop-Backend }
    }
    if (-not $service) { New-Backend $installed }
    $wrong = Start-Backend $installed $wanted $version $mustAnswer
    if (-not $wrong) {
        Disable-DeadManSwitch $staging
        if (Test-Path -LiteralPath $mark) { Remove-Item -LiteralPath $mark -Force }
        return $version
    }
    Write-Note 'the last words of the service:'
    Write-LastWord
    if (-not $unproved) {
        Stop-Script 16 "service did not start: $wrong; it is the program that was asked for, and is left in place"
    }
    if (-not (Test-Path -LiteralPath $previous)) {
        Stop-Script 16 "service did not start: $wrong; there is no earlier program to put back"
    }
    Stop-Backend
    Switch-Program $previous $installed ''
    Disable-DeadManSwitch $staging
    Remove-Item -LiteralPath $mark -Force
    $told = Get-ToldVersion $installed
    $again = Start-Backend $installed (Get-Sha256 $installed) $told $mustAnswer
    if ($again) {
        Stop-Script 16 "service did not start: $wrong; the previous program is back, and does not run either: $again"
    }
    Stop-Script 15 "service did not start: $wrong; kanade-backend $told is back and runs"
}

# A mutex is let go of by Windows when its process ends, however it ends.
$mutex = New-Object System.Threading.Mutex($false, "Global\$ServiceName.deploy")
$held = $false
try {
    try {
        $held = $mutex.WaitOne($LockSeconds * 1000)
    } catch [System.Threading.AbandonedMutexException] {
        $held = $true
    }
    if (-not $held) { Stop-Script 17 "another deploy of $ServiceName is running" }
    $proved = Invoke-Deploy | Select-Object -Last 1
    Write-Output "kanade-backend $proved"
    $script:ExitCode = 0
} catch {
    Write-Note $_.Exception.Message
    if ($script:ExitCode -eq 1) { Write-Note "at line $($_.InvocationInfo.ScriptLineNumber)" }
} finally {
    if ($held) { $mutex.ReleaseMutex() }
    $mutex.Dispose()
}
exit $script:ExitCode
