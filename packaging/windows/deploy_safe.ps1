# deploy_safe.ps1: builds on this machine and releases on the server by lectio-deploy, in the words of the old script.
#   .\deploy_safe.ps1 -Type frontend|backend|full [-SkipBuild] [-Force]
# Where to, once in the profile:  $env:LECTIO_HOST = "deploy@lectio.tw1.ru"; the project: $env:LECTIO_PROJECT (default: here).
# Returns what lectio-deploy returns: 0 released, 1 not released, 2 a person is needed, 3 released with a warning.
# Untested: there is no PowerShell in Debian. Needs ssh and tar, which Windows 10 and later bring along.
param(
    [ValidateSet("frontend", "backend", "full")] [string] $Type = "frontend",
    [string] $HostName = $env:LECTIO_HOST,
    [string] $Project = $(if ($env:LECTIO_PROJECT) { $env:LECTIO_PROJECT } else { "." }),
    [switch] $SkipBuild,
    [switch] $Force
)
$ErrorActionPreference = "Stop"
if (-not $HostName) { Write-Error "Say where to: -HostName user@host, or `$env:LECTIO_HOST" -ErrorAction Continue; exit 64 }

$frontend = Join-Path $Project "frontend"
$options = if ($Force) { " --force" } else { "" }

function Build-Frontend {
    Push-Location $frontend
    try {
        npm ci
        if ($LASTEXITCODE -ne 0) { exit 1 }
        npm run build
        if ($LASTEXITCODE -ne 0) { exit 1 }
    } finally { Pop-Location }
}

# PowerShell 5 takes what goes through a pipe for text: the archive is a file first, and cmd hands its bytes on.
function Send-Build([string] $command) {
    $archive = [IO.Path]::GetTempFileName()
    try {
        tar -czf $archive -C (Join-Path $frontend "build") .
        if ($LASTEXITCODE -ne 0) { return 1 }
        cmd /c "ssh $HostName `"$command`" < `"$archive`"" | Out-Host
        return $LASTEXITCODE
    } finally { Remove-Item $archive }
}

if ($Type -ne "backend" -and -not $SkipBuild) { Build-Frontend }
$status = switch ($Type) {
    "frontend" { Send-Build "sudo lectio-deploy frontend -$options" }
    "full" { Send-Build "sudo lectio-deploy full -$options" }
    "backend" { ssh $HostName "sudo lectio-deploy backend$options" | Out-Host; $LASTEXITCODE }
}
exit $status
