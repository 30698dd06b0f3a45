#!/usr/bin/python3
"""The project's command line, where the real site has its own."""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "teaching_panel.settings")
execute_from_command_line(sys.argv)
