"""What the configurations of the tests of lectio-backup begin with."""

OF_ALL = """lang = "en"
host = "test-host"
timezone = "UTC"
[paths]
state = "{folder}/state"
run = "{folder}/run"
logs = "{folder}/logs"
env_file = "{folder}/config.env"
[backup]
dir = "{folder}/backups"
min_free = "1MB"
keep = {{ last = 1, daily = 0, weekly = 0, monthly = 0 }}
"""
