# Brings the program of a Windows service to one version; safe to run twice, and to kill at any instant.
# The last line of stdout is "relay <version>", and it is there only when the service runs those bytes.
# Plain ASCII without a byte order mark: kanade's agent puts one in front itself.
[CmdletBinding()]
param()

$AgentSourceUrl = ''
$AgentSourceVersion = ''
$AgentSourceSha256 = ''
$AgentSourceAuthToken = ''
$ServiceName = ''

$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
Set-StrictMode -Version 2.0

function Stop-Script {
    param([int]$Code, [string]$Message)
    [Console]::Error.WriteLine($Message)
    exit $Code
}

function Get-Sha256 {
    param([string]$Path)
    if (-not (Test-Path -LiteralPath $Path -PathType Leaf)) { return '' }
    (Get-FileHash -LiteralPath $Path -Algorithm SHA256).Hash.ToLowerInvariant()
}

function Start-Checked {
    Start-Service -Name $ServiceName -WarningAction SilentlyContinue
    (Get-Service -Name $ServiceName).WaitForStatus('Running', [TimeSpan]::FromSeconds(60))
}

# What the service control manager starts: "C:\Program Files\Relay\relay.exe" --service
$service = Get-CimInstance -ClassName Win32_Service -Filter "Name='$ServiceName'"
if (-not $service) { Stop-Script 2 "there is no service $ServiceName on this host" }
if ($service.PathName -notmatch '^"([^"]+)"|^(\S+)') { Stop-Script 2 "$ServiceName has no program" }
$installed = if ($Matches.ContainsKey(1)) { $Matches[1] } else { $Matches[2] }
$staged = "$installed.staged"
$previous = "$installed.previous"

if ((Get-Sha256 $installed) -eq $AgentSourceSha256) {
    if ($service.State -ne 'Running') { Start-Checked }
    Write-Output "relay $AgentSourceVersion"
    exit 0
}

[System.Net.ServicePointManager]::SecurityProtocol = [System.Net.SecurityProtocolType]3072
$request = @{
    Uri             = "$AgentSourceUrl/api/app-packages/relay/$AgentSourceVersion"
    Headers         = @{ Authorization = "Bearer $AgentSourceAuthToken" }
    OutFile         = $staged
    TimeoutSec      = 120
    UseBasicParsing = $true
}
try {
    Invoke-WebRequest @request
} catch {
    Stop-Script 11 "download failed: $($_.Exception.Message)"
}
$actual = Get-Sha256 $staged
if ($actual -ne $AgentSourceSha256) {
    Remove-Item -LiteralPath $staged -Force
    Stop-Script 12 "sha256 mismatch - expected=$AgentSourceSha256 actual=$actual"
}

Stop-Service -Name $ServiceName -Force -WarningAction SilentlyContinue
(Get-Service -Name $ServiceName).WaitForStatus('Stopped', [TimeSpan]::FromSeconds(60))
# One step in the file system: there is no instant without a program.
[System.IO.File]::Replace($staged, $installed, $previous)
try {
    Start-Checked
} catch {
    [System.IO.File]::Replace($previous, $installed, [NullString]::Value)
    Start-Checked
    Stop-Script 15 "$ServiceName did not start: $($_.Exception.Message); the previous program is back"
}
Write-Output "relay $AgentSourceVersion"
