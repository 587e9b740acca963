[CmdletBinding()]
param([switch]$Force)
$SourceVersion = ''
Write-Output "other $SourceVersion"
