# The read-only probe: its last line names the version and the sha256 of what the service runs.
[CmdletBinding()]
param()
$ErrorActionPreference = 'Stop'
Set-StrictMode -Version 2.0

$service = Get-CimInstance -ClassName Win32_Service -Filter "Name='ExampleRelay'"
if (-not $service) {
    Write-Output 'relay absent'
    exit 0
}
$path = ($service.PathName -replace '^"([^"]+)".*', '$1') -replace '^(\S+\.exe) .*', '$1'
if ($service.ProcessId) { $path = (Get-Process -Id $service.ProcessId).Path }
$digest = (Get-FileHash -LiteralPath $path -Algorithm SHA256).Hash.ToLowerInvariant()
$version = (Get-Item -LiteralPath $path).VersionInfo.ProductVersion
$state = if ($service.ProcessId) { 'running' } else { 'stopped' }
Write-Output "relay $version sha256=$digest $state"
